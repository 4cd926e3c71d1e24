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
# # Retropropagação
#
# Neste exercício você escreve a retropropagação duas vezes. Primeiro com matrizes, em NumPy: a camada linear, a
# ReLU e uma rede inteira com entropia cruzada. Depois com números soltos: uma classe que anota cada conta e
# sabe voltar por ela, como faz o PyTorch. No fim, o seu código treina uma rede com dígitos escritos à mão.
#
# **Como trabalhar.** Execute a célula de preparação logo abaixo. Em cada parte, complete a função,
# execute a célula dela e depois a célula de verificação, que diz na hora o que está certo e, se houver
# erro, qual foi. A última célula soma os pontos. Não mude os nomes das funções nem os dos argumentos.

# %%
from grader.checker import panel as checker

# %%
# Importações: execute também esta célula.
import math

import matplotlib.pyplot as plt
import numpy as np
import torch

# %% [markdown]
# ## A conta
#
# Uma rede com um milhão de parâmetros pede um milhão de derivadas a cada passo. Por diferenças finitas, isso
# custa dois milhões de passagens pela rede. A retropropagação dá **todas** as derivadas em uma passagem de
# volta, que custa poucas vezes uma de ida. O segredo é a ordem em que se aplica a regra da cadeia.
#
# Chame de $L$ a perda, um número só. Cada camada recebe $x$ e produz $\text{out}$. Na volta, ela recebe
# $\partial L/\partial\text{out}$, que o código chama de `dout`, e responde a duas perguntas:
#
# * quanto vale $\partial L/\partial x$ (`dx`), que segue para a camada anterior;
# * quanto vale a derivada de $L$ em relação a cada parâmetro seu (`dW`, `db`).
#
# A camada não precisa saber o que vem depois dela: `dout` já resume tudo. Só precisa lembrar o que viu na ida, e é
# isso que vai no **cache**. Uma regra pega muitos erros antes de eles acontecerem: **o gradiente tem sempre a forma
# daquilo em relação a que se deriva**.
#
# | array | forma | na volta | forma |
# |---|---|---|---|
# | `x` | `(N, D)`: N exemplos de D entradas | `dx` | `(N, D)` |
# | `W` | `(D, M)` | `dW` | `(D, M)` |
# | `b` | `(M,)` | `db` | `(M,)` |
# | `out` | `(N, M)` | `dout` | `(N, M)` |
#
# > **Convenções**
# >
# > * `dout` já traz tudo o que vem depois da camada, inclusive a divisão por N da perda média. As camadas **não**
# >   dividem por N.
# > * O `cache` é seu: guarde nele o que quiser. Só a sua função da volta o abre, e ela não o modifica. Vários
# >   caches podem estar em uso ao mesmo tempo.
# > * `x` e `W` têm sempre duas dimensões. `b` tem exatamente a forma `(M,)`: com `(1,)`, `(1, M)` ou `(N, M)` o
# >   NumPy faria a conta calado, mas aqui isso levanta `ValueError`.
# > * A inclinação da ReLU em 0 é 0, em todas as partes.
# > * A entropia cruzada usa o logaritmo natural e é a **média** dos N exemplos.
# > * Em `Value`, cada chamada de `backward` soma a `.grad` de cada nó a derivada da saída em relação a ele, e mais
# >   nada. A própria saída recebe 1. Nós de que a saída não depende ficam como estavam.
# > * Em `Value`, um número é um `int` ou um `float` do Python.
# > * As entradas nunca são modificadas.
# > * São vetados `torch.autograd`, `Tensor.backward` e `torch.func`: aqui é você quem retropropaga. O PyTorch só
# >   aparece nas comparações do fim.

# %% [markdown]
# ## 1. A camada linear, na ida
#
# $$
# \text{out} = x\,W + b, \qquad \text{out}_{nm} = \sum_{d} x_{nd} W_{dm} + b_m .
# $$
#
# O mesmo viés serve a todos os exemplos. Um caso pequeno, para conferir à mão:
#
# $$
# x = \begin{pmatrix} 1 & 2 \\ 3 & -1 \end{pmatrix},\quad
# W = \begin{pmatrix} 1 & 0 & 2 \\ -1 & 1 & 0 \end{pmatrix},\quad
# b = (1,\; 0,\; -1)
# \;\Rightarrow\;
# \text{out} = \begin{pmatrix} 0 & 2 & 1 \\ 5 & -1 & 5 \end{pmatrix}.
# $$
#
# Complete `linear_forward`. Formas que não combinam levantam `ValueError`. O perigo está em `b`: o NumPy
# repete (*broadcasting*) um `b` de forma errada sem reclamar, e o erro só aparece muito depois, ou nunca.
#
# <details><summary>Dica 1</summary>
#
# O produto de matrizes do NumPy é o operador `@`, e ele já levanta `ValueError` quando as formas de `x` e `W` não
# combinam. Do viés ele não sabe nada.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Compare a forma inteira, não só o tamanho: `b.shape` é uma tupla, e a de um vetor de M números é `(M,)`.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) se `b.shape` não é `(W.shape[1],)`, `raise ValueError(...)`; (2) faça a conta; (3) devolva a saída e
# uma tupla com o que a volta vai usar. Para saber o que é, olhe a parte 2: que arrays aparecem em $dx$ e em $dW$?
#
# </details>


# %%
def linear_forward(x, W, b):
    """Camada linear, na ida.

    x: array float64 (N, D). W: array float64 (D, M). b: array float64 (M,).
    Formas que não combinam levantam ValueError; b precisa ser exatamente (M,).

    Devolve (out, cache): out é (N, M); cache é o que linear_backward vai precisar.
    """
    ### BEGIN SOLUTION
    if b.shape != W.shape[1:]:
        raise ValueError(f"b deve ter a forma {W.shape[1:]}, e veio {b.shape}")
    out = x @ W + b
    return out, (x, W)
    ### END SOLUTION


# %%
# @title Verificação: linear_forward
@checker.probe(
    "linear_forward",
    "out = x W + b",
    points=0.5,
    hint="Confira com o exemplo feito à mão, um número de cada vez.",
)
def linear_values(impl, rng):
    x, W, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=5)
    out, _ = impl.linear_forward(x.copy(), W.copy(), b.copy())
    return {"out": out}


@checker.probe(
    "linear_forward",
    "Formas que não combinam levantam ValueError",
    points=0.3,
    hint="Compare `b.shape` com `(W.shape[1],)` antes de somar. E se for x que não combina, `x.shape[1]` difere de `W.shape[0]`.",
)
def linear_invalid_shapes(impl, rng):
    x, W = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
    u, v = (round(value, 2) for value in rng.uniform(0.1, 0.9, size=2).tolist())

    def call(x, b):
        return checker.raised(lambda: impl.linear_forward(x.copy(), W.copy(), np.array(b)))

    return {
        f"com b = [{u}, {v}], certo": call(x, [u, v]),
        f"com b = [{u}], da forma (1,)": call(x, [u]),
        f"com b = [[{u}, {v}]], da forma (1, 2)": call(x, [[u, v]]),
        f"com quatro linhas de b [{u}, {v}], da forma (4, 2)": call(x, [[u, v]] * 4),
        f"com b = [{u}, {v}, {u}], um número a mais": call(x, [u, v, u]),
        f"com b = [{u}, {v}], certo, mas x com uma coluna a mais": call(rng.normal(size=(4, 4)), [u, v]),
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "linear_forward",
    "Um b que o NumPy repetiria calado também levanta ValueError",
    points=0.2,
    hint="A forma de b deve ser exatamente (M,); em x e W, `x.shape[1]` deve ser igual a `W.shape[0]`.",
)
def linear_broadcast_bias(impl, rng):
    x, W = rng.normal(size=(3, 4)), rng.normal(size=(4, 3))
    u, v, w = (round(value, 2) for value in rng.uniform(0.1, 0.9, size=3).tolist())

    def call(x, W, b):
        return checker.raised(lambda: impl.linear_forward(x.copy(), W.copy(), np.array(b)))

    return {
        f"com b = [{u}, {v}, {w}], certo": call(x, W, [u, v, w]),
        f"com b = [[{u}], [{v}], [{w}]], da forma (M, 1)": call(x, W, [[u], [v], [w]]),
        f"com três linhas de b [{u}, {v}, {w}], da forma (N, M)": call(x, W, [[u, v, w]] * 3),
        f"com b = [[{u}], [{v}], [{w}], [{u}]], da forma (N, 1)": call(
            rng.normal(size=(4, 4)), W, [[u], [v], [w], [u]]
        ),
        f"com b = [{u}, {v}, {w}], certo, mas x de uma só coluna": call(x[:, :1], W, [u, v, w]),
        f"com b = [{u}, {v}, {w}], certo, mas W de uma só linha": call(x, W[:1], [u, v, w]),
    }


