"""Com laços explícitos: muda theta no lugar e o restaura, e o SGD soma exemplo por exemplo e coluna por coluna."""

import numpy as np


def numerical_gradient(f, theta, h=1e-5):
    grad = np.empty(theta.shape)
    for index, value in np.ndenumerate(theta.copy()):
        theta[index] = value + h
        ahead = f(theta)
        theta[index] = value - h
        behind = f(theta)
        theta[index] = value
        grad[index] = 0.5 * (ahead - behind) / h
    return grad


def gradient_descent(grad_fn, theta0, lr, steps):
    trajectory = np.zeros((steps + 1, *theta0.shape))
    trajectory[0] = theta0
    for k in range(steps):
        here = trajectory[k].copy()
        slope = grad_fn(here)
        for index in np.ndindex(*theta0.shape):
            trajectory[(k + 1, *index)] = here[index] - lr * slope[index]
    return trajectory


def sgd_linear_regression(X, y, lr, epochs, batch_size, rng):
    n, d = X.shape
    rows, targets = X.tolist(), y.tolist()
    w, b, losses = [0.0] * d, 0.0, []

    def miss(i):
        return sum(w[j] * rows[i][j] for j in range(d)) + b - targets[i]

    for _ in range(epochs):
        pending = list(range(n))
        rng.shuffle(pending)
        while pending:
            batch = [pending.pop() for _ in range(min(batch_size, len(pending)))]
            errors = [miss(i) for i in batch]
            slopes = [0.0] * d
            for error, i in zip(errors, batch, strict=True):
                for j in range(d):
                    slopes[j] += error * rows[i][j]
            w = [w[j] - lr / len(batch) * slopes[j] for j in range(d)]
            b = b - lr * sum(errors) / len(batch)
        losses.append(sum(miss(i) ** 2 for i in range(n)) / (2 * n))
    return np.array(w), b, np.array(losses)
