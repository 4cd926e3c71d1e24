"""A turma de exemplo, do começo ao fim: cada entrega recebe a nota, a situação e o diagnóstico que merece."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.course import ClassDir
from grader.exercise import load_exercise
from grader.grading.autograde import open_pool, run, session
from grader.grading.classroom import create_class
from grader.grading.gradebook import open_gradebook, recorded_scores
from grader.record import Record, read_records
from tests.conftest import QUICK, SEED
from tests.notebooks import hand_in
from tests.sample_class import SAMPLES, SLUG, Sample


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClassDir]:
    classdir = create_class(tmp_path_factory.mktemp("turmas") / "turma")
    exercise = load_exercise(SLUG)
    for sample in SAMPLES:
        hand_in(classdir.path, SLUG, sample.student, sample.build(exercise))
    with (
        session(classdir, exercise, SEED, force=False) as current,
        open_pool(current.marker, 2, None, True, QUICK) as pool,
    ):
        assert sum(1 for _ in run(current, pool)) == len(SAMPLES)
    yield classdir


@pytest.fixture(scope="module")
def records(graded: ClassDir) -> dict[str, Record]:
    return {record.student: record for record in read_records(graded.results(SLUG))}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.student)
def test_mark_and_status(sample: Sample, records: dict[str, Record]) -> None:
    record = records[sample.student]
    assert (record.score, record.status) == (pytest.approx(sample.score), sample.status)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.student)
def test_diagnosis(sample: Sample, records: dict[str, Record]) -> None:
    found = {check.mistake for check in records[sample.student].checks if check.mistake}
    assert found == set(sample.mistakes)


def test_gradebook_holds_the_marks(graded: ClassDir, records: dict[str, Record]) -> None:
    with open_gradebook(graded) as gradebook:
        scores = recorded_scores(gradebook, SLUG)
    assert scores == {student: pytest.approx(record.score) for student, record in records.items()}


def test_nothing_was_written_outside(records: dict[str, Record]) -> None:
    places = [
        Path(folder) / "invasao-dropout.txt" for folder in ("/tmp", "/dev/shm", "/var/tmp", Path.home())
    ]
    assert not [path for path in places if path.exists()]


def test_second_run_has_nothing_to_do(graded: ClassDir) -> None:
    with session(graded, load_exercise(SLUG), None, force=False) as current:
        assert list(current.pending()) == []
