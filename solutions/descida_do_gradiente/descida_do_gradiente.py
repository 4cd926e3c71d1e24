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
# # Descida do gradiente
#
# Treinar é procurar os parâmetros que deixam a perda pequena. Neste exercício você escreve a procura em três
# passos: mede a inclinação da perda só com valores dela, sem derivar (o gradiente numérico), desce por ela (a
# descida do gradiente) e desce olhando poucos exemplos de cada vez (a descida estocástica, SGD, em uma regressão
# linear). No fim, o seu código ajusta um modelo a dados de 442 pacientes e mostra quando a taxa de aprendizado
# passa do limite.
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

# %% [markdown]
# ## A ideia
#
# Seja $R(\theta)$ a perda. O gradiente $\nabla R(\theta)$ reúne as derivadas parciais e aponta para onde $R$
# **cresce** mais depressa. Para descer, anda-se no sentido contrário, um passo de cada vez:
#
# $$
# \theta \leftarrow \theta - \eta\, \nabla R(\theta) .
# $$
#
# A taxa de aprendizado $\eta$ diz o tamanho do passo. O gradiente só conhece a vizinhança de $\theta$. Por isso, um
# passo pequeno demais quase não anda, e um passo grande demais salta por cima do vale e cai mais alto do outro
# lado.
#
# As três funções trabalham com arrays float64 destas formas:
#
# | nome | o que é | forma |
# |---|---|---|
# | `theta`, `theta0` | parâmetros | qualquer uma, até `()` |
# | `grad` | gradiente em relação a `theta` | a de `theta` |
# | `trajectory` | $\theta$ antes do primeiro passo e depois de cada um | `(steps + 1, *theta0.shape)` |
# | `X`, `y` | exemplos (um por linha) e alvos | `(N, D)`, `(N,)` |
# | `w`, `b` | pesos e viés | `(D,)`, um float |
# | `losses` | perda depois de cada época | `(epochs,)` |
#
# > **Convenções**
# >
# > * A diferença é a **central**: anda-se $h$ para cada lado e divide-se por $2h$. O $h$ é somado à coordenada tal
# >   como vem, sem ser multiplicado por ela.
# > * `f` recebe sempre um array da forma de `theta` e devolve um float. Para a forma `()`, um `np.float64` também
# >   serve.
# > * Ao voltar de `numerical_gradient`, `theta` está como estava, **bit a bit**. Somar $h$ e depois subtrair $h$ não
# >   basta: o arredondamento pode deixar outro número.
# > * A primeira linha da trajetória é `theta0`. Com `steps = 0`, é a única.
# > * `grad_fn` pode devolver o próprio argumento, ou um array que ela guarda. Por isso nem o $\theta$ que você lhe
# >   passou nem o array que ela devolveu podem mudar, nem mesmo depois da chamada.
# > * No SGD, `w` e `b` começam em zero. A perda do minilote é $\tfrac12$ da **média** dos erros ao quadrado, pelo
# >   tamanho que **esse** minilote tem.
# > * `w` e `b` são atualizados juntos: os dois gradientes usam o mesmo erro, o de antes do passo.
# > * Em cada época, cada exemplo é usado exatamente uma vez, em uma ordem sorteada de novo. O último minilote pode
# >   ser menor, e é usado. Com `batch_size` maior que $N$, há um só minilote, com todos os exemplos.
# > * `losses[e]` é medida **depois** da época `e`, sobre os $N$ exemplos, também com o ½.
# > * Todo sorteio sai de `rng`. As entradas nunca são modificadas.
# > * São vetados `scipy.optimize`, `sklearn.linear_model` e, de `numpy.linalg`, `lstsq`, `solve` e `pinv`.

# %% [markdown]
# ## 1. O gradiente numérico
#
# Como medir uma derivada sem saber derivar? Ande um pouco em uma coordenada e veja quanto a função muda. Chame de
# $e_i$ o array da forma de $\theta$ que tem 1 na posição $i$ e 0 no resto. Para cada coordenada,
#
# $$
# \frac{\partial f}{\partial \theta_i} \approx \frac{f(\theta + h\,e_i) - f(\theta - h\,e_i)}{2h} .
# $$
#
# Por que andar para os dois lados? Pela fórmula de Taylor, em uma coordenada,
#
# $$
# f(\theta \pm h) = f(\theta) \pm h f'(\theta) + \tfrac{h^2}{2} f''(\theta) \pm \tfrac{h^3}{6} f'''(\theta) + \cdots
# $$
#
# Na subtração, os termos pares se cancelam. Sobra um erro perto de $\tfrac{h^2}{6} f'''$, contra $\tfrac{h}{2} f''$
# de quem anda para um lado só. Então por que não usar um $h$ minúsculo? Porque os dois valores de $f$ ficam quase
# iguais, e a subtração come os algarismos certos. O equilíbrio fica perto de $h = 10^{-5}$.
#
# **Um exemplo à mão.** Para $f(\theta) = \theta^3$ em $\theta = 2$, a derivada é $3 \cdot 2^2 = 12$. Com $h = 0{,}1$:
#
# | diferença | conta | resultado | erro |
# |---|---|---|---|
# | central | $(2{,}1^3 - 1{,}9^3)/0{,}2 = (9{,}261 - 6{,}859)/0{,}2$ | $12{,}01$ | $0{,}01$ |
# | para a frente | $(2{,}1^3 - 2^3)/0{,}1 = (9{,}261 - 8)/0{,}1$ | $12{,}61$ | $0{,}61$ |
#
# Complete `numerical_gradient`. Cada coordenada custa duas chamadas de `f`. Para um milhão de parâmetros, são dois
# milhões de chamadas por gradiente: é por isso que as redes usam a retropropagação, e o gradiente numérico fica
# para conferi-la.
#
# <details><summary>Dica 1</summary>
#
# Mude **uma** coordenada de cada vez e deixe as outras como estão. O resultado daquela coordenada vai para a mesma
# posição em um array da forma de `theta`.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `np.ndindex(theta.shape)` percorre todos os índices de um array de qualquer forma, e para a forma `()` dá um só
# índice, o vazio. Somar a `theta` um array quase todo de zeros cria um array novo, e `theta` fica como estava.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) crie o gradiente, de zeros, com a forma de `theta`; (2) para cada índice, crie um passo de zeros com
# $h$ só nessa posição; (3) chame `f` com `theta` mais o passo e com `theta` menos o passo; (4) guarde, nesse
# índice, a diferença dividida por $2h$, com parênteses em volta do $2h$.
#
# </details>


