"""As entregas do banco: as mesmas a cada execução, todas terminam."""

from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from grader.exercise import Exercise
from tests.notebooks import Notebook, code, dumped, hand_in, mistaken, released, solved, variant, variants

SLUG = "dropout"


@dataclass(frozen=True)
class Entry:
    """Uma entrega: `merit` é "certa", "parcial" (tem um erro comum) ou "vazia"."""

    student: str
    merit: str
    notebook: Notebook


def corpus(exercise: Exercise, count: int) -> list[Entry]:
    """Em cada dez: quatro certas, em todos os estilos; cinco com erros comuns; uma em branco."""
    correct = [solved(exercise), *(variant(exercise, name) for name in variants(SLUG))]
    wrong = [mistaken(exercise, mistake.id) for mistake in exercise.mistakes]
    queues = {"certa": cycle(correct), "parcial": cycle(wrong), "vazia": cycle([released(SLUG)])}
    turns = islice(cycle(["certa", "parcial"] * 4 + ["parcial", "vazia"]), count)
    return [
        Entry(student, merit, personal(next(queues[merit]), student))
        for index, merit in enumerate(turns)
        if (student := f"aluno-{index:05}")
    ]


def personal(notebook: Notebook, student: str) -> Notebook:
    """Sem a experiência final, que só o nbgrader e o otter executariam, e diferente de todas as outras."""
    cells = [cell for cell in notebook["cells"] if "checker.ready(" not in cell["source"]]
    return {**notebook, "cells": [*cells, {**code(f"# entregue por {student}"), "id": student}]}


def bare_stub() -> bytes:
    """A entrega mais barata: só as células de código em branco, sem a de preparação."""
    notebook = released(SLUG)
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code" and "checker" not in c["source"]]
    return dumped({**notebook, "cells": cells})


def write(entries: list[Entry], classdir: Path) -> None:
    """Põe as entregas em uma turma."""
    for entry in entries:
        hand_in(classdir, SLUG, entry.student, dumped(entry.notebook))
