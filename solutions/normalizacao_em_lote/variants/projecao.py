"""Com einsum: a volta como projeção ortogonal, o módulo com uma autograd.Function própria e buffers no lugar."""

import numpy as np
import torch


def _standardize(x, mean, var, eps):
    return np.einsum("ij,j->ij", x - mean, (var + eps) ** -0.5)


def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    if not training:
        out = _standardize(x, running_mean, running_var, eps) * gamma + beta
        return out, None, running_mean, running_var
    n = x.shape[0]
    if n == 1:
        raise ValueError(f"N = {n}")
    mean = np.einsum("ij->j", x) / n
    centered = x - mean
    squares = np.einsum("ij,ij->j", centered, centered)
    z = _standardize(x, mean, squares / n, eps)
    cache = (z, gamma / np.sqrt(squares / n + eps))
    moved_mean = running_mean + momentum * (mean - running_mean)
    moved_var = running_var + momentum * (squares / (n - 1) - running_var)
    return z * gamma + beta, cache, moved_mean, moved_var


def batch_norm_backward(dout, cache):
    z, scale = cache
    n = len(z)
    ones = np.ones((n, n))
    columns = [
        scale[j] * (np.eye(n) - ones / n - np.outer(z[:, j], z[:, j]) / n) @ dout[:, j]
        for j in range(z.shape[1])
    ]
    return np.stack(columns, axis=-1), np.einsum("ij,ij->j", dout, z), np.ones(n) @ dout


def layer_norm(x, gamma, beta, eps=1e-5):
    columns = x.T
    centered = columns - columns.mean(axis=0)
    var = (centered**2).mean(axis=0)
    return (centered / np.sqrt(var + eps)).T * gamma + beta


class _Normalize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, eps):
        mean = x.mean(dim=0)
        s = ((x - mean).square().mean(dim=0) + eps).sqrt()
        z = (x - mean) / s
        ctx.save_for_backward(z, s)
        return z

    @staticmethod
    def backward(ctx, upstream):
        z, s = ctx.saved_tensors
        return (upstream - upstream.mean(dim=0) - z * (upstream * z).mean(dim=0)) / s, None


class BatchNorm1d(torch.nn.Module):
    def __init__(self, num_features, momentum=0.1, eps=1e-5):
        super().__init__()
        self.num_features, self.momentum, self.eps = num_features, momentum, eps
        self.register_parameter("weight", torch.nn.Parameter(torch.empty(num_features)))
        self.register_parameter("bias", torch.nn.Parameter(torch.empty(num_features)))
        torch.nn.init.ones_(self.weight)
        torch.nn.init.zeros_(self.bias)
        self.register_buffer("running_mean", self.bias.detach().clone())
        self.register_buffer("running_var", self.weight.detach().clone())
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        if not self.training:
            return torch.addcmul(
                self.bias, x - self.running_mean, self.weight / (self.running_var + self.eps).sqrt()
            )
        if x.size(0) == 1:
            raise ValueError("um exemplo só")
        seen = x.detach()
        self.running_mean.lerp_(seen.mean(dim=0), self.momentum)
        self.running_var.lerp_(seen.var(dim=0, correction=1), self.momentum)
        self.num_batches_tracked += 1
        return torch.addcmul(self.bias, _Normalize.apply(x, self.eps), self.weight)
