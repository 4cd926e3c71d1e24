"""Um exercício, lido de `solutions/<slug>/`: o caderno-fonte, a referência, as sondas e os erros comuns.

O caderno-fonte é texto `py:percent`. O papel de cada célula de código se lê do que ela contém:

* `### BEGIN SOLUTION`: célula de solução; o seu `grade_id` é o nome que define;
* `@checker.probe`: célula de verificação; vale a soma dos pontos das suas sondas;
* outra menção a `checker`: preparação, experimento ou resumo, que não entram na correção;
* o resto: importações e apoio, comuns à referência, às sondas e à entrega.
"""

import ast
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
from types import SimpleNamespace
from typing import Any

import jupytext
from nbformat import NotebookNode
from pydantic import BaseModel, ConfigDict, ValidationError

from grader.checker import runtime
from grader.checker.runtime import Answer, Outcome, Probe
from grader.course import SOLUTIONS, known_slug
from grader.errors import BrokenExercise

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS\n?", re.DOTALL)
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


def role(source: str) -> str:
    """Papel de uma célula de código: "solution", "probes", "checker" ou "support"."""
    if "### BEGIN SOLUTION" in source:
        return "solution"
    if "@checker.probe" in source:
        return "probes"
    return "checker" if re.search(r"\bchecker\b", source) else "support"


def defined_names(source: str) -> list[str]:
    """Funções e classes que o código define no nível de cima; vazio se não compila."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [
        node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    ]


def load_probes(cells: list[str]) -> list[Probe]:
    """Executa células de apoio e de sondas, na ordem, e devolve as sondas que registram."""
    runtime.PROBES.clear()
    checker = SimpleNamespace(
        probe=runtime.probe, Near=runtime.Near, raised=runtime.raised, check=lambda function: None
    )
    namespace: dict[str, Any] = {"__name__": "probes", "checker": checker}
    for source in cells:
        exec(compile(source, "<sondas>", "exec"), namespace)
    probes = list(runtime.PROBES.values())
    hidden = {name for source in cells for block in HIDDEN.findall(source) for name in defined_names(block)}
    for probe in probes:
        probe.hidden = probe.id in hidden
    return probes


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
