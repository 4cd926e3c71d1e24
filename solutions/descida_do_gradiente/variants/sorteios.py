"""Com pesos de 0 e 1 no lugar de índices, sorteios um a um, e o ponto escrito direto na trajetória."""

import numpy as np


def numerical_gradient(f, theta, h=1e-5):
    grad = np.zeros(theta.shape)
    position = np.arange(theta.size).reshape(theta.shape)
    for i in range(theta.size):
        here = position == i
        grad = np.where(
            here, (f(np.where(here, theta + h, theta)) - f(np.where(here, theta - h, theta))) / 2 / h, grad
        )
    return grad


def gradient_descent(grad_fn, theta0, lr, steps):
    def path(theta, left):
        yield theta
        if left > 0:
            yield from path(np.subtract(theta, lr * np.asarray(grad_fn(theta.copy()))), left - 1)

    return [np.array(point) for point in path(theta0, steps)]


def sgd_linear_regression(X, y, lr, epochs, batch_size, rng):
    n = len(y)
    w, b, losses = np.zeros(X.shape[1]), 0.0, np.zeros(epochs)
    for epoch in range(epochs):
        left = np.ones(n, dtype=bool)
        while left.any():
            chosen = rng.choice(np.flatnonzero(left), size=min(batch_size, left.sum()), replace=False)
            weight = np.zeros(n)
            weight[chosen] = 1 / len(chosen)
            error = weight * (X @ w + b - y)
            w, b = w - lr * error @ X, b - lr * float(np.sum(error))
            left[chosen] = False
        losses[epoch] = 0.5 * np.average((X @ w + b - y) ** 2)
    return w, b, losses
