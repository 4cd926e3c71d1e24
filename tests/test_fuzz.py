"""Cadernos mutantes: qualquer arquivo termina em um registro, e o que não é solução não muda a nota.

`make fuzz` corrige mil mutantes em vez de cem; `FUZZ_SEED` troca a
semente deles. Um mutante se refaz só com a semente e o número dele.
"""

import copy
import json
import os
import random
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.course import ClassDir
from grader.exercise import Exercise, load_exercise
from grader.grading import autograde
from grader.grading.autograde import autograded_notebook
from grader.grading.marker import Marker
from grader.grading.submission import Submission, read_submission
from grader.isolation import Examiner
from grader.lms.export import export
from grader.pages.feedback import write_feedback
from grader.pages.report import write_report
from grader.record import Record, read_records
from tests import tiny
from tests.conftest import QUICK, SEED
from tests.notebooks import Notebook, code, dumped, grade_id, hand_in, mistaken, released, solved

SLUG = "dropout"
COUNT = int(os.environ.get("FUZZ", "100"))
FUZZ_SEED = int(os.environ.get("FUZZ_SEED", "1"))

Mutation = Callable[[Any, random.Random], Any]

STRANGE: list[Any] = [
    None, True, False, 0, -1, 10**30, 1e308, float("nan"), float("-inf"), "", "\0", "\ud800", "‮abc​",
    "x" * 5000, "é" * 50, [], {}, [[]], [None], [1, "a", None], {"cells": []}, {"": ""}, {"a": {"b": {"c": []}}},
]  # fmt: skip
IDS = ["dropout_forward", "check_dropout_forward", "check_dropout_backward", "outra"]
STRANGE_SOURCES = [
    "%matplotlib inline", "!ls /", "?print", "%%time\nx = 1", "%%bash\necho oi", "%%inexistente\nx", "await f()",
    "yield 1", "return 3", "global x", "x = '\\ud800'", "raise SystemExit", "raise KeyboardInterrupt", "import this",
    "print('\\0')", "x = 10**100000", "exit()", "del __builtins__", "lambda: (yield)", "# -*- coding: latin-1 -*-",
    "# -*- coding: inexistente -*-", "def f(:", "(" * 300, "-" * 20000 + "1", "[" * 150 + "]" * 150, "\tx = 1",
    "\x0c", "﻿x = 1", "ｘ = 1", "1_000_", "x = 1 if", "\\", "'''", "raise ValueError('\\0\\ud83d')",
    "class E(Exception):\n def __str__(self): raise self\nraise E",
    "class E(Exception):\n __str__ = None\nraise E()", "raise type('\\0é', (Exception,), {})()",
]  # fmt: skip


# --- mutações do documento --------------------------------------------------------------------------


def some(chance: random.Random, items: list[Any]) -> list[Any]:
    return [item for item in items if chance.random() < 0.3]


def delete_cells(notebook: Notebook, chance: random.Random) -> Notebook:
    doomed = {id(cell) for cell in some(chance, notebook["cells"])}
    notebook["cells"] = [cell for cell in notebook["cells"] if id(cell) not in doomed]
    return notebook


def duplicate_cells(notebook: Notebook, chance: random.Random) -> Notebook:
    notebook["cells"] = [{**cell} for cell in notebook["cells"] for _ in range(chance.choice([1, 1, 2, 5]))]
    return notebook


def reorder_cells(notebook: Notebook, chance: random.Random) -> Notebook:
    chance.shuffle(notebook["cells"])
    return notebook


def drop_keys(notebook: Notebook, chance: random.Random) -> Notebook:
    for cell in notebook["cells"]:
        for key in some(chance, list(cell)):
            del cell[key]
    for key in some(chance, list(notebook)):
        del notebook[key]
    return notebook


def strange_metadata(notebook: Notebook, chance: random.Random) -> Notebook:
    notebook["metadata"] = {"kernelspec": chance.choice([*STRANGE, {"language": chance.choice(STRANGE)}])}
    for cell in some(chance, notebook["cells"]):
        cell["metadata"] = chance.choice(
            [*STRANGE, {"nbgrader": chance.choice(STRANGE)}, {"nbgrader": {"grade_id": chance.choice(IDS)}}]
        )
    return notebook


def strange_values(notebook: Notebook, chance: random.Random) -> Any:
    """Troca valores quaisquer da árvore JSON por outros de tipo errado."""
    rate = chance.choice([0.003, 0.02, 0.2])

    def changed(value: Any) -> Any:
        if chance.random() < rate:
            return copy.deepcopy(chance.choice(STRANGE))
        if isinstance(value, dict):
            return {key: changed(child) for key, child in value.items()}
        if isinstance(value, list):
            return [changed(child) for child in value]
        return value

    return changed(notebook)


def strange_cells(notebook: Notebook, chance: random.Random) -> Notebook:
    for source in chance.sample(STRANGE_SOURCES, 4):
        position = chance.randrange(len(notebook["cells"]) + 1)
        notebook["cells"].insert(position, chance.choice([code(source), chance.choice(STRANGE)]))
    return notebook


