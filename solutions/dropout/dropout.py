# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Dropout
#
# Neste exercício você escreve o dropout quatro vezes, da fórmula ao uso: a passagem para a frente (a ida)
# e a retropropagação (a volta) em NumPy, um módulo em PyTorch e a previsão com incerteza (*MC dropout*).
# No fim, o seu código treina uma rede com dígitos escritos à mão.
#
# **Como trabalhar.** Execute a célula de preparação logo abaixo. Em cada parte, complete a função,
# execute a célula dela e depois a célula de verificação, que diz na hora o que está certo e, se houver
# erro, qual foi. A última célula soma os pontos. Não mude os nomes das funções nem os dos argumentos.

# %%
from grader.checker import panel as checker

# %%
# Importações: execute também esta célula.
import matplotlib.pyplot as plt
import numpy as np
import torch

# %% [markdown]
# ## A conta
#
# Seja $p$ a probabilidade de **descartar** uma entrada. No treino, cada entrada $x_i$ recebe o seu
# próprio sorteio:
#
# $$
# m_i = \begin{cases} 0 & \text{com probabilidade } p,\\[2pt] \dfrac{1}{1-p} & \text{com probabilidade } 1-p,
# \end{cases}
# \qquad \text{out}_i = x_i\, m_i .
# $$
#
# A divisão por $1-p$ mantém a média: $\mathbb{E}[\text{out}_i] = x_i$. Por isso, na avaliação não há nada
# a fazer: $\text{out} = x$ (é o chamado dropout invertido). Como $\text{out}_i$ depende só de $x_i$, o
# gradiente da perda $L$ passa pela mesma máscara:
#
# $$
# \frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial \text{out}_i}\, m_i .
# $$
#
# **Um exemplo à mão.** Com $p = 0{,}2$ e o sorteio que descarta só a segunda entrada, as mantidas são divididas por
# $0{,}8$, isto é, multiplicadas por $1{,}25$. Na volta, o gradiente passa pela mesma máscara:
#
# | | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|
# | $x$ | 4 | 3 | −2 | 8 |
# | $m$ | 1,25 | 0 | 1,25 | 1,25 |
# | $\text{out} = x\,m$ | 5 | 0 | −2,5 | 10 |
# | $\partial L/\partial\,\text{out}$ | 2 | 7 | −1 | 0,4 |
# | $\partial L/\partial x$ | 2,5 | 0 | −1,25 | 0,5 |
#
# As formas de tudo o que você vai escrever:
#
# | função ou classe | recebe | devolve |
# |---|---|---|
# | `dropout_forward` | `x`, de qualquer forma; `p`; `training`; `rng` | `out` e `mask`, da forma de `x` |
# | `dropout_backward` | `dout` e `mask`, da mesma forma | `dx`, da forma deles |
# | `Dropout` | tensor de qualquer forma e tipo de ponto flutuante | tensor da mesma forma e do mesmo tipo |
# | `mc_dropout_predict` | `model`; `x`; `samples`, quantas passagens | `mean` e `std`, da forma da saída de `model` |
#
# > **Convenções**
# >
# > * `p` é a probabilidade de **descartar**, como no PyTorch. Alguns textos usam a de manter.
# > * A máscara já traz a escala: seus valores são $0$ ou $1/(1-p)$.
# > * Cada entrada é sorteada independentemente das outras, para cada exemplo, e de novo a cada passagem.
# > * Na avaliação, ou com $p = 0$, a saída é a entrada e a máscara é toda de uns.
# > * Com $p = 1$ no treino, a saída é toda zero, sem NaN.
# > * $p$ fora de $[0, 1]$ levanta `ValueError`, no treino e na avaliação.
# > * A entrada nunca é modificada.

# %% [markdown]
# ## 1. Para a frente
#
# Complete `dropout_forward`. Todo sorteio sai do gerador `rng`, para que o resultado possa ser repetido. Devolva
# arrays NumPy float64; quando nada muda, a saída pode ser o próprio `x`.
#
# <details><summary>Dica 1</summary>
#
# Um sorteio uniforme em $[0, 1)$ cai abaixo de $p$ com probabilidade exatamente $p$.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `rng.random(x.shape)` sorteia um número para cada entrada de `x`. Compare com `p`, converta o resultado
# em números e divida pela probabilidade de manter. Trate antes os casos em que não há sorteio.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) se `p` não está entre 0 e 1, `raise ValueError(...)`; (2) na avaliação ou com `p` zero,
# devolva `x` e uma máscara de uns com a forma de `x`; (3) com `p` igual a 1, a máscara é de zeros; (4) no
# resto, a máscara vale $1/(1-p)$ onde o sorteio ficou em `p` ou acima e 0 onde ficou abaixo.
#
# </details>


