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
# # Poda
#
# Uma rede treinada costuma ter muito mais pesos do que precisa. Neste exercício você descobre quais podem
# sair. Escreve a poda por magnitude, local e global, a poda de filtros inteiros e a saliência do *Optimal
# Brain Damage*. Depois escreve a classe que mantém os pesos podados em zero enquanto a rede volta a treinar.
# No fim, o seu código poda uma rede que lê dígitos escritos à mão, e você mede quanto ela aguenta.
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


# %%
# @title Apoio: pesos sorteados para as verificações (execute também esta célula)
def distinct(rng, *shape):
    """Pesos dos dois sinais, em float64, com módulos em (0, 1) e bem separados: não há empate."""
    size = int(np.prod(shape))
    values = (rng.permutation(size) + rng.uniform(0.25, 0.75, size)) / size
    return torch.from_numpy((values * rng.choice([-1.0, 1.0], size)).reshape(shape))


# %% [markdown]
# ## A ideia
#
# Podar um peso $w_i$ é trocá-lo por zero e deixá-lo em zero. Quem fica e quem sai está em uma **máscara**
# $m$, da forma do peso, e a rede podada usa $w \odot m$:
#
# $$
# m_i = \begin{cases} 1\ (\texttt{True}) & \text{se o peso fica},\\ 0\ (\texttt{False}) & \text{se o peso sai}.
# \end{cases}
# $$
#
# **Quem sai?** Sem saber nada da perda, o palpite mais simples é bom: saem os pesos de menor $|w_i|$.
# A **esparsidade** $s \in [0, 1]$ é a parte que sai. De $n$ pesos saem exatamente
#
# $$
# k = \operatorname{round}(s\, n).
# $$
#
# **De onde sai?** Na poda *local*, cada camada perde a mesma fração. Na *global*, todos os pesos da rede entram
# em uma só fila, e uma camada pode perder muito mais que a outra. Na *estruturada*, saem filtros inteiros.
#
# | símbolo | forma | o que é |
# |---|---|---|
# | `weight` | qualquer; (out, in, kh, kw) em uma convolução | pesos de uma camada |
# | `weights` | dicionário nome → tensor | pesos de várias camadas, cada um com a sua forma |
# | máscara | a do peso; (out,) na poda de filtros | `torch.bool`, `True` mantém |
# | `sparsity`, `fraction`, `final` | número em $[0, 1]$ | a parte que **sai** |
#
# > **Convenções**
# >
# > * `True` **mantém**, `False` poda. As máscaras são tensores `torch.bool`.
# > * `sparsity`, `fraction` e `final` são a parte que **sai**, não a que fica. Fora de $[0, 1]$, `ValueError`;
# >   0 e 1 valem.
# > * Conta-se o que sai, com o `round` do Python: `round(sparsity * n)`. O meio vai para o par: `round(2.5)` é 2
# >   e `round(3.5)` é 4. A conta é exata, também quando há empates.
# > * Entre pesos, ou filtros, empatados, qualquer escolha serve.
# > * Os pesos podem ser `Parameter`, como os de `model.named_parameters()`. As funções não modificam o que
# >   recebem. Só `Pruner.apply()` escreve nos pesos.
# > * A norma de um filtro é a L2 de todos os seus pesos, $\lVert w_i \rVert_2 = \sqrt{\sum w_{ijkl}^2}$.
# > * Não importa se o construtor de `Pruner` já zera alguma coisa: o que se confere é o modelo depois de
# >   `.apply()`.
# > * `torch.nn.utils.prune` faria o exercício por você e não vale aqui.

# %% [markdown]
# ## 1. Poda por magnitude
#
# Complete `magnitude_mask`. Um exemplo à mão, com $n = 5$ e esparsidade $0{,}5$:
#
# | | | | | | |
# |---|---|---|---|---|---|
# | peso | 0,5 | −2 | 0,1 | −0,3 | 1,5 |
# | módulo | 0,5 | 2 | 0,1 | 0,3 | 1,5 |
# | fica? | sim | sim | **não** | **não** | sim |
#
# Saem `round(0.5 * 5)` = `round(2.5)` = 2 pesos, os de módulo 0,1 e 0,3. O peso −2 é o menor número da lista,
# mas tem o maior módulo: é o último a sair.
#
# <details><summary>Dica 1</summary>
#
# O que decide é o módulo. E não é preciso achar um limiar: basta saber a ordem dos pesos e quantos saem.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `argsort` em um tensor achatado dá as posições do menor para o maior. As `count` primeiras saem. Um limiar
# com `>` ou com `torch.quantile` erra a conta quando há empates ou quando $s\,n$ não é inteiro.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) confira `sparsity`; (2) calcule quantos saem com `round(...)` e `weight.numel()`; (3) achate
# os módulos e ordene as posições; (4) comece com uma máscara bool toda `True`, ponha `False` nas primeiras
# posições da ordem e devolva-a com a forma do peso (`reshape`).
#
# </details>


# %%
def magnitude_mask(weight, sparsity):
    """Máscara da poda por magnitude: saem os pesos de menor módulo.

    weight: tensor de ponto flutuante de qualquer forma.
    sparsity: parte que sai, em [0, 1]; fora disso levanta ValueError.

    Devolve um tensor bool da forma de weight, True onde o peso fica; round(sparsity * n) pesos saem.
    """
    ### BEGIN SOLUTION
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity deve estar em [0, 1], e veio {sparsity}")
    scores = weight.abs().flatten()
    count = round(sparsity * weight.numel())
    order = scores.argsort()
    mask = torch.ones_like(scores, dtype=torch.bool)
    mask[order[:count]] = False
    return mask.reshape(weight.shape)
    ### END SOLUTION


# %%
# @title Verificação: magnitude_mask
@checker.probe(
    "magnitude_mask",
    "Saem os pesos de menor módulo, e True mantém",
    points=0.4,
    hint="Ordene por `weight.abs()` e ponha False nas posições dos menores.",
)
def magnitude_values(impl, rng):
    weight = distinct(rng, 5, 4)
    return {
        "máscara com sparsity 0,3": impl.magnitude_mask(weight.clone(), 0.3),
        "máscara com sparsity 0,75": impl.magnitude_mask(weight.clone(), 0.75),
    }


