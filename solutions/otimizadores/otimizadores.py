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
# # Otimizadores
#
# Todo treino de rede neural repete três linhas: zerar os gradientes, retropropagar e dar um passo. Neste exercício
# você escreve o passo. São cinco classes com a interface de `torch.optim`: `SGD` (com momentum, Nesterov e
# decaimento de
# pesos), `Adagrad`, `RMSprop`, `Adam` e `AdamW`. No fim, elas disputam duas corridas: em uma superfície de perda
# que você
# pode ver inteira e em uma rede que lê dígitos escritos à mão.
#
# **Como trabalhar.** Execute a célula de preparação logo abaixo. Em cada parte, complete a classe,
# execute a célula dela e depois a célula de verificação, que diz na hora o que está certo e, se houver
# erro, qual foi. A última célula soma os pontos. Não mude os nomes das classes nem dos métodos.

# %%
from grader.checker import panel as checker

# %%
# Importações: execute também esta célula.
import matplotlib.pyplot as plt
import numpy as np
import torch


# %%
# Apoio das verificações: execute também esta célula.
def new_parameters(rng, *shapes):
    """Um Parameter float64 de cada forma, com valores sorteados."""
    return [torch.nn.Parameter(torch.tensor(rng.normal(size=s), dtype=torch.float64)) for s in shapes]


def give_gradients(params, rng, absent=(), scale=1.0):
    """Põe em cada parâmetro um gradiente novo, sorteado; os de índice em `absent` ficam com None."""
    for i, p in enumerate(params):
        drawn = torch.tensor(scale * rng.normal(size=tuple(p.shape)), dtype=p.dtype)
        p.grad = None if i in absent else drawn


def take_steps(optimizer, params, rng, steps, scale=1.0):
    """Dá `steps` passos, cada um com gradientes novos."""
    for _ in range(steps):
        give_gradients(params, rng, scale=scale)
        method(optimizer, "step")()


def method(optimizer, name):
    """O método pedido; se a classe não o tem, diz qual é."""
    if not hasattr(optimizer, name):
        raise AttributeError(
            f"a classe {type(optimizer).__name__} não tem o método `{name}`: confira o nome e o recuo dele"
        )
    return getattr(optimizer, name)


def copies(params):
    """Os valores dos parâmetros, em tensores à parte."""
    return [p.detach().clone() for p in params]


def values(params, when):
    """Os valores dos parâmetros neste momento, com nome."""
    return {
        f"parâmetro {i}, de forma {tuple(p.shape)}, {when}": p.detach().clone()
        for i, p in enumerate(params, 1)
    }


def leftover(params):
    """Quantos parâmetros ainda têm um gradiente diferente de zero."""
    return sum(p.grad is not None and bool(p.grad.any()) for p in params)


def first_step(optimizer, params, rng):
    """O que o primeiro passo faz, com gradientes sorteados."""
    before = copies(params)
    give_gradients(params, rng)
    gradients = [p.grad.clone() for p in params]
    method(optimizer, "step")()
    changes = [p.detach() - old for p, old in zip(params, before, strict=True)]
    uphill = sum(int((change * g > 0).sum()) for change, g in zip(changes, gradients, strict=True))
    return {
        "parâmetros que o passo 1 mudou": sum(bool(change.any()) for change in changes),
        "coordenadas que o passo 1 levou a favor do gradiente": uphill,
    } | values(params, "depois do passo 1")


def train_a_little(make, rng):
    """Um treino de três passos como os de verdade, e o mesmo treino com os gradientes limpos à mão."""
    params = new_parameters(rng, (2, 3), (4,))
    twins = [torch.nn.Parameter(copy) for copy in copies(params)]
    optimizer, other = make(p for p in params), make(twins)
    moves = 0
    for _ in range(3):
        before = copies(params)
        method(optimizer, "zero_grad")()
        for p in twins:
            p.grad = None
        factors = [torch.tensor(rng.normal(size=tuple(p.shape))) for p in params]
        for group in (params, twins):
            sum((factor * p**2).sum() for factor, p in zip(factors, group, strict=True)).backward()
        method(optimizer, "step")()
        other.step()
        moves += any(not torch.equal(p, old) for p, old in zip(params, before, strict=True))
    trained = values(params, "depois de 3 passos")
    optimizer.zero_grad()
    gap = max((p - twin).abs().max().item() for p, twin in zip(params, twins, strict=True))
    return {
        "passos que mudaram os parâmetros, com um gerador": moves,
        "gradientes que zero_grad não limpou": leftover(params),
        "diferença entre limpar com zero_grad e limpar à mão": gap,
        **trained,
        **values(params, "depois de zero_grad"),
    }


# %% [markdown]
# ## O que é um otimizador
#
# A retropropagação deixa em cada parâmetro $\theta$ o seu gradiente $g$, no atributo `.grad`. O otimizador decide
# o que
# fazer com ele. A regra mais simples, a descida do gradiente, anda contra o gradiente:
#
# $$
# \theta \leftarrow \theta - \eta\, g,
# $$
#
# em que $\eta$ é a taxa de aprendizado (`lr`). Ela tem uma fraqueza. Com uma só taxa para todas as direções, as
# íngremes
# limitam $\eta$ e as planas ficam sem andar. Há dois remédios, e o Adam junta os dois:
#
# * **lembrar os gradientes passados** (momentum): direções em que eles concordam ganham velocidade; onde eles
# trocam de
#   sinal, as parcelas se cancelam;
# * **dar a cada coordenada a sua taxa** (Adagrad, RMSprop): divide-se o gradiente de cada coordenada pelo tamanho
# que ele
#   costuma ter nela.
#
# O que um otimizador lembra é o seu **estado**. Ele tem a forma do parâmetro, e é memória que se paga:
#
# | classe | estado de cada parâmetro | números a mais por peso |
# |---|---|---|
# | `SGD` sem momentum | nenhum | 0 |
# | `SGD` com momentum | velocidade $v$ | 1 |
# | `Adagrad` | soma dos quadrados $G$ | 1 |
# | `RMSprop` | média dos quadrados $s$ | 1 |
# | `Adam`, `AdamW` | médias $m$ e $v$, e a contagem de passos $t$ (um inteiro) | 2 |
#
# Todas as contas abaixo são **elemento a elemento**, com as mesmas formas:
#
# | nome | tipo e forma |
# |---|---|
# | `params` | iterável de `torch.nn.Parameter`, cada um com a sua forma, que pode ser `()` |
# | `p`, `p.grad` e o estado de `p` | tensores da forma de `p` |
# | `lr`, `momentum`, `alpha`, `eps`, `weight_decay` | números |
# | `betas` | par de números $(\beta_1, \beta_2)$ |
# | $t$ | inteiro, um por parâmetro |
#
# > **Convenções**
# >
# > * `params` é um iterável qualquer: uma lista, uma tupla ou um **gerador**, como `model.parameters()`. Um
# >   gerador só pode
# >   ser percorrido uma vez.
# > * `step()` escreve os valores novos **nos próprios parâmetros recebidos** e deixa o `.grad` deles como estava.
# > * Um parâmetro com `.grad` igual a `None` é **pulado**: valor e estado ficam como estão, e ele também não decai.
# > * O estado é **de cada parâmetro**, do tipo (*dtype*) dele, e só anda quando ele é atualizado. O mesmo vale para a
# >   contagem $t$ do Adam.
# > * `zero_grad()` deixa cada `.grad` em `None` ou em zeros: você escolhe. Ele pode ser chamado antes do primeiro
# >   `backward`, quando cada `.grad` ainda é `None`, e não mexe em mais nada.
# > * Nenhum grafo do autograd fica guardado, nem no parâmetro nem no estado, mesmo que o gradiente traga um (é o
# >   caso de
# >   `backward(create_graph=True)`).
# > * `lr` negativo, ou um beta fora de $[0, 1)$, levanta `ValueError`, no construtor ou no primeiro passo. `lr`
# >   zero e beta
# >   zero são permitidos.
# > * No momentum, $v \leftarrow \mu v + g$, sem fator $1-\mu$, e a primeira velocidade é o próprio gradiente.
# > * `eps` fica **fora** da raiz. No Adam, ele se soma à raiz da média **já corrigida**.
# > * O decaimento de pesos é somado ao gradiente em `SGD` e em `Adam`. Em `AdamW` ele é desacoplado e vem antes do
# >   passo.
# > * `torch.optim` é vetado: aqui é você quem o escreve.