# %%
def dropout_forward(x, p, training, rng):
    """Aplica dropout invertido.

    x: array float64 de qualquer forma.
    p: probabilidade de descartar, em [0, 1]; fora disso levanta ValueError.
    training: True em treino, False na avaliação.
    rng: numpy.random.Generator, a única fonte de acaso.

    Devolve (out, mask), ambos com a forma de x.
    """
    ### BEGIN SOLUTION
    if not 0 <= p <= 1:
        raise ValueError(f"p deve estar em [0, 1], e veio {p}")
    if not training or p == 0:
        return x, np.ones_like(x)
    if p == 1:
        return np.zeros_like(x), np.zeros_like(x)
    keep = rng.random(x.shape) >= p
    mask = keep / (1 - p)
    return x * mask, mask
    ### END SOLUTION


# %%
# @title Verificação: dropout_forward
def mask_and_shape(mask, x):
    """A máscara e a sua forma por extenso; a que não tem a forma de x vira NaN e não se confunde com outra."""
    whole = not isinstance(mask, np.ndarray) or mask.shape == x.shape
    return {"mask": mask if whole else np.full(x.shape, np.nan), "forma da máscara": str(np.shape(mask))}


def stacked(masks, x):
    """O mesmo, para as máscaras de várias chamadas."""
    told = [mask_and_shape(mask, x) for mask in masks]
    return {"mask": np.stack([one["mask"] for one in told]), "forma da máscara": told[0]["forma da máscara"]}


def to_grid(value, step):
    """O múltiplo de `step` mais próximo: o acaso de uma amostra grande não o muda."""
    return np.round(value / step) * step


@checker.probe(
    "dropout_forward",
    "No treino, out = x · mask, com máscara de 0 e 1/(1 − p)",
    points=1.2,
    hint="Imprima `np.unique(mask)` para p = 0,2: devem aparecer só 0 e 1,25.",
)
def forward_mask_values(impl, rng):
    x = rng.normal(size=(100, 80))
    out, mask = impl.dropout_forward(x.copy(), 0.2, True, rng.spawn(1)[0])
    return {"out": out} | mask_and_shape(mask, x)


@forward_mask_values.measure
def forward_mask_statistics(seen, rng):
    x = rng.normal(size=(100, 80))
    out, mask = seen["out"], seen["mask"]
    neither = (np.abs(mask) > 1e-9) & (np.abs(mask - 1.25) > 1e-9)
    return {
        "forma da máscara": seen["forma da máscara"],
        "maior valor da máscara": mask.max(),
        "entradas da máscara que não são 0 nem 1/(1 − p)": neither.sum(),
        "maior diferença entre out e x · mask": np.abs(out - x * mask).max(),
        "fração de entradas descartadas, arredondada": to_grid((mask == 0).mean(), 0.2),
    }


@checker.probe(
    "dropout_forward",
    "Na avaliação, e com p = 0, nada muda",
    points=0.6,
    hint="Na avaliação o dropout invertido não faz nada: a saída é x e a máscara é toda de uns.",
)
def forward_evaluation(impl, rng):
    x = rng.normal(size=(4, 3))
    out, mask = impl.dropout_forward(x.copy(), 0.75, False, rng.spawn(1)[0])
    out_zero, mask_zero = impl.dropout_forward(x.copy(), 0.0, True, rng.spawn(1)[0])
    return {"out": out, "mask": mask, "out com p = 0": out_zero, "mask com p = 0": mask_zero}