@checker.probe(
    "linear_forward",
    "Vale com tamanhos iguais a um e não modifica x, W nem b",
    points=0.2,
    hint="Não use `+=` em um array que chegou de fora.",
)
def linear_sizes(impl, rng):
    seen = {}
    for n, d, m in ((1, 3, 2), (3, 1, 1), (2, 2, 1)):
        given = [rng.normal(size=(n, d)), rng.normal(size=(d, m)), rng.normal(size=m)]
        out, _ = impl.linear_forward(*given)
        seen[f"out com N = {n}, D = {d}, M = {m}"] = np.array(out)
        names = (f"array {name} depois da chamada, N = {n}" for name in ("x", "W", "b"))
        seen |= dict(zip(names, given, strict=True))
    return seen


### END HIDDEN TESTS
checker.check("linear_forward")

# %% [markdown]
# ## 2. A camada linear, na volta
#
# Quem depende de $x_{nd}$? Todas as saídas da linha $n$. Quem depende de $W_{dm}$? A coluna $m$ da saída, em
# **todos** os exemplos. E de $b_m$? A coluna $m$ inteira. A regra da cadeia soma sobre tudo o que depende:
#
# $$
# \frac{\partial L}{\partial x_{nd}} = \sum_m \text{dout}_{nm} W_{dm},\qquad
# \frac{\partial L}{\partial W_{dm}} = \sum_n x_{nd}\,\text{dout}_{nm},\qquad
# \frac{\partial L}{\partial b_m} = \sum_n \text{dout}_{nm}.
# $$
#
# As duas primeiras são produtos de matrizes, com um dos fatores transposto. Continuando o exemplo:
#
# $$
# \text{dout} = \begin{pmatrix} 1 & 0 & -1 \\ 2 & 1 & 0 \end{pmatrix}
# \;\Rightarrow\;
# dx = \begin{pmatrix} -1 & -1 \\ 2 & -1 \end{pmatrix},\quad
# dW = \begin{pmatrix} 7 & 3 & -1 \\ 0 & -1 & -2 \end{pmatrix},\quad
# db = (3,\; 1,\; -1).
# $$
#
# Confira um deles: $dW_{11} = 1\cdot 1 + 3\cdot 2 = 7$, um termo de cada exemplo.
#
# Complete `linear_backward`. A verificação obtém o cache na sua `linear_forward`, e só o cache: um erro na saída
# dela não custa pontos aqui.
#
# <details><summary>Dica 1</summary>
#
# Escreva as formas antes da conta. `dout` é `(N, M)`; para chegar a `dx`, que é `(N, D)`, por que matriz se
# multiplica?
#
# </details>
# <details><summary>Dica 2</summary>
#
# A soma sobre $m$ em $dx$ casa com `W.T`. A soma sobre $n$ em $dW$ casa com `x.T`, que vem à esquerda. Em `db` não
# há produto: é só uma soma sobre os exemplos.
#
# </details>
# <details><summary>Dica 3</summary>
#
# As formas decidem quase tudo: `(N, M)` por `(M, D)` dá `(N, D)`; `(D, N)` por `(N, M)` dá `(D, M)`. Em `db`, some
# no eixo 0, sem `keepdims`. Não divida por N.
#
# </details>


# %%
def linear_backward(dout, cache):
    """Camada linear, na volta.

    dout: gradiente da perda em relação à saída, (N, M).
    cache: o que a ida devolveu.

    Devolve (dx, dW, db), de formas (N, D), (D, M) e (M,).
    """
    ### BEGIN SOLUTION
    x, W = cache
    dx = dout @ W.T
    dW = x.T @ dout
    db = dout.sum(axis=0)
    return dx, dW, db
    ### END SOLUTION


# %%
# @title Verificação: linear_backward
def linear_cache(forward, *given):
    """O cache que `linear_forward` devolve."""
    returned = forward(*given)
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise TypeError(
            "a sua `linear_forward` deve devolver dois valores, out e cache: confira o `return` dela"
        )
    return returned[1]


@checker.probe(
    "linear_backward",
    "dx, dW e db de um lote",
    points=0.8,
    hint="Confira as formas e refaça o exemplo da parte 2 com o seu código.",
)
def linear_gradients(impl, rng):
    x, W, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=5)
    dout = rng.normal(size=(4, 5))
    cache = linear_cache(impl.linear_forward, x.copy(), W.copy(), b.copy())
    dx, dW, db = impl.linear_backward(dout.copy(), cache)
    return {"gradiente dx": dx, "gradiente dW": dW, "gradiente db": db}


### BEGIN HIDDEN TESTS
@checker.probe(
    "linear_backward",
    "Cada cache é da sua chamada e pode ser usado de novo",
    points=0.4,
    hint="Guarde x e W no cache que você devolve, não em uma variável global, e não os modifique.",
)
def linear_two_caches(impl, rng):
    sizes = {"primeira": (3, 2, 4), "segunda": (2, 5, 3)}
    caches = {}
    for name, (n, d, m) in sizes.items():
        given = rng.normal(size=(n, d)), rng.normal(size=(d, m)), rng.normal(size=m)
        caches[name] = linear_cache(impl.linear_forward, *given)
    seen = {}
    for name, when in (("segunda", "antes"), ("primeira", "depois"), ("primeira", "de novo")):
        n, _, m = sizes[name]
        dx, dW, db = impl.linear_backward(rng.normal(size=(n, m)), caches[name])
        for kind, gradient in (("dx", dx), ("dW", dW), ("db", db)):
            seen[f"gradiente {kind} da {name} camada, {when}"] = np.array(gradient)
    return seen


@checker.probe(
    "linear_backward",
    "Com matrizes quadradas, em que a forma não denuncia o erro",
    points=0.3,
    hint="Com N = D = M, uma transposta esquecida não muda a forma. Volte às somas da parte 2.",
)
def linear_square(impl, rng):
    x, W, b, dout = (
        rng.normal(size=(3, 3)),
        rng.normal(size=(3, 3)),
        rng.normal(size=3),
        rng.normal(size=(3, 3)),
    )
    cache = linear_cache(impl.linear_forward, x.copy(), W.copy(), b.copy())
    dx, dW, db = impl.linear_backward(dout.copy(), cache)
    return {"gradiente dx": dx, "gradiente dW": dW, "gradiente db": db}


