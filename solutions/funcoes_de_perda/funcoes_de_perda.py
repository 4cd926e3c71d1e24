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
# # Funções de perda
#
# Treinar uma rede é minimizar um número. Esse número é a perda, e a escolha dela decide o que a rede aprende: quem
# ela tenta agradar, que erros perdoa e com que força corrige cada um. Neste exercício você escreve em NumPy três
# perdas muito usadas, o MSE, o MAE e a entropia cruzada, **cada uma com o seu gradiente**. No fim, o seu código
# ajusta uma reta a pacientes de verdade, com um erro de digitação no meio, e treina um classificador de dígitos.
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
from sklearn import datasets, metrics

# %% [markdown]
# ## A conta
#
# Cada função recebe o que a rede respondeu e o que era certo, e devolve duas coisas: a perda, que é um número,
# e o gradiente da perda em relação à resposta da rede. É com esse gradiente que a retropropagação começa.
#
# | função | resposta da rede | o que era certo | perda | gradiente |
# |---|---|---|---|---|
# | `mse` | `y_pred`, de qualquer forma | `y_true`, da mesma forma | `float` | da forma de `y_pred` |
# | `mae` | `y_pred`, de qualquer forma | `y_true`, da mesma forma | `float` | da forma de `y_pred` |
# | `cross_entropy` | `logits`, $(N, C)$ | `labels`, $(N,)$, inteiros de $0$ a $C-1$ | `float` | $(N, C)$ |
#
# **Regressão.** Seja $d_i = \hat y_i - y_i$ o erro na posição $i$ e $n$ o número de **todos** os elementos (em uma
# matriz $N \times D$, $n = N D$):
#
# $$
# \text{MSE} = \frac{1}{n}\sum_i d_i^2, \qquad \frac{\partial\,\text{MSE}}{\partial \hat y_i} = \frac{2\, d_i}{n};
# \qquad\qquad
# \text{MAE} = \frac{1}{n}\sum_i |d_i|, \qquad \frac{\partial\,\text{MAE}}{\partial \hat y_i} =
# \frac{\operatorname{sinal}(d_i)}{n}.
# $$
#
# Compare os dois gradientes. No MSE, um erro dez vezes maior puxa dez vezes mais forte. No MAE, todo erro puxa com
# a mesma força, e só o lado importa. Por isso um único alvo absurdo arrasta o modelo ajustado com o MSE e mexe
# pouco no ajustado com o MAE. Em
# $d_i = 0$ o módulo tem um bico e nenhuma derivada: qualquer valor de $-1$ a $1$ é um subgradiente. Aqui vale $0$,
# o mesmo que `np.sign(0)`.
#
# **Classificação.** A rede dá a cada exemplo $i$ um vetor de logits $z_{i1}, \dots, z_{iC}$. O softmax faz deles
# probabilidades, e a perda é a entropia cruzada entre um alvo $t_i$ e elas, em média sobre os exemplos:
#
# $$
# p_{ik} = \frac{e^{z_{ik}}}{\sum_j e^{z_{ij}}}, \qquad L = -\frac{1}{N}\sum_{i}\sum_{k} t_{ik} \log p_{ik} .
# $$
#
# Sem mais nada, o alvo é um na classe certa e zero nas outras (*one-hot*), e a perda de um exemplo é
# $-\log p$ da classe certa. Na **suavização de rótulos** (*label smoothing*), uma fração $\varepsilon$ do alvo é
# repartida por igual entre todas as $C$ classes, a certa também:
#
# $$
# t_{ik} = (1-\varepsilon)\,[k = y_i] + \frac{\varepsilon}{C} .
# $$
#
# **O gradiente.** Como $\log p_{ik} = z_{ik} - \log\sum_j e^{z_{ij}}$ e os alvos de um exemplo somam $1$,
#
# $$
# \frac{\partial L}{\partial z_{ij}}
# = -\frac{1}{N}\Big(t_{ij} - p_{ij}\sum_k t_{ik}\Big)
# = \frac{p_{ij} - t_{ij}}{N} .
# $$
#
# **A estabilidade.** Em float64, $e^{710}$ já é infinito, e $e^{-746}$ já é zero. Mas somar a mesma constante a
# todos os logits de um exemplo não muda o softmax. Tire de cada linha o seu maior logit, $m_i = \max_j z_{ij}$:
#
# $$
# \log p_{ik} = (z_{ik} - m_i) - \log\sum_j e^{z_{ij} - m_i} .
# $$
#
# Agora nenhum expoente passa de $0$, e a soma tem ao menos um termo igual a $1$: o logaritmo nunca vê zero nem
# infinito. É o truque do *log-sum-exp*.
#
# > **Convenções**
# >
# > * No MSE e no MAE, a média é sobre **todos** os elementos, não só sobre os exemplos. Não há fator ½.
# > * O gradiente é em relação a `y_pred` ou a `logits`, já dividido pelo que a média dividiu.
# > * No empate ($\hat y_i = y_i$), o gradiente do MAE é 0.
# > * Em `mse` e `mae`, formas diferentes levantam `ValueError`, também $(N,)$ contra $(N, 1)$.
# > * Na entropia cruzada, a média é sobre os $N$ exemplos e o logaritmo é o natural.
# > * A suavização segue o PyTorch: a classe certa fica com $1 - \varepsilon + \varepsilon/C$, e cada uma das outras
# >   com $\varepsilon/C$, para $0 \le \varepsilon \le 1$. Alguns textos repartem $\varepsilon$ só entre as $C-1$
# >   outras.
# > * Um rótulo fora de $0, \dots, C-1$ levanta `ValueError`. O rótulo $-1$ não é a última classe.
# > * Com logits de $\pm 10^4$, perda e gradiente continuam finitos e exatos.
# > * As entradas são arrays float64 (os rótulos, int64) e nunca são modificadas.
# > * As perdas prontas de `torch.nn`, `torch.nn.functional` e `sklearn.metrics` não valem aqui.

