"""Com cópias e vistas: theta achatado e restaurado, pontos acumulados, X e y embaralhados em cópias."""

import itertools

import numpy as np


def numerical_gradient(f, theta, h=1e-5):
    work = np.array(theta, dtype=np.float64)
    flat, slopes = work.reshape(-1), []
    for i in range(flat.size):
        original = flat[i]
        flat[i] = original - h
        slope = -f(work) / (2 * h)
        flat[i] = original + h
        slopes.append(slope + f(work) / (2 * h))
        flat[i] = original
    return np.array(slopes).reshape(theta.shape)


def gradient_descent(grad_fn, theta0, lr, steps):
    points = itertools.accumulate(range(steps), lambda t, _: t - lr * grad_fn(t), initial=theta0)
    return np.array(list(points))


def sgd_linear_regression(X, y, lr, epochs, batch_size, rng):
    pairs = np.column_stack([X, y])
    w, b = np.zeros((X.shape[1], 1)), np.zeros(())
    losses = []
    for _ in range(epochs):
        pairs = rng.permutation(pairs, axis=0)
        start = 0
        while start < len(pairs):
            features, targets = pairs[start : start + batch_size, :-1], pairs[start : start + batch_size, -1:]
            error = (features @ w + b - targets) / len(targets)
            w, b = w - lr * features.T @ error, b - lr * error.sum()
            start += batch_size
        losses.append(np.mean((X @ w + b - y[:, np.newaxis]) ** 2) / 2)
    return w.ravel(), b.item(), losses
