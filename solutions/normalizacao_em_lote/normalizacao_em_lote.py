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
# # Normalização em lote
#
# Neste exercício você escreve a normalização em lote por inteiro: a passagem para a frente (a ida) e a
# retropropagação (a volta) em NumPy, e depois um módulo em PyTorch. No caminho, escreve também a prima dela, a
# normalização por camada. No fim, o seu módulo treina redes de três profundidades com dígitos escritos à mão, e
# você vê o que muda quando ele sai.
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
# Os valores que entram em uma camada mudam de escala de um atributo para outro e de um passo de treino para
# outro. Em uma rede profunda, pequenas mudanças se multiplicam: os sinais somem ou explodem. A normalização em lote
# (*batch normalization*) corrige isso dentro da rede. Ela padroniza cada atributo com a média e a variância do
# próprio minilote, e devolve à rede a liberdade de escolher outra escala, $\gamma$, e outro centro, $\beta$.
#
# Seja $x$ um minilote com $N$ exemplos e $D$ atributos. Para cada atributo (cada **coluna**):
#
# $$
# \mu = \frac{1}{N}\sum_{i=1}^N x_i, \qquad
# \sigma^2 = \frac{1}{N}\sum_{i=1}^N (x_i - \mu)^2, \qquad
# \hat{x}_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad
# \text{out}_i = \gamma\,\hat{x}_i + \beta .
# $$
#
# O $\varepsilon$ evita a divisão por zero em uma coluna constante.
#
# **Treino e avaliação.** Na avaliação pode chegar um exemplo só, e a resposta dele não deve depender dos
# vizinhos. Por isso o treino guarda médias móveis de $\mu$ e da variância, e a avaliação normaliza com elas.
# A cada passo de treino, com momentum $m$:
#
# $$
# \text{running} \leftarrow (1 - m)\,\text{running} + m\,\text{estatística do lote}.
# $$
#
# Há uma sutileza: a média móvel da variância recebe a variância **não enviesada**, que divide por $N - 1$. A do
# lote, que normaliza, divide por $N$. Com $N = 2$ uma é o dobro da outra.
#
# | nome | forma | o que é |
# |---|---|---|
# | `x`, `out`, `dout`, `dx` | $(N, D)$ | um exemplo por linha |
# | `gamma`, `beta`, `dgamma`, `dbeta` | $(D,)$ | um valor por atributo |
# | `running_mean`, `running_var` | $(D,)$ | um valor por atributo |
#
# > **Convenções** (as do PyTorch)
# >
# > * Para **normalizar**, a variância é a enviesada (divide por $N$). Para a **média móvel**, a não enviesada
# >   (divide por $N - 1$).
# > * $\varepsilon$ fica **dentro** da raiz: $\sqrt{\sigma^2 + \varepsilon}$.
# > * `momentum` é o peso do valor **novo**. O Keras chama de momentum o peso do valor antigo: 0,9 lá é 0,1 aqui.
# > * No treino, a função devolve as médias móveis já atualizadas. Na avaliação, devolve as que recebeu, sem mudança.
# > * No treino, $N = 1$ levanta `ValueError`. Na avaliação, $N = 1$ é normal.
# > * Nenhum array recebido é modificado, nem `running_mean` e `running_var`.
# > * O `cache` é seu: guarde nele o que quiser. Só a sua `batch_norm_backward` o lê, e não o modifica: duas chamadas
# >   com o mesmo `cache` e o mesmo `dout` dão o mesmo resultado.
# > * As normalizações prontas do PyTorch (em lote, por camada, por instância e por grupo) não valem neste exercício.

# %% [markdown]
# ## 1. Para a frente
#
# Complete `batch_norm_forward`. Antes, faça à mão um caso pequeno, uma só coluna com $N = 4$:
#
# * $x = (1, 1, 5, 5)$ tem $\mu = 3$ e desvios $(-2, -2, 2, 2)$, com soma dos quadrados igual a 16.
# * Variância enviesada: $16/4 = 4$. Logo, sem o $\varepsilon$, $\hat{x} = (-1, -1, 1, 1)$.
# * Com $\gamma = 2$ e $\beta = 10$: $\text{out} = (8, 8, 12, 12)$.
# * Variância não enviesada: $16/3 \approx 5{,}3333$. Com $m = 0{,}1$, `running_mean` vai de 0 para
#   $0{,}1 \cdot 3 = 0{,}3$, e `running_var`, de 1 para $0{,}9 + 0{,}1 \cdot 5{,}3333 \approx 1{,}4333$.
# * Se $\varepsilon$ fosse 12, o divisor seria $\sqrt{4 + 12} = 4$, e não $\sqrt{4} + 12 = 14$.
#
# <details><summary>Dica 1</summary>
#
# A média e a variância são de cada coluna: some sobre os exemplos, que estão no eixo 0. O resultado tem forma
# $(D,)$, e o NumPy o repete em todas as linhas quando você subtrai ou multiplica.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `x.var(axis=0)` divide por $N$; `x.var(axis=0, ddof=1)` divide por $N - 1$. Calcule as médias móveis em variáveis
# novas: `running_mean = ...` não mexe no array recebido, `running_mean *= ...` mexe.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) no treino, recuse o lote de um exemplo; a média e a variância são as do lote, e as móveis andam;
# (2) na avaliação, a média e a variância são as móveis, e nada anda; (3) nos dois modos, subtraia a média,
# divida pela raiz de variância mais `eps`, multiplique por `gamma` e some `beta`. No `cache`, vale guardar o $x$
# normalizado, o inverso da raiz e `gamma`.
#
# </details>


