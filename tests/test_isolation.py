"""O processo aquecido: um só, para quantas entregas forem corrigidas ao mesmo tempo."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from grader.exercise import Exercise, load_exercise
from grader.grading.marker import Marker
from grader.grading.submission import Submission, parse_cells
from grader.isolation import Examiner
from grader.record import Record
from tests.conftest import QUICK, SEED
from tests.notebooks import solved, with_cell

NAP = "import time; time.sleep(0.5)"


@pytest.fixture(scope="module")
def exercise() -> Exercise:
    return load_exercise("dropout")


@pytest.fixture(scope="module")
def marker(exercise: Exercise) -> Marker:
    marker = Marker(exercise, SEED)
    marker.prepare()
    return marker


@pytest.fixture(scope="module")
def examiner(exercise: Exercise) -> Iterator[Examiner]:
    with Examiner(exercise.probe_sources, exercise.barred, QUICK) as ready:
        yield ready


def submission(exercise: Exercise, cell: str) -> Submission:
    return Submission("ana", parse_cells(with_cell(solved(exercise), cell, 2)) or [])


def graded_together(
    marker: Marker, examiner: Examiner, submissions: list[Submission], kill: bool = False
) -> list[Record]:
    """Corrige todas ao mesmo tempo; com `kill`, o processo aquecido morre no meio."""
    with ThreadPoolExecutor(len(submissions)) as threads:
        futures = [threads.submit(marker.grade, submission, examiner) for submission in submissions]
        if kill:
            time.sleep(0.3)
            examiner.process.kill()
        return [future.result() for future in futures]


def test_submissions_run_at_the_same_time(exercise: Exercise, marker: Marker, examiner: Examiner) -> None:
    (alone,) = graded_together(marker, examiner, [submission(exercise, NAP)])
    started = time.perf_counter()
    records = graded_together(marker, examiner, [submission(exercise, NAP)] * 8)
    assert [record.score for record in records] == [exercise.max_score] * 8
    assert time.perf_counter() - started < 0.75 * 8 * alone.seconds


def test_a_hanging_neighbour_costs_nothing(exercise: Exercise, marker: Marker, examiner: Examiner) -> None:
    hanging = submission(exercise, "while True: pass")
    records = graded_together(marker, examiner, [hanging, submission(exercise, NAP), hanging])
    assert [record.status for record in records] == ["timeout", "graded", "timeout"]
    assert [record.score for record in records] == [exercise.max_score] * 3


def test_death_of_the_warm_process_costs_nothing(exercise: Exercise, marker: Marker) -> None:
    with Examiner(exercise.probe_sources, exercise.barred, QUICK) as examiner:
        records = graded_together(marker, examiner, [submission(exercise, NAP)] * 3, kill=True)
    assert [(record.score, record.status) for record in records] == [(exercise.max_score, "graded")] * 3
