"""Com laços explícitos, pixel a pixel e peso a peso, e os sorteios um a um."""

import math

import numpy as np


def l2_penalty(weights, lam):
    total, grads = 0.0, []
    for w in weights:
        grad = np.zeros(w.shape)
        for index in np.ndindex(*w.shape):
            total += w[index] * w[index]
            grad[index] = w[index] * lam
        grads.append(grad)
    return lam * total / 2, grads


def l1_penalty(weights, lam):
    total, grads = 0.0, []
    for w in reversed(weights):
        grad = np.zeros(w.shape)
        for index in np.ndindex(*w.shape):
            total += abs(w[index])
            if w[index] != 0:
                grad[index] = math.copysign(lam, w[index])
        grads.insert(0, grad)
    return total * lam, tuple(grads)


def soft_threshold(w, t):
    out = np.zeros(w.shape)
    for index in np.ndindex(*w.shape):
        if w[index] > t:
            out[index] = w[index] - t
        elif w[index] < -t:
            out[index] = w[index] + t
    return out


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.left = self.patience = patience
        self.min_delta = min_delta
        self.best_loss = float("inf")

    def step(self, val_loss, state):
        if not math.isnan(val_loss) and self.best_loss - val_loss > self.min_delta:
            self.best_loss, self.best_state, self.left = val_loss, duplicate(state), self.patience
            return False
        self.left -= 1
        return self.left <= 0


def duplicate(state):
    if isinstance(state, dict):
        return {key: duplicate(value) for key, value in state.items()}
    return np.array(state)


def random_shift(images, max_shift, rng):
    count, height, width = images.shape
    out = np.zeros(images.shape)
    for i in reversed(range(count)):
        dx = int(rng.integers(-max_shift, max_shift, endpoint=True))
        dy = int(rng.integers(2 * max_shift + 1)) - max_shift
        for y in range(height):
            for x in range(width):
                if 0 <= y - dy < height and 0 <= x - dx < width:
                    out[i, y, x] = images[i, y - dy, x - dx]
    return out
