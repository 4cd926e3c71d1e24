"""O livro de notas em um PostgreSQL de verdade, do pacote do sistema, aberto só para estes testes."""

import csv
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from grader.course import ClassDir
from grader.errors import GraderError
from grader.exercise import Exercise, load_exercise
from grader.grading.autograde import session
from grader.grading.gradebook import open_gradebook, register_exercise
from grader.record import read_records
from tests import tiny
from tests.command import grader
from tests.notebooks import code, dumped, hand_in, mistaken, solved

MISSING = "ATENÇÃO: falta o PostgreSQL para provar o livro de notas nele: apt-get install postgresql"


def server_programs() -> Path | None:
    """A pasta com `initdb` e `postgres`, que o Debian deixa fora do PATH."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.get_exec_path())]
    return next(
        (folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()),
        None,
    )


class Server:
    """Um servidor em uma pasta temporária, alcançável só pelo soquete que está nela."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="grader-pg-"))
        self.programs = programs
        # O PostgreSQL se recusa a rodar como root.
        self.user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        if self.user is not None:
            os.chown(self.folder, self.user, -1)
        self._run(
            "initdb", "-D", "dados", "-U", "curso", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        options = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}", "-F")
        self.process = self._popen("postgres", "-D", "dados", *options)
        self._wait()

    def _popen(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        with (self.folder.with_suffix(".log")).open("ab") as log:
            return subprocess.Popen(
                [self.programs / program, *options],
                cwd=self.folder,
                user=self.user,
                stdout=log,
                stderr=log,
            )

    def _run(self, program: str, *options: str) -> None:
        assert self._popen(program, *options).wait(timeout=60) == 0, self.log

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, self.log
            try:
                return psycopg.connect(f"host={self.folder} user=curso dbname=postgres").close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, self.log
                time.sleep(0.1)

    @property
    def log(self) -> str:
        return self.folder.with_suffix(".log").read_text(errors="replace")

    def database(self, name: str, template: str = "template1") -> str:
        """O endereço de um banco novo, cópia de outro."""
        with psycopg.connect(f"host={self.folder} user=curso dbname=postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return f"postgresql+psycopg://curso@/{name}?host={self.folder}"

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)
        self.folder.with_suffix(".log").unlink()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    programs = server_programs()
    if programs is None:
        pytest.skip(MISSING)
    running = Server(programs)
    yield running
    running.close()


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    return tiny.write_exercise(tmp_path_factory.mktemp("exercicios"))


@pytest.fixture(scope="module")
def untouched(server: Server, exercise: Exercise, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Uma turma do exercício mínimo, sem notas, em SQLite e no banco “turma” do servidor."""
    classdir = tiny.create(tmp_path_factory.mktemp("turmas") / "turma", exercise)
    with open_gradebook(ClassDir(classdir.path, server.database("turma"))) as gradebook:
        register_exercise(gradebook, exercise)
    return classdir.path


@pytest.fixture
def local(untouched: Path, tmp_path: Path) -> ClassDir:
    return ClassDir(shutil.copytree(untouched, tmp_path / "local"))


@pytest.fixture
def classdir(untouched: Path, server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> ClassDir:
    """A mesma turma, com as notas em um banco só dela."""
    database = server.database(request.node.name, template="turma")
    return ClassDir(shutil.copytree(untouched, tmp_path / "turma"), database)


def table(path: Path) -> dict[str, float]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["student"]: float(row["score"]) for row in csv.DictReader(stream)}


def test_from_init_to_export(server: Server, tmp_path: Path) -> None:
    """Os verbos de sempre, com as notas no PostgreSQL; uma nova entrega substitui a nota."""
    db_url = server.database("inteira")
    folder, dropout = tmp_path / "turma", load_exercise("dropout")
    exported = folder / "exports/dropout.csv"
    assert grader("init", folder, "--db-url", db_url) == 0
    hand_in(folder, "dropout", "ana", dumped(solved(dropout)))
    hand_in(folder, "dropout", "bia", dumped(mistaken(dropout, "gradiente_sem_escala")))
    assert grader("autograde", folder, "dropout", "--workers", "1") == 0
    assert grader("export", folder, "--format", "csv") == 0
    assert table(exported) == {"ana": 10, "bia": 8.5}
    hand_in(folder, "dropout", "ana", dumped(mistaken(dropout, "gradiente_sem_escala")))
    assert grader("autograde", folder, "dropout", "--workers", "1") == 0
    assert grader("export", folder, "--format", "csv") == 0
    assert table(exported) == {"ana": 8.5, "bia": 8.5}
    assert not (folder / "gradebook.db").exists()
    with psycopg.connect(db_url.replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT student_id FROM submitted_assignment ORDER BY student_id"
        ).fetchall()
    assert rows == [("ana",), ("bia",)]


def test_the_same_marks_as_in_sqlite(classdir: ClassDir, local: ClassDir, exercise: Exercise) -> None:
    for place in (classdir, local):
        tiny.fill(place, 12)
        tiny.grade(place, exercise)
    assert len(tiny.gradebook_state(classdir)) == 12
    assert tiny.gradebook_state(classdir) == tiny.gradebook_state(local)


def test_a_second_run_has_nothing_to_do(classdir: ClassDir, exercise: Exercise) -> None:
    tiny.fill(classdir, 3)
    assert len(tiny.grade(classdir, exercise)) == 3
    assert tiny.grade(classdir, exercise) == []


def test_resubmission_replaces_a_mark_given_by_hand(classdir: ClassDir, exercise: Exercise) -> None:
    tiny.fill(classdir, 1)
    tiny.grade(classdir, exercise)
    with open_gradebook(classdir) as gradebook:
        gradebook.find_grade("check_mean", tiny.SLUG, tiny.SLUG, "estudante-00").manual_score = 5
        gradebook.db.commit()
    hand_in(classdir.path, tiny.SLUG, "estudante-00", dumped(tiny.answered("erro", "nada")))
    tiny.grade(classdir, exercise)
    with open_gradebook(classdir) as gradebook:
        assert gradebook.find_submission(tiny.SLUG, "estudante-00").score == 0


def test_a_null_character_in_a_message_stops_nobody(classdir: ClassDir, exercise: Exercise) -> None:
    """O PostgreSQL recusa o caractere nulo, que um estudante põe na mensagem de uma exceção."""
    hostile = {"cells": [code("def mean(x):\n    raise ValueError('a\\0b')")]}
    hand_in(classdir.path, tiny.SLUG, "hostil", dumped(hostile))
    hand_in(classdir.path, tiny.SLUG, "vizinha", dumped(tiny.answered()))
    assert tiny.grade(classdir, exercise) == ["hostil", "vizinha"]
    assert "\0" in "".join(
        check.message for record in read_records(classdir.results(tiny.SLUG)) for check in record.checks
    )
    state = tiny.gradebook_state(classdir)
    assert sum(score for score, *_ in state["vizinha"]["grades"].values()) == 10
    assert "ab" in state["hostil"]["comments"]["mean"]


def test_a_server_that_is_not_there(local: ClassDir, exercise: Exercise) -> None:
    away = ClassDir(local.path, "postgresql+psycopg://curso@/turma?host=/nao/existe")
    with (
        pytest.raises(GraderError, match="Não consegui abrir o livro de notas"),
        session(away, exercise, 1, False),
    ):
        pass