def damaged_code(notebook: Notebook, chance: random.Random) -> Notebook:
    """Apaga, dobra ou troca caracteres do código, como quem digita mal."""
    for cell in some(chance, notebook["cells"]):
        text = list(cell["source"])
        for _ in range(3):
            position = chance.randrange(len(text) + 1)
            text[position : position + chance.randrange(3)] = chance.choice(
                [[], ["("], ["\n"], ["0"], ["é"], [" "]]
            )
        cell["source"] = "".join(text)
    return notebook


def other_sources(notebook: Notebook, chance: random.Random) -> Notebook:
    """O texto das células em linhas, com CRLF, com tabulações, com nulos."""
    for cell in some(chance, notebook["cells"]):
        cell["source"] = chance.choice(
            [
                cell["source"].splitlines(keepends=True),
                cell["source"].replace("\n", "\r\n"),
                cell["source"].replace("    ", "\t"),
                "\0".join(cell["source"]),
                [cell["source"], None, 3, ["x"]],
            ]
        )
    return notebook


def older_format(notebook: Notebook, chance: random.Random) -> Any:
    """Os formatos 1, 2 e 3: folhas de trabalho, `input` no lugar de `source`."""
    cells = [{**cell, chance.choice(["input", "code"]): cell["source"]} for cell in notebook["cells"]]
    for cell in cells:
        del cell["source"]
    version = chance.choice([1, 2, 3])
    sheets = [{"cells": cells[:5]}, chance.choice(STRANGE), {"cells": cells[5:]}]
    return (
        {"nbformat": version, "cells": cells} if version == 1 else {"nbformat": version, "worksheets": sheets}
    )


DOCUMENT: list[Mutation] = [
    delete_cells, duplicate_cells, reorder_cells, drop_keys, strange_metadata, strange_values, strange_cells,
    damaged_code, other_sources, older_format,
]  # fmt: skip


# --- mutações dos bytes -----------------------------------------------------------------------------


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 5, 100])):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def encoded(data: bytes, chance: random.Random) -> bytes:
    return data.decode().encode(chance.choice(["utf-16", "utf-8-sig", "utf-32", "cp1252"]), "replace")


def duplicate_keys(data: bytes, chance: random.Random) -> bytes:
    return data[:-1] + b', "cells": ' + json.dumps(chance.choice(STRANGE[:6])).encode() + b"}"


def impossible_numbers(data: bytes, chance: random.Random) -> bytes:
    number = chance.choice([b"9" * 6000, b"NaN", b"-Infinity", b"1e999999", b"-0.0", b"0x10"])
    return data.replace(b"null", number).replace(b'"nbformat": 4', b'"nbformat": ' + number)


def deep(data: bytes, chance: random.Random) -> bytes:
    depth = chance.choice([50, 300, 900, 100_000])
    return data.replace(b"{}", b'{"a": [' * depth + b"]}" * depth, 1)


def surrounded(data: bytes, chance: random.Random) -> bytes:
    junk = chance.choice([b"\0", b"\n\n", b"\xff", b"/* */", b"<html>", b"[" * 100_000, b"{}"])
    return chance.choice([junk + data, data + junk, junk])


BYTES: list[Mutation] = [truncated, flipped, encoded, duplicate_keys, impossible_numbers, deep, surrounded]


def mutant(exercise: Exercise, number: int) -> tuple[bytes, bool]:
    """Um mutante e se ele veio do caderno sem nenhuma solução."""
    chance = random.Random(f"{FUZZ_SEED} {number}")
    stub = number % 5 == 4
    bases = [solved(exercise), solved(exercise), mistaken(exercise, chance.choice(exercise.mistakes).id)]
    document: Any = released(exercise.slug) if stub else chance.choice(bases)
    for mutate in chance.sample(DOCUMENT, chance.choice([1, 1, 2, 3])):
        if well_formed(document):
            document = mutate(document, chance)
    data = json.dumps(document, ensure_ascii=chance.random() < 0.8).encode("utf-8", "surrogatepass")
    if chance.random() < 0.3:
        data = chance.choice(BYTES)(data, chance)
    return data, stub


def well_formed(document: Any) -> bool:
    """Ainda se parece com um caderno o bastante para outra mutação?"""
    cells = document.get("cells") if isinstance(document, dict) else None
    return (
        isinstance(cells, list)
        and len(cells) > 0
        and all(
            isinstance(cell, dict)
            and isinstance(cell.get("source"), str)
            and isinstance(cell.get("metadata"), dict)
            for cell in cells
        )
    )


# --- todo mutante vira registro ---------------------------------------------------------------------


class Replay:
    """Um trabalhador que já sabe as respostas."""

    window = 4

    def __init__(self, records: dict[str, Record]) -> None:
        self.records = records

    def submit(self, submission: Submission) -> Future[Record]:
        future: Future[Record] = Future()
        future.set_result(self.records[submission.student])
        return future


@pytest.fixture(scope="module")
def dropout() -> Exercise:
    return load_exercise(SLUG)


@pytest.fixture(scope="module")
def classdir(tmp_path_factory: pytest.TempPathFactory, dropout: Exercise) -> ClassDir:
    return tiny.create(tmp_path_factory.mktemp("mutantes") / "turma", dropout)