# %% [markdown]
# ## 1. Erro quadrático médio
#
# Complete `mse`. Antes da conta, confira as formas. Se `y_pred` é $(N,)$ e `y_true` é $(N, 1)$, o NumPy não reclama:
# a diferença sai com a forma $(N, N)$, cada previsão contra **todos** os alvos. O treino segue, sem aviso, atrás
# da coisa errada.
#
# **Um exemplo à mão.**
#
# $$
# \hat y = \begin{pmatrix} 3 & 1 \\ 0 & 2 \end{pmatrix}, \quad
# y = \begin{pmatrix} 1 & 1 \\ 1 & 0 \end{pmatrix}, \quad
# d = \begin{pmatrix} 2 & 0 \\ -1 & 2 \end{pmatrix}, \quad
# \text{MSE} = \frac{4 + 0 + 1 + 4}{4} = 2{,}25, \quad
# \text{gradiente} = \frac{2 d}{4} = \begin{pmatrix} 1 & 0 \\ -0{,}5 & 1 \end{pmatrix}.
# $$
#
# <details><summary>Dica 1</summary>
#
# A diferença entre previsão e alvo serve à perda e ao gradiente. Calcule-a uma vez só.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `np.mean` sem `axis` tira a média de todos os elementos. Para o gradiente, derive $d_i^2/n$: o $n$ é `d.size`, e
# não `len(d)`, que conta só as linhas.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) se as duas `.shape` são diferentes, `raise ValueError(...)`; (2) guarde a previsão menos o alvo em
# um array novo; (3) a perda é a média dos quadrados; (4) o gradiente é o dobro da diferença dividido pelo número de
# elementos; (5) devolva a perda e o gradiente, nesta ordem.
#
# </details>


# %%
def mse(y_pred, y_true):
    """Erro quadrático médio e o seu gradiente.

    y_pred: array float64 de qualquer forma, o que a rede previu.
    y_true: array float64 da mesma forma; se a forma é outra, levanta ValueError.

    Devolve (loss, grad): a média dos quadrados sobre todos os elementos (float) e o gradiente
    em relação a y_pred, da forma dele.
    """
    ### BEGIN SOLUTION
    if y_pred.shape != y_true.shape:
        raise ValueError(f"formas diferentes: {y_pred.shape} e {y_true.shape}")
    diff = y_pred - y_true
    loss = np.mean(diff**2)
    grad = 2 * diff / diff.size
    return loss, grad
    ### END SOLUTION


# %%
# @title Verificação: mse
@checker.probe(
    "mse",
    "Perda e gradiente de um vetor",
    points=0.5,
    hint="A perda é a média dos quadrados; o gradiente é 2 · (y_pred − y_true) / n.",
)
def mse_vector(impl, rng):
    y_pred, y_true = rng.normal(size=(2, 5))
    loss, grad = impl.mse(y_pred.copy(), y_true.copy())
    return {"perda": loss, "gradiente": grad}


@checker.probe(
    "mse",
    "Em uma matriz, a média é sobre todos os elementos",
    points=0.5,
    hint="A perda é a média dos quadrados, e o gradiente é 2 · d / n, com n igual a `d.size`, e não a `len(d)`.",
)
def mse_matrix(impl, rng):
    y_pred, y_true = rng.normal(size=(2, 4, 3))
    loss, grad = impl.mse(y_pred.copy(), y_true.copy())
    return {"perda": loss, "gradiente": grad}


@checker.probe(
    "mse",
    "Formas diferentes levantam ValueError, também (N,) contra (N, 1)",
    points=0.4,
    hint="Com formas iguais, a conta é a de sempre. Com `.shape` diferentes, use `raise ValueError(...)` antes dela.",
)
def mse_mismatch(impl, rng):
    n, d = (int(size) for size in rng.permutation([2, 3, 4, 5, 6])[:2])

    def call(first, second):
        y_pred, y_true = rng.normal(size=first), rng.normal(size=second)
        return checker.raised(lambda: impl.mse(y_pred, y_true))

    errors = {
        f"{first} contra {second}": call(first, second)
        for first, second in [
            ((n,), (n, 1)),
            ((n, 1), (n,)),
            ((n, d), (1, d)),
            ((n, 1), (n, d)),
            ((n,), (d,)),
        ]
    }
    loss, grad = impl.mse(rng.normal(size=(n, d)), rng.normal(size=(n, d)))
    return errors | {"perda com formas iguais": loss, "gradiente com formas iguais": grad}


