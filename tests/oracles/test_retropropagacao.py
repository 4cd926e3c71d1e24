"""A referência da retropropagação diante do autograd do PyTorch, em float64, e de diferenças finitas."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from grader.exercise import load_exercise

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return load_exercise("retropropagacao").implementation()


@pytest.mark.parametrize(("n", "d", "m"), [(4, 3, 5), (1, 3, 2), (3, 1, 1), (3, 3, 3), (40, 7, 2)])
def test_linear_is_that_of_torch(reference: dict[str, Any], n: int, d: int, m: int) -> None:
    rng = np.random.default_rng(n)
    given = [rng.normal(size=size) for size in ((n, d), (d, m), (m,))]
    upstream = rng.normal(size=(n, m))
    x, W, b = (torch.tensor(array, requires_grad=True) for array in given)
    expected = torch.nn.functional.linear(x, W.T, b)
    expected.backward(torch.from_numpy(upstream))
    out, cache = reference["linear_forward"](*given)
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    for got, tensor in zip(reference["linear_backward"](upstream, cache), (x, W, b), strict=True):
        np.testing.assert_allclose(got, tensor.grad.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bias", [(1,), (1, 2), (4, 2), (2, 1), (3,), ()])
def test_linear_takes_only_a_vector_of_biases(reference: dict[str, Any], bias: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        reference["linear_forward"](np.ones((4, 3)), np.ones((3, 2)), np.ones(bias))


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 3, 2)])
def test_relu_is_that_of_torch(reference: dict[str, Any], shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    given = rng.integers(-2, 3, size=shape) / 2
    upstream = rng.normal(size=shape)
    x = torch.tensor(given, requires_grad=True)
    expected = torch.relu(x)
    expected.backward(torch.tensor(upstream))
    out, cache = reference["relu_forward"](given)
    np.testing.assert_array_equal(out, expected.detach().numpy())
    np.testing.assert_array_equal(reference["relu_backward"](upstream, cache), x.grad.numpy())


def torch_mlp(params: Arrays, x: np.ndarray, labels: np.ndarray) -> tuple[float, Arrays]:
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    active = torch.relu(torch.tensor(x) @ leaves["W1"] + leaves["b1"])
    logits = active @ leaves["W2"] + leaves["b2"]
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
    loss.backward()
    return loss.item(), {name: leaf.grad.numpy() for name, leaf in leaves.items()}


@pytest.mark.parametrize(("n", "d", "h", "c"), [(4, 5, 6, 3), (1, 2, 3, 2), (3, 1, 1, 2), (50, 8, 20, 10)])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_mlp_follows_torch_over_several_steps(
    reference: dict[str, Any], n: int, d: int, h: int, c: int, scale: float
) -> None:
    rng = np.random.default_rng(n + d)
    params = {"W1": rng.normal(size=(d, h)), "b1": rng.normal(size=h)}
    params |= {"W2": rng.normal(size=(h, c)), "b2": scale * rng.normal(size=c)}
    x, labels = rng.normal(size=(n, d)), rng.integers(c, size=n)
    for _ in range(5):
        loss, grads = reference["mlp_loss"](params, x, labels)
        expected_loss, expected = torch_mlp(params, x, labels)
        assert loss == pytest.approx(expected_loss, rel=1e-10, abs=1e-10)
        assert isinstance(loss, float) and grads.keys() == params.keys()
        for name in params:
            np.testing.assert_allclose(grads[name], expected[name], rtol=1e-8, atol=1e-10)
        params = {name: value - 0.1 * grads[name] for name, value in params.items()}


def test_mlp_gradient_is_that_of_finite_differences(reference: dict[str, Any]) -> None:
    rng = np.random.default_rng(5)
    params = {"W1": rng.normal(size=(3, 4)), "b1": rng.normal(size=4)}
    params |= {"W2": rng.normal(size=(4, 2)), "b2": rng.normal(size=2)}
    x, labels = rng.normal(size=(3, 3)), np.array([0, 1, 1])
    _, grads = reference["mlp_loss"](params, x, labels)
    for name, value in params.items():
        for index in np.ndindex(*value.shape):
            losses = []
            for step in (1e-6, -1e-6):
                moved = params | {name: value.copy()}
                moved[name][index] += step
                losses.append(reference["mlp_loss"](moved, x, labels)[0])
            assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(grads[name][index], abs=1e-8)


OPERATIONS: dict[str, Callable] = {
    "soma": operator.add,
    "diferença": operator.sub,
    "produto": operator.mul,
    "quociente": operator.truediv,
    "soma à direita": lambda a, b: a + 2.5,
    "soma à esquerda": lambda a, b: 3 + a,
    "diferença à direita": lambda a, b: a - 3,
    "diferença à esquerda": lambda a, b: 2.5 - a,
    "produto à direita": lambda a, b: a * 3,
    "produto à esquerda": lambda a, b: 2.5 * a,
    "quociente à direita": lambda a, b: a / 2.5,
    "quociente à esquerda": lambda a, b: 3 / a,
    "oposto": lambda a, b: -b,
    "cubo": lambda a, b: b**3,
    "inverso do quadrado": lambda a, b: b**-2,
    "raiz": lambda a, b: a**0.5,
    "expoente um": lambda a, b: b**1,
    "expoente zero": lambda a, b: b**0,
    "relu": lambda a, b: a.relu() + b.relu(),
    "tanh": lambda a, b: a.tanh() * b,
    "exp": lambda a, b: b.exp() * a,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_value_operations_are_those_of_torch(reference: dict[str, Any], name: str) -> None:
    starts = 1.25, -0.75
    nodes = [reference["Value"](start) for start in starts]
    leaves = [torch.tensor(start, dtype=torch.float64, requires_grad=True) for start in starts]
    got, expected = OPERATIONS[name](*nodes), OPERATIONS[name](*leaves)
    got.backward()
    expected.backward()
    assert got.data == pytest.approx(expected.item(), rel=1e-14)
    for node, leaf in zip(nodes, leaves, strict=True):
        assert node.grad == pytest.approx(0.0 if leaf.grad is None else leaf.grad.item(), rel=1e-14)


STEPS: list[Callable] = [
    lambda a, b, k: a + b * k,
    lambda a, b, k: a * b - k,
    lambda a, b, k: k - a,
    lambda a, b, k: a / (b * b + k),
    lambda a, b, k: (a - b).tanh(),
    lambda a, b, k: (a * b).relu() + (-a),
    lambda a, b, k: k * (a.tanh() ** 2).exp(),
]


def random_graph(rng: np.random.Generator, wrap: Callable[[float], Any], size: int) -> list[Any]:
    """Um grafo sorteado, com nós partilhados; a mesma semente dá as mesmas contas em qualquer tipo de número."""
    nodes = [wrap(value) for value in rng.uniform(-1, 1, size=3).tolist()]
    for _ in range(size):
        a, b = (nodes[i] for i in rng.integers(len(nodes), size=2))
        nodes.append(STEPS[rng.integers(len(STEPS))](a, b, float(rng.uniform(0.5, 1.5))))
    return nodes


@pytest.mark.parametrize("seed", range(20))
def test_value_accumulates_like_torch_on_random_graphs(reference: dict[str, Any], seed: int) -> None:
    """Várias chamadas, a partir de vários nós, no mesmo grafo: todo nó acumula o que acumula o do PyTorch."""
    nodes = random_graph(np.random.default_rng(seed), reference["Value"], 25)
    tensors = random_graph(
        np.random.default_rng(seed), lambda v: torch.tensor(v, dtype=torch.float64, requires_grad=True), 25
    )
    for tensor in tensors:
        tensor.retain_grad()
    for start in np.random.default_rng(seed + 1000).integers(len(nodes), size=5):
        nodes[start].backward()
        tensors[start].backward(retain_graph=True)
        for node, tensor in zip(nodes, tensors, strict=True):
            assert node.data == pytest.approx(tensor.item(), rel=1e-12, abs=1e-12)
            grad = 0.0 if tensor.grad is None else tensor.grad.item()
            assert node.grad == pytest.approx(grad, rel=1e-9, abs=1e-9)


def test_value_survives_a_deep_chain(reference: dict[str, Any]) -> None:
    x = reference["Value"](0.5)
    node = x
    for _ in range(20_000):
        node = node + x
    node.backward()
    assert (node.data, x.grad) == (pytest.approx(0.5 * 20_001), 20_001)


def test_the_example_worked_by_hand(reference: dict[str, Any]) -> None:
    """Os números do enunciado."""
    x, W = np.array([[1.0, 2], [3, -1]]), np.array([[1.0, 0, 2], [-1, 1, 0]])
    out, cache = reference["linear_forward"](x, W, np.array([1.0, 0, -1]))
    np.testing.assert_array_equal(out, [[0, 2, 1], [5, -1, 5]])
    dx, dW, db = reference["linear_backward"](np.array([[1.0, 0, -1], [2, 1, 0]]), cache)
    np.testing.assert_array_equal(dx, [[-1, -1], [2, -1]])
    np.testing.assert_array_equal(dW, [[7, 3, -1], [0, -1, -2]])
    np.testing.assert_array_equal(db, [3, 1, -1])

    out, cache = reference["relu_forward"](np.array([-2.0, 0, 3]))
    np.testing.assert_array_equal(out, [0, 0, 3])
    np.testing.assert_array_equal(reference["relu_backward"](np.array([5.0, 7, -4]), cache), [0, 0, -4])

    params = {"W1": np.array([[1.0, -1], [1, 0]]), "b1": np.zeros(2)}
    params |= {"W2": np.array([[1.0, 0], [2, 1]]), "b2": np.array([-3.0, 0])}
    loss, grads = reference["mlp_loss"](params, np.array([[1.0, 2]]), np.array([1]))
    assert loss == pytest.approx(math.log(2))
    np.testing.assert_allclose(grads["W2"], [[1.5, -1.5], [0, 0]])
    np.testing.assert_allclose(grads["b2"], [0.5, -0.5])
    np.testing.assert_allclose(grads["W1"], [[0.5, 0], [1, 0]])
    np.testing.assert_allclose(grads["b1"], [0.5, 0])

    a, b = reference["Value"](2.0), reference["Value"](3.0)
    c = a * b
    y = c + a
    y.backward()
    assert [node.data for node in (y, c, b, a)] == [8, 6, 3, 2]
    assert [node.grad for node in (y, c, b, a)] == [1, 1, 2, 4]
    (y * y).backward()
    assert (y.grad, a.grad) == (17, 68)
