"""O lado de fora do processo isolado: envia o pedido, cobra prazos e junta o que foi visto.

Quem trava ou derruba o processo perde só o que fazia: a entrega recomeça em outra bifurcação, sem a célula ou a
sonda culpada, até acabar o tempo total.
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.checker.runtime import Outcome
from grader.errors import IsolationUnavailable
from grader.isolation import wire
from grader.isolation.zygote import REQUIRED

PATIENCE = 3
"""Quantas vezes o seu tempo de processador um passo pode levar no relógio: a máquina pode estar ocupada."""
GRACE = 1.0
"""Segundos entre o alarme dentro do processo e a morte por fora."""
MAX_RESTARTS = 12
PIPE_BYTES = 2**20


@dataclass(frozen=True)
class Limits:
    """Tetos de uma entrega: segundos de processador por célula e por verificação, segundos de relógio ao todo e bytes.

    Os bytes são os que a entrega pode ocupar além das bibliotecas já carregadas.
    """

    cell_seconds: float = 10.0
    check_seconds: float = 5.0
    total_seconds: float = 60.0
    memory: int = 2**30


@dataclass
class Examination:
    """O que se viu de uma entrega: um resultado por sonda e o que aconteceu às células.

    `incidents` são "timeout", "memory" ou "crashed", um por coisa que interrompeu a correção.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    cell_notes: dict[int, str] = field(default_factory=dict)
    incidents: list[str] = field(default_factory=list)


@dataclass
class _Attempt:
    """Uma bifurcação: o roteiro que deve cumprir, em que passo está e por que parou.

    Um passo é uma célula (o índice dela) ou uma sonda (o id). `orphaned` diz que o processo aquecido morreu antes.
    """

    steps: list[int | str]
    step: int = -1
    answered: bool = True
    since: float = field(default_factory=time.monotonic)
    finished: bool = False
    orphaned: bool = False
    cause: str = "crashed"
    detail: str = "encerrou o processo"

    @property
    def current(self) -> int | str | None:
        return self.steps[self.step] if self.step >= 0 else None

    def follow(self, message: wire.Message) -> bool:
        """Avança no roteiro; False se a mensagem não é a que ele espera agora."""
        complete = self.answered or isinstance(self.current, int)  # célula sem erro nada responde
        if message.event == "begin":
            if not complete or not message.step == self.step + 1 < len(self.steps):
                return False
            self.step, self.answered, self.since = message.step, False, time.monotonic()
            return True
        if message.event == "end":
            self.finished = complete and self.step == len(self.steps) - 1
            return self.finished
        answer = "failed" if isinstance(self.current, int) else "seen"
        expected = not self.answered and (message.event, message.step) == (answer, self.step)
        self.answered = True
        return expected

    def stop(self, cause: str, detail: str) -> None:
        self.cause, self.detail = cause, detail


