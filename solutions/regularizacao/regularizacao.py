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
# # Regularização
#
# Uma rede com parâmetros de sobra decora o treino. Regularizar é dificultar isso de propósito. Neste exercício você
# escreve quatro remédios em NumPy: as penalidades L2 e L1, o limiar suave (que é quem de fato zera pesos), a parada
# antecipada e um aumento de dados que desloca imagens. No fim, o seu código escolhe atributos em um problema de
# diabetes e segura o sobreajuste de uma rede que lê dígitos.
#
# **Como trabalhar.** Execute a célula de preparação logo abaixo. Em cada parte, complete a função,
# execute a célula dela e depois a célula de verificação, que diz na hora o que está certo e, se houver
# erro, qual foi. A última célula soma os pontos. Não mude os nomes das funções nem os dos argumentos.

# %%
from grader.checker import panel as checker

# %%
# Importações: execute também esta célula.
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch

# %% [markdown]
# ## A conta
#
# O treino deixa de minimizar só a perda $L$ e passa a minimizar a soma $L(w) + R(w)$. As duas penalidades clássicas
# somam sobre **todas** as entradas de **todos** os arrays de pesos:
#
# $$
# R_{2}(w) = \frac{\lambda}{2} \sum_i w_i^2,
# \qquad
# R_{1}(w) = \lambda \sum_i |w_i| .
# $$
#
# O gradiente de cada uma, peso a peso, é
#
# $$
# \frac{\partial R_2}{\partial w_i} = \lambda\, w_i,
# \qquad
# \frac{\partial R_1}{\partial w_i} = \lambda\, \operatorname{sinal}(w_i) .
# $$
#
# Compare as duas forças. A da L2 é proporcional ao peso: perto do zero ela quase some, e por isso a L2 encolhe os
# pesos mas **não** os zera. A da L1 tem sempre o mesmo tamanho $\lambda$, e leva ao zero os pesos que pouco ajudam.
# Em $w_i = 0$ a função $|w_i|$ tem um bico e não tem derivada; ali usamos $\operatorname{sinal}(0) = 0$.
#
# | função | recebe | devolve |
# |---|---|---|
# | `l2_penalty`, `l1_penalty` | lista de arrays de formas quaisquer e o número `lam` | um número e uma lista de arrays, das mesmas formas |
# | `soft_threshold` | array de qualquer forma e o número `t` | array da mesma forma |
# | `EarlyStopping.step` | a perda de validação e o estado do modelo | `True` para parar, `False` para seguir |
# | `random_shift` | imagens `(N, H, W)`, `max_shift` e `rng` | imagens `(N, H, W)` |
#
# > **Convenções**
# >
# > * A L2 leva o fator ½, para que o gradiente seja `lam * w`, sem o 2. A L1 não leva.
# > * A penalidade é a soma, não a média, sobre todos os arrays da lista. Os gradientes vêm na ordem da lista.
# > * $\operatorname{sinal}(0) = 0$.
# > * O operador proximal usa $\tfrac12 (v - w)^2$, com ½: o limiar é `t`, e vale $t \ge 0$.
# > * Uma época melhora quando `val_loss < best_loss - min_delta`. Empatar não é melhorar. `NaN` e $+\infty$ nunca
# >   melhoram, e contam como épocas sem melhora.
# > * `step` devolve `True` na `patience`-ésima época **seguida** sem melhora. O treino acaba ali: o que `step` faria
# >   depois não importa. O valor de `best_state` antes da primeira melhora também não.
# > * `dy` desloca as linhas (para baixo, se positivo) e `dx`, as colunas. O sorteio é uniforme entre os inteiros de
# >   `-max_shift` a `max_shift`, **incluídos os dois extremos**.
# > * As entradas nunca são modificadas. Tudo é float64.
# > * Não valem neste exercício: `scipy.ndimage`, o `softshrink` do PyTorch e as transformações do `torchvision`.

# %% [markdown]
# ## 1. Penalidade L2
#
# Complete `l2_penalty`. É a penalidade da regressão *ridge*. Na descida do gradiente simples, o passo
# $w \leftarrow w - \eta \lambda w = (1 - \eta\lambda)\, w$ encolhe cada peso por um fator fixo: daí o nome
# decaimento de pesos.
#
# Um exemplo à mão, com $\lambda = 0{,}1$ e dois arrays:
#
# $$
# W = \begin{pmatrix} 1 & -2 \\ 0 & 3 \end{pmatrix}, \qquad b = (-1).
# $$
#
# A soma dos quadrados é $1 + 4 + 0 + 9 + 1 = 15$, e a penalidade é $\tfrac12 \cdot 0{,}1 \cdot 15 = 0{,}75$. Os
# gradientes são
#
# $$
# \begin{pmatrix} 0{,}1 & -0{,}2 \\ 0 & 0{,}3 \end{pmatrix} \quad\text{e}\quad (-0{,}1).
# $$
#
# <details><summary>Dica 1</summary>
#
# A penalidade é um número só, mesmo que a lista tenha muitos arrays. Já os gradientes são um por array.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `(w**2).sum()` soma os quadrados de um array de qualquer forma. Some isso sobre a lista.
#
# </details>
# <details><summary>Dica 3</summary>
#
# A soma total vai multiplicada por `lam` e por meio. Os gradientes cabem em uma compreensão de lista, com o
# produto de
# `lam` por cada array: o produto já cria um array novo, e `weights` fica intacta.
#
# </details>


# %%
def l2_penalty(weights, lam):
    """Penalidade L2: metade de lam vezes a soma dos quadrados.

    weights: lista de arrays float64, de formas quaisquer.
    lam: força da penalidade, um número ≥ 0.

    Devolve (penalty, grads): um número e a lista dos gradientes, cada um da forma do seu array.
    """
    ### BEGIN SOLUTION
    penalty = 0.5 * lam * sum((w**2).sum() for w in weights)
    grads = [lam * w for w in weights]
    return penalty, grads
    ### END SOLUTION


