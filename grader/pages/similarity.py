"""Pares de soluções parecidas demais: que código incomum na turma dois cadernos têm em comum.

A medida parte das impressões digitais de Schleimer, Wilkerson e Aiken (*Winnowing*, SIGMOD 2003):

1. O código vira uma sequência de símbolos. Comentários e espaços saem; nomes que o estudante escolhe e textos
   perdem a grafia; ficam palavras-chave, operadores, números, funções embutidas e o que vem depois de um
   ponto (`np.where`, `x.shape`), porque escolher outra função da biblioteca é escrever outro código.
2. Cada trecho de `GRAM` símbolos seguidos é uma impressão. Num exercício o código é pouco: guardam-se todas,
   sem o sorteio do *winnowing*, e nenhuma cópia de `GRAM` símbolos escapa.
3. Sai da conta o que todos receberam ou se esperava deles (o modelo e a referência) e o que mais de um terço
   da turma escreveu: num exercício pequeno, soluções honestas se parecem.
4. Do que resta, cada impressão pesa ln((n + 1)/k), em que k dos n cadernos a têm: quanto mais rara, mais conta.
   A semelhança de um par é o peso das impressões que os dois têm dividido pelo das que um ou outro tem.
5. Aponta-se o par que passa de `LEAST_SIMILARITY` e também de `ABOVE_TYPICAL` vezes a semelhança típica na turma:
   a mediana, sobre os estudantes, da semelhança com o caderno mais parecido.

Os limites vêm de turmas simuladas em que cada um sorteia, por conta própria, como escrever cada função. O
copydetect, que também usa *winnowing*, não sabe o que é comum na turma e compara os pares um a um; aqui, um
produto de matrizes esparsas, em blocos, compara 2.000 cadernos em segundos.
"""

import builtins
import io
import keyword
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer

GRAM = 8  # símbolos por impressão: cerca de uma linha de código
COMMON = 1 / 3  # fração da turma a partir da qual uma impressão é só o jeito comum de escrever
LEAST_SHARED = 30  # impressões incomuns que dois cadernos devem ter em comum: cerca de cinco linhas
LEAST_SIMILARITY = 0.7
ABOVE_TYPICAL = 1.5
SMALL_CLASS = 20  # com menos cadernos, a semelhança típica diz pouco
CERTAIN = 0.95  # acima disso um par é apontado em qualquer turma
BLOCK = 256  # cadernos comparados de cada vez com a turma toda
CODE_LIMIT = 100_000  # caracteres lidos de cada célula

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_KEPT_NAMES = frozenset(keyword.kwlist) | frozenset(dir(builtins))


@dataclass(frozen=True)
class Pair:
    """Dois estudantes, a semelhança deles (0 a 1) e quantas impressões incomuns têm em comum.

    `owners` é em quantos cadernos da turma está cada uma delas (mediana): com 2, são só desses dois.
    """

    first: str
    second: str
    similarity: float
    shared: int
    owners: int


@dataclass(frozen=True)
class Comparison:
    """Pares que pedem um olhar, do mais ao menos parecido, e a semelhança típica na turma."""

    pairs: list[Pair]
    typical: float


def compare(notebooks: Mapping[str, Iterable[str]], known: Iterable[str] = ()) -> Comparison:
    """Compara todos os cadernos de uma turma.

    `notebooks` traz as células de código de cada estudante; `known`, o código que não conta.
    """
    students = sorted(notebooks)
    expected = fingerprints(known)
    prints = [fingerprints(notebooks[student]) - expected for student in students]
    if len(students) < 2 or not any(prints):
        return Comparison([], 0.0)
    owned = CountVectorizer(analyzer=sorted, binary=True, dtype=np.float64).fit_transform(prints)
    owners = np.asarray(owned.sum(axis=0)).ravel()
    uncommon = owners <= max(3, COMMON * len(students))
    owned, owners = csr_array(owned[:, uncommon]), owners[uncommon]
    nearest, candidates = _alike(owned, owners)
    typical = float(np.median(nearest))
    threshold = LEAST_SIMILARITY
    if len(students) >= SMALL_CLASS:
        threshold = min(CERTAIN, max(threshold, ABOVE_TYPICAL * typical))
    pairs = []
    for i, j, similarity in candidates:
        grams = (owned[[i]] * owned[[j]]).indices
        if similarity >= threshold and len(grams) >= LEAST_SHARED:
            pairs.append(
                Pair(students[i], students[j], similarity, len(grams), int(np.median(owners[grams])))
            )
    pairs.sort(
        key=lambda pair: (-round(pair.similarity, 2), pair.owners, -pair.shared, pair.first, pair.second)
    )
    return Comparison(pairs, typical)


def _alike(owned: csr_array, owners: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int, float]]]:
    """Semelhança de cada caderno com o mais parecido, e os pares (i, j, semelhança) acima do mínimo."""
    weighted = (owned * np.log((owned.shape[0] + 1) / owners)).tocsr()
    total = weighted.sum(axis=1)
    others = owned.T.tocsr()
    nearest = np.zeros(len(total))
    pairs = []
    for start in range(0, len(total), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(total)))
        both = (weighted[rows] @ others).toarray()
        either = total[rows, None] + total - both
        similarity = np.divide(both, either, out=np.zeros_like(both), where=either > 0).clip(0, 1)
        similarity[rows - start, rows] = 0
        nearest[rows] = similarity.max(axis=1)
        above = np.argwhere(similarity >= LEAST_SIMILARITY)
        pairs += [(start + int(i), int(j), float(similarity[i, j])) for i, j in above if start + i < j]
    return nearest, pairs


def fingerprints(cells: Iterable[str]) -> set[str]:
    """Impressões digitais de um caderno; nenhuma atravessa o limite entre células."""
    return {
        " ".join(symbols[start : start + GRAM])
        for symbols in (list(_symbols(cell[:CODE_LIMIT])) for cell in cells)
        for start in range(len(symbols) - GRAM + 1)
    }


def _symbols(code: str) -> Iterator[str]:
    """Símbolos do código, normalizados; o que não é Python rende só os símbolos até o primeiro engano."""
    previous = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type in _LAYOUT:
                continue
            if token.type == tokenize.NAME and token.string not in _KEPT_NAMES and previous != ".":
                yield "nome"
            elif token.type == tokenize.STRING:
                yield "texto"
            else:
                yield token.string
            previous = token.string
    except (tokenize.TokenError, SyntaxError):
        return