# %% [markdown]
# ## 1. SGD, com momentum e Nesterov
#
# Pense em uma bola que desce um vale. O gradiente é a força, a velocidade $v$ acumula as forças, e $\mu$
# (`momentum`) diz
# quanto da velocidade sobra de um passo para o outro; $1-\mu$ é o atrito. Em cada passo:
#
# $$
# \begin{aligned}
# g &\leftarrow g + \lambda\,\theta && \text{decaimento de pesos, com } \lambda = \texttt{weight\_decay}\\
# v &\leftarrow \mu\, v + g && \text{com } v = g \text{ no primeiro passo}\\
# \theta &\leftarrow \theta - \eta\, v
# \end{aligned}
# $$
#
# Se o gradiente é sempre o mesmo, $v$ tende a $g/(1-\mu)$: com $\mu = 0{,}9$, o passo fica dez vezes maior.
#
# **Nesterov** olha um pouco adiante. Na última linha, troque $v$ por $g + \mu v$, com o $v$ que você acabou de
# atualizar.
#
# **À mão.** Com $\theta = 1$, $\eta = 0{,}1$, $\mu = 0{,}9$, sem decaimento, e gradientes $2$ e depois $1$:
#
# | passo | $g$ | $v$ | $\theta$ com momentum | $g + \mu v$ | $\theta$ com Nesterov |
# |---|---|---|---|---|---|
# | 1 | 2 | 2 | $1 - 0{,}1 \cdot 2 = 0{,}8$ | $2 + 1{,}8 = 3{,}8$ | $1 - 0{,}38 = 0{,}62$ |
# | 2 | 1 | $0{,}9 \cdot 2 + 1 = 2{,}8$ | $0{,}8 - 0{,}28 = 0{,}52$ | $1 + 2{,}52 = 3{,}52$ | $0{,}62 - 0{,}352 = 0{,}268$ |
#
# Com $\lambda = 0{,}5$, o primeiro gradiente seria $2 + 0{,}5 \cdot 1 = 2{,}5$, e é ele que entra na velocidade.
#
# Só se pede Nesterov com `momentum` maior que zero.
#
# <details><summary>Dica 1</summary>
#
# O construtor confere `lr`, guarda os parâmetros e os números, e cria o lugar da velocidade. Um gerador se esgota na
# primeira vez que é percorrido, e você vai percorrer os parâmetros em todo passo: guarde-os em uma lista.
#
# </details>
# <details><summary>Dica 2</summary>
#
# A velocidade pode morar em um dicionário com o parâmetro por chave: `self.velocity[p]`. Em `step`, pule quem tem
# `p.grad is None`. Faça as contas dentro de `with torch.no_grad():` e mude o parâmetro no lugar, com `p -= ...`;
# `p = p - ...` cria outro tensor, e o parâmetro da rede não muda.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Para cada `p` com gradiente: (1) `g` é `p.grad + self.weight_decay * p`, um tensor novo, porque `p.grad` não pode
# mudar; (2) a
# velocidade nova é o momentum vezes a antiga (ou 0, se não há antiga) mais `g`; guarde-a; (3) a direção é `g` mais
# momentum
# vezes a velocidade nova, com Nesterov, ou a velocidade nova, sem ele; (4) subtraia de `p` a taxa vezes a direção.
#
# </details>


# %%
class SGD:
    """Descida do gradiente com momentum, Nesterov e decaimento de pesos.

    params: iterável de torch.nn.Parameter (também um gerador).
    lr: taxa de aprendizado; negativa, levanta ValueError.
    momentum: fração da velocidade que fica de um passo para o outro.
    nesterov: True para dar o passo de Nesterov.
    weight_decay: fator do decaimento, somado ao gradiente.
    """

    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        ### BEGIN SOLUTION
        if lr < 0:
            raise ValueError(f"lr não pode ser negativo, e veio {lr}")
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.velocity = {}
        ### END SOLUTION

    def step(self):
        """Atualiza, no lugar, cada parâmetro que tem gradiente."""
        ### BEGIN SOLUTION
        with torch.no_grad():
            for p in self.params:
                if p.grad is None:
                    continue
                g = p.grad + self.weight_decay * p
                v = self.momentum * self.velocity.get(p, 0) + g
                self.velocity[p] = v
                direction = g + self.momentum * v if self.nesterov else v
                p -= self.lr * direction
        ### END SOLUTION

    def zero_grad(self):
        """Limpa os gradientes: None ou zeros."""
        ### BEGIN SOLUTION
        for p in self.params:
            p.grad = None
        ### END SOLUTION


# %%
# @title Verificação: SGD
@checker.probe(
    "SGD",
    "Sem momentum: θ ← θ − lr·g, escrito no próprio parâmetro",
    points=0.3,
    hint="Mude o parâmetro no lugar (`p -= ...`), dentro de `with torch.no_grad():`.",
)
def sgd_plain(impl, rng):
    params = new_parameters(rng, (2, 3), (4,))
    optimizer = impl.SGD(params, rng.uniform(0.1, 0.5))
    seen = first_step(optimizer, params, rng)
    take_steps(optimizer, params, rng, 1)
    return seen | values(params, "depois do passo 2")


@checker.probe(
    "SGD",
    "Com momentum: v ← μ·v + g, e a primeira velocidade é o gradiente",
    points=0.4,
    hint="Refaça a tabela do enunciado com a sua classe, passo a passo.",
)
def sgd_momentum(impl, rng):
    seen = {}
    for momentum in (0.1, 0.7):
        params = new_parameters(rng, (2, 3), (4,))
        optimizer = impl.SGD(params, 0.2, momentum)
        for step in (1, 2, 3):
            take_steps(optimizer, params, rng, 1)
            seen |= values(params, f"momentum {momentum}, depois do passo {step}")
    return seen


@checker.probe(
    "SGD",
    "Com Nesterov, o passo usa g + μ·v",
    points=0.3,
    hint="Atualize a velocidade primeiro; só depois calcule g + μ·v, com a velocidade nova.",
)
def sgd_nesterov(impl, rng):
    params = new_parameters(rng, (2, 3))
    optimizer = impl.SGD(params, 0.2, 0.7, True)
    take_steps(optimizer, params, rng, 1)
    seen = values(params, "depois do passo 1")
    take_steps(optimizer, params, rng, 2)
    return seen | values(params, "depois do passo 3")


@checker.probe(
    "SGD",
    "O decaimento de pesos entra no gradiente, e daí na velocidade",
    points=0.3,
    hint="Some weight_decay·θ ao gradiente antes de atualizar a velocidade.",
)
def sgd_weight_decay(impl, rng):
    params = new_parameters(rng, (2, 3), (4,))
    optimizer = impl.SGD(params, 0.2, 0.7, False, 0.4)
    take_steps(optimizer, params, rng, 1)
    seen = values(params, "depois do passo 1")
    take_steps(optimizer, params, rng, 2)
    return seen | values(params, "depois do passo 3")


@checker.probe(
    "SGD",
    "Um treino de verdade: `params` é um gerador, e zero_grad limpa os gradientes",
    points=0.3,
    hint="Se os passos não mudam nada, guarde `list(params)` no construtor; zero_grad só limpa cada `.grad`, e mais nada.",
)
def sgd_training(impl, rng):
    return train_a_little(lambda params: impl.SGD(params, 0.2, momentum=0.7), rng)


