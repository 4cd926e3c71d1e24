"""As referências da descida do gradiente diante do PyTorch, do SciPy, do scikit-learn e de formas fechadas."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.differentiate import derivative
from scipy.optimize import approx_fprime
from sklearn.linear_model import LinearRegression, SGDRegressor

from grader.exercise import load_exercise


@pytest.fixture(scope="module")
def descent() -> dict[str, Any]:
    return load_exercise("descida_do_gradiente").implementation()


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 1, 3)])
def test_numerical_gradient_is_that_of_autograd(descent: dict[str, Any], shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    theta, weights = rng.normal(size=shape), torch.tensor(rng.normal(size=shape))

    def loss(t: torch.Tensor) -> torch.Tensor:
        return (weights * torch.tanh(t)).sum() + (t.sum() ** 3) / 5

    leaf = torch.tensor(theta, requires_grad=True)
    loss(leaf).backward()
    grad = descent["numerical_gradient"](lambda t: loss(torch.as_tensor(t)).item(), theta)
    assert np.shape(grad) == shape
    np.testing.assert_allclose(grad, leaf.grad.numpy(), rtol=1e-7, atol=1e-8)


def test_numerical_gradient_errs_by_the_third_derivative(descent: dict[str, Any]) -> None:
    """Em θ³, a diferença central é 3θ² + h², exatamente; a do SciPy, para a frente, é 3θ² + 3θh + h²."""
    theta, h = np.array([2.0, -1.0]), 0.125
    grad = descent["numerical_gradient"](lambda t: float((t**3).sum()), theta, h)
    np.testing.assert_allclose(grad, 3 * theta**2 + h**2, rtol=1e-13)
    forward = approx_fprime(theta, lambda t: float((t**3).sum()), epsilon=h)
    np.testing.assert_allclose(forward, 3 * theta**2 + 3 * theta * h + h**2, rtol=1e-13)


def test_numerical_gradient_agrees_with_scipy(descent: dict[str, Any]) -> None:
    theta = np.random.default_rng(2).normal(size=6)
    grad = descent["numerical_gradient"](lambda t: float(np.exp(np.sin(t)).sum()), theta)
    np.testing.assert_allclose(grad, derivative(lambda t: np.exp(np.sin(t)), theta).df, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("lr", [0.05, 0.3, 0.9])
def test_gradient_descent_is_sgd_of_torch(descent: dict[str, Any], lr: float) -> None:
    rng = np.random.default_rng(3)
    theta0, target = rng.normal(size=(2, 2, 3))
    goal = torch.tensor(target)

    def loss(t: torch.Tensor) -> torch.Tensor:
        return torch.log(torch.cosh(t - goal)).sum() + 0.5 * (t[0] * t[1]).sum()

    def grad_fn(t: np.ndarray) -> np.ndarray:
        leaf = torch.tensor(t, requires_grad=True)
        loss(leaf).backward()
        return leaf.grad.numpy()

    parameter = torch.nn.Parameter(torch.tensor(theta0))
    optimizer, expected = torch.optim.SGD([parameter], lr=lr), [theta0]
    for _ in range(7):
        optimizer.zero_grad()
        loss(parameter).backward()
        optimizer.step()
        expected.append(parameter.detach().numpy().copy())
    np.testing.assert_allclose(descent["gradient_descent"](grad_fn, theta0, lr, 7), expected, rtol=1e-12)


@pytest.mark.parametrize("lr", [0.1, 0.45, 0.5, 0.6])
def test_gradient_descent_on_a_parabola_has_a_closed_form(descent: dict[str, Any], lr: float) -> None:
    path = descent["gradient_descent"](lambda t: 4 * t, np.array(1.0), lr, 8)
    np.testing.assert_allclose(path, (1 - 4 * lr) ** np.arange(9), rtol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 12, 50])
def test_sgd_is_that_of_torch_in_the_same_order(descent: dict[str, Any], batch_size: int) -> None:
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(12, 3)), rng.normal(size=12) + 2
    w, b, losses = descent["sgd_linear_regression"](X, y, 0.1, 3, batch_size, np.random.default_rng(5))

    inputs, targets, orders = torch.tensor(X), torch.tensor(y), np.random.default_rng(5)
    model = torch.nn.Linear(3, 1).double()
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    optimizer, expected = torch.optim.SGD(model.parameters(), lr=0.1), []
    for _ in range(3):
        for batch in torch.from_numpy(orders.permutation(12)).split(batch_size):
            optimizer.zero_grad()
            (torch.nn.functional.mse_loss(model(inputs[batch])[:, 0], targets[batch]) / 2).backward()
            optimizer.step()
        expected.append(torch.nn.functional.mse_loss(model(inputs)[:, 0], targets).item() / 2)
    np.testing.assert_allclose(w, model.weight.detach().numpy()[0], rtol=1e-12)
    assert b == pytest.approx(model.bias.item(), rel=1e-12)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


def test_one_example_at_a_time_is_that_of_sklearn(descent: dict[str, Any]) -> None:
    """Com minilotes de um exemplo e a ordem dada, o SGD do scikit-learn sem penalidade é o mesmo."""
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(9, 2)), rng.normal(size=9) - 1
    w, b, _ = descent["sgd_linear_regression"](X, y, 0.05, 1, 1, np.random.default_rng(7))
    order = np.random.default_rng(7).permutation(9)
    model = SGDRegressor(
        penalty=None, learning_rate="constant", eta0=0.05, shuffle=False, max_iter=1, tol=None
    )
    model.fit(X[order], y[order])
    np.testing.assert_allclose(w, model.coef_, rtol=1e-9)
    assert b == pytest.approx(model.intercept_[0], rel=1e-9)


def test_full_batch_reaches_least_squares(descent: dict[str, Any]) -> None:
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40) + 3
    w, b, losses = descent["sgd_linear_regression"](X, y, 0.5, 300, 100, rng)
    model = LinearRegression().fit(X, y)
    np.testing.assert_allclose(w, model.coef_, rtol=1e-9)
    assert b == pytest.approx(model.intercept_, rel=1e-9)
    assert losses[-1] == pytest.approx(np.mean((model.predict(X) - y) ** 2) / 2, rel=1e-12)
    assert (np.diff(losses) <= 1e-12).all()
