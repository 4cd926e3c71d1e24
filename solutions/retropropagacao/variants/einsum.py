"""Com einsum e one-hot; em Value, a ordem é a de criação dos nós, por uma fila de prioridade."""

import heapq
import itertools

import numpy as np


def linear_forward(x, W, b):
    if x.shape[1] != W.shape[0] or b.shape != (W.shape[1],):
        raise ValueError("formas que não combinam")
    return np.einsum("nd,dm->nm", x, W) + b[np.newaxis], [W, b, x]


def linear_backward(dout, cache):
    W, _, x = cache
    return np.einsum("nm,dm->nd", dout, W), np.einsum("nm,nd->dm", dout, x), np.einsum("nm->m", dout)


def relu_forward(x):
    gate = np.greater(x, 0)
    return np.where(gate, x, 0.0), gate


def relu_backward(dout, cache):
    return np.where(cache, dout, 0.0)


def mlp_loss(params, x, labels):
    W1, b1, W2, b2 = (params[name] for name in ("W1", "b1", "W2", "b2"))
    h = np.einsum("nd,dh->nh", x, W1) + b1
    a = (h + np.abs(h)) / 2
    z = np.einsum("nh,hc->nc", a, W2) + b2
    z -= np.amax(z, axis=-1)[:, None]
    total = np.logaddexp.reduce(z, axis=1)
    target = np.eye(z.shape[1])[labels]
    loss = np.mean(total - np.einsum("nc,nc->n", z, target))
    dz = (np.exp(z - total[:, None]) - target) / z.shape[0]
    dh = np.einsum("nc,hc->nh", dz, W2)
    dh[h <= 0] = 0
    grads = dict.fromkeys(params)
    grads["W1"] = np.einsum("nd,nh->dh", x, dh)
    grads["b1"] = np.einsum("nh->h", dh)
    grads["W2"] = np.einsum("nh,nc->hc", a, dz)
    grads["b2"] = np.einsum("nc->c", dz)
    return float(loss), grads


class Value:
    born = itertools.count()

    def __init__(self, data, links=None):
        self.data = np.float64(data)
        self.grad = np.zeros(())
        self.links = links or []
        self.age = next(Value.born)

    def _value(self, other):
        return other if type(other) is Value else Value(other)

    def __add__(self, other):
        other = self._value(other)
        return Value(self.data + other.data, [(1, self), (1, other)])

    def __sub__(self, other):
        other = self._value(other)
        return Value(self.data - other.data, [(1, self), (-1, other)])

    def __mul__(self, other):
        other = self._value(other)
        return Value(self.data * other.data, [(other.data, self), (self.data, other)])

    def __truediv__(self, other):
        other = self._value(other)
        quotient = self.data / other.data
        return Value(quotient, [(1 / other.data, self), (-quotient / other.data, other)])

    def __radd__(self, other):
        return self._value(other) + self

    def __rsub__(self, other):
        return self._value(other) - self

    def __rmul__(self, other):
        return self._value(other) * self

    def __rtruediv__(self, other):
        return self._value(other) / self

    def __neg__(self):
        return 0 - self

    def __pow__(self, number):
        return Value(np.power(self.data, float(number)), [(number * np.power(self.data, number - 1.0), self)])

    def relu(self):
        return Value(np.maximum(self.data, 0), [(np.heaviside(self.data, 0), self)])

    def tanh(self):
        t = np.tanh(self.data)
        return Value(t, [((1 - t) * (1 + t), self)])

    def exp(self):
        return Value(np.exp(self.data), [(np.exp(self.data), self)])

    def backward(self):
        # Um nó é sempre mais novo que os de que veio: processar do mais novo ao mais velho basta.
        gradients, queue = {self: 1.0}, [(-self.age, self)]
        while queue:
            _, node = heapq.heappop(queue)
            node.grad = node.grad + gradients[node]
            for slope, origin in node.links:
                if origin not in gradients:
                    gradients[origin] = 0.0
                    heapq.heappush(queue, (-origin.age, origin))
                gradients[origin] += slope * gradients[node]
