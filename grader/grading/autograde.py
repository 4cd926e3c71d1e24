"""Corrige uma turma: escreve cada registro assim que fica pronto e retoma de onde parou."""

import contextlib
import errno
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grader.cells import defined_names, role
from grader.course import ClassDir
from grader.errors import GraderError, reason
from grader.exercise import Exercise
from grader.files import remove_leftovers, replacing, write_atomically
from grader.grading.gradebook import Ledger, open_gradebook, recorded_scores, register_exercise, stamps
from grader.grading.marker import Marker
from grader.grading.pool import ClusterPool, LocalPool, grade_all
from grader.grading.submission import Cell, Submission, read_submission
from grader.isolation import Limits
from grader.lms.collect import Manifest, Received
from grader.record import Record, read_records
from grader.release import grade_id, nbgrader_cell

BATCH = 20
"""Registros por transação no livro de notas."""


@dataclass
class Session:
    """Uma correção em andamento: o que já vale e onde gravar o que vier."""

    classdir: ClassDir
    marker: Marker
    ledger: Ledger
    valid: dict[str, str]
    """Por estudante, a impressão digital da nota que está igual nos dois lugares, registro e livro de notas."""
    received: dict[str, Received]
    force: bool

    @property
    def slug(self) -> str:
        return self.marker.exercise.slug

    def pending(self) -> Iterator[Submission]:
        """Entregas que ainda não têm nota válida, lidas uma a uma."""
        for student, folder in self.classdir.submissions(self.slug):
            submission = read_submission(student, folder)
            if student in self.received:
                submission.notes.extend(self.received[student].notes)
            if self.force or self.valid.get(student) != self.marker.fingerprint(submission):
                yield submission

    def save(self, finished: Iterator[tuple[Submission, Record]]) -> Iterator[Record]:
        """Grava cada registro no arquivo na hora e no livro de notas aos lotes."""
        batch: list[tuple[Record, str, str]] = []
        try:
            for submission, record in finished:
                notebook = autograded_notebook(submission, record, self.marker.exercise)
                write_atomically(self.classdir.autograded(record.student, self.slug), notebook)
                append(self.classdir.results(self.slug), record)
                batch.append((record, submission.timestamp, self._name(record.student)))
                if len(batch) == BATCH:
                    self.ledger.write(batch)
                    batch = []
                yield record
        finally:
            self.ledger.write(batch)
        compact(self.classdir.results(self.slug))

    def _name(self, student: str) -> str:
        return self.received[student].name if student in self.received else student


@contextlib.contextmanager
def session(classdir: ClassDir, exercise: Exercise, seed: int | None, force: bool) -> Iterator[Session]:
    """Prepara a correção de um exercício: semente, livro de notas e o que já está corrigido."""
    slug = exercise.slug
    with only_one(classdir, slug), open_gradebook(classdir) as gradebook:
        register_exercise(gradebook, exercise)
        marker = Marker(exercise, settled_seed(classdir, slug, seed))
        tidy(classdir, slug)
        scores, known = recorded_scores(gradebook, slug), stamps(gradebook, slug)
        valid = {
            record.student: record.fingerprint
            for record in read_records(classdir.results(slug))
            if known.get(record.student) == record.fingerprint
            and abs(scores.get(record.student, -1.0) - record.score) < 1e-6
        }
        yield Session(
            classdir,
            marker,
            Ledger(gradebook, exercise),
            valid,
            Manifest.load(classdir.manifest(slug)).root,
            force,
        )


def open_pool(
    marker: Marker, workers: int, cluster: str | None, isolated: bool, limits: Limits | None = None
) -> LocalPool | ClusterPool:
    """Processos locais, ou o agendador Dask em `cluster`."""
    limits = limits or Limits()
    if cluster:
        return ClusterPool(marker, cluster, limits, isolated)
    return LocalPool(marker, workers, limits, isolated)


def run(session: Session, pool: LocalPool | ClusterPool) -> Iterator[Record]:
    """Corrige o que falta e devolve os registros à medida que ficam prontos e gravados."""
    yield from session.save(grade_all(pool, session.pending()))


def settled_seed(classdir: ClassDir, slug: str, seed: int | None) -> int:
    """A semente pedida ou a já sorteada para esta turma; sorteia e guarda uma se não há."""
    path = classdir.seed(slug)
    if seed is None and path.is_file():
        try:
            return int(path.read_text())
        except ValueError:
            raise GraderError(
                f"{path} deveria conter um número inteiro. Apague-o para sortear outro."
            ) from None
    seed = secrets.randbits(32) if seed is None else seed
    write_atomically(path, f"{seed}\n")
    return seed