@checker.probe(
    "linear_backward",
    "Vale com tamanhos iguais a um e não modifica dout, x nem W",
    points=0.3,
    hint="Devolva arrays novos, e não use `squeeze`: um eixo de tamanho um continua a ser um eixo.",
)
def linear_gradient_sizes(impl, rng):
    seen = {}
    for n, d, m in ((1, 3, 2), (3, 1, 1), (2, 2, 1)):
        x, W, dout = rng.normal(size=(n, d)), rng.normal(size=(d, m)), rng.normal(size=(n, m))
        cache = linear_cache(impl.linear_forward, x, W, rng.normal(size=m))
        dx, dW, db = impl.linear_backward(dout, cache)
        for name, gradient in (("dx", dx), ("dW", dW), ("db", db)):
            seen[f"gradiente {name} com N = {n}, D = {d}, M = {m}"] = np.array(gradient)
        for name, given in (("dout", dout), ("x", x), ("W", W)):
            seen[f"array {name} depois da chamada, N = {n}"] = given
    return seen


### END HIDDEN TESTS
checker.check("linear_backward")

# %% [markdown]
# ## 3. A ReLU, na ida
#
# $$
# \text{out}_i = \max(x_i, 0).
# $$
#
# Sem ela, duas camadas lineares seguidas valeriam por uma só. Por exemplo, $(-2,\; 0,\; 3)$ vira $(0,\; 0,\; 3)$.
#
# Complete `relu_forward`, que vale para qualquer forma.
#
# <details><summary>Dica 1</summary>
#
# O `max` do Python compara dois números; aqui é preciso comparar um array inteiro com 0, elemento a elemento.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `np.maximum(a, b)` compara elemento a elemento e devolve um array novo.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Evite `x[x < 0] = 0`, que estraga a entrada. No cache, guarde o bastante para saber, na volta, onde `x` era
# positivo.
#
# </details>


# %%
def relu_forward(x):
    """ReLU, na ida.

    x: array float64 de qualquer forma.

    Devolve (out, cache): out tem a forma de x; cache é o que relu_backward vai precisar.
    """
    ### BEGIN SOLUTION
    out = np.maximum(x, 0)
    return out, x
    ### END SOLUTION


# %%
# @title Verificação: relu_forward
@checker.probe(
    "relu_forward",
    "Zera os negativos e deixa passar os positivos",
    points=0.4,
    hint="Use `np.maximum(x, 0)`.",
)
def relu_values(impl, rng):
    x = rng.uniform(0.5, 10, size=(3, 4)) * rng.permuted([[1, 1, -1, -1]] * 3, axis=1)
    x[:, 0] = rng.permutation([-12.5, 0.0, 12.5])
    x[:, 1] = rng.permutation([-0.25, 0.25, 0.75])
    given, vector = x.copy(), rng.permutation([-2.0, -0.5, 0.0, 0.5, 3.0])
    out, _ = impl.relu_forward(given)
    flat, _ = impl.relu_forward(vector)
    return {"out": np.array(out), "array x depois da chamada": given, "out de um vetor": flat}


### BEGIN HIDDEN TESTS
@checker.probe(
    "relu_forward",
    "Vale em qualquer forma e não modifica x",
    points=0.2,
    hint="Não suponha duas dimensões, e não escreva em cima de x.",
)
def relu_shapes(impl, rng):
    seen = {}
    for shape in ((5,), (1,), (1, 1), (2, 3, 2), (2, 1, 3, 2)):
        x = rng.normal(size=shape)
        out, _ = impl.relu_forward(x)
        seen[f"out na forma {shape}"] = np.array(out)
        seen[f"array x de forma {shape} depois da chamada"] = x
    return seen


### END HIDDEN TESTS
checker.check("relu_forward")

# %% [markdown]
# ## 4. A ReLU, na volta
#
# Onde $x_i > 0$, a saída é $x_i$, e a derivada é 1. Onde $x_i < 0$, a saída é 0 aconteça o que acontecer por perto,
# e a derivada é 0. Em $x_i = 0$ não há derivada; por convenção usamos 0. Portanto
#
# $$
# \frac{\partial L}{\partial x_i} = \begin{cases} \text{dout}_i & \text{se } x_i > 0,\\ 0 & \text{se } x_i \le 0.
# \end{cases}
# $$
#
# Quem decide é o **sinal de $x$**, nunca o de $\text{dout}$. Com $x = (-2,\; 0,\; 3)$ e
# $\text{dout} = (5,\; 7,\; -4)$, o resultado é $(0,\; 0,\; -4)$.
#
# <details><summary>Dica 1</summary>
#
# O gradiente passa inteiro ou não passa. O que, da ida, decide isso?
#
# </details>
# <details><summary>Dica 2</summary>
#
# Uma comparação como `x > 0` dá um array de booleanos. Em um produto, `True` conta como 1 e `False`, como 0.
#
# </details>
# <details><summary>Dica 3</summary>
#
# É um produto, elemento a elemento, de `dout` pela máscara dos positivos. A comparação é estrita, para que o 0
# fique de fora.
#
# </details>


# %%
def relu_backward(dout, cache):
    """ReLU, na volta.

    dout: gradiente da perda em relação à saída, da forma dela.
    cache: o que a ida devolveu.

    Devolve dx, da mesma forma; em x = 0, a inclinação é 0.
    """
    ### BEGIN SOLUTION
    x = cache
    return dout * (x > 0)
    ### END SOLUTION


# %%
# @title Verificação: relu_backward
def relu_cache(forward, x):
    """O cache que `relu_forward` devolve."""
    returned = forward(x)
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise TypeError(
            "a sua `relu_forward` deve devolver dois valores, out e cache: confira o `return` dela"
        )
    return returned[1]


@checker.probe(
    "relu_backward",
    "O gradiente passa onde x é positivo",
    points=0.4,
    hint="Quem decide é o sinal de x, não o de dout.",
)
def relu_gradients(impl, rng):
    x = rng.uniform(0.5, 2, size=(3, 4)) * np.array([1, 1, -1, -1])
    dout = rng.uniform(0.5, 2, size=(3, 4)) * np.array([1, -1, 1, -1])
    order = rng.permutation(4)
    cache = relu_cache(impl.relu_forward, x[:, order])
    return {"gradiente dx": impl.relu_backward(dout[:, order], cache)}


@checker.probe(
    "relu_backward",
    "Em x = 0 a inclinação é 0",
    points=0.2,
    hint="A comparação com 0 é estrita.",
)
def relu_gradient_at_zero(impl, rng):
    x = rng.permutation([-1.5, -0.5, 0.0, 0.0, 0.5, 1.5])
    cache = relu_cache(impl.relu_forward, x.copy())
    return {"gradiente dx": impl.relu_backward(rng.uniform(0.5, 2, size=6), cache)}


### BEGIN HIDDEN TESTS
@checker.probe(
    "relu_backward",
    "Vale em qualquer forma, com vários caches, e não modifica dout",
    points=0.4,
    hint="Devolva um array novo em vez de zerar partes de dout, e guarde em cada cache o x daquela chamada.",
)
def relu_gradient_shapes(impl, rng):
    shapes = ((5,), (1, 1), (2, 3, 2), (2, 1, 3, 2))
    caches = [relu_cache(impl.relu_forward, rng.normal(size=shape)) for shape in shapes]
    seen = {}
    for shape, cache in reversed(list(zip(shapes, caches, strict=True))):
        for when in ("", ", de novo"):
            dout = rng.normal(size=shape)
            given = dout.copy()
            seen[f"gradiente dx na forma {shape}{when}"] = np.array(impl.relu_backward(given, cache))
            seen[f"array dout de forma {shape} depois da chamada{when}"] = given
    return seen


