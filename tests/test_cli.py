"""A linha de comando inteira: o caminho feliz, a ajuda em português, e uma frase para cada pedido torto."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from grader import cli, portuguese
from grader.course import ROOT, ClassDir
from grader.exercise import load_exercise
from grader.grading.classroom import create_class
from grader.grading.gradebook import open_gradebook
from grader.record import read_records
from grader.release import release
from tests.command import grader
from tests.notebooks import code, dumped, hand_in, mistaken, released, solved

SLUG = "dropout"
VERBS = ["release", "init", "collect", "autograde", "feedback", "export", "report", "check"]
WORKSHEET = (
    'Identificador,"Nome completo","Endereço de email",Status,Nota,"Nota máxima","Nota pode ser alterada",'
    '"Última modificação (envio)","Última modificação (nota)","Comentários de feedback"\n'
    'Participante 101,"Ana D\'Ávila",ana@exemplo.br,"Enviado para avaliação",,"10,00",Sim,-,-,\n'
    'Participante 102,"Caio Reis",caio@exemplo.br,"Enviado para avaliação",,"10,00",Sim,-,-,\n'
)


@pytest.fixture(scope="module")
def new_class(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Uma turma recém-criada."""
    return create_class(tmp_path_factory.mktemp("nova") / "turma").path


