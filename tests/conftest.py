"""Peças que vários testes usam: exercícios lidos, um juiz e um processo isolado por exercício."""

from collections.abc import Iterator

import pytest

from grader.course import slugs
from grader.exercise import Exercise, load_exercise
from grader.grading.marker import Marker
from grader.isolation import Examiner, Limits

SEED = 7
QUICK = Limits(cell_seconds=3, check_seconds=2, total_seconds=30)


@pytest.fixture(scope="session", params=slugs())
def exercise(request: pytest.FixtureRequest) -> Exercise:
    """Cada exercício do curso, um por vez."""
    return load_exercise(request.param)


@pytest.fixture(scope="session")
def marker(exercise: Exercise) -> Marker:
    return Marker(exercise, SEED)


@pytest.fixture(scope="session")
def examiner(exercise: Exercise) -> Iterator[Examiner]:
    """Um processo aquecido com prazos curtos, que os testes partilham."""
    with Examiner(exercise.probe_sources, exercise.barred, QUICK) as ready:
        yield ready