### END HIDDEN TESTS
checker.check("relu_backward")

# %% [markdown]
# ## 5. Uma rede inteira
#
# Agora as peças juntas: linear, ReLU, linear e a entropia cruzada dos $C$ logits $z$.
#
# $$
# h = x W_1 + b_1,\qquad a = \max(h, 0),\qquad z = a W_2 + b_2,\qquad
# L = \frac1N \sum_n \Big( -z_{n y_n} + \log \sum_c e^{z_{nc}} \Big).
# $$
#
# | array | forma | | array | forma |
# |---|---|---|---|---|
# | `x` | `(N, D)` | | `labels` | `(N,)`, inteiros de 0 a C − 1 |
# | `W1`, `b1` | `(D, H)`, `(H,)` | | `W2`, `b2` | `(H, C)`, `(C,)` |
# | $h$, $a$ | `(N, H)` | | $z$ | `(N, C)` |
#
# A volta começa pela perda. Derivando o parêntese em relação a $z_{nc}$, o primeiro termo dá $-1$ na classe certa e
# o segundo dá a softmax $p_{nc} = e^{z_{nc}} / \sum_k e^{z_{nk}}$. Logo
#
# $$
# \frac{\partial L}{\partial z_{nc}} = \frac{p_{nc} - [c = y_n]}{N}.
# $$
#
# Daí para trás você já sabe: linear, ReLU, linear. É aqui, e só aqui, que se divide por $N$.
#
# **Logits grandes.** $e^{1000}$ não cabe em um float64. Mas subtrair a mesma constante de todos os logits de um
# exemplo não muda a softmax; subtraia então o **maior de cada linha**, e nenhum expoente passa de 0. Calcule o
# logaritmo da softmax diretamente, $\log p_{nc} = z_{nc} - M_n - \log\sum_k e^{z_{nk} - M_n}$, com
# $M_n = \max_k z_{nk}$, e não
# o logaritmo da softmax pronta, que seria $\log 0$ para uma classe muito improvável.
#
# **Um exemplo à mão**, com $N = 1$, $D = H = C = 2$ e a classe certa $y = 1$ (a segunda):
#
# $$
# x = (1,\; 2),\quad W_1 = \begin{pmatrix} 1 & -1 \\ 1 & 0 \end{pmatrix},\quad b_1 = (0,\; 0),\quad
# W_2 = \begin{pmatrix} 1 & 0 \\ 2 & 1 \end{pmatrix},\quad b_2 = (-3,\; 0).
# $$
#
# Na ida: $h = (3,\; -1)$, $a = (3,\; 0)$, $z = (0,\; 0)$, $p = (\tfrac12,\; \tfrac12)$ e
# $L = \log 2 \approx 0{,}693$. Na volta: $dz = (\tfrac12,\; -\tfrac12)$,
# $dW_2 = \begin{pmatrix} 1{,}5 & -1{,}5 \\ 0 & 0 \end{pmatrix}$, $db_2 = (\tfrac12,\; -\tfrac12)$,
# $da = (\tfrac12,\; \tfrac12)$, $dh = (\tfrac12,\; 0)$ (a segunda unidade estava desligada),
# $dW_1 = \begin{pmatrix} 0{,}5 & 0 \\ 1 & 0 \end{pmatrix}$ e $db_1 = (\tfrac12,\; 0)$.
#
# Complete `mlp_loss`. Pode usar as suas funções das partes anteriores ou escrever tudo aqui.
#
# <details><summary>Dica 1</summary>
#
# Faça a ida inteira guardando $h$ e $a$. Depois percorra a volta de trás para a frente, e confira a forma de cada
# gradiente.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Para a perda, `log_probs[np.arange(N), labels]` escolhe, em cada linha, a coluna da classe certa. Para
# $\partial L/\partial z$, parta das probabilidades, subtraia 1 nessas mesmas posições e divida por N.
#
# </details>
# <details><summary>Dica 3</summary>
#
# A volta, em ordem: `dz`; com ele e $a$, `W2` e `b2`; depois $da$, que é `dz` por `W2` transposta; depois $dh$, que
# é $da$ onde $h$ é positivo; com ele e $x$, `W1` e `b1`. No `max` e na soma da softmax, use
# `axis=1, keepdims=True`.
#
# </details>


# %%
def mlp_loss(params, x, labels):
    """Perda e gradientes de uma rede linear–ReLU–linear com entropia cruzada média.

    params: dicionário com W1 (D, H), b1 (H,), W2 (H, C) e b2 (C,), arrays float64.
    x: array float64 (N, D). labels: array int64 (N,), de 0 a C - 1.
    Perda e gradientes são finitos e exatos também para logits de módulo 1e4.

    Devolve (loss, grads): grads tem as chaves de params, cada gradiente na forma do seu parâmetro.
    """
    ### BEGIN SOLUTION
    hidden = x @ params["W1"] + params["b1"]
    active = np.maximum(hidden, 0)
    logits = active @ params["W2"] + params["b2"]

    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    correct = np.arange(len(x)), labels
    loss = -log_probs[correct].mean()

    dlogits = np.exp(log_probs)
    dlogits[correct] -= 1
    dlogits /= len(x)
    dactive = dlogits @ params["W2"].T
    dhidden = dactive * (hidden > 0)
    return loss, {
        "W1": x.T @ dhidden,
        "b1": dhidden.sum(axis=0),
        "W2": active.T @ dlogits,
        "b2": dlogits.sum(axis=0),
    }
    ### END SOLUTION


# %%
# @title Verificação: mlp_loss
@checker.probe(
    "mlp_loss",
    "A perda é a entropia cruzada média",
    points=0.5,
    hint="Confira h, a e z do exemplo feito à mão. A perda dele é log 2.",
)
def mlp_loss_value(impl, rng):
    n, d, h, c = 4, 5, 6, 3
    params = {"W1": rng.normal(size=(d, h)), "b1": rng.normal(size=h)}
    params |= {"W2": rng.normal(size=(h, c)), "b2": rng.normal(size=c)}
    loss, _ = impl.mlp_loss(params, rng.normal(size=(n, d)), rng.integers(c, size=n))
    return {"perda": loss}


@checker.probe(
    "mlp_loss",
    "O gradiente de cada parâmetro",
    points=0.8,
    hint="Volte camada por camada e confira as formas; depois refaça o exemplo feito à mão.",
)
def mlp_gradients(impl, rng):
    n, d, h, c = 4, 5, 6, 3
    params = {"W1": rng.normal(size=(d, h)), "b1": rng.normal(size=h)}
    params |= {"W2": rng.normal(size=(h, c)), "b2": rng.normal(size=c)}
    _, grads = impl.mlp_loss(params, rng.normal(size=(n, d)), rng.integers(c, size=n))
    names = {"nomes dos gradientes": ", ".join(sorted(map(str, grads)))}
    return {f"gradiente de {name}": gradient for name, gradient in grads.items()} | names