# %%
def numerical_gradient(f, theta, h=1e-5):
    """Gradiente de f em theta por diferenças centrais.

    f: função que recebe um array da forma de theta e devolve um float.
    theta: array float64 de qualquer forma, até (); volta intacto, bit a bit.
    h: tamanho do passo em cada coordenada.

    Devolve grad, da forma de theta.
    """
    ### BEGIN SOLUTION
    grad = np.zeros_like(theta)
    for index in np.ndindex(theta.shape):
        step = np.zeros_like(theta)
        step[index] = h
        grad[index] = (f(theta + step) - f(theta - step)) / (2 * h)
    return grad
    ### END SOLUTION


# %%
# @title Verificação: numerical_gradient
@checker.probe(
    "numerical_gradient",
    "Diferença central em um vetor, sem dizer h e com um h grande",
    points=0.7,
    hint="`f` recebe o array inteiro: ande h para cada lado, em uma coordenada de cada vez, e divida por 2h.",
)
def numeric_vector(impl, rng):
    mix = 0.5 * rng.normal(size=(3, 4))
    theta = rng.normal(size=4)
    h = float(rng.choice([0.25, 0.5, 0.75]))

    def f(t):
        return float(np.exp(mix @ t).sum() + (t**2).sum())

    return {
        "gradiente": impl.numerical_gradient(f, theta.copy()),
        "gradiente com h grande": impl.numerical_gradient(f, theta.copy(), h),
    }


@checker.probe(
    "numerical_gradient",
    "Uma matriz tem o gradiente da sua forma",
    points=0.6,
    hint="A conta é a do vetor, em todos os pares de índices; `f` recebe sempre um array da forma de `theta`.",
)
def numeric_matrix(impl, rng):
    left, right = rng.normal(size=(4, 2)), rng.normal(size=(3, 2))
    theta = rng.normal(size=(2, 3))

    def f(t):
        return float(np.sin(left @ t @ right).sum())

    return {"gradiente": impl.numerical_gradient(f, theta.copy(), h=0.125)}


### BEGIN HIDDEN TESTS
@checker.probe(
    "numerical_gradient",
    "theta volta intacto, bit a bit",
    points=0.7,
    hint="A conta é a de antes. Some o passo em um array novo ou, se mexer em `theta`, ponha o valor antigo de volta.",
)
def numeric_intact(impl, rng):
    theta, weights = rng.normal(size=(2, 5, 8))
    given = theta.copy()

    def f(t):
        return float((weights * t**2).sum() + t[0] @ t[1])

    first = np.array(impl.numerical_gradient(f, given))
    second = np.array(impl.numerical_gradient(f, given, 0.3))
    return {
        "gradiente": first,
        "gradiente da segunda chamada": second,
        "theta depois": given,
        "theta igual bit a bit": given.tobytes() == theta.tobytes(),
    }


@checker.probe(
    "numerical_gradient",
    "Vale em qualquer forma: um número só, um elemento só, três dimensões",
    points=0.6,
    hint="A conta é a mesma em toda forma: `np.ndindex(theta.shape)` serve a todas, até a `()`. O array é float64.",
)
def numeric_any_shape(impl, rng):
    scalar, single, cube = rng.normal(size=()), rng.normal(size=(1, 1)), rng.normal(size=(2, 1, 3))
    weights = rng.normal(size=(2, 1, 3))

    def cubic(t):
        return float((t**3).sum() - 2 * t.sum())

    def product(t):
        return float((weights * np.exp(t)).sum() + (t[0] * t[1]).sum())

    grad = impl.numerical_gradient(product, cube.copy(), 0.25)
    return {
        "gradiente de um número": impl.numerical_gradient(cubic, np.array(scalar), 0.5),
        "gradiente de um elemento": impl.numerical_gradient(cubic, single.copy(), 0.5),
        "gradiente em três dimensões": grad,
        "tipo dos números": str(np.asarray(grad).dtype),
    }


