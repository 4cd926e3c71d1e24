"""As referências diante de `torch.optim`, em float64, por vários passos."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from grader.exercise import load_exercise

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {"lr": 0.3, "momentum": momentum, "nesterov": nesterov, "weight_decay": decay}
        for momentum, nesterov, decay in itertools.product((0.0, 0.1, 0.9), (False, True), (0.0, 0.4))
        if momentum > 0 or not nesterov
    ],
    "Adagrad": [{"lr": 0.3}, {"lr": 0.3, "eps": 0.7}],
    "RMSprop": [{"lr": 0.1}, {"lr": 0.1, "alpha": 0.5}, {"lr": 0.1, "alpha": 0.7, "eps": 0.7}],
    "Adam": [
        {},
        {"lr": 0.2, "betas": (0.5, 0.75)},
        {"lr": 0.2, "betas": (0.0, 0.9), "eps": 0.6},
        {"lr": 0.2, "betas": (0.9, 0.0), "weight_decay": 0.5},
    ],
    "AdamW": [
        {},
        {"lr": 0.2, "betas": (0.5, 0.75), "weight_decay": 0.0},
        {"lr": 0.2, "betas": (0.9, 0.99), "eps": 0.6, "weight_decay": 0.8},
    ],
}
CASES = [(name, settings) for name, every in SETTINGS.items() for settings in every]


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return load_exercise("otimizadores").implementation()


def trajectory(make: Callable[..., Any], settings: dict[str, Any], scale: float) -> list[np.ndarray]:
    """Os parâmetros depois de cada um de 30 passos, com gradientes que às vezes faltam."""
    rng = np.random.default_rng(1)
    params = [torch.nn.Parameter(torch.tensor(rng.normal(size=shape))) for shape in ((3, 2), (5,), (1,))]
    optimizer = make(iter(params), **settings)
    seen = []
    for step in range(30):
        for p in params:
            gradient = torch.tensor(scale * rng.normal(size=tuple(p.shape)))
            p.grad = gradient if step == 0 or rng.random() < 0.7 else None
        optimizer.step()
        optimizer.zero_grad()
        seen.append(np.concatenate([p.detach().numpy().ravel() for p in params]))
    return seen


@pytest.mark.parametrize("scale", [1.0, 1e-9])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_same_trajectory_as_torch(
    ours: dict[str, Any], name: str, settings: dict[str, Any], scale: float
) -> None:
    mine = trajectory(ours[name], settings, scale)
    theirs = trajectory(getattr(torch.optim, name), settings, scale)
    np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", SETTINGS)
def test_rejects_the_learning_rate_that_torch_rejects(ours: dict[str, Any], name: str) -> None:
    for make in (ours[name], getattr(torch.optim, name)):
        params = [torch.nn.Parameter(torch.ones(2))]
        make(params, lr=0.0)
        with pytest.raises(ValueError):
            make(params, lr=-0.1)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, 1.1)])
def test_rejects_the_betas_that_torch_rejects(
    ours: dict[str, Any], name: str, betas: tuple[float, float]
) -> None:
    for make in (ours[name], getattr(torch.optim, name)):
        with pytest.raises(ValueError):
            make([torch.nn.Parameter(torch.ones(2))], betas=betas)


@pytest.mark.parametrize("name", SETTINGS)
def test_trains_a_network_like_torch(ours: dict[str, Any], name: str) -> None:
    """Um modelo inteiro, com retropropagação, pela perda de cada passo."""
    x = torch.tensor(np.random.default_rng(2).normal(size=(20, 4)))
    y = (x[:, :1] * x[:, 1:2]).tanh()

    def losses(make: Callable[..., Any]) -> list[float]:
        torch.manual_seed(3)
        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
        optimizer = make(model.parameters(), lr=0.01)
        seen = []
        for _ in range(20):
            optimizer.zero_grad()
            loss = ((model(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            seen.append(loss.item())
        return seen

    np.testing.assert_allclose(losses(ours[name]), losses(getattr(torch.optim, name)), rtol=1e-9)


def worked(make: Callable[..., Any], gradients: list[float], **settings: Any) -> list[float]:
    """Os valores de um parâmetro que parte de 1, depois de cada gradiente."""
    p = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    optimizer = make([p], **settings)
    seen = []
    for gradient in gradients:
        p.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        seen.append(p.item())
    return seen


def test_worked_examples_of_the_statement(ours: dict[str, Any]) -> None:
    """Os números feitos à mão no enunciado."""
    sgd, half = ours["SGD"], {"betas": (0.5, 0.75), "eps": 0.0}
    assert worked(sgd, [2, 1], lr=0.1, momentum=0.9) == pytest.approx([0.8, 0.52])
    assert worked(sgd, [2, 1], lr=0.1, momentum=0.9, nesterov=True) == pytest.approx([0.62, 0.268])
    assert worked(sgd, [2], lr=0.1, weight_decay=0.5) == pytest.approx([0.75])
    assert worked(ours["Adagrad"], [3, 4], lr=0.5) == pytest.approx([0.5, 0.1])
    assert worked(ours["RMSprop"], [2, 1], lr=0.1, alpha=0.75) == pytest.approx([0.8, 0.7])
    assert worked(ours["RMSprop"], [5], lr=0.1) == pytest.approx([0.0], abs=1e-6)
    assert worked(ours["Adam"], [2, 1], lr=0.1, **half) == pytest.approx([0.9, 0.8118], abs=5e-5)
    assert worked(ours["Adam"], [2], lr=0.1, weight_decay=0.5) == pytest.approx([0.9])
    assert worked(ours["AdamW"], [2], lr=0.1, weight_decay=0.5) == pytest.approx([0.85])