### BEGIN HIDDEN TESTS
@checker.probe(
    "mse",
    "Vale em qualquer forma, até com um só elemento, e a perda é um float",
    points=0.6,
    hint="`np.mean` sem `axis` e `size` servem a qualquer forma; com `.shape` diferentes, `raise ValueError(...)`.",
)
def mse_any_shape(impl, rng):
    y_pred, y_true = rng.normal(size=(2, 2, 3, 4))
    loss, grad = impl.mse(y_pred.copy(), y_true.copy())
    single_loss, single_grad = impl.mse(y_pred[0, 0, :1].copy(), y_true[0, 0, :1].copy())
    row_loss, row_grad = impl.mse(y_pred[:1, 1].copy(), y_true[:1, 1].copy())
    n, d = (int(size) for size in rng.permutation([2, 3, 4, 5, 6])[:2])

    def call(first, second):
        y_pred, y_true = rng.normal(size=first), rng.normal(size=second)
        return checker.raised(lambda: impl.mse(y_pred, y_true))

    return {
        "perda com três dimensões": loss,
        "gradiente com três dimensões": grad,
        "perda de um só elemento": single_loss,
        "gradiente de um só elemento": single_grad,
        "perda com a primeira dimensão 1": row_loss,
        "gradiente com a primeira dimensão 1": row_grad,
        "tipo da perda": "float" if isinstance(loss, float) else type(loss).__name__,
        f"({n},) contra (1,)": call((n,), (1,)),
        f"({n}, {d}) contra ({d},)": call((n, d), (d,)),
        f"({n}, {d}) contra ({d}, {n})": call((n, d), (d, n)),
        f"({d}, {n}) contra ({d}, 1, {n})": call((d, n), (d, 1, n)),
    }


@checker.probe(
    "mse",
    "Não modifica as entradas e repete o resultado",
    points=0.5,
    hint="A conta é a das outras verificações; para não mudar as entradas, guarde a diferença em um array novo.",
)
def mse_intact(impl, rng):
    y_pred, y_true = rng.normal(size=(2, 3, 2)) * 3
    given_pred, given_true = y_pred.copy(), y_true.copy()
    first_loss, first_grad = impl.mse(given_pred, given_true)
    first_grad = np.array(first_grad)
    loss, grad = impl.mse(given_pred, given_true)
    return {
        "perda": first_loss,
        "gradiente": first_grad,
        "perda da segunda chamada": loss,
        "gradiente da segunda chamada": np.array(grad),
        "y_pred depois": given_pred,
        "y_true depois": given_true,
    }


### END HIDDEN TESTS
checker.check("mse")

# %% [markdown]
# ## 2. Erro absoluto médio
#
# Complete `mae`. As formas seguem a mesma regra. Agora o gradiente só diz para que lado corrigir.
#
# **O mesmo exemplo.** Com $d = \begin{pmatrix} 2 & 0 \\ -1 & 2 \end{pmatrix}$, a perda é
# $(2 + 0 + 1 + 2)/4 = 1{,}25$ e o
# gradiente é $\begin{pmatrix} 0{,}25 & 0 \\ -0{,}25 & 0{,}25 \end{pmatrix}$. O empate dá zero, e o tamanho do erro
# não importa: $2$ e $-1$ puxam com a mesma força.
#
# <details><summary>Dica 1</summary>
#
# De que lado do alvo está cada previsão? O gradiente não pergunta mais nada.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `np.sign` dá $-1$, $0$ ou $1$. Uma conta como $d/|d|$ daria NaN no empate.
#
# </details>
# <details><summary>Dica 3</summary>
#
# É o `mse` com duas trocas: na perda, o módulo no lugar do quadrado; no gradiente, o sinal da diferença no lugar
# do dobro dela. A divisão pelo número de elementos fica. Escreva a conferência das formas de novo aqui.
#
# </details>


# %%
def mae(y_pred, y_true):
    """Erro absoluto médio e o seu gradiente.

    y_pred: array float64 de qualquer forma, o que a rede previu.
    y_true: array float64 da mesma forma; se a forma é outra, levanta ValueError.

    Devolve (loss, grad): a média dos módulos sobre todos os elementos (float) e o gradiente
    em relação a y_pred, da forma dele, com 0 onde y_pred é igual a y_true.
    """
    ### BEGIN SOLUTION
    if y_pred.shape != y_true.shape:
        raise ValueError(f"formas diferentes: {y_pred.shape} e {y_true.shape}")
    diff = y_pred - y_true
    loss = np.mean(np.abs(diff))
    grad = np.sign(diff) / diff.size
    return loss, grad
    ### END SOLUTION


# %%
# @title Verificação: mae
@checker.probe(
    "mae",
    "Perda e gradiente de uma matriz, sem empates",
    points=0.5,
    hint="A perda é a média dos módulos; o gradiente é o sinal de y_pred − y_true dividido por n.",
)
def mae_matrix(impl, rng):
    y_pred, y_true = rng.normal(size=(2, 4, 3))
    loss, grad = impl.mae(y_pred.copy(), y_true.copy())
    swapped_loss, swapped_grad = impl.mae(y_true.copy(), y_pred.copy())
    return {
        "perda": loss,
        "gradiente": grad,
        "perda com os papéis trocados": swapped_loss,
        "gradiente com os papéis trocados": swapped_grad,
    }


@checker.probe(
    "mae",
    "No empate, o gradiente é zero",
    points=0.5,
    hint="O gradiente é 0 onde a previsão acerta em cheio, e 1/n ou −1/n no resto: `np.sign` dá o 0, o 1 e o −1.",
)
def mae_tie(impl, rng):
    y_true = rng.integers(-16, 17, size=6) / 8
    offsets = rng.permutation([0, 0, 1, 2, -1, -3]) * rng.integers(1, 9) / 4
    loss, grad = impl.mae(y_true + offsets, y_true.copy())
    return {"perda": loss, "gradiente": grad}