@checker.probe(
    "numerical_gradient",
    "O h padrão é 1e-5, e é somado a cada coordenada",
    points=0.4,
    hint="A conta é a de antes, com o `h=1e-5` da assinatura, ou com o h dado, somado a cada coordenada tal como vem.",
)
def numeric_default_step(impl, rng):
    theta = 1e-5 * rng.uniform(0.2, 1.5, size=3)

    def f(t):
        return float(np.tanh(t / 1e-5) @ [1.0, 2.0, 3.0])

    return {
        "gradiente com o h padrão": impl.numerical_gradient(f, theta.copy()),
        "gradiente com h = 3e-6": impl.numerical_gradient(f, theta.copy(), h=3e-6),
    }


### END HIDDEN TESTS
checker.check("numerical_gradient")

# %% [markdown]
# ## 2. A descida do gradiente
#
# Agora desça. `grad_fn(theta)` dá o gradiente, e a função devolve o caminho inteiro:
#
# $$
# \theta_0, \qquad \theta_{k+1} = \theta_k - \eta\, \nabla R(\theta_k), \qquad k = 0, 1, \dots
# $$
#
# **Um exemplo à mão.** Tome $R(\theta) = \tfrac12 \lambda \theta^2$, uma parábola de curvatura $\lambda$. O
# gradiente é
# $\lambda\theta$, e cada passo multiplica $\theta$ pelo mesmo número:
#
# $$
# \theta_{k+1} = \theta_k - \eta\lambda\theta_k = (1 - \eta\lambda)\,\theta_k .
# $$
#
# A descida converge quando $|1 - \eta\lambda| < 1$, isto é, quando $0 < \eta < 2/\lambda$. Com $\lambda = 4$, o
# limite é $0{,}5$. Partindo de $\theta_0 = 1$:
#
# | $\eta$ | $1 - \eta\lambda$ | $\theta_0, \theta_1, \theta_2, \theta_3$ | o que se vê |
# |---|---|---|---|
# | $0{,}1$ | $0{,}6$ | $1;\ 0{,}6;\ 0{,}36;\ 0{,}216$ | desce sem trocar de lado |
# | $0{,}45$ | $-0{,}8$ | $1;\ -0{,}8;\ 0{,}64;\ -0{,}512$ | oscila e converge |
# | $0{,}5$ | $-1$ | $1;\ -1;\ 1;\ -1$ | oscila para sempre |
# | $0{,}6$ | $-1{,}4$ | $1;\ -1{,}4;\ 1{,}96;\ -2{,}744$ | diverge |
#
# Em uma quadrática de muitas dimensões, vale o mesmo em cada direção principal. A de maior curvatura impõe o limite
# $2/\lambda_{\max}$, e a de menor curvatura, obrigada a usar a mesma $\eta$, é a que demora.
#
# Complete `gradient_descent`. Dê exatamente `steps` passos, mesmo que o gradiente já seja zero. Cuidado com os
# apelidos: em NumPy, `theta -= ...` muda o array que já existe, e quem o guardou antes vê a mudança;
# `theta = theta - ...` cria outro.
#
# <details><summary>Dica 1</summary>
#
# Cada ponto sai do anterior. Guarde todos, a começar por `theta0`.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Uma lista recebe os pontos, e `np.stack` empilha a lista em um array com uma dimensão a mais, na frente. A lista
# precisa de um array **novo** por passo.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) comece a lista com `theta0`; (2) repita `steps` vezes: calcule o ponto novo, que é o atual menos
# `lr` vezes o gradiente no atual, com `=` e não com `-=`, e ponha-o na lista; (3) devolva a lista empilhada. Com
# `steps = 0`, o laço não roda e fica só `theta0`.
#
# </details>


# %%
def gradient_descent(grad_fn, theta0, lr, steps):
    """Descida do gradiente com taxa fixa.

    grad_fn: função que recebe um array da forma de theta0 e devolve o gradiente, da mesma forma. Nem o
        array que ela recebeu nem o que ela devolveu podem mudar depois.
    theta0: array float64 de qualquer forma, o ponto de partida.
    lr: taxa de aprendizado.
    steps: número de passos, 0 ou mais.

    Devolve trajectory, de forma (steps + 1, *theta0.shape): theta0 e o ponto depois de cada passo.
    """
    ### BEGIN SOLUTION
    theta = theta0
    trajectory = [theta]
    for _ in range(steps):
        theta = theta - lr * grad_fn(theta)
        trajectory.append(theta)
    return np.stack(trajectory)
    ### END SOLUTION


# %%
# @title Verificação: gradient_descent
@checker.probe(
    "gradient_descent",
    "A trajetória em uma quadrática, de theta0 ao último passo",
    points=0.8,
    hint="A linha k + 1 é a linha k menos lr vezes o gradiente na linha k.",
)
def descent_quadratic(impl, rng):
    root = rng.normal(size=(3, 3))
    curvature, center = root @ root.T / 3 + np.eye(3), rng.normal(size=3)
    theta0 = rng.normal(size=3) * 2
    lr = rng.uniform(0.1, 0.3)
    return {"trajetória": impl.gradient_descent(lambda t: curvature @ t - center, theta0.copy(), lr, 5)}


@checker.probe(
    "gradient_descent",
    "theta0 pode ser uma matriz, e não muda",
    points=0.6,
    hint="A forma é `(steps + 1, *theta0.shape)`, e theta0 volta como estava.",
)
def descent_matrix(impl, rng):
    theta0, scale = rng.normal(size=(2, 3)), rng.uniform(0.5, 2, size=(2, 3))
    given = theta0.copy()
    trajectory = impl.gradient_descent(lambda t: scale * t + np.tanh(t - t[:, :1]), given, 0.25, 3)
    return {"trajetória": np.array(trajectory), "theta0 depois": given}


