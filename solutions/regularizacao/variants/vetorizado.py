"""Sem laços: pesos concatenados, recorte em vez de sinal, e índices para todas as imagens de uma vez."""

import itertools
import pickle

import numpy as np


def l2_penalty(weights, lam):
    flat = np.concatenate([w.ravel() for w in weights])
    return np.float64(flat @ flat * lam * 0.5), list(map(np.multiply, weights, itertools.repeat(lam)))


def l1_penalty(weights, lam):
    flat = np.concatenate([w.ravel() for w in weights])
    scale = np.array([lam])
    grads = [scale * (1.0 * (w > 0) - 1.0 * (w < 0)) for w in weights]
    return np.linalg.norm(flat, 1) * lam, grads


def soft_threshold(w, t):
    if t == 0:
        return w
    return w - np.clip(w, -t, t)


class EarlyStopping:
    """Guarda o estado serializado e só o refaz quando alguém o pede."""

    def __init__(self, patience, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.losses, self.saved, self.best_loss = [], None, np.inf

    def step(self, val_loss, state):
        improved = val_loss + self.min_delta < self.best_loss
        self.losses.append(bool(improved))
        if improved:
            self.best_loss, self.saved = val_loss, pickle.dumps(state)
        return len(self.losses) >= self.patience and not any(self.losses[-self.patience :])

    @property
    def best_state(self):
        return pickle.loads(self.saved)


def random_shift(images, max_shift, rng):
    count, height, width = images.shape
    dy, dx = rng.integers(-max_shift, max_shift + 1, size=(2, count, 1, 1))
    y, x = np.arange(height)[None, :, None] - dy, np.arange(width)[None, None, :] - dx
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    source = images[np.arange(count)[:, None, None], y.clip(0, height - 1), x.clip(0, width - 1)]
    return np.where(inside, source, 0.0)