@checker.probe(
    "mae",
    "Formas diferentes levantam ValueError, também (N,) contra (N, 1)",
    points=0.4,
    hint="Com formas iguais, a conta é a de sempre. Com `.shape` diferentes, use `raise ValueError(...)` antes dela.",
)
def mae_mismatch(impl, rng):
    n, d = (int(size) for size in rng.permutation([2, 3, 4, 5, 6])[:2])

    def call(first, second):
        y_pred, y_true = rng.normal(size=first), rng.normal(size=second)
        return checker.raised(lambda: impl.mae(y_pred, y_true))

    errors = {
        f"{first} contra {second}": call(first, second)
        for first, second in [
            ((n,), (n, 1)),
            ((n, 1), (n,)),
            ((n, d), (1, d)),
            ((n, 1), (n, d)),
            ((n,), (d,)),
        ]
    }
    loss, grad = impl.mae(rng.normal(size=(n, d)), rng.normal(size=(n, d)))
    return errors | {"perda com formas iguais": loss, "gradiente com formas iguais": grad}


### BEGIN HIDDEN TESTS
@checker.probe(
    "mae",
    "Vale em qualquer forma e para diferenças minúsculas, e a perda é um float",
    points=0.6,
    hint="Só a igualdade exata é empate; `np.mean` sem `axis` e `size` servem a qualquer forma; e `.shape` diferentes "
    "pedem `raise ValueError(...)`.",
)
def mae_any_shape(impl, rng):
    y_pred, y_true = rng.normal(size=(2, 2, 3, 4))
    loss, grad = impl.mae(y_pred.copy(), y_true.copy())
    single_loss, single_grad = impl.mae(y_pred[0, 0, :1].copy(), y_true[0, 0, :1].copy())
    base = rng.integers(-16, 17, size=(2, 4)) / 8
    signs = rng.permutation([0, 1, 1, 1, 0, -1, -1, -1]).reshape(2, 4)
    tiny = signs * rng.integers(1, 4, size=(2, 4)) / 2**20
    tiny_loss, tiny_grad = impl.mae(base + tiny, base.copy())
    n, d = (int(size) for size in rng.permutation([2, 3, 4, 5, 6])[:2])

    def call(first, second):
        y_pred, y_true = rng.normal(size=first), rng.normal(size=second)
        return checker.raised(lambda: impl.mae(y_pred, y_true))

    return {
        "perda com três dimensões": loss,
        "gradiente com três dimensões": grad,
        "perda de um só elemento": single_loss,
        "gradiente de um só elemento": single_grad,
        "2²⁰ vezes a perda com diferenças minúsculas": tiny_loss * 2**20,
        "gradiente com diferenças minúsculas": tiny_grad,
        "tipo da perda": "float" if isinstance(loss, float) else type(loss).__name__,
        f"({n},) contra (1,)": call((n,), (1,)),
        f"({n}, {d}) contra ({d},)": call((n, d), (d,)),
        f"({n}, {d}) contra ({d}, {n})": call((n, d), (d, n)),
        f"({d}, {n}) contra ({d}, 1, {n})": call((d, n), (d, 1, n)),
    }


@checker.probe(
    "mae",
    "Não modifica as entradas e repete o resultado",
    points=0.5,
    hint="A conta é a das outras verificações; para não mudar as entradas, guarde a diferença em um array novo.",
)
def mae_intact(impl, rng):
    y_pred, y_true = rng.normal(size=(2, 3, 2)) * 3
    given_pred, given_true = y_pred.copy(), y_true.copy()
    first_loss, first_grad = impl.mae(given_pred, given_true)
    first_grad = np.array(first_grad)
    loss, grad = impl.mae(given_pred, given_true)
    return {
        "perda": first_loss,
        "gradiente": first_grad,
        "perda da segunda chamada": loss,
        "gradiente da segunda chamada": np.array(grad),
        "y_pred depois": given_pred,
        "y_true depois": given_true,
    }


### END HIDDEN TESTS
checker.check("mae")