### BEGIN HIDDEN TESTS
@checker.probe(
    "gradient_descent",
    "grad_fn pode devolver o próprio argumento ou um array que ela guarda",
    points=0.6,
    hint="Os passos são os de sempre; faça a conta em um array novo, sem escrever no que veio de `grad_fn`.",
)
def descent_kept_gradient(impl, rng):
    theta0, slope = rng.normal(size=(2, 4))
    kept = slope.copy()
    constant = np.array(impl.gradient_descent(lambda t: kept, theta0.copy(), 0.3, 3))
    argument = np.array(impl.gradient_descent(lambda t: t, theta0.copy(), 0.3, 3))
    return {
        "trajetória com gradiente constante": constant,
        "array guardado por grad_fn, depois": kept,
        "trajetória quando grad_fn devolve o argumento": argument,
    }


@checker.probe(
    "gradient_descent",
    "O que grad_fn recebeu não muda depois",
    points=0.4,
    hint="Os passos são os de sempre; com um array novo em cada um, o que grad_fn recebeu fica como estava.",
)
def descent_argument_intact(impl, rng):
    theta0, scale = rng.normal(size=4), rng.uniform(0.5, 2, size=4)
    received = []

    def grad_fn(t):
        received.append((t, t.copy()))
        return scale * t

    trajectory = impl.gradient_descent(grad_fn, theta0.copy(), 0.2, 4)
    changed = [not np.array_equal(given, before) for given, before in received]
    return {"trajetória": np.array(trajectory), "algum argumento mudou": any(changed)}


@checker.probe(
    "gradient_descent",
    "steps = 0, um número só, três dimensões, gradiente zero e divergência",
    points=0.6,
    hint="São sempre steps + 1 linhas, de números float64, e cada uma tem a forma de theta0.",
)
def descent_shapes(impl, rng):
    vector, scalar, cube = rng.normal(size=3), rng.normal(size=()), rng.normal(size=(2, 1, 3))
    center = rng.normal(size=3)
    waves = impl.gradient_descent(np.cos, cube.copy(), 0.5, 2)
    return {
        "trajetória com steps = 0": impl.gradient_descent(lambda t: 2 * t, cube.copy(), 0.1, 0),
        "trajetória de um número": impl.gradient_descent(lambda t: 3 * t + 1, np.array(scalar), 0.2, 4),
        "trajetória em três dimensões": waves,
        "trajetória a partir do mínimo": impl.gradient_descent(lambda t: t - center, center.copy(), 0.5, 3),
        "trajetória que diverge": impl.gradient_descent(lambda t: 4 * t, vector.copy(), 0.75, 6),
        "tipo dos números": str(np.asarray(waves).dtype),
    }


### END HIDDEN TESTS
checker.check("gradient_descent")

# %% [markdown]
# ## 3. SGD em uma regressão linear
#
# A previsão é $\hat y_i = x_i \cdot w + b$, e o erro é $e_i = \hat y_i - y_i$. Em um minilote $B$ com $|B|$
# exemplos, a perda e os seus gradientes são
#
# $$
# L_B = \frac{1}{2|B|} \sum_{i \in B} e_i^2, \qquad
# \frac{\partial L_B}{\partial w} = \frac{1}{|B|} \sum_{i \in B} e_i\, x_i, \qquad
# \frac{\partial L_B}{\partial b} = \frac{1}{|B|} \sum_{i \in B} e_i .
# $$
#
# O ½ cancela o 2 da derivada. Um minilote sorteado dá um gradiente com ruído, mas em média certo, e custa $|B|/N$
# do gradiente inteiro. Uma **época** é uma passada pelos $N$ exemplos. Sorteia-se uma ordem, e ela é cortada em
# pedaços de `batch_size`; o que sobra no fim é um minilote menor. São $\lceil N/\texttt{batch\_size} \rceil$ passos
# por época.
#
# **Um exemplo à mão.** Três exemplos de uma entrada só, `batch_size` 2, taxa $0{,}1$:
# $(x, y) = (1, 2), (2, 3), (3, 5)$. Suponha que a ordem sorteada foi: terceiro, primeiro, segundo. Partindo de
# $w = b = 0$:
#
# | minilote | erros $e$ | gradiente de $w$ | gradiente de $b$ | $w$ depois | $b$ depois |
# |---|---|---|---|---|---|
# | terceiro e primeiro | $-5;\ -2$ | $(-5 \cdot 3 - 2 \cdot 1)/2 = -8{,}5$ | $-3{,}5$ | $0{,}85$ | $0{,}35$ |
# | segundo, sozinho | $1{,}7 + 0{,}35 - 3 = -0{,}95$ | $-0{,}95 \cdot 2 = -1{,}9$ | $-0{,}95$ | $1{,}04$ | $0{,}445$ |
#
# O segundo minilote divide por 1, e não por 2. No fim da época, os erros dos três exemplos são $-0{,}515$,
# $-0{,}475$ e
# $-1{,}435$, e a perda é $\tfrac12 \cdot (0{,}265225 + 0{,}225625 + 2{,}059225)/3 = 0{,}4250125$.
#
# Complete `sgd_linear_regression`.
#
# <details><summary>Dica 1</summary>
#
# São dois laços, um dentro do outro: o das épocas e o dos minilotes. O sorteio fica no de fora, e o passo, no de
# dentro.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `rng.permutation(n)` devolve os índices de $0$ a $n-1$ em ordem sorteada. `range(0, n, batch_size)` dá o começo de
# cada minilote, e um corte que passa do fim de um array simplesmente para no fim. Indexe `X` e `y` com os
# **mesmos** índices.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Em cada época: (1) sorteie a ordem; (2) para cada começo, corte os índices do minilote; (3) calcule o erro, que é
# previsão menos alvo, uma vez só; (4) subtraia de `w` a taxa vezes o produto da transposta do minilote pelo erro,
# dividido pelo número de exemplos dele, e de `b` a taxa vezes a média do erro; (5) terminados os minilotes, guarde
# metade da média do erro ao quadrado, com todos os exemplos. Devolva `w`, `b` e as perdas, nesta ordem.
#
# </details>