@checker.probe(
    "dropout_forward",
    "p fora de [0, 1] levanta ValueError, no treino e na avaliação",
    points=0.3,
    hint="Confira p na primeira linha da função, antes de olhar `training`.",
)
def forward_invalid_p(impl, rng):
    x = rng.normal(size=(3, 2))

    def call(p, training):
        return checker.raised(lambda: impl.dropout_forward(x.copy(), p, training, rng.spawn(1)[0]))

    below, inside, above = (round(low + rng.uniform(0.1, 0.9), 2) for low in (-1, 0, 1))
    return {
        f"p = {below} no treino": call(below, True),
        f"p = {above} no treino": call(above, True),
        f"p = {above} na avaliação": call(above, False),
        f"p = {inside} no treino": call(inside, True),
        f"p = {inside} na avaliação": call(inside, False),
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "dropout_forward",
    "Cada entrada de cada exemplo tem o seu próprio sorteio",
    points=0.6,
    hint="O sorteio precisa ter a forma inteira de x, não só a de uma linha ou de uma coluna.",
)
def forward_independent_entries(impl, rng):
    x = rng.normal(size=(100, 80)) + 5
    out, mask = impl.dropout_forward(x.copy(), 0.5, True, rng.spawn(1)[0])
    return {"out": out} | mask_and_shape(mask, x)


@forward_independent_entries.measure
def forward_independence(seen, rng):
    x = rng.normal(size=(100, 80)) + 5
    dropped = seen["mask"] == 0
    return {
        "forma da máscara": seen["forma da máscara"],
        "fração de entradas descartadas, arredondada": to_grid(dropped.mean(), 0.25),
        "colunas iguais em todos os exemplos": (dropped == dropped[:1]).all(axis=0).sum(),
        "exemplos com todas as entradas iguais": (dropped == dropped[:, :1]).all(axis=1).sum(),
        "maior valor da máscara": seen["mask"].max(),
        "maior diferença entre out e x · mask": np.abs(seen["out"] - x * seen["mask"]).max(),
    }


@checker.probe(
    "dropout_forward",
    "O acaso vem do rng: máscara nova a cada chamada, repetível com a mesma semente",
    points=0.4,
    hint="Use só o `rng` recebido: nada de `np.random.rand` nem de gerador criado dentro da função.",
)
def forward_randomness(impl, rng):
    x = rng.normal(size=(40, 50))
    seed = int(rng.integers(2**31))
    first, second = np.random.default_rng(seed), np.random.default_rng(seed)
    pairs = [impl.dropout_forward(x.copy(), 0.3, True, generator) for generator in (first, first, second)]
    return stacked([mask for _, mask in pairs], x)


@forward_randomness.measure
def forward_repetition(seen, rng):
    first, again, repeated = seen["mask"] == 0
    return {
        "forma da máscara": seen["forma da máscara"],
        "chamadas seguidas com máscaras iguais (1 = sim)": (first == again).all(),
        "máscaras iguais com a mesma semente (1 = sim)": (first == repeated).all(),
    }


@checker.probe(
    "dropout_forward",
    "O número de entradas descartadas varia como deve",
    points=0.3,
    hint="Descartar sempre a mesma quantidade não é dropout: cada entrada decide sozinha.",
)
def forward_count_variance(impl, rng):
    x = rng.normal(size=(4, 5))
    generator = rng.spawn(1)[0]
    pairs = [impl.dropout_forward(x.copy(), 0.5, True, generator) for _ in range(1000)]
    return stacked([mask for _, mask in pairs], x)


@forward_count_variance.measure
def forward_counts(seen, rng):
    dropped = (seen["mask"] == 0).sum(axis=(1, 2))
    return {
        "forma da máscara": seen["forma da máscara"],
        "média de descartadas em 20, arredondada": to_grid(dropped.mean(), 5),
        "variância de descartadas em 20, arredondada": to_grid(dropped.var(), 5),
    }


@checker.probe(
    "dropout_forward",
    "p = 1 dá zeros sem NaN, p = 1 na avaliação não muda nada, e x fica intacto",
    points=0.6,
    hint="Com p = 1, 1/(1 − p) não existe: trate o caso antes de dividir. E não escreva em cima de x.",
)
def forward_extremes(impl, rng):
    x = rng.normal(size=(5, 4))
    everything, mask = impl.dropout_forward(x.copy(), 1.0, True, rng.spawn(1)[0])
    untouched, ones = impl.dropout_forward(x.copy(), 1.0, False, rng.spawn(1)[0])
    given = x.copy()
    impl.dropout_forward(given, 0.5, True, rng.spawn(1)[0])
    return {
        "out com p = 1": everything,
        "mask com p = 1": mask,
        "out com p = 1 na avaliação": untouched,
        "mask com p = 1 na avaliação": ones,
        "x depois da chamada": given,
    }