### BEGIN HIDDEN TESTS
@checker.probe(
    "mlp_loss",
    "Perda e gradientes finitos e exatos com logits muito grandes",
    points=0.5,
    hint="Subtraia o maior logit de cada exemplo e calcule o logaritmo da softmax sem passar pela softmax.",
)
def mlp_large_logits(impl, rng):
    n, d, h, c = 4, 3, 5, 4
    W1, W2 = rng.normal(size=(d, h)), rng.normal(size=(h, c))
    x = rng.normal(size=(n, d))
    seen = {}
    for name, scale, b2 in (
        ("cada exemplo com a sua escala", rng.permutation([-1e4, -1e4, 1e4, 1e4]), np.zeros(c)),
        ("cada classe com a sua escala", np.zeros(n), rng.permutation([-1e4, -1e4, 1e4, 1e4])),
        ("todos os logits perto de -10000", np.zeros(n), np.full(c, -1e4)),
        ("todos os logits perto de 10000", np.zeros(n), np.full(c, 1e4)),
    ):
        # A primeira unidade leva a escala do exemplo, igual a todas as classes.
        wide = np.column_stack([scale, x])
        params = {"W1": np.zeros((d + 1, h + 1)), "b1": rng.normal(size=h + 1), "b2": b2 + rng.normal(size=c)}
        params["W1"][0, 0], params["W1"][1:, 1:] = 1, W1
        params["W2"] = np.vstack([np.ones(c), W2])
        loss, grads = impl.mlp_loss(params, wide, rng.permutation(c))
        seen[f"perda, {name}"] = loss
        seen |= {f"gradiente de {key}, {name}": gradient for key, gradient in grads.items()}
    return seen


@checker.probe(
    "mlp_loss",
    "A inclinação da ReLU em 0 é 0",
    points=0.2,
    hint="Uma unidade com h = 0 não recebe gradiente: a comparação é estrita.",
)
def mlp_relu_at_zero(impl, rng):
    x = rng.normal(size=(3, 2))
    x[0] = 0
    params = {"W1": rng.normal(size=(2, 4)), "b1": rng.permutation([0.0, 0.0, 0.5, -0.5])}
    params |= {"W2": rng.normal(size=(4, 3)), "b2": rng.normal(size=3)}
    loss, grads = impl.mlp_loss(params, x, rng.permutation(3))
    return {"perda": loss} | {f"gradiente de {key}": gradient for key, gradient in grads.items()}


@checker.probe(
    "mlp_loss",
    "Vale com tamanhos iguais a um e não modifica os parâmetros, x nem labels",
    points=0.2,
    hint="Cuidado com `-=` e `/=`: só em arrays que você mesmo criou.",
)
def mlp_sizes(impl, rng):
    seen = {}
    for n, d, h, c in ((1, 2, 3, 2), (3, 1, 1, 2), (2, 3, 2, 4)):
        params = {"W1": rng.normal(size=(d, h)), "b1": rng.uniform(1, 2, size=h)}
        params |= {"W2": rng.normal(size=(h, c)), "b2": rng.normal(size=c)}
        x, labels = rng.normal(size=(n, d)), rng.integers(c, size=n)
        loss, grads = impl.mlp_loss(params, x, labels)
        seen[f"perda com N = {n}"] = loss
        seen |= {f"gradiente de {key} com N = {n}": np.array(gradient) for key, gradient in grads.items()}
        after = params | {"x": x, "labels": labels}
        seen |= {f"array {key} depois da chamada, N = {n}": value for key, value in after.items()}
    return seen


### END HIDDEN TESTS
checker.check("mlp_loss")

# %% [markdown]
# ## 6. Números que sabem voltar
#
# Até aqui você derivou à mão cada camada. O PyTorch dispensa isso: ele anota as contas à medida que acontecem, em
# um **grafo**, e depois percorre o grafo para trás. A sua classe `Value` faz o mesmo, com um número por nó.
#
# Cada operação cria um nó novo, que lembra de que nós veio e qual é a derivada dele em relação a cada um (a
# inclinação local):
#
# | operação | inclinações locais | | operação | inclinação local |
# |---|---|---|---|---|
# | $a + b$ | $1$ e $1$ | | $a^n$ | $n\,a^{n-1}$ |
# | $a - b$ | $1$ e $-1$ | | $\text{relu}(a)$ | $1$ se $a > 0$, senão $0$ |
# | $a\,b$ | $b$ e $a$ | | $t = \tanh(a)$ | $1 - t^2$ |
# | $a / b$ | $1/b$ e $-a/b^2$ | | $e^a$ | $e^a$ |
#
# Para voltar a partir de uma saída $s$, cada nó $v$ soma o que vem de todos os que o usaram:
#
# $$
# \frac{\partial s}{\partial v} = \sum_{u \text{ que usa } v} \frac{\partial s}{\partial u}\cdot\frac{\partial
# u}{\partial v},
# \qquad \frac{\partial s}{\partial s} = 1 .
# $$
#
# Um nó só pode passar adiante o seu gradiente **depois de receber todas as parcelas**. Por isso a volta segue a ordem
# topológica ao contrário: quem usa vem antes de quem é usado.
#
# **À mão.** Com $a = 2$ e $b = 3$, seja $c = a\,b$ e $y = c + a = 8$. O nó $a$ é usado duas vezes. Depois de
# `y.backward()`:
#
# | nó | `data` | parcelas | `grad` |
# |---|---|---|---|
# | `y` | 8 | é a própria saída | 1 |
# | `c` | 6 | 1 · 1, de `y` | 1 |
# | `b` | 3 | 1 · 2, de `c` | 2 |
# | `a` | 2 | 1 · 3, de `c`, mais 1 · 1, de `y` | 4 |
#
# Agora faça `z = y * y` e `z.backward()`, sem zerar nada. Essa chamada acrescenta
# $\partial z/\partial y = 2\cdot 8 = 16$ a `y.grad`, que fica 17, e acrescenta $16\cdot 4 = 64$ a `a.grad`, que
# fica 68. Quem propagasse o 17 que está em `y.grad`, e não só os 16 desta chamada, contaria outra vez o que já
# tinha sido contado. **O que se propaga em uma chamada e o que se acumula em `.grad` são coisas diferentes.**
#
# Complete a classe. As contas aceitam um `Value` ou um número do Python de qualquer lado (`x + 2`, `2 - x`,
# `2 / x`); o expoente de `**` é sempre um número. Cadeias de 5.000 operações precisam funcionar: o Python para em
# cerca de 1.000 chamadas de função umas dentro das outras, e uma volta recursiva não chega ao fim delas. Prefira uma
# pilha a aumentar esse limite, o que pode derrubar o Python. E cada chamada de `backward` processa cada nó uma só
# vez: o número de caminhos até um nó pode dobrar a cada operação. Você pode mudar o construtor por dentro, contanto
# que `Value(3.0)` continue a valer.
#
# <details><summary>Dica 1</summary>
#
# Em cada operação, devolva um `Value` novo com `data` pronto e, em `parents`, um par (nó, inclinação) por operando.
# Quando o outro lado é um número, embrulhe-o antes em um `Value` (é para isso que serve `wrap`). O Python chama
# `__radd__`, `__rsub__`, `__rmul__` e `__rtruediv__` quando o número está à esquerda: em `2 - x`, `self` é `x` e
# `other` é 2.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Várias operações saem das outras: $a - b$ é $a + (-b)$, e $2/x$ é o número embrulhado dividido por $x$. Em
# `backward`, guarde os gradientes **desta chamada** em um dicionário à parte, começando com 1 na saída, e só some
# em `.grad` o total de cada nó.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Ordem topológica sem recursão: uma pilha de pares (nó, terminado), que começa com a saída. Ao tirar da pilha um nó
# ainda não visto, marque-o, devolva-o à pilha como terminado e, por cima, ponha os nós de que ele veio. Ao tirar um
# nó terminado, acrescente-o à lista: tudo de que ele depende já está nela. Depois percorra a lista de trás para a
# frente e, em cada nó, some o gradiente dele em `.grad` e passe adiante inclinação × gradiente a cada nó de que ele
# veio (sempre somando, pois um nó pode ser usado mais de uma vez).
#
# </details>