# %%
def sgd_linear_regression(X, y, lr, epochs, batch_size, rng):
    """Regressão linear por descida estocástica do gradiente, em minilotes.

    X: array float64 (N, D), um exemplo por linha.
    y: array float64 (N,), os alvos.
    lr: taxa de aprendizado.
    epochs: número de épocas, 1 ou mais.
    batch_size: tamanho do minilote, 1 ou mais; maior que N, é o lote inteiro.
    rng: numpy.random.Generator, a única fonte de acaso.

    Devolve (w, b, losses): pesos (D,), viés (float) e a perda sobre os N exemplos depois de cada época (epochs,).
    """
    ### BEGIN SOLUTION
    n, d = X.shape
    w, b = np.zeros(d), 0.0
    losses = []
    for _ in range(epochs):
        order = rng.permutation(n)
        for start in range(0, n, batch_size):
            batch = order[start : start + batch_size]
            error = X[batch] @ w + b - y[batch]
            w = w - lr * (X[batch].T @ error) / len(batch)
            b = b - lr * error.mean()
        losses.append(0.5 * np.mean((X @ w + b - y) ** 2))
    return w, b, np.array(losses)
    ### END SOLUTION


# %%
# @title Verificação: sgd_linear_regression
@checker.probe(
    "sgd_linear_regression",
    "Com um só minilote, de todos os exemplos, não há acaso",
    points=0.6,
    hint="Confira os dois gradientes, o começo em zero e a perda depois de cada época, com o ½.",
)
def sgd_full_batch(impl, rng):
    X, y = rng.normal(size=(7, 3)), rng.normal(size=7) + 1
    w, b, losses = impl.sgd_linear_regression(X.copy(), y.copy(), 0.2, 4, 7, rng.spawn(1)[0])
    return {"w": w, "b": b, "losses": losses}


@checker.probe(
    "sgd_linear_regression",
    "Com todos os alvos em zero, w e b ficam onde começam: em zero",
    points=0.1,
    hint="Comece com `np.zeros` em w e 0.0 em b: com alvos zero, os erros são zero, e nada se move.",
)
def sgd_start(impl, rng):
    X = rng.normal(size=(5, rng.integers(2, 40)))
    w, b, _ = impl.sgd_linear_regression(X, np.zeros(5), 0.25, 2, 5, rng.spawn(1)[0])
    return {
        "algum peso, ou b, saiu diferente de zero": np.any(w) or np.any(b),
        "número de pesos": np.size(w),
    }


@checker.probe(
    "sgd_linear_regression",
    "Com exemplos todos iguais, a ordem não importa: só os passos e o tamanho dos minilotes",
    points=0.4,
    hint="Com 8 exemplos e minilotes de 3, são 3 passos por época, e o último minilote tem 2 exemplos.",
)
def sgd_repeated_examples(impl, rng):
    X, y = np.tile(rng.uniform(0.5, 1, size=2), (8, 1)), np.full(8, rng.uniform(1, 3))
    w, b, losses = impl.sgd_linear_regression(X.copy(), y.copy(), 0.15, 3, 3, rng.spawn(1)[0])
    return {"w": w, "b": b, "losses": losses}


@checker.probe(
    "sgd_linear_regression",
    "Em uma época, cada exemplo é usado uma vez, com o peso do seu minilote",
    points=0.4,
    hint="Acerte antes as verificações de cima. Cada exemplo entra em um só minilote e pesa 1 dividido pelo tamanho dele."
    " O último minilote pode ser menor.",
)
def sgd_uses(impl, rng):
    n = int(rng.choice([7, 10, 13]))
    y = rng.uniform(1, 2, size=n) * rng.choice([-1, 1], size=n)
    w, _, _ = impl.sgd_linear_regression(np.eye(n), y.copy(), 1e-6, 1, 3, rng.spawn(1)[0])
    return {"w": np.broadcast_to(w, n)}


@sgd_uses.measure
def sgd_weight_of_each_example(seen, rng):
    n = int(rng.choice([7, 10, 13]))
    y = rng.uniform(1, 2, size=n) * rng.choice([-1, 1], size=n)
    # A taxa é tão pequena que só conta o primeiro efeito: w[i] é a taxa vezes y[i] vezes o peso do exemplo i.
    return {"peso de cada exemplo, em ordem crescente": checker.Near(np.sort(seen["w"] / (1e-6 * y)), 1e-3)}


