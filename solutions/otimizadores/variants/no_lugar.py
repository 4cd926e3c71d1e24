"""Com operações no lugar, estado criado no construtor, zero_grad que zera e AdamW herdeiro de Adam."""

import torch


class _Base:
    names = ()

    def __init__(self, params, lr, **options):
        if lr < 0:
            raise ValueError("lr")
        self.params = tuple(params)
        self.lr = lr
        self.options = options
        self.state = [{name: torch.zeros_like(p) for name in self.names} | {"t": 0} for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, state in zip(self.params, self.state, strict=True):
            if p.grad is not None:
                state["t"] += 1
                self.update(p, p.grad, state, **self.options)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.detach_().zero_()


class SGD(_Base):
    names = ("v",)

    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        super().__init__(params, lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)

    def update(self, p, g, state, momentum, nesterov, weight_decay):
        g = g.add(p, alpha=weight_decay)
        if state["t"] == 1:
            state["v"].copy_(g)
        else:
            state["v"].mul_(momentum).add_(g)
        p.add_(g.add(state["v"], alpha=momentum) if nesterov else state["v"], alpha=-self.lr)


class Adagrad(_Base):
    names = ("total",)

    def __init__(self, params, lr, eps=1e-10):
        super().__init__(params, lr, eps=eps)

    def update(self, p, g, state, eps):
        state["total"].addcmul_(g, g)
        p.addcdiv_(g, state["total"].sqrt().add_(eps), value=-self.lr)


class RMSprop(_Base):
    names = ("average",)

    def __init__(self, params, lr, alpha=0.99, eps=1e-8):
        super().__init__(params, lr, alpha=alpha, eps=eps)

    def update(self, p, g, state, alpha, eps):
        state["average"].mul_(alpha).addcmul_(g, g, value=1 - alpha)
        p.addcdiv_(g, state["average"].sqrt().add_(eps), value=-self.lr)


class Adam(_Base):
    names = ("m", "v")
    decoupled = False

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        if min(betas) < 0 or max(betas) >= 1:
            raise ValueError("betas")
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, p, g, state, betas, eps, weight_decay):
        if self.decoupled:
            p.mul_(1 - self.lr * weight_decay)
        else:
            g = g.add(p, alpha=weight_decay)
        m, v = state["m"], state["v"]
        m.lerp_(g, 1 - betas[0])
        v.mul_(betas[1]).addcmul_(g, g.conj(), value=1 - betas[1])
        first, second = (1 - beta ** state["t"] for beta in betas)
        p.addcdiv_(m, (v.sqrt() / second**0.5).add_(eps), value=-self.lr / first)


class AdamW(Adam):
    decoupled = True

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps, weight_decay)