@contextlib.contextmanager
def only_one(classdir: ClassDir, slug: str) -> Iterator[None]:
    """Impede duas correções do mesmo exercício ao mesmo tempo; o sistema solta a trava se o processo morre."""
    path = classdir.results(slug).with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise GraderError(
            f"Não consegui escrever em {path.parent}: {reason(error)}. Acerte isso e rode o comando de novo."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GraderError(f"Já há uma correção de “{slug}” em andamento nesta turma.") from None
        yield


def append(path: Path, record: Record) -> None:
    """Acrescenta uma linha em uma só escrita; uma queda no meio deixa no máximo a última linha incompleta."""
    data = record.model_dump_json().encode() + b"\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            written = os.write(descriptor, data)
            if written != len(data):
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
                raise OSError(errno.ENOSPC, "disco cheio")
        finally:
            os.close(descriptor)
    except OSError as error:
        raise GraderError(
            f"Não consegui escrever {path}: {reason(error)}. Libere espaço ou acerte as permissões e rode o "
            "comando de novo: ele retoma de onde parou."
        ) from error


def tidy(classdir: ClassDir, slug: str) -> None:
    """Limpa o que uma correção interrompida deixou: temporários e linhas repetidas ou pela metade."""
    remove_leftovers(classdir.seed(slug))
    remove_leftovers(classdir.results(slug))
    for student, _ in classdir.submissions(slug):
        remove_leftovers(classdir.autograded(student, slug))
    compact(classdir.results(slug))


def compact(path: Path) -> None:
    """Deixa uma linha por estudante, a última inteira, em ordem alfabética."""
    if not path.is_file():
        return
    latest: dict[str, int] = {}  # onde começa a linha: a memória não cresce com o tamanho dos registros
    with path.open("rb") as lines:
        start = 0
        for line in lines:
            with contextlib.suppress(ValidationError):
                latest[Record.model_validate_json(line).student] = start
            start += len(line)
        with replacing(path) as stream:
            for student in sorted(latest):
                lines.seek(latest[student])
                stream.write(lines.readline().rstrip(b"\n") + b"\n")


# --- o caderno que o formgrader mostra --------------------------------------------------------------


def autograded_notebook(submission: Submission, record: Record, exercise: Exercise) -> str:
    """O caderno do estudante sem saídas, com os metadados do nbgrader refeitos e o resultado das verificações."""
    cells = [_shown(cell) for cell in submission.cells]
    for function in exercise.functions:
        _mark_solution(cells, function)
        _mark_checks(cells, function, record, exercise)
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    document = {
        "cells": cells,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def _shown(cell: Cell) -> dict[str, Any]:
    if cell.kind != "code":
        return {"cell_type": "markdown", "metadata": {}, "source": cell.source}
    # A célula de preparação é longa e igual para todos: mostra-se só o título.
    inert = role(cell.source) == "checker" and len(cell.source) > 10_000
    source = cell.source.partition("\n")[0] if inert else cell.source
    return _code_cell(source)


def _mark_solution(cells: list[dict[str, Any]], function: str) -> None:
    """A última célula que define a função é a de solução; se não sobra nenhuma, acrescenta uma que diz por quê."""
    defining = [
        cell
        for cell in cells
        if cell["cell_type"] == "code"
        and "checker." not in cell["source"]
        and function in defined_names(cell["source"])
    ]
    free = [cell for cell in defining if not cell["metadata"]]
    if not free:
        why = "está na mesma célula que outra função" if defining else "nada foi entregue"
        free = [_code_cell(f"# {function}: {why}")]
        cells += free
    free[-1]["metadata"] = {"nbgrader": nbgrader_cell(function, solution=True)}


def _mark_checks(cells: list[dict[str, Any]], function: str, record: Record, exercise: Exercise) -> None:
    """Põe o resultado das verificações na célula delas; se foi apagada, acrescenta outra."""
    ids = {probe.id for probe in exercise.probes if probe.function == function}
    checks = [check for check in record.checks if check.id in ids]
    points = round(sum(check.points for check in checks), 6)
    call = f'checker.check("{function}")'
    cell = next(
        (c for c in cells if c["cell_type"] == "code" and not c["metadata"] and call in c["source"]), None
    )
    if cell is None:
        cell = _code_cell(call)
        cells.append(cell)
    cell["metadata"] = {"nbgrader": nbgrader_cell(grade_id(function), points=points)}
    lines = [
        f"{'✔' if check.status == 'passed' else '✘'} {check.earned:g}/{check.points:g} {check.title}"
        + (f"\n    {check.message}" if check.message else "")
        for check in checks
    ]
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "\n".join(lines) + "\n"}]


def _code_cell(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
