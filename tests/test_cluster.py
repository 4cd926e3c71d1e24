"""A correção espalhada: um agendador Dask, dois processos, um deles morto no meio, e as mesmas notas."""

import gc
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from distributed.utils import LoopRunner

from grader.course import ClassDir
from grader.errors import GraderError
from grader.exercise import Exercise, load_exercise
from grader.grading import autograde, pool
from grader.grading.marker import Marker
from grader.grading.submission import Submission
from grader.isolation import Limits
from tests import tiny
from tests.conftest import SEED
from tests.notebooks import hand_in
from tests.sample_class import SAMPLES

SLUG = "dropout"
CHOSEN = [sample for sample in SAMPLES if sample.status in ("graded", "empty", "unreadable")]


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "passou do tempo"
        time.sleep(0.05)


@contextmanager
def running(*command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Um processo com o que ele escreve em `log`; no fim do bloco não existe mais."""
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=stream, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Cluster:
    """Um agendador em uma porta livre desta máquina e processos trabalhadores, um por pedido."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.workers: list[subprocess.Popen[bytes]] = []
        self.contact = folder / "agendador.json"
        options = (
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            str(self.contact),
        )
        self.scheduler = self._start("scheduler", *options)
        wait_until(lambda: self.contact.is_file() and self.contact.read_text().endswith("}"))
        self.address: str = json.loads(self.contact.read_text())["address"]

    def add_worker(self) -> None:
        options = (
            "--host",
            "127.0.0.1",
            "--nthreads",
            "1",
            "--no-dashboard",
            "--no-nanny",
            "--local-directory",
            str(self.folder),
        )
        self.workers.append(self._start("worker", *options, "--scheduler-file", str(self.contact)))

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{what}-{len(self.workers)}.log"
        return self.stack.enter_context(running("dask", what, *options, log=log))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


@pytest.fixture(scope="module")
def exercise() -> Exercise:
    return load_exercise(SLUG)


@pytest.fixture(scope="module")
def marker(exercise: Exercise) -> Marker:
    return Marker(exercise, SEED)


def sample_class(folder: Path, exercise: Exercise) -> ClassDir:
    classdir = tiny.create(folder, exercise)
    for sample in CHOSEN:
        hand_in(folder, SLUG, sample.student, sample.build(exercise))
    return classdir


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def children(pid: int) -> list[int]:
    """Os processos que descendem de outro."""
    below = [
        int(child)
        for path in Path(f"/proc/{pid}/task").glob("*/children")
        for child in path.read_text().split()
    ]
    return below + [grandchild for child in below for grandchild in children(child)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_dies_and_the_marks_are_the_same(
    cluster: Cluster, exercise: Exercise, tmp_path: Path
) -> None:
    cluster.add_worker()
    cluster.add_worker()
    classdir, results = sample_class(tmp_path / "turma", exercise), tmp_path / "turma/results/dropout.jsonl"
    options = ("--cluster", cluster.address, "--seed", str(SEED))
    command = ("grader", "autograde", str(classdir.path), SLUG, *options)
    with running(*command, log=tmp_path / "correcao.log") as process:
        wait_until(lambda: lines(results) >= 3)
        victim = next(worker for worker in cluster.workers if children(worker.pid))
        orphans = children(victim.pid)
        victim.send_signal(signal.SIGKILL)
        assert lines(results) < len(CHOSEN), "a morte chegou tarde: já estava tudo corrigido"
        assert process.wait(timeout=180) == 0, (tmp_path / "correcao.log").read_text()
    wait_until(lambda: not any(map(alive, orphans)), 30)
    here = sample_class(tmp_path / "aqui", exercise)
    with (
        autograde.session(here, exercise, SEED, force=False) as session,
        autograde.open_pool(session.marker, 1, None, True) as local,
    ):
        assert sum(1 for _ in autograde.run(session, local)) == len(CHOSEN)
    assert tiny.state(classdir, SLUG) == tiny.state(here, SLUG)


def test_the_scheduler_dies_and_nothing_is_lost(cluster: Cluster, exercise: Exercise, tmp_path: Path) -> None:
    cluster.add_worker()
    classdir, saved = sample_class(tmp_path / "turma", exercise), set()
    with (
        autograde.session(classdir, exercise, SEED, force=False) as session,
        autograde.open_pool(session.marker, 1, cluster.address, True) as remote,
        pytest.raises(GraderError, match="rode o comando de novo"),
    ):
        for record in autograde.run(session, remote):
            saved.add(record.student)
            if len(saved) == 3:
                cluster.scheduler.kill()
    with autograde.session(classdir, exercise, SEED, force=False) as session:
        left = {submission.student for submission in session.pending()}
    assert 3 <= len(saved) < len(CHOSEN)
    assert left == {sample.student for sample in CHOSEN} - saved


def test_nothing_waits_for_a_scheduler_that_is_gone(cluster: Cluster, marker: Marker) -> None:
    """Entre a queda e a desistência do cliente, o Dask aceita uma entrega que ninguém vai corrigir."""
    cluster.add_worker()
    with pool.ClusterPool(marker, cluster.address, Limits()) as remote:
        cluster.scheduler.kill()
        wait_until(lambda: remote.client.status != "running")
        with pytest.raises(GraderError, match="se foi"):
            remote.submit(Submission("ana")).result(timeout=60)
        wait_until(lambda: remote.client.status == "closed")
        with pytest.raises(GraderError, match="se foi"):
            remote.submit(Submission("ana")).result(timeout=60)


def test_a_scheduler_without_workers(
    cluster: Cluster, marker: Marker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 1)
    with pytest.raises(GraderError, match="não tem nenhum trabalhador"):
        pool.ClusterPool(marker, cluster.address, Limits())


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nada", "xyz://127.0.0.1:9"])
def test_no_scheduler_there(address: str, marker: Marker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 1)
    with pytest.raises(GraderError, match="Não consegui falar com um agendador Dask"):
        pool.ClusterPool(marker, address, Limits())


@pytest.mark.timeout(60)
def test_a_client_that_failed_is_gone_before_another_starts(
    marker: Marker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """O Dask trava para sempre se o coletor de lixo recolhe um cliente enquanto outro começa."""
    start = LoopRunner._start_unlocked

    def collect_and_start(runner: LoopRunner) -> None:
        gc.collect()
        start(runner)

    monkeypatch.setattr(LoopRunner, "_start_unlocked", collect_and_start)
    monkeypatch.setattr(pool, "PATIENCE", 1)
    for _ in range(2):
        with pytest.raises(GraderError, match="Não consegui falar com um agendador Dask"):
            pool.ClusterPool(marker, "nada", Limits())


def test_a_worker_with_another_version_of_the_exercise_refuses(marker: Marker) -> None:
    job = pool.Job(SLUG, "outro resumo", marker.seed, Limits(), isolated=True)
    with pytest.raises(GraderError, match="difere do seu"):
        pool.grade_remotely(job, Submission("ana"))
