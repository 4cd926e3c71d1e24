"""As verificações são boas? Nenhuma solução errada passa, nenhuma certa é recusada, e cada função responde por si.

`QUALITY=200` confere as soluções certas em duzentas sementes, como faz `make quality`; o teste comum olha vinte.
"""

import os
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from grader.checker import runtime
from grader.course import SOLUTIONS
from grader.exercise import Exercise, mentioned
from tests.mutants import Bench, equivalents
from tests.notebooks import variants

SEEDS = range(1000, 1000 + int(os.environ.get("QUALITY", "20")))


BY_CONTRACT = {("mc_dropout_predict", "Dropout")}
"""Funções que, por enunciado, usam outra que o estudante escreve: caem com ela."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Os avisos que os erros e os mutantes provocam são esperados."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def bench(exercise: Exercise) -> Bench:
    return Bench(exercise)


def variant(exercise: Exercise, name: str) -> dict[str, Any]:
    source = (SOLUTIONS / exercise.slug / "variants" / f"{name}.py").read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, name, "exec"), namespace)
    return namespace


def seen(exercise: Exercise, namespace: dict[str, Any], seed: int) -> dict[str, runtime.Outcome]:
    """O que cada sonda mede de uma implementação."""
    return {
        probe.id: runtime.measured(probe, runtime.observe(probe, namespace, seed), seed)
        for probe in exercise.probes
    }


def test_no_right_answer_is_refused(exercise: Exercise) -> None:
    reference = exercise.implementation()
    others = {name: variant(exercise, name) for name in variants(exercise.slug)}
    refused = []
    for seed in SEEDS:
        expected = seen(exercise, reference, seed)
        assert {outcome.status for outcome in expected.values()} == {"seen"}
        for name, namespace in others.items():
            got = seen(exercise, namespace, seed)
            refused += [
                (name, seed, id) for id, outcome in got.items() if not runtime.same(expected[id], outcome)
            ]
    assert refused == []


def test_every_surviving_mutant_is_explained(exercise: Exercise, bench: Bench) -> None:
    known = equivalents(exercise.slug)
    assert {mutant.key for mutant in bench.survivors()} == set(known)
    assert all(reason.endswith(".") for reason in known.values())


def may_cost(function: str, probe: runtime.Probe) -> bool:
    """A sonda chama a função pelo nome, ou o contrato faz a função que ela confere usar essa?"""
    return function in mentioned(probe.observe.__code__) or (probe.function, function) in BY_CONTRACT


def test_each_function_stands_alone(exercise: Exercise) -> None:
    """Sem uma função, só perdem as sondas que a chamam."""
    expected = seen(exercise, exercise.implementation(), 1)
    for function in exercise.functions:
        namespace = exercise.implementation()
        del namespace[function]
        got = seen(exercise, namespace, 1)
        lost = [p for p in exercise.probes if not runtime.same(expected[p.id], got[p.id])]
        assert [(function, probe.id) for probe in lost if not may_cost(function, probe)] == []


def test_a_mistake_costs_only_the_checks_that_call_its_function(exercise: Exercise, bench: Bench) -> None:
    answers = next(iter(bench.answers.values()))
    for mistake in exercise.mistakes:
        lost = [probe for probe in exercise.probes if mistake.id in answers[probe.id].mistakes]
        assert [(mistake.id, p.id) for p in lost if not may_cost(mistake.function, p)] == []


def test_grading_takes_under_a_second_of_processor(exercise: Exercise) -> None:
    implementation = exercise.implementation()
    started = time.process_time()
    seen(exercise, implementation, 1)
    assert time.process_time() - started < 1
