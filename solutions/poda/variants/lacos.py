"""Com laços explícitos e listas ordenadas; entre empates, saem os últimos."""

import math

import torch


def _share(value):
    if value < 0 or value > 1:
        raise ValueError("a fração vai de 0 a 1")


def magnitude_mask(weight, sparsity):
    _share(sparsity)
    values = [abs(value) for value in weight.detach().flatten().tolist()]
    order = sorted(range(len(values)), key=lambda i: (values[i], -i))
    mask = torch.empty(weight.shape, dtype=torch.bool)
    flat = mask.view(-1)
    leaving = round(len(values) * sparsity)
    for rank, index in enumerate(order):
        flat[index] = rank >= leaving
    return mask


def global_magnitude_masks(weights, sparsity):
    _share(sparsity)
    masks = {name: torch.full(weight.shape, True) for name, weight in weights.items()}
    queue = []
    for name, weight in weights.items():
        for index, value in enumerate(weight.detach().reshape(-1)):
            queue.append((abs(value.item()), name, index))
    queue.sort(reverse=True)
    for _ in range(round(sparsity * len(queue))):
        _, name, index = queue.pop()
        masks[name].view(-1)[index] = False
    return masks


def filter_mask(weight, fraction):
    _share(fraction)
    squares = []
    for kernel in weight.detach():
        total = 0.0
        for value in kernel.flatten().tolist():
            total += value * value
        squares.append(math.sqrt(total))
    leaving = sorted(range(len(squares)), key=squares.__getitem__)[: round(fraction * len(squares))]
    return torch.tensor([i not in leaving for i in range(len(squares))])


def obd_saliency(weight, hessian_diag):
    out = torch.empty_like(weight)
    flat, w, h = out.view(-1), weight.reshape(-1), hessian_diag.reshape(-1)
    for i in range(w.numel()):
        flat[i] = w[i] * w[i] * h[i] / 2
    return out


class Pruner:
    def __init__(self, model, masks):
        self.parameters = dict(model.named_parameters())
        self.pruned = {name: torch.nonzero(~mask).tolist() for name, mask in masks.items()}

    def apply(self):
        for name, positions in self.pruned.items():
            for position in positions:
                self.parameters[name].data[tuple(position)] = 0.0


def iterative_sparsities(final, rounds):
    _share(final)
    kept_each_round = (1 - final) ** (1 / rounds)
    remaining, sparsities = 1.0, []
    for _ in range(rounds):
        remaining *= kept_each_round
        sparsities.append(1.0 - remaining)
    return sparsities
