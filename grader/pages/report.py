"""Relatório de um exercício: uma página só, sem nada de fora, sobre como a turma foi."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from grader.course import EXERCISES, ClassDir
from grader.exercise import Exercise, load_exercise
from grader.files import write_atomically
from grader.grading.gradebook import open_gradebook
from grader.grading.marks import read_marks
from grader.pages.concerns import concerns
from grader.pages.html import STATUS_WORDS, code_cells, latest_records, link, number, render
from grader.pages.similarity import GRAM, compare
from grader.record import CheckStatus, Record

BINS = 10
MISTAKES = 10
SLOWEST = 5
PAIRS = 20


@dataclass(frozen=True)
class Student:
    """Uma entrega no relatório; `score` é a nota que vale, a do livro de notas."""

    name: str
    href: str
    score: float
    record: Record


@dataclass(frozen=True)
class CheckSummary:
    """Como a turma foi em uma verificação: quantas entregas terminaram em cada estado."""

    title: str
    hidden: bool
    statuses: dict[CheckStatus, int]

    @property
    def total(self) -> int:
        return sum(self.statuses.values())


def write_report(classdir: ClassDir, slug: str) -> Path:
    """Escreve o relatório de `slug` e devolve o caminho.

    Levanta `GraderError` se nada foi corrigido ainda.
    """
    exercise = load_exercise(slug)
    page = classdir.report(slug)
    students = _students(classdir, slug, page)
    records = [student.record for student in students.values()]
    scores = [student.score for student in students.values()]
    code = _own_code(classdir, slug, students)
    comparison = compare(code, exercise.sources("support", "solution", "probes", "checker"))
    pairs = comparison.pairs[:PAIRS]
    html = render(
        "report.html",
        title=exercise.title,
        max_score=exercise.max_score,
        students=students,
        scores=_quartiles(scores),
        bins=_histogram(scores, exercise.max_score),
        checks=_checks(exercise, records),
        mistakes=_mistakes(exercise, records)[:MISTAKES],
        times=_times(records),
        slowest=sorted(students.values(), key=lambda s: (-s.record.seconds, s.record.student))[:SLOWEST],
        concerns=concerns(records),
        compared=len(code),
        typical=comparison.typical,
        gram=GRAM,
        pairs=pairs,
        pair_count=len(comparison.pairs),
        code={s: "\n\n".join(code[s]) for pair in pairs for s in (pair.first, pair.second)},
    )
    write_atomically(page, html)
    return page


def _students(classdir: ClassDir, slug: str, page: Path) -> dict[str, Student]:
    records = latest_records(classdir, slug)
    with open_gradebook(classdir) as gradebook:
        marks = {mark.student: mark for mark in read_marks(gradebook, classdir, slug)}
    return {
        student: Student(
            marks[student].name, link(classdir.feedback(student, slug), page), marks[student].score, record
        )
        for student, record in records.items()
    }


def _own_code(classdir: ClassDir, slug: str, students: Iterable[str]) -> dict[str, list[str]]:
    """Por estudante com caderno legível, as células de código que diferem das do modelo entregue.

    Do modelo `autograde` às vezes guarda só a primeira linha de uma célula; ela também não conta.
    """
    released = [source.strip() for source in code_cells(EXERCISES / slug / f"{slug}.ipynb")]
    template = {*released, *(source.partition("\n")[0] for source in released)}
    cells = {student: code_cells(classdir.autograded(student, slug)) for student in students}
    return {
        student: [source for source in own if source.strip() not in template]
        for student, own in cells.items()
        if own
    }


def _quartiles(values: list[float]) -> dict[str, float]:
    low, first, median, third, high = np.percentile(values, [0, 25, 50, 75, 100])
    return {
        "low": low,
        "first": first,
        "median": median,
        "third": third,
        "high": high,
        "mean": np.mean(values),
    }


def _times(records: list[Record]) -> dict[str, float]:
    median, p95, high = np.percentile([record.seconds for record in records], [50, 95, 100])
    return {"median": median, "p95": p95, "high": high}


def _histogram(scores: list[float], max_score: float) -> list[tuple[str, int]]:
    """Dez faixas iguais de nota e quantas entregas há em cada uma; a última inclui a nota máxima."""
    counts, edges = np.histogram(np.clip(scores, 0, max_score), BINS, (0, max_score))
    labels = [f"{number(low)} a {number(high)}" for low, high in pairwise(edges)]
    return list(zip(labels, counts.tolist(), strict=True))


def _checks(exercise: Exercise, records: list[Record]) -> dict[str, list[CheckSummary]]:
    """Por função, o resultado da turma em cada verificação, na ordem do exercício."""
    seen: dict[str, Counter[CheckStatus]] = defaultdict(Counter)
    for record in records:
        for check in record.checks:
            seen[check.id][check.status] += 1
    return {
        function: [
            CheckSummary(
                probe.title, probe.hidden, {status: seen[probe.id][status] for status in STATUS_WORDS}
            )
            for probe in exercise.probes
            if probe.function == function
        ]
        for function in exercise.functions
    }


def _mistakes(exercise: Exercise, records: list[Record]) -> list[tuple[str, str, int]]:
    """(função, frase, quantos estudantes) de cada erro reconhecido, do mais ao menos frequente."""
    counts = Counter(mistake for record in records for mistake in {check.mistake for check in record.checks})
    found = [(m.function, m.sentence, counts[m.id]) for m in exercise.mistakes if counts[m.id]]
    return sorted(found, key=lambda mistake: -mistake[2])