# %% [markdown]
# ## 3. Entropia cruzada
#
# Complete `cross_entropy`: dos logits e rótulos à perda e ao gradiente, com suavização de rótulos e sem estouro.
#
# **Um exemplo à mão.** Dois exemplos, três classes. Os logits $(\ln 2,\ 0,\ 0)$ dão
# $p = (0{,}5;\ 0{,}25;\ 0{,}25)$, e o rótulo é $0$. Os logits $(0,\ 0,\ \ln 2)$ dão
# $p = (0{,}25;\ 0{,}25;\ 0{,}5)$, e o rótulo
# é $1$.
#
# | | $\varepsilon = 0$ | $\varepsilon = 0{,}3$ |
# |---|---|---|
# | alvo do 1º exemplo | $(1;\ 0;\ 0)$ | $(0{,}8;\ 0{,}1;\ 0{,}1)$ |
# | alvo do 2º exemplo | $(0;\ 1;\ 0)$ | $(0{,}1;\ 0{,}8;\ 0{,}1)$ |
# | perda do 1º | $\ln 2 \approx 0{,}6931$ | $1{,}2 \ln 2 \approx 0{,}8318$ |
# | perda do 2º | $\ln 4 \approx 1{,}3863$ | $1{,}9 \ln 2 \approx 1{,}3170$ |
# | perda | $1{,}0397$ | $1{,}0744$ |
# | gradiente, 1ª linha | $(-0{,}25;\ 0{,}125;\ 0{,}125)$ | $(-0{,}15;\ 0{,}075;\ 0{,}075)$ |
# | gradiente, 2ª linha | $(0{,}125;\ -0{,}375;\ 0{,}25)$ | $(0{,}075;\ -0{,}275;\ 0{,}2)$ |
#
# Cada linha do gradiente soma zero: o que a descida tira de umas classes ela dá a outras. Some $10\,000$ a todos
# os logits: nada disso deve mudar.
#
# <details><summary>Dica 1</summary>
#
# Calcule primeiro $\log p$ inteiro, com a forma $(N, C)$, sem passar por $p$. Do $\log p$ saem a perda e, com um
# `np.exp`, o softmax do gradiente. O caminho contrário, o logaritmo de um $p$ que já virou zero, dá infinito.
#
# </details>
# <details><summary>Dica 2</summary>
#
# O máximo e a soma são de cada **linha**, e `keepdims=True` os mantém com a forma $(N, 1)$, pronta para o
# *broadcasting*. Monte o alvo como uma matriz $(N, C)$ cheia de $\varepsilon/C$ e some $1 - \varepsilon$ na classe
# certa
# de cada linha.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) se algum rótulo é negativo ou maior que $C - 1$, `raise ValueError(...)`; (2) tire de cada linha o
# seu máximo, em um array novo; (3) subtraia o logaritmo da soma das exponenciais da linha: isso é $\log p$;
# (4) monte o alvo; o par de índices `[np.arange(N), labels]` alcança a classe certa de todas as linhas; (5) a perda
# é menos a soma de alvo vezes $\log p$, dividida por $N$; (6) o gradiente é a exponencial de $\log p$ menos o alvo,
# também dividida por $N$.
#
# </details>


# %%
def cross_entropy(logits, labels, label_smoothing=0.0):
    """Entropia cruzada sobre o softmax dos logits, e o seu gradiente.

    logits: array float64 (N, C), com valores que podem chegar a ±10⁴.
    labels: array int64 (N,); um rótulo fora de 0..C−1 levanta ValueError.
    label_smoothing: a fração ε do alvo repartida entre as C classes, de 0 a 1.

    Devolve (loss, grad): a média sobre os N exemplos (float) e o gradiente em relação a logits, (N, C).
    """
    ### BEGIN SOLUTION
    num_examples, num_classes = logits.shape
    if np.any((labels < 0) | (labels >= num_classes)):
        raise ValueError(f"há rótulos que não são de nenhuma das {num_classes} classes")
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    target = np.full(logits.shape, label_smoothing / num_classes)
    target[np.arange(num_examples), labels] += 1 - label_smoothing
    loss = -np.sum(target * log_probs) / num_examples
    grad = (np.exp(log_probs) - target) / num_examples
    return loss, grad
    ### END SOLUTION


# %%
# @title Verificação: cross_entropy
@checker.probe(
    "cross_entropy",
    "Perda e gradiente, sem suavização",
    points=0.8,
    hint="A perda é a média de −log p da classe certa; o gradiente é (p − alvo) / N.",
)
def ce_values(impl, rng):
    logits, labels = rng.normal(size=(5, 3)) * 2, rng.integers(3, size=5)
    loss, grad = impl.cross_entropy(logits.copy(), labels.copy())
    return {"perda": loss, "gradiente": grad}


@checker.probe(
    "cross_entropy",
    "Suavização de rótulos, na perda e no gradiente",
    points=0.8,
    hint="O alvo é ε/C em todas as classes, mais 1 − ε na certa; cada linha dele soma 1.",
)
def ce_smoothing(impl, rng):
    logits, labels = rng.normal(size=(3, 4)) * 2, rng.integers(4, size=3)
    loss, grad = impl.cross_entropy(logits.copy(), labels.copy(), label_smoothing=rng.uniform(0.2, 0.6))
    return {"perda": loss, "gradiente": grad}


@checker.probe(
    "cross_entropy",
    "Logits enormes, com um deslocamento comum a todos, não estouram",
    points=0.6,
    hint="Somar 10 mil a todos os logits não muda nada: antes da exponencial, tire de cada linha o maior dela.",
)
def ce_large(impl, rng):
    logits, labels = rng.normal(size=(3, 4)) * 2, rng.integers(4, size=3)
    positive_loss, positive_grad = impl.cross_entropy(logits + 1e4, labels.copy())
    negative_loss, negative_grad = impl.cross_entropy(logits - 1e4, labels.copy())
    return {
        "perda com logits perto de 10 mil": positive_loss,
        "gradiente com logits perto de 10 mil": positive_grad,
        "perda com logits perto de −10 mil": negative_loss,
        "gradiente com logits perto de −10 mil": negative_grad,
    }