# %%
def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """Normaliza um lote, coluna por coluna.

    x: array float64 (N, D). gamma, beta, running_mean, running_var: arrays float64 (D,).
    training: True usa as estatísticas do lote e atualiza as médias móveis; False usa as médias móveis.
    momentum: peso do valor novo na média móvel. eps: somado à variância, dentro da raiz.

    Devolve (out, cache, running_mean, running_var); nada do que foi recebido é modificado.
    No treino, N = 1 levanta ValueError.
    """
    ### BEGIN SOLUTION
    if training:
        if len(x) == 1:
            raise ValueError("no treino, um só exemplo não basta para estimar a variância")
        mean, var = x.mean(axis=0), x.var(axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(axis=0, ddof=1)
    else:
        mean, var = running_mean, running_var
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mean) * inv_std
    out = gamma * x_hat + beta
    return out, (x_hat, inv_std, gamma), running_mean, running_var
    ### END SOLUTION


# %%
# @title Verificação: batch_norm_forward
def draw_batch(rng, n, d, scale=1e6):
    """Um lote sorteado e os outros arrays da normalização; em milhões, um eps pequeno não faz diferença."""
    x = (rng.normal(size=(n, d)) * rng.uniform(1, 3, d) + rng.uniform(-4, 4, d)) * scale
    gamma = rng.uniform(1.5, 2.5, d) * rng.choice([-1, 1], d)
    return x, gamma, rng.normal(size=d), rng.normal(size=d) * scale, rng.uniform(0.5, 3, d) * scale**2


@checker.probe(
    "batch_norm_forward",
    "No treino, cada coluna é normalizada pelo lote e depois recebe γ e β",
    points=0.6,
    hint="Refaça na sua função o exemplo x = (1, 1, 5, 5) do enunciado.",
)
def forward_training(impl, rng):
    x, gamma, beta, mean, var = draw_batch(rng, 4, 3)
    return {"out": impl.batch_norm_forward(x.copy(), gamma, beta, mean, var, True)[0]}


@checker.probe(
    "batch_norm_forward",
    "No treino, as médias móveis andam na proporção de momentum, com a variância não enviesada",
    points=0.6,
    hint="(1 − momentum) · antigo + momentum · novo; a variância nova divide por N − 1.",
)
def forward_running(impl, rng):
    seen = {}
    for momentum in (0.1, 0.7):
        x, gamma, beta, mean, var = draw_batch(rng, 3, 2)
        _, _, new_mean, new_var = impl.batch_norm_forward(x, gamma, beta, mean, var, True, momentum)
        weight = str(momentum).replace(".", ",")
        seen[f"running_mean com momentum = {weight}"] = new_mean
        seen[f"running_var com momentum = {weight}"] = new_var
    return seen


@checker.probe(
    "batch_norm_forward",
    "Na avaliação, normaliza pelas médias móveis e as devolve sem mudança",
    points=0.5,
    hint="Com `training=False`, a média e a variância são `running_mean` e `running_var`.",
)
def forward_evaluation(impl, rng):
    x, gamma, beta, mean, var = draw_batch(rng, 3, 4)
    out, _, new_mean, new_var = impl.batch_norm_forward(
        x.copy(), gamma, beta, mean.copy(), var.copy(), False, momentum=0.7
    )
    return {"out": out, "running_mean": new_mean, "running_var": new_var}


@checker.probe(
    "batch_norm_forward",
    "eps entra dentro da raiz, no treino e na avaliação",
    points=0.3,
    hint="Se as verificações de cima passam, confira o divisor: a raiz de (variância + eps), com o eps recebido.",
)
def forward_large_eps(impl, rng):
    x, gamma, beta, mean, var = draw_batch(rng, 4, 2, scale=1)

    def call(training):
        return impl.batch_norm_forward(x.copy(), gamma, beta, mean.copy(), var.copy(), training, eps=0.5)[0]

    return {"out no treino com eps = 0,5": call(True), "out na avaliação com eps = 0,5": call(False)}


### BEGIN HIDDEN TESTS
@checker.probe(
    "batch_norm_forward",
    "Duas chamadas seguidas no treino e uma na avaliação, com lotes de 2 e de 3 exemplos",
    points=0.3,
    hint="A função não guarda nada entre chamadas: tudo vem dos argumentos. E N = 2 é um lote normal no treino.",
)
def forward_two_calls(impl, rng):
    x, gamma, beta, mean, var = draw_batch(rng, 3, 4)
    small, large = draw_batch(rng, 2, 4)[0], draw_batch(rng, 3, 4)[0]
    first, _, mean, var = impl.batch_norm_forward(small, gamma, beta, mean, var, True, momentum=0.7)
    _, _, mean, var = impl.batch_norm_forward(large, gamma, beta, mean, var, True, momentum=0.1)
    out, _, mean, var = impl.batch_norm_forward(x, gamma, beta, mean, var, False)
    return {"out do primeiro lote": first, "out na avaliação": out, "running_mean": mean, "running_var": var}


