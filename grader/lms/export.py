"""Leva as notas de volta: uma tabela CSV, ou a planilha que o próprio Moodle exportou, já preenchida.

As notas vêm do livro de notas do nbgrader, onde valem as que alguém deu à mão no formgrader; de
`results/<slug>.jsonl` vêm o status, as verificações e a nota de quem o livro não conhece. Os exportadores são
plugins do nbgrader e servem também a `nbgrader export --exporter=grader.lms.export.CsvExporter`.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets import Unicode, default

from grader.course import ClassDir
from grader.errors import GraderError
from grader.files import write_atomically
from grader.grading.marks import Mark, graded_exercises, read_marks
from grader.lms.collect import ANONYMOUS
from grader.lms.people import slugify
from grader.lms.worksheet import Row, as_number, read_worksheet


@dataclass
class Exported:
    """Arquivos escritos e o que quem exporta precisa saber."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Exporter(ExportPlugin):
    """O que os exportadores têm em comum: a turma, os exercícios e o destino."""

    file_name = ""
    root = Unicode(help="pasta da turma").tag(config=True)

    @default("root")
    def _root_of_the_app(self) -> str:
        return str(self.parent.coursedir.root)

    def export(self, gradebook: Gradebook) -> Exported:
        """Exporta os exercícios pedidos em `assignment` ou, sem pedido, todos os que têm nota."""
        classdir = ClassDir(Path(self.root))
        slugs = self.assignment or graded_exercises(gradebook, classdir)
        marks = {slug: read_marks(gradebook, classdir, slug) for slug in slugs}
        empty = [slug for slug in slugs if not marks[slug]]
        if empty or not slugs:
            raise GraderError(
                f"Ainda não há notas de {', '.join(empty) or 'exercício nenhum'}. Rode grader autograde."
            )
        self.check(slugs)
        result = Exported()
        for slug in slugs:
            chosen = [
                mark for mark in marks[slug] if not self.student or mark.student in map(str, self.student)
            ]
            target = Path(self.to) if self.to else classdir.path / "exports" / self.file_name.format(slug)
            write_atomically(target, self.content(chosen, target, result.notes))
            result.files.append(target)
        self.log.info("%s", "\n".join([*map(str, result.files), *result.notes]))
        return result

    def check(self, slugs: list[str]) -> None:
        """Levanta `GraderError` se o pedido não faz sentido para estes exercícios."""
        if self.to and len(slugs) > 1:
            raise GraderError(
                f"--to é um arquivo só, e há notas de {', '.join(slugs)}. Indique um exercício."
            )

    def content(self, marks: list[Mark], target: Path, notes: list[str]) -> bytes:
        """O arquivo de um exercício; em `notes` entra o que quem exporta precisa saber."""
        raise NotImplementedError


class CsvExporter(_Exporter):
    """Uma tabela por exercício: uma linha por estudante, uma coluna por verificação."""

    file_name = "{}.csv"

    def content(self, marks: list[Mark], target: Path, notes: list[str]) -> bytes:
        checks = list(dict.fromkeys(check for mark in marks for check in mark.checks))
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["student", "name", "status", "score", "max_score", *checks])
        for mark in marks:
            texts = [_inert(text) for text in (mark.student, mark.name, mark.status)]
            scores = [round(score, 4) for score in (mark.score, mark.max_score)]
            writer.writerow([*texts, *scores, *(mark.checks.get(check, "") for check in checks)])
        return table.getvalue().encode()


class MoodleExporter(_Exporter):
    """A planilha de notas que o Moodle exportou, com a coluna da nota preenchida."""

    file_name = "{}-moodle.csv"
    worksheet = Unicode(help="planilha de notas baixada da tarefa no Moodle").tag(config=True)

    def check(self, slugs: list[str]) -> None:
        if not self.worksheet:
            raise GraderError("Falta a planilha: baixe-a da tarefa no Moodle e indique-a com --worksheet.")
        if len(slugs) > 1:
            raise GraderError(
                f"A planilha é de uma tarefa só, e há notas de {', '.join(slugs)}. Indique uma."
            )

    def content(self, marks: list[Mark], target: Path, notes: list[str]) -> bytes:
        if target.resolve() == Path(self.worksheet).resolve():
            raise GraderError(
                f"{target} é a própria planilha, que não se altera. Indique outro destino com --to."
            )
        sheet = read_worksheet(Path(self.worksheet))
        pairs = _match(sheet.rows, marks, notes)
        grades = [(row, sheet.number(_scaled(mark, row))) for row, mark in pairs]
        changed = [
            f"{row.label} ({row.grade} → {new})"
            for row, new in grades
            if as_number(row.grade) not in (None, as_number(new))
        ]
        scales = {
            (mark.max_score, row.maximum) for row, mark in pairs if row.maximum not in (None, mark.max_score)
        }
        notes += [f"Notas convertidas do máximo {ours:g} para {theirs:g}." for ours, theirs in sorted(scales)]
        _note(notes, "Já tinham outra nota na planilha, que foi trocada", changed)
        return sheet.filled(grades)