@checker.probe(
    "cross_entropy",
    "Um rótulo fora de 0..C−1 levanta ValueError",
    points=0.5,
    hint="Com rótulos bons, a conta é a de sempre. Se um só é negativo, ou maior que C − 1, use `raise ValueError(...)` "
    "antes de indexar.",
)
def ce_invalid_label(impl, rng):
    n, c = (int(size) for size in rng.permutation([3, 4, 5, 6])[:2])
    logits, labels = rng.normal(size=(n, c)), rng.integers(c, size=n)

    def call(label, where):
        given = labels.copy()
        given[where] = label
        return checker.raised(lambda: impl.cross_entropy(logits.copy(), given))

    errors = {
        f"um rótulo {label} com C = {c}": call(label, rng.integers(n))
        for label in (-1, c, c + int(rng.integers(1, 9)))
    } | {f"todos os rótulos −1 com C = {c}": call(-1, slice(None))}
    loss, grad = impl.cross_entropy(logits.copy(), np.sort(labels))
    return errors | {"perda com rótulos bons": loss, "gradiente com rótulos bons": grad}


### BEGIN HIDDEN TESTS
@checker.probe(
    "cross_entropy",
    "Linhas de escalas muito diferentes, e logits muito distantes em uma linha",
    points=0.8,
    hint="Tire de cada linha o máximo (não a média nem o mínimo), e calcule log p com uma subtração, sem passar por p.",
)
def ce_mixed_scales(impl, rng):
    logits, labels = rng.normal(size=(3, 4)) * 2, rng.integers(4, size=3)
    loss, grad = impl.cross_entropy(logits + np.array([[1e4], [-1e4], [0]]), labels.copy())
    far, places = rng.normal(size=(2, 5)), np.array([rng.permutation(5)[:2] for _ in range(2)])
    far[[0, 1], places[:, 0]], far[[0, 1], places[:, 1]] = 1e4, -1e4
    low_loss, low_grad = impl.cross_entropy(far.copy(), places[:, 1].copy())
    high_loss, high_grad = impl.cross_entropy(far.copy(), places[:, 0].copy())
    smooth_loss, smooth_grad = impl.cross_entropy(far.copy(), places[:, 0].copy(), rng.uniform(0.2, 0.6))
    return {
        "perda com linhas perto de 10 mil, −10 mil e 0": loss,
        "gradiente com linhas perto de 10 mil, −10 mil e 0": grad,
        "perda com −10 mil na classe certa e 10 mil em outra": low_loss,
        "gradiente com −10 mil na classe certa e 10 mil em outra": low_grad,
        "perda com 10 mil na classe certa e −10 mil em outra": high_loss,
        "gradiente com 10 mil na classe certa e −10 mil em outra": high_grad,
        "perda com 10 mil na classe certa e suavização": smooth_loss,
        "gradiente com 10 mil na classe certa e suavização": smooth_grad,
    }


@checker.probe(
    "cross_entropy",
    "ε = 0 e ε = 1, um só exemplo, uma só classe, e a perda é um float",
    points=0.6,
    hint="Com ε = 0 o alvo é o one-hot; com ε = 1, que é permitido, ele é igual em todas as classes.",
)
def ce_extremes(impl, rng):
    logits, labels = rng.normal(size=(2, 6)) * 2, rng.integers(6, size=2)
    hard_loss, hard_grad = impl.cross_entropy(logits.copy(), labels.copy(), 0.0)
    uniform_loss, uniform_grad = impl.cross_entropy(logits.copy(), labels.copy(), 1.0)
    epsilon = rng.uniform(0.2, 0.6)
    single_loss, single_grad = impl.cross_entropy(logits[:1].copy(), labels[:1].copy(), epsilon)
    column, zeros = rng.normal(size=(3, 1)), np.zeros(3, dtype=np.int64)
    column_loss, column_grad = impl.cross_entropy(column, zeros, epsilon)
    return {
        "perda com ε = 0": hard_loss,
        "gradiente com ε = 0": hard_grad,
        "perda com ε = 1": uniform_loss,
        "gradiente com ε = 1": uniform_grad,
        "perda de um só exemplo": single_loss,
        "gradiente de um só exemplo": single_grad,
        "perda com uma só classe": column_loss,
        "gradiente com uma só classe": column_grad,
        "tipo da perda": "float" if isinstance(hard_loss, float) else type(hard_loss).__name__,
    }


@checker.probe(
    "cross_entropy",
    "Não modifica as entradas e repete o resultado",
    points=0.4,
    hint="A conta é a das outras verificações; para não mudar as entradas, guarde os logits deslocados em um array novo.",
)
def ce_intact(impl, rng):
    logits, labels = rng.normal(size=(4, 3)) * 2, rng.integers(3, size=4)
    epsilon = rng.uniform(0.2, 0.6)
    given_logits, given_labels = logits.copy(), labels.copy()
    first_loss, first_grad = impl.cross_entropy(given_logits, given_labels, epsilon)
    first_grad = np.array(first_grad)
    loss, grad = impl.cross_entropy(given_logits, given_labels, epsilon)
    return {
        "perda": first_loss,
        "gradiente": first_grad,
        "perda da segunda chamada": loss,
        "gradiente da segunda chamada": np.array(grad),
        "logits depois": given_logits,
        "rótulos depois": given_labels,
    }