# %%
# @title Verificação: l2_penalty
def seen_l2(answer, weights):
    """O que a penalidade devolveu, com nomes; NaN no lugar de um gradiente que falta."""
    first, second = answer
    swapped = isinstance(first, list | tuple) and not isinstance(second, list | tuple)
    penalty, grads = (second, first) if swapped else (first, second)
    seen = {
        "o que o `return` traz primeiro": "gradientes" if swapped else "penalidade",
        "quantidade de gradientes": len(grads),
        "penalidade": penalty,
    }
    for i, w in enumerate(weights):
        seen[f"gradiente do {i + 1}º array"] = grads[i] if i < len(grads) else np.full(w.shape, np.nan)
    return seen


@checker.probe(
    "l2_penalty",
    "Penalidade e gradientes de dois arrays",
    points=0.8,
    hint="Confira com o exemplo à mão: 0,75 e gradientes iguais a 0,1 vezes os pesos.",
)
def l2_values(impl, rng):
    weights = [rng.normal(size=(3, 4)), rng.normal(size=4)]
    return seen_l2(impl.l2_penalty([w.copy() for w in weights], rng.uniform(0.2, 0.8)), weights)


### BEGIN HIDDEN TESTS
@checker.probe(
    "l2_penalty",
    "Vale para arrays de qualquer forma e para lam = 0, sem modificar a lista nem os pesos",
    points=0.7,
    hint="Some todas as entradas de todos os arrays. Se os pesos mudaram, devolva arrays novos, sem `w *= lam`.",
)
def l2_shapes(impl, rng):
    weights = [rng.normal(size=(1, 1)), rng.normal(size=(2, 3, 2)), rng.normal(size=5) * 100]
    given = [w.copy() for w in weights]
    seen = seen_l2(impl.l2_penalty(given, rng.uniform(2, 5)), weights)
    seen = {name: value if isinstance(value, str) else np.array(value) for name, value in seen.items()}
    single = seen_l2(impl.l2_penalty([weights[1].copy()], rng.uniform(2, 5)), weights[1:2])
    nothing = seen_l2(impl.l2_penalty([w.copy() for w in weights], 0.0), weights)
    return seen | {
        "penalidade de um array só": single["penalidade"],
        "penalidade com lam = 0": nothing["penalidade"],
        "gradiente com lam = 0": nothing["gradiente do 2º array"],
        **{f"{i}º array depois da chamada": w for i, w in enumerate(given, start=1)},
    }


### END HIDDEN TESTS
checker.check("l2_penalty")

# %% [markdown]
# ## 2. Penalidade L1
#
# Complete `l1_penalty`, a penalidade do *lasso*. Com os mesmos pesos do exemplo acima, a soma dos módulos é
# $1 + 2 + 0 + 3 + 1 = 7$ e a penalidade, $0{,}1 \cdot 7 = 0{,}7$. Os gradientes têm todos o mesmo tamanho, menos no
# zero:
#
# $$
# \begin{pmatrix} 0{,}1 & -0{,}1 \\ 0 & 0{,}1 \end{pmatrix} \quad\text{e}\quad (-0{,}1).
# $$
#
# <details><summary>Dica 1</summary>
#
# O gradiente só olha de que lado do zero o peso está, não a que distância.
#
# </details>
# <details><summary>Dica 2</summary>
#
# O NumPy tem o módulo e o sinal prontos, elemento a elemento: `np.abs` e `np.sign`. O segundo já vale 0 em 0.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Tem a mesma estrutura da L2: troque o quadrado pelo módulo, tire o meio e ponha o sinal de `w` onde havia `w`.
#
# </details>


# %%
def l1_penalty(weights, lam):
    """Penalidade L1: lam vezes a soma dos módulos.

    weights: lista de arrays float64, de formas quaisquer.
    lam: força da penalidade, um número ≥ 0.

    Devolve (penalty, grads): um número e a lista dos (sub)gradientes, com sinal(0) = 0.
    """
    ### BEGIN SOLUTION
    penalty = lam * sum(np.abs(w).sum() for w in weights)
    grads = [lam * np.sign(w) for w in weights]
    return penalty, grads
    ### END SOLUTION


# %%
# @title Verificação: l1_penalty
def seen_l1(answer, weights):
    """O que a penalidade devolveu, com nomes; NaN no lugar de um gradiente que falta."""
    first, second = answer
    swapped = isinstance(first, list | tuple) and not isinstance(second, list | tuple)
    penalty, grads = (second, first) if swapped else (first, second)
    seen = {
        "o que o `return` traz primeiro": "gradientes" if swapped else "penalidade",
        "quantidade de gradientes": len(grads),
        "penalidade": penalty,
    }
    for i, w in enumerate(weights):
        seen[f"gradiente do {i + 1}º array"] = grads[i] if i < len(grads) else np.full(w.shape, np.nan)
    return seen


@checker.probe(
    "l1_penalty",
    "Penalidade e gradientes de dois arrays",
    points=0.6,
    hint="Confira com o exemplo à mão: 0,7 e gradientes de tamanho 0,1.",
)
def l1_values(impl, rng):
    weights = [rng.normal(size=(3, 4)), rng.normal(size=4)]
    return seen_l1(impl.l1_penalty([w.copy() for w in weights], rng.uniform(0.2, 0.8)), weights)


@checker.probe(
    "l1_penalty",
    "Em um peso igual a zero o gradiente é zero",
    points=0.4,
    hint="Se só diferem as posições dos zeros: `np.sign(0.0)` é 0, e dividir por `np.abs(w)` dá 0/0.",
)
def l1_zeros(impl, rng):
    w = rng.normal(size=(2, 5))
    w[:, rng.permutation(5)[:2]] = 0.0
    return seen_l1(impl.l1_penalty([w.copy()], rng.uniform(0.2, 0.8)), [w])


### BEGIN HIDDEN TESTS
@checker.probe(
    "l1_penalty",
    "Vale para arrays de qualquer forma e para lam = 0, sem modificar a lista nem os pesos",
    points=0.7,
    hint="Some todas as entradas de todos os arrays. Se os pesos mudaram, devolva arrays novos.",
)
def l1_shapes(impl, rng):
    weights = [rng.normal(size=(1, 1)), rng.normal(size=(2, 3, 2)), rng.normal(size=5) * 100]
    given = [w.copy() for w in weights]
    seen = seen_l1(impl.l1_penalty(given, rng.uniform(2, 5)), weights)
    seen = {name: value if isinstance(value, str) else np.array(value) for name, value in seen.items()}
    single = seen_l1(impl.l1_penalty([weights[1].copy()], rng.uniform(2, 5)), weights[1:2])
    nothing = seen_l1(impl.l1_penalty([w.copy() for w in weights], 0.0), weights)
    return seen | {
        "penalidade de um array só": single["penalidade"],
        "penalidade com lam = 0": nothing["penalidade"],
        "gradiente com lam = 0": nothing["gradiente do 2º array"],
        **{f"{i}º array depois da chamada": w for i, w in enumerate(given, start=1)},
    }


