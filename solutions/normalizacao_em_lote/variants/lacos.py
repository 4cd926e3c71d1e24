"""Com laços explícitos, coluna por coluna; o cache guarda a entrada e a volta refaz as contas."""

import math

import numpy as np
import torch


def _moments(values):
    mean = math.fsum(values) / len(values)
    return mean, math.fsum((value - mean) ** 2 for value in values)


def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    n, d = x.shape
    if training and n < 2:
        raise ValueError("lote pequeno demais")
    out, new_mean, new_var = np.zeros((n, d)), running_mean.copy(), running_var.copy()
    for j in range(d):
        if training:
            mean, squares = _moments(x[:, j].tolist())
            var = squares / n
            new_mean[j] += momentum * (mean - running_mean[j])
            new_var[j] += momentum * (squares / (n - 1) - running_var[j])
        else:
            mean, var = running_mean[j], running_var[j]
        for i in range(n):
            out[i, j] = gamma[j] * (x[i, j] - mean) / math.sqrt(var + eps) + beta[j]
    return out, {"x": x.copy(), "gamma": gamma.copy(), "eps": eps}, new_mean, new_var


def batch_norm_backward(dout, cache):
    x, gamma, eps = cache["x"], cache["gamma"], cache["eps"]
    n, d = x.shape
    dx, dgamma, dbeta = np.zeros((n, d)), np.zeros(d), np.zeros(d)
    for j in range(d):
        mean, squares = _moments(x[:, j].tolist())
        s = math.sqrt(squares / n + eps)
        for i in range(n):
            dgamma[j] += dout[i, j] * (x[i, j] - mean) / s
            dbeta[j] += dout[i, j]
        for i in range(n):
            direct = n * dout[i, j] - dbeta[j] - (x[i, j] - mean) / s * dgamma[j]
            dx[i, j] = gamma[j] * direct / (n * s)
    return dx, dgamma, dbeta


def layer_norm(x, gamma, beta, eps=1e-5):
    rows = []
    for row in x:
        mean, squares = _moments(row.tolist())
        s = math.sqrt(squares / len(row) + eps)
        rows.append([g * (value - mean) / s + b for value, g, b in zip(row, gamma, beta, strict=True)])
    return np.array(rows)


class BatchNorm1d(torch.nn.Module):
    def __init__(self, num_features, momentum=0.1, eps=1e-5):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((num_features,), 1.0))
        self.bias = torch.nn.Parameter(torch.full((num_features,), 0.0))
        self.register_buffer("running_mean", torch.full((num_features,), 0.0))
        self.register_buffer("running_var", torch.full((num_features,), 1.0))
        self.new, self.eps = momentum, eps

    def forward(self, x):
        n = x.shape[0]
        if self.training and n < 2:
            raise ValueError("lote pequeno demais")
        columns = []
        for j in range(x.shape[1]):
            if self.training:
                mean = sum(x[i, j] for i in range(n)) / n
                squares = sum((x[i, j] - mean) ** 2 for i in range(n))
                var = squares / n
                self.running_mean[j] = (1 - self.new) * self.running_mean[j] + self.new * mean.item()
                self.running_var[j] = (1 - self.new) * self.running_var[j] + self.new * squares.item() / (
                    n - 1
                )
            else:
                mean, var = self.running_mean[j], self.running_var[j]
            columns.append(self.weight[j] * (x[:, j] - mean) * (var + self.eps) ** -0.5 + self.bias[j])
        return torch.stack(columns, dim=1)
