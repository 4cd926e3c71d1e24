"""Com einsum, matrizes de deslocamento e uma classe de dados; a melhora é decidida por outra conta."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def l2_penalty(weights, lam):
    penalty = 0
    for w in weights:
        penalty = penalty + np.einsum("i,i->", w.reshape(-1), w.reshape(-1))
    return penalty * (lam / 2), [np.multiply(lam, w) for w in weights]


def l1_penalty(weights, lam):
    parts = [np.vdot(np.sign(w), w) for w in weights]
    return np.sum(np.array(parts) * lam), [np.sign(w) * lam for w in weights]


def soft_threshold(w, t):
    return np.fmax(w - t, 0.0) - np.fmax(-w - t, 0.0)


@dataclass
class EarlyStopping:
    patience: int
    min_delta: float = 0.0
    best_loss: float = float("inf")
    best_state: dict[str, Any] = field(default_factory=dict)
    epoch: int = 0
    best_epoch: int = 0

    def step(self, val_loss, state):
        self.epoch += 1
        if np.less(val_loss, np.subtract(self.best_loss, self.min_delta)):
            self.best_loss = float(val_loss)
            self.best_state = deepcopy(state)
            self.best_epoch = self.epoch
        return np.bool_(self.epoch - self.best_epoch >= self.patience)


def random_shift(images, max_shift, rng):
    count, height, width = images.shape
    choices = np.arange(-max_shift, max_shift + 1)
    dy, dx = rng.choice(choices, size=count), rng.choice(choices, size=count)
    rows = np.stack([np.eye(height, k=-int(k)) for k in dy])
    columns = np.stack([np.eye(width, k=int(k)) for k in dx])
    return rows @ images @ columns