@checker.probe(
    "cross_entropy",
    "Rótulos inválidos de todo tipo, com suavização também",
    points=0.5,
    hint="Com rótulos bons, a conta é a de sempre. Um rótulo −C ainda é um índice válido do NumPy: só uma comparação "
    "explícita, seguida de `raise ValueError(...)`, o recusa.",
)
def ce_more_invalid_labels(impl, rng):
    n, c = (int(size) for size in rng.permutation([3, 4, 5, 6])[:2])
    logits, labels = rng.normal(size=(n, c)), rng.integers(c, size=n)
    epsilon = rng.uniform(0.2, 0.6)

    def call(given, epsilon=0.0):
        return checker.raised(lambda: impl.cross_entropy(logits.copy(), given, epsilon))

    negative, first = labels.copy(), labels.copy()
    negative[-1], first[0] = -c, c
    loss, grad = impl.cross_entropy(logits.copy(), np.full(n, c - 1), epsilon)
    return {
        f"o último rótulo −{c} com C = {c}": call(negative),
        f"o primeiro rótulo {c} com C = {c} e suavização": call(first, epsilon),
        f"todos os rótulos −2 com C = {c}": call(np.full(n, -2)),
        f"todos os rótulos {c + 1} com C = {c}": call(np.full(n, c + 1)),
        "perda com todos os rótulos C − 1": loss,
        "gradiente com todos os rótulos C − 1": grad,
    }


### END HIDDEN TESTS
checker.check("cross_entropy")

# %% [markdown]
# ## Veja o que você construiu: quem se deixa arrastar
#
# Quarenta pacientes do conjunto `load_diabetes`: o índice de massa corporal de cada um e quanto a doença avançou em
# um ano. No de maior índice, alguém digitou um zero a mais. A descida do gradiente ajusta uma reta com o seu `mse` e
# outra com o seu `mae`, antes e depois do erro de digitação. O algoritmo é o mesmo; mudam a perda e a taxa de
# aprendizado, porque os gradientes têm escalas diferentes.

# %%
if checker.ready("mse", "mae"):
    patients = datasets.load_diabetes()
    chosen = np.random.default_rng(0).choice(len(patients.target), size=40, replace=False)
    bmi = patients.data[chosen, 2] / patients.data[:, 2].std()
    progress = patients.target[chosen]
    slip = bmi.argmax()
    typo = progress.copy()
    typo[slip] *= 10

    def fit(loss_fn, target, rate, steps=4000):
        """Ajusta inclinação e intercepto por descida do gradiente, com taxa de aprendizado que decai."""
        slope = intercept = 0.0
        for step in range(steps):
            _, grad = loss_fn(slope * bmi + intercept, target.copy())
            grad = np.asarray(grad)
            decayed = rate / (1 + step / 50)
            slope -= decayed * (grad * bmi).sum()
            intercept -= decayed * grad.sum()
        return slope, intercept

    figure, axes = plt.subplots(figsize=(7, 5))
    axes.scatter(np.delete(bmi, slip), np.delete(progress, slip), color="gray", s=20, label="pacientes")
    axes.scatter(
        bmi[slip],
        progress[slip],
        color="black",
        marker="x",
        label="o valor certo do paciente com o erro de digitação",
    )
    ends = np.array([bmi.min(), bmi.max()])
    for name, loss_fn, rate, color in (("MSE", mse, 0.3, "tab:red"), ("MAE", mae, 20.0, "tab:blue")):
        clean, dirty = (fit(loss_fn, target, rate) for target in (progress, typo))
        _, pull = loss_fn(dirty[0] * bmi + dirty[1], typo.copy())
        share = 100 * abs(pull[slip]) / np.abs(pull).sum()
        print(
            f"{name}: a inclinação vai de {clean[0]:.1f} a {dirty[0]:.1f}; o paciente com o erro de digitação "
            f"faz {share:.1f}% da força do gradiente".replace(".", ",")
        )
        axes.plot(ends, clean[0] * ends + clean[1], "--", color=color, label=f"{name}, dados certos")
        axes.plot(ends, dirty[0] * ends + dirty[1], "-", color=color, label=f"{name}, com o zero a mais")
    axes.annotate(
        f"o zero a mais:\n{typo[slip]:.0f}, fora do gráfico",
        xy=(bmi[slip], 690),
        xytext=(bmi[slip], 380),
        ha="right",
        arrowprops={"arrowstyle": "->"},
    )
    axes.set(
        xlabel="índice de massa corporal (em desvios padrão)",
        ylabel="avanço da doença em um ano",
        ylim=(0, 700),
        title="Um só alvo errado arrasta a reta do MSE e mexe pouco na do MAE",
    )
    axes.legend(loc="upper left", fontsize=8)
    plt.tight_layout()
    plt.show()

    # Fora das verificações, as perdas prontas voltam a valer: compare as suas com as do scikit-learn.
    guess = np.full_like(progress, progress.mean())
    for name, loss_fn, theirs in (
        ("MSE", mse, metrics.mean_squared_error),
        ("MAE", mae, metrics.mean_absolute_error),
    ):
        yours, _ = loss_fn(guess.copy(), progress.copy())
        print(
            f"{name} da média: o seu {yours:.6f}, o do scikit-learn {theirs(progress, guess):.6f}".replace(
                ".", ","
            )
        )

# %% [markdown]
# ## Veja o que você construiu: certeza demais
#
# Agora uma regressão softmax (uma só camada linear) com o seu `cross_entropy`. São 200 dígitos de 8 × 8 para
# treinar, um
# em cada cinco com o rótulo sorteado, e o resto, intacto, para testar; tudo em três sorteios. Sem suavização, a
# perda de um
# exemplo só tende a zero quando o logit da classe certa se afasta sem limite dos outros: a rede insiste em acertar
# até os rótulos errados e fica segura demais.
# Com $\varepsilon = 0{,}1$, o alvo nunca pede certeza, e a perda de treino tem um piso acima de zero. Compare, no
# que é
# impresso, a confiança com os acertos: uma rede segura demais confia mais do que acerta. O segundo gráfico conta os
# dígitos de teste **errados** pela probabilidade que a rede deu à sua resposta.

