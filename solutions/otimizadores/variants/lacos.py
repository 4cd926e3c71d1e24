"""Com laços sobre números do Python, um elemento por vez; o erro de argumento aparece no primeiro passo."""

import math

import torch


class TaxaInvalida(ValueError):
    pass


class _Loops:
    def __init__(self, params, lr, betas=(), **settings):
        self.params = list(params)
        self.lr = lr
        self.betas = betas
        self.settings = settings
        self.memory = [None] * len(self.params)

    def zero_grad(self):
        for i in range(len(self.params)):
            del self.params[i].grad

    def step(self):
        if self.lr < 0:
            raise TaxaInvalida(self.lr)
        if any(b < 0 or b >= 1 for b in self.betas):
            raise TaxaInvalida(self.betas)
        for index, p in enumerate(self.params):
            if p.grad is not None:
                thetas = p.detach().reshape(-1).tolist()
                gradients = p.grad.detach().reshape(-1).tolist()
                if self.memory[index] is None:
                    self.memory[index] = [{} for _ in thetas]
                triples = zip(thetas, gradients, self.memory[index], strict=True)
                new = [self.one(theta, g, cell) for theta, g, cell in triples]
                p.data.copy_(torch.tensor(new, dtype=torch.float64).reshape(p.shape))


class SGD(_Loops):
    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        super().__init__(params, lr)
        self.mu, self.ahead, self.decay = momentum, nesterov, weight_decay

    def one(self, theta, g, cell):
        g = g + self.decay * theta
        # a velocidade já multiplicada pela taxa dá no mesmo
        cell["v"] = self.mu * cell["v"] + self.lr * g if "v" in cell else self.lr * g
        return theta - (self.lr * g + self.mu * cell["v"]) if self.ahead else theta - cell["v"]


class Adagrad(_Loops):
    def __init__(self, params, lr, eps=1e-10):
        super().__init__(params, lr)
        self.eps = eps

    def one(self, theta, g, cell):
        cell["norm"] = math.hypot(cell.get("norm", 0.0), g)
        return theta - self.lr * g / (cell["norm"] + self.eps)


class RMSprop(_Loops):
    def __init__(self, params, lr, alpha=0.99, eps=1e-8):
        super().__init__(params, lr)
        self.alpha, self.eps = alpha, eps

    def one(self, theta, g, cell):
        cell["s"] = self.alpha * cell.get("s", 0.0) + (1 - self.alpha) * g * g
        return theta - self.lr * g / (math.sqrt(cell["s"]) + self.eps)


def _adam(cell, g, betas, eps):
    for key, beta, power in (("m", betas[0], 1), ("v", betas[1], 2)):
        cell[key] = beta * cell.get(key, 0.0) + (1 - beta) * g**power
        # o peso que já entrou na média é a própria correção
        cell[key + "w"] = beta * cell.get(key + "w", 0.0) + (1 - beta)
    return cell["m"] / cell["mw"] / (math.sqrt(cell["v"] / cell["vw"]) + eps)


class Adam(_Loops):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, lr, betas)
        self.eps, self.decay = eps, weight_decay

    def one(self, theta, g, cell):
        return theta - self.lr * _adam(cell, g + self.decay * theta, self.betas, self.eps)


class AdamW(_Loops):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas)
        self.eps, self.decay = eps, weight_decay

    def one(self, theta, g, cell):
        shrunk = theta - self.lr * self.decay * theta
        return shrunk - self.lr * _adam(cell, g, self.betas, self.eps)