### END HIDDEN TESTS
checker.check("dropout_forward")

# %% [markdown]
# ## 2. Para trás
#
# Complete `dropout_backward`: recebe o gradiente em relação à saída e a máscara da ida, e devolve o
# gradiente em relação à entrada.
#
# <details><summary>Dica 1</summary>
#
# Quem foi descartado na ida não influi na perda. E quem ficou?
#
# </details>
# <details><summary>Dica 2</summary>
#
# Se $\text{out}_i = x_i m_i$, então $\partial\,\text{out}_i/\partial x_i = m_i$: a escala também volta.
#
# </details>
# <details><summary>Dica 3</summary>
#
# É um produto elemento a elemento de dois arrays da mesma forma.
#
# </details>


# %%
def dropout_backward(dout, mask):
    """Retropropaga pelo dropout.

    dout: gradiente da perda em relação à saída, da forma da saída.
    mask: a máscara devolvida por dropout_forward, da mesma forma.

    Devolve dx, o gradiente em relação à entrada.
    """
    ### BEGIN SOLUTION
    return dout * mask
    ### END SOLUTION


# %%
# @title Verificação: dropout_backward
@checker.probe(
    "dropout_backward",
    "O gradiente passa pela máscara, com a escala",
    points=0.8,
    hint="Derive out = x · mask em relação a x.",
)
def backward_values(impl, rng):
    dout = rng.normal(size=(4, 3))
    mask = (rng.random((4, 3)) < 0.75) / 0.75
    return {"dx": impl.dropout_backward(dout.copy(), mask.copy())}


### BEGIN HIDDEN TESTS
@checker.probe(
    "dropout_backward",
    "Vale em qualquer forma e não modifica dout nem mask",
    points=0.7,
    hint="Devolva um array novo em vez de alterar os que chegaram.",
)
def backward_intact(impl, rng):
    dout = rng.normal(size=(2, 3, 4))
    mask = (rng.random((2, 3, 4)) < 0.5) / 0.5
    given_dout, given_mask = dout.copy(), mask.copy()
    dx = np.array(impl.dropout_backward(given_dout, given_mask))
    return {"dx": dx, "dout depois da chamada": given_dout, "mask depois da chamada": given_mask}


### END HIDDEN TESTS
checker.check("dropout_backward")

# %% [markdown]
# ## 3. Um módulo em PyTorch
#
# Agora as mesmas regras em um `torch.nn.Module`. Quem diz se é treino é o próprio módulo:
# `self.training` vira `True` com `.train()` e `False` com `.eval()`. A entrada pode ter qualquer forma e
# qualquer tipo de ponto flutuante; a saída tem o mesmo tipo e fica no mesmo dispositivo. O autograd
# cuida do gradiente, e o sorteio pode sair do gerador global do PyTorch, como o de `torch.rand`. Um $p$ fora de
# $[0, 1]$ levanta `ValueError` também depois de `.eval()`. Os dropouts prontos de `torch.nn` e
# `torch.nn.functional` não valem aqui.
#
# <details><summary>Dica 1</summary>
#
# O construtor guarda `p`; o sorteio é feito em `forward`, um novo a cada passagem.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `torch.rand(x.shape, device=x.device)` faz o papel de `rng.random`. A máscara precisa do tipo de `x`:
# `.to(x.dtype)`.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Multiplicar `x` por uma máscara constante já basta para o gradiente voltar por ela. Não use `.data`,
# `.detach()` nem `.item()` em `x`: cortam o gradiente. Com `p` igual a 1, a máscara é de zeros.
#
# </details>


# %%
class Dropout(torch.nn.Module):
    """Dropout invertido; p é a probabilidade de descartar.

    p fora de [0, 1] levanta ValueError, no construtor ou na primeira passagem.
    """

    def __init__(self, p=0.5):
        super().__init__()
        ### BEGIN SOLUTION
        if not 0 <= p <= 1:
            raise ValueError(f"p deve estar em [0, 1], e veio {p}")
        self.p = p
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * torch.zeros_like(x)
        keep = torch.rand(x.shape, device=x.device) >= self.p
        mask = keep.to(x.dtype) / (1 - self.p)
        return x * mask
        ### END SOLUTION