@checker.probe(
    "batch_norm_forward",
    "Um só exemplo: ValueError no treino, saída normal na avaliação",
    points=0.3,
    hint="A recusa vale só com `training=True`.",
)
def forward_single_example(impl, rng):
    x, gamma, beta, mean, var = draw_batch(rng, 1, 3)

    def call(training):
        return impl.batch_norm_forward(x.copy(), gamma, beta, mean.copy(), var.copy(), training)

    column, *others = draw_batch(rng, 2, 1)
    evaluation = checker.raised(lambda: call(False))
    return {
        "um exemplo no treino": checker.raised(lambda: call(True)),
        "um exemplo na avaliação": evaluation,
        "dois exemplos no treino": checker.raised(lambda: impl.batch_norm_forward(column, *others, True)),
        "out de um exemplo na avaliação": call(False)[0] if evaluation == "nenhum erro" else np.zeros((1, 3)),
    }


@checker.probe(
    "batch_norm_forward",
    "Calcula certo sem modificar nenhum array recebido",
    points=0.2,
    hint="Se a saída está certa, veja se algum `+=`, `-=` ou `*=` mexe no que chegou: crie arrays novos.",
)
def forward_intact(impl, rng):
    given = draw_batch(rng, 4, 3)
    training, evaluation = (
        np.array(impl.batch_norm_forward(*given, t, momentum=0.5)[0]) for t in (True, False)
    )
    names = ("x", "gamma", "beta", "running_mean", "running_var")
    after = {f"{name} depois das chamadas": array for name, array in zip(names, given, strict=True)}
    return after | {"out no treino": training, "out na avaliação": evaluation}


@checker.probe(
    "batch_norm_forward",
    "Valores padrão de momentum e eps, com variâncias pequenas e uma coluna constante",
    points=0.2,
    hint="Em uma coluna constante, a saída é β: não há divisão por zero, porque eps é somado à variância.",
)
def forward_defaults(impl, rng):
    x, gamma, beta, mean, var = draw_batch(rng, 5, 3, scale=2**-9)
    x[:, 1] = x[0, 1]
    out, _, mean, var = impl.batch_norm_forward(x, gamma, beta, mean, var, True)
    return {"out": out, "running_mean": mean, "running_var": var}


### END HIDDEN TESTS
checker.check("batch_norm_forward")

# %% [markdown]
# ## 2. Para trás
#
# Complete `batch_norm_backward`: recebe `dout`, o gradiente da perda $L$ em relação à saída, e o `cache` que a
# sua `batch_norm_forward` devolveu no treino.
#
# Os parâmetros são a parte fácil: $\gamma$ multiplica $\hat{x}_j$ e $\beta$ soma, em todos os exemplos. Já $x_i$
# chega à saída por três caminhos: pelo próprio $\hat{x}_i$, pela média e pela variância. Os dois últimos
# alcançam **todos** os exemplos do lote. Seja $s = \sqrt{\sigma^2 + \varepsilon}$. Como
# $\partial \mu / \partial x_i = 1/N$ e $\partial s / \partial x_i = \hat{x}_i / N$,
#
# $$
# \frac{\partial \hat{x}_j}{\partial x_i}
# = \frac{1}{s}\left(\delta_{ij} - \frac{1}{N} - \frac{\hat{x}_i\,\hat{x}_j}{N}\right),
# \qquad
# \frac{\partial L}{\partial x_i} = \sum_{j=1}^N \frac{\partial L}{\partial \hat{x}_j}\,\frac{\partial
# \hat{x}_j}{\partial x_i},
# $$
#
# em que $\delta_{ij}$ vale 1 se $i = j$ e 0 no resto. A soma em $j$ fica por sua conta.
#
# Confira com o exemplo da parte 1, de $\hat{x} = (-1, -1, 1, 1)$, $s = 2$ e $\gamma = 2$. Com
# $\text{dout} = (1, 2, 3, 6)$ saem $d\beta = 12$, $d\gamma = -1 - 2 + 3 + 6 = 6$ e
# $dx = (-0{,}5,\ 0{,}5,\ -1{,}5,\ 1{,}5)$. Note que $dx$ soma zero: somar uma constante ao lote inteiro não
# muda a saída, logo não muda a perda.
#
# <details><summary>Dica 1</summary>
#
# `dgamma` e `dbeta` são **somas** sobre os exemplos, e têm forma $(D,)$. Em `dx`, o $1/N$ transforma as somas em
# médias.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Cada parcela dos parênteses vira uma parcela de `dx`. Com $\delta_{ij}$, sobra só o termo $i$. Com $1/N$, sobra a
# média do gradiente no lote. Com $\hat{x}_i\hat{x}_j/N$, sai $\hat{x}_i$ vezes a média de gradiente · $\hat{x}$.
#
# </details>
# <details><summary>Dica 3</summary>
#
# $$
# dx_i = \frac{\gamma}{s}\left(\text{dout}_i - \overline{\text{dout}} -
# \hat{x}_i\,\overline{\text{dout}\cdot\hat{x}}\right),
# $$
#
# em que a barra é a média sobre o lote, coluna por coluna.
#
# </details>