@pytest.fixture(scope="module")
def records(classdir: ClassDir, dropout: Exercise) -> dict[str, Record]:
    """Cada mutante corrigido em isolamento; um erro aqui diz o número dele."""
    marker, graded = Marker(dropout, SEED), {}
    with Examiner(dropout.probe_sources, dropout.barred, QUICK) as examiner:
        for number in range(COUNT):
            student = f"mutante-{number:05d}"
            data, stub = mutant(dropout, number)
            folder = hand_in(classdir.path, SLUG, student, data).parent
            try:
                submission = read_submission(student, folder)
                record = marker.grade(submission, examiner)
                nbformat.validate(nbformat.reads(autograded_notebook(submission, record, dropout), 4))
            except Exception as error:
                raise AssertionError(f"o mutante {number} da semente {FUZZ_SEED} escapou") from error
            assert 0 <= record.score <= (0 if stub else record.max_score), number
            graded[student] = record
    return graded


def test_every_mutant_ends_as_a_record(records: dict[str, Record]) -> None:
    assert len(records) == COUNT
    assert {"graded", "unreadable", "empty"} <= {record.status for record in records.values()}


def test_mutants_of_a_solution_are_told_apart(records: dict[str, Record]) -> None:
    """O gerador não é manso nem bruto demais: há mutantes com nota cheia, com parte dela e sem nada."""
    scores = [record.score for record in records.values()]
    assert min(scores) == 0 and max(scores) == 10
    assert any(0 < score < 10 for score in scores)


def test_every_mutant_reaches_the_gradebook_and_the_pages(
    records: dict[str, Record], classdir: ClassDir, dropout: Exercise
) -> None:
    with autograde.session(classdir, dropout, SEED, force=True) as session:
        pool: Any = Replay(records)
        assert sum(1 for _ in autograde.run(session, pool)) == COUNT
    assert {record.student: record for record in read_records(classdir.results(SLUG))} == records
    assert len(tiny.gradebook_state(classdir, SLUG)) == COUNT
    assert len(write_feedback(classdir, SLUG)) == COUNT
    assert write_report(classdir, SLUG).is_file()
    [table] = export(classdir, "csv", SLUG).files
    assert len(table.read_text(encoding="utf-8").splitlines()) == COUNT + 1


# --- o que não muda a nota de quem acertou ----------------------------------------------------------


def checks(notebook: Notebook) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if grade_id(cell).startswith("check_")]


def without_checks(notebook: Notebook) -> Notebook:
    return {**notebook, "cells": [cell for cell in notebook["cells"] if cell not in checks(notebook)]}


def checks_first(notebook: Notebook) -> Notebook:
    return {**notebook, "cells": [*checks(notebook), *without_checks(notebook)["cells"]]}


def checks_many_times(notebook: Notebook) -> Notebook:
    return {**notebook, "cells": [*notebook["cells"], *reversed(checks(notebook) * 3)]}


def checks_edited(notebook: Notebook) -> Notebook:
    for cell in checks(notebook):
        cell["source"] = "assert False, 'editada'"
    return notebook


def checks_renamed(notebook: Notebook) -> Notebook:
    for cell in notebook["cells"]:
        cell["metadata"] = {"nbgrader": {"grade_id": "igual", "points": -5, "solution": True, "grade": "sim"}}
    return notebook


def without_metadata(notebook: Notebook) -> Notebook:
    cells = [{"cell_type": cell["cell_type"], "source": cell["source"]} for cell in notebook["cells"]]
    return {"cells": cells}


def without_preparation(notebook: Notebook) -> Notebook:
    first = next(i for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code")
    return {**notebook, "cells": notebook["cells"][:first] + notebook["cells"][first + 1 :]}


def only_code(notebook: Notebook) -> Notebook:
    return {**notebook, "cells": [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]}


def every_cell_twice(notebook: Notebook) -> Notebook:
    return {**notebook, "cells": [cell for cell in notebook["cells"] for _ in range(2)]}


def windows_lines(notebook: Notebook) -> Notebook:
    for cell in notebook["cells"]:
        cell["source"] = [line + "\r\n" for line in cell["source"].splitlines()]
    return notebook


def third_format(notebook: Notebook) -> Notebook:
    cells = [
        {"cell_type": cell["cell_type"], "input" if cell["cell_type"] == "code" else "source": cell["source"]}
        for cell in notebook["cells"]
    ]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}


HARMLESS = [
    without_checks, checks_first, checks_many_times, checks_edited, checks_renamed, without_metadata,
    without_preparation, only_code, every_cell_twice, windows_lines, third_format,
]  # fmt: skip


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.__name__)
def test_only_the_solution_counts(
    change: Callable[[Notebook], Notebook],
    exercise: Exercise,
    marker: Marker,
    examiner: Examiner,
    tmp_path: Path,
) -> None:
    folder = hand_in(tmp_path, exercise.slug, "ana", dumped(change(solved(exercise)))).parent
    record = marker.grade(read_submission("ana", folder), examiner)
    assert (record.score, record.status) == (exercise.max_score, "graded"), record.notes
