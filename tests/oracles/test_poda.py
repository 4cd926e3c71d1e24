"""A referência de poda diante de oráculos: torch.nn.utils.prune, diferenças da perda e a conta rodada a rodada."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import prune

from grader.exercise import load_exercise

SHARES = [0.0, 0.1, 0.25, 0.5, 0.7, 0.9, 1.0]


@pytest.fixture(scope="module")
def poda() -> dict[str, Any]:
    return load_exercise("poda").implementation()


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("sparsity", SHARES)
@pytest.mark.parametrize("shape", [(7,), (5, 5), (3, 2, 3, 3)])
def test_magnitude_mask_is_that_of_torch(poda: dict[str, Any], sparsity: float, shape: tuple) -> None:
    weight = normal(1, *shape)
    expected = prune.L1Unstructured(sparsity).compute_mask(weight, torch.ones_like(weight))
    assert torch.equal(poda["magnitude_mask"](weight, sparsity), expected.bool())


@pytest.mark.parametrize("sparsity", SHARES)
def test_global_masks_are_those_of_torch(poda: dict[str, Any], sparsity: float) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.Linear(5, 3), torch.nn.Linear(3, 4)).double()
    for seed, parameter in enumerate(model.parameters()):
        parameter.data = normal(seed, *parameter.shape) * 10.0 ** (seed - 3)
    chosen = [(model[0], "weight"), (model[1], "weight"), (model[1], "bias"), (model[2], "weight")]
    names = ["0.weight", "1.weight", "1.bias", "2.weight"]
    weights = {name: model.get_parameter(name).detach().clone() for name in names}
    prune.global_unstructured(chosen, pruning_method=prune.L1Unstructured, amount=sparsity)
    masks = poda["global_magnitude_masks"](weights, sparsity)
    assert list(masks) == names
    for (module, kind), name in zip(chosen, names, strict=True):
        assert torch.equal(masks[name], getattr(module, f"{kind}_mask").bool())


@pytest.mark.parametrize("fraction", SHARES)
@pytest.mark.parametrize("shape", [(6, 3, 2, 2), (7, 1, 3, 3), (3, 5, 1, 2)])
def test_filter_mask_is_that_of_torch(poda: dict[str, Any], fraction: float, shape: tuple) -> None:
    weight = normal(2, *shape)
    expected = prune.LnStructured(fraction, n=2, dim=0).compute_mask(weight, torch.ones_like(weight))
    assert torch.equal(poda["filter_mask"](weight, fraction), expected.bool()[:, 0, 0, 0])


def test_saliency_is_the_rise_of_a_quadratic_loss(poda: dict[str, Any]) -> None:
    """Em uma perda quadrática de hessiana diagonal, no mínimo, a aproximação é exata."""
    weight, hessian = normal(3, 3, 4), normal(4, 3, 4)

    def loss(w: torch.Tensor) -> torch.Tensor:
        return 2.0 + (0.5 * hessian * (w - weight) ** 2).sum()

    diagonal = torch.autograd.functional.hessian(loss, weight).reshape(12, 12).diagonal().reshape(3, 4)
    saliency = poda["obd_saliency"](weight, diagonal)
    for index in np.ndindex(3, 4):
        pruned = weight.clone()
        pruned[index] = 0
        torch.testing.assert_close(saliency[index], loss(pruned) - loss(weight), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_pruner_trains_like_torch(poda: dict[str, Any], momentum: float, weight_decay: float) -> None:
    """Treinar com apply depois de cada passo é treinar o modelo que multiplica pela máscara na ida."""

    def network() -> torch.nn.Sequential:
        layers = torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)
        model = torch.nn.Sequential(*layers).double()
        for seed, parameter in enumerate(model.parameters()):
            parameter.data = normal(seed + 10, *parameter.shape)
        return model

    x, target = normal(20, 8, 4), normal(21, 8, 3)
    masks = {"0.weight": normal(22, 6, 4) > 0, "2.weight": normal(23, 3, 6) > 0, "2.bias": normal(24, 3) > 0}
    ours, theirs = network(), network()
    for name, mask in masks.items():
        layer, _, kind = name.partition(".")
        prune.custom_from_mask(theirs[int(layer)], kind, mask)
    pruner = poda["Pruner"](ours, masks)
    pruner.apply()
    options = {"lr": 0.1, "momentum": momentum, "weight_decay": weight_decay}
    optimizers = [torch.optim.SGD(model.parameters(), **options) for model in (ours, theirs)]
    for _ in range(6):
        for model, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            ((model(x) - target) ** 2).mean().backward()
            optimizer.step()
        pruner.apply()
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-12)
    for name, mask in masks.items():
        assert (ours.get_parameter(name)[~mask] == 0).all()


@pytest.mark.parametrize("final", [0.0, 0.3, 0.875, 0.99, 1.0])
@pytest.mark.parametrize("rounds", [1, 2, 3, 10])
def test_each_round_removes_the_same_share_of_what_remains(
    poda: dict[str, Any], final: float, rounds: int
) -> None:
    sparsities = poda["iterative_sparsities"](final, rounds)
    assert len(sparsities) == rounds and sparsities[-1] == final
    share = -np.expm1(np.log1p(-final) / rounds) if final < 1 else 1.0
    remaining = 1.0
    for sparsity in sparsities:
        remaining -= share * remaining
        assert sparsity == pytest.approx(1 - remaining, rel=1e-12, abs=1e-12)


def test_rounds_compose_into_one_pruning(poda: dict[str, Any]) -> None:
    """Sem treino no meio, podar em rodadas termina na máscara da poda de uma vez."""
    weight = normal(30, 40, 10)
    current = weight.clone()
    for sparsity in poda["iterative_sparsities"](0.9, 5):
        mask = poda["magnitude_mask"](current, sparsity)
        current = current * mask
    assert torch.equal(mask, poda["magnitude_mask"](weight, 0.9))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_shares_outside_the_interval_are_rejected(poda: dict[str, Any], share: float) -> None:
    with pytest.raises(ValueError):
        prune.L1Unstructured(share)
    for call in (
        lambda: poda["magnitude_mask"](normal(1, 3), share),
        lambda: poda["global_magnitude_masks"]({"a": normal(1, 3)}, share),
        lambda: poda["filter_mask"](normal(1, 3, 2, 1, 1), share),
        lambda: poda["iterative_sparsities"](share, 3),
    ):
        with pytest.raises(ValueError):
            call()