# %%
class Value:
    """Um número que lembra de onde veio, para que o gradiente possa voltar.

    data: o número.
    grad: a soma das derivadas pedidas até agora por backward; começa em 0.
    parents: pares (nó de que este veio, derivada deste em relação a ele).
    """

    def __init__(self, data, parents=()):
        ### BEGIN SOLUTION
        self.data = data
        self.grad = 0.0
        self.parents = parents
        ### END SOLUTION

    @staticmethod
    def wrap(other):
        """O próprio `other`, se já é um Value; se é um número, um Value novo com ele."""
        ### BEGIN SOLUTION
        return other if isinstance(other, Value) else Value(other)
        ### END SOLUTION

    def __neg__(self):
        """-self"""
        ### BEGIN SOLUTION
        return Value(-self.data, ((self, -1.0),))
        ### END SOLUTION

    def __add__(self, other):
        """self + other"""
        ### BEGIN SOLUTION
        other = Value.wrap(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))
        ### END SOLUTION

    def __radd__(self, other):
        """other + self, em que other é um número"""
        ### BEGIN SOLUTION
        return self + other
        ### END SOLUTION

    def __sub__(self, other):
        """self - other"""
        ### BEGIN SOLUTION
        return self + -other
        ### END SOLUTION

    def __rsub__(self, other):
        """other - self, em que other é um número"""
        ### BEGIN SOLUTION
        return -self + other
        ### END SOLUTION

    def __mul__(self, other):
        """self * other"""
        ### BEGIN SOLUTION
        other = Value.wrap(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))
        ### END SOLUTION

    def __rmul__(self, other):
        """other * self, em que other é um número"""
        ### BEGIN SOLUTION
        return self * other
        ### END SOLUTION

    def __truediv__(self, other):
        """self / other"""
        ### BEGIN SOLUTION
        other = Value.wrap(other)
        slopes = 1 / other.data, -self.data / other.data**2
        return Value(self.data / other.data, ((self, slopes[0]), (other, slopes[1])))
        ### END SOLUTION

    def __rtruediv__(self, other):
        """other / self, em que other é um número"""
        ### BEGIN SOLUTION
        return Value.wrap(other) / self
        ### END SOLUTION

    def __pow__(self, number):
        """self ** number, em que number é um número"""
        ### BEGIN SOLUTION
        slope = number * self.data ** (number - 1)
        return Value(self.data**number, ((self, slope),))
        ### END SOLUTION

    def relu(self):
        """O maior entre self e 0; inclinação 0 em 0."""
        ### BEGIN SOLUTION
        slope = 1.0 if self.data > 0 else 0.0
        return Value(slope * self.data, ((self, slope),))
        ### END SOLUTION

    def tanh(self):
        """Tangente hiperbólica de self."""
        ### BEGIN SOLUTION
        t = math.tanh(self.data)
        return Value(t, ((self, 1 - t**2),))
        ### END SOLUTION

    def exp(self):
        """Exponencial de self."""
        ### BEGIN SOLUTION
        e = math.exp(self.data)
        return Value(e, ((self, e),))
        ### END SOLUTION

    def backward(self):
        """Soma a `.grad` de cada nó de que self depende, e ao do próprio self, a derivada de self em relação a ele."""
        ### BEGIN SOLUTION
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, finished = stack.pop()
            if finished:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        upstream = dict.fromkeys(order, 0.0)
        upstream[self] = 1.0
        for node in reversed(order):
            node.grad += upstream[node]
            for parent, slope in node.parents:
                upstream[parent] += slope * upstream[node]
        ### END SOLUTION


# %%
# @title Verificação: Value
def numeric(node):
    """O próprio nó, se `data` é um número: um Value dentro de outro faria a sonda demorar."""
    if isinstance(node.data, type(node)):
        raise TypeError("em `data`, esperava números e veio um Value: não embrulhe o que já é um Value")
    return node


def tried(Value, operate, *starts):
    """O resultado de uma operação e a derivada dele em relação a cada entrada."""
    inputs = [Value(start) for start in starts]
    output = numeric(operate(*inputs))
    output.backward()
    return [output.data, *(node.grad for node in inputs)]


@checker.probe(
    "Value",
    "Somas e produtos, com a regra da cadeia",
    points=0.4,
    hint="Confira a tabela do exemplo: y recebe 1, e cada nó recebe inclinação × gradiente de quem o usa.",
)
def value_chain_rule(impl, rng):
    Value = impl.Value
    a, b, c, d = (Value(start) for start in rng.uniform(0.5, 2, size=4).tolist())
    product = numeric(a * b)
    total = product + c
    output = total * d
    before = [node.grad for node in (a, total, output)]
    output.backward()
    return {
        "valores em data": [product.data, total.data, output.data],
        "grad antes de backward": before,
        "grad da saída": output.grad,
        "grad dos nós do meio": [total.grad, product.grad],
        "grad das entradas": [a.grad, b.grad, c.grad, d.grad],
    }


@checker.probe(
    "Value",
    "Um nó usado mais de uma vez soma as parcelas",
    points=0.4,
    hint="Some as parcelas de todos os que usam o nó, e só então passe adiante: siga a ordem topológica ao contrário.",
)
def value_shared(impl, rng):
    Value = impl.Value
    start, other = rng.uniform(0.5, 2, size=2).tolist()

    def late(a, b):
        c = a * b
        return c * (c + a) + b

    def early(a, b):
        c = a * b
        return (a + c) * c + b

    return {
        "em a · a: resultado e derivada": tried(Value, lambda a: a * a, start),
        "em a + a: resultado e derivada": tried(Value, lambda a: a + a, start),
        "em a · b + a: resultado e derivadas": tried(Value, lambda a, b: a * b + a, start, other),
        "em c · (c + a) + b, com c = a · b: resultado e derivadas": tried(Value, late, start, other),
        "em (a + c) · c + b, com c = a · b: resultado e derivadas": tried(Value, early, start, other),
    }


@checker.probe(
    "Value",
    "Menos, divisão, potência, relu, tanh e exp",
    points=0.4,
    hint="Confira a inclinação local de cada operação na tabela.",
)
def value_operations(impl, rng):
    Value = impl.Value
    a, b = rng.uniform(0.5, 0.9, size=2).tolist()
    cases = {
        "-a": (lambda a: -a, a),
        "a - b": (lambda a, b: a - b, a, b),
        "a / b": (lambda a, b: a / b, a, b),
        "a ** 3": (lambda a: a**3, a),
        "a ** -1": (lambda a: a**-1, a),
        "a ** 0.5": (lambda a: a**0.5, a),
        "relu de um positivo": (lambda a: a.relu(), a),
        "relu de um negativo": (lambda a, b: a.relu() + b, -a, b),
        "tanh": (lambda a: a.tanh(), a),
        "exp": (lambda a: a.exp(), a),
    }
    seen = {}
    for name, case in cases.items():
        seen[f"em {name}: resultado e derivadas"] = tried(Value, *case)
    return seen


@checker.probe(
    "Value",
    "Números de um lado e do outro",
    points=0.4,
    hint="Em `2 - x` e `2 / x` o Python chama `__rsub__` e `__rtruediv__`: ali `self` é x e `other` é 2.",
)
def value_numbers(impl, rng):
    Value = impl.Value
    start, real = rng.uniform(1.5, 2.5, size=2).tolist()
    whole = int(rng.integers(3, 7))
    numeric(Value(start) * Value(real))
    seen = {}
    for number in (real, whole):
        text = f"{number:.4g}".replace(".", ",")
        cases = {
            f"x + {text}": lambda x, n=number: x + n,
            f"x - {text}": lambda x, n=number: x - n,
            f"x * {text}": lambda x, n=number: x * n,
            f"x / {text}": lambda x, n=number: x / n,
            f"{text} + x": lambda x, n=number: n + x,
            f"{text} - x": lambda x, n=number: n - x,
            f"{text} * x": lambda x, n=number: n * x,
            f"{text} / x": lambda x, n=number: n / x,
        }
        for name, operate in cases.items():
            seen[f"em {name}: resultado e derivada"] = tried(Value, operate, start)
    return seen


