"""O contrato de todo exercício: cada erro comum é reconhecido, cada variante correta é aceita."""

import base64
import itertools
import json
import re
import warnings

import numpy as np
import pytest

from grader.checker import runtime
from grader.course import EXERCISES
from grader.exercise import Exercise, load_exercise
from grader.grading.marker import Marker
from grader.grading.submission import Submission, parse_cells
from grader.isolation import Examiner
from grader.release import serialized, student_notebook
from tests.mutants import Bench
from tests.notebooks import mistaken, released, solved, variant, variants

SEEDS = (100, 101)


def submission(notebook: dict) -> Submission:
    return Submission("ana", parse_cells(notebook) or [])


def test_points_add_up_to_ten(exercise: Exercise) -> None:
    assert exercise.max_score == 10


def test_every_function_has_visible_and_hidden_probes(exercise: Exercise) -> None:
    for function in exercise.functions:
        assert {probe.hidden for probe in exercise.probes if probe.function == function} == {True, False}


def test_there_are_enough_mistakes_and_variants(exercise: Exercise) -> None:
    assert len(exercise.mistakes) >= 10
    assert len(variants(exercise.slug)) >= 3


def test_regeneration_is_identical_to_what_is_committed(exercise: Exercise) -> None:
    committed = (EXERCISES / exercise.slug / f"{exercise.slug}.ipynb").read_text(encoding="utf-8")
    assert serialized(student_notebook(load_exercise(exercise.slug))) == committed


def stripped(source: str) -> str:
    return "\n".join(line.strip() for line in source.splitlines())


def test_released_notebook_has_no_word_of_the_solution(exercise: Exercise) -> None:
    text = "\n".join(cell["source"] for cell in released(exercise.slug)["cells"])
    (data,) = re.findall(r'checker\.load\("([A-Za-z0-9+/=]+)"\)', text)
    text = stripped(text + base64.b64decode(data).decode())
    for source in exercise.sources("solution"):
        for block in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source, re.DOTALL):
            lines = stripped(block).splitlines()
            pairs = ["\n".join(pair) for pair in itertools.pairwise(lines)] or lines
            assert not [pair for pair in pairs if pair in text]
    assert "SOLUTION" not in text and "HIDDEN TESTS" not in text


def test_released_notebook_has_no_hidden_probe(exercise: Exercise) -> None:
    text = json.dumps(released(exercise.slug), ensure_ascii=False)
    assert not [probe.id for probe in exercise.probes if probe.hidden and probe.id in text]


def test_stub_fails_every_check(exercise: Exercise, marker: Marker, examiner: Examiner) -> None:
    record = marker.grade(submission(released(exercise.slug)), examiner)
    assert (record.score, record.status) == (0, "empty")
    assert {check.status for check in record.checks} == {"not_defined"}


def test_reference_gets_full_marks(exercise: Exercise, marker: Marker, examiner: Examiner) -> None:
    record = marker.grade(submission(solved(exercise)), examiner)
    assert (record.score, record.status) == (10, "graded")


def test_every_variant_gets_full_marks(exercise: Exercise, marker: Marker, examiner: Examiner) -> None:
    for name in variants(exercise.slug):
        record = marker.grade(submission(variant(exercise, name)), examiner)
        assert record.score == 10, (name, [c for c in record.checks if c.status != "passed"])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_mistake_is_named(exercise: Exercise, seed: int) -> None:
    """Cada erro perde ponto e é o único nomeado, também nas sondas de outra função que ele alcança."""
    bench = Bench(exercise, [seed])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        diagnoses = bench.diagnoses(seed)
    for mistake in exercise.mistakes:
        told = {id for id, answer in bench.answers[seed].items() if mistake.id in answer.mistakes}
        assert set(diagnoses[mistake.id]) == {mistake.id}
        assert told & {probe.id for probe in exercise.probes if probe.function == mistake.function}


def test_no_two_mistakes_look_the_same(exercise: Exercise, marker: Marker) -> None:
    for first, second in itertools.combinations([mistake.id for mistake in exercise.mistakes], 2):
        answers = marker.answers.values()
        assert any(not runtime.same(a.predicted(first), a.predicted(second)) for a in answers), (
            first,
            second,
        )


def test_mistakes_through_the_real_grader(exercise: Exercise, marker: Marker, examiner: Examiner) -> None:
    for mistake in exercise.mistakes:
        record = marker.grade(submission(mistaken(exercise, mistake.id)), examiner)
        assert {c.message for c in record.checks if c.status != "passed"} == {mistake.sentence}


FORGERIES = {
    "zeros": lambda value: np.zeros_like(value),
    "uns": lambda value: np.ones_like(value),
    "nan": lambda value: np.full(np.shape(value), np.nan),
    "infinito": lambda value: np.full(np.shape(value), np.inf),
    "constante": lambda value: np.full_like(value, 0.5),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_constant_answer_earns_nothing(exercise: Exercise, marker: Marker, forgery: str) -> None:
    """Quem forja o que a sonda devolve, sem resolver o exercício, não ganha ponto algum."""
    reference = exercise.implementation()
    for probe in exercise.probes:
        seen = runtime.observe(probe, reference, marker.seed)
        forged = {
            name: "ValueError" if isinstance(value, str) else FORGERIES[forgery](value)
            for name, value in seen.values.items()
        }
        outcome = runtime.Outcome("seen", forged)
        (finding,) = runtime.judge([probe], marker.answers, {probe.id: outcome}, marker.seed)
        assert finding.status != "passed", probe.id


def test_sentences_are_portuguese_prose(exercise: Exercise) -> None:
    for mistake in exercise.mistakes:
        assert mistake.sentence[0].isupper() and mistake.sentence.endswith(".") and len(mistake.sentence) > 30
