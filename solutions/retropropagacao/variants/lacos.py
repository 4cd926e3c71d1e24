"""Com laços explícitos; em Value, cada operação guarda uma função que sabe voltar por ela."""

import math

import numpy as np


def linear_forward(x, W, b):
    n, d = x.shape
    if W.ndim != 2 or W.shape[0] != d:
        raise ValueError("x e W não combinam")
    m = W.shape[1]
    if b.ndim != 1 or b.shape[0] != m:
        raise ValueError("b deve ser (M,)")
    out = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            out[i, j] = b[j]
            for k in range(d):
                out[i, j] += x[i, k] * W[k, j]
    return out, {"x": x.copy(), "W": W.copy()}


def linear_backward(dout, cache):
    x, W = cache["x"], cache["W"]
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for i in range(x.shape[0]):
        for j in range(W.shape[1]):
            db[j] += dout[i, j]
            for k in range(W.shape[0]):
                dx[i, k] += dout[i, j] * W[k, j]
                dW[k, j] += dout[i, j] * x[i, k]
    return dx, dW, db


def relu_forward(x):
    out = np.zeros(x.shape)
    positive = []
    for index in np.ndindex(*x.shape):
        if x[index] > 0:
            out[index] = x[index]
            positive.append(index)
    return out, positive


def relu_backward(dout, cache):
    dx = np.zeros(dout.shape)
    for index in cache:
        dx[index] = dout[index]
    return dx


def mlp_loss(params, x, labels):
    hidden, first = linear_forward(x, params["W1"], params["b1"])
    active, middle = relu_forward(hidden)
    logits, last = linear_forward(active, params["W2"], params["b2"])
    n, c = logits.shape
    loss, dlogits = 0.0, np.zeros((n, c))
    for i in range(n):
        top = max(logits[i])
        total = sum(math.exp(value - top) for value in logits[i])
        loss += (top - logits[i, labels[i]] + math.log(total)) / n
        for j in range(c):
            dlogits[i, j] = (math.exp(logits[i, j] - top) / total - (j == labels[i])) / n
    dactive, dW2, db2 = linear_backward(dlogits, last)
    _, dW1, db1 = linear_backward(relu_backward(dactive, middle), first)
    return loss, {"b2": db2, "W2": dW2, "b1": db1, "W1": dW1}


class Value:
    def __init__(self, data):
        self.data = data
        self.grad = 0
        self.origins = []
        self.pull = lambda upstream: ()

    def _from(self, data, origins, pull):
        node = Value(data)
        node.origins, node.pull = origins, pull
        return node

    def __add__(self, other):
        if not isinstance(other, Value):
            return self._from(self.data + other, [self], lambda g: (g,))
        return self._from(self.data + other.data, [self, other], lambda g: (g, g))

    __radd__ = __add__

    def __mul__(self, other):
        if not isinstance(other, Value):
            return self._from(self.data * other, [self], lambda g: (g * other,))
        return self._from(self.data * other.data, [self, other], lambda g: (g * other.data, g * self.data))

    __rmul__ = __mul__

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-1) * other

    def __rsub__(self, other):
        return other + (-self)

    def __pow__(self, number):
        return self._from(self.data**number, [self], lambda g: (g * number * self.data ** (number - 1),))

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return other * self**-1

    def relu(self):
        return self._from(max(self.data, 0.0), [self], lambda g: (g if self.data > 0 else 0.0,))

    def tanh(self):
        return self._from(math.tanh(self.data), [self], lambda g: (g / math.cosh(self.data) ** 2,))

    def exp(self):
        return self._from(math.exp(self.data), [self], lambda g: (g * math.exp(self.data),))

    def backward(self):
        # Ordem de Kahn: um nó sai quando todos os que o usam, a partir da saída, já saíram.
        users, frontier = {id(self): 0}, [self]
        while frontier:
            node = frontier.pop()
            for origin in node.origins:
                if id(origin) not in users:
                    users[id(origin)] = 0
                    frontier.append(origin)
                users[id(origin)] += 1
        gradients, ready = {id(self): 1.0}, [self]
        while ready:
            node = ready.pop()
            gradient = gradients[id(node)]
            node.grad = node.grad + gradient
            for origin, share in zip(node.origins, node.pull(gradient), strict=True):
                gradients[id(origin)] = gradients.get(id(origin), 0.0) + share
                users[id(origin)] -= 1
                if users[id(origin)] == 0:
                    ready.append(origin)
