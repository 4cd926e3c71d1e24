"""A qualidade das verificações, medida: `python -m tests.mutants [EXERCÍCIO…]`.

Primeiro, a matriz de confusão do catálogo: cada erro comum contra o diagnóstico que o estudante lê. Depois, mutantes: a
referência com um operador, uma constante ou uma linha trocada, por máquina. Cada um tem de perder ponto, ou estar em
`solutions/<nome>/mutants.toml` com o motivo por que se comporta como a referência.
"""

import ast
import copy
import sys
import tomllib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from grader.cells import defined_names
from grader.checker import runtime
from grader.checker.runtime import TimeUp
from grader.course import SOLUTIONS, slugs
from grader.exercise import Exercise, load_exercise
from grader.isolation.worker import alarm

SEEDS = (1, 2)
PATIENCE = 2.0
"""Segundos de processador de um mutante em uma sonda: trocar um sinal pode fazer um laço não terminar."""

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
CALLS = {
    "min": "max",
    "max": "min",
    "minimum": "maximum",
    "maximum": "minimum",
    "sum": "mean",
    "mean": "sum",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "zeros": "ones",
    "ones": "zeros",
    "any": "all",
    "all": "any",
}


@dataclass(frozen=True)
class Mutant:
    """Uma troca na célula de uma função: a linha de código como era e como ficou, sem o recuo."""

    function: str
    line: str
    mutated: str
    source: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.function, self.line, self.mutated


def mutants(exercise: Exercise) -> list[Mutant]:
    """Todos os mutantes das funções de um exercício, sem repetição."""
    found = [mutant for source in exercise.sources("solution") for mutant in _of_cell(source)]
    return list({mutant.source: mutant for mutant in found}.values())