### BEGIN HIDDEN TESTS
def gradients_with_graph(params, rng):
    """Gradientes que trazem um grafo, como os de `create_graph=True`; devolve referências que morrem com ele."""
    import weakref

    witnesses = []
    for p in params:
        source = torch.tensor(rng.normal(size=tuple(p.shape)), dtype=p.dtype, requires_grad=True)
        p.grad = source * 2

        def witness(gradient):
            return None

        p.grad.register_hook(witness)
        witnesses.append(weakref.ref(witness))
    return witnesses


def step_and_look(optimizer, params, rng):
    """Passos com o gradiente sempre no mesmo tensor e, depois, com gradientes que trazem um grafo."""
    give_gradients(params, rng)
    for _ in range(3):
        for p in params:
            p.grad.copy_(torch.tensor(rng.normal(size=tuple(p.shape))))
        optimizer.step()
    seen = values(params, "depois de 3 passos com o gradiente no mesmo tensor")
    seen |= {f"grad de forma {tuple(p.shape)}, depois do passo": p.grad.detach().clone() for p in params}
    witnesses = gradients_with_graph(params, rng)
    optimizer.step()
    witnesses += gradients_with_graph(params, rng)
    optimizer.step()
    seen["gradientes que perderam o seu grafo"] = sum(not p.grad.requires_grad for p in params)
    for p in params:
        p.grad = None
    return (
        seen
        | values(params, "depois de 2 passos com grafo")
        | {
            "grafos que o otimizador guardou": sum(alive() is not None for alive in witnesses),
            "parâmetros que deixaram de ser folhas": sum(not p.is_leaf for p in params),
            "parâmetros que ainda pedem gradiente": sum(p.requires_grad for p in params),
        }
    )


def skip_some(optimizer, params, rng):
    """Cinco passos, cada um com alguns dos quatro parâmetros sem gradiente."""
    seen = {}
    for number, absent in enumerate(([1], [0, 2], [0, 1, 2, 3], [2, 3], []), start=1):
        give_gradients(params, rng, absent)
        optimizer.step()
        seen |= values(params, f"depois do passo {number}")
    return seen


def attempt(make, rng):
    """O que acontece a quem cria o otimizador e dá um passo."""
    params = new_parameters(rng, (3,))
    return checker.raised(lambda: take_steps(make(params), params, rng, 1))


def precision(make, rng):
    """Um parâmetro float64 sente uma diferença de uma parte em um bilhão? E um float32, continua float32?"""
    gradients = rng.normal(size=(3, 2, 3))

    def final(change):
        p = torch.nn.Parameter(torch.zeros(2, 3, dtype=torch.float64))
        optimizer = make([p])
        for i, gradient in enumerate(gradients):
            p.grad = torch.tensor(gradient * (1 + change if i == 0 else 1))
            optimizer.step()
        return p.detach()

    single = torch.nn.Parameter(torch.tensor(rng.normal(size=4), dtype=torch.float32))
    take_steps(make([single]), [single], rng, 2)
    reached = final(0.0)
    effect = (final(1e-9) - reached) * 1e9
    return {
        "coordenadas que os passos tiraram do lugar": int((reached != 0).sum()),
        "variação de θ, por unidade, se o primeiro gradiente muda em uma parte em um bilhão": checker.Near(
            effect, 1e-4
        ),
        "tipo de um parâmetro float32 depois do passo": str(single.dtype),
    }


@checker.probe(
    "SGD",
    "Quem está sem gradiente é pulado, e cada parâmetro tem a sua velocidade",
    points=0.3,
    hint="Se `p.grad is None`, use `continue`: não mude nem o valor nem a velocidade desse parâmetro.",
)
def sgd_none(impl, rng):
    params = new_parameters(rng, (2, 3), (4,), (4,), ())
    return skip_some(impl.SGD(params, 0.2, momentum=0.7, weight_decay=0.3), params, rng)


@checker.probe(
    "SGD",
    "O .grad fica como estava e nenhum grafo é guardado",
    points=0.3,
    hint="Trabalhe dentro de `torch.no_grad()` e em cópias: nem `p.grad += ...` nem a velocidade igual ao próprio `p.grad`.",
)
def sgd_intact(impl, rng):
    params, others = new_parameters(rng, (2, 3), (1,)), new_parameters(rng, (3, 2), (4,))
    seen = step_and_look(impl.SGD(params, 0.2, momentum=0.7), params, rng)
    nesterov = impl.SGD(others, 0.2, momentum=0.4, nesterov=True, weight_decay=0.3)
    return seen | {f"com Nesterov: {name}": v for name, v in step_and_look(nesterov, others, rng).items()}


@checker.probe(
    "SGD",
    "lr negativo levanta ValueError, e lr zero é permitido",
    points=0.2,
    hint="A condição é `lr < 0`.",
)
def sgd_invalid(impl, rng):
    negative = -round(rng.uniform(0.01, 1), 3)
    params = new_parameters(rng, (2, 3))
    take_steps(impl.SGD(params, 0.0, momentum=0.5), params, rng, 2)
    refused = attempt(lambda given: impl.SGD(given, negative), rng)
    return {f"lr = {negative}": refused} | values(params, "depois de 2 passos com lr = 0")


@checker.probe(
    "SGD",
    "Parâmetro e estado mantêm o tipo",
    points=0.2,
    hint="Crie o estado com o tipo do parâmetro: `torch.zeros_like(p)`, não `torch.zeros(p.shape)`.",
)
def sgd_precision(impl, rng):
    return precision(lambda params: impl.SGD(params, 0.3, momentum=0.7), rng)


### END HIDDEN TESTS
checker.check("SGD")

# %% [markdown]
# ## 2. Adagrad
#
# O Adagrad **soma os quadrados dos gradientes de cada coordenada**, desde o primeiro passo, e divide pela raiz
# dessa soma:
#
# $$
# G \leftarrow G + g^2, \qquad \theta \leftarrow \theta - \eta\, \frac{g}{\sqrt{G} + \varepsilon}, \qquad G = 0
# \text{ no início.}
# $$
#
# Uma coordenada que quase nunca recebe gradiente (uma palavra rara, por exemplo) guarda um $G$ pequeno e, quando
# recebe,
# anda bastante. O preço: $G$ nunca diminui, e os passos ficam cada vez menores.
#
# Não confunda com dividir o gradiente inteiro pela sua norma, $g/\lVert g \rVert$. Isso é a descida normalizada,
# outro
# método: nele todas as coordenadas são divididas pelo mesmo número, e nada se acumula.
#
# **À mão.** Com $\theta = 1$, $\eta = 0{,}5$, $\varepsilon$ desprezível, e gradientes $3$ e depois $4$:
#
# * passo 1: $G = 9$, e $\theta = 1 - 0{,}5 \cdot 3/3 = 0{,}5$;
# * passo 2: $G = 9 + 16 = 25$, e $\theta = 0{,}5 - 0{,}5 \cdot 4/5 = 0{,}1$.
#
# As cinco classes se parecem. O que vale para todas (lista de parâmetros, `None`, `zero_grad`) você pode copiar da
# anterior.
#
# <details><summary>Dica 1</summary>
#
# A estrutura é a do `SGD`, com outro estado e outra última linha.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Atualize $G$ **antes** de dividir: o gradiente deste passo também conta. Os quadrados são elemento a elemento,
# `g**2`.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Para cada `p` com gradiente: o total novo é o antigo (ou 0) mais `p.grad**2`; guarde-o; subtraia de `p` a taxa vezes
# `p.grad / (total.sqrt() + self.eps)`. Não escreva em `p.grad`.
#
# </details>