# %%
# @title Verificação: Dropout
def gradient_of(out, x, upstream):
    """Gradiente de `(out * upstream).sum()` em x; zeros, se ele não chega lá."""
    if out.requires_grad:
        (out * upstream).sum().backward()
    return torch.zeros_like(x) if x.grad is None else x.grad


@checker.probe(
    "Dropout",
    "No treino descarta a fração p e divide o resto por 1 − p",
    points=0.7,
    hint="Siga as mesmas contas de dropout_forward, com `torch.rand`.",
)
def module_training(impl, rng):
    x = torch.from_numpy(rng.normal(size=(100, 120)) + 10)
    return {"saída": impl.Dropout(0.2).train()(x)}


@module_training.measure
def module_training_statistics(seen, rng):
    x = rng.normal(size=(100, 120)) + 10
    ratio = seen["saída"] / x
    dropped = ratio == 0
    return {
        "fração de entradas descartadas, arredondada": to_grid(dropped.mean(), 0.2),
        "colunas iguais em todos os exemplos": (dropped == dropped[:1]).all(axis=0).sum(),
        "exemplos com todas as entradas iguais": (dropped == dropped[:, :1]).all(axis=1).sum(),
        "menor saída/entrada entre as mantidas": np.where(dropped, np.inf, ratio).min(),
        "maior saída/entrada entre as mantidas": np.where(dropped, -np.inf, ratio).max(),
    }


@checker.probe(
    "Dropout",
    "Com .eval() a saída é a entrada",
    points=0.4,
    hint="Consulte `self.training` em forward.",
)
def module_evaluation(impl, rng):
    x = torch.from_numpy(rng.normal(size=(3, 2, 4)))
    return {
        "saída com .eval()": impl.Dropout(0.5).eval()(x.clone()),
        "saída com p = 0": impl.Dropout(0.0).train()(x.clone()),
    }


@checker.probe(
    "Dropout",
    "Mantém o tipo float32, o gradiente passa pela máscara e cada passagem sorteia de novo",
    points=0.6,
    hint="Multiplique o próprio x (sem .data nem .detach) por uma máscara sorteada dentro de forward.",
)
def module_gradient(impl, rng):
    x = torch.from_numpy(rng.normal(size=(30, 40)) + 10).requires_grad_()
    upstream = torch.from_numpy(rng.normal(size=(30, 40)))
    module = impl.Dropout(0.5).train()
    first, second = module(x), module(x)
    kind = str(impl.Dropout(0.5).train()(x.detach().float()).dtype)
    return {"primeira": first, "segunda": second, "gradiente": gradient_of(first, x, upstream), "tipo": kind}


@module_gradient.measure
def module_gradient_statistics(seen, rng):
    x = rng.normal(size=(30, 40)) + 10
    upstream = rng.normal(size=(30, 40))
    first, second = seen["primeira"] == 0, seen["segunda"] == 0
    return {
        "fração de entradas descartadas, arredondada": to_grid(first.mean(), 0.25),
        "passagens seguidas com o mesmo sorteio (1 = sim)": (first == second).all(),
        "maior diferença entre o gradiente e dout · máscara": np.abs(
            seen["gradiente"] - upstream * seen["primeira"] / x
        ).max(),
        "tipo da saída para float32": seen["tipo"],
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "Dropout",
    "Mantém o tipo da entrada e p = 1 dá zeros com gradiente zero",
    points=0.5,
    hint="Leve a máscara ao tipo de x com `.to(x.dtype)` e trate p = 1 sem dividir por zero.",
)
def module_dtype(impl, rng):
    x = torch.from_numpy(rng.normal(size=(6, 5)))
    half = impl.Dropout(0.5).train()(x.to(torch.bfloat16))
    double = impl.Dropout(0.5).train()(x)
    leaf = x.clone().requires_grad_()
    everything = impl.Dropout(1.0).train()(leaf)
    return {
        "tipo da saída para bfloat16": str(half.dtype),
        "tipo da saída para float64": str(double.dtype),
        "saída com p = 1": everything,
        "o gradiente volta por uma saída com p = 1 (1 = sim)": everything.requires_grad,
        "gradiente com p = 1": gradient_of(everything, leaf, torch.ones_like(x)),
        "saída com p = 1 e .eval()": impl.Dropout(1.0).eval()(x),
    }


