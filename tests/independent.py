"""Soluções independentes do exercício de dropout, para medir o que é parecido por acaso.

Em «a¦b¦c» cada estudante escolhe por conta própria. As escolhas são poucas, menos que na vida real: é o caso
difícil para quem procura cópias.
"""

import random
import re

CHECK = """\
if «p < 0 or p > 1¦not 0 <= p <= 1¦not (0.0 <= p <= 1.0)¦p > 1 or p < 0»:
        raise ValueError(«"p inválido"¦f"p fora de [0, 1]: {p}"¦"use p entre 0 e 1"»)"""
ONES = "«np.ones_like(x)¦np.ones(x.shape)¦np.ones(x.shape, dtype=x.dtype)¦np.full(x.shape, 1.0)»"
FORWARD = [
    f"""\
def dropout_forward(x, p, training, rng):
    {CHECK}
    if «not training or p == 0¦training is False or p == 0.0¦p == 0 or not training»:
        return «x¦x.copy()», {ONES}
    if p == «1¦1.0»:
        return np.zeros_like(x), «np.zeros_like(x)¦np.zeros(x.shape)»
    keep = «1 - p¦1.0 - p»
    mask = (rng.«random(x.shape) < keep¦uniform(size=x.shape) < keep¦random(x.shape) >= p») «/ keep¦* (1 / keep)»
    «return x * mask, mask¦out = x * mask
    return out, mask»
""",
    f"""\
def dropout_forward(x, p, training, rng):
    {CHECK}
    mask = {ONES}
    if training «and 0 < p < 1¦and p not in (0, 1)»:
        u = rng.random(«x.shape¦size=x.shape»)
        mask[u < p] = «0¦0.0»
        mask «/= 1 - p¦= mask / (1 - p)»
    elif training and p == 1:
        mask «*= 0¦= mask * 0.0»
    return «x * mask¦np.multiply(x, mask)», mask
""",
    f"""\
def dropout_forward(x, p, training, rng):
    {CHECK}
    mask = {ONES}
    if training:
        for i in np.ndindex(«x.shape¦*x.shape»):
            «if rng.random() < p:
                mask[i] = 0.0
            else:
                mask[i] = 1 / (1 - p)¦mask[i] = 0.0 if rng.uniform() < p else 1.0 / (1.0 - p)»
    out = x * mask
    return out, mask
""",
    f"""\
def dropout_forward(x, p, training, rng):
    {CHECK}
    if training:
        draws = rng.random(x.size).reshape(x.shape)
        alive = draws «>=¦>» p
        mask = alive * («1 / (1 - p)¦(1 - p) ** -1» if p < 1 else 0.0)
    else:
        mask = {ONES}
    return x * mask, mask
""",
]
BACKWARD = [
    "def dropout_backward(dout, mask):\n    «return dout * mask¦dx = dout * mask\n    return dx¦return mask * dout»\n"
]
MODULE = """\
class Dropout(torch.nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if «p < 0 or p > 1¦not 0 <= p <= 1»:
            raise ValueError(«"p"¦p¦f"p = {p}"»)
        self.p = «p¦float(p)»

    def forward(self, x):
"""
DROPOUT = [
    MODULE
    + """\
        if not self.training «¦or self.p == 0»:
            return x
        if self.p == 1:
            return «torch.zeros_like(x)¦x * 0»
        mask = «torch.rand_like(x) >= self.p¦torch.rand(x.shape, device=x.device) > self.p»
        return x * mask / (1 - self.p)
""",
    MODULE
    + """\
        if self.training:
            keep = 1 - self.p
            m = torch.«bernoulli(torch.full_like(x, keep))¦empty_like(x).bernoulli_(keep)»
            return x * m / «keep if keep else x * 0¦max(keep, 1e-12)»
        return x
""",
    MODULE
    + """\
        drawn = torch.rand(«*x.shape¦x.size()», dtype=x.dtype, device=x.device)
        alive = drawn.«ge¦gt»(self.p if self.training else 0.0).type_as(x)
        if self.training and self.p < 1:
            alive = alive.div(1 - self.p)
        return «x.mul(alive)¦alive * x»
""",
]
MC = [
    """\
def mc_dropout_predict(model, x, samples):
    «modes = {m: m.training for m in model.modules()}¦modes = dict((m, m.training) for m in model.modules())»
    try:
        model.eval()
        for m in model.modules():
            «if isinstance(m, Dropout):
                m.train()¦m.training = isinstance(m, Dropout)»
        with torch.«no_grad()¦inference_mode()»:
            outs = torch.stack([model(x) for _ in range(samples)])
    finally:
        for m, mode in modes.items():
            m.training = mode
    return outs.mean(«0¦dim=0»), outs.std(«0, unbiased=False¦dim=0, correction=0»)
""",
    """\
def mc_dropout_predict(model, x, samples):
    layers = list(model.modules())
    before = [layer.training for layer in layers]
    for layer in layers:
        layer.«train(isinstance(layer, Dropout))¦training = type(layer) is Dropout»
    outs = []
    try:
        for _ in range(samples):
            outs.append(model(x)«.detach()¦.data»)
    finally:
        for layer, flag in zip(layers, before):
            layer.«train(flag)¦training = flag»
    outs = torch.«stack(outs)¦stack(outs, dim=0)»
    mean = outs.mean(dim=0)
    return mean, «((outs - mean) ** 2).mean(dim=0).sqrt()¦torch.sqrt(((outs - mean) ** 2).mean(dim=0))»
""",
]


def independent(seed: int) -> list[str]:
    """Uma solução do exercício de dropout escrita sem olhar para as outras."""
    rng = random.Random(seed)

    def chosen(text: str) -> str:
        return re.sub("«([^«»]*)»", lambda found: rng.choice(found.group(1).split("¦")), text)

    return [chosen(rng.choice(styles)) for styles in (FORWARD, BACKWARD, DROPOUT, MC)]


def disguised(cells: list[str]) -> list[str]:
    """A mesma solução com outros nomes, comentários e espaços."""
    own = "keep|mask|out|draws|alive|drawn|modes|mode|outs|layers|layer|before|flag|mean|u|i|m"
    renamed = [re.sub(rf"(?<![.\w])({own})\b(?!=)", r"meu_\1", cell) for cell in cells]
    return [f"# feito por mim\n{cell.replace(' * ', '*')}\n\n# fim" for cell in renamed]