FORMATS = {"csv": CsvExporter, "moodle": MoodleExporter}


def export(
    classdir: ClassDir,
    format: str,
    slug: str | None = None,
    worksheet: Path | None = None,
    to: Path | None = None,
) -> Exported:
    """Exporta as notas de um exercício, ou de todos, para `exports/` ou para o arquivo `to`."""
    from grader.grading.gradebook import open_gradebook

    if format not in FORMATS:
        raise GraderError(f"Não conheço o formato “{format}”. Os que existem: {', '.join(FORMATS)}.")
    if worksheet and format != "moodle":
        raise GraderError("--worksheet só vale com --format moodle.")
    options = {"worksheet": str(worksheet)} if worksheet else {}
    exporter = FORMATS[format](
        root=str(classdir.path), assignment=[slug] if slug else [], to=str(to or ""), **options
    )
    with open_gradebook(classdir) as gradebook:
        return exporter.export(gradebook)


def _inert(text: str) -> str:
    """Um texto que o programa de planilhas não toma por fórmula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _match(rows: list[Row], marks: list[Mark], notes: list[str]) -> list[tuple[Row, Mark]]:
    """Cada linha com a sua nota: pelo número do Moodle ou, na falta dele, pelo nome que só uma pessoa tem."""
    by_number = {mark.participant: mark for mark in marks if mark.participant is not None}
    by_name = {slugify(mark.name): mark for mark in marks}
    namesakes = Counter(slugify(row.name) for row in rows) + Counter(slugify(mark.name) for mark in marks)
    pairs = [(row, by_number[row.participant]) for row in rows if row.participant in by_number]
    doubtful = [(row, mark) for row, mark in pairs if not _same_person(row.name, mark.name)]
    numbered = {mark.student for _, mark in pairs}
    named = [
        (row, mark)
        for row in rows
        if row.participant not in by_number
        and namesakes[slugify(row.name)] == 2
        and (mark := by_name.get(slugify(row.name)))
        and mark.student not in numbered
    ]
    good = [pair for pair in pairs + named if pair not in doubtful]
    rest = {row.span for row in rows} - {row.span for row, _ in pairs + named}
    lost = {mark.student for mark in marks} - {mark.student for _, mark in pairs + named}
    _note(
        notes,
        "O número confere e o nome não, nota não escrita",
        [f"{row.label} ≠ {mark.name}" for row, mark in doubtful],
    )
    _note(notes, "Achados na planilha pelo nome, não pelo número", [row.label for row, _ in named])
    _note(notes, "Bloqueados no Moodle, nota não escrita", [row.label for row, _ in good if row.locked])
    _note(notes, "Na planilha, mas sem nota na turma", [row.label for row in rows if row.span in rest])
    _note(
        notes,
        "Com nota na turma, mas fora da planilha",
        [mark.name for mark in marks if mark.student in lost],
    )
    return [(row, mark) for row, mark in good if not row.locked]


def _same_person(row: str, mark: str) -> bool:
    """O número vale só nesta tarefa, e o de um grupo parece o de uma pessoa: o nome tem de concordar."""
    ours, theirs = slugify(mark), slugify(row)
    return ours in ANONYMOUS or theirs in ours or ours in theirs


def _scaled(mark: Mark, row: Row) -> float:
    """A nota na escala da planilha; acima do máximo, o Moodle a recusaria."""
    if row.maximum is None or mark.max_score <= 0:
        return mark.score
    return min(mark.score * row.maximum / mark.max_score, row.maximum)


def _note(notes: list[str], what: str, who: list[str]) -> None:
    if who:
        notes.append(f"{what}: {', '.join(who)}.")