@checker.probe(
    "sgd_linear_regression",
    "Nenhum exemplo fica de fora da época, e nenhum entra duas vezes",
    points=0.2,
    hint="Acerte antes as verificações de cima. Depois, corte em minilotes uma só ordem de todos os índices, sem "
    "sortear cada minilote à parte.",
)
def sgd_every_example(impl, rng):
    y = rng.uniform(1, 2, size=40)
    w, _, _ = impl.sgd_linear_regression(np.eye(40), y.copy(), 1e-6, 1, 2, rng.spawn(1)[0])
    return {"w": np.broadcast_to(w, 40)}


@sgd_every_example.measure
def sgd_left_out_and_repeated(seen, rng):
    weight = seen["w"] / (1e-6 * rng.uniform(1, 2, size=40))
    return {
        "algum exemplo ficou de fora": not (np.abs(weight) > 0.01).all(),
        "algum exemplo pesou demais ou entrou duas vezes": not (np.abs(weight) < 0.75).all(),
    }


@checker.probe(
    "sgd_linear_regression",
    "A ordem dos exemplos é sorteada em cada chamada",
    points=0.4,
    hint="Acerte antes as verificações de cima. Depois, sorteie a ordem com o `rng` recebido, e use só um minilote por "
    "passo.",
)
def sgd_order(impl, rng):
    X, y = np.eye(30), rng.uniform(2, 3, size=30)
    generator = rng.spawn(1)[0]
    runs = [impl.sgd_linear_regression(X.copy(), y.copy(), 0.01, 1, 1, generator) for _ in range(20)]
    return {"w": np.stack([np.broadcast_to(w, 30) for w, _, _ in runs])}


@sgd_order.measure
def sgd_order_correlations(seen, rng):
    y = rng.uniform(2, 3, size=30)
    # b só cresce; w[i] revela quanto valia b quando o exemplo i foi usado, e com isso a ordem.
    ranks = (y - seen["w"] / 0.01).argsort(axis=1).argsort(axis=1) - 14.5
    size = np.sum((np.arange(30) - 14.5) ** 2)
    position = (ranks @ (np.arange(30) - 14.5)).mean() / size
    repeated = (ranks[1:] * ranks[:-1]).sum(axis=1).mean() / size
    # O acaso dá a cada uma um desvio de 0,043: até seis deles, vale por zero.
    return {
        "correlação da ordem com a posição em X": checker.Near(
            np.where(np.abs(position) < 0.26, 0, position), 0.01
        ),
        "correlação das ordens de duas chamadas": checker.Near(
            np.where(np.abs(repeated) < 0.26, 0, repeated), 0.01
        ),
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "sgd_linear_regression",
    "A ordem é sorteada de novo em cada época",
    points=0.4,
    hint="Se as verificações visíveis estão certas, falta sortear a ordem dentro do laço das épocas.",
)
def sgd_fresh_order(impl, rng):
    X, y = np.eye(30), rng.uniform(2, 3, size=30)
    generator = rng.spawn(1)[0]
    runs = [impl.sgd_linear_regression(X.copy(), y.copy(), 0.01, 2, 1, generator) for _ in range(20)]
    return {"w": np.stack([np.broadcast_to(w, 30) for w, _, _ in runs])}


@sgd_fresh_order.measure
def sgd_order_of_two_epochs(seen, rng):
    y = rng.uniform(2, 3, size=30)
    # Soma dos valores que b tinha quando o exemplo i foi usado em cada época: as posições se somam.
    total = (2 - 0.01) * y - seen["w"] / 0.01
    unit = (0.01 * 2.5) ** 2 * (30**2 - 1) / 12
    return {
        "variância da soma das posições nas duas épocas": checker.Near(total.var(axis=1).mean() / unit, 0.52),
        "média dos valores que b tinha": checker.Near(total.mean(), 0.25),
        "o maior valor que b tinha": checker.Near(total.max(axis=1).mean(), 0.3),
    }


@checker.probe(
    "sgd_linear_regression",
    "Quem cai em cada minilote é sorteado",
    points=0.3,
    hint="Se as verificações visíveis estão certas, falta embaralhar os exemplos antes de cortar os minilotes.",
)
def sgd_partition(impl, rng):
    X, y = np.eye(20), rng.uniform(2, 3, size=20)
    generator = rng.spawn(1)[0]
    runs = [impl.sgd_linear_regression(X.copy(), y.copy(), 0.2, 1, 10, generator) for _ in range(40)]
    return {"w": np.stack([np.broadcast_to(w, 20) for w, _, _ in runs])}


@sgd_partition.measure
def sgd_overlap(seen, rng):
    y = rng.uniform(2, 3, size=20)
    before = y - seen["w"] * 10 / 0.2  # o que b valia quando cada exemplo foi usado: 0 no primeiro minilote
    first = np.abs(before) < 1e-9
    overlap = (first[1:] & first[:-1]).sum(axis=1)
    return {
        "exemplos no primeiro minilote": first.sum(axis=1).mean(),
        "dispersão do que dois primeiros minilotes têm em comum": checker.Near(
            ((overlap - 5) ** 2).mean(), 3
        ),
    }