# %%
class Adagrad:
    """Adagrad: cada coordenada dividida pela raiz da soma dos quadrados dos seus gradientes.

    params: iterável de torch.nn.Parameter (também um gerador).
    lr: taxa de aprendizado; negativa, levanta ValueError.
    eps: somado à raiz.
    """

    def __init__(self, params, lr, eps=1e-10):
        ### BEGIN SOLUTION
        if lr < 0:
            raise ValueError(f"lr não pode ser negativo, e veio {lr}")
        self.params = list(params)
        self.lr = lr
        self.eps = eps
        self.total = {}
        ### END SOLUTION

    def step(self):
        """Atualiza, no lugar, cada parâmetro que tem gradiente."""
        ### BEGIN SOLUTION
        with torch.no_grad():
            for p in self.params:
                if p.grad is None:
                    continue
                g = p.grad
                total = self.total.get(p, 0) + g**2
                self.total[p] = total
                p -= self.lr * g / (total.sqrt() + self.eps)
        ### END SOLUTION

    def zero_grad(self):
        """Limpa os gradientes: None ou zeros."""
        ### BEGIN SOLUTION
        for p in self.params:
            p.grad = None
        ### END SOLUTION


# %%
# @title Verificação: Adagrad
@checker.probe(
    "Adagrad",
    "Os quadrados dos gradientes se acumulam, coordenada a coordenada",
    points=0.4,
    hint="Refaça o exemplo do enunciado (depois dos gradientes 3 e 4, G é 25) e mude o parâmetro no lugar, com `p -= ...`.",
)
def adagrad_steps(impl, rng):
    params = new_parameters(rng, (2, 3), (4,))
    optimizer = impl.Adagrad(params, rng.uniform(0.1, 0.5))
    seen = first_step(optimizer, params, rng)
    take_steps(optimizer, params, rng, 3)
    return seen | values(params, "depois do passo 4")


@checker.probe(
    "Adagrad",
    "eps fica fora da raiz, e gradiente zero não move nem dá NaN",
    points=0.2,
    hint="O divisor é `total.sqrt() + self.eps`.",
)
def adagrad_eps(impl, rng):
    params = new_parameters(rng, (2, 3))
    optimizer = impl.Adagrad(params, 0.3, 0.5)
    for _ in range(3):
        give_gradients(params, rng)
        params[0].grad[0, 0] = 0
        optimizer.step()
    return values(params, "eps 0,5, depois de 3 passos")


@checker.probe(
    "Adagrad",
    "Um treino de verdade: `params` é um gerador, e zero_grad limpa os gradientes",
    points=0.2,
    hint="Se os passos não mudam nada, guarde `list(params)` no construtor; zero_grad só limpa cada `.grad`, e mais nada.",
)
def adagrad_training(impl, rng):
    return train_a_little(lambda params: impl.Adagrad(params, 0.3), rng)


### BEGIN HIDDEN TESTS
@checker.probe(
    "Adagrad",
    "Quem está sem gradiente é pulado, e cada parâmetro tem a sua soma",
    points=0.3,
    hint="Se `p.grad is None`, use `continue`: os outros parâmetros seguem.",
)
def adagrad_none(impl, rng):
    params = new_parameters(rng, (2, 3), (4,), (4,), ())
    return skip_some(impl.Adagrad(params, 0.3), params, rng)


@checker.probe(
    "Adagrad",
    "O .grad fica como estava e nenhum grafo é guardado",
    points=0.2,
    hint="Trabalhe dentro de `torch.no_grad()`, sem operações que escrevam em `p.grad`.",
)
def adagrad_intact(impl, rng):
    params = new_parameters(rng, (2, 3), (1,))
    return step_and_look(impl.Adagrad(params, 0.3), params, rng)


@checker.probe(
    "Adagrad",
    "lr negativo levanta ValueError, lr zero é permitido, e eps é 1e-10 se ninguém disser outro",
    points=0.2,
    hint="A condição é `lr < 0`; não mude os valores padrão do construtor.",
)
def adagrad_limits(impl, rng):
    negative = -round(rng.uniform(0.01, 1), 3)
    still, tiny = new_parameters(rng, (2, 3)), new_parameters(rng, (4,))
    take_steps(impl.Adagrad(still, 0.0), still, rng, 2)
    take_steps(impl.Adagrad(tiny, 0.3), tiny, rng, 2, scale=1e-10)
    refused = attempt(lambda given: impl.Adagrad(given, negative), rng)
    return (
        {f"lr = {negative}": refused}
        | values(still, "depois de 2 passos com lr = 0")
        | values(tiny, "depois de 2 passos com gradientes perto de 1e-10")
    )


@checker.probe(
    "Adagrad",
    "Parâmetro e estado mantêm o tipo",
    points=0.1,
    hint="Crie o estado com o tipo do parâmetro: `torch.zeros_like(p)`, não `torch.zeros(p.shape)`.",
)
def adagrad_precision(impl, rng):
    return precision(lambda params: impl.Adagrad(params, 0.3), rng)


### END HIDDEN TESTS
checker.check("Adagrad")

# %% [markdown]
# ## 3. RMSprop
#
# O RMSprop troca a soma por uma **média móvel exponencial**: os gradientes antigos vão sendo esquecidos, e os
# passos não
# encolhem até sumir.
#
# $$
# s \leftarrow \alpha\, s + (1-\alpha)\, g^2, \qquad \theta \leftarrow \theta - \eta\, \frac{g}{\sqrt{s} +
# \varepsilon},
# \qquad s = 0 \text{ no início.}
# $$
#
# Repare no começo: como $s$ parte de zero, o primeiro passo tem tamanho $\eta/\sqrt{1-\alpha}$. Com
# $\alpha = 0{,}99$, é dez
# vezes a taxa. O RMSprop não corrige isso; o Adam, sim.
#
# **À mão.** Com $\theta = 1$, $\eta = 0{,}1$, $\alpha = 0{,}75$, $\varepsilon$ desprezível, e gradientes $2$ e
# depois $1$:
#
# * passo 1: $s = 0{,}25 \cdot 4 = 1$, e $\theta = 1 - 0{,}1 \cdot 2/1 = 0{,}8$;
# * passo 2: $s = 0{,}75 \cdot 1 + 0{,}25 \cdot 1 = 1$, e $\theta = 0{,}8 - 0{,}1 \cdot 1/1 = 0{,}7$.
#
# <details><summary>Dica 1</summary>
#
# Em relação ao Adagrad, só muda a linha que atualiza o estado.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `alpha` multiplica o passado; `1 - alpha` multiplica o quadrado de agora. Não há correção do começo.
#
# </details>
# <details><summary>Dica 3</summary>
#
# A média nova é `self.alpha` vezes a antiga (ou 0) mais `(1 - self.alpha)` vezes `p.grad**2`. Guarde-a e divida o
# gradiente
# por `average.sqrt() + self.eps`.
#
# </details>


# %%
class RMSprop:
    """RMSprop: cada coordenada dividida pela raiz da média móvel dos quadrados dos seus gradientes.

    params: iterável de torch.nn.Parameter (também um gerador).
    lr: taxa de aprendizado; negativa, levanta ValueError.
    alpha: peso do passado na média móvel.
    eps: somado à raiz.
    """

    def __init__(self, params, lr, alpha=0.99, eps=1e-8):
        ### BEGIN SOLUTION
        if lr < 0:
            raise ValueError(f"lr não pode ser negativo, e veio {lr}")
        self.params = list(params)
        self.lr = lr
        self.alpha = alpha
        self.eps = eps
        self.average = {}
        ### END SOLUTION

    def step(self):
        """Atualiza, no lugar, cada parâmetro que tem gradiente."""
        ### BEGIN SOLUTION
        with torch.no_grad():
            for p in self.params:
                if p.grad is None:
                    continue
                g = p.grad
                average = self.alpha * self.average.get(p, 0) + (1 - self.alpha) * g**2
                self.average[p] = average
                p -= self.lr * g / (average.sqrt() + self.eps)
        ### END SOLUTION

    def zero_grad(self):
        """Limpa os gradientes: None ou zeros."""
        ### BEGIN SOLUTION
        for p in self.params:
            p.grad = None
        ### END SOLUTION


