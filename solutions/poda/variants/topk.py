"""Com topk, scatter e masked_fill_; o construtor já aplica as máscaras, e a conta parte do que fica."""

import torch


class InvalidShare(ValueError):
    """Uma fração fora de [0, 1]."""


def _leaving(share, total):
    if not (0.0 <= share <= 1.0):
        raise InvalidShare(share)
    return round(share * total)


def _smallest(scores, count):
    leaving = torch.topk(scores, count, largest=False, sorted=False).indices
    return torch.zeros(scores.numel(), dtype=torch.bool).scatter(0, leaving, True).logical_not()


def magnitude_mask(weight, sparsity):
    return _smallest(weight.detach().abs().reshape(-1), _leaving(sparsity, weight.numel())).view(weight.shape)


def global_magnitude_masks(weights, sparsity):
    names = list(weights)
    vector = torch.nn.utils.parameters_to_vector([weights[name].detach() for name in names])
    keep = _smallest(vector.square(), _leaving(sparsity, vector.numel()))
    masks = {}
    for name in reversed(names):
        size = weights[name].numel()
        masks[name] = keep[keep.numel() - size :].view_as(weights[name])
        keep = keep[: keep.numel() - size]
    return masks


def filter_mask(weight, fraction):
    energy = torch.einsum("oikl,oikl->o", weight.detach(), weight.detach())
    kept = weight.shape[0] - _leaving(fraction, weight.shape[0])
    mask = torch.zeros(weight.shape[0], dtype=torch.bool)
    mask[energy.topk(kept).indices] = True
    return mask


def obd_saliency(weight, hessian_diag):
    return torch.einsum("...,...,...->...", weight, hessian_diag, weight).div(2)


class Pruner(torch.nn.Module):
    def __init__(self, model, masks):
        super().__init__()
        self.targets = [(model.get_parameter(name), mask.logical_not()) for name, mask in masks.items()]
        self.apply()

    @torch.no_grad()
    def apply(self):
        for parameter, leaving in self.targets:
            parameter.masked_fill_(leaving, 0)


def iterative_sparsities(final, rounds):
    if final > 1 or final < 0:
        raise InvalidShare(final)
    steps = torch.arange(1, rounds + 1, dtype=torch.float64) / rounds
    return (1 - torch.pow(torch.tensor(1.0 - final, dtype=torch.float64), steps)).tolist()