@checker.probe(
    "sgd_linear_regression",
    "Em cada uma das épocas, cada exemplo é usado uma vez",
    points=0.2,
    hint="`rng.permutation(n)` tem cada índice uma vez só; corte-a em minilotes em cada época.",
)
def sgd_even_uses(impl, rng):
    y = rng.uniform(1, 2, size=6)
    w, b, losses = impl.sgd_linear_regression(np.eye(6), y.copy(), 1e-6, 3, 2, rng.spawn(1)[0])
    return {"w": np.broadcast_to(w, 6), "b": np.mean(b), "última perda": losses[-1]}


@sgd_even_uses.measure
def sgd_uses_by_example(seen, rng):
    y = rng.uniform(1, 2, size=6)
    return {
        "peso de cada exemplo em três épocas": checker.Near(seen["w"] / (1e-6 * y), 1e-3),
        "b dividido pela taxa": checker.Near(seen["b"] / 1e-6, 1e-2),
        "última perda": checker.Near(seen["última perda"], 1e-4),
    }


@checker.probe(
    "sgd_linear_regression",
    "A perda da época é a de todos os exemplos, com os valores do fim dela",
    points=0.3,
    hint="Há uma perda por época: calcule-a fora do laço dos minilotes, com X e y inteiros, e com o ½.",
)
def sgd_losses(impl, rng):
    X, y = rng.normal(size=(8, 2)), 2 * rng.normal(size=8)
    w, b, losses = impl.sgd_linear_regression(X.copy(), y.copy(), 0.2, 4, 3, rng.spawn(1)[0])
    return {
        "w": np.broadcast_to(w, 2),
        "b": np.mean(b),
        "última perda": losses[-1],
        "número de perdas": len(losses),
    }


@sgd_losses.measure
def sgd_last_loss(seen, rng):
    X, y = rng.normal(size=(8, 2)), 2 * rng.normal(size=8)
    missed = X @ seen["w"] + seen["b"] - y
    return {
        "número de perdas": seen["número de perdas"],
        "última perda menos a perda com os w e b devolvidos": round(
            float(seen["última perda"]) - missed @ missed / 16, 9
        ),
    }


@checker.probe(
    "sgd_linear_regression",
    "batch_size maior que N, um só exemplo, uma só entrada, e b é um float",
    points=0.4,
    hint="A média é pelo número de exemplos que o minilote tem, que pode ser menor que `batch_size`; b é um float.",
)
def sgd_sizes(impl, rng):
    X, y = rng.normal(size=(4, 3)), rng.normal(size=4) + 2
    big_w, big_b, big_losses = impl.sgd_linear_regression(X.copy(), y.copy(), 0.2, 3, 11, rng.spawn(1)[0])
    one_w, one_b, one_losses = impl.sgd_linear_regression(
        X[:1].copy(), y[:1].copy(), 0.1, 2, 3, rng.spawn(1)[0]
    )
    slim_w, slim_b, slim_losses = impl.sgd_linear_regression(
        X[:, :1].copy(), y.copy(), 0.1, 1, 4, rng.spawn(1)[0]
    )
    return {
        "w com batch_size maior que N": big_w,
        "b com batch_size maior que N": big_b,
        "losses com batch_size maior que N": big_losses,
        "w com um exemplo": one_w,
        "b com um exemplo": one_b,
        "losses com um exemplo": one_losses,
        "w com uma entrada": slim_w,
        "b com uma entrada": slim_b,
        "losses com uma entrada": slim_losses,
        "tipo de b": "float" if isinstance(big_b, float) else type(big_b).__name__,
    }


@checker.probe(
    "sgd_linear_regression",
    "O acaso vem só do rng, e X e y ficam intactos",
    points=0.3,
    hint="Todo sorteio sai do `rng` recebido, e o que se embaralha é uma lista de índices, não X e y.",
)
def sgd_intact(impl, rng):
    X, y = rng.normal(size=(12, 2)), rng.normal(size=12) + 1
    given_X, given_y = X.copy(), y.copy()
    seeds = rng.integers(2**31, size=2)

    def call(seed, X, y):
        w, b, losses = impl.sgd_linear_regression(X, y, 0.2, 2, 1, np.random.default_rng(seed))
        return np.concatenate([np.ravel(part) for part in (w, b, losses)])

    first, again = call(seeds[0], given_X, given_y), call(seeds[0], X.copy(), y.copy())
    other = call(seeds[1], X.copy(), y.copy())
    return {
        "a mesma semente repete o resultado": np.allclose(first, again, equal_nan=True),
        "outra semente muda o resultado": not np.allclose(first, other),
        "X depois": given_X,
        "y depois": given_y,
    }


### END HIDDEN TESTS
checker.check("sgd_linear_regression")

# %% [markdown]
# ## Veja o que você construiu
#
# Os dados são de 442 pacientes com diabetes: dez medidas de cada um e um número que diz quanto a doença avançou em
# um ano. As medidas foram padronizadas, e o alvo foi dividido por 100.
#
# **Primeira figura.** Ficam só duas medidas muito correlacionadas, `s1` (colesterol total) e `s2` (LDL). A perda é
# um vale comprido e estreito. O seu gradiente numérico dá a direção, a sua descida anda, e a taxa vai de bem abaixo
# a um pouco acima do limite $2/\lambda_{\max}$. Repare como o caminho muda de um lado para o outro do limite.
#
# **Segunda figura.** Com as dez medidas, o seu SGD treina com minilotes de 1, de 32 e de todos os exemplos, com a
# mesma
# taxa e três sementes para cada tamanho (com todos os exemplos, as três curvas coincidem). O eixo vertical é o que
# falta para a menor perda possível.

