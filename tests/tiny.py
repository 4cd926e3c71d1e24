"""Um exercício mínimo, que dispensa o PyTorch, para os testes que abrem e derrubam muitas correções.

A correção em outro processo (`start`) é a de verdade: sessão, processos isolados, registros e livro de notas. Só
as importações já vêm feitas, por um servidor de bifurcações.
"""

import functools
import json
import multiprocessing
import os
import random
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.api import SubmittedAssignment

from grader.checker import runtime
from grader.course import ClassDir
from grader.exercise import Exercise, load_exercise
from grader.files import write_atomically
from grader.grading import autograde
from grader.grading.autograde import open_pool
from grader.grading.classroom import CONFIG
from grader.grading.gradebook import open_gradebook, register_exercise
from grader.grading.marker import Marker
from grader.grading.submission import Submission
from grader.isolation import Examination, Limits
from grader.record import Record, read_records
from tests.notebooks import Notebook, code, dumped, hand_in

SLUG = "medias"
SEED = 11
LIMITS = Limits(cell_seconds=3, check_seconds=2, total_seconds=20)
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.tiny"])

SOURCE = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Médias

# %%
from grader.checker import panel as checker

# %%
import numpy as np

# %%
def mean(x):
    ### BEGIN SOLUTION
    return x.sum() / x.size
    ### END SOLUTION

# %%
@checker.probe("mean", "A média é a soma sobre a quantidade", points=4, hint="Some e divida.")
def mean_value(impl, rng):
    return {"média": np.asarray(impl.mean(rng.normal(size=8)))}


### BEGIN HIDDEN TESTS
@checker.probe("mean", "Vale também para matrizes", points=2, hint="Use size, não len.")
def mean_matrix(impl, rng):
    return {"média": np.asarray(impl.mean(rng.normal(size=(3, 4))))}


### END HIDDEN TESTS
checker.check("mean")

# %%
def center(x):
    ### BEGIN SOLUTION
    return x - x.mean()
    ### END SOLUTION

# %%
@checker.probe("center", "A média do resultado é zero", points=4, hint="Subtraia a média.")
def center_value(impl, rng):
    return {"centrado": impl.center(rng.normal(size=8))}