@checker.probe(
    "magnitude_mask",
    "Saem exatamente round(sparsity · n) pesos",
    points=0.4,
    hint="Conte o que sai com `round(sparsity * weight.numel())`: round(2.5) é 2 e round(3.5) é 4.",
)
def magnitude_counts(impl, rng):
    k = int(rng.integers(1, 5))
    counts, masks = {}, {}
    for n, sparsity in ((4 * k + 1, 0.5), (4 * k + 3, 0.5), (4 * k + 1, 0.25), (4 * k + 2, 0.75)):
        mask = impl.magnitude_mask(distinct(rng, n).abs(), sparsity)
        case = f"n = {n} e sparsity = {sparsity}"
        counts[f"quantos saem com {case}"] = n - mask.sum()
        masks[f"máscara com {case}"] = mask
    return counts | masks


@checker.probe(
    "magnitude_mask",
    "A máscara é bool, da forma do peso, que pode ser um Parameter",
    points=0.3,
    hint="Crie a máscara com `dtype=torch.bool` e devolva-a com `.reshape(weight.shape)`.",
)
def magnitude_kind(impl, rng):
    size, out = (int(rng.integers(3, 40)) for _ in range(2))
    vector = impl.magnitude_mask(torch.nn.Parameter(distinct(rng, size)), 0.4)
    kernel = impl.magnitude_mask(torch.nn.Parameter(distinct(rng, out, 3, 2, 2).float()), 0.4)
    return {
        "tipo da máscara": str(vector.dtype),
        "tipo da máscara de um peso float32": str(kernel.dtype),
        f"forma da máscara de um peso ({size},)": str(tuple(vector.shape)),
        f"forma da máscara de um peso ({out}, 3, 2, 2)": str(tuple(kernel.shape)),
    }


@checker.probe(
    "magnitude_mask",
    "sparsity fora de [0, 1] levanta ValueError",
    points=0.2,
    hint="Confira `sparsity` na primeira linha da função; 0 e 1 valem.",
)
def magnitude_invalid(impl, rng):
    weight = distinct(rng, 3, 4)
    below, inside, above = (round(low + rng.uniform(0.1, 0.9), 2) for low in (-1, 0, 1))
    return {
        f"sparsity = {s}": checker.raised(lambda s=s: impl.magnitude_mask(weight.clone(), s))
        for s in (below, above, inside, 0.0, 1.0)
    }


### BEGIN HIDDEN TESTS
def unless_refused(call, shape):
    """A máscara; NaN em toda parte, se foi recusada com ValueError."""
    try:
        return call()
    except ValueError:
        return np.full(shape, np.nan)


@checker.probe(
    "magnitude_mask",
    "A conta é exata também com empates",
    points=0.4,
    hint="Um limiar leva todos os empatados juntos. Use a ordem (`argsort`), que escolhe alguns deles.",
)
def magnitude_ties(impl, rng):
    weight = torch.from_numpy(rng.integers(0, 4, size=(6, 8)) * (rng.integers(1, 1000) / 64))
    equal = torch.full((3, 4), float(rng.integers(1, 9)) / 8, dtype=torch.float64)
    return {
        "máscara": impl.magnitude_mask(weight, 0.375).flatten(),
        "máscara de doze pesos iguais": impl.magnitude_mask(equal, 0.25).flatten(),
    }


@magnitude_ties.measure
def magnitude_ties_counts(seen, rng):
    weight = (rng.integers(0, 4, size=(6, 8)) * (rng.integers(1, 1000) / 64)).ravel()
    mask, equal = seen["máscara"] != 0, seen["máscara de doze pesos iguais"] != 0
    return {
        "quantos saem de 48 com sparsity 0,375": (~mask).sum(),
        "soma dos módulos que ficam": weight[mask].sum(),
        "quantos saem de doze pesos iguais com sparsity 0,25": (~equal).sum(),
    }


@checker.probe(
    "magnitude_mask",
    "Vale com sparsity 0 e 1 e com um peso só, e o peso fica intacto",
    points=0.4,
    hint="Com 0 ninguém sai, com 1 saem todos. E a função só devolve a máscara: não escreva em weight.",
)
def magnitude_extremes(impl, rng):
    weight = distinct(rng, 3, 5)
    given = weight.clone()
    impl.magnitude_mask(given, 0.4)
    return {
        "máscara com sparsity 0": unless_refused(lambda: impl.magnitude_mask(weight.clone(), 0.0), (3, 5)),
        "máscara com sparsity 1": unless_refused(lambda: impl.magnitude_mask(weight.clone(), 1.0), (3, 5)),
        "máscara de um peso só com sparsity 0,25": impl.magnitude_mask(distinct(rng, 1), 0.25),
        "máscara de um peso só com sparsity 0,75": impl.magnitude_mask(distinct(rng, 1, 1), 0.75),
        "weight depois da chamada": given,
    }


### END HIDDEN TESTS
checker.check("magnitude_mask")

# %% [markdown]
# ## 2. Poda global
#
# Complete `global_magnitude_masks`. Agora todos os pesos de todas as camadas entram na mesma fila. Um exemplo à
# mão, com esparsidade $0{,}5$:
#
# | camada | pesos | ficam na poda global | ficam na poda local |
# |---|---|---|---|
# | `a` | 0,9; −0,8; 0,7 | 0,9; −0,8; 0,7 | 0,9 |
# | `b` | 0,05; −0,6; 0,02 | nenhum | −0,6 |
#
# Na global são 6 pesos e saem 3: os de módulo 0,02; 0,05 e 0,6, todos de `b`. Na local, cada camada perderia
# `round(1.5)` = 2 pesos. Repare em duas coisas: uma camada pode sumir inteira, e a conta local nem dá o mesmo
# total (4, e não 3).
#
# <details><summary>Dica 1</summary>
#
# Junte os módulos de todas as camadas em um vetor só. O resto é a poda por magnitude desse vetor, cortado de
# volta em pedaços.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `torch.cat` junta os módulos achatados. `split` desfaz: recebe a lista dos tamanhos e devolve os pedaços na mesma
# ordem. Cada pedaço volta à forma do seu peso.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) confira `sparsity`; (2) `torch.cat` dos `.abs().flatten()` de `weights.values()`; (3) quantos saem:
# `round` de `sparsity` vezes o **total** de pesos; (4) uma máscara bool do tamanho do vetor, com `False` nos
# menores; (5) corte-a com `split` e monte um dicionário novo, nome por nome, com `reshape`.
#
# </details>


