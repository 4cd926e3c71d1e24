"""Com sorteios em float32, autograd próprio no módulo e passagens empilhadas por fold."""

import functools

import numpy as np
import torch


def dropout_forward(x, p, training, rng):
    if p > 1 or p < 0:
        raise ValueError("use p entre 0 e 1")
    if training is False:
        return x.view(), np.ones(x.shape)
    survivors = 1.0 - p
    draws = rng.random(size=x.size, dtype=np.float32).reshape(x.shape)
    mask = np.zeros(x.shape)
    if survivors > 0:
        mask[draws >= np.float32(p)] = 1.0 / survivors
    return mask * x, mask


def dropout_backward(dout, mask):
    return np.multiply(mask, dout)


class _Mask(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, mask):
        ctx.save_for_backward(mask)
        return x * mask

    @staticmethod
    def backward(ctx, upstream):
        (mask,) = ctx.saved_tensors
        return upstream * mask, None


class Dropout(torch.nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError("p")
        self.keep = 1 - p

    def forward(self, x):
        if self.training and self.keep < 1:
            mask = torch.zeros_like(x).bernoulli_(self.keep)
            return _Mask.apply(x, mask / max(self.keep, 1e-12))
        return x


def mc_dropout_predict(model, x, samples):
    previous = {}

    def activate(module):
        previous[module] = module.training
        module.training = isinstance(module, Dropout)

    model.apply(activate)
    try:
        with torch.no_grad():
            first = model(x)
            rest = [model(x) for _ in range(samples - 1)]
    finally:
        for module, mode in previous.items():
            module.training = mode
    outputs = [first, *rest]
    mean = functools.reduce(torch.add, outputs) / samples
    squares = functools.reduce(torch.add, [(output - mean).square() for output in outputs])
    return mean, (squares / samples).sqrt()