# %%
# @title Verificação: RMSprop
@checker.probe(
    "RMSprop",
    "O gradiente é dividido pela raiz da média móvel dos quadrados",
    points=0.4,
    hint="Refaça o exemplo do enunciado, com alpha = 0,75 e gradientes 2 e 1, e mude o parâmetro no lugar, com `p -= ...`.",
)
def rmsprop_steps(impl, rng):
    params = new_parameters(rng, (2, 3), (4,))
    optimizer = impl.RMSprop(params, rng.uniform(0.1, 0.5), 0.7)
    seen = first_step(optimizer, params, rng)
    take_steps(optimizer, params, rng, 3)
    return seen | values(params, "depois do passo 4")


@checker.probe(
    "RMSprop",
    "eps fica fora da raiz, e gradiente zero não move nem dá NaN",
    points=0.2,
    hint="O divisor é `average.sqrt() + self.eps`.",
)
def rmsprop_eps(impl, rng):
    params = new_parameters(rng, (2, 3))
    optimizer = impl.RMSprop(params, 0.3, 0.6, 0.5)
    for _ in range(3):
        give_gradients(params, rng)
        params[0].grad[0, 0] = 0
        optimizer.step()
    return values(params, "eps 0,5, depois de 3 passos")


@checker.probe(
    "RMSprop",
    "Um treino de verdade: `params` é um gerador, e zero_grad limpa os gradientes",
    points=0.2,
    hint="Se os passos não mudam nada, guarde `list(params)` no construtor; zero_grad só limpa cada `.grad`, e mais nada.",
)
def rmsprop_training(impl, rng):
    return train_a_little(lambda params: impl.RMSprop(params, 0.1), rng)


### BEGIN HIDDEN TESTS
@checker.probe(
    "RMSprop",
    "Quem está sem gradiente é pulado, e a média dele não anda",
    points=0.3,
    hint="Se `p.grad is None`, use `continue`: nem o valor nem a média desse parâmetro mudam.",
)
def rmsprop_none(impl, rng):
    params = new_parameters(rng, (2, 3), (4,), (4,), ())
    return skip_some(impl.RMSprop(params, 0.3, alpha=0.6), params, rng)


@checker.probe(
    "RMSprop",
    "O .grad fica como estava e nenhum grafo é guardado",
    points=0.2,
    hint="Trabalhe dentro de `torch.no_grad()`, sem operações que escrevam em `p.grad`.",
)
def rmsprop_intact(impl, rng):
    params = new_parameters(rng, (2, 3), (1,))
    return step_and_look(impl.RMSprop(params, 0.3, alpha=0.6), params, rng)


@checker.probe(
    "RMSprop",
    "lr negativo levanta ValueError, lr zero é permitido, e valem os padrões alpha = 0,99 e eps = 1e-8",
    points=0.2,
    hint="A condição é `lr < 0`; não mude os valores padrão do construtor.",
)
def rmsprop_limits(impl, rng):
    negative = -round(rng.uniform(0.01, 1), 3)
    still, tiny = new_parameters(rng, (2, 3)), new_parameters(rng, (4,))
    take_steps(impl.RMSprop(still, 0.0), still, rng, 2)
    take_steps(impl.RMSprop(tiny, 0.3), tiny, rng, 3, scale=1e-8)
    refused = attempt(lambda given: impl.RMSprop(given, negative), rng)
    return (
        {f"lr = {negative}": refused}
        | values(still, "depois de 2 passos com lr = 0")
        | values(tiny, "depois de 3 passos com gradientes perto de 1e-8")
    )


@checker.probe(
    "RMSprop",
    "Parâmetro e estado mantêm o tipo",
    points=0.1,
    hint="Crie o estado com o tipo do parâmetro: `torch.zeros_like(p)`, não `torch.zeros(p.shape)`.",
)
def rmsprop_precision(impl, rng):
    return precision(lambda params: impl.RMSprop(params, 0.3, alpha=0.6), rng)


### END HIDDEN TESTS
checker.check("RMSprop")

# %% [markdown]
# ## 4. Adam
#
# O Adam guarda duas médias móveis: a dos gradientes, $m$ (o momentum), e a dos quadrados, $v$ (o RMSprop). As duas
# partem
# de zero, e por isso começam pequenas demais. De quanto? Desenrole a recorrência:
#
# $$
# m_t = (1-\beta_1) \sum_{i=1}^{t} \beta_1^{\,t-i} g_i, \qquad \text{e a soma dos pesos é} \qquad
# (1-\beta_1) \sum_{i=1}^{t} \beta_1^{\,t-i} = 1 - \beta_1^{\,t}.
# $$
#
# Uma média tem pesos que somam 1. Basta, então, dividir por $1-\beta_1^{\,t}$: é a **correção de viés**. O passo
# completo:
#
# $$
# \begin{aligned}
# g &\leftarrow g + \lambda\,\theta, \qquad t \leftarrow t + 1\\
# m &\leftarrow \beta_1 m + (1-\beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2\\
# \hat m &= \frac{m}{1-\beta_1^{\,t}}, \qquad \hat v = \frac{v}{1-\beta_2^{\,t}}, \qquad
# \theta \leftarrow \theta - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon}.
# \end{aligned}
# $$
#
# O que se guarda são $m$ e $v$; $\hat m$ e $\hat v$ servem só a este passo. A contagem $t$ é **de cada
# parâmetro**: quem
# ficou sem gradiente em um passo não conta esse passo.
#
# No primeiro passo, $\hat m = g$ e $\hat v = g^2$: toda coordenada com gradiente anda cerca de $\eta$, seja o
# gradiente
# grande ou pequeno. Sem a correção, com os betas padrão, ela andaria $0{,}1/\sqrt{0{,}001} \approx 3{,}16$ vezes
# isso.
#
# **À mão.** Com $\theta = 1$, $\eta = 0{,}1$, $\beta_1 = 0{,}5$, $\beta_2 = 0{,}75$, sem decaimento, $\varepsilon$
# desprezível, e
# gradientes $2$ e depois $1$:
#
# | $t$ | $m$ | $v$ | $\hat m$ | $\hat v$ | $\hat m/\sqrt{\hat v}$ | $\theta$ |
# |---|---|---|---|---|---|---|
# | 1 | $0{,}5 \cdot 2 = 1$ | $0{,}25 \cdot 4 = 1$ | $1/0{,}5 = 2$ | $1/0{,}25 = 4$ | $1$ | $0{,}9$ |
# | 2 | $0{,}5 + 0{,}5 = 1$ | $0{,}75 + 0{,}25 = 1$ | $1/0{,}75 = 1{,}3333$ | $1/0{,}4375 = 2{,}2857$ | $0{,}8819$ | $0{,}8118$ |
#
# <details><summary>Dica 1</summary>
#
# São o momentum e o RMSprop na mesma classe, cada um com a sua média, mais um contador.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Guarde, para cada parâmetro, a trinca $(t, m, v)$. Some 1 a $t$ antes de usar: com $t = 0$, a correção dividiria
# por zero.
# O decaimento entra em $g$ e, portanto, tanto em $m$ quanto em $v$.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Para cada `p` com gradiente, nesta ordem: `g` com o decaimento; a trinca antiga (zeros, se não há); `t` mais 1;
# `m` e `v`
# novos; guarde os três; só então, em outras variáveis, `m` dividido por `1 - beta1**t` e `v` dividido por
# `1 - beta2**t`;
# subtraia de `p` a taxa vezes o primeiro sobre a raiz do segundo mais `eps`. Confira `lr` e cada beta no construtor.
#
# </details>


