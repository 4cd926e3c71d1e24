"""Com laços explícitos e os sorteios um a um, do fim para o começo."""

import math

import numpy as np
import torch
from torch import nn


def dropout_forward(x, p, training, rng):
    if p < 0 or p > 1:
        raise ValueError("probabilidade inválida")
    mask = np.empty(x.shape)
    flat = mask.reshape(-1)
    for i in reversed(range(flat.size)):
        if not training:
            flat[i] = 1.0
        elif p == 1.0:
            flat[i] = 0.0
        else:
            flat[i] = 0.0 if rng.uniform() < p else 1.0 / (1.0 - p)
    out = np.empty(x.shape)
    for index in np.ndindex(*x.shape):
        out[index] = x[index] * mask[index]
    return out, mask


def dropout_backward(dout, mask):
    dx = np.zeros_like(dout)
    for index in np.ndindex(*dout.shape):
        dx[index] = dout[index] * mask[index]
    return dx


class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = float(p)

    def forward(self, x):
        if self.p < 0.0 or self.p > 1.0:
            raise ValueError("p inválido")
        if not self.training:
            return x.clone()
        keep = 1.0 - self.p
        mask = torch.bernoulli(torch.full(x.shape, keep, device=x.device))
        if keep > 0:
            mask = mask / keep
        return mask.type_as(x) * x


def mc_dropout_predict(model, x, samples):
    before = {name: module.training for name, module in model.named_modules()}
    outputs = []
    try:
        for module in model.modules():
            module.training = isinstance(module, Dropout)
        for _ in range(samples):
            outputs.append(model(x).detach())
    finally:
        for name, module in model.named_modules():
            module.training = before[name]
    mean = sum(outputs) / samples
    variance = sum((output - mean) ** 2 for output in outputs) / samples
    return mean, variance.clamp(min=0).pow(1 / math.sqrt(4))