def _of_cell(source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    function = defined_names(source)[-1]
    original = ast.unparse(tree).splitlines()
    for changed in _changes(tree):
        text = ast.unparse(changed)
        pairs = zip(original, text.splitlines(), strict=False)
        different = next((pair for pair in pairs if pair[0] != pair[1]), None)
        if different is not None:
            yield Mutant(function, different[0].strip(), different[1].strip(), text)


def _changes(tree: ast.Module) -> Iterator[ast.Module]:
    """Cópias da árvore, cada uma com uma só troca."""
    for number, node in enumerate(ast.walk(tree)):
        for variation in range(len(_variations(node))):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[number]
            _variations(target)[variation]()
            yield ast.fix_missing_locations(changed)


def _variations(node: ast.AST) -> list[Any]:
    """As trocas que um nó admite, cada uma como uma função que a faz no lugar."""
    found: list[Any] = []
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        found.append(lambda: setattr(node, "op", OPERATORS[type(node.op)]()))
    if isinstance(node, ast.Compare):
        found += [
            lambda i=i, new=new: node.ops.__setitem__(i, new())
            for i, op in enumerate(node.ops)
            for new in COMPARISONS[type(op)]
        ]
    if isinstance(node, ast.BoolOp):
        found.append(lambda: setattr(node, "op", ast.And() if isinstance(node.op, ast.Or) else ast.Or()))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        found.append(
            lambda: setattr(node, "op", ast.UAdd()) if isinstance(node.op, ast.USub) else _denied(node)
        )
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        found.append(lambda: setattr(node, "value", not node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        found.append(lambda: setattr(node, "value", node.value + 1))
    if isinstance(node, ast.Call):
        found += [lambda i=i: node.keywords.pop(i) for i in range(len(node.keywords))]
        if (name := _called(node)) in CALLS:
            found.append(lambda: _rename(node, CALLS[name]))
    for block in ("body", "orelse", "finalbody"):
        statements = getattr(node, block, None)
        if isinstance(statements, list):
            found += [
                lambda s=statements, i=i: s.__setitem__(i, ast.Pass())
                for i, statement in enumerate(statements)
                if _removable(statement)
            ]
    return found


def _denied(node: ast.UnaryOp) -> None:
    """`not x` vira `not not x`."""
    node.operand = ast.UnaryOp(ast.Not(), node.operand)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", None) or getattr(node.func, "id", "")


def _rename(node: ast.Call, name: str) -> None:
    setattr(node.func, "attr" if isinstance(node.func, ast.Attribute) else "id", name)


def _removable(statement: ast.stmt) -> bool:
    """Linhas que fazem alguma coisa; docstrings, definições e importações ficam."""
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Assign | ast.AugAssign | ast.Return | ast.Raise | ast.If | ast.Delete)


class Bench:
    """Um exercício com o gabarito das sementes já calculado."""

    def __init__(self, exercise: Exercise, seeds: Iterable[int] = SEEDS) -> None:
        self.exercise = exercise
        self.answers = {seed: exercise.answers(seed) for seed in seeds}

    def survivors(self) -> list[Mutant]:
        """Mutantes que ganham todos os pontos em todas as sementes."""
        return [mutant for mutant in mutants(self.exercise) if self._survives(mutant)]

    def _survives(self, mutant: Mutant) -> bool:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        try:
            for source in self.exercise.sources("support", "solution"):
                own = defined_names(source)[-1:] == [mutant.function]
                exec(compile(mutant.source if own else source, "<mutante>", "exec"), namespace)
        except Exception:
            return False
        return all(self._passes(mutant.function, namespace, seed) for seed in self.answers)

    def _passes(self, function: str, namespace: dict[str, Any], seed: int) -> bool:
        """Ganha todos os pontos? As sondas da própria função vêm antes: quase sempre bastam."""
        for probe in sorted(self.exercise.probes, key=lambda probe: probe.function != function):
            try:
                with alarm(PATIENCE, 3 * PATIENCE):
                    seen = runtime.observe(probe, namespace, seed)
            except TimeUp:
                return False
            if not runtime.same(self.answers[seed][probe.id].reference, runtime.measured(probe, seen, seed)):
                return False
        return True

    def diagnoses(self, seed: int) -> dict[str, Counter[str]]:
        """Por erro do catálogo, o que o estudante que o comete lê: os erros nomeados, ou "" onde nenhum o é."""
        read: dict[str, Counter[str]] = {}
        for mistake in self.exercise.mistakes:
            namespace = self.exercise.implementation(mistake)
            seen = {probe.id: runtime.observe(probe, namespace, seed) for probe in self.exercise.probes}
            findings = runtime.judge(self.exercise.probes, self.answers[seed], seen, seed)
            read[mistake.id] = Counter(f.mistake or "" for f in findings if f.status != "passed")
        return read


def equivalents(slug: str) -> dict[tuple[str, str, str], str]:
    """Mutantes que se comportam como a referência, com o motivo, de `solutions/<nome>/mutants.toml`."""
    path = SOLUTIONS / slug / "mutants.toml"
    listed = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", []) if path.is_file() else []
    return {(item["function"], item["line"], item["mutated"]): item["reason"] for item in listed}


def show_confusion(diagnoses: dict[str, Counter[str]], out: Console) -> None:
    """A matriz: uma linha por erro cometido, uma coluna por erro diagnosticado; a última, nenhum."""
    width = max(map(len, diagnoses), default=0)
    for number, (made, read) in enumerate(diagnoses.items(), start=1):
        row = "".join("■" if read[told] else "·" for told in [*diagnoses, ""])
        out.print(f"{number:3} {made:{width}} {row}", highlight=False, soft_wrap=True)
    right = sum(set(read) == {made} for made, read in diagnoses.items())
    out.print(f"{right} de {len(diagnoses)} erros têm o seu diagnóstico, e só ele.\n")


def show_mutants(bench: Bench, out: Console) -> list[Mutant]:
    """Quantos mutantes há, e os que sobrevivem sem estar entre os equivalentes."""
    known, every, survivors = equivalents(bench.exercise.slug), mutants(bench.exercise), bench.survivors()
    unexplained = [mutant for mutant in survivors if mutant.key not in known]
    out.print(
        f"{len(every)} mutantes: {len(every) - len(survivors)} perdem ponto, "
        f"{len(survivors) - len(unexplained)} são equivalentes, {len(unexplained)} sobrevivem.",
        highlight=False,
    )
    for mutant in unexplained:
        out.print(
            f'\n[[equivalent]]\nfunction = "{mutant.function}"\nline = {mutant.line!r}\n'
            f'mutated = {mutant.mutated!r}\nreason = ""',
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    return unexplained


def main(names: list[str]) -> int:
    out = Console()
    failed = False
    for slug in names or slugs():
        out.rule(slug)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bench = Bench(load_exercise(slug))
            diagnoses = bench.diagnoses(SEEDS[0])
            show_confusion(diagnoses, out)
            failed |= any(set(read) != {made} for made, read in diagnoses.items())
            failed |= bool(show_mutants(bench, out))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