@checker.probe(
    "Dropout",
    "p padrão 0,5, e p fora de [0, 1] levanta ValueError",
    points=0.3,
    hint="Confira p no construtor.",
)
def module_invalid_p(impl, rng):
    x = torch.from_numpy(rng.normal(size=(40, 50)) + 10)

    def call(p):
        return checker.raised(lambda: impl.Dropout(p)(x))

    ps = [round(low + rng.uniform(0.1, 0.9), 2) for low in (-1, 0, 1)]
    return {f"p = {p}": call(p) for p in ps} | {"saída com o p padrão": impl.Dropout().train()(x)}


@module_invalid_p.measure
def module_default_p(seen, rng):
    x = rng.normal(size=(40, 50)) + 10
    out = seen.pop("saída com o p padrão")
    return seen | {
        "fração de entradas descartadas com o p padrão, arredondada": to_grid((out == 0).mean(), 0.25),
        "maior saída/entrada com o p padrão": (out / x).max(),
    }


### END HIDDEN TESTS
checker.check("Dropout")

# %% [markdown]
# ## 4. Previsão com incerteza: MC dropout
#
# Com o dropout ligado também na previsão, cada passagem dá uma resposta um pouco diferente. A média de
# várias passagens é a previsão; o desvio padrão diz quanto a rede hesita.
#
# Complete `mc_dropout_predict`. Só as instâncias da **sua** classe `Dropout` ficam ativas; o resto (a
# normalização em lote, por exemplo) fica em avaliação. Ao terminar, cada módulo está no modo em que
# estava, mesmo que o modelo levante uma exceção no meio. Média e desvio padrão são tensores da forma da saída; o
# desvio é o populacional (divide por `samples`).
#
# <details><summary>Dica 1</summary>
#
# `model.modules()` percorre o modelo e todos os módulos dentro dele; cada um tem o seu `.training`.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Anote o modo de **cada** módulo antes de mexer. `model.eval()` põe todos em avaliação; depois, ligue só
# os que são `isinstance(m, Dropout)`.
#
# </details>
# <details><summary>Dica 3</summary>
#
# `try: ... finally: ...` devolve os modos também depois de uma exceção. Empilhe as saídas com
# `torch.stack` e use `.std(0, unbiased=False)`.
#
# </details>


# %%
def mc_dropout_predict(model, x, samples):
    """Prevê com `samples` (≥ 1) passagens de `model` em x, com só o Dropout ativo.

    Devolve (mean, std): média e desvio padrão populacional das saídas, elemento a elemento.
    """
    ### BEGIN SOLUTION
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        for module in model.modules():
            if isinstance(module, Dropout):
                module.train()
        with torch.no_grad():
            outputs = torch.stack([model(x) for _ in range(samples)])
    finally:
        for module, training in modes:
            module.training = training
    return outputs.mean(0), outputs.std(0, unbiased=False)
    ### END SOLUTION


# %%
# @title Verificação: mc_dropout_predict
class Counting(torch.nn.Module):
    """Multiplica a entrada pelo número da passagem: 1, 2, 3, …"""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return x * self.calls


class Halves(torch.nn.Module):
    """Um Dropout para as 30 primeiras colunas e outro, mais fundo no modelo, para as demais."""

    def __init__(self, left, right):
        super().__init__()
        self.left, self.right = left, torch.nn.Sequential(torch.nn.Sequential(right))

    def forward(self, x):
        return torch.cat([self.left(x[:, :30]), self.right(x[:, 30:])], dim=1)


@checker.probe(
    "mc_dropout_predict",
    "Média e desvio padrão populacional das passagens",
    points=0.6,
    hint="São `samples` passagens; o desvio divide por `samples`, não por `samples − 1`.",
)
def mc_moments(impl, rng):
    x = torch.from_numpy(rng.normal(size=(3, 2)))
    mean, std = impl.mc_dropout_predict(Counting(), x, 4)
    _, single = impl.mc_dropout_predict(Counting(), x, 1)
    return {"média": mean, "desvio": std, "desvio de uma só passagem": single}


