"""Com laços explícitos, o módulo math e números do Python, somando do fim para o começo."""

import math

import numpy as np


def mse(y_pred, y_true):
    if tuple(y_pred.shape) != tuple(y_true.shape):
        raise ValueError("as formas diferem")
    grad = np.empty(y_pred.shape)
    total = 0.0
    for index in reversed(list(np.ndindex(*y_pred.shape))):
        error = float(y_pred[index]) - float(y_true[index])
        total += error * error
        grad[index] = 2.0 * error / y_pred.size
    return total / y_pred.size, grad


def mae(y_pred, y_true):
    if tuple(y_pred.shape) != tuple(y_true.shape):
        raise ValueError("as formas diferem")
    grad = np.zeros(y_pred.shape)
    total = 0.0
    for index in reversed(list(np.ndindex(*y_pred.shape))):
        error = float(y_pred[index]) - float(y_true[index])
        total += abs(error)
        if error > 0:
            grad[index] = 1 / y_pred.size
        elif error < 0:
            grad[index] = -1 / y_pred.size
    return total / y_pred.size, grad


def cross_entropy(logits, labels, label_smoothing=0.0):
    examples, classes = logits.shape
    for label in labels:
        if not 0 <= label < classes:
            raise ValueError(f"rótulo {label}")
    loss = 0.0
    grad = np.zeros((examples, classes))
    for i in range(examples):
        row = [float(z) for z in logits[i]]
        largest = max(row)
        log_sum = largest + math.log(sum(math.exp(z - largest) for z in row))
        for k, z in enumerate(row):
            wanted = label_smoothing / classes
            if k == labels[i]:
                wanted += 1 - label_smoothing
            loss += wanted * (log_sum - z) / examples
            grad[i, k] = (math.exp(z - log_sum) - wanted) / examples
    return loss, grad