# %%
class Adam:
    """Adam, com correção de viés e decaimento de pesos somado ao gradiente.

    params: iterável de torch.nn.Parameter (também um gerador).
    lr: taxa de aprendizado; negativa, levanta ValueError.
    betas: par (beta1, beta2); se algum está fora de [0, 1), levanta ValueError.
    eps: somado à raiz da média corrigida.
    weight_decay: fator do decaimento, somado ao gradiente.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        ### BEGIN SOLUTION
        if lr < 0:
            raise ValueError(f"lr não pode ser negativo, e veio {lr}")
        for beta in betas:
            if not 0 <= beta < 1:
                raise ValueError(f"cada beta deve estar em [0, 1), e veio {beta}")
        self.params = list(params)
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay
        self.state = {}
        ### END SOLUTION

    def step(self):
        """Atualiza, no lugar, cada parâmetro que tem gradiente."""
        ### BEGIN SOLUTION
        beta1, beta2 = self.betas
        with torch.no_grad():
            for p in self.params:
                if p.grad is None:
                    continue
                g = p.grad + self.weight_decay * p
                t, m, v = self.state.get(p, (0, 0, 0))
                t = t + 1
                m = beta1 * m + (1 - beta1) * g
                v = beta2 * v + (1 - beta2) * g**2
                self.state[p] = t, m, v
                m_hat = m / (1 - beta1**t)
                v_hat = v / (1 - beta2**t)
                p -= self.lr * m_hat / (v_hat.sqrt() + self.eps)
        ### END SOLUTION

    def zero_grad(self):
        """Limpa os gradientes: None ou zeros."""
        ### BEGIN SOLUTION
        for p in self.params:
            p.grad = None
        ### END SOLUTION


# %%
# @title Verificação: Adam
@checker.probe(
    "Adam",
    "As duas médias móveis e a correção de viés, passo a passo",
    points=0.4,
    hint="Refaça a tabela do enunciado, com betas (0,5; 0,75) e gradientes 2 e 1, e mude o parâmetro no lugar, com `p -= ...`.",
)
def adam_steps(impl, rng):
    params = new_parameters(rng, (2, 3), (4,))
    optimizer = impl.Adam(params, rng.uniform(0.1, 0.5), (0.6, 0.8))
    seen = first_step(optimizer, params, rng)
    take_steps(optimizer, params, rng, 1)
    seen |= values(params, "depois do passo 2")
    take_steps(optimizer, params, rng, 3)
    return seen | values(params, "depois do passo 5")


@checker.probe(
    "Adam",
    "eps fica fora da raiz, somado à média já corrigida",
    points=0.3,
    hint="Corrija as duas médias primeiro; o divisor é `v_hat.sqrt() + self.eps`.",
)
def adam_eps(impl, rng):
    params = new_parameters(rng, (2, 3))
    optimizer = impl.Adam(params, 0.3, (0.6, 0.8), 0.5)
    for _ in range(3):
        give_gradients(params, rng)
        params[0].grad[0, 0] = 0
        optimizer.step()
    return values(params, "eps 0,5, depois de 3 passos")


@checker.probe(
    "Adam",
    "O decaimento de pesos é somado ao gradiente",
    points=0.3,
    hint="Calcule g = p.grad + weight_decay·θ uma vez e use esse g em m e em v.",
)
def adam_weight_decay(impl, rng):
    params = new_parameters(rng, (2, 3), (4,))
    optimizer = impl.Adam(params, 0.3, (0.6, 0.8), 0.2, 0.7)
    take_steps(optimizer, params, rng, 1)
    seen = values(params, "depois do passo 1")
    take_steps(optimizer, params, rng, 2)
    return seen | values(params, "depois do passo 3")


@checker.probe(
    "Adam",
    "Um treino de verdade: `params` é um gerador, e zero_grad limpa os gradientes",
    points=0.2,
    hint="Se os passos não mudam nada, guarde `list(params)` no construtor; zero_grad só limpa cada `.grad`, e mais nada.",
)
def adam_training(impl, rng):
    return train_a_little(lambda params: impl.Adam(params, lr=0.2), rng)


### BEGIN HIDDEN TESTS
@checker.probe(
    "Adam",
    "Quem está sem gradiente é pulado, e cada parâmetro tem as suas médias e a sua contagem",
    points=0.4,
    hint="A contagem t é de cada parâmetro e só anda quando ele é atualizado.",
)
def adam_none(impl, rng):
    params = new_parameters(rng, (2, 3), (4,), (4,), ())
    return skip_some(impl.Adam(params, 0.3, betas=(0.6, 0.8), weight_decay=0.2), params, rng)


@checker.probe(
    "Adam",
    "O .grad fica como estava e nenhum grafo é guardado",
    points=0.3,
    hint="Trabalhe dentro de `torch.no_grad()` e em cópias: nada de `p.grad += ...`.",
)
def adam_intact(impl, rng):
    params = new_parameters(rng, (2, 3), (1,))
    return step_and_look(impl.Adam(params, 0.3, betas=(0.6, 0.8), weight_decay=0.3), params, rng)


@checker.probe(
    "Adam",
    "lr negativo ou um beta fora de [0, 1) levanta ValueError, e zero é permitido",
    points=0.3,
    hint="Confira cada beta: 0 pode, 1 não pode.",
)
def adam_invalid(impl, rng):
    below, inside, above = (round(low + rng.uniform(0.1, 0.9), 2) for low in (-1, 0, 1))
    still, zeros = new_parameters(rng, (2, 3)), new_parameters(rng, (4,))
    take_steps(impl.Adam(still, 0.0), still, rng, 2)
    take_steps(impl.Adam(zeros, 0.1, betas=(0.0, 0.0), eps=0.5), zeros, rng, 2)
    pairs = [(below, inside), (above, inside), (1.0, inside), (inside, below), (inside, above), (inside, 1.0)]
    refused = {f"betas = {pair}": attempt(lambda p, b=pair: impl.Adam(p, betas=b), rng) for pair in pairs}
    refused[f"lr = {below}"] = attempt(lambda p: impl.Adam(p, below), rng)
    return (
        refused
        | values(still, "depois de 2 passos com lr = 0")
        | values(zeros, "depois de 2 passos com betas (0, 0)")
    )


@checker.probe(
    "Adam",
    "Valem os padrões: lr = 1e-3, betas = (0.9, 0.999), eps = 1e-8, sem decaimento",
    points=0.1,
    hint="Não mude os valores padrão do construtor.",
)
def adam_defaults(impl, rng):
    params = new_parameters(rng, (2, 3))
    take_steps(impl.Adam(params), params, rng, 5, scale=1e-8)
    return values(params, "depois de 5 passos com gradientes perto de 1e-8")


@checker.probe(
    "Adam",
    "Parâmetro e estado mantêm o tipo",
    points=0.1,
    hint="Crie o estado com o tipo do parâmetro: `torch.zeros_like(p)`, não `torch.zeros(p.shape)`.",
)
def adam_precision(impl, rng):
    return precision(lambda params: impl.Adam(params, 0.3, betas=(0.6, 0.8)), rng)


### END HIDDEN TESTS
checker.check("Adam")

# %% [markdown]
# ## 5. AdamW
#
# No Adam, o decaimento $\lambda\theta$ entra no gradiente e acaba dividido por $\sqrt{\hat v}$: pesos com
# gradientes grandes
# quase não decaem. O AdamW **desacopla** os dois. Primeiro encolhe o peso, na mesma proporção para todos; depois
# dá o passo
# do Adam, com o gradiente puro:
#
# $$
# \theta \leftarrow \theta\,(1 - \eta\lambda), \qquad\text{e então}\qquad
# \theta \leftarrow \theta - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon},
# $$
#
# com $m$, $v$, $t$ e as correções do Adam, sem $\lambda\theta$ no gradiente.
#
# **À mão.** No primeiro passo, com $\theta = 1$, $\eta = 0{,}1$, $\lambda = 0{,}5$ e $g = 2$: o peso encolhe para
# $1 \cdot (1 - 0{,}05) = 0{,}95$ e o passo o leva a $0{,}95 - 0{,}1 = 0{,}85$. Com `Adam`, o gradiente seria
# $2 + 0{,}5 = 2{,}5$, o passo teria o mesmo tamanho $0{,}1$, e o peso iria a $0{,}9$, como se não houvesse
# decaimento.
#
# Escreva a classe inteira: ela é corrigida sozinha, sem depender de o seu `Adam` estar certo.
#
# <details><summary>Dica 1</summary>
#
# Copie o seu `Adam` e mude duas coisas: de onde sai `g` e o que acontece com `p` antes do passo.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `g` é o próprio `p.grad`. O encolhimento leva a taxa junto: o fator é $1 - \eta\lambda$, não $1 - \lambda$. E
# quem está sem
# gradiente não decai.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Depois do `continue` de quem não tem gradiente, multiplique `p` no lugar por `1 - self.lr * self.weight_decay`. O
# resto é o
# passo do Adam. Confira também o padrão de `weight_decay`, que aqui é `1e-2`.
#
# </details>


# %%
class AdamW:
    """O passo do Adam com decaimento de pesos desacoplado.

    params: iterável de torch.nn.Parameter (também um gerador).
    lr: taxa de aprendizado; negativa, levanta ValueError.
    betas: par (beta1, beta2); se algum está fora de [0, 1), levanta ValueError.
    eps: somado à raiz da média corrigida.
    weight_decay: fator do decaimento, que encolhe o peso antes do passo.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        ### BEGIN SOLUTION
        if lr < 0:
            raise ValueError(f"lr não pode ser negativo, e veio {lr}")
        for beta in betas:
            if not 0 <= beta < 1:
                raise ValueError(f"cada beta deve estar em [0, 1), e veio {beta}")
        self.params = list(params)
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay
        self.state = {}
        ### END SOLUTION

    def step(self):
        """Atualiza, no lugar, cada parâmetro que tem gradiente."""
        ### BEGIN SOLUTION
        beta1, beta2 = self.betas
        with torch.no_grad():
            for p in self.params:
                if p.grad is None:
                    continue
                p *= 1 - self.lr * self.weight_decay
                g = p.grad
                t, m, v = self.state.get(p, (0, 0, 0))
                t = t + 1
                m = beta1 * m + (1 - beta1) * g
                v = beta2 * v + (1 - beta2) * g**2
                self.state[p] = t, m, v
                m_hat = m / (1 - beta1**t)
                v_hat = v / (1 - beta2**t)
                p -= self.lr * m_hat / (v_hat.sqrt() + self.eps)
        ### END SOLUTION

    def zero_grad(self):
        """Limpa os gradientes: None ou zeros."""
        ### BEGIN SOLUTION
        for p in self.params:
            p.grad = None
        ### END SOLUTION


