"""A volta por etapas do grafo, com classes auxiliares; o módulo faz as contas em float64 e volta ao tipo da entrada."""

from dataclasses import dataclass

import numpy as np
import torch


class TooFewExamples(ValueError):
    pass


@dataclass
class Tape:
    deviation: np.ndarray
    std: np.ndarray
    gamma: np.ndarray


def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    if not training:
        std = np.sqrt(running_var + eps)
        return (
            gamma / std * x + (beta - gamma * running_mean / std),
            None,
            running_mean.copy(),
            running_var.view(),
        )
    n = x.shape[0]
    if n == 1:
        raise TooFewExamples
    mean = np.add.reduce(x) / n
    deviation = np.subtract(x, mean)
    var = np.add.reduce(np.square(deviation)) / n
    std = np.sqrt(np.add(var, eps))
    updated_mean = np.average([running_mean, mean], axis=0, weights=[1 - momentum, momentum])
    updated_var = np.average([running_var, var * (n / (n - 1))], axis=0, weights=[1 - momentum, momentum])
    return np.multiply(deviation / std, gamma) + beta, Tape(deviation, std, gamma), updated_mean, updated_var


def batch_norm_backward(dout, cache):
    n = dout.shape[0]
    normalized = cache.deviation / cache.std
    dbeta = np.add.reduce(dout)
    dgamma = np.add.reduce(normalized * dout)
    dnormalized = dout * cache.gamma
    dstd = -np.add.reduce(dnormalized * cache.deviation) / cache.std**2
    dvar = dstd / (2 * cache.std)
    ddeviation = dnormalized / cache.std + 2 * cache.deviation * dvar / n
    dmean = -np.add.reduce(ddeviation)
    return ddeviation + dmean / n, dgamma, dbeta


def layer_norm(x, gamma, beta, eps=1e-5):
    def normalize(row):
        return (row - np.mean(row)) / np.sqrt(np.var(row) + eps)

    return np.apply_along_axis(normalize, 1, x) * gamma[np.newaxis] + beta[np.newaxis]


class _Affine(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(size))
        self.bias = torch.nn.Parameter(torch.zeros(size))


class BatchNorm1d(_Affine):
    def __init__(self, num_features, momentum=0.1, eps=1e-5):
        super().__init__(num_features)
        self.options = (momentum, eps)
        for name, start in (("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.tensor([start] * num_features))

    def _statistics(self, x):
        momentum, _ = self.options
        if self.training is False:
            return self.running_mean, self.running_var
        if x.shape[0] < 2:
            raise TooFewExamples
        var, mean = torch.var_mean(x, dim=0, correction=0)
        factor = x.shape[0] / (x.shape[0] - 1)
        for buffer, value in ((self.running_mean, mean), (self.running_var, factor * var)):
            buffer.copy_((1 - momentum) * buffer + momentum * value.detach())
        return mean, var

    def forward(self, x):
        wide = x.double()
        mean, var = self._statistics(wide)
        z = (wide - mean) * torch.rsqrt(var + self.options[1])
        return (z * self.weight + self.bias).to(x.dtype)