@pytest.fixture
def folder(new_class: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(new_class, tmp_path / "turma"))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- o caminho feliz --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Uma turma do começo ao fim, verbo a verbo, como quem ensina a usa."""
    base = tmp_path_factory.mktemp("inteira")
    folder, exercise = base / "turma", load_exercise(SLUG)
    assert grader("init", folder) == 0

    plain = base / "pasta"
    for student, content in {"bia": dumped(solved(exercise)), "davi": b"{"}.items():
        (plain / student).mkdir(parents=True)
        (plain / student / "caderno.ipynb").write_bytes(content)
    assert grader("collect", folder, SLUG, plain) == 0

    with zipfile.ZipFile(base / "moodle.zip", "w") as archive:
        ana, caio = dumped(solved(exercise)), dumped(mistaken(exercise, "gradiente_sem_escala"))
        archive.writestr("Ana D'Ávila_101_assignsubmission_file_/dropout.ipynb", ana)
        archive.writestr("Caio Reis_102_assignsubmission_file_/meu dropout.ipynb", caio)
    assert grader("collect", folder, SLUG, base / "moodle.zip") == 0

    assert grader("autograde", folder, SLUG, "--seed", 7, "--workers", 1) == 0
    assert grader("feedback", folder, SLUG) == 0
    assert grader("export", folder, "--format", "csv") == 0
    (base / "planilha.csv").write_text(WORKSHEET, encoding="utf-8")
    assert grader("export", folder, "--format", "moodle", "--worksheet", base / "planilha.csv") == 0
    assert grader("report", folder, SLUG) == 0
    return folder


MARKS = {"ana-davila": 10, "bia": 10, "caio-reis": 8.5, "davi": 0}


def test_every_submission_has_a_record(graded: Path) -> None:
    records = {record.student: record for record in read_records(graded / f"results/{SLUG}.jsonl")}
    assert {student: record.score for student, record in records.items()} == MARKS
    assert records["davi"].status == "unreadable"
    assert "gradiente_sem_escala" in [check.mistake for check in records["caio-reis"].checks]


def test_everyone_gets_a_page_and_moodle_a_zip(graded: Path) -> None:
    pages = [graded / f"feedback/{student}/{SLUG}/{SLUG}.html" for student in MARKS]
    assert all("<html" in page.read_text(encoding="utf-8") for page in pages)
    with zipfile.ZipFile(graded / f"feedback/{SLUG}.zip") as archive:
        names = archive.namelist()
    assert "Ana D'Ávila_101_assignsubmission_file_/dropout.html" in names and len(names) == len(MARKS)


def test_the_table_has_the_marks(graded: Path) -> None:
    with (graded / f"exports/{SLUG}.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["student"]: float(row["score"]) for row in csv.DictReader(stream)} == MARKS


def test_the_worksheet_has_the_marks(graded: Path) -> None:
    with (graded / f"exports/{SLUG}-moodle.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["Nome completo"]: row["Nota"] for row in csv.DictReader(stream)} == {
            "Ana D'Ávila": "10,00",
            "Caio Reis": "8,50",
        }


def test_the_report_is_a_page(graded: Path) -> None:
    assert "</html>" in (graded / f"reports/{SLUG}.html").read_text(encoding="utf-8")


def test_another_process_checks_one_notebook(tmp_path: Path) -> None:
    """Em outro processo, como no terminal: o veredito sai na saída padrão e nada no erro padrão."""
    notebook = tmp_path / "caderno.ipynb"
    notebook.write_bytes(dumped(solved(load_exercise(SLUG))))
    command = [sys.executable, "-m", "grader", "check", SLUG, str(notebook)]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "Isolamento:" in finished.stdout and "Nota: 10/10" in finished.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["caderno.ipynb"]


def test_release_writes_the_notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("grader.release.release", partial(release, destination=tmp_path))
    assert grader("release", SLUG) == 0
    [path] = tmp_path.rglob("*.ipynb")
    assert path == tmp_path / SLUG / f"{SLUG}.ipynb"
    assert json.loads(path.read_text(encoding="utf-8"))["nbformat"] == 4


# --- o nbgrader continua servindo -------------------------------------------------------------------


def environment(folder: Path) -> dict[str, str]:
    """Um Jupyter sem nada da pessoa que roda os testes."""
    places = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **{name: str(folder / name.lower()) for name in places}, "PATH": path}


@pytest.fixture(scope="module")
def formgrader(graded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """O formgrader do nbgrader aberto na turma, em uma porta livre desta máquina; devolve quem o consulta."""
    private = tmp_path_factory.mktemp("jupyter")
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": "0",
        "ServerApp.open_browser": "False",
        "ServerApp.allow_root": "True",
        "ServerApp.root_dir": str(graded),
        "ServerApp.jpserver_extensions": "nbgrader.server_extensions.formgrader=True",
        "IdentityProvider.token": "teste",
    }
    log = private / "jupyter.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyter_server",
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            cwd=graded,
            env=environment(private),
            stdout=stream,
            stderr=stream,
        )
    try:
        address = served_at(private / "jupyter_runtime_dir", server, log)
        yield lambda page: urllib.request.urlopen(f"{address}{page}?token=teste", timeout=60).read().decode()
    finally:
        server.terminate()
        server.wait(timeout=30)


def served_at(runtime: Path, server: subprocess.Popen[bytes], log: Path) -> str:
    """O endereço que o servidor anuncia quando está pronto."""
    deadline = time.monotonic() + 120
    while not (found := list(runtime.glob(f"jpserver-{server.pid}.json"))):
        assert server.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return str(json.loads(found[0].read_text())["url"])


def test_formgrader_opens_the_class(formgrader: Callable[[str], str]) -> None:
    assert "manage_assignments" in formgrader("formgrader")


def test_formgrader_knows_the_assignment(formgrader: Callable[[str], str]) -> None:
    [assignment] = [a for a in json.loads(formgrader("formgrader/api/assignments")) if a["name"] == SLUG]
    assert assignment["num_submissions"] == len(MARKS)
    assert assignment["max_score"] == 10


def test_formgrader_shows_our_marks(formgrader: Callable[[str], str]) -> None:
    submissions = json.loads(formgrader(f"formgrader/api/submissions/{SLUG}"))
    assert {s["student"]: s["score"] for s in submissions} == MARKS
    assert all(s["autograded"] and not s["needs_manual_grade"] for s in submissions)
    assert {s["student"] for s in submissions if s["timestamp"]} == set(MARKS)


def test_formgrader_renders_a_submission(formgrader: Callable[[str], str]) -> None:
    submissions = json.loads(formgrader(f"formgrader/api/submitted_notebooks/{SLUG}/{SLUG}"))
    [caio] = [s for s in submissions if s["student"] == "caio-reis"]
    page = formgrader(f"formgrader/submissions/{caio['id']}/")
    assert "dropout_backward" in page and "✘" in page


@pytest.fixture
def copied(graded: Path, tmp_path: Path) -> Path:
    """Uma cópia da turma corrigida, sem as nossas páginas."""
    return Path(shutil.copytree(graded, tmp_path / "turma", ignore=shutil.ignore_patterns("feedback")))


def nbgrader(folder: Path, private: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "nbgrader", *arguments]
    finished = subprocess.run(
        command, cwd=folder, env=environment(private), capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, finished.stderr


def test_nbgrader_exports_our_marks(copied: Path, tmp_path: Path) -> None:
    nbgrader(copied, tmp_path, "export", "--to", "notas.csv")
    with (copied / "notas.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["assignment"] == SLUG]
    assert {row["student_id"]: float(row["score"]) for row in rows} == MARKS


def test_nbgrader_generates_feedback(copied: Path, tmp_path: Path) -> None:
    nbgrader(copied, tmp_path, "generate_feedback", SLUG)
    page = (copied / f"feedback/caio-reis/{SLUG}/{SLUG}.html").read_text(encoding="utf-8")
    assert "dropout_backward" in page and "escala" in page


# --- a ajuda ----------------------------------------------------------------------------------------

ENGLISH = r"\b(usage|options?|arguments?|commands?|show|this|exit|default|required|path|text|range|str|int)\b"


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_in_portuguese(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert grader(*verb.split(), "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Uso: grader {verb}") and "Mostra esta ajuda e sai." in text
    assert not re.findall(ENGLISH, text, re.IGNORECASE)


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    grader("--help")
    listed = capsys.readouterr().out.partition("Verbos:\n")[2]
    assert re.findall(r"^  (\w+) .*\.$", listed, re.MULTILINE) == VERBS


# --- pedidos tortos ---------------------------------------------------------------------------------


def complaint(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """A frase com que o comando se recusa: uma só, no erro padrão, e código 2."""
    capsys.readouterr()
    assert grader(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("grader: ") and printed.err.count("\n") == 1, printed.err
    assert "Traceback" not in printed.err + printed.out
    return printed.err.removeprefix("grader: ").strip()


USAGE = {
    "sem nada": ([], "Falta o verbo"),
    "verbo": (["corrigir"], "Não existe o verbo “corrigir”"),
    "opção": (["autograde", "turma", SLUG, "--rapido"], "Não existe a opção --rapido"),
    "falta a turma": (["autograde"], "Falta dizer TURMA"),
    "falta o exercício": (["autograde", "turma"], "Falta dizer EXERCÍCIO"),
    "falta a origem": (["collect", "turma", SLUG], "Falta dizer ENTREGAS"),
    "falta o formato": (["export", "turma"], "Falta dizer --format"),
    "falta o caderno": (["check", SLUG], "Falta dizer CADERNO"),
    "sobra": (["report", "turma", SLUG, "a", "b"], "sobra “a b”"),
    "número": (["autograde", "turma", SLUG, "--seed", "sete"], "O valor dado a --seed não serve"),
    "nenhum trabalhador": (
        ["autograde", "turma", SLUG, "--workers", "0"],
        "O valor dado a --workers não serve",
    ),
    "semente negativa": (["check", SLUG, "a.ipynb", "--seed", "-1"], "O valor dado a --seed não serve"),
    "sem valor": (["autograde", "turma", SLUG, "--seed"], "Falta o valor da opção --seed"),
    "valor a mais": (["autograde", "turma", SLUG, "--force=sim"], "A opção --force não recebe valor"),
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, sentence = USAGE[case]
    said = complaint(capsys, *arguments)
    assert sentence in said and said.endswith("--help")


def test_every_usage_problem_of_the_library_is_translated() -> None:
    """O que a biblioteca diz em inglês e não conhecemos vira uma frase nossa, nunca a dela."""
    assert portuguese.usage_problem(portuguese.click.UsageError("Something new")) == (
        "Não entendi o pedido. Veja: grader --help"
    )


ON_A_CLASS = {
    "collect": [SLUG, "entregas"],
    "autograde": [SLUG],
    "feedback": [SLUG],
    "export": ["--format", "csv"],
    "report": [SLUG],
}


@pytest.mark.parametrize("verb", ON_A_CLASS)
def test_a_class_that_does_not_exist(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, verb, tmp_path / "nenhuma", *ON_A_CLASS[verb])
    assert "não existe. Crie a turma com: grader init" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ON_A_CLASS)
def test_a_folder_that_is_not_a_class(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fotos").mkdir()
    said = complaint(capsys, verb, tmp_path / "fotos", *ON_A_CLASS[verb])
    assert "não é uma turma" in said
    assert list((tmp_path / "fotos").iterdir()) == []


def test_a_file_is_not_a_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "turma").write_text("")
    assert "não é uma turma" in complaint(capsys, "autograde", tmp_path / "turma", SLUG)


@pytest.mark.parametrize(
    "arguments",
    [
        ["release", "nenhum"],
        ["collect", "{turma}", "nenhum", "{turma}"],
        ["autograde", "{turma}", "nenhum"],
        ["feedback", "{turma}", "nenhum"],
        ["report", "{turma}", "nenhum"],
        ["export", "{turma}", "--format", "csv", "--exercise", "nenhum"],
        ["check", "nenhum", "caderno.ipynb"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_exercise_that_does_not_exist(
    arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(folder)
    said = complaint(capsys, *(argument.format(turma=folder) for argument in arguments))
    assert "Não existe o exercício “nenhum”. Os que existem: " in said and SLUG in said
    assert everything(folder) == before


def write_source(kind: str, source: Path) -> None:
    """Uma origem que não serve."""
    if kind == "zip que não é zip":
        source.write_text("não sou um zip")
    elif kind == "zip cortado":
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr("ana/dropout.ipynb", "{}" * 1000)
        source.write_bytes(source.read_bytes()[:-40])
    elif kind == "caderno solto":
        source.write_bytes(dumped(released(SLUG)))
    elif kind == "pasta vazia":
        source.mkdir()


@pytest.mark.parametrize(
    "kind", ["não existe", "zip que não é zip", "zip cortado", "caderno solto", "pasta vazia"]
)
def test_a_source_that_is_no_source(
    kind: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / ("entregas.ipynb" if kind == "caderno solto" else "entregas.zip")
    write_source(kind, source)
    before = everything(folder)
    said = complaint(capsys, "collect", folder, SLUG, source)
    assert "entregas" in said and said.endswith(".")
    assert everything(folder) == before


def test_the_class_is_not_its_own_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "contém a própria turma" in complaint(capsys, "collect", folder, SLUG, folder)


WRONG_NOTEBOOKS = {
    "não existe": (None, "não existe"),
    "não é JSON": (b"isto nao e um caderno", "não é JSON válido"),
    "não é caderno": (b'{"a": 1}', "não tem células"),
    "outra linguagem": (
        json.dumps({"cells": [code("1")], "metadata": {"kernelspec": {"language": "R"}}}).encode(),
        "o caderno é de R",
    ),
    "outra codificação": ("{'ç'}".encode("latin-1"), "UTF-8"),
}


@pytest.mark.parametrize("kind", WRONG_NOTEBOOKS)
def test_a_notebook_of_the_wrong_kind(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, reason = WRONG_NOTEBOOKS[kind]
    if content is not None:
        (tmp_path / "caderno.ipynb").write_bytes(content)
    assert reason in complaint(capsys, "check", SLUG, tmp_path / "caderno.ipynb")


def test_a_folder_is_not_a_notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "não é um arquivo comum" in complaint(capsys, "check", SLUG, tmp_path)


def test_a_class_is_not_created_over_something(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(folder)
    assert "já existe e não está vazia" in complaint(capsys, "init", folder)
    assert everything(folder) == before


def test_a_class_is_not_created_in_the_repository(capsys: pytest.CaptureFixture[str]) -> None:
    assert "fora do repositório" in complaint(capsys, "init", ROOT / "turma")
    assert not (ROOT / "turma").exists()


@pytest.mark.parametrize("db_url", ["nada", "xyz://servidor/banco", "sqlite:////nao/existe/livro.db"])
def test_a_class_without_a_gradebook_is_not_created(
    db_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = complaint(capsys, "init", tmp_path / "turma", "--db-url", db_url)
    assert "Não consegui abrir o livro de notas" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["feedback", "report", "export"])
def test_nothing_was_graded_yet(verb: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(folder)
    said = complaint(capsys, verb, folder, *ON_A_CLASS[verb])
    assert "grader autograde" in said
    assert everything(folder) == before


EXPORTS = {
    "formato": (["--format", "pdf"], "Não conheço o formato “pdf”"),
    "sem planilha": (["--format", "moodle"], "Falta a planilha"),
    "planilha à toa": (
        ["--format", "csv", "--worksheet", "a.csv"],
        "--worksheet só vale com --format moodle",
    ),
    "planilha que não existe": (["--format", "moodle", "--worksheet", "nenhuma.csv"], "nenhuma.csv"),
    "não é planilha": (["--format", "moodle", "--worksheet", __file__], Path(__file__).name),
}


@pytest.mark.parametrize("case", EXPORTS)
def test_an_export_that_cannot_be(case: str, graded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, sentence = EXPORTS[case]
    before = everything(graded / "exports")
    assert sentence in complaint(capsys, "export", graded, *arguments)
    assert everything(graded / "exports") == before


def test_a_broken_configuration(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "nbgrader_config.py").write_text("c = (")
    assert "nbgrader_config.py" in complaint(capsys, "autograde", folder, SLUG)


def test_results_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "results").write_text("um arquivo no lugar da pasta")
    said = complaint(capsys, "autograde", folder, SLUG)
    assert said.startswith(f"Não consegui escrever em {folder / 'results'}: ")
    assert said.endswith("Acerte isso e rode o comando de novo.")


def test_a_gradebook_that_is_not_a_database(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gradebook.db").write_bytes(b"nada" * 1000)
    assert "livro de notas" in complaint(capsys, "autograde", folder, SLUG)


def test_a_seed_that_is_not_a_number(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ClassDir(folder).seed(SLUG).parent.mkdir()
    ClassDir(folder).seed(SLUG).write_text("sete")
    assert "deveria conter um número inteiro" in complaint(capsys, "autograde", folder, SLUG)


def test_a_scheduler_that_does_not_answer(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.grading.pool.PATIENCE", 1)
    said = complaint(capsys, "autograde", folder, SLUG, "--cluster", "tcp://127.0.0.1:9")
    assert "Não consegui falar com um agendador Dask em tcp://127.0.0.1:9" in said


def test_a_manifest_that_is_not_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand_in(folder, SLUG, "ana", b"{")
    manifest = ClassDir(folder).manifest(SLUG)
    manifest.parent.mkdir(parents=True)
    manifest.write_text("nada")
    assert "Não consegui ler o manifesto" in complaint(capsys, "autograde", folder, SLUG)


def test_a_problem_of_the_system_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Uma falha do sistema que ninguém previu também vira uma frase."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "/tmp/x")

    monkeypatch.setattr(cli, "app", full)
    assert complaint(capsys) == "O sistema recusou /tmp/x: não há espaço no disco."


def test_another_process_says_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "grader", "autograde", str(tmp_path), SLUG]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 2 and finished.stdout == ""
    assert finished.stderr == (
        f"grader: {tmp_path} não é uma turma: falta nbgrader_config.py. Crie uma com: grader init {tmp_path}\n"
    )


def test_a_class_can_be_moved(new_class: Path, tmp_path: Path) -> None:
    """A configuração não guarda onde a turma nasceu: uma cópia tem o seu próprio livro de notas."""
    copy = ClassDir(Path(shutil.copytree(new_class, tmp_path / "copia")))
    with open_gradebook(copy) as gradebook:
        assert str(gradebook.engine.url.database) == str(copy.path / "gradebook.db")
