"""Com a distribuição binomial, np.where e funções auxiliares; a entrada volta como cópia."""

import numpy as np
import torch


def _check(p):
    if not (0.0 <= p <= 1.0):
        raise ValueError(p)


def _scaled(keep, p):
    return keep.astype(np.float64) if p in (0, 1) else np.where(keep, 1 / (1 - p), 0.0)


def dropout_forward(x, p, training, rng):
    _check(p)
    keep = rng.binomial(1, 1 - p, size=x.shape).astype(bool) if training else np.ones(x.shape, dtype=bool)
    mask = _scaled(keep, p if training else 0)
    return np.einsum("...,...->...", x, mask), mask


def dropout_backward(dout, mask):
    return np.where(mask == 0, 0.0, dout * mask)


class Dropout(torch.nn.Module):
    def __init__(self, p=0.5):
        _check(p)
        super().__init__()
        self.register_buffer("drop", torch.tensor(float(p)))

    def forward(self, x):
        p = self.drop.item()
        if not self.training or p == 0:
            return x
        dropped = torch.empty_like(x, dtype=torch.float64).uniform_() < p
        return torch.where(dropped, torch.zeros_like(x), x / (1 - p) if p < 1 else x)


def mc_dropout_predict(model, x, samples):
    modules = list(model.modules())
    modes = [module.training for module in modules]
    model.train(False)
    for module in modules:
        if type(module) is Dropout:
            module.train(True)
    try:
        with torch.inference_mode():
            outputs = np.stack([model(x).numpy() for _ in range(samples)])
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode
    return torch.from_numpy(outputs.mean(axis=0)), torch.from_numpy(outputs.std(axis=0))
