"""As perdas diante do PyTorch em float64, com o gradiente do autograd, e do scikit-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics

from grader.exercise import load_exercise

F = torch.nn.functional
SHAPES = [(7,), (1,), (4, 3), (1, 5), (5, 1), (2, 3, 4)]


@pytest.fixture(scope="module")
def losses() -> dict[str, Any]:
    return load_exercise("funcoes_de_perda").implementation()


def with_gradient(
    loss_fn: Callable, given: np.ndarray, *rest: Any, **options: Any
) -> tuple[float, np.ndarray]:
    """Perda do PyTorch e o seu gradiente em relação ao primeiro argumento."""
    leaf = torch.from_numpy(given.copy()).requires_grad_()
    loss = loss_fn(leaf, *map(torch.from_numpy, rest), **options)
    loss.backward()
    return loss.item(), leaf.grad.numpy()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "theirs"), [("mse", F.mse_loss), ("mae", F.l1_loss)])
def test_regression_losses_are_those_of_torch(
    losses: dict[str, Any], name: str, theirs: Callable, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(1)
    for scale in (1e-3, 1.0, 1e3):
        y_pred, y_true = rng.normal(size=(2, *shape)) * scale
        loss, grad = losses[name](y_pred, y_true)
        expected, gradient = with_gradient(theirs, y_pred, y_true)
        assert isinstance(loss, float)
        np.testing.assert_allclose(loss, expected, rtol=1e-12)
        np.testing.assert_allclose(grad, gradient, rtol=1e-12)


def test_the_gradient_of_mae_is_zero_at_a_tie_like_that_of_torch(losses: dict[str, Any]) -> None:
    y_pred, y_true = np.array([1.0, 2.0, -0.5, 0.0]), np.array([1.0, 3.0, -0.75, -0.0])
    _, grad = losses["mae"](y_pred, y_true)
    np.testing.assert_array_equal(grad, with_gradient(F.l1_loss, y_pred, y_true)[1])


def test_regression_losses_are_those_of_sklearn(losses: dict[str, Any]) -> None:
    y_pred, y_true = np.random.default_rng(2).normal(size=(2, 6, 3))
    np.testing.assert_allclose(losses["mse"](y_pred, y_true)[0], metrics.mean_squared_error(y_true, y_pred))
    np.testing.assert_allclose(losses["mae"](y_pred, y_true)[0], metrics.mean_absolute_error(y_true, y_pred))


@pytest.mark.parametrize("name", ["mse", "mae"])
@pytest.mark.parametrize(
    "shapes", [((3,), (3, 1)), ((2, 3), (3,)), ((2, 3), (1, 3)), ((4,), (5,)), ((4,), (1,))]
)
def test_regression_losses_refuse_to_broadcast(losses: dict[str, Any], name: str, shapes: Any) -> None:
    with pytest.raises(ValueError):
        losses[name](*map(np.ones, shapes))


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1, 4), (2, 7), (5, 3), (6, 2), (3, 1)])
def test_cross_entropy_is_that_of_torch(
    losses: dict[str, Any], shape: tuple[int, int], epsilon: float
) -> None:
    rng = np.random.default_rng(3)
    for scale in (0.1, 1.0, 30.0, 1e4):
        logits, labels = rng.normal(size=shape) * scale, rng.integers(shape[1], size=shape[0])
        loss, grad = losses["cross_entropy"](logits, labels, epsilon)
        expected, gradient = with_gradient(F.cross_entropy, logits, labels, label_smoothing=epsilon)
        np.testing.assert_allclose(loss, expected, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(grad, gradient, rtol=1e-10, atol=1e-12)


def test_cross_entropy_at_the_extremes_is_exact(losses: dict[str, Any]) -> None:
    """Formas fechadas: a perda é a distância entre os logits, e o gradiente só tem 0, 1 e −1, divididos por N."""
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]])
    loss, grad = losses["cross_entropy"](logits, np.array([1, 2]))
    np.testing.assert_allclose(loss, (2e4 + np.log(3)) / 2, rtol=1e-14)
    np.testing.assert_allclose(grad, [[0.5, -0.5, 0], [1 / 6, 1 / 6, -1 / 3]], rtol=1e-14)


def test_cross_entropy_is_that_of_sklearn(losses: dict[str, Any]) -> None:
    rng = np.random.default_rng(4)
    logits, labels = rng.normal(size=(8, 4)), rng.integers(4, size=8)
    probabilities = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    expected = metrics.log_loss(labels, probabilities, labels=range(4))
    np.testing.assert_allclose(losses["cross_entropy"](logits, labels)[0], expected, rtol=1e-12)


@pytest.mark.parametrize("label", [-4, -1, 3, 8])
def test_cross_entropy_refuses_what_is_no_class(losses: dict[str, Any], label: int) -> None:
    with pytest.raises(ValueError):
        losses["cross_entropy"](np.zeros((2, 3)), np.array([0, label]))


def test_the_examples_of_the_statement_are_right(losses: dict[str, Any]) -> None:
    y_pred, y_true = np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([[1.0, 1.0], [1.0, 0.0]])
    for name, value, gradient in (
        ("mse", 2.25, [[1, 0], [-0.5, 1]]),
        ("mae", 1.25, [[0.25, 0], [-0.25, 0.25]]),
    ):
        loss, grad = losses[name](y_pred, y_true)
        assert loss == value
        np.testing.assert_array_equal(grad, gradient)
    logits, labels = np.log([[2.0, 1.0, 1.0], [1.0, 1.0, 2.0]]), np.array([0, 1])
    for epsilon, value, gradient in (
        (0.0, 1.5 * np.log(2), [[-0.25, 0.125, 0.125], [0.125, -0.375, 0.25]]),
        (0.3, 1.55 * np.log(2), [[-0.15, 0.075, 0.075], [0.075, -0.275, 0.2]]),
    ):
        for shift in (0, 10_000):
            loss, grad = losses["cross_entropy"](logits + shift, labels, epsilon)
            np.testing.assert_allclose(loss, value, rtol=1e-11)
            np.testing.assert_allclose(grad, gradient, rtol=1e-11)
    assert [f"{x * np.log(2):.4f}" for x in (1, 1.2, 2, 1.9, 1.5, 1.55)] == [
        "0.6931",
        "0.8318",
        "1.3863",
        "1.3170",
        "1.0397",
        "1.0744",
    ]