@checker.probe(
    "mc_dropout_predict",
    "Todo Dropout fica ativo na previsão, também dentro de outro módulo",
    points=0.4,
    hint="Depois de `model.eval()`, chame `.train()` em cada instância de Dropout que há em `model.modules()`.",
)
def mc_active(impl, rng):
    x = torch.from_numpy((rng.normal(size=(4, 60)) + 10) * 10.0 ** (np.arange(60) % 6))
    model = Halves(impl.Dropout(0.5), impl.Dropout(0.5)).eval()
    mean, std = impl.mc_dropout_predict(model, x, 61)
    return {"média": mean, "desvio": std}


@mc_active.measure
def mc_active_statistics(seen, rng):
    x = (rng.normal(size=(4, 60)) + 10) * 10.0 ** (np.arange(60) % 6)
    ratio = seen["média"] / x
    return {
        "entradas que não variam, com o Dropout logo dentro do modelo": (seen["desvio"][:, :30] == 0).sum(),
        "entradas que não variam, com o Dropout dentro de outro módulo": (seen["desvio"][:, 30:] == 0).sum(),
        "entradas cuja média é a própria entrada": (np.abs(ratio - 1) < 1e-6).sum(),
        "a média acompanha a entrada (1 = sim)": ratio.std() < 1.5 * ratio.mean(),
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "mc_dropout_predict",
    "Só o Dropout fica ativo: a normalização em lote e os outros módulos ficam em avaliação",
    points=0.5,
    hint="Comece por `model.eval()` e ligue só as instâncias de Dropout.",
)
def mc_only_dropout(impl, rng):
    norm = torch.nn.BatchNorm1d(3).double()
    norm.running_mean += torch.from_numpy(rng.normal(size=3))
    norm.running_var += torch.from_numpy(rng.random(3))
    x = torch.from_numpy(rng.normal(size=(5, 3)) * 3 + 1)
    mean, std = impl.mc_dropout_predict(torch.nn.Sequential(norm).train(), x, 3)
    other, _ = impl.mc_dropout_predict(Doubling().train(), x, 2)
    return {
        "média": mean,
        "desvio": std,
        "running_mean depois": norm.running_mean,
        "média de um modelo que, em treino, dobra a entrada": other,
    }


class Doubling(torch.nn.Module):
    """Dobra a entrada no treino e a devolve na avaliação."""

    def forward(self, x):
        return 2 * x if self.training else x