### END HIDDEN TESTS
checker.check("l1_penalty")

# %% [markdown]
# ## 3. Limiar suave
#
# A descida com o gradiente da L1 tem um defeito: o peso chega perto do zero, passa por cima dele, volta, e nunca
# **fica** nele. O conserto é separar o passo em dois. Primeiro, um passo só da perda: $u = w - \eta \nabla L(w)$.
# Depois, o
# **operador proximal** da penalidade, que procura o melhor acordo entre ficar em $u$ e pagar pouca L1:
#
# $$
# \operatorname{prox}_t(u) = \arg\min_v \; \tfrac12 (v - u)^2 + t\,|v|, \qquad t = \eta\lambda .
# $$
#
# A conta sai por casos. Se a solução é $v > 0$, a derivada $v - u + t$ se anula em $v = u - t$, o que só é positivo
# quando $u > t$. Se é $v < 0$, por simetria $v = u + t$, e só quando $u < -t$. No meio, $|u| \le t$, nenhum dos dois
# serve e o mínimo fica no bico:
#
# $$
# \operatorname{prox}_t(u) = \begin{cases} u - t & \text{se } u > t,\\ 0 & \text{se } |u| \le t,\\ u + t & \text{se
# } u < -t. \end{cases}
# $$
#
# Todo peso anda $t$ em direção ao zero, e quem passaria para o outro lado fica **exatamente** em zero. Com
# $t = 0{,}5$:
#
# | $u$ | 1,3 | 0,5 | 0,2 | 0 | −0,2 | −1,3 |
# |---|---|---|---|---|---|---|
# | $\operatorname{prox}_t(u)$ | 0,8 | 0 | 0 | 0 | 0 | −0,8 |
#
# Confira o primeiro: em $v = 0{,}8$ o custo é $\tfrac12 \cdot 0{,}25 + 0{,}4 = 0{,}525$. Ficar em $v = 1{,}3$ custa
# $0{,}65$; ir a $v = 0$ custa $0{,}845$.
#
# Complete `soft_threshold`.
#
# <details><summary>Dica 1</summary>
#
# Pense em duas coisas separadas: o novo tamanho do peso e o lado em que ele fica.
#
# </details>
# <details><summary>Dica 2</summary>
#
# O novo tamanho é $|w| - t$, mas nunca menos que zero. `np.maximum(a, 0)` faz o corte elemento a elemento.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Multiplique o sinal de `w` pelo tamanho já cortado. Não divida por $|w|$: em $w = 0$ isso dá NaN.
#
# </details>


# %%
def soft_threshold(w, t):
    """Limiar suave: o operador proximal de t·|w|, elemento a elemento.

    w: array float64 de qualquer forma.
    t: limiar, um número ≥ 0.

    Devolve um array da forma de w.
    """
    ### BEGIN SOLUTION
    return np.sign(w) * np.maximum(np.abs(w) - t, 0)
    ### END SOLUTION


# %%
# @title Verificação: soft_threshold
@checker.probe(
    "soft_threshold",
    "Cada peso anda t em direção ao zero, e o que chegaria lá vira zero",
    points=0.7,
    hint="Refaça a tabela do exemplo com t = 0,5.",
)
def soft_values(impl, rng):
    t = rng.uniform(0.3, 0.6)
    sizes = t * np.concatenate([rng.uniform(0.1, 0.9, size=8), rng.uniform(1.2, 4, size=8)])
    w = rng.permutation(sizes * np.repeat([1, -1, 1, -1], 4)).reshape(2, 8)
    return {"saída": impl.soft_threshold(w.copy(), t)}