# %%
def global_magnitude_masks(weights, sparsity):
    """Máscaras da poda global: saem os pesos de menor módulo entre todos os tensores juntos.

    weights: dicionário nome → tensor de ponto flutuante, cada um com a sua forma.
    sparsity: parte do total que sai, em [0, 1]; fora disso levanta ValueError.

    Devolve um dicionário novo, com os mesmos nomes, de máscaras bool da forma de cada tensor, True onde o peso fica.
    """
    ### BEGIN SOLUTION
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity deve estar em [0, 1], e veio {sparsity}")
    scores = torch.cat([weight.abs().flatten() for weight in weights.values()])
    count = round(sparsity * scores.numel())
    keep = torch.ones_like(scores, dtype=torch.bool)
    keep[scores.argsort()[:count]] = False
    pieces = iter(keep.split([weight.numel() for weight in weights.values()]))
    return {name: next(pieces).reshape(weight.shape) for name, weight in weights.items()}
    ### END SOLUTION


# %%
# @title Verificação: global_magnitude_masks
def layers(rng, **shapes):
    """Pesos de várias camadas, de escalas bem diferentes, sem empate entre elas."""
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    total = sum(sizes.values())
    values = np.sort((np.arange(total) + rng.uniform(0.25, 0.75, total)) / total)
    weights, start = {}, 0
    for name in rng.permutation(list(shapes)):
        # Cada camada fica com uma faixa de módulos; um terço deles é trocado com a faixa seguinte.
        stop = start + sizes[name]
        other = min(stop + sizes[name] // 3, total)
        values[start:other] = rng.permutation(values[start:other])
        signs = rng.choice([-1.0, 1.0], sizes[name])
        weights[str(name)] = torch.from_numpy((values[start:stop] * signs).reshape(shapes[str(name)]))
        start = stop
    return {name: weights[name] for name in shapes}


def names_of(masks):
    """Os nomes das máscaras, em ordem; ou o que veio no lugar do dicionário."""
    return " ".join(sorted(masks)) if isinstance(masks, dict) else type(masks).__name__


def mask_of(masks, name, weights):
    """A máscara de um nome; NaN em toda parte, se ela não veio."""
    missing = torch.full(weights[name].shape, torch.nan)
    return masks.get(name, missing) if isinstance(masks, dict) else missing


@checker.probe(
    "global_magnitude_masks",
    "Saem os menores de todas as camadas juntas, não os de cada uma",
    points=0.7,
    hint="Junte os módulos de todos os tensores com `torch.cat` antes de ordenar, e devolva uma máscara por nome.",
)
def global_values(impl, rng):
    weights = layers(rng, output=(5, 4), hidden=(3, 5), conv=(4, 1, 2, 2), bias=(7,))
    half = impl.global_magnitude_masks({name: w.clone() for name, w in weights.items()}, 0.5)
    most = impl.global_magnitude_masks({name: w.clone() for name, w in weights.items()}, 0.8)
    return (
        {"nomes": names_of(half)}
        | {f"máscara de {name} com sparsity 0,5": mask_of(half, name, weights) for name in weights}
        | {f"máscara de {name} com sparsity 0,8": mask_of(most, name, weights) for name in weights}
    )


@checker.probe(
    "global_magnitude_masks",
    "O total que sai é exatamente round(sparsity · n), com n de todas as camadas",
    points=0.4,
    hint="Arredonde uma vez só, sobre o total de pesos.",
)
def global_counts(impl, rng):
    k = int(rng.integers(1, 4))
    names, counts, masks = {}, {}, {}
    for extra, sparsity in ((0, 0.5), (2, 0.5), (0, 0.25)):
        weights = layers(rng, a=(4 * k + 1,), b=(1, 4 * k + 1), c=(4 * k + 1 + extra, 1))
        weights = {name: weight.abs() for name, weight in weights.items()}
        total = sum(weight.numel() for weight in weights.values())
        answer = impl.global_magnitude_masks(weights, sparsity)
        found = {name: mask_of(answer, name, weights) for name in weights}
        case = f"n = {total} e sparsity = {sparsity}"
        names["nomes"] = names_of(answer)
        counts[f"quantos saem com {case}"] = total - sum(mask.sum() for mask in found.values())
        masks |= {f"máscara de {name} com {case}": mask for name, mask in found.items()}
    return names | counts | masks


@checker.probe(
    "global_magnitude_masks",
    "Devolve um dicionário de máscaras bool, com os mesmos nomes e formas",
    points=0.2,
    hint="Uma máscara `torch.bool` por nome, com `.reshape(weight.shape)`; os pesos podem ser Parameter.",
)
def global_kind(impl, rng):
    weights = layers(rng, weight=(int(rng.integers(3, 40)), 3), bias=(int(rng.integers(3, 40)),))
    parameters = {name: torch.nn.Parameter(weight.float()) for name, weight in weights.items()}
    masks = impl.global_magnitude_masks(parameters, 0.5)
    found = {name: mask_of(masks, name, weights) for name in weights}
    return (
        {"nomes": names_of(masks)}
        | {f"tipo da máscara de {name}": str(mask.dtype) for name, mask in found.items()}
        | {f"forma da máscara de {name}": str(tuple(mask.shape)) for name, mask in found.items()}
    )


### BEGIN HIDDEN TESTS
@checker.probe(
    "global_magnitude_masks",
    "A conta é exata também com empates entre camadas",
    points=0.3,
    hint="Um limiar leva todos os empatados juntos. Use a ordem (`argsort`), que escolhe alguns deles.",
)
def global_ties(impl, rng):
    scale = rng.integers(1, 1000) / 64
    first = torch.from_numpy(rng.integers(0, 4, size=(4, 5)) * scale)
    second = torch.from_numpy(rng.integers(0, 4, size=(12,)) * scale)
    value = float(rng.integers(1, 9)) / 8
    cases = {
        "máscara": ({"a": first, "b": second}, 0.375),
        "máscara de pesos iguais": ({"a": torch.full((2, 3), value), "b": torch.full((10,), value)}, 0.25),
    }
    seen = {}
    for label, (weights, sparsity) in cases.items():
        masks = impl.global_magnitude_masks(dict(weights), sparsity)
        seen[label] = torch.cat([mask_of(masks, name, weights).flatten() for name in weights])
    return seen


@global_ties.measure
def global_ties_counts(seen, rng):
    scale = rng.integers(1, 1000) / 64
    weight = np.concatenate([rng.integers(0, 4, size=size).ravel() for size in ((4, 5), (12,))]) * scale
    mask = seen["máscara"] != 0
    return {
        "quantos saem de 32 com sparsity 0,375": (~mask).sum(),
        "soma dos módulos que ficam": weight[mask].sum(),
        "quantos saem de 16 pesos iguais com sparsity 0,25": (seen["máscara de pesos iguais"] == 0).sum(),
    }


@checker.probe(
    "global_magnitude_masks",
    "Uma camada pode sair inteira ou ficar inteira, e vale com sparsity 0 e 1",
    points=0.3,
    hint="Não reserve nada para camada alguma: só a ordem de todos os módulos decide.",
)
def global_extremes(impl, rng):
    weights = {"a": distinct(rng, 2, 3) * 1e-3, "b": distinct(rng, 4) + 5, "c": distinct(rng, 3, 2)}
    seen = {}
    for label, sparsity in (("0", 0.0), ("0,5", 0.5), ("0,75", 0.75), ("1", 1.0)):
        masks = impl.global_magnitude_masks(weights, sparsity)
        seen |= {f"máscara de {name} com sparsity {label}": mask_of(masks, name, weights) for name in weights}
    single = {"only": distinct(rng, 3, 3)}
    masks = impl.global_magnitude_masks(dict(single), 0.6)
    return seen | {"máscara de uma camada só": mask_of(masks, "only", single)}


@checker.probe(
    "global_magnitude_masks",
    "sparsity fora de [0, 1] levanta ValueError, e o dicionário recebido fica intacto",
    points=0.3,
    hint="Confira `sparsity` antes de tudo e guarde as máscaras em um dicionário novo.",
)
def global_invalid(impl, rng):
    weights = layers(rng, a=(3, 2), b=(5,))
    given = {name: weight.clone() for name, weight in weights.items()}
    impl.global_magnitude_masks(given, 0.5)
    below, inside, above = (round(low + rng.uniform(0.1, 0.9), 2) for low in (-1, 0, 1))
    seen = {
        f"sparsity = {s}": checker.raised(lambda s=s: impl.global_magnitude_masks(dict(weights), s))
        for s in (below, inside, above)
    }
    return seen | {f"weights[{name!r}] depois da chamada": given[name] for name in weights}


### END HIDDEN TESTS
checker.check("global_magnitude_masks")

# %% [markdown]
# ## 3. Poda de filtros
#
# Zeros espalhados não deixam a conta mais rápida por si. Tirar um filtro inteiro deixa: a camada passa a ter menos
# canais de saída. Na poda **estruturada**, cada filtro `weight[i]`, de forma (in, kh, kw), recebe uma nota só, a
# sua norma L2, e saem os filtros de menor norma. De `out` filtros saem exatamente `round(fraction * out)`.
#
# Um exemplo à mão, com dois filtros de quatro pesos e `fraction` igual a 0,5:
#
# | filtro | pesos | norma L2 | norma L1 |
# |---|---|---|---|
# | 0 | 0,5; 0,5; 0,5; 0,5 | $\sqrt{4 \cdot 0{,}25} = 1$ | 2 |
# | 1 | 1,2; 0; 0; 0 | 1,2 | 1,2 |
#
# Pela L2 sai o filtro 0, e a máscara é (`False`, `True`). Pela L1 sairia o outro: a norma faz diferença.
#
# <details><summary>Dica 1</summary>
#
# São `out` notas, uma por filtro. Depois disso é a poda por magnitude de um vetor de `out` números.
#
# </details>
# <details><summary>Dica 2</summary>
#
# `weight.flatten(1)` põe cada filtro em uma linha. A norma é ao longo da linha.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Na ordem: (1) confira `fraction`; (2) eleve ao quadrado, some em cada linha e tire a raiz (ou use
# `.norm(dim=1)`); (3) ordene as notas e ponha `False` nas `round(fraction * out)` menores de uma máscara bool
# de forma (out,).
#
# </details>


# %%
def filter_mask(weight, fraction):
    """Máscara da poda de filtros: saem os de menor norma L2.

    weight: tensor (out, in, kh, kw), os pesos de uma convolução.
    fraction: parte dos filtros que sai, em [0, 1]; fora disso levanta ValueError.

    Devolve um tensor bool de forma (out,), True onde o filtro fica; round(fraction * out) filtros saem.
    """
    ### BEGIN SOLUTION
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction deve estar em [0, 1], e veio {fraction}")
    norms = weight.flatten(1).norm(dim=1)
    count = round(fraction * norms.numel())
    keep = torch.ones_like(norms, dtype=torch.bool)
    keep[norms.argsort()[:count]] = False
    return keep
    ### END SOLUTION


# %%
# @title Verificação: filter_mask
def filters(rng, count, *shape):
    """Filtros de normas L2 bem separadas: uns com um peso só diferente de zero, outros com todos parecidos."""
    size = int(np.prod(shape))
    rank = np.arange(count)
    spread = rng.choice([-1.0, 1.0], (count, size)) * rng.uniform(0.9, 1.1, (count, size))
    peaked = np.zeros((count, size))
    peaked[rank, rng.integers(size, size=count)] = rng.choice([-1.0, 1.0], count)
    direction = np.where((rank % 2 == 0)[:, None], peaked, spread)
    norms = (rank + rng.uniform(0.9, 1.1, count)) / count
    weight = direction * (norms / np.linalg.norm(direction, axis=1))[:, None]
    return torch.from_numpy(rng.permutation(weight).reshape(count, *shape))


@checker.probe(
    "filter_mask",
    "Saem os filtros de menor norma L2",
    points=0.6,
    hint="Uma nota por filtro: a raiz da soma dos quadrados de todos os seus pesos.",
)
def filter_values(impl, rng):
    large, small = filters(rng, 8, 3, 3, 2), filters(rng, 6, 4, 2, 2)
    return {
        "máscara de 8 filtros com fraction 0,5": impl.filter_mask(large.clone(), 0.5),
        "máscara de 8 filtros com fraction 0,25": impl.filter_mask(large.clone(), 0.25),
        "máscara de 6 filtros com fraction 0,5": impl.filter_mask(small.clone(), 0.5),
    }


@checker.probe(
    "filter_mask",
    "A máscara é bool, com um valor por filtro",
    points=0.3,
    hint="A forma é (out,): a da primeira dimensão de weight, não a de in nem a do peso inteiro.",
)
def filter_kind(impl, rng):
    few, many = int(rng.integers(2, 20)), int(rng.integers(20, 40))
    wide = impl.filter_mask(torch.nn.Parameter(filters(rng, few, 5, 2, 1)), 0.4)
    tall = impl.filter_mask(torch.nn.Parameter(filters(rng, many, 2, 1, 3).float()), 0.4)
    return {
        "tipo da máscara": str(wide.dtype),
        "tipo da máscara de um peso float32": str(tall.dtype),
        f"forma da máscara de um peso ({few}, 5, 2, 1)": str(tuple(wide.shape)),
        f"forma da máscara de um peso ({many}, 2, 1, 3)": str(tuple(tall.shape)),
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "filter_mask",
    "Saem exatamente round(fraction · out) filtros, também com empates",
    points=0.4,
    hint="Conte o que sai com o `round` do Python e escolha pela ordem, não por um limiar.",
)
def filter_counts(impl, rng):
    k = int(rng.integers(1, 4))
    counts, masks = {}, {}
    for out, fraction in ((4 * k + 1, 0.5), (4 * k + 3, 0.5), (4 * k + 1, 0.25)):
        # Filtros constantes e positivos: qualquer norma, ou a soma, os põe na mesma ordem.
        values = torch.from_numpy((rng.permutation(out) + 1) / out)
        mask = impl.filter_mask(values[:, None, None, None].repeat(1, 2, 2, 2), fraction)
        case = f"{out} filtros e fraction = {fraction}"
        counts[f"quantos saem com {case}"] = out - mask.sum()
        masks[f"máscara com {case}"] = mask
    same = torch.full((8, 2, 1, 3), float(rng.integers(1, 9)), dtype=torch.float64)
    counts["quantos saem de 8 filtros iguais com fraction 0,25"] = 8 - impl.filter_mask(same, 0.25).sum()
    return counts | masks


@checker.probe(
    "filter_mask",
    "Vale com fraction 0 e 1, recusa o que está fora e deixa o peso intacto",
    points=0.3,
    hint="Confira `fraction` na primeira linha; 0 e 1 valem. E não escreva em weight.",
)
def filter_extremes(impl, rng):
    weight = filters(rng, 5, 2, 3, 1)
    given = weight.clone()
    below, inside, above = (round(low + rng.uniform(0.1, 0.9), 2) for low in (-1, 0, 1))
    seen = {
        f"fraction = {f}": checker.raised(lambda f=f: impl.filter_mask(weight.clone(), f))
        for f in (below, inside, above)
    }
    return seen | {
        "máscara com fraction 0": impl.filter_mask(weight.clone(), 0.0),
        "máscara com fraction 1": impl.filter_mask(weight.clone(), 1.0),
        "máscara com fraction 0,6": impl.filter_mask(given, 0.6),
        "máscara de um filtro só com fraction 0,75": impl.filter_mask(filters(rng, 1, 2, 2, 2), 0.75),
        "weight depois da chamada": given,
    }


### END HIDDEN TESTS
checker.check("filter_mask")

# %% [markdown]
# ## 4. Optimal Brain Damage
#
# O módulo é um palpite. O *Optimal Brain Damage* (LeCun, Denker e Solla, 1989) pergunta direto: quanto a perda $L$
# sobe se o peso $w_i$ for a zero? A expansão de segunda ordem, com a variação $\delta w$, é
#
# $$
# \delta L \approx \sum_i g_i\, \delta w_i + \frac{1}{2} \sum_{i,j} h_{ij}\, \delta w_i\, \delta w_j .
# $$
#
# Em um mínimo o gradiente $g$ é zero, e o primeiro termo some. Supondo a hessiana diagonal, sobram os termos
# $i = j$. Zerar o peso é $\delta w_i = -w_i$, e a saliência fica
#
# $$
# s_i = \frac{1}{2}\, h_{ii}\, w_i^2 .
# $$
#
# Um exemplo à mão, com dois pesos:
#
# | $w_i$ | $h_{ii}$ | módulo | saliência |
# |---|---|---|---|
# | 2 | 0,1 | 2 | $\frac{1}{2} \cdot 0{,}1 \cdot 4 = 0{,}2$ |
# | 0,5 | 4 | 0,5 | $\frac{1}{2} \cdot 4 \cdot 0{,}25 = 0{,}5$ |
#
# Pela magnitude sai o segundo peso. Pela saliência sai o primeiro: é grande, mas a perda mal sente a falta dele.
#
# Complete `obd_saliency`: a mesma conta para cada peso, qualquer que seja o sinal de $h_{ii}$.
#
# <details><summary>Dica 1</summary>
#
# A fórmula vale elemento a elemento. Não há soma.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Os dois tensores têm a mesma forma, e o resultado também.
#
# </details>
# <details><summary>Dica 3</summary>
#
# São três fatores: um número, a diagonal da hessiana e o quadrado do peso. Não use operações que terminam em `_`, que
# escreveriam nos tensores recebidos.
#
# </details>


# %%
def obd_saliency(weight, hessian_diag):
    """Saliência de cada peso segundo o Optimal Brain Damage.

    weight: tensor de qualquer forma.
    hessian_diag: diagonal da hessiana da perda, da forma e do tipo de weight; um valor pode ser negativo.

    Devolve um tensor novo, da forma e do tipo (dtype) de weight: quanto a perda sobe se o peso for a zero.
    """
    ### BEGIN SOLUTION
    return 0.5 * hessian_diag * weight**2
    ### END SOLUTION


# %%
# @title Verificação: obd_saliency
@checker.probe(
    "obd_saliency",
    "A saliência de cada peso é ½ · h · w²",
    points=0.5,
    hint="Refaça o exemplo do texto: w = 2 e h = 0,1 dão 0,2.",
)
def saliency_values(impl, rng):
    weight = distinct(rng, 3, 4) * torch.from_numpy(rng.uniform(1, 3, size=(3, 4)))
    hessian = torch.from_numpy(rng.uniform(0.1, 3, size=(3, 4)))
    return {"saliência": impl.obd_saliency(weight.clone(), hessian.clone())}


### BEGIN HIDDEN TESTS
@checker.probe(
    "obd_saliency",
    "Vale em qualquer forma, com h de qualquer sinal, e não modifica o que recebe",
    points=0.5,
    hint="Use h como veio, sem módulo nem corte em zero, e devolva um tensor novo.",
)
def saliency_general(impl, rng):
    weight = torch.from_numpy(rng.normal(size=(2, 3, 1, 2)))
    hessian = torch.from_numpy(rng.permutation(12) - 5.5).reshape(2, 3, 1, 2)
    given_weight, given_hessian = weight.clone(), hessian.clone()
    saliency = impl.obd_saliency(given_weight, given_hessian)
    single = impl.obd_saliency(weight[0, 0, 0, :1].float(), hessian[0, 0, 0, :1].float())
    return {
        "saliência": saliency,
        "saliência de um peso só": single,
        "tipo da saliência de um peso float64": str(saliency.dtype),
        "tipo da saliência de um peso float32": str(single.dtype),
        "weight depois da chamada": given_weight,
        "hessian_diag depois da chamada": given_hessian,
    }


### END HIDDEN TESTS
checker.check("obd_saliency")

# %% [markdown]
# ## 5. Podar durante o treino
#
# Depois da poda, um **ajuste fino** recupera parte do que se perdeu. Mas o passo do otimizador mexe também nos pesos
# zerados: o gradiente deles não é zero, e o momentum ainda empurra. Por isso a máscara é aplicada depois de cada
# passo:
#
# ```
# optimizer.step()
# pruner.apply()
# ```
#
# Complete `Pruner`. O construtor recebe o modelo e um dicionário de máscaras, com os nomes de
# `model.named_parameters()` (por exemplo, `"0.weight"`). `apply()` escreve **no lugar**: o otimizador guarda os
# objetos
# `Parameter` e precisa continuar a vê-los. Depois de `apply()`, cada peso podado vale zero e cada peso mantido é o
# que
# era, bit a bit. Um parâmetro sem máscara não muda. Tudo isso vale por mais vezes que se chame `apply()`.
#
# <details><summary>Dica 1</summary>
#
# Percorra `model.named_parameters()` e só mexa no que tem máscara com aquele nome.
#
# </details>
# <details><summary>Dica 2</summary>
#
# Multiplicar por uma máscara bool zera uns e deixa os outros como estão. Mas `parameter = parameter * mask` só cria
# outro tensor: o modelo não fica sabendo. A versão no lugar é `mul_`.
#
# </details>
# <details><summary>Dica 3</summary>
#
# O PyTorch não deixa escrever no lugar em um `Parameter` enquanto grava o grafo. Faça a multiplicação dentro de
# `with torch.no_grad():`. O construtor só precisa guardar `model` e `masks`.
#
# </details>


# %%
class Pruner:
    """Mantém em zero os pesos podados de um modelo.

    model: torch.nn.Module.
    masks: dicionário nome → máscara bool, com nomes de model.named_parameters(); os outros parâmetros não mudam.
    """

    def __init__(self, model, masks):
        ### BEGIN SOLUTION
        self.model = model
        self.masks = masks
        ### END SOLUTION

    def apply(self):
        """Zera no lugar os pesos podados; pode ser chamado quantas vezes for preciso."""
        ### BEGIN SOLUTION
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if name in self.masks:
                    parameter.mul_(self.masks[name])
        ### END SOLUTION


# %%
# @title Verificação: Pruner
def network(rng, *sizes):
    """Uma rede pequena em float64, com todos os parâmetros sorteados de rng."""
    modules = []
    for i in range(len(sizes) - 1):
        modules += [torch.nn.Linear(sizes[i], sizes[i + 1]), torch.nn.Tanh()]
    model = torch.nn.Sequential(*modules[:-1]).double()
    for parameter in model.parameters():
        parameter.data = torch.from_numpy(rng.normal(size=tuple(parameter.shape)))
    return model


def half_mask(rng, *shape):
    """Máscara bool com metade de zeros, sorteada."""
    return torch.from_numpy(rng.permutation(int(np.prod(shape))).reshape(shape) % 2 == 0)


def momentum_step(model, parameters, velocity, x, target):
    """Um passo de descida com momentum nos objetos Parameter que o otimizador guardou."""
    for parameter in parameters:
        parameter.grad = None
    loss = ((model(x) - target) ** 2).mean()
    if loss.requires_grad:
        loss.backward()
    with torch.no_grad():
        for parameter, v in zip(parameters, velocity, strict=True):
            if parameter.grad is not None:
                v.mul_(0.9).add_(parameter.grad)
                parameter.sub_(0.1 * v)


@checker.probe(
    "Pruner",
    "apply zera os pesos podados, e os outros ficam como estavam",
    points=0.5,
    hint="Em `torch.no_grad()`, multiplique no lugar cada parâmetro que tem máscara.",
)
def pruner_zeros(impl, rng):
    model = network(rng, 3, 4, 2)
    masks = {"0.weight": half_mask(rng, 4, 3), "2.weight": half_mask(rng, 2, 4), "2.bias": half_mask(rng, 2)}
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    impl.Pruner(model, masks).apply()
    after = {name: parameter.detach() for name, parameter in model.named_parameters()}
    changed = {name: (after[name] != before[name]) & mask for name, mask in masks.items()}
    return {f"{name} depois de apply": value for name, value in after.items()} | {
        "pesos podados que não são zero": sum(int((after[n] != 0)[~m].sum()) for n, m in masks.items()),
        "pesos mantidos que mudaram": sum(int(c.sum()) for c in changed.values()),
    }


@checker.probe(
    "Pruner",
    "Com momentum, os pesos podados voltam a zero depois de cada passo, e os mantidos treinam",
    points=0.5,
    hint="apply vale a cada chamada e escreve no próprio Parameter que o otimizador conhece.",
)
def pruner_training(impl, rng):
    model = network(rng, 3, 4, 2)
    parameters = list(model.parameters())
    velocity = [torch.from_numpy(rng.normal(size=tuple(p.shape))) for p in parameters]
    x, target = torch.from_numpy(rng.normal(size=(5, 3))), torch.from_numpy(rng.normal(size=(5, 2)))
    pruner = impl.Pruner(model, {"0.weight": half_mask(rng, 4, 3), "2.weight": half_mask(rng, 2, 4)})
    pruner.apply()
    seen = {}
    for step in (1, 2, 3):
        momentum_step(model, parameters, velocity, x, target)
        pruner.apply()
        seen |= {f"{n} depois do passo {step}": p.detach().clone() for n, p in model.named_parameters()}
    same = [after is before for after, before in zip(model.parameters(), parameters, strict=True)]
    return {"parâmetros que ainda pedem gradiente": [p.requires_grad for p in parameters]} | (
        seen | {"parâmetros que são os mesmos objetos": same}
    )


### BEGIN HIDDEN TESTS
@checker.probe(
    "Pruner",
    "Cada máscara vale para o parâmetro do seu nome, congelado ou não, e só para ele",
    points=0.4,
    hint="Ache a máscara pelo nome, `masks[name]`, nunca pela posição no dicionário.",
)
def pruner_names(impl, rng):
    model = network(rng, 3, 3, 3, 3)
    model.register_buffer("counts", torch.from_numpy(rng.normal(size=(3, 3))))
    model[2].weight.requires_grad_(False)
    masks = {name: half_mask(rng, 3, 3) for name in ("4.weight", "0.weight", "2.weight")}
    given = {name: mask.clone() for name, mask in masks.items()}
    impl.Pruner(model, given).apply()
    seen = {f"{name} depois de apply": parameter for name, parameter in model.named_parameters()}
    return (
        seen
        | {"buffer depois de apply": model.counts}
        | {f"máscara de {name} depois de apply": given[name] for name in masks}
    )


class Nested(torch.nn.Module):
    """Um módulo dentro de outro: os nomes têm pontos, como em `body.0.weight`."""

    def __init__(self, rng):
        super().__init__()
        self.body = network(rng, 2, 3, 2)
        self.scale = torch.nn.Parameter(torch.from_numpy(rng.normal(size=2)))

    def forward(self, x):
        return self.body(x) * self.scale


@checker.probe(
    "Pruner",
    "O Parameter é o mesmo objeto e continua a treinar; repetir apply não muda nada",
    points=0.4,
    hint="Nada de `torch.nn.Parameter(...)` novo: escreva nos valores do que já existe.",
)
def pruner_objects(impl, rng):
    model = Nested(rng)
    before = dict(model.named_parameters())
    masks = {"body.2.weight": half_mask(rng, 2, 3), "scale": half_mask(rng, 2)}
    pruner = impl.Pruner(model, masks)
    pruner.apply()
    once = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    pruner.apply()
    after = dict(model.named_parameters())
    loss = model(torch.from_numpy(rng.normal(size=(4, 2)))).pow(2).sum()
    if loss.requires_grad:
        loss.backward()
    first = after["body.0.weight"]
    return (
        {f"{name} depois de apply": value for name, value in once.items()}
        | {f"{name} depois de apply outra vez": value for name, value in after.items()}
        | {
            "parâmetros que são os mesmos objetos": [after[name] is before[name] for name in before],
            "parâmetros que ainda pedem gradiente": [after[name].requires_grad for name in before],
            "gradiente de body.0.weight": torch.zeros_like(first) if first.grad is None else first.grad,
        }
    )


### END HIDDEN TESTS
checker.check("Pruner")

# %% [markdown]
# ## 6. Em quantas rodadas?
#
# Tirar quase todos os pesos de uma vez estraga a rede. Tirar um pouco, ajustar e tirar mais um pouco pode dar um
# resultado melhor. Na poda **iterativa**, cada uma das $R$ rodadas tira a mesma fração $q$ dos pesos que **ainda
# restam**.
# Depois de $r$ rodadas resta $(1-q)^r$. Para terminar com esparsidade $S$ é preciso $(1-q)^R = 1 - S$, e a
# esparsidade acumulada depois da rodada $r$ é
#
# $$
# s_r = 1 - (1 - S)^{r/R}, \qquad r = 1, \dots, R .
# $$
#
# Um exemplo à mão, com $S = 0{,}875$ e $R = 3$: resta no fim $0{,}125 = 0{,}5^3$, e cada rodada tira metade do
# que há.
#
# | rodada | resta | esparsidade acumulada | em linha reta seria |
# |---|---|---|---|
# | 1 | 0,5 | 0,5 | 0,2917 |
# | 2 | 0,25 | 0,75 | 0,5833 |
# | 3 | 0,125 | 0,875 | 0,875 |
#
# Complete `iterative_sparsities`. Com `final` igual a 1, a fração $q$ é 1: a primeira rodada já tira tudo.
#
# <details><summary>Dica 1</summary>
#
# Pense no que **resta**, não no que sai: é o resto que se multiplica pela mesma fração a cada rodada.
#
# </details>
# <details><summary>Dica 2</summary>
#
# O resto depois da rodada `k` é `1 - final` elevado a `k / rounds`. A esparsidade é o que falta para 1.
#
# </details>
# <details><summary>Dica 3</summary>
#
# Uma lista com `k` de 1 até `rounds`, inclusive, e nada antes: o zero inicial não entra. A lista tem `rounds`
# números, e o último é `final`.
#
# </details>


# %%
def iterative_sparsities(final, rounds):
    """Esparsidade acumulada depois de cada rodada da poda iterativa.

    final: esparsidade depois da última rodada, em [0, 1]; fora disso levanta ValueError.
    rounds: número de rodadas, inteiro de 1 em diante.

    Devolve uma lista (ou outra sequência) de `rounds` números; cada rodada tira a mesma fração dos pesos que restam.
    """
    ### BEGIN SOLUTION
    if not 0 <= final <= 1:
        raise ValueError(f"final deve estar em [0, 1], e veio {final}")
    before_last = [1 - (1 - final) ** (k / rounds) for k in range(1, rounds)]
    return [*before_last, final]
    ### END SOLUTION


# %%
# @title Verificação: iterative_sparsities
@checker.probe(
    "iterative_sparsities",
    "Cada rodada tira a mesma fração dos pesos que restam, e a última chega a final",
    points=0.7,
    hint="Refaça o exemplo do texto: 0,875 em 3 rodadas dá 0,5; 0,75 e 0,875.",
)
def schedule_values(impl, rng):
    final = round(rng.uniform(0.6, 0.95), 3)
    return {
        f"esparsidades com final = {final} e 4 rodadas": np.array(impl.iterative_sparsities(final, 4)),
        f"esparsidades com final = {final} e 3 rodadas": np.array(impl.iterative_sparsities(final, 3)),
    }


### BEGIN HIDDEN TESTS
@checker.probe(
    "iterative_sparsities",
    "Vale com uma rodada só, com muitas, e com final 0 e 1",
    points=0.4,
    hint="Com uma rodada a lista é [final]; com final 0 ninguém sai; com final 1 a primeira rodada tira tudo.",
)
def schedule_extremes(impl, rng):
    final = round(rng.uniform(0.05, 0.95), 3)
    rounds = int(rng.integers(6, 13))
    return {
        "esparsidades com uma rodada": np.array(impl.iterative_sparsities(final, 1)),
        f"esparsidades com {rounds} rodadas": np.array(impl.iterative_sparsities(final, rounds)),
        "esparsidades com final = 0": np.array(impl.iterative_sparsities(0.0, 3)),
        "esparsidades com final = 1": np.array(impl.iterative_sparsities(1.0, 3)),
    }


@checker.probe(
    "iterative_sparsities",
    "final fora de [0, 1] levanta ValueError",
    points=0.2,
    hint="Confira `final` na primeira linha; 0 e 1 valem.",
)
def schedule_invalid(impl, rng):
    below, inside, above = (round(low + rng.uniform(0.1, 0.9), 2) for low in (-1, 0, 1))
    return {
        f"final = {f}": checker.raised(lambda f=f: impl.iterative_sparsities(f, 3))
        for f in (below, inside, above)
    }


### END HIDDEN TESTS
checker.check("iterative_sparsities")

# %% [markdown]
# ## Veja o que você construiu
#
# Uma rede totalmente conectada aprende os dígitos de 8 × 8. Depois ela é podada de quatro maneiras, e a validação diz
# quanto restou do acerto:
#
# * **ao acaso**, a base de comparação: máscaras sorteadas, do mesmo tamanho;
# * **magnitude local**, de uma vez: cada camada perde a mesma fração (`magnitude_mask`);
# * **magnitude global**, de uma vez: uma fila só (`global_magnitude_masks`);
# * **global iterativa**: as esparsidades de `iterative_sparsities`, com um ajuste fino curto depois de cada
# rodada, e o
#   seu `Pruner` segurando os zeros.
#
# A curva iterativa soma duas novidades, as rodadas e o ajuste fino. Para separá-las, há dois pontos a mais: a poda
# global
# de uma vez, seguida de tantos passos de ajuste fino quantos as rodadas tiveram até ali. Compare cada um com a
# curva: as
# rodadas ajudam sempre, ou só quando quase tudo sai?
#
# Só os pesos são podados; os vieses ficam. São três redes, de três sementes. Leva menos de um minuto.

# %%
if checker.ready("magnitude_mask", "global_magnitude_masks", "Pruner", "iterative_sparsities"):
    import copy

    from sklearn.datasets import load_digits

    torch.set_num_threads(1)  # em uma rede pequena, mais threads só atrapalham
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)

    def train(model, part, steps, lr, pruner=None):
        """Treina nos exemplos de `part`; com um pruner, aplica as máscaras depois de cada passo."""
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        loss_fn = torch.nn.CrossEntropyLoss()
        for _ in range(steps):
            batch = part[torch.randint(len(part), (64,))]
            optimizer.zero_grad()
            loss_fn(model(images[batch]), labels[batch]).backward()
            optimizer.step()
            if pruner is not None:
                pruner.apply()

    def accuracy(model, part):
        """Porcentagem de acertos nos exemplos de `part`."""
        with torch.no_grad():
            return 100 * (model(images[part]).argmax(1) == labels[part]).float().mean().item()

    def weights_of(model):
        """Os pesos que podem sair: as matrizes, não os vieses."""
        return {n: p.detach() for n, p in model.named_parameters() if p.dim() > 1}

    def local_masks(weights, sparsity):
        return {name: magnitude_mask(weight, sparsity) for name, weight in weights.items()}

    def random_masks(weights, sparsity):
        return local_masks({name: torch.rand_like(weight) for name, weight in weights.items()}, sparsity)

    levels, steps = iterative_sparsities(0.98, 6), 120
    one_shot = {
        "ao acaso": random_masks,
        "magnitude local": local_masks,
        "magnitude global": global_magnitude_masks,
    }
    curves = {name: [] for name in [*one_shot, "global iterativa, com ajuste fino"]}
    compared = (4, 6)  # depois destas rodadas: de uma vez, com o mesmo ajuste fino ao todo
    at_once = {rounds: [] for rounds in compared}
    left = {"magnitude local": [], "magnitude global": []}
    for seed in range(3):
        torch.manual_seed(seed)
        order = torch.randperm(len(images))
        part, rest = order[:1000], order[1000:]
        dense = torch.nn.Sequential(
            torch.nn.Linear(64, 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, 64),
            torch.nn.ReLU(),
            torch.nn.Linear(64, 10),
        )
        train(dense, part, 400, lr=2e-3)

        for name, make_masks in one_shot.items():
            curve = [accuracy(dense, rest)]
            for sparsity in levels:
                pruned = copy.deepcopy(dense)
                masks = make_masks(weights_of(pruned), sparsity)
                Pruner(pruned, masks).apply()
                curve.append(accuracy(pruned, rest))
            curves[name].append(curve)

        pruned = copy.deepcopy(dense)
        curve = [accuracy(pruned, rest)]
        for sparsity in levels:
            pruner = Pruner(pruned, global_magnitude_masks(weights_of(pruned), sparsity))
            pruner.apply()
            train(pruned, part, steps, lr=5e-3, pruner=pruner)
            curve.append(accuracy(pruned, rest))
        curves["global iterativa, com ajuste fino"].append(curve)

        for rounds in compared:
            pruned = copy.deepcopy(dense)
            pruner = Pruner(pruned, global_magnitude_masks(weights_of(pruned), levels[rounds - 1]))
            pruner.apply()
            train(pruned, part, steps * rounds, lr=5e-3, pruner=pruner)
            at_once[rounds].append(accuracy(pruned, rest))

        for name in left:
            masks = one_shot[name](weights_of(dense), 0.9)
            left[name].append([100 * mask.float().mean().item() for mask in masks.values()])

    shares = [0.0, *levels]
    print("acertos na validação (%), média de 3 sementes")
    print(f"{'esparsidade':34}" + "".join(f"{100 * s:7.1f}" for s in shares).replace(".", ","))
    for name, runs in curves.items():
        print(f"{name:34}" + "".join(f"{value:7.1f}" for value in np.mean(runs, axis=0)).replace(".", ","))
    for rounds, values in at_once.items():
        share, mean = 100 * levels[rounds - 1], np.mean(values)
        line = f"global de uma vez a {share:.1f}%, e {steps * rounds} passos de ajuste fino: {mean:.1f}"
        print(line.replace(".", ","))

    figure, axes = plt.subplots(2, 1, figsize=(6.5, 10))
    for (name, runs), style in zip(curves.items(), (":", "--", "-", "-"), strict=True):
        mean, spread = np.mean(runs, axis=0), np.std(runs, axis=0)
        line = axes[0].plot(100 * np.array(shares), mean, style, marker="o", markersize=4, label=name)[0]
        axes[0].fill_between(
            100 * np.array(shares), mean - spread, mean + spread, color=line.get_color(), alpha=0.15
        )
    label = "global de uma vez, com o mesmo ajuste fino ao todo"
    points = [(100 * levels[rounds - 1], np.mean(values)) for rounds, values in at_once.items()]
    axes[0].plot(*np.transpose(points), "x", color="black", markersize=9, label=label)
    axes[0].axhline(10, color="gray", linewidth=0.8)
    axes[0].text(0, 12, "chute", color="gray")
    axes[0].set(
        xlabel="esparsidade: pesos que saíram (%)",
        ylabel="acertos na validação (%)",
        title="Quanto a rede aguenta perder",
    )
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), fontsize="small")

    position = np.arange(3)
    for shift, (name, runs) in zip((-0.2, 0.2), left.items(), strict=True):
        axes[1].bar(position + shift, np.mean(runs, axis=0), width=0.4, label=name)
    axes[1].set_xticks(position, ["64 → 128", "128 → 64", "64 → 10"])
    axes[1].set(
        xlabel="camada",
        ylabel="pesos que ficaram (%)",
        title="Com 90% de esparsidade, a global poupa a última camada",
    )
    axes[1].legend()
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