checker.check("center")
"""

CATALOGUE = """\
[[mistake]]
id = "soma"
function = "mean"
sentence = "Você devolveu a soma."
find = "x.sum() / x.size"
replace = "x.sum()"
"""

MEANS = {
    "certa": "def mean(x):\n    return x.sum() / x.size",
    "soma": "def mean(x):\n    return x.sum()",
    "vetores": "def mean(x):\n    return sum(x) / len(x)",
    "erro": "def mean(x):\n    raise RuntimeError('não sei')",
}
CENTERS = {"certa": "def center(x):\n    return x - x.mean()", "nada": "def center(x):\n    return x"}


def write_exercise(folder: Path, source: str = SOURCE) -> Exercise:
    """O exercício em `folder/medias/`, lido de lá."""
    (folder / SLUG).mkdir(parents=True, exist_ok=True)
    (folder / SLUG / f"{SLUG}.py").write_text(source, encoding="utf-8")
    (folder / SLUG / "exercise.toml").write_text(CATALOGUE, encoding="utf-8")
    return load_exercise(SLUG, folder)


def answered(mean: str = "certa", center: str = "certa") -> Notebook:
    """Um caderno entregue, com uma das soluções de cada função."""
    cells = [
        code("import numpy as np"),
        code(MEANS[mean]),
        code('checker.check("mean")'),
        code(CENTERS[center]),
        code('checker.check("center")'),
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@functools.cache
def blank_gradebook() -> bytes:
    """Um livro de notas vazio: o nbgrader leva segundos para criar um, e copiá-lo não custa nada."""
    with tempfile.TemporaryDirectory() as name:
        classdir = ClassDir(Path(name))
        classdir.config.write_text("")
        open_gradebook(classdir).close()
        return (classdir.path / "gradebook.db").read_bytes()


def create(folder: Path, exercise: Exercise) -> ClassDir:
    """Uma turma só com este exercício."""
    classdir = ClassDir(folder)
    write_atomically(classdir.config, CONFIG.format(course="turma", db_url=""))
    write_atomically(folder / "gradebook.db", blank_gradebook())
    with open_gradebook(classdir) as gradebook:
        register_exercise(gradebook, exercise)
    return classdir


def fill(classdir: ClassDir, count: int) -> None:
    """Entregas variadas, sempre as mesmas: certas, erradas e uma ilegível em cada oito."""
    choose = random.Random(3)
    for index in range(count):
        mean, center = choose.choice(list(MEANS)), choose.choice(list(CENTERS))
        content = b"{" if index % 8 == 5 else dumped(answered(mean, center))
        path = hand_in(classdir.path, SLUG, f"estudante-{index:02d}", content)
        if index % 3:
            path.with_name("timestamp.txt").write_text(f"2025-03-{index + 1:02d} 10:00:00 UTC\n")


class InProcess:
    """Faz as vezes do processo isolado, aqui mesmo: só para as entregas destes testes."""

    def __init__(self, exercise: Exercise) -> None:
        self.probes = {probe.id: probe for probe in exercise.probes}

    def examine(self, cells: list[tuple[int, str]], probes: list[str], seed: int) -> Examination:
        namespace: dict[str, Any] = {"checker": type("Mute", (), {"check": staticmethod(lambda name: None)})}
        for _, source in cells:
            exec(source, namespace)
        return Examination({id: runtime.observe(self.probes[id], namespace, seed) for id in probes})


@dataclass
class InProcessPool:
    """Um trabalhador que corrige na hora, no próprio processo."""

    marker: Marker
    window: int = 1

    def submit(self, submission: Submission) -> Future[Record]:
        future: Future[Record] = Future()
        future.set_result(self.marker.grade(submission, InProcess(self.marker.exercise)))  # type: ignore[arg-type]
        return future


def grade(classdir: ClassDir, exercise: Exercise, seed: int | None = SEED, force: bool = False) -> list[str]:
    """Corrige a turma aqui mesmo; devolve quem foi corrigido agora."""
    with autograde.session(classdir, exercise, seed, force) as session:
        pool: Any = InProcessPool(session.marker)
        return [record.student for record in autograde.run(session, pool)]


def grade_isolated(classdir: Path, solutions: Path, workers: int, ready: Any = None) -> None:
    """A correção de verdade, em uma sessão de processos própria, de que nada deve sobrar."""
    os.setsid()
    exercise = load_exercise(SLUG, solutions)
    with (
        autograde.session(ClassDir(classdir), exercise, SEED, force=False) as session,
        open_pool(session.marker, workers, None, True, LIMITS) as pool,
    ):
        if ready is not None:
            ready.set()
        for _ in autograde.run(session, pool):
            pass


@contextmanager
def start(target: Any, *arguments: Any) -> Iterator[Any]:
    """Um processo que executa `target`; no fim do bloco ele não existe mais."""
    process = FORKS.Process(target=target, args=arguments)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def state(classdir: ClassDir, slug: str = SLUG) -> dict[str, Any]:
    """Tudo o que uma correção deixa, salvo o tempo gasto: registros, livro de notas e cadernos corrigidos."""
    records = [record.model_dump(exclude={"seconds"}) for record in read_records(classdir.results(slug))]
    return {
        "records": records,
        "gradebook": gradebook_state(classdir, slug),
        "notebooks": {
            path.parent.parent.name: json.loads(path.read_text(encoding="utf-8"))
            for path in classdir.path.glob(f"autograded/*/{slug}/*.ipynb")
        },
        "files": sorted(str(path.relative_to(classdir.path)) for path in classdir.path.rglob("*")),
    }


def gradebook_state(classdir: ClassDir, slug: str = SLUG) -> dict[str, Any]:
    """Por estudante: hora da entrega, pontos e comentários de cada célula."""
    with open_gradebook(classdir) as gradebook:
        return {s.student_id: submission_state(s) for s in gradebook.assignment_submissions(slug)}


def submission_state(submission: SubmittedAssignment) -> dict[str, Any]:
    [notebook] = submission.notebooks
    return {
        "timestamp": submission.timestamp,
        "grades": {g.name: (g.auto_score, g.manual_score, g.extra_credit) for g in notebook.grades},
        "comments": {c.name: c.auto_comment for c in notebook.comments},
    }
