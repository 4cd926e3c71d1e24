"""Guarda todos os gradientes e refaz as somas a cada passo, com einsum; troca `p.data` em vez de mudar no lugar."""

import numpy as np
import torch


class _History:
    def __init__(self, params, lr):
        if not lr >= 0:
            raise ValueError(f"taxa {lr}")
        self.params, self.lr, self.past = list(params), lr, {}

    def zero_grad(self, set_to_none=True):
        for p in self.params:
            if p.grad is not None:
                p.grad = None if set_to_none else torch.zeros_like(p)

    def remember(self, p, decay=0.0):
        """Os gradientes de p até agora, do mais antigo ao mais novo, em NumPy e em float64."""
        gradient = p.grad.detach().double().numpy().copy() + decay * p.detach().double().numpy()
        self.past.setdefault(id(p), []).append(gradient)
        return np.stack(self.past[id(p)])

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            shrink, change = self.change(p)
            moved = p.detach().double() * shrink - torch.as_tensor(change)
            p.data = moved.to(p.dtype)


class SGD(_History):
    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        super().__init__(params, lr)
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay

    def change(self, p):
        past = self.remember(p, self.weight_decay)
        powers = float(self.momentum) ** np.arange(len(past))[::-1]
        velocity = np.einsum("t,t...->...", powers, past)
        if self.nesterov:
            velocity = past[-1] + self.momentum * velocity
        return 1, self.lr * velocity


class Adagrad(_History):
    def __init__(self, params, lr, eps=1e-10):
        super().__init__(params, lr)
        self.eps = eps

    def change(self, p):
        past = self.remember(p)
        return 1, self.lr * past[-1] / (np.linalg.norm(past, axis=0) + self.eps)


class RMSprop(_History):
    def __init__(self, params, lr, alpha=0.99, eps=1e-8):
        super().__init__(params, lr)
        self.alpha, self.eps = alpha, eps

    def change(self, p):
        past = self.remember(p)
        weights = (1 - self.alpha) * float(self.alpha) ** np.arange(len(past))[::-1]
        average = np.einsum("t,t...,t...->...", weights, past, past)
        return 1, self.lr * past[-1] / (average**0.5 + self.eps)


def _direction(past, betas, eps):
    ages = np.arange(len(past))[::-1]
    first, second = (float(beta) ** ages for beta in betas)
    mean = np.average(past, axis=0, weights=first)
    square = np.average(past**2, axis=0, weights=second)
    return mean / (np.sqrt(square) + eps)


class Adam(_History):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr)
        for beta in betas:
            if beta < 0 or beta >= 1:
                raise ValueError(f"beta {beta}")
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay

    def change(self, p):
        past = self.remember(p, self.weight_decay)
        return 1, self.lr * _direction(past, self.betas, self.eps)


class AdamW(_History):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr)
        if any(not 0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas {betas}")
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay

    def change(self, p):
        past = self.remember(p)
        return 1 - self.lr * self.weight_decay, self.lr * _direction(past, self.betas, self.eps)