@checker.probe(
    "Value",
    "Várias chamadas de backward se somam",
    points=0.4,
    hint="Guarde à parte os gradientes desta chamada; só no fim some cada um ao `.grad` do nó.",
)
def value_calls(impl, rng):
    Value = impl.Value
    a, b = (Value(start) for start in rng.uniform(0.5, 2, size=2).tolist())
    c = numeric(a * b)
    y = c + a
    y.backward()
    y.backward()
    twice = [node.grad for node in (y, c, b, a)]
    z = y * y
    z.backward()
    return {
        "grad de y, c, b e a depois de duas chamadas": twice,
        "grad de z, y, c, b e a depois de mais uma, a partir de z": [node.grad for node in (z, y, c, b, a)],
    }


@checker.probe(
    "Value",
    "Uma cadeia de 5.000 operações",
    points=0.3,
    hint="Troque a recursão por uma pilha: uma lista em que você empilha e desempilha nós.",
)
def value_long_chain(impl, rng):
    Value = impl.Value
    start, step = (Value(number) for number in rng.uniform(0.5, 2, size=2).tolist())
    factor = Value(1 + float(rng.uniform(-4e-4, 4e-4)))
    node = start
    for _ in range(2500):
        node = numeric(node * factor + step)
    (Value(1.5) * Value(0.5)).backward()  # se nem isto volta, a culpa não é do comprimento
    try:
        node.backward()
    except RecursionError:
        return {"volta pela cadeia": "parou no limite de recursão"}
    return {
        "volta pela cadeia": "chegou ao fim",
        "resultado": node.data,
        "grad": [node.grad, start.grad, step.grad, factor.grad],
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "Value",
    "Somam-se também as chamadas a partir de saídas que dividem nós internos",
    points=0.3,
    hint="Uma chamada acrescenta a cada nó a derivada da sua própria saída, e nada do que já estava em `.grad`.",
)
def value_calls_shared(impl, rng):
    Value = impl.Value
    a, b, d = (Value(start) for start in rng.uniform(0.5, 1, size=3).tolist())
    c = numeric(a * b) + a
    first, second = c * a, c * c * d
    seen = {}
    nodes = {"a": a, "b": b, "d": d, "c": c, "primeira saída": first, "segunda saída": second}

    def note(when):
        seen[f"grad de {', '.join(nodes)}, {when}"] = [node.grad for node in nodes.values()]

    first.backward()
    note("depois da primeira saída")
    second.backward()
    note("depois da segunda")
    c.backward()
    note("depois do nó do meio")
    top = nodes["as duas juntas"] = first * second + c
    top.backward()
    first.backward()
    note("depois de as juntar e voltar à primeira")
    return seen


@checker.probe(
    "Value",
    "Todo nó de que a saída depende recebe o seu gradiente, e só ele",
    points=0.2,
    hint="Percorra o grafo a partir da saída: nem só as folhas, nem o que foi calculado depois dela.",
)
def value_every_node(impl, rng):
    Value = impl.Value
    a, b, unused = (Value(start) for start in rng.uniform(0.5, 1.5, size=3).tolist())
    q = numeric(a - b)
    p = a / b
    r = p.exp() + q * p
    s = (r * q).tanh()
    t = s * r + p**2
    output = t + s / r
    after = output * unused
    output.backward()
    return {
        "valores em data": [node.data for node in (p, q, r, s, t, output)],
        "grad dos nós do meio": [node.grad for node in (p, q, r, s, t)],
        "grad da saída": output.grad,
        "grad das entradas": [a.grad, b.grad],
        "grad do que não influi na saída": [unused.grad, after.grad],
    }


@checker.probe(
    "Value",
    "Cada nó é processado uma vez por chamada, por mais caminhos que levem a ele",
    points=0.2,
    hint="Com 80 nós usados duas vezes cada há 2⁸⁰ caminhos: não siga caminhos, processe nós.",
)
def value_many_paths(impl, rng):
    Value = impl.Value
    start = node = Value(float(rng.uniform(0.5, 2)))
    for left, right in rng.uniform(0.4, 0.6, size=(80, 2)).tolist():
        node = numeric(node * Value(left) + node * Value(right))
    node.backward()
    return {"resultado": node.data, "grad da entrada": start.grad}


@checker.probe(
    "Value",
    "Casos de fronteira: relu em 0, bases negativas, expoentes 0 e 1",
    points=0.2,
    hint="Em 0 a inclinação da relu é 0; e (−2) ** 3 existe, embora o logaritmo de −2 não.",
)
def value_edges(impl, rng):
    Value = impl.Value
    a, b = rng.uniform(0.5, 2, size=2).tolist()
    cases = {
        "relu(x) · b + x · b em x = 0": (lambda x, b: x.relu() * b + x * b, 0.0, b),
        "a ** 3 com a negativo": (lambda x: x**3, -a),
        "a ** -2 com a negativo": (lambda x: x**-2, -a),
        "a ** 1": (lambda x: x**1, a),
        "a ** 0 + a · b": (lambda x, b: x**0 + x * b, a, b),
        "a ** 2.5": (lambda x: x**2.5, a),
        "tanh de um negativo": (lambda x: x.tanh(), -a),
        "exp de um negativo": (lambda x: x.exp(), -a),
        "a / b com b negativo": (lambda x, y: x / y, a, -b),
        "-(a - b) · a": (lambda x, y: -(x - y) * x, a, b),
        "a - a / a": (lambda x: x - x / x, a),
        "sum([a, b, a])": (lambda x, y: sum([x, y, x]), a, b),
    }
    seen = {}
    for name, case in cases.items():
        seen[f"em {name}: resultado e derivadas"] = tried(Value, *case)
    return seen


### END HIDDEN TESTS
checker.check("Value")

# %% [markdown]
# ## Veja o que você construiu
#
# ### Uma rede que aprende
#
# São 1.797 dígitos escritos à mão, de 8 × 8 pontos. Antes de treinar, o teste que todo gradiente merece: compará-lo
# com diferenças finitas em alguns parâmetros e com o autograd do PyTorch em todos. Depois, descida do gradiente
# pura: calcule os gradientes de todo o treino, dê um passo contra eles, repita. Não há mais nada por trás do que
# você vai ver.

