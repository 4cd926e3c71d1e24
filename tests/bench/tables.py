"""Os números do banco: no terminal, em tabelas, e em `_build/bench.json`."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grader.files import write_atomically

MB = 2**20


WORKER = "maior trabalhador, além do que partilha com o aquecido"


def ours(workers: int) -> str:
    return f"nosso, {workers}"


def bare(processes: int) -> str:
    return f"piso, {processes}"


@dataclass
class Rate:
    """O que custou um corretor, em segundos.

    `total` é o comando inteiro e `startup` o mesmo comando em uma turma sem entregas; `each` é o que leva cada
    entrega depois da partida.
    """

    name: str
    total: float
    each: float
    startup: float = 0.0
    peak: int = 0


@dataclass
class Flat:
    """Pico de memória residente do coordenador em uma turma de `submissions` entregas."""

    submissions: int
    seconds: float
    coordinator: int


@dataclass
class Report:
    """Tudo o que uma execução do banco mediu."""

    submissions: int
    rates: list[Rate] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)
    flat: list[Flat] = field(default_factory=list)
    load: list[float] = field(default_factory=lambda: [round(os.getloadavg()[0], 2)])

    def add(self, name: str, total: float, startup: float = 0.0, each: float = 0.0, peak: int = 0) -> None:
        """Junta um corretor; quem não tem partida medida à parte a tem diluída nas entregas."""
        each = each or total / self.submissions
        self.rates.append(Rate(name, total, each, startup, peak))

    def rate(self, name: str) -> Rate:
        return next(rate for rate in self.rates if rate.name == name)

    def save(self, path: Path) -> None:
        machine = {"cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
        write_atomically(path, json.dumps(asdict(self) | {"machine": machine}, indent=1) + "\n")


def show(report: Report, out: Console) -> None:
    """As tabelas e, no fim, o que se conclui delas."""
    out.print(rates_table(report))
    memory = Table("memória do nosso corretor", "MB")
    for name, size in report.parts.items():
        memory.add_row(name, f"{size / MB:.0f}")
    out.print(memory)
    if report.flat:
        flat = Table("entregas na turma", "segundos", "coordenador, MB")
        for row in report.flat:
            flat.add_row(str(row.submissions), f"{row.seconds:.0f}", f"{row.coordinator / MB:.0f}")
        out.print(flat)
    for line in conclusions(report):
        out.print(line, highlight=False)


def rates_table(report: Report) -> Table:
    """Uma linha por corretor; o número no nome é o de processos que corrigem ao mesmo tempo."""
    table = Table(title=f"As mesmas {report.submissions} entregas, {os.cpu_count()} núcleos")
    table.add_column("corretor", no_wrap=True)
    for name in (
        "total,\ns",
        "partida,\ns",
        "por entrega,\ns",
        "entregas\npor s",
        "×\nnbgrader",
        "pico,\nMB",
    ):
        table.add_column(name, justify="right")
    for rate in report.rates:
        table.add_row(
            rate.name,
            f"{rate.total:.1f}",
            f"{rate.startup:.1f}" if rate.startup else "—",
            f"{rate.each:.4f}",
            f"{report.submissions / rate.total:.2f}",
            f"{report.rate('nbgrader').total / rate.total:.1f}",
            f"{rate.peak / MB:.0f}" if rate.peak else "—",
        )
    return table


def conclusions(report: Report) -> list[str]:
    """As metas, com o que se mediu."""
    nbgrader, best = report.rate("nbgrader"), report.rate(ours(2))
    return [
        f"Com 2 trabalhadores: {nbgrader.total / best.total:.0f} vezes o nbgrader contando a partida, "
        f"{nbgrader.each / best.each:.0f} vezes sem ela (meta: 30).",
        *(
            f"{ours(n).capitalize()}: {report.rate(ours(n)).each / report.rate(bare(n)).each:.2f} vezes o tempo "
            "do piso (meta: até 2)."
            for n in (1, 2)
        ),
        f"Trabalhador: {report.parts[WORKER] / MB:.0f} MB com o código do estudante (meta: até 400).",
    ]
