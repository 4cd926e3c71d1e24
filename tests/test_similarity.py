"""A medida de semelhança: acha a cópia disfarçada e não acusa quem escreveu sozinho."""

import time

import pytest

from grader.exercise import load_exercise
from grader.pages.similarity import compare, fingerprints
from tests.independent import disguised, independent


def classroom(size: int, first: int = 0) -> dict[str, list[str]]:
    return {f"s{i}": independent(first + i) for i in range(size)}


def couples(notebooks: dict[str, list[str]], known: list[str] | None = None) -> list[tuple[str, str]]:
    return [(pair.first, pair.second) for pair in compare(notebooks, known or []).pairs]


@pytest.mark.parametrize("size", [2, 3, 10, 40, 150])
def test_renamed_copy_is_first(size: int) -> None:
    notebooks = classroom(size)
    notebooks["copia"] = disguised(notebooks["s1"])
    assert couples(notebooks)[0] == ("copia", "s1")


@pytest.mark.parametrize("first", [0, 1000, 2000])
def test_independent_solutions_are_not_pointed_out(first: int) -> None:
    assert couples(classroom(30, first)) == []


def test_few_coincidences_in_a_large_class() -> None:
    """Com 11 mil pares e poucas maneiras de escrever, algum acaso sobra; não mais que meia dúzia."""
    assert len(couples(classroom(150))) <= 6


def test_retouched_copy_is_pointed_out() -> None:
    notebooks = classroom(20)
    forward, *others = disguised(notebooks["s1"])
    notebooks["copia"] = [forward.replace("    meu_mask", "    shape = x.shape\n    meu_mask", 1), *others]
    assert couples(notebooks) == [("copia", "s1")]


def test_copies_among_three_are_three_pairs() -> None:
    notebooks = classroom(30)
    notebooks |= {name: disguised(notebooks["s0"]) for name in ("copia1", "copia2")}
    assert set(couples(notebooks)) == {("copia1", "copia2"), ("copia1", "s0"), ("copia2", "s0")}


def test_what_most_of_the_class_wrote_is_no_evidence() -> None:
    same = independent(7)
    notebooks = classroom(20) | {f"igual{i}": same for i in range(20)}
    assert not any(pair[0].startswith("igual") for pair in couples(notebooks))


def test_template_and_reference_are_no_evidence() -> None:
    exercise = load_exercise("dropout")
    handed = exercise.sources("support", "solution", "probes", "checker")
    assert couples({"ana": handed, "bruno": handed, "carla": independent(1)}, handed) == []


def test_names_comments_and_layout_do_not_matter() -> None:
    assert fingerprints(["def f(a, b):\n    c = a * b  # produto\n    return c, 'x'\n"]) == fingerprints(
        ["def g(x,y):\n\n  # conta\n  z = (x*\n y)\n  return z,'outro texto'".replace("(x*\n y)", "x*y")]
    )


def test_library_functions_matter() -> None:
    assert fingerprints(["y = np.where(x > 0, x, 0) + 1"]) != fingerprints(
        ["y = np.maximum(x > 0, x, 0) + 1"]
    )


@pytest.mark.parametrize(
    "code", ["", "%matplotlib inline", "def f(:\n  '''", "x = 1\n\x00", "  a\n b", "é" * 10**6]
)
def test_any_text_is_accepted(code: str) -> None:
    assert couples({"ana": [code], "bruno": [code]}) == []


def test_order_of_students_does_not_matter() -> None:
    notebooks = classroom(40) | {"copia": disguised(independent(3))}
    assert compare(notebooks) == compare(dict(reversed(notebooks.items())))


def test_two_thousand_notebooks_in_seconds() -> None:
    notebooks = classroom(2000)
    started = time.process_time()
    compare(notebooks)
    assert time.process_time() - started < 10
