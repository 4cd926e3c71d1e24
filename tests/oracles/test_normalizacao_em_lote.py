"""As referências da normalização em lote diante do PyTorch, em float64, onde a convenção é a mesma."""

from typing import Any

import numpy as np
import pytest
import torch

from grader.exercise import load_exercise

SETTINGS = [(2, 3, 0.1, 1e-5), (3, 5, 0.7, 0.5), (17, 4, 1.0, 1e-12), (64, 1, 0.0, 2.0)]


@pytest.fixture(scope="module")
def norm() -> dict[str, Any]:
    return load_exercise("normalizacao_em_lote").implementation()


def batch(seed: int, n: int, d: int) -> np.ndarray:
    rng = np.random.default_rng([seed, n, d])
    return rng.normal(size=(n, d)) * rng.uniform(0.1, 3, d) + rng.uniform(-5, 5, d)


def twin(d: int, momentum: float, eps: float) -> torch.nn.BatchNorm1d:
    """O módulo do PyTorch, com estado e parâmetros sorteados."""
    rng = np.random.default_rng(d)
    module = torch.nn.BatchNorm1d(d, eps=eps, momentum=momentum).double()
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(rng.normal(size=d)))
        module.bias.copy_(torch.from_numpy(rng.normal(size=d)))
        module.running_mean.copy_(torch.from_numpy(rng.normal(size=d)))
        module.running_var.copy_(torch.from_numpy(rng.uniform(0.5, 2, d)))
    return module


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()


@pytest.mark.parametrize(("n", "d", "momentum", "eps"), SETTINGS)
def test_forward_follows_torch_over_several_steps(
    norm: dict[str, Any], n: int, d: int, momentum: float, eps: float
) -> None:
    module = twin(d, momentum, eps)
    mean, var = array(module.running_mean), array(module.running_var)
    for step, training in enumerate((True, True, False, True, False)):
        x = batch(step, n, d)
        out, _, mean, var = norm["batch_norm_forward"](
            x, array(module.weight), array(module.bias), mean, var, training, momentum, eps
        )
        expected = module.train(training)(torch.from_numpy(x))
        np.testing.assert_allclose(out, array(expected), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(mean, array(module.running_mean), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(var, array(module.running_var), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("n", "d", "momentum", "eps"), SETTINGS)
def test_backward_is_the_gradient_of_torch(
    norm: dict[str, Any], n: int, d: int, momentum: float, eps: float
) -> None:
    module = twin(d, momentum, eps)
    x = torch.from_numpy(batch(9, n, d)).requires_grad_()
    upstream = torch.from_numpy(batch(10, n, d))
    _, cache, _, _ = norm["batch_norm_forward"](
        array(x), array(module.weight), array(module.bias), np.zeros(d), np.ones(d), True, momentum, eps
    )
    module.train()(x).backward(upstream)
    for ours, theirs in zip(
        norm["batch_norm_backward"](array(upstream), cache),
        (x.grad, module.weight.grad, module.bias.grad),
        strict=True,
    ):
        assert theirs is not None
        np.testing.assert_allclose(ours, array(theirs), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("n", "d", "eps"), [(3, 4, 1e-5), (1, 6, 0.5), (5, 1, 1e-5), (4, 4, 2.0)])
def test_layer_norm_is_that_of_torch(norm: dict[str, Any], n: int, d: int, eps: float) -> None:
    x, gamma, beta = batch(1, n, d), batch(2, 1, d)[0], batch(3, 1, d)[0]
    expected = torch.nn.functional.layer_norm(
        torch.from_numpy(x), (d,), torch.from_numpy(gamma), torch.from_numpy(beta), eps
    )
    np.testing.assert_allclose(
        norm["layer_norm"](x, gamma, beta, eps), array(expected), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize(("n", "d", "momentum", "eps"), SETTINGS)
def test_module_trains_like_the_one_of_torch(
    norm: dict[str, Any], n: int, d: int, momentum: float, eps: float
) -> None:
    theirs = twin(d, momentum, eps)
    ours = norm["BatchNorm1d"](d, momentum, eps).double()
    ours.load_state_dict(theirs.state_dict(), strict=False)
    optimizers = [torch.optim.SGD(module.parameters(), lr=0.1) for module in (ours, theirs)]
    for step, training in enumerate((True, False, True, True, False)):
        upstream = torch.from_numpy(batch(20 + step, n, d))
        found = []
        for module, optimizer in zip((ours, theirs), optimizers, strict=True):
            x = torch.from_numpy(batch(step, n, d)).requires_grad_()
            optimizer.zero_grad()
            out = module.train(training)(x)
            out.backward(upstream)
            found.append([out, x.grad, module.weight.grad, module.bias.grad])
            optimizer.step()
        for mine, other in zip(*found, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-8, atol=1e-9)
        for name, value in ours.state_dict().items():
            torch.testing.assert_close(value, theirs.state_dict()[name], rtol=1e-10, atol=1e-11)


def test_module_in_float32_is_as_accurate_as_the_one_of_torch(norm: dict[str, Any]) -> None:
    x = torch.from_numpy((batch(5, 32, 6) + 1000).astype(np.float32))
    exact = torch.nn.BatchNorm1d(6).double().train()(x.double())
    errors = [
        (module.train()(x).double() - exact).abs().max().item()
        for module in (norm["BatchNorm1d"](6), torch.nn.BatchNorm1d(6))
    ]
    assert errors[0] < max(2 * errors[1], 2e-3)


def test_one_example_is_refused_where_torch_refuses_it(norm: dict[str, Any]) -> None:
    x = torch.ones(1, 3, dtype=torch.float64)
    start = np.ones(3), np.zeros(3), np.zeros(3), np.ones(3)
    for module in (norm["BatchNorm1d"](3).double(), torch.nn.BatchNorm1d(3).double()):
        with pytest.raises(ValueError):
            module.train()(x)
        module.eval()(x)
    with pytest.raises(ValueError):
        norm["batch_norm_forward"](x.numpy(), *start, True)
    norm["batch_norm_forward"](x.numpy(), *start, False)
