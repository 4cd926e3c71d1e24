"""A linha de comando: `grader VERBO …`. Os verbos seguem os do nbgrader."""

import os
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError
from typer._click import exceptions as click  # o Typer traz o seu próprio Click

from grader.course import ClassDir, known_slug, slugs
from grader.errors import GraderError, UnreadableSource, reason
from grader.portuguese import Command, Group, usage_problem
from grader.record import CheckResult, Record

app = typer.Typer(
    name="grader",
    cls=Group,
    help="Gera os exercícios do curso, corrige entregas em isolamento e devolve notas com diagnóstico.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)
out = Console()

INTERRUPTED = 130
MAX_ROWS = 200
"""Linhas da tabela no terminal."""
STATUS = {
    "graded": "corrigida",
    "empty": "em branco",
    "timeout": "passou do tempo",
    "memory": "esgotou a memória",
    "crashed": "derrubou o processo",
    "unreadable": "ilegível",
    "missing": "sem caderno",
}

ClassPath = Annotated[Path, typer.Argument(metavar="TURMA", help="Pasta da turma.")]
Slug = Annotated[str, typer.Argument(metavar="EXERCÍCIO", help="Nome do exercício, como “dropout”.")]
Unsafe = Annotated[
    bool, typer.Option("--sem-isolamento", help="Executa o código das entregas sem isolamento. Perigoso.")
]
DbUrl = Annotated[str | None, typer.Option("--db-url", metavar="URL", help="Endereço do livro de notas.")]


@app.command(cls=Command)
def release(
    names: Annotated[list[str] | None, typer.Argument(metavar="EXERCÍCIO", help="Sem nenhum: todos.")] = None,
) -> None:
    """Gera os cadernos dos estudantes: solutions/ → exercises/."""
    from grader.exercise import load_exercise
    from grader.release import release as release_one

    for exercise in [load_exercise(name) for name in [known_slug(name) for name in names or slugs()]]:
        out.print(f"{exercise.slug}: {release_one(exercise)}", soft_wrap=True)


@app.command(cls=Command)
def init(path: ClassPath, db_url: DbUrl = None) -> None:
    """Cria uma turma: um diretório de curso do nbgrader."""
    from grader.grading.classroom import create_class

    classdir = create_class(path, db_url)
    out.print(f"Turma criada em {classdir.path}, com os exercícios: {', '.join(slugs())}.", soft_wrap=True)
    out.print(f"Próximo passo: grader collect {path} EXERCÍCIO ENTREGAS", soft_wrap=True)


@app.command(cls=Command)
def collect(
    path: ClassPath,
    slug: Slug,
    source: Annotated[Path, typer.Argument(metavar="ENTREGAS", help="Pasta, zip do Moodle ou do Drive.")],
) -> None:
    """Recolhe as entregas de uma pasta, do Moodle ou do Google."""
    from grader.lms.collect import collect as collect_from

    collected = collect_from(ClassDir.open(path), known_slug(slug), source)
    for item in collected.items:
        out.print(
            f"{item.action:>12}  {printable(item.student)}  ← {printable(item.file or '—')}", soft_wrap=True
        )
        for note in item.notes:
            out.print(f"{'':>12}  {printable(note)}", soft_wrap=True)
    for refused in collected.refused:
        out.print(
            f"{'de fora':>12}  {printable(str(refused.path))}: {printable(refused.reason)}", soft_wrap=True
        )
    out.print(f"Estudantes reconhecidos: {len(collected.items)}; arquivos de fora: {len(collected.refused)}.")


@app.command(cls=Command)
def autograde(
    path: ClassPath,
    slug: Slug,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processos; o padrão é um por núcleo.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="ENDEREÇO", help="Agendador Dask, como tcp://…")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Semente; o padrão é uma secreta por turma.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Refaz também as notas que ainda valem.")] = False,
    db_url: DbUrl = None,
    unsafe: Unsafe = False,
) -> None:
    """Corrige as entregas em isolamento. Interrompido, retoma de onde parou."""
    from grader.exercise import load_exercise
    from grader.grading.autograde import open_pool, session
    from grader.grading.autograde import run as grade_pending

    classdir = ClassDir.open(path, db_url)
    exercise = load_exercise(slug)
    with (
        session(classdir, exercise, seed, force) as current,
        open_pool(current.marker, workers or os.cpu_count() or 1, cluster, not unsafe) as pool,
    ):
        announce_isolation(pool.layers, unsafe)
        total = sum(1 for _ in classdir.submissions(slug))
        graded = show_progress(grade_pending(current, pool), total)
    show_class(classdir, slug, graded)


