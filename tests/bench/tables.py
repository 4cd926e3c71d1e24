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


def ours(workers: int) -> str:
    return f"nosso, {workers} {'trabalhador' if workers == 1 else 'trabalhadores'}"


def bare(processes: int) -> str:
    return f"piso, {processes} {'processo' if processes == 1 else 'processos'}"


@dataclass
class Rate:
    """O que custou um corretor, em segundos; `cpu` soma todos os processos.

    `startup` é o custo fixo, medido em uma turma sem entregas; `each` é o que cada entrega acrescenta.
    """

    name: str
    submissions: int
    total: float
    cpu: float
    startup: float = 0.0
    peak: int = 0

    @property
    def each(self) -> float:
        return (self.total - self.startup) / self.submissions


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

    def rate(self, name: str) -> Rate:
        return next(rate for rate in self.rates if rate.name == name)

    def save(self, path: Path) -> None:
        rates = [asdict(rate) | {"each": rate.each} for rate in self.rates]
        machine = {"cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
        write_atomically(
            path, json.dumps(asdict(self) | {"rates": rates, "machine": machine}, indent=1) + "\n"
        )


def show(report: Report, out: Console) -> None:
    """As tabelas e, no fim, o que se conclui delas."""
    out.print(rates_table(report))
    parts = Table("parte", "MB", title="Memória do nosso corretor")
    for name, size in report.parts.items():
        parts.add_row(name, f"{size / MB:.0f}")
    out.print(parts)
    if report.flat:
        flat = Table("entregas", "segundos", "coordenador (MB)", title="A turma cresce, o coordenador não")
        for row in report.flat:
            flat.add_row(str(row.submissions), f"{row.seconds:.0f}", f"{row.coordinator / MB:.0f}")
        out.print(flat)
    for line in conclusions(report):
        out.print(line, highlight=False)


def rates_table(report: Report) -> Table:
    table = Table("corretor", title=f"As mesmas {report.submissions} entregas, {os.cpu_count()} núcleos")
    columns = (
        "total (s)",
        "partida (s)",
        "s/entrega",
        "CPU s/entrega",
        "entregas/s",
        "× nbgrader",
        "pico (MB)",
    )
    for name in columns:
        table.add_column(name, justify="right")
    for rate in report.rates:
        table.add_row(
            rate.name,
            f"{rate.total:.1f}",
            f"{rate.startup:.1f}" if rate.startup else "—",
            f"{rate.each:.4f}",
            f"{rate.cpu / rate.submissions:.4f}",
            f"{rate.submissions / rate.total:.2f}",
            f"{report.rate('nbgrader').total / rate.total:.1f}",
            f"{rate.peak / MB:.0f}" if rate.peak else "—",
        )
    return table


def conclusions(report: Report) -> list[str]:
    """As metas, com o que se mediu."""
    nbgrader, best = report.rate("nbgrader"), report.rate(ours(2))
    return [
        f"{ours(2).capitalize()}: {nbgrader.total / best.total:.0f} vezes a velocidade do nbgrader contando a partida, "
        f"{nbgrader.each / best.each:.0f} vezes sem ela (meta: 30).",
        *(
            f"{ours(n).capitalize()}: {report.rate(ours(n)).each / report.rate(bare(n)).each:.2f} "
            "vezes o tempo do piso (meta: até 2)."
            for n in (1, 2)
        ),
    ]