class Examiner:
    """Dono de um processo aquecido para um exercício. Use como gerenciador de contexto, de quantas threads quiser.

    `isolated=False` abre mão do isolamento e só cabe em código próprio ou por escolha explícita.
    Levanta `IsolationUnavailable` se o sistema não oferece Landlock e seccomp.
    """

    def __init__(
        self, probe_sources: list[str], barred: list[str], limits: Limits | None = None, isolated: bool = True
    ) -> None:
        self.limits = limits or Limits()
        self.setup = {
            "probe_sources": probe_sources,
            "barred": barred,
            "memory": self.limits.memory,
            "isolated": isolated,
        }
        self.layers: list[str] = []
        self.starting = threading.Lock()
        self._start()

    def __enter__(self) -> "Examiner":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Encerra o processo aquecido e, com ele, o filho que houver."""
        self.control.close()
        self.errors.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _start(self) -> None:
        self.control, theirs = socket.socketpair()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - vive tanto quanto o processo
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "grader.isolation.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors,
                env=clean_environment(),
                cwd="/",
            )
        self.control.sendall(json.dumps(self.setup).encode() + b"\n")
        answer = _line(self.control)
        if answer is None:
            self.errors.seek(0)
            reason = self.errors.read().decode(errors="replace").strip().splitlines()[-1:]
            raise IsolationUnavailable(f"O processo de correção não iniciou: {' '.join(reason)}")
        self.layers = answer["layers"]
        missing = [name for name in REQUIRED if not any(layer.startswith(name) for layer in self.layers)]
        if self.setup["isolated"] and missing:
            self.close()
            raise IsolationUnavailable(
                f"Este sistema não oferece {' nem '.join(missing)}, e o código das entregas é de estranhos. "
                "Use um Linux com núcleo 5.13 ou mais novo (no Windows, o WSL 2), ou assuma o risco com "
                "--sem-isolamento."
            )

    def examine(self, cells: list[tuple[int, str]], probes: list[str], seed: int) -> Examination:
        """Roda as células (índice, código) e observa as sondas pedidas; sempre devolve, nunca levanta."""
        examination = Examination()
        deadline = time.monotonic() + self.limits.total_seconds
        skipped: set[int] = set()
        orphaned = False
        for _ in range(MAX_RESTARTS):
            pending = [id for id in probes if id not in examination.outcomes]
            if not pending or time.monotonic() > deadline:
                break
            attempt = self._attempt(
                [cell for cell in cells if cell[0] not in skipped], pending, seed, examination, deadline
            )
            if attempt.finished:
                break
            if attempt.orphaned and not orphaned:  # da primeira vez, a culpa pode ser de um vizinho
                orphaned = True
                continue
            self._blame(attempt, examination, skipped)
        missing = Outcome("timeout", detail="acabou o tempo da entrega")
        if time.monotonic() <= deadline:
            missing = Outcome("crashed", detail=f"a entrega já tinha parado a correção {MAX_RESTARTS} vezes")
        for id in probes:
            examination.outcomes.setdefault(id, missing)
        return examination

    def _blame(self, attempt: _Attempt, examination: Examination, skipped: set[int]) -> None:
        """Anota o que parou a bifurcação e o tira da próxima."""
        examination.incidents.append(attempt.cause)
        if isinstance(attempt.current, str):
            examination.outcomes[attempt.current] = Outcome(attempt.cause, detail=attempt.detail)
        elif attempt.current is not None:
            skipped.add(attempt.current)
            examination.cell_notes[attempt.current] = attempt.detail

    def _attempt(
        self,
        cells: list[tuple[int, str]],
        probes: list[str],
        seed: int,
        examination: Examination,
        deadline: float,
    ) -> _Attempt:
        """Uma bifurcação, do pedido à saída."""
        receiver, leash = self._fork(
            {
                "cells": cells,
                "probes": probes,
                "seed": seed,
                "cell_seconds": (self.limits.cell_seconds, self.limits.cell_seconds * PATIENCE),
                "check_seconds": (self.limits.check_seconds, self.limits.check_seconds * PATIENCE),
                "total_seconds": self.limits.total_seconds,
            }
        )
        attempt = _Attempt([index for index, _ in cells] + probes)
        patience = 0.0
        try:
            for message, outcome in self._messages(receiver, attempt, deadline):
                if not attempt.follow(message):
                    raise wire.BadFrame("fora do roteiro")
                self._take(attempt.current, message, outcome, examination)
                if attempt.finished:
                    break
            else:
                patience = GRACE  # fechou o canal: deve estar terminando
        except wire.BadFrame:
            attempt.stop("crashed", "escreveu no canal reservado à correção")
        except TimeoutError:
            attempt.stop("timeout", "passou do tempo e não respondeu ao aviso")
        finally:
            os.close(receiver)
        with leash:
            _reap(attempt, leash, patience)
        return attempt

    def _fork(self, request: dict[str, Any]) -> tuple[int, socket.socket]:
        """Pede um filho ao processo aquecido; devolve a ponta de leitura do resultado e a coleira do filho."""
        receiver, sender = os.pipe()
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(sender, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        leash, theirs = socket.socketpair()
        with os.fdopen(os.memfd_create("entrega"), "wb") as job, theirs:
            job.write(json.dumps(request).encode())
            job.flush()
            self._send([job.fileno(), sender, theirs.fileno()])
        os.close(sender)
        return receiver, leash

    def _send(self, descriptors: list[int]) -> None:
        """Entrega um pedido ao processo aquecido; se ele morreu desde o último, a outro."""
        with self.starting:
            try:
                if self.process.poll() is None:
                    socket.send_fds(self.control, [b"f"], descriptors)
                    return
            except OSError:
                pass
            self.close()
            self._start()
            socket.send_fds(self.control, [b"f"], descriptors)

    def _messages(
        self, receiver: int, attempt: _Attempt, deadline: float
    ) -> Iterator[tuple[wire.Message, Outcome]]:
        """O que o filho diz, até ele fechar o canal; levanta `TimeoutError` se um passo ou o todo demora demais."""
        buffer = bytearray()
        while True:
            seconds = (
                self.limits.check_seconds if isinstance(attempt.current, str) else self.limits.cell_seconds
            )
            left = min(deadline, attempt.since + seconds * PATIENCE + GRACE) - time.monotonic()
            ready, _, _ = select.select([receiver], [], [], max(left, 0))
            if not ready or left < -GRACE:
                raise TimeoutError
            piece = os.read(receiver, PIPE_BYTES)
            if not piece:
                return
            buffer += piece
            while frame := wire.next_frame(buffer):
                yield frame

    def _take(
        self, step: int | str | None, message: wire.Message, outcome: Outcome, examination: Examination
    ) -> None:
        """Guarda o que o passo rendeu."""
        if isinstance(step, int) and message.event == "failed":
            examination.cell_notes.setdefault(step, outcome.detail)
        elif isinstance(step, str) and message.event == "seen":
            examination.outcomes[step] = outcome
        if outcome.status in ("timeout", "memory"):
            examination.incidents.append(outcome.status)


def _reap(attempt: _Attempt, leash: socket.socket, patience: float) -> None:
    """Espera `patience` segundos que o filho saia, mata-o se não saiu e apura por que parou."""
    alone = bool(select.select([leash], [], [], patience)[0])
    if not alone:
        with contextlib.suppress(OSError):
            leash.sendall(b"k")
    answer = _line(leash)
    attempt.orphaned = answer is None
    if answer is None or (alone and patience and answer["status"] == -signal.SIGKILL):
        attempt.stop("memory", "esgotou a memória")  # ninguém daqui o matou: foi o núcleo
    elif alone and answer["status"] == -signal.SIGXCPU:
        attempt.stop("timeout", "passou do tempo de processador")


def _line(connection: socket.socket) -> dict[str, Any] | None:
    """Uma linha do processo aquecido, ou None se ele morreu."""
    data = b""
    while not data.endswith(b"\n"):
        with contextlib.suppress(ConnectionError):
            if piece := connection.recv(4096):
                data += piece
                continue
        return None
    return json.loads(data)


def clean_environment() -> dict[str, str]:
    """Ambiente do processo aquecido: nada da pessoa que corrige, uma só thread, figuras sem tela."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(Path("~/.cache/matplotlib").expanduser()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        **dict.fromkeys(threads, "1"),
    }