@checker.probe(
    "soft_threshold",
    "No limiar exato, em w = 0 e com t = 0",
    points=0.4,
    hint="Com |w| = t a saída é 0; com t = 0 a saída é o próprio w; e nada de 0/0.",
)
def soft_edges(impl, rng):
    scale = rng.integers(3, 40) / 16
    w = scale * rng.permutation([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    return {
        "saída com |w| = t": impl.soft_threshold(w.copy(), scale),
        "saída com t = 0": impl.soft_threshold(w.copy(), 0.0),
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "soft_threshold",
    "Vale em qualquer forma, de limiares pequenos a enormes, e não modifica w",
    points=0.7,
    hint="Devolva um array novo, e trate cada entrada sozinha, sem olhar as outras.",
)
def soft_shapes(impl, rng):
    w = rng.normal(size=(3, 2, 4)) * 5
    column = rng.normal(size=(6, 1))
    given = w.copy()
    out = np.array(impl.soft_threshold(given, rng.uniform(1.5, 3)))
    return {
        "saída": out,
        "saída de uma coluna": impl.soft_threshold(column.copy(), rng.uniform(0.1, 0.2)),
        "saída com um limiar enorme": impl.soft_threshold(w.copy(), 1e6),
        "saída de um peso só": impl.soft_threshold(np.array([7.5]) + rng.random(1), rng.uniform(1, 5)),
        "w depois da chamada": given,
    }


### END HIDDEN TESTS
checker.check("soft_threshold")

# %% [markdown]
# ## 4. Parada antecipada
#
# Enquanto a perda de treino desce, a de validação desce, para e volta a subir. A parada antecipada encerra o treino
# e devolve os pesos da melhor época. Só que a curva de validação treme: parar na primeira subida é parar no ruído.
# Por
# isso existem a paciência (`patience`, quantas épocas seguidas sem melhora se tolera) e a melhora mínima
# (`min_delta`).
#
# Complete a classe `EarlyStopping`. A cada época o treino chama `step(val_loss, state)`:
#
# * se `val_loss < best_loss - min_delta`, houve melhora: guarde a perda em `.best_loss`, uma **cópia** do estado em
#   `.best_state`, e recomece a contagem;
# * senão, a época conta como uma sem melhora, e `.best_loss` e `.best_state` ficam como estavam;
# * devolva `True` se esta é a `patience`-ésima época seguida sem melhora; `False` se não é.
#
# Antes de qualquer melhora, `.best_loss` vale infinito, e assim a primeira perda finita sempre melhora. O estado é um
# dicionário de arrays que pode ter outros dicionários dentro. Depois da chamada, o treino continua e muda os arrays
# **no lugar**, ou troca e acrescenta entradas nos dicionários: nada disso pode chegar à sua cópia.
#
# À mão, com `patience=2` e `min_delta=0.5`:
#
# | época | `val_loss` | `best_loss - min_delta` | melhora? | `best_loss` depois | sem melhora | `step` devolve |
# |---|---|---|---|---|---|---|
# | 1 | 4,00 | ∞ | sim | 4,00 | 0 | `False` |
# | 2 | 3,75 | 3,50 | não | 4,00 | 1 | `False` |
# | 3 | 3,25 | 3,50 | sim | 3,25 | 0 | `False` |
# | 4 | 2,75 | 2,75 | não (empate) | 3,25 | 1 | `False` |
# | 5 | NaN | 2,75 | não | 3,25 | 2 | `True` |
#
# <details><summary>Dica 1</summary>
#
# O objeto precisa lembrar de três coisas de uma época para outra: a melhor perda, o melhor estado e quantas épocas
# seguidas já passaram sem melhora.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Toda comparação com NaN é falsa. Se você pergunta "melhorou?" com `<`, o NaN já cai do lado certo; se pergunta
# "piorou?", cai do errado.
#
# </details>
# <details><summary>Dica 3</summary>
#
# `dict(state)` e `state.copy()` copiam só a primeira camada: os arrays continuam os mesmos. `copy.deepcopy` vai até
# o fundo. No fim de `step`, compare a contagem com `patience` usando `>=`, e devolva a comparação nos dois casos.
#
# </details>


# %%
class EarlyStopping:
    """Parada antecipada com paciência.

    patience: quantas épocas seguidas sem melhora encerram o treino, um inteiro ≥ 1.
    min_delta: quanto a perda precisa cair, além da melhor, para contar como melhora.

    Atributos: best_loss (infinito antes da primeira melhora) e best_state (a cópia do melhor estado).
    """

    def __init__(self, patience, min_delta=0.0):
        ### BEGIN SOLUTION
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = np.inf
        self.best_state = None
        self.waited = 0
        ### END SOLUTION

    def step(self, val_loss, state):
        """Registra uma época: a perda de validação (um número) e o estado (dicionário, talvez com outros dentro).

        Devolve True se é hora de parar, False se não é.
        """
        ### BEGIN SOLUTION
        if val_loss < self.best_loss - self.min_delta:
            self.best_loss = val_loss
            self.best_state = copy.deepcopy(state)
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience
        ### END SOLUTION


# %%
# @title Verificação: EarlyStopping
def dyadic_losses(rng, units):
    """Perdas que o computador representa sem arredondar: um começo mais múltiplos de um passo, que também devolve."""
    start, step = rng.integers(2**8, 2**10) / 64, rng.integers(2, 16) / 32
    return [float(start + step * u) for u in units], float(step)


def follow(stopper, losses):
    """Entrega as perdas uma a uma e, a quem ainda não parou, três vezes mais a última."""
    answers, best = [], []
    for loss in losses:
        answers.append(stopper.step(loss, {"w": np.full(2, loss)}))
        best.append(stopper.best_loss)
    late = 0
    while not answers[-1] and late < 3:
        late += 1
        answers.append(stopper.step(losses[-1], {"w": np.full(2, losses[-1])}))
    return {"respostas de step, época por época": told(answers), "best_loss depois de cada época": best}


def told(answers):
    """As respostas em palavras: None, False e True."""
    return ", ".join("None" if answer is None else str(bool(answer)) for answer in answers)


def saved_state(stopper, state):
    """O estado guardado e se há algum; se não há, zeros no lugar dos arrays de `state`."""

    def blank(part):
        return (
            {key: blank(value) for key, value in part.items()}
            if isinstance(part, dict)
            else np.zeros_like(part)
        )

    best = getattr(stopper, "best_state", None)
    return (best, "um estado") if best else (blank(state), "nenhum estado")


@checker.probe(
    "EarlyStopping",
    "Para na época certa e guarda a melhor perda",
    points=0.6,
    hint="Conte épocas seguidas sem melhora em relação à melhor de todas; uma melhora recomeça a contagem.",
)
def stopping_patience(impl, rng):
    losses, _ = dyadic_losses(rng, [10, 8, 9, 8.5, 7, 7.5, 9, 7.25])
    return follow(impl.EarlyStopping(patience=3), losses)


@checker.probe(
    "EarlyStopping",
    "Só melhora quem cai mais que min_delta",
    points=0.5,
    hint="Refaça a tabela do exemplo: uma queda pequena, ou de exatamente min_delta, não conta.",
)
def stopping_min_delta(impl, rng):
    losses, step = dyadic_losses(rng, [8, 8.25, 7.25, 7, 6.75])
    return follow(impl.EarlyStopping(patience=2, min_delta=step / 2), losses)


@checker.probe(
    "EarlyStopping",
    "best_state é uma cópia: o que muda em state depois não a alcança",
    points=0.5,
    hint="Copie até o fundo, também os arrays dos dicionários de dentro, e só quando há melhora.",
)
def stopping_copy(impl, rng):
    losses, _ = dyadic_losses(rng, [3, 5])
    first, second = (
        {"w": rng.normal(size=(2, 3)), "v": rng.normal(size=2), "camada": {"b": rng.normal(size=4)}}
        for _ in range(2)
    )
    stopper = impl.EarlyStopping(patience=5)
    stopper.step(losses[0], first)
    first["w"] *= 2
    first["camada"]["b"] += 1
    first["v"] = rng.normal(size=2)
    stopper.step(losses[1], second)
    best, kept = saved_state(stopper, second)
    return {
        "o que há em best_state depois de uma melhora": kept,
        "w guardado, depois de `state['w'] *= 2`": best["w"],
        "v guardado, depois de `state['v'] = outro`": best["v"],
        "b guardado, depois de `state['camada']['b'] += 1`": best["camada"]["b"],
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "EarlyStopping",
    "NaN e infinito nunca melhoram, e contam como épocas sem melhora",
    points=0.5,
    hint="Pergunte `val_loss < ...`: com NaN a resposta é sempre falsa. E conte a época antes de qualquer `return`.",
)
def stopping_nan(impl, rng):
    (good, worse), _ = dyadic_losses(rng, [8, 9])
    nan, inf = float("nan"), float("inf")
    seen = follow(impl.EarlyStopping(patience=3), [inf, nan, good, nan, worse, nan])
    never = follow(impl.EarlyStopping(patience=2), [nan, inf])
    return seen | {f"{name}, sem perda finita": value for name, value in never.items()}


@checker.probe(
    "EarlyStopping",
    "Guarda o estado da melhor época, em qualquer profundidade, e não toca em state",
    points=0.5,
    hint="Cada melhora troca o estado guardado; as outras épocas o deixam como está.",
)
def stopping_best_state(impl, rng):
    losses, step = dyadic_losses(rng, [5, 3, 2.75])
    first, second, third = (
        {
            "rede": {"oculta": {"w": rng.normal(size=(2, 2)), "b": rng.normal(size=2)}},
            "passo": rng.normal(size=1),
        }
        for _ in range(3)
    )
    stopper = impl.EarlyStopping(patience=4, min_delta=step / 2)
    stopper.step(losses[0], first)
    best, kept = saved_state(stopper, first)
    after_first = np.array(best["rede"]["oculta"]["w"])
    stopper.step(losses[1], second)
    untouched = np.array(second["rede"]["oculta"]["b"])
    second["rede"]["oculta"]["w"][0] = 0.0
    second["rede"]["oculta"]["b"] = rng.normal(size=2)
    second["rede"]["nova"] = rng.normal(size=3)
    stopper.step(losses[2], third)
    best, _ = saved_state(stopper, third)
    return {
        "o que há em best_state depois de uma melhora": kept,
        "w guardado na 1ª época": after_first,
        "w guardado": best["rede"]["oculta"]["w"],
        "b guardado": best["rede"]["oculta"]["b"],
        "passo guardado": best["passo"],
        "entradas em best_state['rede']": len(best["rede"]),
        "state['rede']['oculta']['b'] depois de uma melhora": untouched,
        "state['passo'] depois da chamada": third["passo"],
        "state['rede']['oculta']['w'] depois da chamada": third["rede"]["oculta"]["w"],
    }


@checker.probe(
    "EarlyStopping",
    "Com patience = 1 para na primeira sem melhora, e dois objetos não se misturam",
    points=0.4,
    hint="Guarde tudo em `self`, dentro de `__init__`; `best_loss` começa em infinito e empatar não é melhorar.",
)
def stopping_independent(impl, rng):
    losses, _ = dyadic_losses(rng, [8, 7, 7])
    others, step = dyadic_losses(rng, [5, 4.5, 4.25])
    one, two = impl.EarlyStopping(1), impl.EarlyStopping(2, step)
    before = [one.best_loss, two.best_loss]
    answers = [
        (one.step(mine, {"w": np.full(2, mine)}), two.step(its, {"w": np.full(2, its)}))
        for mine, its in zip(losses, others, strict=True)
    ]
    firsts, seconds = zip(*answers, strict=True)
    return {
        "best_loss antes da primeira época": before,
        "respostas do 1º objeto, época por época": told(firsts),
        "respostas do 2º objeto, época por época": told(seconds),
        "best_loss do 1º": one.best_loss,
        "best_loss do 2º": two.best_loss,
    }


### END HIDDEN TESTS
checker.check("EarlyStopping")

# %% [markdown]
# ## 5. Deslocamento ao acaso
#
# Um 3 deslocado um pixel para o lado continua um 3. Deslocar as imagens ao acaso, com um sorteio novo a cada época, é
# aumento de dados: a rede quase nunca vê a mesma imagem duas vezes e tem menos o que decorar.
#
# Complete `random_shift`. Cada imagem sorteia os **seus** dois inteiros, $dy$ e $dx$, independentes um do outro e
# uniformes de `-max_shift` a `max_shift`. O que sai por um lado some; o que entra pelo outro é zero, sem dar a volta:
#
# $$
# \text{out}[y, x] = \begin{cases} \text{in}[y - dy,\; x - dx] & \text{se esse pixel existe},\\ 0 & \text{se não
# existe.} \end{cases}
# $$
#
# À mão, com $dy = 1$ (para baixo) e $dx = -1$ (para a esquerda):
#
# $$
# \begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \\ 7 & 8 & 9 \end{pmatrix}
# \;\longrightarrow\;
# \begin{pmatrix} 0 & 0 & 0 \\ 2 & 3 & 0 \\ 5 & 6 & 0 \end{pmatrix}.
# $$
#
# Um deslocamento maior que a imagem a leva toda para fora: sobram zeros. Como o sorteio é simétrico, tanto faz para
# que lado $dy$ e $dx$ positivos deslocam.
#
# <details><summary>Dica 1</summary>
#
# `np.roll` dá a volta: o que sai por baixo reaparece em cima. E fatias com índices negativos contam do fim, o que
# também atrapalha. Procure um caminho sem casos.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Ponha uma moldura de zeros, de largura `max_shift`, em volta da imagem. Qualquer deslocamento permitido é um recorte
# do tamanho original dentro da imagem emoldurada, e os índices nunca ficam negativos.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Para cada imagem: sorteie os dois inteiros (o extremo de cima de `rng.integers` fica **fora**, a menos que você
# some 1), emoldure com `np.pad` e recorte `height` linhas a partir de `max_shift - dy` e `width` colunas a partir de
# `max_shift - dx`. Escreva em um array novo.
#
# </details>


# %%
def random_shift(images, max_shift, rng):
    """Desloca cada imagem por um (dy, dx) sorteado só para ela, completando com zeros.

    images: array float64 (N, H, W).
    max_shift: maior deslocamento, um inteiro ≥ 0; pode passar do tamanho da imagem.
    rng: numpy.random.Generator, a única fonte de acaso.

    Devolve um array (N, H, W).
    """
    ### BEGIN SOLUTION
    count, height, width = images.shape
    frame = (max_shift, max_shift)
    padded = np.pad(images, ((0, 0), frame, frame))
    out = np.empty_like(images)
    for i in range(count):
        dy, dx = rng.integers(-max_shift, max_shift + 1, size=2)
        top, left = max_shift - dy, max_shift - dx
        out[i] = padded[i, top : top + height, left : left + width]
    return out
    ### END SOLUTION


# %%
# @title Verificação: random_shift
def pictures(rng, count, height, width):
    """Imagens em que cada pixel tem um valor só seu, para se saber de onde veio."""
    values = rng.permuted(np.tile(np.arange(1.0, height * width + 1), (count, 1)), axis=1)
    return values.reshape(count, height, width) + rng.uniform(0.1, 0.6, size=(count, 1, 1))


def found_shifts(images, out):
    """O (dy, dx) que mais pixels de cada saída apontam, e se a saída toda é esse deslocamento, com zeros no resto."""
    count, height, width = images.shape
    found = np.isclose(out[:, :, :, None, None], images[:, None, None])
    image, y, x, row, column = np.nonzero(found)
    votes = np.zeros((count, 2 * height - 1, 2 * width - 1))
    np.add.at(votes, (image, y - row + height - 1, x - column + width - 1), 1)
    most = votes.reshape(count, -1).argmax(axis=1)
    shifts = np.stack(np.unravel_index(most, votes.shape[1:]), axis=1) - [height - 1, width - 1]
    visible = (height - np.abs(shifts[:, 0])) * (width - np.abs(shifts[:, 1]))
    clean = (votes.max(axis=(1, 2)) == visible) & ((out != 0).sum(axis=(1, 2)) == visible)
    return shifts, clean


def reach(values):
    """Até onde vão os deslocamentos em um sentido e no outro, em ordem crescente; zeros se são todos iguais."""
    if len(set(values.tolist())) < 2:
        return [0, 0]
    return sorted([max(0, -values.min()), max(0, values.max())])


def content(images, out):
    """O que se vê nas saídas, antes de perguntar para onde foram: pixels, zeros e a soma de cada imagem."""
    gone = (out == 0).all(axis=(1, 2))
    fits = (gone | found_shifts(images, out)[1]).all()
    kept = np.isclose(out.sum(axis=(1, 2)), images.sum(axis=(1, 2)))
    rows = out.sum(axis=2)
    whole = np.isclose(rows[:, :, None], images.sum(axis=2)[:, None]).any(axis=2) | (rows == 0)
    return {
        "toda saída é a própria imagem deslocada, com zeros no espaço que se abre": yes(fits),
        "todas as saídas são só de zeros": yes(gone.all()),
        "a soma dos pixels nunca muda": yes(kept.all()),
        "há linhas que perdem só uma parte dos pixels": yes(fits or not whole.all()),
        "há zeros nas saídas": yes((out == 0).any()),
    }


def yes(fact):
    return "sim" if fact else "não"


@checker.probe(
    "random_shift",
    "Cada imagem se desloca por inteiros só seus, de −max_shift a max_shift, e zeros completam",
    points=0.7,
    hint="Mostre com `print` uma imagem 3 × 3 antes e depois, e compare com o exemplo à mão.",
)
def shift_values(impl, rng):
    return {"saída": impl.random_shift(pictures(rng, 100, 5, 6), 2, rng.spawn(1)[0])}


@shift_values.measure
def shift_values_statistics(seen, rng):
    images, out = pictures(rng, 100, 5, 6), seen["saída"]
    shifts, clean = found_shifts(images, out)
    varied = len(np.unique(shifts, axis=0)) > 1
    return content(images, out) | {
        "saídas só de zeros": (out == 0).all(axis=(1, 2)).sum(),
        "alcance de dy nos dois sentidos": reach(shifts[clean, 0]),
        "alcance de dx nos dois sentidos": reach(shifts[clean, 1]),
        "fração de imagens com o deslocamento da primeira": checker.Near(
            (shifts == shifts[0]).all(axis=1).mean(), 0.17
        ),
        "fração de imagens com dy = dx": checker.Near(varied * (shifts[:, 0] == shifts[:, 1]).mean(), 0.35),
        "fração de imagens que ficaram no lugar": checker.Near((shifts == 0).all(axis=1).mean(), 0.17),
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "random_shift",
    "O sorteio é uniforme, independente em dy e dx e de uma imagem para outra",
    points=0.5,
    hint="Todo inteiro de −max_shift a max_shift tem a mesma chance, em dy e em dx, um sem depender do outro.",
)
def shift_uniform(impl, rng):
    return {
        "saída com max_shift = 1": impl.random_shift(pictures(rng, 1500, 3, 3), 1, rng.spawn(1)[0]),
        "saída com max_shift = 2": impl.random_shift(pictures(rng, 1500, 3, 3), 2, rng.spawn(1)[0]),
    }


@shift_uniform.measure
def shift_uniform_statistics(seen, rng):
    images, out = pictures(rng, 1500, 3, 3), seen["saída com max_shift = 1"]
    others, far = pictures(rng, 1500, 3, 3), seen["saída com max_shift = 2"]
    shifts, clean = found_shifts(images, out)
    further, apart = found_shifts(others, far)
    pairs = np.bincount(
        3 * shifts[clean].clip(-1, 1)[:, 0] + shifts[clean].clip(-1, 1)[:, 1] + 4, minlength=9
    )
    sizes = [(np.abs(further[apart]) == size).mean() if apart.any() else 0.0 for size in range(3)]
    return content(others, far) | {
        "alcance de dy nos dois sentidos, com max_shift = 2": reach(further[apart, 0]),
        "alcance de dx nos dois sentidos, com max_shift = 2": reach(further[apart, 1]),
        "frequência dos deslocamentos de 0, 1 e 2 pixels, com max_shift = 2": checker.Near(sizes, 0.08),
        "frequência dos nove pares (dy, dx) com max_shift = 1, da menor para a maior": checker.Near(
            np.sort(pairs) / len(shifts), 0.07
        ),
        "frequência do zero em dy e dx, com max_shift = 1": checker.Near((shifts == 0).mean(), 0.075),
        "frequência de dy = dx, com max_shift = 1": checker.Near(
            (shifts[:, 0] == shifts[:, 1]).mean(), 0.105
        ),
        "frequência de imagens com o deslocamento da anterior": checker.Near(
            (shifts[1:] == shifts[:-1]).all(axis=1).mean(), 0.07
        ),
    }


@checker.probe(
    "random_shift",
    "O acaso vem do rng: sorteio novo a cada chamada, repetível com a mesma semente",
    points=0.3,
    hint="Se as saídas são as imagens deslocadas, confira de onde vem o acaso: só do `rng` recebido.",
)
def shift_randomness(impl, rng):
    images = pictures(rng, 120, 3, 4)
    seed = int(rng.integers(2**31))
    first, second = np.random.default_rng(seed), np.random.default_rng(seed)
    outs = [np.array(impl.random_shift(images.copy(), 2, generator)) for generator in (first, first, second)]
    return {"saídas": np.stack(outs)}


@shift_randomness.measure
def shift_repetition(seen, rng):
    images = pictures(rng, 120, 3, 4)
    first, again, repeated = seen["saídas"]
    return content(images, first) | {
        "fração de imagens iguais em duas chamadas seguidas": checker.Near(
            (first == again).all(axis=(1, 2)).mean(), 0.4
        ),
        "com a mesma semente, as saídas": "iguais" if (first == repeated).all() else "diferentes",
    }


@checker.probe(
    "random_shift",
    "Um deslocamento maior que a imagem dá zeros, e uma imagem pode ter um pixel só",
    points=0.3,
    hint="O sorteio vai até max_shift, ainda que a imagem seja menor; a moldura de zeros tem essa mesma largura.",
)
def shift_beyond(impl, rng):
    out = impl.random_shift(pictures(rng, 3000, 2, 3), 3, rng.spawn(1)[0])
    return {
        "saída": out,
        "saída de um pixel": impl.random_shift(pictures(rng, 300, 1, 1), 1, rng.spawn(1)[0]),
    }


@shift_beyond.measure
def shift_beyond_statistics(seen, rng):
    images, out = pictures(rng, 3000, 2, 3), seen["saída"]
    pixels, shown = pictures(rng, 300, 1, 1), seen["saída de um pixel"]
    shifts, shown_shifted = found_shifts(images, out)
    left = shifts[shown_shifted] if shown_shifted.any() else np.full((1, 2), np.nan)
    return content(images, out) | {
        "fração de imagens só de zeros": checker.Near((out == 0).all(axis=(1, 2)).mean(), 0.07),
        "alcance de dy entre as que ficaram à vista": reach(left[:, 0]),
        "alcance de dx entre as que ficaram à vista": reach(left[:, 1]),
        "fração com dy = 0 entre as que ficaram à vista": checker.Near((left[:, 0] == 0).mean(), 0.13),
        "fração com dx = 0 entre as que ficaram à vista": checker.Near((left[:, 1] == 0).mean(), 0.13),
        "cada pixel sozinho fica ou vira zero": yes(((shown == pixels) | (shown == 0)).all()),
        "fração de pixels que ficaram": checker.Near((shown == pixels).mean(), 0.155),
        "algum pixel ficou": yes((shown == pixels).any()),
    }


@checker.probe(
    "random_shift",
    "Com max_shift = 0 nada muda; com 2, as imagens andam, e as recebidas ficam intactas",
    points=0.2,
    hint="Se images mudou, escreva em um array novo, como `np.zeros_like(images)`.",
)
def shift_intact(impl, rng):
    images = rng.normal(size=(12, 4, 3))
    given = images.copy()
    out = np.array(impl.random_shift(given, 2, rng.spawn(1)[0]))
    return {
        "images depois da chamada": given,
        "alguma imagem anda com max_shift = 2": "sim" if out.any() and (out != images).any() else "não",
        "saída com max_shift = 0": impl.random_shift(images.copy(), 0, rng.spawn(1)[0]),
    }


### END HIDDEN TESTS
checker.check("random_shift")

# %% [markdown]
# ## Veja o que você construiu: quem zera pesos
#
# Prever a evolução do diabetes em um ano a partir de 10 medidas de cada paciente, dos quadrados delas e dos produtos
# duas a duas: 65 atributos para só 221 pacientes de treino. Três descidas minimizam a perda quadrática mais uma
# penalidade, para vários valores de $\lambda$:
#
# * **L2**, com o gradiente de `l2_penalty`;
# * **L1 pelo gradiente**, com o de `l1_penalty`;
# * **L1 proximal**: passo só da perda e depois `soft_threshold`.
#
# Conte os pesos que terminam **exatamente** em zero. E compare as duas L1 no teste: até $\lambda \approx 0{,}2$ erram
# quase o mesmo, mas só uma diz quais atributos dispensar. Com $\lambda$ maior, as duas erram mais; a L2, nesta faixa de
# $\lambda$, ainda melhora.

# %%
if checker.ready("l2_penalty", "l1_penalty", "soft_threshold"):
    from sklearn.datasets import load_diabetes
    from sklearn.preprocessing import PolynomialFeatures

    table, target = load_diabetes(return_X_y=True)
    features = PolynomialFeatures(2, include_bias=False).fit_transform(table / table.std(axis=0))
    order = np.random.default_rng(0).permutation(len(target))
    train, test = order[:221], order[221:]
    X = (features - features[train].mean(axis=0)) / features[train].std(axis=0)
    y = (target - target[train].mean()) / target[train].std()

    def descend(method, lam, steps=1500):
        """Descida do gradiente com a penalidade pedida, a partir de zero; devolve os pesos finais."""
        gram, moment = X[train].T @ X[train] / len(train), X[train].T @ y[train] / len(train)
        lr = 1 / (np.linalg.eigvalsh(gram).max() + lam)
        w = np.zeros(X.shape[1])
        for _ in range(steps):
            gradient = gram @ w - moment
            if method == "L1 proximal":
                w = soft_threshold(w - lr * gradient, lr * lam)
            else:
                penalty = l2_penalty if method == "L2" else l1_penalty
                w = w - lr * (gradient + penalty([w], lam)[1][0])
        return w

    lams = np.logspace(-3, -0.3, 8)
    found = {
        method: np.array([descend(method, lam) for lam in lams])
        for method in ("L2", "L1 pelo gradiente", "L1 proximal")
    }
    print("Pesos exatamente iguais a zero, de 65:")
    print("        λ  " + "  ".join(f"{method:>17}" for method in found))
    for i, lam in enumerate(lams):
        print(
            f"{lam:9.4f}  ".replace(".", ",")
            + "  ".join(f"{(ws[i] == 0).sum():17d}" for ws in found.values())
        )

    figure, axes = plt.subplots(2, 1, figsize=(6, 8), sharex=True)
    for (method, ws), style in zip(found.items(), ("s-", "x--", "o-"), strict=True):
        axes[0].semilogx(lams, (ws == 0).sum(axis=1), style, label=method)
        error = ((X[test] @ ws.T - y[test, None]) ** 2).mean(axis=0)
        axes[1].semilogx(lams, error, style, label=method)
    axes[0].set(ylabel="pesos exatamente zero (de 65)", title="Só o limiar suave zera pesos")
    axes[1].set(
        xlabel="λ",
        ylabel="erro quadrático médio no teste",
        title="L1: um pouco de penalidade ajuda; demais, atrapalha",
    )
    axes[0].legend()
    axes[1].legend()
    plt.tight_layout()
    plt.show()

# %% [markdown]
# ## Veja o que você construiu: parar na hora, e com imagens deslocadas
#
# Agora uma rede grande para poucos dados: 200 dígitos de treino, um em cada cinco com o rótulo sorteado.
# `EarlyStopping` vigia a perda em outros 300 dígitos, com os rótulos certos e paciência de 15 épocas. A mesma rede é
# treinada com as imagens como são e com `random_shift` de um pixel, sorteado de novo a cada época. Para você ver o
# que teria acontecido, o treino segue até a época 80 mesmo depois do aviso de parar. Uma curva sem a linha pontilhada
# não teve aviso: até a época 80, a perda nunca passou 15 épocas sem melhorar.
#
# Compare também os acertos impressos. Com a parada antecipada, a rede que treinou com imagens deslocadas acerta um pouco
# menos no teste comum, em que os dígitos vêm centrados como no treino, e muito mais quando o teste vem deslocado. Aumentar os
# dados ensina a variação que você escolheu: vale a pena se ela existe onde a rede será usada.
#
# Repare no estado que o laço entrega: os arrays dele **dividem a memória** com a rede. Sem a sua cópia, o "melhor
# estado" seria sempre o da última época.

# %%
if checker.ready("EarlyStopping", "random_shift"):
    from sklearn.datasets import load_digits

    torch.set_num_threads(1)  # em uma rede pequena, mais threads só atrapalham
    digits = load_digits()
    scans, labels = digits.images / 16, torch.tensor(digits.target)
    moved = random_shift(scans, 1, np.random.default_rng(0))

    def tensor(images):
        return torch.tensor(images, dtype=torch.float32).flatten(1)

    def fit(max_shift, seed, epochs=80):
        """Treina até o fim; devolve as curvas de validação, a época do aviso de parar (ou None) e os acertos no teste."""
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        few, watched, rest = np.split(rng.permutation(len(scans)), [200, 500])
        given = labels[few].clone()
        given[:40] = torch.from_numpy(rng.integers(10, size=40))
        model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
        layers = dict(model.named_children())
        state = {
            name: {key: value.detach().numpy() for key, value in layer.named_parameters()}
            for name, layer in layers.items()
        }
        loss_fn = torch.nn.CrossEntropyLoss()
        velocities = [torch.zeros_like(parameter) for parameter in model.parameters()]

        def evaluate(images, chosen):
            """Perda e porcentagem de acertos nas imagens escolhidas."""
            with torch.no_grad():
                logits, wanted = model(tensor(images[chosen])), labels[chosen]
                return loss_fn(logits, wanted).item(), 100 * (
                    logits.argmax(1) == wanted
                ).double().mean().item()

        stopper, stopped, curve = EarlyStopping(patience=15), None, []
        for epoch in range(1, epochs + 1):
            images = tensor(random_shift(scans[few], max_shift, rng))
            for batch in rng.permutation(200).reshape(4, 50):
                model.zero_grad()
                loss_fn(model(images[batch]), given[batch]).backward()
                with torch.no_grad():
                    for parameter, velocity in zip(model.parameters(), velocities, strict=True):
                        velocity.mul_(0.9).add_(parameter.grad)  # descida com momentum
                        parameter -= 0.1 * velocity
            curve.append(evaluate(scans, watched))
            if stopped is None and stopper.step(curve[-1][0], state):
                stopped = epoch
        _, last = evaluate(scans, rest)
        with torch.no_grad():
            for name, layer in layers.items():
                for key, value in layer.named_parameters():
                    value.copy_(torch.from_numpy(stopper.best_state[name][key]))
        return np.array(curve).T, stopped, [last, evaluate(scans, rest)[1], evaluate(moved, rest)[1]]

    figure, axes = plt.subplots(2, 1, figsize=(6, 8), sharex=True)
    for max_shift, color, name in ((0, "tab:blue", "como são"), (1, "tab:orange", "deslocadas")):
        runs = [fit(max_shift, seed) for seed in range(3)]
        last, best, shifted = np.mean([run[-1] for run in runs], axis=0)
        final, kept, elsewhere = (f"{value:.1f}%".replace(".", ",") for value in (last, best, shifted))
        print(
            f"treino com as imagens {name}: {final} de acertos no teste com os pesos da última época, "
            f"{kept} com os da melhor, e {elsewhere} se o teste vem deslocado (média de 3 sementes)"
        )
        curves, stopped, _ = runs[0]
        lowest = curves[0, :stopped].argmin()
        for axis, values in zip(axes, curves, strict=True):
            axis.plot(np.arange(1, len(values) + 1), values, color=color, label=f"imagens {name}")
            axis.plot(lowest + 1, values[lowest], "o", color=color, label="melhor época, a guardada")
            if stopped:
                axis.axvline(stopped, color=color, linestyle=":", label="aviso de parar")
    axes[0].set(
        ylabel="perda de validação", ylim=(0.4, 1.5), title="Sem deslocar, a perda logo volta a subir"
    )
    axes[1].set(
        xlabel="época", ylabel="acertos na validação (%)", ylim=(50, 100), title="Deslocar segura os acertos"
    )
    axes[1].legend(fontsize=8)
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