# %%
# @title Verificação: AdamW
@checker.probe(
    "AdamW",
    "Sem decaimento, o passo é o do Adam, com eps fora da raiz",
    points=0.4,
    hint="Médias móveis, correção de viés e eps são os do Adam; mude o parâmetro no lugar, com `p -= ...`.",
)
def adamw_steps(impl, rng):
    params = new_parameters(rng, (2, 3), (4,))
    optimizer = impl.AdamW(params, rng.uniform(0.1, 0.5), (0.6, 0.8), 0.5, 0.0)
    seen = first_step(optimizer, params, rng)
    take_steps(optimizer, params, rng, 3)
    return seen | values(params, "depois do passo 4")


@checker.probe(
    "AdamW",
    "O decaimento é desacoplado: θ·(1 − lr·wd) antes do passo",
    points=0.4,
    hint="Multiplique o parâmetro por 1 − lr·weight_decay e não ponha o decaimento no gradiente.",
)
def adamw_weight_decay(impl, rng):
    params = new_parameters(rng, (2, 3), (4,))
    optimizer = impl.AdamW(params, 0.4, (0.6, 0.8), weight_decay=0.7)
    take_steps(optimizer, params, rng, 1)
    seen = values(params, "depois do passo 1")
    take_steps(optimizer, params, rng, 2)
    return seen | values(params, "depois do passo 3")


@checker.probe(
    "AdamW",
    "Um treino de verdade: `params` é um gerador, e zero_grad limpa os gradientes",
    points=0.2,
    hint="Se os passos não mudam nada, guarde `list(params)` no construtor; zero_grad só limpa cada `.grad`, e mais nada.",
)
def adamw_training(impl, rng):
    return train_a_little(lambda params: impl.AdamW(params, lr=0.2), rng)


### BEGIN HIDDEN TESTS
@checker.probe(
    "AdamW",
    "Quem está sem gradiente é pulado: não decai, e a contagem dele não anda",
    points=0.3,
    hint="O decaimento vem depois do `continue`; a contagem t é de cada parâmetro.",
)
def adamw_none(impl, rng):
    params = new_parameters(rng, (2, 3), (4,), (4,), ())
    return skip_some(impl.AdamW(params, 0.3, betas=(0.6, 0.8), weight_decay=0.5), params, rng)


@checker.probe(
    "AdamW",
    "O .grad fica como estava e nenhum grafo é guardado",
    points=0.2,
    hint="Trabalhe dentro de `torch.no_grad()`, sem operações que escrevam em `p.grad`.",
)
def adamw_intact(impl, rng):
    params = new_parameters(rng, (2, 3), (1,))
    return step_and_look(impl.AdamW(params, 0.3, betas=(0.6, 0.8), weight_decay=0.3), params, rng)


@checker.probe(
    "AdamW",
    "lr negativo ou um beta fora de [0, 1) levanta ValueError, e zero é permitido",
    points=0.1,
    hint="Confira cada beta: 0 pode, 1 não pode.",
)
def adamw_invalid(impl, rng):
    below, inside, above = (round(low + rng.uniform(0.1, 0.9), 2) for low in (-1, 0, 1))
    still, zeros = new_parameters(rng, (2, 3)), new_parameters(rng, (4,))
    take_steps(impl.AdamW(still, 0.0), still, rng, 2)
    take_steps(impl.AdamW(zeros, 0.1, betas=(0.0, 0.0), eps=0.5), zeros, rng, 2)
    pairs = [(below, inside), (above, inside), (1.0, inside), (inside, below), (inside, above), (inside, 1.0)]
    refused = {f"betas = {pair}": attempt(lambda p, b=pair: impl.AdamW(p, betas=b), rng) for pair in pairs}
    refused[f"lr = {below}"] = attempt(lambda p: impl.AdamW(p, below), rng)
    return (
        refused
        | values(still, "depois de 2 passos com lr = 0")
        | values(zeros, "depois de 2 passos com betas (0, 0)")
    )


@checker.probe(
    "AdamW",
    "Valem os padrões: lr = 1e-3, betas = (0.9, 0.999), eps = 1e-8, weight_decay = 1e-2",
    points=0.1,
    hint="Não mude os valores padrão do construtor: aqui o decaimento padrão não é zero.",
)
def adamw_defaults(impl, rng):
    params = new_parameters(rng, (2, 3))
    take_steps(impl.AdamW(params), params, rng, 5, scale=1e-8)
    return values(params, "depois de 5 passos com gradientes perto de 1e-8")


@checker.probe(
    "AdamW",
    "Parâmetro e estado mantêm o tipo",
    points=0.1,
    hint="Crie o estado com o tipo do parâmetro: `torch.zeros_like(p)`, não `torch.zeros(p.shape)`.",
)
def adamw_precision(impl, rng):
    return precision(lambda params: impl.AdamW(params, 0.3, betas=(0.6, 0.8), weight_decay=0.5), rng)


### END HIDDEN TESTS
checker.check("AdamW")

