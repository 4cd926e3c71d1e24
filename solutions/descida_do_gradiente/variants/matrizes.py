"""Sem laço nas coordenadas do gradiente, com a trajetória pré-alocada e o viés como uma coluna de uns."""

import numpy as np


def numerical_gradient(f, theta, h=1e-5):
    moves = h * np.eye(theta.size).reshape(theta.size, *theta.shape)
    ahead = np.array([f(point) for point in theta + moves])
    behind = np.array([f(point) for point in theta - moves])
    return ((ahead - behind) / (h + h)).reshape(theta.shape)


def gradient_descent(grad_fn, theta0, lr, steps):
    trajectory = np.repeat(theta0[None], steps + 1, axis=0)
    for k in range(steps):
        trajectory[k + 1 :] = trajectory[k] - np.multiply(lr, grad_fn(trajectory[k, ...]))
    return trajectory


def sgd_linear_regression(X, y, lr, epochs, batch_size, rng):
    n, d = X.shape
    A = np.hstack([X, np.ones((n, 1))])
    theta = np.zeros(d + 1)
    orders = rng.random((epochs, n)).argsort(axis=1)  # todas as ordens de uma vez
    losses = np.empty(epochs)
    for epoch, order in enumerate(orders):
        for batch in np.split(order, np.arange(batch_size, n, batch_size)):
            part = A[batch]
            theta -= lr / len(batch) * np.einsum("ij,i->j", part, part @ theta - y[batch])
        losses[epoch] = np.square(A @ theta - y).sum() / n / 2
    return theta[:d], float(theta[d]), losses
