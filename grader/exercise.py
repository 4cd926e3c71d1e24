"""Um exercício, lido de `solutions/<slug>/`: o caderno-fonte, em `py:percent`, a referência, as sondas e os erros."""

import functools
import hashlib
import re
import tomllib
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jupytext
from nbformat import NotebookNode
from pydantic import BaseModel, ConfigDict, ValidationError

from grader.cells import defined_names, load_probes, role
from grader.checker import runtime
from grader.checker.runtime import Answer, Outcome, Probe
from grader.course import SOLUTIONS, known_slug
from grader.errors import BrokenExercise

RELEASE_SEED = 20240229
"""Semente das verificações visíveis: fixa, para que o caderno gerado seja sempre o mesmo."""


class Mistake(BaseModel):
    """Erro comum: a referência com uma troca (`find` por `replace`) e a frase que o explica."""

    model_config = ConfigDict(extra="forbid")

    id: str
    function: str
    sentence: str
    find: str
    replace: str


class Catalogue(BaseModel):
    """Conteúdo de `exercise.toml`."""

    model_config = ConfigDict(extra="forbid")

    barred: list[str] = []
    mistake: list[Mistake] = []


def silent(function: Callable) -> Callable:
    """Decorador: os avisos que a referência e os erros comuns provocam são esperados."""

    @functools.wraps(function)
    def quiet(*args: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args)

    return quiet


@dataclass(frozen=True)
class Exercise:
    """Tudo o que se sabe de um exercício. Só o lado confiável o carrega por inteiro."""

    slug: str
    notebook: NotebookNode
    catalogue: Catalogue
    digest: str
    """SHA-256 dos arquivos de que o exercício depende: quando muda, as notas são refeitas."""

    @property
    def title(self) -> str:
        heading = re.search(r"^# (.+)$", self.notebook.cells[0].source, re.MULTILINE)
        return heading.group(1) if heading else self.slug

    @property
    def barred(self) -> list[str]:
        return self.catalogue.barred

    @property
    def mistakes(self) -> list[Mistake]:
        return self.catalogue.mistake

    def sources(self, *roles: str) -> list[str]:
        """Textos das células de código com um dos papéis, na ordem do caderno."""
        code = (cell.source for cell in self.notebook.cells if cell.cell_type == "code")
        return [source for source in code if role(source) in roles]

    @cached_property
    def functions(self) -> list[str]:
        """Nomes pedidos ao estudante, na ordem do caderno."""
        return [defined_names(source)[-1] for source in self.sources("solution")]

    @cached_property
    def probe_sources(self) -> list[str]:
        """Células que bastam para carregar as sondas; nada delas revela a referência."""
        return self.sources("support", "probes")

    @cached_property
    def probes(self) -> list[Probe]:
        return load_probes(self.probe_sources)

    @property
    def max_score(self) -> float:
        return round(sum(probe.points for probe in self.probes), 6)

    def implementation(self, mistake: Mistake | None = None) -> dict[str, Any]:
        """Espaço de nomes da referência, ou dela com um erro comum."""
        namespace: dict[str, Any] = {"__name__": "__main__"}
        for source in self.sources("support", "solution"):
            if mistake and defined_names(source)[-1:] == [mistake.function]:
                source = edited(self.slug, source, mistake)
            exec(compile(source, f"<{self.slug}>", "exec"), namespace)
        return namespace

    @silent
    def answers(self, seed: int) -> dict[str, Answer]:
        """Gabarito de cada sonda para uma semente: referência e erros que ela distingue."""
        reference = self.implementation()
        raw = {probe.id: runtime.observe(probe, reference, seed) for probe in self.probes}
        answers = {
            probe.id: Answer(
                {name: runtime.shape_of(value) for name, value in raw[probe.id].values.items()},
                runtime.measured(probe, raw[probe.id], seed),
            )
            for probe in self.probes
        }
        for mistake in self.mistakes:
            for id, outcome in self.outcomes(mistake, seed).items():
                if not runtime.same(answers[id].reference, outcome):
                    answers[id].mistakes[mistake.id] = outcome
        return answers

    @silent
    def outcomes(self, mistake: Mistake, seed: int) -> dict[str, Outcome]:
        """O que medem da referência com um erro comum as sondas que ele pode alcançar."""
        implementation = self.implementation(mistake)
        return {
            probe.id: runtime.measured(probe, runtime.observe(probe, implementation, seed), seed)
            for probe in self.probes
            if mistake.function in self._reached(probe)
        }

    def _reached(self, probe: Probe) -> set[str]:
        """Funções que uma sonda exercita: as que ela nomeia e as que essas mencionam no seu código."""
        named = mentioned(probe.observe.__code__) & set(self.functions)
        sources = {defined_names(source)[-1]: source for source in self.sources("solution")}
        return {f for f in self.functions if any(re.search(rf"\b{f}\b", sources[name]) for name in named)}


def mentioned(code: types.CodeType) -> set[str]:
    """Nomes que um código usa, inclusive nas funções dentro dele."""
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*map(mentioned, inner))


def load_exercise(slug: str, solutions: Path = SOLUTIONS) -> Exercise:
    """Lê e confere `solutions/<slug>/`.

    Levanta `UnknownExercise` se ele não existe e `BrokenExercise` se os arquivos se contradizem.
    """
    folder = solutions / (known_slug(slug) if solutions == SOLUTIONS else slug)
    source, catalogue = folder / f"{slug}.py", folder / "exercise.toml"
    try:
        exercise = Exercise(
            slug,
            jupytext.read(source),
            Catalogue.model_validate(tomllib.loads(catalogue.read_text(encoding="utf-8"))),
            hashlib.sha256(source.read_bytes() + catalogue.read_bytes()).hexdigest(),
        )
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise BrokenExercise(f"Não consegui ler o exercício “{slug}” em {folder}: {error}") from error
    _verify(exercise)
    return exercise


def edited(slug: str, source: str, mistake: Mistake) -> str:
    """O código de uma função com um erro comum; levanta `BrokenExercise` se a troca não cabe nele."""
    if source.count(mistake.find) != 1:
        raise BrokenExercise(
            f"{slug}: no erro “{mistake.id}”, o texto de `find` aparece {source.count(mistake.find)} vezes "
            f"na célula de {mistake.function}; deve aparecer uma só."
        )
    return source.replace(mistake.find, mistake.replace)


def _verify(exercise: Exercise) -> None:
    """Cada sonda e cada erro comum falam de uma função que o caderno pede."""
    named = {p.function for p in exercise.probes} | {m.function for m in exercise.mistakes}
    if unknown := named - set(exercise.functions):
        raise BrokenExercise(f"{exercise.slug}: não há célula de solução para {', '.join(sorted(unknown))}.")
    ids = [mistake.id for mistake in exercise.mistakes]
    if repeated := {id for id in ids if ids.count(id) > 1}:
        raise BrokenExercise(f"{exercise.slug}: erro comum repetido: {', '.join(sorted(repeated))}.")