# %% [markdown]
# ## Veja o que você construiu
#
# **Primeira corrida: um vale de verdade.** Os dados são de 442 pacientes com diabetes. Um modelo linear prevê o
# avanço da
# doença por duas medidas de sangue, o colesterol total e o LDL, que andam quase juntas. Por isso a superfície de
# perda, nos
# dois pesos, é um vale estreito, em diagonal. Cada método parte do mesmo ponto, com o gradiente exato e uma taxa
# perto da
# melhor de uma grade pequena. Conte os passos de cada um até o fundo.

# %%
if checker.ready("SGD", "Adagrad", "RMSprop", "Adam"):
    from sklearn.datasets import load_diabetes

    diabetes = load_diabetes(scaled=False)
    blood = torch.tensor(diabetes.data[:, [4, 5]])  # colesterol total e LDL
    blood = (blood - blood.mean(0)) / blood.std(0)
    progress = torch.tensor(diabetes.target)
    progress = (progress - progress.mean()) / progress.std()

    def valley(weights):
        """Perda do modelo linear; a última dimensão de `weights` são os dois pesos."""
        return ((weights @ blood.T - progress) ** 2).mean(-1) / 2

    curvatures = torch.linalg.eigvalsh(blood.T @ blood / len(blood))
    bottom = torch.linalg.lstsq(blood, progress[:, None]).solution[:, 0]
    lowest = valley(bottom)
    print(f"curvaturas do vale: {curvatures[0]:.3f} e {curvatures[1]:.3f}".replace(".", ","))
    print(f"número de condição: {curvatures[1] / curvatures[0]:.1f}".replace(".", ","))

    racers = {
        "SGD": lambda params: SGD(params, lr=0.95),
        "SGD com momentum 0,7": lambda params: SGD(params, lr=0.5, momentum=0.7),
        "Nesterov 0,7": lambda params: SGD(params, lr=0.5, momentum=0.7, nesterov=True),
        "Adagrad": lambda params: Adagrad(params, lr=2.0),
        "RMSprop": lambda params: RMSprop(params, lr=0.1),
        "Adam": lambda params: Adam(params, lr=0.5),
    }
    paths = {}
    for name, make in racers.items():
        weights = torch.nn.Parameter(bottom + torch.tensor([-1.2, 3.0]))
        optimizer = make([weights])
        path = [weights.detach().clone()]
        for _ in range(120):
            optimizer.zero_grad()
            valley(weights).backward()
            optimizer.step()
            path.append(weights.detach().clone())
        paths[name] = torch.stack(path)
        excess = valley(paths[name]) - lowest
        near = (excess > 0.001 * excess[0]).nonzero().max().item() + 1
        when = f"{near} passos" if near <= 120 else "mais de 120 passos"
        print(f"{name}: {when} até ficar abaixo de um milésimo do excesso de perda inicial")

    grid_x, grid_y = np.meshgrid(np.linspace(-3.5, 2.5, 120), np.linspace(-2.2, 3.8, 120))
    ground = torch.tensor(np.stack([grid_x, grid_y], axis=-1)) + bottom
    heights = (valley(ground) - lowest).numpy()
    figure, axes = plt.subplots(3, 2, figsize=(7, 10), sharex=True, sharey=True)
    for axis, (name, path) in zip(axes.flat, paths.items(), strict=True):
        offset = (path - bottom).numpy()
        axis.contour(
            grid_x, grid_y, heights, levels=np.geomspace(0.003, 12, 14), colors="0.8", linewidths=0.8
        )
        axis.plot(offset[:, 0], offset[:, 1], "o-", markersize=2.5, linewidth=1, color="tab:blue")
        axis.plot(0, 0, "*", markersize=11, color="tab:red")
        axis.set(title=name, xlim=(-3.5, 2.5), ylim=(-2.2, 3.8))
    for axis in axes[-1]:
        axis.set_xlabel("peso do colesterol total (mínimo em 0)")
    for axis in axes[:, 0]:
        axis.set_ylabel("peso do LDL (mínimo em 0)")
    figure.suptitle("O mesmo vale, seis caminhos (a estrela é o mínimo)")
    plt.tight_layout()
    plt.show()

# %% [markdown]
# **O que observar.** O SGD ziguezagueia: a direção íngreme limita a taxa, e na plana ele anda devagar. O momentum
# acumula
# velocidade ao longo do vale e, mesmo com uma taxa menor, anda mais depressa na direção plana; na íngreme ele
# ainda oscila,
# em voltas mais largas, e Nesterov amortece essa oscilação. Adagrad, RMSprop e Adam dão o primeiro passo com o mesmo
# tamanho nos dois eixos, qualquer que seja o gradiente de cada um. E por que eles não vencem aqui? Este vale está
# em diagonal: a
# curvatura é a mesma nos dois eixos, e a diferença só aparece fora deles, nas diagonais. Uma taxa por coordenada
# não tem o que corrigir. Ela
# faz diferença quando as **coordenadas** têm escalas diferentes, o que é comum entre as camadas de uma rede.
#
# **Segunda corrida: uma rede que lê dígitos.** A mesma rede, com os mesmos pesos iniciais e os mesmos minilotes,
# treinada
# pelas suas cinco classes, em três sementes. A taxa de cada método foi a melhor de três: comparar otimizadores com
# a mesma
# taxa não faz sentido, porque ela não quer dizer o mesmo em cada um. Observe três coisas: quem desce mais depressa
# na primeira
# época, quem chega mais baixo no fim, e quanto disso aparece nos acertos da validação, que é o que importa.

# %%
if checker.ready("SGD", "Adagrad", "RMSprop", "Adam", "AdamW"):
    from matplotlib.ticker import LogLocator, NullFormatter
    from sklearn.datasets import load_digits

    torch.set_num_threads(1)  # em uma rede pequena, mais threads só atrapalham
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    racers = {
        "SGD": lambda params: SGD(params, lr=1.0),
        "SGD com momentum 0,9": lambda params: SGD(params, lr=0.3, momentum=0.9),
        "Adagrad": lambda params: Adagrad(params, lr=0.3),
        "RMSprop": lambda params: RMSprop(params, lr=0.01),
        "Adam": lambda params: Adam(params, lr=0.03),
        "AdamW": lambda params: AdamW(params, lr=0.03, weight_decay=0.1),
    }

    def race(make, seed, epochs=12, size=64):
        """Treina uma rede pequena; devolve a perda de treino por época e os acertos na validação."""
        torch.manual_seed(seed)
        order = torch.randperm(len(images))
        train, rest = order[:1200], order[1200:]
        model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
        loss_fn = torch.nn.CrossEntropyLoss()
        optimizer = make(model.parameters())
        curve = []
        for epoch in range(epochs + 1):
            with torch.no_grad():
                curve.append(loss_fn(model(images[train]), labels[train]).item())
            if epoch == epochs:
                break
            for batch in train[torch.randperm(len(train))].split(size):
                optimizer.zero_grad()
                loss_fn(model(images[batch]), labels[batch]).backward()
                optimizer.step()
        hits = (model(images[rest]).argmax(1) == labels[rest]).float().mean().item()
        return curve, 100 * hits

    figure, axis = plt.subplots(figsize=(6, 4.5))
    for name, make in racers.items():
        runs = [race(make, seed) for seed in range(3)]
        mean = np.mean([curve for curve, _ in runs], axis=0)
        hits = np.array([hit for _, hit in runs])
        line = (
            f"{name}: perda de treino {mean[1]:.3f} depois de 1 época e {mean[-1]:.4f} no fim; "
            f"acertos na validação {hits.mean():.1f}% ± {hits.std():.1f} (3 sementes)"
        )
        print(line.replace(".", ","))
        axis.semilogy(mean, "o-", markersize=3, label=name)
    axis.set(
        xlabel="época", ylabel="perda de treino (escala logarítmica)", title="A mesma rede, seis otimizadores"
    )
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}".replace(".", ","))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.legend()
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
