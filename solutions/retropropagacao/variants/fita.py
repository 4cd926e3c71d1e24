"""Com uma fita de operações percorrida de trás para a frente, classes no cache e produtos um exemplo por vez."""

import math
from dataclasses import dataclass, field

import numpy as np


class ShapeError(ValueError):
    pass


@dataclass
class Linear:
    x: np.ndarray
    W: np.ndarray


def linear_forward(x, W, b):
    try:
        out = np.matmul(x, W)
    except ValueError as error:
        raise ShapeError("x e W") from error
    if b.shape != out.shape[1:]:
        raise ShapeError("b")
    out += b
    return out, Linear(x.view(), W.view())


def linear_backward(dout, cache):
    dW = np.zeros(cache.W.shape)
    for row, upstream in zip(cache.x, dout, strict=True):
        dW += np.outer(row, upstream)
    dx = (cache.W @ dout.T).T
    return dx, dW, np.ones(len(dout)) @ dout


def relu_forward(x):
    out = x.copy()
    out[out < 0] = 0
    return out, out


def relu_backward(dout, cache):
    dx = dout.copy()
    dx[~(cache > 0)] = 0
    return dx


def mlp_loss(params, x, labels):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    losses = []
    for row, label in zip(x, labels, strict=True):
        h = row @ params["W1"] + params["b1"]
        a = h * (h > 0)
        z = a @ params["W2"] + params["b2"]
        margin = z - z[label]
        top = margin.max()
        losses.append(top + math.log(np.exp(margin - top).sum()))
        dz = np.exp(margin - losses[-1])
        dz[label] -= 1
        dh = (params["W2"] @ dz) * (h > 0)
        grads["W1"] += np.outer(row, dh)
        grads["b1"] += dh
        grads["W2"] += np.outer(a, dz)
        grads["b2"] += dz
    return np.mean(losses), {name: value / len(x) for name, value in grads.items()}


@dataclass(eq=False)
class Value:
    data: float
    grad: float = 0.0
    tape: tuple = field(default=(), repr=False)
    children: tuple = field(default=(), repr=False)

    def operation(self, data, *pairs):
        node = type(self)(data)
        node.children = tuple(child for child, _ in pairs)
        node.tape = tuple(slope for _, slope in pairs)
        return node

    def __neg__(self):
        return self.operation(-self.data, (self, -1.0))

    def __add__(self, other):
        if isinstance(other, (int, float)):
            return self.operation(self.data + other, (self, 1.0))
        return self.operation(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        if isinstance(other, (int, float)):
            return self.operation(self.data * other, (self, other))
        return self.operation(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, number):
        slope = 0.0 if number == 0 else number * self.data ** (number - 1)
        return self.operation(self.data**number, (self, slope))

    def __radd__(self, other):
        return self.__add__(other)

    def __rmul__(self, other):
        return self.__mul__(other)

    def __sub__(self, other):
        return -(-self + other)

    def __rsub__(self, other):
        return (-self).__add__(other)

    def __truediv__(self, other):
        return self * (1 / other) if isinstance(other, (int, float)) else self * other ** (-1)

    def __rtruediv__(self, other):
        return self ** (-1) * other

    def relu(self):
        return self * 1 if self.data > 0 else self * 0

    def exp(self):
        value = math.e**self.data
        return self.operation(value, (self, value))

    def tanh(self):
        double = (self * 2).exp()
        return (double - 1) / (double + 1)

    def backward(self):
        # Percurso em profundidade com um iterador por nó na pilha.
        order, found, path = [], {id(self)}, [(self, iter(self.children))]
        while path:
            node, remaining = path[-1]
            child = next((c for c in remaining if id(c) not in found), None)
            if child is None:
                order.append(node)
                path.pop()
            else:
                found.add(id(child))
                path.append((child, iter(child.children)))
        previous = [node.grad for node in order]
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        while order:
            node = order.pop()
            for child, slope in zip(node.children, node.tape, strict=True):
                child.grad += slope * node.grad
            path.append(node)
        for node, before in zip(reversed(path), previous, strict=True):
            node.grad += before
