"""Tempo e memória de um comando e de todos os processos que ele cria."""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil


class BenchError(Exception):
    """O banco não pôde medir o que devia; a mensagem diz por quê."""


@dataclass
class Memory:
    """Picos de memória de uma árvore de processos, em bytes.

    `tree` é a soma com as páginas partilhadas contadas uma vez (PSS) ou, onde o sistema não deixa lê-la, a
    soma das memórias residentes, que é maior. `own` são as páginas que só um processo tem.
    """

    tree: int = 0
    resident: dict[int, int] = field(default_factory=dict)
    own: dict[int, int] = field(default_factory=dict)
    parents: set[int] = field(default_factory=set)

    def sample(self, root: psutil.Process) -> None:
        total = 0
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                resident, shared, own = sizes(process)
                total += shared
                self.parents.add(process.ppid())
                self.resident[process.pid] = max(resident, self.resident.get(process.pid, 0))
                self.own[process.pid] = max(own, self.own.get(process.pid, 0))
        self.tree = max(self.tree, total)


def sizes(process: psutil.Process) -> tuple[int, int, int]:
    """Memória residente, a sua parte da partilhada (PSS) e a própria (USS) de um processo."""
    try:
        info = process.memory_full_info()
    except psutil.AccessDenied:
        resident = process.memory_info().rss
        return resident, resident, resident
    return info.rss, info.pss, info.uss


@dataclass
class Measured:
    """O que custou um comando: segundos de parede e memória da árvore toda."""

    seconds: float
    memory: Memory
    pid: int


def run(command: list[str], cwd: Path, timeout: float, sampling: float = 0) -> Measured:
    """Roda um comando até o fim; com `sampling`, olha a memória a cada tantos segundos.

    Levanta `BenchError` se ele falha ou passa do prazo; não deixa processo para trás.
    """
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        with killed_after(timeout, process.pid), sampled(process.pid, sampling) as memory:
            process.wait()
            seconds = time.perf_counter() - started
        if process.returncode != 0:
            log.seek(0)
            tail = log.read().decode(errors="replace").strip().splitlines()[-5:]
            raise BenchError(
                f"`{' '.join(command)}` terminou com {process.returncode} depois de {seconds:.0f} s "
                f"(prazo: {timeout:.0f} s):\n" + "\n".join(tail)
            )
    return Measured(seconds, memory, process.pid)


@contextlib.contextmanager
def killed_after(timeout: float, group: int) -> Iterator[None]:
    """Mata o grupo de processos no fim do prazo, e o que restar dele na saída."""

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)

    timer = threading.Timer(timeout, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        kill()


@contextlib.contextmanager
def sampled(pid: int, every: float) -> Iterator[Memory]:
    """Olha a memória da árvore de `pid` em outra thread enquanto o bloco dura; nunca, se `every` é zero."""
    memory, over = Memory(), threading.Event()

    def watch() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            while not over.wait(every):
                memory.sample(root)

    thread = threading.Thread(target=watch)
    if every:
        thread.start()
    try:
        yield memory
    finally:
        over.set()
        if every:
            thread.join()