class Idle(torch.nn.Module):
    """Tem módulos dentro, mas não os usa: devolve a entrada."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = torch.nn.Sequential(*parts)

    def forward(self, x):
        return x + 0


class Failing(torch.nn.Module):
    def forward(self, x):
        raise RuntimeError("falha de propósito")


@checker.probe(
    "mc_dropout_predict",
    "Cada módulo volta ao modo em que estava, também depois de uma exceção",
    points=0.5,
    hint="Guarde o modo de cada módulo e devolva-o em um bloco `finally`.",
)
def mc_modes(impl, rng):
    x = torch.from_numpy(rng.normal(size=(2, 3)))
    model = Idle(torch.nn.Linear(3, 3), torch.nn.ReLU(), torch.nn.Sequential(impl.Dropout(0.5))).train()
    model.parts[1].eval()
    model.parts[2].eval()
    impl.mc_dropout_predict(model, x, 2)
    failing = torch.nn.Sequential(Idle(impl.Dropout(0.5)), Failing()).train()
    failing[0].eval()
    error = checker.raised(lambda: impl.mc_dropout_predict(failing, x, 2))
    mean, _ = impl.mc_dropout_predict(torch.nn.Identity(), x, 2)
    return {
        "modos depois": [m.training for m in model.modules()],
        "exceção do modelo": error,
        "modos depois da exceção": [m.training for m in failing.modules()],
        "média de um modelo sem dropout": mean,
    }


### END HIDDEN TESTS
checker.check("mc_dropout_predict")

# %% [markdown]
# ## Veja o que você construiu
#
# Uma rede grande para poucos dados, com rótulos errados: 200 dígitos de 8 × 8 para treinar, um em cada cinco com o
# rótulo sorteado; o resto, intacto, para validar. Sem dropout a rede decora até os rótulos errados. A mesma
# rede é treinada sem dropout e com a sua classe `Dropout`, em três sementes. Depois, `mc_dropout_predict`
# diz quanto a rede hesita diante de cada dígito da validação, e o gráfico de baixo mostra se a hesitação
# avisa do erro. Leva menos de um minuto.

# %%
if checker.ready("Dropout", "mc_dropout_predict"):
    from sklearn.datasets import load_digits

    torch.set_num_threads(1)  # em uma rede pequena, mais threads só atrapalham
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)

    def train(p, seed, steps=400):
        """Treina uma rede com dropout p; devolve o modelo, as curvas de perda e os índices da validação."""
        torch.manual_seed(seed)
        order = torch.randperm(len(images))
        few, rest = order[:200], order[200:]
        given = labels.clone()
        given[few[:40]] = torch.randint(10, (40,))
        model = torch.nn.Sequential(
            torch.nn.Linear(64, 256),
            torch.nn.ReLU(),
            Dropout(p),
            torch.nn.Linear(256, 256),
            torch.nn.ReLU(),
            Dropout(p),
            torch.nn.Linear(256, 10),
        )
        loss_fn = torch.nn.CrossEntropyLoss()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        curve = []
        for step in range(steps):
            model.train()
            batch = few[torch.randint(len(few), (32,))]
            optimizer.zero_grad()
            loss_fn(model(images[batch]), given[batch]).backward()
            optimizer.step()
            if step % 10 == 0:
                model.eval()
                with torch.no_grad():
                    curve.append([loss_fn(model(images[part]), given[part]).item() for part in (few, rest)])
        return model, np.array(curve), rest

    def accuracy(scores, chosen):
        """Porcentagem de acertos nos exemplos escolhidos."""
        return 100 * (scores.argmax(1) == labels[chosen]).float().mean().item()

    results = {p: [train(p, seed) for seed in range(3)] for p in (0.0, 0.5)}
    for p, runs in results.items():
        final = np.array([curve[-1] for _, curve, _ in runs])
        hits = np.array([accuracy(model.eval()(images[rest]), rest) for model, _, rest in runs])
        line = (
            f"p = {p}: perda final de treino {final[:, 0].mean():.2f} e de validação {final[:, 1].mean():.2f}; "
            f"acertos na validação {hits.mean():.1f}% ± {hits.std():.1f} (3 sementes)"
        )
        print(line.replace(".", ","))

    figure, axes = plt.subplots(2, 1, figsize=(6, 8))
    for p, runs in results.items():
        color = "tab:blue" if p == 0 else "tab:orange"
        for part, style in ((0, "--"), (1, "-")):
            mean = np.mean([curve[:, part] for _, curve, _ in runs], axis=0)
            name = "treino" if part == 0 else "validação"
            axes[0].plot(
                np.arange(len(mean)) * 10,
                mean,
                style,
                color=color,
                label=f"p = {p}, {name}".replace(".", ","),
            )
    axes[0].set(xlabel="passo", ylabel="perda", title="Sem dropout, a rede decora os rótulos errados")
    axes[0].legend()

    model, _, rest = results[0.5][0]
    mean, std = mc_dropout_predict(torch.nn.Sequential(model, torch.nn.Softmax(dim=1)), images[rest], 50)
    mean, std = torch.as_tensor(mean), torch.as_tensor(std)
    quarters = std.max(dim=1).values.argsort().chunk(4)
    axes[1].bar(["1º", "2º", "3º", "4º"], [accuracy(mean[quarter], rest[quarter]) for quarter in quarters])
    axes[1].set(
        xlabel="quartos da validação, do menor ao maior desvio padrão",
        ylabel="acertos (%)",
        title="Onde a rede hesita mais, ela erra mais",
    )
    plt.tight_layout()
    plt.show()

# %% [markdown]
# ## Resumo
#
# Execute a célula abaixo para somar os pontos da parte visível. Antes de entregar, use
# *Ambiente de execução → Reiniciar a sessão e executar tudo* e confira se nada mudou. Depois baixe o caderno
# (*Arquivo → Fazer o download → Fazer o download do .ipynb*) e envie o arquivo.

# %%
# @title Resumo
checker.summary()