def announce_isolation(layers: list[str], unsafe: bool) -> None:
    """Diz em que condições o código das entregas roda."""
    if unsafe:
        out.print(
            "ATENÇÃO: sem isolamento. O código das entregas tem acesso a tudo o que você tem.",
            style="bold red",
        )
    else:
        out.print(f"Isolamento: {', '.join(layers)}.")


def show_progress(records: Any, total: int) -> int:
    """Barra com ritmo e tempo restante; devolve quantas entregas foram corrigidas agora."""
    columns = (
        TextColumn("corrigindo"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    graded = 0
    with Progress(*columns, console=out) as progress:
        task = progress.add_task("", total=total, rate="")
        for _ in records:
            graded += 1
            speed = progress.tasks[0].speed
            progress.update(task, advance=1, rate=f"{speed:.1f}/s" if speed else "")
        progress.update(task, completed=total)
    return graded


def show_class(classdir: ClassDir, slug: str, graded: int) -> None:
    """Tabela da turma: nota, situação e o primeiro diagnóstico. Da turma grande, só quem pede atenção."""
    from grader.record import read_records

    path = classdir.results(slug)
    situations = Counter(record.status for record in read_records(path))
    total = situations.total()
    whole = total <= MAX_ROWS
    chosen = (record for record in read_records(path) if whole or record.status != "graded")
    table = Table(title=f"{slug}: {graded} corrigidas agora, {total} ao todo")
    for name in ("estudante", "nota", "situação", "diagnóstico"):
        table.add_column(name, justify="right" if name == "nota" else "left")
    for record in islice(chosen, MAX_ROWS):
        table.add_row(
            printable(record.student), score(record), STATUS[record.status], printable(diagnosis(record))
        )
    out.print(table)
    if not whole:
        shown = min(MAX_ROWS, total - situations["graded"])
        out.print(f"A tabela traz {shown} das entregas que pedem atenção; todas: grader export --format csv")
    out.print(f"Registros: {path}", soft_wrap=True, markup=False)


def diagnosis(record: Record) -> str:
    """A frase mais útil de um registro: o primeiro erro reconhecido, ou o primeiro motivo."""
    lost = [check for check in record.checks if check.status != "passed"]
    named = [check for check in lost if check.mistake] or lost
    return (named[0].message if named else "") or " ".join(record.notes[:1])


def score(record: Record) -> str:
    return f"{record.score:.2f}".rstrip("0").rstrip(".").replace(".", ",") + f"/{record.max_score:g}"


def printable(text: str) -> str:
    """Texto sem caracteres de controle nem marcação, curto o bastante para uma célula."""
    clean = "".join(c for c in text if c.isprintable())
    return clean.replace("[", "\\[")[:200]


@app.command(cls=Command)
def feedback(
    path: ClassPath,
    slug: Slug,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Mostra os valores das verificações ocultas.")
    ] = False,
    db_url: DbUrl = None,
) -> None:
    """Escreve a página de cada estudante e o zip para o Moodle."""
    from grader.pages.feedback import write_feedback

    classdir = ClassDir.open(path, db_url)
    pages = write_feedback(classdir, known_slug(slug), reveal)
    out.print(f"{len(pages)} páginas em {classdir.path / 'feedback'}", soft_wrap=True)
    out.print(f"Zip para o Moodle: {classdir.feedback_zip(slug)}", soft_wrap=True)


@app.command(cls=Command)
def export(
    path: ClassPath,
    format: Annotated[str, typer.Option("--format", metavar="moodle|csv", help="Formato de saída.")],
    slug: Annotated[
        str | None, typer.Option("--exercise", metavar="EXERCÍCIO", help="Só um exercício.")
    ] = None,
    worksheet: Annotated[
        Path | None, typer.Option(metavar="PLANILHA.csv", help="Planilha de notas baixada do Moodle.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="ARQUIVO", help="Onde escrever.")] = None,
    db_url: DbUrl = None,
) -> None:
    """Exporta as notas em CSV ou na planilha do Moodle."""
    from grader.lms.export import export as export_as

    exported = export_as(ClassDir.open(path, db_url), format, slug and known_slug(slug), worksheet, to)
    for line in [*map(str, exported.files), *exported.notes]:
        out.print(line, soft_wrap=True, markup=False)


@app.command(cls=Command)
def report(path: ClassPath, slug: Slug, db_url: DbUrl = None) -> None:
    """Escreve uma página HTML sobre como a turma foi no exercício."""
    from grader.pages.report import write_report

    out.print(f"Relatório: {write_report(ClassDir.open(path, db_url), known_slug(slug))}", soft_wrap=True)


@app.command(cls=Command)
def check(
    slug: Slug,
    notebook: Annotated[Path, typer.Argument(metavar="CADERNO", help="Um arquivo .ipynb.")],
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Semente das verificações.")] = 0,
    unsafe: Unsafe = False,
) -> None:
    """Corrige um só caderno e mostra o veredito no terminal."""
    from grader.exercise import load_exercise
    from grader.grading.marker import Marker
    from grader.grading.submission import read_notebook
    from grader.isolation import Examiner

    exercise = load_exercise(slug)
    submission = read_notebook(notebook.stem, notebook)
    if submission.problem:
        raise UnreadableSource(f"{notebook}: {submission.problem}.")
    with Examiner(exercise.probe_sources, exercise.barred, isolated=not unsafe) as examiner:
        announce_isolation(examiner.layers, unsafe)
        show_record(Marker(exercise, seed).grade(submission, examiner))


def show_record(record: Record) -> None:
    """Uma linha por verificação, a nota e as observações."""
    for result in record.checks:
        out.print(verdict_line(result), markup=False, highlight=False)
    for note in record.notes:
        out.print(f"  observação: {note}", markup=False, highlight=False)
    out.print(f"Nota: {score(record)} ({STATUS[record.status]}, {record.seconds:.2f} s)", style="bold")


def verdict_line(result: CheckResult) -> str:
    mark = "✔" if result.status == "passed" else "✘"
    hidden = " (oculta)" if result.hidden else ""
    why = f"\n      {result.message}" if result.message else ""
    return f"  {mark} {result.earned:g}/{result.points:g}  {result.title}{hidden}{why}"


def main() -> None:
    """Ponto de entrada. Sai com 0 se tudo terminou com registro e 2 se os argumentos não servem."""
    sys.exit(run(app))


def run(command: Callable[..., Any]) -> int:
    """Roda a linha de comando; toda falha prevista vira uma frase em português no erro padrão."""
    try:
        outcome = command(standalone_mode=False, prog_name="grader")
    except GraderError as error:
        return complain(str(error))
    except click.ClickException as error:
        return complain(usage_problem(error))
    except SQLAlchemyError as error:
        return complain(f"O livro de notas falhou: {str(error).splitlines()[0]} Rode o comando de novo.")
    except OSError as error:
        return complain(f"O sistema recusou {error.filename or 'a operação'}: {reason(error)}.")
    if outcome == INTERRUPTED:  # o que o Typer devolve depois de um Ctrl-C
        return complain(
            "Interrompido. O que já estava pronto está gravado; rode de novo para retomar.", INTERRUPTED
        )
    return 0


def complain(message: str, code: int = 2) -> int:
    print(f"grader: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