# %%
def batch_norm_backward(dout, cache):
    """Retropropaga pela normalização em lote, no modo de treino.

    dout: gradiente da perda em relação a out, array float64 (N, D).
    cache: o que a sua batch_norm_forward devolveu com training=True.

    Devolve (dx, dgamma, dbeta), de formas (N, D), (D,) e (D,). Nem dout nem cache são modificados.
    """
    ### BEGIN SOLUTION
    x_hat, inv_std, gamma = cache
    dgamma = (dout * x_hat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    spread = dout - dout.mean(axis=0) - x_hat * (dout * x_hat).mean(axis=0)
    return gamma * inv_std * spread, dgamma, dbeta
    ### END SOLUTION


# %%
# @title Verificação: batch_norm_backward
def draw_gradient(rng, n, d, scale=1):
    """Um lote, gamma e um gradiente `dout` que tem média e acompanha o lote, para que todo termo de dx apareça."""
    z = rng.normal(size=(n, d))
    dout = rng.normal(size=(n, d)) + rng.uniform(0.5, 1, d) + rng.uniform(1.5, 2.5, d) * z
    gamma = rng.uniform(1.5, 2.5, d) * rng.choice([-1, 1], d)
    return (z * rng.uniform(1, 2, d) + rng.uniform(-4, 4, d)) * scale, gamma, dout * scale


@checker.probe(
    "batch_norm_backward",
    "dgamma e dbeta somam sobre os exemplos do lote",
    points=0.7,
    hint="Derive out = γ · x̂ + β em relação a γ e a β, e some sobre o lote.",
)
def backward_parameters(impl, rng):
    # O lote é grande para que a verificação da volta dependa pouco dos detalhes da sua ida.
    x, gamma, dout = draw_gradient(rng, 600, 3)
    start = np.zeros(3), np.zeros(3), np.ones(3)
    cache = impl.batch_norm_forward(x.copy(), gamma, *start, True)[1]
    _, dgamma, dbeta = impl.batch_norm_backward(dout.copy(), cache)
    return {"dgamma": checker.Near(dgamma, 6.0), "dbeta": dbeta}


@checker.probe(
    "batch_norm_backward",
    "dx soma os três caminhos: o direto, o da média e o da variância",
    points=0.9,
    hint="A média e a variância do lote também dependem de x: cada uma traz a sua parcela.",
)
def backward_input(impl, rng):
    x, gamma, dout = draw_gradient(rng, 600, 3)
    start = np.zeros(3), np.zeros(3), np.ones(3)
    cache = impl.batch_norm_forward(x.copy(), gamma, *start, True)[1]
    return {"dx": impl.batch_norm_backward(dout.copy(), cache)[0]}


@backward_input.measure
def backward_input_rows(seen, rng):
    return {"dx dos quatro primeiros exemplos": checker.Near(seen["dx"][:4], 0.1)}


### BEGIN HIDDEN TESTS
@checker.probe(
    "batch_norm_backward",
    "Gradientes exatos em um lote de três exemplos",
    points=0.5,
    hint="Em um lote pequeno aparece a diferença entre dividir por N e por N − 1: em dx é sempre N.",
)
def backward_small_batch(impl, rng):
    x, gamma, dout = draw_gradient(rng, 3, 4, scale=1e6)
    start = rng.normal(size=4), np.zeros(4), np.ones(4)
    cache = impl.batch_norm_forward(x.copy(), gamma, *start, True)[1]
    dx, dgamma, dbeta = impl.batch_norm_backward(dout.copy(), cache)
    return {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}


@checker.probe(
    "batch_norm_backward",
    "Com um eps grande e uma coluna constante",
    points=0.4,
    hint="Na volta, o divisor é o mesmo da ida: a raiz de (variância + eps), que não é zero na coluna constante.",
)
def backward_large_eps(impl, rng):
    x, gamma, dout = draw_gradient(rng, 600, 2)
    x[:, 1] = rng.integers(-8, 9) / 4
    start = rng.normal(size=2), np.zeros(2), np.ones(2)
    cache = impl.batch_norm_forward(x.copy(), gamma, *start, True, eps=0.5)[1]
    dx, dgamma, dbeta = impl.batch_norm_backward(dout.copy(), cache)
    return {"dx": checker.Near(dx, 0.1), "dgamma": checker.Near(dgamma, 6.0), "dbeta": dbeta}


@checker.probe(
    "batch_norm_backward",
    "Não modifica dout nem o cache, e cada cache é o da sua ida",
    points=0.5,
    hint="Se dx está certo nas outras verificações, leia tudo de `cache`, nada de variáveis globais, e devolva arrays novos.",
)
def backward_intact(impl, rng):
    x, gamma, dout = draw_gradient(rng, 600, 2)
    start = np.zeros(2), np.zeros(2), np.ones(2)
    cache = impl.batch_norm_forward(x.copy(), gamma, *start, True)[1]
    impl.batch_norm_forward(x[::-1].copy(), 3 * gamma, *start, True)
    given = dout.copy()
    first = np.array(impl.batch_norm_backward(given, cache)[0])
    again = impl.batch_norm_backward(dout.copy(), cache)[0]
    return {
        "dx": checker.Near(first, 0.1),
        "dx na segunda chamada": checker.Near(again, 0.1),
        "dout depois da chamada": given,
    }


### END HIDDEN TESTS
checker.check("batch_norm_backward")

# %% [markdown]
# ## 3. Normalização por camada
#
# Com lotes de dois ou três exemplos, a média do lote é quase só ruído; com um, nem há variância a estimar. A
# normalização por camada (*layer normalization*) troca
# de eixo: cada **exemplo** é normalizado pela média e pela variância dos seus próprios $D$ atributos. Não há lote,
# nem médias móveis, nem diferença entre treino e avaliação.
#
# $$
# \mu_i = \frac{1}{D}\sum_{k=1}^D x_{ik}, \qquad
# \sigma_i^2 = \frac{1}{D}\sum_{k=1}^D (x_{ik} - \mu_i)^2, \qquad
# \text{out}_{ik} = \gamma_k\,\frac{x_{ik} - \mu_i}{\sqrt{\sigma_i^2 + \varepsilon}} + \beta_k .
# $$
#
# As estatísticas são de cada linha, mas $\gamma$ e $\beta$ continuam a ter um valor por **atributo**, forma $(D,)$.
#
# À mão: a linha $(1, 5)$ tem $\mu = 3$ e $\sigma^2 = 4$, e vira $(-1, 1)$, sem o $\varepsilon$. Com
# $\gamma = (2, 3)$ e $\beta = (0, 1)$, a saída é $(-2, 4)$. Se $D = 1$, o único atributo é a própria média e a saída
# é $\beta$: isso é permitido, e o $\varepsilon$ evita o NaN.
#
# <details><summary>Dica 1</summary>
#
# Cada linha tem a sua média: o eixo da soma é o 1.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `x.mean(axis=1)` tem forma $(N,)$, e o NumPy a alinharia com as colunas. Com `keepdims=True` a forma é $(N, 1)$, que
# se repete ao longo de cada linha.
#
# </details>
# <details><summary>Dica 3</summary>
#
# São quatro linhas: média e variância no eixo 1 com `keepdims=True`; subtraia a média e divida por
# `np.sqrt(variância + eps)`; multiplique por `gamma` e some `beta`.
#
# </details>


# %%
def layer_norm(x, gamma, beta, eps=1e-5):
    """Normaliza cada exemplo pelos seus próprios atributos.

    x: array float64 (N, D); D = 1 é permitido. gamma, beta: arrays float64 (D,).
    A variância é a enviesada (divide por D), e eps fica dentro da raiz.

    Devolve out, da forma de x, sem modificar x.
    """
    ### BEGIN SOLUTION
    mean = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta
    ### END SOLUTION


# %%
# @title Verificação: layer_norm
def draw_rows(rng, n, d, scale=1e6):
    """Um lote em que as linhas têm centros e escalas diferentes, com gamma e beta; em milhões, como o da parte 1."""
    x = (rng.normal(size=(n, d)) * rng.uniform(1, 3, (n, 1)) + rng.uniform(-4, 4, (n, 1))) * scale
    return x, rng.uniform(1.5, 2.5, d) * rng.choice([-1, 1], d), rng.normal(size=d)


@checker.probe(
    "layer_norm",
    "Cada exemplo é normalizado pelos seus próprios atributos e depois recebe γ e β",
    points=0.5,
    hint="A média e a variância são de cada linha: eixo 1, com `keepdims=True`.",
)
def layer_values(impl, rng):
    x, gamma, beta = draw_rows(rng, 3, 4)
    return {"out": impl.layer_norm(x.copy(), gamma, beta)}


@checker.probe(
    "layer_norm",
    "eps entra dentro da raiz",
    points=0.3,
    hint="Se a verificação de cima passa, confira o divisor: a raiz de (variância + eps), com o eps recebido.",
)
def layer_large_eps(impl, rng):
    x, gamma, beta = draw_rows(rng, 2, 5, scale=1)
    return {"out com eps = 0,5": impl.layer_norm(x.copy(), gamma, beta, eps=0.5)}


### BEGIN HIDDEN TESTS
@checker.probe(
    "layer_norm",
    "Vale em qualquer tamanho: um atributo, um exemplo, tantos exemplos quantos atributos",
    points=0.3,
    hint="Com D = 1 a saída é β. Com N = D, confira se usou `keepdims=True`.",
)
def layer_sizes(impl, rng):
    square, few = draw_rows(rng, 3, 3), draw_rows(rng, 4, 2)
    return {
        "out com D = 1": impl.layer_norm(*draw_rows(rng, 3, 1)),
        "out com N = 1": impl.layer_norm(*draw_rows(rng, 1, 3)),
        "out com N = D": impl.layer_norm(*square),
        "out com D = 2": impl.layer_norm(*few),
    }


@checker.probe(
    "layer_norm",
    "Valor padrão de eps, com variâncias pequenas e uma linha constante",
    points=0.2,
    hint="Em uma linha constante a saída é β: não há divisão por zero, porque eps é somado à variância.",
)
def layer_defaults(impl, rng):
    x, gamma, beta = draw_rows(rng, 3, 4, scale=2**-9)
    x[1] = x[1, 0]
    return {"out": impl.layer_norm(x, gamma, beta)}


@checker.probe(
    "layer_norm",
    "Calcula certo sem modificar nenhum array recebido",
    points=0.2,
    hint="Se a saída está certa, veja se algum `+=`, `-=` ou `*=` mexe no que chegou: crie arrays novos.",
)
def layer_intact(impl, rng):
    given = draw_rows(rng, 4, 3)
    out = np.array(impl.layer_norm(*given))
    names = ("x", "gamma", "beta")
    after = {f"{name} depois da chamada": array for name, array in zip(names, given, strict=True)}
    return after | {"out": out}


### END HIDDEN TESTS
checker.check("layer_norm")

# %% [markdown]
# ## 4. Um módulo em PyTorch
#
# Agora a normalização em lote em um `torch.nn.Module`, com as regras da parte 1. A entrada tem forma $(N, C)$.
# Quem diz
# se é treino é o próprio módulo: `self.training` vira `True` com `.train()` e `False` com `.eval()`. A volta fica por
# conta do autograd. O módulo guarda:
#
# | nome | o que é | forma | valor inicial |
# |---|---|---|---|
# | `weight` | parâmetro ($\gamma$) | $(C,)$ | uns |
# | `bias` | parâmetro ($\beta$) | $(C,)$ | zeros |
# | `running_mean` | *buffer* (explicado abaixo) | $(C,)$ | zeros |
# | `running_var` | buffer | $(C,)$ | uns |
#
# Um buffer é um tensor do módulo que não se treina, mas vai junto quando o módulo muda de tipo ou de dispositivo e
# quando é salvo por `state_dict()`. Você pode ter outros.
#
# Mais duas exigências:
#
# * **O gradiente** passa também pela média e pela variância do lote, mas as médias móveis não guardam o grafo: são
#   só números.
# * **Em float32**, com entradas de média 1.000, a conta $\sigma^2 = \overline{x^2} - \mu^2$ não serve: subtrai dois
#   números perto de um milhão, e o float32 só guarda uns sete algarismos. Centre primeiro e eleve ao quadrado
#   depois, como faz `x.var`.
#
# A saída tem o tipo da entrada: o módulo float32 recebe float32, e o módulo depois de `.double()` recebe float64. No
# treino, $N = 1$ levanta `ValueError`, sem mexer nas médias móveis. Atenção à ordem dos argumentos do construtor,
# que não é a do PyTorch: aqui
# `momentum` vem antes de `eps`.
#
# <details><summary>Dica 1</summary>
#
# `torch.nn.Parameter(...)` declara um parâmetro, e `self.register_buffer("nome", tensor)` declara um buffer.
# Depois de
# declarado, `self.nome = ...` o atualiza.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `x.var(0, unbiased=False)` divide por $N$; `x.var(0)` divide por $N - 1$. Atualize as médias móveis dentro de
# `with torch.no_grad():`.
#
# </details>
# <details><summary>Dica 3</summary>
#
# `forward` repete `batch_norm_forward`: no treino, recuse $N = 1$, tome a média e a variância do lote e atualize os
# dois buffers; na avaliação, tome os buffers. Depois normalize com `torch.sqrt`, multiplique por `self.weight`
# e some
# `self.bias`. Não use `.data`, `.detach()` nem `.item()` na média e na variância que normalizam: cortam o
# gradiente.
#
# </details>


# %%
class BatchNorm1d(torch.nn.Module):
    """Normalização em lote de uma entrada (N, C).

    Parâmetros weight e bias, buffers running_mean e running_var, todos de forma (C,).
    No treino, N = 1 levanta ValueError.
    """

    def __init__(self, num_features, momentum=0.1, eps=1e-5):
        super().__init__()
        ### BEGIN SOLUTION
        self.momentum = momentum
        self.eps = eps
        self.weight = torch.nn.Parameter(torch.ones(num_features))
        self.bias = torch.nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        if self.training:
            if len(x) == 1:
                raise ValueError("no treino, um só exemplo não basta para estimar a variância")
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                m = self.momentum
                self.running_mean = (1 - m) * self.running_mean + m * mean
                self.running_var = (1 - m) * self.running_var + m * x.var(0)
        else:
            mean, var = self.running_mean, self.running_var
        x_hat = (x - mean) / torch.sqrt(var + self.eps)
        return self.weight * x_hat + self.bias
        ### END SOLUTION


# %%
# @title Verificação: BatchNorm1d
def draw_tensor(rng, n, c, scale=1e6):
    """Um lote float64; em milhões, como o da parte 1."""
    x = rng.normal(size=(n, c)) * rng.uniform(1, 3, c) + rng.uniform(-4, 4, c)
    return torch.from_numpy(x * scale)


def settled(module, c, rng, scale=1e6):
    """O módulo em float64, com parâmetros e médias móveis sorteados."""
    values = {
        "weight": rng.uniform(1.5, 2.5, c) * rng.choice([-1, 1], c),
        "bias": rng.normal(size=c),
        "running_mean": rng.normal(size=c) * scale,
        "running_var": rng.uniform(0.5, 3, c) * scale**2,
    }
    module = module.double()
    for name, value in values.items():
        if (found := tuple(getattr(module, name).shape)) != (c,):
            raise ValueError(f"com {c} atributos, a forma de {name} deve ser ({c},), e é {found}")
        with torch.no_grad():
            getattr(module, name).copy_(torch.from_numpy(value))
    return module


def gradients(tensors):
    """Quem não recebeu gradiente, e o gradiente de cada um (zeros, se não o recebeu)."""
    forgotten = [name for name, tensor in tensors.items() if tensor.grad is None]
    seen = {"quem não recebeu gradiente": " e ".join(forgotten) or "ninguém"}
    for name, tensor in tensors.items():
        seen[f"gradiente de {name}"] = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
    return seen


@checker.probe(
    "BatchNorm1d",
    "No treino, normaliza pelo lote e aplica weight e bias",
    points=0.4,
    hint="Siga as mesmas contas de batch_norm_forward, com `x.mean(0)` e `x.var(0, unbiased=False)`.",
)
def module_training(impl, rng):
    module = settled(impl.BatchNorm1d(3), 3, rng).train()
    out = module(draw_tensor(rng, 4, 3))
    return {"saída": out, "tipo da saída": str(out.dtype)}


@checker.probe(
    "BatchNorm1d",
    "As médias móveis acompanham dois lotes, e .eval() normaliza por elas sem mudá-las",
    points=0.5,
    hint="Confira o peso do valor novo, a variância não enviesada e `self.training`.",
)
def module_running(impl, rng):
    module = settled(impl.BatchNorm1d(3, momentum=0.7), 3, rng).train()
    module(draw_tensor(rng, 2, 3))
    module(draw_tensor(rng, 4, 3))
    seen = {"running_mean": module.running_mean.clone(), "running_var": module.running_var.clone()}
    seen["saída com .eval()"] = module.eval()(draw_tensor(rng, 3, 3))
    return seen | {
        "running_mean depois da avaliação": module.running_mean,
        "running_var depois da avaliação": module.running_var,
    }


@checker.probe(
    "BatchNorm1d",
    "O autograd dá os gradientes de x, de weight e de bias",
    points=0.4,
    hint="Declare weight e bias com `torch.nn.Parameter`, e não use `.data` nem `.detach()` na conta da saída.",
)
def module_gradient(impl, rng):
    module = settled(impl.BatchNorm1d(2), 2, rng).train()
    x = draw_tensor(rng, 4, 2).requires_grad_()
    out = module(x)
    (out * torch.from_numpy(1e6 * rng.normal(size=(4, 2)))).sum().backward()
    averages = (module.running_mean, module.running_var)
    return gradients({"x": x, "weight": module.weight, "bias": module.bias}) | {
        "médias móveis que guardam o grafo": sum(average.grad_fn is not None for average in averages),
        "saída": out,
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "BatchNorm1d",
    "Nomes e valores iniciais, e o estado salvo leva as médias móveis junto",
    points=0.4,
    hint="weight e bias são parâmetros; running_mean e running_var são registrados com `register_buffer`.",
)
def module_state(impl, rng):
    x = draw_tensor(rng, 5, 3)
    module = impl.BatchNorm1d(3).double().train()
    names = ("weight", "bias", "running_mean", "running_var")
    seen = {f"{name} no início": getattr(module, name).detach().clone() for name in names}
    module(x)
    twin = impl.BatchNorm1d(3).double()
    twin.load_state_dict(module.state_dict())
    return seen | {
        "parâmetros": ", ".join(sorted(name for name, _ in module.named_parameters())),
        "médias móveis no estado salvo": [name in module.state_dict() for name in names[2:]],
        "saída de uma cópia com .eval()": twin.eval()(x),
    }


@checker.probe(
    "BatchNorm1d",
    "Em float32, com entradas de média 1.000, é tão exato quanto o do PyTorch",
    points=0.4,
    hint="Se o resto passa, centre x antes de elevar ao quadrado: a média de x² menos o quadrado da média perde quase todos os algarismos.",
)
def module_float32(impl, rng):
    module = impl.BatchNorm1d(6, momentum=0.5).train()
    x = torch.from_numpy((rng.normal(size=(8, 6)) + 1000).astype(np.float32)).requires_grad_()
    out = module(x)
    (out * torch.from_numpy(rng.normal(size=(8, 6)).astype(np.float32))).sum().backward()
    return {
        "saída": checker.Near(out, 0.004),
        "tipo da saída": str(out.dtype),
        "running_mean": checker.Near(module.running_mean, 0.004),
        "running_var": checker.Near(module.running_var, 0.004),
        "gradiente de x": checker.Near(gradients({"x": x})["gradiente de x"], 0.02),
    }


@checker.probe(
    "BatchNorm1d",
    "Um só exemplo: ValueError no treino, saída normal na avaliação",
    points=0.2,
    hint="A recusa vale só com `self.training`, e vem antes de atualizar as médias móveis.",
)
def module_single_example(impl, rng):
    x, pair = draw_tensor(rng, 1, 3), draw_tensor(rng, 2, 1)
    module = settled(impl.BatchNorm1d(3), 3, rng)
    training = checker.raised(lambda: module.train()(x))
    evaluation = checker.raised(lambda: module.eval()(x))
    return {
        "um exemplo no treino": training,
        "um exemplo na avaliação": evaluation,
        "dois exemplos no treino": checker.raised(lambda: impl.BatchNorm1d(1).double().train()(pair)),
        "saída de um exemplo com .eval()": module(x) if evaluation == "nenhum erro" else np.zeros((1, 3)),
    }


@checker.probe(
    "BatchNorm1d",
    "Gradiente na avaliação depois de um passo de treino, com momentum e eps dados por posição",
    points=0.2,
    hint="Se as outras verificações passam, confira o uso de `momentum` e de `eps`: na chamada, vêm nessa ordem.",
)
def module_evaluation_gradient(impl, rng):
    module = settled(impl.BatchNorm1d(2, 0.7, 0.5), 2, rng, scale=1).train()
    first, second = (draw_tensor(rng, n, 2, scale=1).requires_grad_() for n in (3, 4))
    (module(first) * torch.from_numpy(rng.normal(size=(3, 2)))).sum().backward()
    module.zero_grad()
    out = module.eval()(second)
    (out * torch.from_numpy(rng.normal(size=(4, 2)))).sum().backward()
    tensors = {"x no treino": first, "x na avaliação": second, "weight": module.weight, "bias": module.bias}
    return {"saída com .eval()": out} | gradients(tensors)


### END HIDDEN TESTS
checker.check("BatchNorm1d")

# %% [markdown]
# ## Veja o que você construiu
#
# Quanto mais profunda a rede, mais difícil é manter os sinais em uma escala razoável. Aqui, redes de 2, 6 e 12
# camadas
# ocultas aprendem a ler dígitos de 8 × 8, com a mesma descida do gradiente e a mesma taxa de aprendizado. Cada uma é
# treinada sem normalização e com o seu `BatchNorm1d` antes de cada ReLU, em três sementes. Pode levar até um minuto.

# %%
if checker.ready("BatchNorm1d"):
    from sklearn.datasets import load_digits

    torch.set_num_threads(1)  # em uma rede pequena, mais threads só atrapalham
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)

    def network(depth, normalized):
        """Uma rede de `depth` camadas ocultas de 64 unidades, com ou sem normalização em lote."""
        layers = []
        for _ in range(depth):
            layers.append(torch.nn.Linear(64, 64))
            if normalized:
                layers.append(BatchNorm1d(64))
            layers.append(torch.nn.ReLU())
        return torch.nn.Sequential(*layers, torch.nn.Linear(64, 10))

    def train(depth, normalized, seed, steps=120):
        """Treina uma rede e devolve os acertos na validação, em %, a cada 10 passos."""
        torch.manual_seed(seed)
        order = torch.randperm(len(images))
        learning, validation = order[:1200], order[1200:]
        model = network(depth, normalized)
        loss_fn = torch.nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        curve = []
        for step in range(steps + 1):
            if step % 10 == 0:
                model.eval()
                with torch.no_grad():
                    hits = (model(images[validation]).argmax(1) == labels[validation]).float().mean()
                curve.append(100 * hits.item())
            model.train()
            batch = learning[torch.randint(len(learning), (64,))]
            optimizer.zero_grad()
            loss_fn(model(images[batch]), labels[batch]).backward()
            optimizer.step()
        return curve

    depths = (2, 6, 12)
    figure, axes = plt.subplots(len(depths), 1, figsize=(6, 9), sharex=True, sharey=True)
    for ax, depth in zip(axes, depths, strict=True):
        for normalized, color, name in ((False, "tab:blue", "sem"), (True, "tab:orange", "com")):
            curves = np.array([train(depth, normalized, seed) for seed in range(3)])
            steps = 10 * np.arange(curves.shape[1])
            ax.plot(steps, curves.mean(axis=0), color=color, label=f"{name} normalização em lote")
            ax.fill_between(steps, curves.min(axis=0), curves.max(axis=0), color=color, alpha=0.2)
            final = curves[:, -1]
            score = f"{final.mean():.1f}% ± {final.std():.1f}".replace(".", ",")
            print(f"{depth:2} camadas, {name} normalização: {score} de acertos")
        ax.set(ylabel="acertos na validação (%)", title=f"{depth} camadas ocultas", ylim=(0, 100))
    axes[0].legend(loc="lower right")
    axes[-1].set(xlabel="passo de treino")
    plt.tight_layout()
    plt.show()

# %% [markdown]
# **Experimente.** Parte da diferença vem dos pesos iniciais: os de `torch.nn.Linear` encolhem o sinal a cada ReLU,
# e a normalização o traz de volta. Em `network`, logo depois da linha `layers.append(torch.nn.Linear(64, 64))`,
# acrescente `torch.nn.init.kaiming_normal_(layers[-1].weight, nonlinearity="relu")` e repita o treino. Em qual
# profundidade a rede sem normalização melhora mais? Em qual ela continua para trás?

# %% [markdown]
# ## Resumo
#
# Execute a célula abaixo para somar os pontos da parte visível. Antes de entregar, use
# *Ambiente de execução → Reiniciar a sessão e executar tudo* e confira se nada mudou. Depois baixe o caderno
# (*Arquivo → Fazer o download → Fazer o download do .ipynb*) e envie o arquivo.

# %%
# @title Resumo
checker.summary()