# %%
if checker.ready("cross_entropy"):
    digits = datasets.load_digits()
    pixels, classes = (digits.data - digits.data.mean(axis=0)) / 16, digits.target

    def train(epsilon, seed, wrong=40, steps=800, rate=3.0):
        """Treina com suavização epsilon; devolve as perdas de treino e teste, os acertos e a confiança no teste."""
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(pixels))
        few, rest = order[:200], order[200:]
        given = classes.copy()
        given[few[:wrong]] = rng.integers(10, size=wrong)
        inputs, outputs = pixels[few], given[few]
        weights, bias = np.zeros((64, 10)), np.zeros(10)
        curve = []
        for step in range(steps):
            loss, grad = cross_entropy(inputs @ weights + bias, outputs.copy(), epsilon)
            grad = np.asarray(grad)
            if step % 20 == 0:
                test_loss, _ = cross_entropy(pixels[rest] @ weights + bias, classes[rest])
                curve.append((step, loss, test_loss))
            weights -= rate * inputs.T @ grad
            bias -= rate * grad.sum(axis=0)
        # O gradiente é (p − alvo) / N; com ele e o alvo se recuperam as probabilidades.
        _, grad = cross_entropy(pixels[rest] @ weights + bias, classes[rest])
        probabilities = len(rest) * np.asarray(grad) + np.eye(10)[classes[rest]]
        return np.array(curve), probabilities.argmax(axis=1) == classes[rest], probabilities.max(axis=1)

    figure, axes = plt.subplots(2, 1, figsize=(6, 8))
    for epsilon, color in ((0.0, "tab:red"), (0.1, "tab:blue")):
        curves, hits, confidence = zip(*(train(epsilon, seed) for seed in range(3)), strict=True)
        curve, hits, confidence = np.mean(curves, axis=0), np.concatenate(hits), np.concatenate(confidence)
        print(
            (
                f"ε = {epsilon}: acertos no teste {100 * hits.mean():.1f}%, "
                f"confiança média {100 * confidence.mean():.1f}% "
                f"(só nos erros, {100 * confidence[~hits].mean():.1f}%); "
                f"perda de teste no fim {curve[-1, 2]:.3f}, a menor no caminho {curve[:, 2].min():.3f}"
            ).replace(".", ",")
        )
        axes[0].plot(
            curve[:, 0], curve[:, 1], "--", color=color, label=f"ε = {epsilon}, treino".replace(".", ",")
        )
        axes[0].plot(
            curve[:, 0],
            curve[:, 2],
            "-",
            color=color,
            label=f"ε = {epsilon}, teste (sem suavizar)".replace(".", ","),
        )
        axes[1].hist(
            confidence[~hits],
            bins=np.linspace(0, 1, 21),
            alpha=0.5,
            color=color,
            label=f"ε = {epsilon}".replace(".", ","),
        )
    target = np.full(10, 0.01) + 0.9 * np.eye(10)[0]
    floor = -(target * np.log(target)).sum()
    axes[0].axhline(
        floor, color="gray", linestyle=":", label=f"piso do treino com ε = 0,1: {floor:.2f}".replace(".", ",")
    )
    axes[0].set(
        xlabel="passo",
        ylabel="perda",
        ylim=(0, 1.6),
        title="Com suavização, a perda de treino tem um piso",
    )
    axes[1].set(
        xlabel="probabilidade da classe escolhida",
        ylabel="dígitos de teste errados (três sorteios)",
        title="Quando erra, a rede suavizada erra com menos certeza",
    )
    for panel in axes:
        panel.legend(fontsize=8)
    plt.tight_layout()
    plt.show()

    # Compare a sua perda com a do PyTorch, em float64.
    scores = np.random.default_rng(0).normal(size=(len(classes), 10))
    theirs = torch.nn.functional.cross_entropy(
        torch.tensor(scores), torch.tensor(classes), label_smoothing=0.1
    )
    yours, _ = cross_entropy(scores.copy(), classes.copy(), 0.1)
    print(f"entropia cruzada: a sua {yours:.10f}, a do PyTorch {theirs:.10f}".replace(".", ","))

# %% [markdown]
# Suavizar não é de graça. Mesmo aqui a rede suavizada exagerou na modéstia: confia menos do que acerta. E, no melhor
# momento das curvas, logo no começo, a menor perda de teste é a da rede sem suavização: a parada antecipada também
# protege dos
# rótulos errados. Troque `wrong=40` por `wrong=0` e execute de novo: com todos os rótulos certos, uma rede tão
# simples
# já não fica segura demais, e a suavização só a deixa insegura.

# %% [markdown]
# ## Resumo
#
# Execute a célula abaixo para somar os pontos da parte visível. Antes de entregar, use
# *Ambiente de execução → Reiniciar a sessão e executar tudo* e confira se nada mudou. Depois baixe o caderno
# (*Arquivo → Fazer o download → Fazer o download do .ipynb*) e envie o arquivo.

# %%
# @title Resumo
checker.summary()
