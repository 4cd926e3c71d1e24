"""Entregas hostis: cada uma tenta enganar, travar, derrubar ou espionar a correção.

Um ataque é uma função cujo docstring diz o que ele tenta e cujo decorador diz o que ele merece: a nota, a situação da
entrega e, quando importa, a situação das verificações perdidas (`lost`) e um trecho que o registro deve trazer (`says`).
O que ela devolve é um caderno de verdade, feito do que o estudante recebe; `@placed` é para os ataques que precisam da pasta
da entrega, seja porque conhecem o caminho da turma, seja porque o que põem nela não é um arquivo comum.
"""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.exercise import load_exercise
from tests.notebooks import completed, dumped, reference_sources, released, solved, with_cell

SLUG = "dropout"
EXERCISE = load_exercise(SLUG)
FULL = EXERCISE.max_score


@dataclass(frozen=True)
class Attack:
    """Uma entrega hostil e o que a correção deve dizer dela."""

    name: str
    aim: str
    build: Callable[[Path], bytes | None]
    score: float
    status: str
    lost: str
    says: str

    def hand_in(self, folder: Path) -> None:
        """Põe a entrega em `folder`, a pasta do exercício deste estudante."""
        folder.mkdir(parents=True)
        content = self.build(folder)
        if content is not None:
            (folder / f"{SLUG}.ipynb").write_bytes(content)


ATTACKS: list[Attack] = []

Register = Callable[[Callable], Callable]


def placed(score: float, status: str = "graded", lost: str = "", says: str = "") -> Register:
    """Registra `f(pasta) -> conteúdo do caderno`, ou None se `f` já pôs na pasta o que queria."""

    def register(build: Callable[[Path], bytes | None]) -> Callable[[Path], bytes | None]:
        ATTACKS.append(Attack(build.__name__, str(build.__doc__), build, score, status, lost, says))
        return build

    return register


def attack(score: float, status: str = "graded", lost: str = "", says: str = "") -> Register:
    """Registra `f() -> conteúdo do caderno`."""

    def register(build: Callable[[], bytes]) -> Callable[[], bytes]:
        ATTACKS.append(
            Attack(build.__name__, str(build.__doc__), lambda folder: build(), score, status, lost, says)
        )
        return build

    return register


def worth(*names: str) -> float:
    """Pontos das verificações com estes ids ou destas funções."""
    return round(sum(p.points for p in EXERCISE.probes if p.id in names or p.function in names), 6)


def stub_and(cell: str, position: int | None = None) -> bytes:
    """Nada resolvido e uma célula hostil, no fim ou em `position`."""
    return dumped(with_cell(released(SLUG), textwrap.dedent(cell), position))


def solved_and(cell: str, position: int | None = None) -> bytes:
    """Tudo certo e uma célula hostil, no fim ou em `position`."""
    return dumped(with_cell(solved(EXERCISE), textwrap.dedent(cell), position))


def solved_but(**sources: str) -> bytes:
    """Tudo certo, salvo as funções dadas."""
    changed = {name: textwrap.dedent(source) for name, source in sources.items()}
    return dumped(completed(SLUG, reference_sources(EXERCISE) | changed))
