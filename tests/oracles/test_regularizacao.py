"""Regularização diante de oráculos independentes: o PyTorch, o SciPy, o scikit-learn e a busca em uma grade."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn.linear_model import Lasso, Ridge

from grader.exercise import load_exercise


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return load_exercise("regularizacao").implementation()


@pytest.mark.parametrize("lam", [0.0, 0.3, 7.0])
@pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
def test_penalties_have_the_value_and_the_gradient_of_torch(
    reference: dict[str, Any], name: str, lam: float
) -> None:
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=shape) for shape in ((3, 4), (4,), (1, 1), (2, 3, 2))]
    weights[0][1] = 0.0
    leaves = [torch.tensor(w, requires_grad=True) for w in weights]
    terms = [leaf.square() / 2 if name == "l2_penalty" else leaf.abs() for leaf in leaves]
    expected = lam * sum(term.sum() for term in terms)
    expected.backward()
    penalty, grads = reference[name](weights, lam)
    np.testing.assert_allclose(penalty, expected.item(), rtol=1e-12)
    for grad, leaf in zip(grads, leaves, strict=True):
        np.testing.assert_allclose(grad, leaf.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("t", [0.0, 0.4, 2.0])
def test_soft_threshold_is_the_softshrink_of_torch(reference: dict[str, Any], t: float) -> None:
    w = np.concatenate([np.random.default_rng(2).normal(size=50) * 2, [0.0, t, -t]]).reshape(53, 1)
    expected = torch.nn.functional.softshrink(torch.from_numpy(w), t).numpy()
    np.testing.assert_allclose(reference["soft_threshold"](w, t), expected, atol=1e-15)


def test_soft_threshold_minimises_what_it_says(reference: dict[str, Any]) -> None:
    grid = np.linspace(-4, 4, 80001)
    for w, t in np.random.default_rng(3).uniform([-3, 0], [3, 2], size=(20, 2)):
        best = grid[np.argmin(0.5 * (grid - w) ** 2 + t * np.abs(grid))]
        assert abs(reference["soft_threshold"](np.array([w]), t)[0] - best) <= 1e-4


def test_proximal_descent_reaches_lasso_and_l2_descent_reaches_ridge(reference: dict[str, Any]) -> None:
    rng = np.random.default_rng(4)
    X, lam = rng.normal(size=(60, 12)), 0.15
    y = X[:, :3] @ [2.0, -1.0, 0.5] + 0.1 * rng.normal(size=60)
    sparse, dense = np.zeros(12), np.zeros(12)
    for _ in range(3000):
        sparse = reference["soft_threshold"](sparse - 0.1 * X.T @ (X @ sparse - y) / 60, 0.1 * lam)
        (gradient,) = reference["l2_penalty"]([dense], lam)[1]
        dense = dense - 0.1 * (X.T @ (X @ dense - y) / 60 + gradient)
    lasso = Lasso(lam, fit_intercept=False, tol=1e-10).fit(X, y).coef_
    np.testing.assert_allclose(sparse, lasso, atol=1e-6)
    assert ((sparse == 0) == (lasso == 0)).all() and (sparse == 0).sum() >= 8
    np.testing.assert_allclose(dense, Ridge(60 * lam, fit_intercept=False).fit(X, y).coef_, atol=1e-8)
    assert (dense != 0).all()


@pytest.mark.parametrize("patience", [1, 2, 4])
@pytest.mark.parametrize("min_delta", [0.0, 0.25])
def test_early_stopping_is_what_the_whole_history_says(
    reference: dict[str, Any], patience: int, min_delta: float
) -> None:
    """A cada época, a regra aplicada de novo à história inteira, sem contador."""
    rng = np.random.default_rng([patience, int(4 * min_delta)])
    for _ in range(30):
        losses = rng.integers(0, 16, size=20) / 8
        losses[rng.random(20) < 0.15] = np.nan
        stopper = reference["EarlyStopping"](patience, min_delta)
        array = np.zeros(1)
        for epoch, loss in enumerate(losses):
            array[:] = epoch
            stop = stopper.step(loss, {"rede": {"época": array}})
            records, best = [], np.inf
            for k, past in enumerate(losses[: epoch + 1]):
                if past < best - min_delta:
                    best = past
                    records.append(k)
            assert stopper.best_loss == best
            if records:
                assert stopper.best_state["rede"]["época"][0] == records[-1]
            since = epoch - (records[-1] if records else -1)
            assert stop == (since >= patience)
            if stop:
                break


@pytest.mark.parametrize("max_shift", [0, 1, 2, 6])
def test_random_shift_is_a_shift_of_scipy(reference: dict[str, Any], max_shift: int) -> None:
    images = np.random.default_rng(5).normal(size=(300, 4, 3))
    out = reference["random_shift"](images, max_shift, np.random.default_rng(6))
    steps = range(-max_shift, max_shift + 1)
    seen = set()
    for image, shifted in zip(images, out, strict=True):
        pairs = [
            (dy, dx)
            for dy in steps
            for dx in steps
            if (ndimage.shift(image, (dy, dx), order=0) == shifted).all()
        ]
        assert pairs
        seen.update(pairs)
    every = {(dy, dx) for dy in steps for dx in steps}
    assert seen == every if max_shift <= 2 else seen <= every and len(seen) > 100
