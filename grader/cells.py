"""O que se lê do código de uma célula: o papel dela, os nomes que define e as sondas que registra.

O papel decorre do conteúdo:

* `### BEGIN SOLUTION`: célula de solução; o seu `grade_id` é o nome que define;
* `@checker.probe`: célula de verificação; vale a soma dos pontos das suas sondas;
* outra menção a `checker`: preparação, experimento ou resumo, que não entram na correção;
* o resto: importações e apoio, comuns à referência, às sondas e à entrega.
"""

import re
from types import SimpleNamespace
from typing import Any

from grader.checker import runtime
from grader.checker.runtime import Probe

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS\n?", re.DOTALL)
DEFINITION = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+(\w+)", re.MULTILINE)


def role(source: str) -> str:
    """Papel de uma célula de código: "solution", "probes", "checker" ou "support"."""
    if "### BEGIN SOLUTION" in source:
        return "solution"
    if "@checker.probe" in source:
        return "probes"
    return "checker" if re.search(r"\bchecker\b", source) else "support"


def defined_names(source: str) -> list[str]:
    """Funções e classes que o código define no nível de cima, ainda que não compile."""
    return DEFINITION.findall(source)


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
