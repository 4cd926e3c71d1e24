"""Pelo NumPy, com o posto de cada peso e argpartition; o Pruner troca os dados de cada Parameter."""

import numpy as np
import torch


def _check(share):
    if share != min(max(share, 0), 1):
        raise ValueError(f"{share} não está em [0, 1]")


def _ranks(values):
    order = np.argsort(values, axis=None, kind="stable")
    ranks = np.empty(values.size, dtype=np.int64)
    ranks[order] = np.arange(values.size)
    return ranks


def magnitude_mask(weight, sparsity):
    _check(sparsity)
    values = np.abs(weight.detach().numpy())
    return torch.from_numpy(_ranks(values).reshape(values.shape) >= round(sparsity * values.size))


def global_magnitude_masks(weights, sparsity):
    _check(sparsity)
    arrays = {name: np.abs(weight.detach().numpy()) for name, weight in weights.items()}
    ranks = _ranks(np.concatenate([array.ravel() for array in arrays.values()]))
    leaving = round(sparsity * ranks.size)
    ends = np.cumsum([array.size for array in arrays.values()])
    pieces = np.split(ranks, ends[:-1])
    return {
        name: torch.tensor((piece >= leaving).reshape(array.shape))
        for (name, array), piece in zip(arrays.items(), pieces, strict=True)
    }


def filter_mask(weight, fraction):
    _check(fraction)
    norms = np.linalg.norm(weight.detach().numpy().reshape(weight.shape[0], -1), ord=2, axis=1)
    count = round(fraction * len(norms))
    mask = np.ones(len(norms), dtype=bool)
    if count:
        mask[np.argpartition(norms, count - 1)[:count]] = False
    return torch.from_numpy(mask)


def obd_saliency(weight, hessian_diag):
    return weight.pow(2).mul(hessian_diag).mul(0.5)


class Pruner:
    def __init__(self, model, masks):
        self.model, self.masks = model, {name: mask.clone() for name, mask in masks.items()}

    def apply(self):
        for name, mask in self.masks.items():
            parameter = self.model.get_parameter(name)
            parameter.data = torch.where(mask, parameter.data, torch.zeros_like(parameter.data))


def iterative_sparsities(final, rounds):
    _check(final)
    if rounds == 1 or final == 1:
        return [final] * rounds
    remaining = np.geomspace(1, 1 - final, rounds + 1)
    return [float(1 - r) for r in remaining[1:]]
