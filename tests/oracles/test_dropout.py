"""As referências diante de um oráculo independente: o PyTorch, em float64, onde a convenção é a mesma."""

from typing import Any

import numpy as np
import pytest
import torch

from grader.exercise import load_exercise


@pytest.fixture(scope="module")
def dropout() -> dict[str, Any]:
    return load_exercise("dropout").implementation()


@pytest.mark.parametrize("p", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_dropout_forward_has_the_distribution_of_torch(dropout: dict[str, Any], p: float) -> None:
    x = np.random.default_rng(1).normal(size=(200, 300)) + 5
    out, _ = dropout["dropout_forward"](x, p, True, np.random.default_rng(2))
    expected = torch.nn.functional.dropout(torch.from_numpy(x), p, training=True).numpy()
    sigma = np.sqrt(p * (1 - p) / x.size) + 1e-12
    assert abs((out == 0).mean() - (expected == 0).mean()) < 8 * sigma
    assert set(np.round(np.unique(out[out != 0] / x[out != 0]), 9)) == set(
        np.round(np.unique(expected[expected != 0] / x[expected != 0]), 9)
    )


def test_dropout_forward_is_the_identity_in_evaluation_like_torch(dropout: dict[str, Any]) -> None:
    x = np.random.default_rng(3).normal(size=(4, 5))
    out, _ = dropout["dropout_forward"](x, 0.7, False, np.random.default_rng(4))
    np.testing.assert_array_equal(out, torch.nn.functional.dropout(torch.from_numpy(x), 0.7, False).numpy())


def test_dropout_backward_is_the_gradient_of_torch(dropout: dict[str, Any]) -> None:
    x = torch.from_numpy(np.random.default_rng(5).normal(size=(6, 7)) + 5).requires_grad_()
    upstream = torch.from_numpy(np.random.default_rng(6).normal(size=(6, 7)))
    out = torch.nn.functional.dropout(x, 0.4, training=True)
    out.backward(upstream)
    mask = (out / x).detach().numpy()
    np.testing.assert_allclose(
        dropout["dropout_backward"](upstream.numpy(), mask), x.grad.numpy(), rtol=1e-12
    )


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_dropout_rejects_what_torch_rejects(dropout: dict[str, Any], p: float) -> None:
    with pytest.raises(ValueError):
        torch.nn.functional.dropout(torch.ones(2), p)
    with pytest.raises(ValueError):
        dropout["dropout_forward"](np.ones(2), p, True, np.random.default_rng(0))
    with pytest.raises(ValueError):
        dropout["Dropout"](p)


def test_dropout_module_has_the_distribution_of_torch(dropout: dict[str, Any]) -> None:
    x = torch.ones(400, 400, dtype=torch.float64)
    ours, theirs = dropout["Dropout"](0.3).train()(x), torch.nn.Dropout(0.3).train()(x)
    assert abs(ours.mean() - theirs.mean()) < 0.02
    assert torch.equal(ours.unique(), theirs.unique())


def test_mc_dropout_agrees_with_torch_dropout(dropout: dict[str, Any]) -> None:
    """A média e o desvio de muitas passagens, com o módulo do PyTorch no lugar do nosso."""
    x = torch.from_numpy(np.random.default_rng(7).normal(size=(1, 50)) + 3)
    mean, std = dropout["mc_dropout_predict"](torch.nn.Sequential(dropout["Dropout"](0.5)), x, 4000)
    outputs = torch.stack([torch.nn.functional.dropout(x, 0.5, training=True) for _ in range(4000)])
    torch.testing.assert_close(mean, outputs.mean(0), rtol=0.15, atol=0)
    torch.testing.assert_close(std, outputs.std(0, unbiased=False), rtol=0.05, atol=0)
