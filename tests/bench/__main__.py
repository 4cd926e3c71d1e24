"""`python -m tests.bench`: mede os três corretores e o piso e diz se as metas foram alcançadas."""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console

from grader.course import ROOT
from grader.exercise import load_exercise
from grader.grading.marker import Marker
from tests.bench import contenders, tables
from tests.bench.contenders import SEED, Course, Graded
from tests.bench.corpus import SLUG, bare_stub, corpus
from tests.bench.measure import BenchError, Measured
from tests.bench.tables import WORKER, Flat, Report
from tests.notebooks import hand_in

RESULTS = ROOT / "_build" / "bench.json"
WORKERS = (1, 2)
out = Console()


def main(
    submissions: Annotated[int, typer.Option(min=10, help="Quantas entregas.")] = 100,
    flat: Annotated[int, typer.Option(min=0, help="Tamanho da turma grande; 0 a deixa de fora.")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="Vezes que se medem o nosso corretor e o piso.")] = 3,
) -> None:
    """Compara o nosso corretor com o nbgrader, o otter-grader e uma bifurcação nua."""
    exercise = load_exercise(SLUG)
    report = Report(submissions)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        course = Course(Path(folder), Marker(exercise, SEED), corpus(exercise, submissions))
        with step("preparação"):
            contenders.install_otter()
            course.create()
        sizes = sorted({100, flat}) if flat else []
        for measure in (
            measure_nbgrader,
            partial(measure_ours, rounds=rounds),
            measure_memory,
            *(partial(measure_growth, size=size) for size in sizes),
            measure_otter,  # o mais demorado
        ):
            measure(course, report)
            report.save(RESULTS)  # o que já se mediu não se perde
    tables.show(report, out)
    out.print(f"Resultados: {RESULTS}", soft_wrap=True)


def measure_nbgrader(course: Course, report: Report) -> None:
    with step("nbgrader"):
        measured = contenders.nbgrader(course.copy("nbgrader", course.entries), report.submissions)
    report.add("nbgrader", measured.seconds, peak=measured.memory.tree)


def measure_otter(course: Course, report: Report) -> None:
    with step("otter-grader"):
        each = contenders.otter(course.folder / "otter", course.marker, course.entries)
    peak = max(measured.memory.tree for measured in each)
    report.add("otter-grader", sum(m.seconds for m in each), peak=peak)


def measure_ours(course: Course, report: Report, rounds: int) -> None:
    """Nosso corretor e o piso, alternados, para que o resto da máquina pese igual nos dois."""
    graded: dict[int, list[Graded]] = {workers: [] for workers in WORKERS}
    bare: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    for number in range(rounds):
        with step(f"nosso corretor e o piso, {number + 1} de {rounds}"):
            for workers in WORKERS:
                bare[workers].append(contenders.floor(course, workers))
                graded[workers].append(contenders.graded(course, workers))
    for workers, runs in graded.items():
        report.add(
            tables.ours(workers),
            median(run.total.seconds for run in runs),
            startup=median(run.idle.seconds for run in runs),
            each=median(run.steady for run in runs),
        )
    for workers, floors in bare.items():
        report.add(tables.bare(workers), median(floors))


def measure_memory(course: Course, report: Report) -> None:
    """Outra correção, sem cronômetro, olhando a memória a cada 20 ms."""
    for workers in WORKERS:
        with step(f"memória, {tables.ours(workers)}"):
            classdir = course.copy("nossa", course.entries)
            measured = contenders.ours(classdir, workers, report.submissions, sampling=0.02)
        report.rate(tables.ours(workers)).peak = measured.memory.tree
        report.parts = parts(measured)


def parts(measured: Measured) -> dict[str, int]:
    """A memória de cada papel: quem não criou ninguém é trabalhador, quem criou é o processo aquecido."""
    memory = measured.memory
    others = memory.resident.keys() - {measured.pid}
    return {
        "coordenador": memory.resident[measured.pid],
        "processo aquecido": max(memory.resident[pid] for pid in others & memory.parents),
        WORKER: max(memory.own[pid] for pid in others - memory.parents),
    }


def measure_growth(course: Course, report: Report, size: int) -> None:
    """A memória do coordenador com `size` cópias da entrega mais barata."""
    classdir = course.copy("grande", [])
    stub = bare_stub()
    for index in range(size):
        hand_in(classdir, SLUG, f"aluno-{index:05}", stub)
    with step(f"turma de {size}"):
        measured = contenders.ours(classdir, 2, size, sampling=0.25)
    report.flat.append(Flat(size, measured.seconds, measured.memory.resident[measured.pid]))


@contextmanager
def step(name: str) -> Iterator[None]:
    """Diz o que está sendo medido e quanto levou."""
    started = time.perf_counter()
    out.print(f"{name}…", end=" ", highlight=False)
    yield
    out.print(f"{time.perf_counter() - started:.0f} s", highlight=False)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # sai desfazendo pastas e processos
    try:
        typer.run(main)
    except BenchError as error:
        print(f"\nbench: {error}", file=sys.stderr)
        sys.exit(1)