# %%
if checker.ready("numerical_gradient", "gradient_descent"):
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    pair = data.data[:, [data.feature_names.index("s1"), data.feature_names.index("s2")]]
    pair = (pair - pair.mean(axis=0)) / pair.std(axis=0)
    centered = (data.target - data.target.mean()) / 100

    def valley(theta):
        """Perda com só duas medidas; o alvo já vem sem a média, e o viés não faz falta."""
        return 0.5 * np.mean((pair @ theta - centered) ** 2)

    steepest = np.linalg.eigvalsh(pair.T @ pair / len(pair))[-1]
    limit = 2 / steepest
    print(
        f"Maior curvatura: {steepest:.3f}; limite da taxa, 2 dividido por ela: {limit:.3f}".replace(".", ",")
    )

    figure, axes = plt.subplots(3, 1, figsize=(6, 10), sharex=True, sharey=True)
    first, second = np.meshgrid(np.linspace(-1.4, 1.8, 100), np.linspace(-1.6, 1.4, 100))
    height = np.array([valley(np.array(point)) for point in zip(first.ravel(), second.ravel(), strict=True)])
    levels = height.min() + np.geomspace(0.002, 2, 12)
    start = np.array([0.5, 0.8])
    for axis, share in zip(axes, (0.3, 0.96, 1.03), strict=True):
        path = gradient_descent(
            lambda t: np.asarray(numerical_gradient(valley, t)), start.copy(), share * limit, 15
        )
        path = np.asarray(path)
        ends = valley(path[0]), valley(path[-1])
        print(
            f"Taxa {share:.2f} do limite: a perda vai de {ends[0]:.4f} a {ends[1]:.4f} em 15 passos".replace(
                ".", ","
            )
        )
        axis.contour(first, second, height.reshape(first.shape), levels=levels, colors="0.7", linewidths=0.7)
        axis.plot(*path.T, "o-", color="tab:blue", markersize=3, linewidth=1)
        axis.plot(*path[0], "s", color="tab:green", label="começo")
        axis.plot(*path[-1], "*", color="tab:red", markersize=12, label="depois de 15 passos")
        axis.set(ylabel="peso de s2", title=f"taxa = {share:.2f} do limite".replace(".", ","))
        axis.legend(loc="lower right")
    axes[-1].set(xlabel="peso de s1", xlim=(-1.4, 1.8), ylim=(-1.6, 1.4))
    plt.tight_layout()
    plt.show()

# %%
if checker.ready("gradient_descent", "sgd_linear_regression"):
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), y / 100
    ones = np.column_stack([X, np.ones(len(X))])
    curvature, pull = ones.T @ ones / len(X), ones.T @ y / len(X)
    best = np.asarray(gradient_descent(lambda t: curvature @ t - pull, np.zeros(11), 0.4, 20_000))[-1]
    floor = 0.5 * np.mean((ones @ best - y) ** 2)

    figure, axis = plt.subplots(figsize=(6, 5.2))
    for size, color in ((1, "tab:orange"), (32, "tab:blue"), (len(X), "tab:green")):
        runs = [
            sgd_linear_regression(X.copy(), y.copy(), 0.02, 40, size, np.random.default_rng(seed))[2]
            for seed in range(3)
        ]
        excess = np.array(runs) - floor
        steps = -(-len(X) // size)
        label = f"minilote de {size} ({steps} passo{'s' if steps > 1 else ''} por época)"
        for number, curve in enumerate(excess):
            axis.semilogy(
                np.arange(1, 41),
                curve,
                color=color,
                alpha=0.8,
                linewidth=1,
                label=label if not number else None,
            )
        print(
            (
                f"Minilote de {size}: faltam {excess[:, 0].mean():.3f} depois de 1 época, "
                f"{excess[:, 4].mean():.4f} depois de 5 e {excess[:, -1].mean():.4f} depois de 40 (média de 3 sementes)"
            ).replace(".", ",")
        )
    axis.set(
        xlabel="época",
        ylabel="perda menos a menor possível (escala log.)",
        title="A mesma taxa, três tamanhos de minilote",
    )
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15))
    plt.tight_layout()
    plt.show()

# %% [markdown]
# **O que ver.** Abaixo do limite, a descida converge. Longe dele, entra no vale e segue devagar pelo fundo; perto
# dele, salta de uma encosta para a outra, cada vez mais baixo. Acima do limite, cada salto é maior que o anterior:
# com 3% a mais, a perda já quadruplica em 15 passos.
#
# Na segunda figura, todos os treinos viram cada exemplo o mesmo número de vezes. Com minilotes de 1, a primeira época
# dá 442 passos e resolve quase tudo. Depois, o ruído de cada passo não deixa a perda assentar: ela treme sem
# descer. Com todos os exemplos não há tremor, mas um passo por época é muito pouco. Os minilotes de 32 ficam com o
# melhor dos dois.

# %% [markdown]
# ## Resumo
#
# Execute a célula abaixo para somar os pontos da parte visível. Antes de entregar, use
# *Ambiente de execução → Reiniciar a sessão e executar tudo* e confira se nada mudou. Depois baixe o caderno
# (*Arquivo → Fazer o download → Fazer o download do .ipynb*) e envie o arquivo.

# %%
# @title Resumo
checker.summary()
