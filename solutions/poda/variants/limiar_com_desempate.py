"""Com o limiar de kthvalue e desempate pela posição; o Pruner passa pelo state_dict; a lista é recursiva."""

import torch


def _keep(scores, share):
    if share < 0.0 or share > 1.0:
        raise ValueError("fora de [0, 1]")
    count = round(share * scores.numel())
    if count == 0:
        return scores == scores
    threshold = scores.kthvalue(count).values
    leaves = scores < threshold
    missing = count - int(leaves.sum())
    ties = (scores == threshold).nonzero().flatten()
    leaves[ties[len(ties) - missing :]] = True
    return torch.logical_not(leaves)


def magnitude_mask(weight, sparsity):
    return torch.unflatten(_keep(weight.abs().ravel(), sparsity), 0, tuple(weight.shape))


def global_magnitude_masks(weights, sparsity):
    scores = torch.hstack([weight.abs().ravel() for weight in weights.values()])
    keep = _keep(scores, sparsity)
    masks, start = dict.fromkeys(weights), 0
    for name, weight in weights.items():
        masks[name] = keep[start : start + weight.numel()].view_as(weight).clone()
        start += weight.numel()
    return masks


def filter_mask(weight, fraction):
    return _keep(weight.square().sum(dim=(1, 2, 3)).sqrt(), fraction)


def obd_saliency(weight, hessian_diag):
    return (weight * weight) * (hessian_diag / 2)


class Pruner:
    def __init__(self, model, masks):
        self.model = model
        self.masks = dict(masks)

    def apply(self):
        state = self.model.state_dict()
        for name in self.masks.keys() & state.keys():
            state[name].copy_(state[name] * self.masks[name])


def iterative_sparsities(final, rounds):
    if not 0 <= final <= 1:
        raise ValueError(final)
    if rounds == 1:
        return [final]
    first = 1 - (1 - final) ** (1 / rounds)
    rest = iterative_sparsities(1 - (1 - final) ** ((rounds - 1) / rounds), rounds - 1)
    return [first, *[first + (1 - first) * s for s in rest]]