# %%
if checker.ready("mlp_loss"):
    import time

    from sklearn.datasets import load_digits

    torch.set_num_threads(1)
    digits = load_digits()
    images, labels = digits.data / 16, digits.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(images))
    train, valid = order[:1200], order[1200:]

    rng = np.random.default_rng(1)
    params = {
        "W1": rng.normal(size=(64, 32)) * np.sqrt(2 / 64),
        "b1": np.zeros(32),
        "W2": rng.normal(size=(32, 10)) * np.sqrt(1 / 32),
        "b2": np.zeros(10),
    }

    # O gradiente está certo? E quanto custaria sem retropropagação?
    few, h = train[:200], 1e-5
    started = time.perf_counter()
    for _ in range(20):
        _, grads = mlp_loss(params, images[few], labels[few])
    one_pass = (time.perf_counter() - started) / 20
    gaps = []
    for name in params:
        for position in rng.choice(params[name].size, size=10, replace=False):
            moved = {key: value.copy() for key, value in params.items()}
            flat = moved[name].reshape(-1)
            flat[position] += h
            above, _ = mlp_loss(moved, images[few], labels[few])
            flat[position] -= 2 * h
            below, _ = mlp_loss(moved, images[few], labels[few])
            gaps.append(abs((above - below) / (2 * h) - np.ravel(grads[name])[position]))
    total = sum(value.size for value in params.values())
    print(f"Maior diferença para as diferenças finitas, em 40 parâmetros: {max(gaps):.1e}".replace(".", ","))

    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    scores = (
        torch.relu(torch.tensor(images[few]) @ tensors["W1"] + tensors["b1"]) @ tensors["W2"] + tensors["b2"]
    )
    torch.nn.functional.cross_entropy(scores, torch.tensor(labels[few])).backward()
    worst = max(np.abs(tensors[name].grad.numpy() - np.asarray(grads[name])).max() for name in params)
    print(
        f"Maior diferença para o autograd do PyTorch, nos {total} parâmetros: {worst:.1e}".replace(".", ",")
    )
    print(f"Perda e gradiente completo, com a sua função: {1000 * one_pass:.2f} ms".replace(".", ","))
    print(f"Só a perda, duas vezes por parâmetro, custaria ao menos {2 * total} idas pela rede por passo.")

    def predict(chosen):
        """Classe mais provável de cada imagem escolhida."""
        active = np.maximum(images[chosen] @ params["W1"] + params["b1"], 0)
        return (active @ params["W2"] + params["b2"]).argmax(axis=1)

    history = []
    for step in range(301):
        loss, grads = mlp_loss(params, images[train], labels[train])
        if step % 10 == 0:
            valid_loss, _ = mlp_loss(params, images[valid], labels[valid])
            hits = [100 * (predict(part) == labels[part]).mean() for part in (train, valid)]
            history.append([step, loss, valid_loss, *hits])
        params = {name: params[name] - 0.5 * np.asarray(grads[name]) for name in params}
    history = np.array(history)
    before, after = (f"{history[row, 4]:.1f}%".replace(".", ",") for row in (0, -1))
    print(f"Acertos na validação: {before} antes de treinar, {after} depois.")

    figure, axes = plt.subplots(2, 1, figsize=(6, 7), sharex=True)
    for column, name in ((0, "treino"), (1, "validação")):
        axes[0].plot(history[:, 0], history[:, 1 + column], label=name)
        axes[1].plot(history[:, 0], history[:, 3 + column], label=name)
    axes[0].axhline(np.log(10), color="gray", linestyle=":", label="chute uniforme: ln 10")
    axes[0].set(ylabel="perda", title="Descida do gradiente com a sua retropropagação")
    axes[1].set(xlabel="passo", ylabel="acertos (%)")
    axes[0].legend()
    axes[1].legend()
    plt.tight_layout()
    plt.show()

# %% [markdown]
# ### O gradiente chega até a imagem
#
# `mlp_loss` para nos parâmetros, mas a sua `linear_backward` também devolve `dx`. Levado até a entrada, ele diz o
# que mudar **na imagem** para a perda cair. Aqui estão alguns dígitos da validação que a rede errou: em vermelho,
# os pontos que ela queria mais escuros; em azul, os que ela queria mais claros, para responder a classe certa.
# Poucos passos pequenos nessa direção costumam bastar.

# %%
if checker.ready("linear_forward", "linear_backward", "relu_forward", "relu_backward", "mlp_loss"):

    def image_gradient(x, label):
        """Logits de uma imagem (1, 64) e gradiente da entropia cruzada em relação a ela."""
        hidden, first = linear_forward(x, params["W1"], params["b1"])
        active, middle = relu_forward(hidden)
        logits, last = linear_forward(active, params["W2"], params["b2"])
        logits = np.asarray(logits)
        dlogits = np.exp(logits - logits.max())
        dlogits /= dlogits.sum()
        dlogits[0, label] -= 1
        dactive, _, _ = linear_backward(dlogits, last)
        dx, _, _ = linear_backward(relu_backward(dactive, middle), first)
        return logits, np.asarray(dx)

    wrong = valid[predict(valid) != labels[valid]][:4]
    figure, axes = plt.subplots(2, max(len(wrong), 2), figsize=(8, 5.6))
    for (top, bottom), index in zip(axes.T, wrong, strict=False):
        x = images[index : index + 1].copy()
        logits, dx = image_gradient(x, labels[index])
        answer, steps, slope = logits.argmax(), 0, dx
        while logits.argmax() != labels[index] and steps < 50:
            x -= 0.1 * slope / np.linalg.norm(slope)
            logits, slope = image_gradient(x, labels[index])
            steps += 1
        top.imshow(images[index].reshape(8, 8), cmap="gray_r")
        top.set_title(f"é {labels[index]}, disse {answer}")
        limit = np.abs(dx).max()
        bottom.imshow(-dx.reshape(8, 8), cmap="RdBu_r", vmin=-limit, vmax=limit)
        moved = np.linalg.norm(x - images[index]) / np.linalg.norm(images[index])
        percent = f"{100 * moved:.0f}%"
        bottom.set_title(
            f"muda {percent} e acerta" if logits.argmax() == labels[index] else f"muda {percent}: erra"
        )
    for axis in axes.flat:
        axis.axis("off")
    figure.suptitle("Em cima, o dígito; embaixo, o que o gradiente mudaria nele")
    plt.tight_layout(h_pad=2.5)
    plt.show()

# %% [markdown]
# ### Gradientes que desaparecem
#
# Uma cadeia de 40 camadas de um neurônio só, $h_{k+1} = \tanh(w\,h_k)$, que começa no brilho médio de um dígito.
# Uma única chamada de `backward` na sua `Value` dá a derivada da saída em relação a **cada** camada. Cada tanh
# multiplica o gradiente por $w\,(1 - t^2)$. Com $w = 0{,}5$ o fator é pequeno por causa do peso; com $w = 1{,}5$,
# porque a tanh satura (só perto da entrada, onde os sinais ainda são pequenos, ele passa de 1). Com $w = 1$, o melhor
# dos três, o gradiente ainda cai, só que devagar.

# %%
if checker.ready("Value"):
    from sklearn.datasets import load_digits

    brightness = float(load_digits().data[0].mean() / 16)
    depth = 40
    figure, axis = plt.subplots(figsize=(6, 4))
    for weight in (0.5, 1.0, 1.5):
        layers = [Value(brightness)]
        for _ in range(depth):
            layers.append((weight * layers[-1]).tanh())
        layers[-1].backward()
        gradients = [abs(layer.grad) for layer in layers]
        axis.semilogy(range(depth, -1, -1), gradients, marker=".", label=f"w = {weight}".replace(".", ","))
        print(f"w = {weight}: derivada da saída em relação à entrada: {gradients[0]:.1e}".replace(".", ","))
    axis.set(
        xlabel="camadas até a saída",
        ylabel="módulo da derivada (escala logarítmica)",
        title="A derivada da saída em relação a cada camada",
    )
    axis.legend()
    plt.tight_layout()
    plt.show()

# %% [markdown]
# ## Resumo
#
# Execute a célula abaixo para somar os pontos da parte visível. Antes de entregar, use *Ambiente de execução →
# Reiniciar a sessão e executar tudo* e confira se nada mudou. Depois baixe o caderno (*Arquivo → Fazer o download →
# Fazer o download do .ipynb*) e envie o arquivo.

# %%
# @title Resumo
checker.summary()
