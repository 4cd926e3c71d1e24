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
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from grader.errors import IsolationUnavailable
from grader.isolation import wire
from grader.isolation.zygote import REQUIRED
from grader.runtime import Outcome

GRACE = 1.0
"""Segundos entre o alarme dentro do processo e a morte por fora."""
MAX_RESTARTS = 12
PIPE_BYTES = 2**20
MAX_OUTPUT = 256 * 2**20


@dataclass(frozen=True)
class Limits:
    """Tetos de uma entrega: segundos por célula, por verificação e ao todo; bytes além da base."""

    cell_seconds: float = 10.0
    check_seconds: float = 5.0
    total_seconds: float = 60.0
    memory: int = 2**30


@dataclass
class Examination:
    """O que se viu de uma entrega: um resultado por sonda e o que aconteceu às células.

    `incidents` são (status, célula ou sonda): "timeout", "memory" ou "crashed".
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    cell_notes: dict[int, str] = field(default_factory=dict)
    incidents: list[str] = field(default_factory=list)


@dataclass
class _Attempt:
    """Uma bifurcação: o que ela fazia quando parou e por que parou."""

    cell: int | None = None
    probe: str | None = None
    finished: bool = False
    cause: str = "crashed"


class Examiner:
    """Dono de um processo aquecido para um exercício. Use como gerenciador de contexto.

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
        answer = self._read_control()
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

    def _read_control(self) -> dict[str, Any] | None:
        """Uma linha do processo aquecido, ou None se ele morreu."""
        data = b""
        while not data.endswith(b"\n"):
            with contextlib.suppress(ConnectionError):
                if piece := self.control.recv(4096):
                    data += piece
                    continue
            return None
        return json.loads(data)

    def examine(self, cells: list[tuple[int, str]], probes: list[str], seed: int) -> Examination:
        """Roda as células (índice, código) e observa as sondas pedidas; sempre devolve, nunca levanta."""
        examination = Examination()
        started = time.monotonic()
        skipped: set[int] = set()
        for _ in range(MAX_RESTARTS):
            pending = [id for id in probes if id not in examination.outcomes]
            left = self.limits.total_seconds - (time.monotonic() - started)
            if not pending or left <= 0:
                break
            request = {
                "cells": [cell for cell in cells if cell[0] not in skipped],
                "probes": pending,
                "seed": seed,
                "cell_seconds": self.limits.cell_seconds,
                "check_seconds": self.limits.check_seconds,
                "total_seconds": self.limits.total_seconds,
            }
            attempt = self._attempt(request, examination, time.monotonic() + left)
            if attempt.finished:
                break
            self._blame(attempt, examination, skipped)
        for id in probes:
            examination.outcomes.setdefault(id, Outcome("timeout", detail="acabou o tempo da entrega"))
        return examination

    def _blame(self, attempt: _Attempt, examination: Examination, skipped: set[int]) -> None:
        """Anota o que parou a bifurcação e o tira da próxima."""
        examination.incidents.append(attempt.cause)
        detail = {
            "timeout": "passou do tempo e não respondeu ao aviso",
            "crashed": "encerrou o processo",
            "memory": "esgotou a memória",
        }[attempt.cause]
        if attempt.probe is not None:
            examination.outcomes[attempt.probe] = Outcome(attempt.cause, detail=detail)
        elif attempt.cell is not None:
            skipped.add(attempt.cell)
            examination.cell_notes[attempt.cell] = detail

    def _attempt(self, request: dict[str, Any], examination: Examination, deadline: float) -> _Attempt:
        """Uma bifurcação, do pedido à saída."""
        attempt = _Attempt()
        receiver = self._fork(request)
        try:
            for line in self._lines(receiver, attempt, deadline):
                self._take(line, attempt, request, examination)
                if attempt.finished:
                    break
        finally:
            os.close(receiver)
        status = self._reap()
        if status is None or (status == -signal.SIGKILL and attempt.cause == "crashed"):
            attempt.cause = "memory"  # ninguém daqui o matou: foi o núcleo, por falta de memória
        elif status == -signal.SIGXCPU:
            attempt.cause = "timeout"
        return attempt

    def _fork(self, request: dict[str, Any]) -> int:
        """Pede um filho ao processo aquecido; devolve a ponta de leitura do resultado."""
        receiver, sender = os.pipe()
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(sender, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        with tempfile.TemporaryFile() as job:
            job.write(json.dumps(request).encode())
            job.flush()
            socket.send_fds(self.control, [b"f"], [job.fileno(), sender])
        os.close(sender)
        return receiver

    def _reap(self) -> int | None:
        """Mata o filho se ainda vive e devolve como ele saiu; None se o processo aquecido se foi."""
        with contextlib.suppress(OSError):
            self.control.sendall(b"k")
        answer = self._read_control()
        if answer is None:
            self.close()
            self._start()
            return None
        return answer["status"]

    def _lines(self, receiver: int, attempt: _Attempt, deadline: float) -> Iterator[bytes]:
        """Linhas do filho até ele fechar o canal, passar do prazo ou escrever demais."""
        buffer, total = bytearray(), 0
        while True:
            seconds = self.limits.cell_seconds if attempt.probe is None else self.limits.check_seconds
            patience = min(deadline - time.monotonic(), seconds + GRACE)
            ready, _, _ = select.select([receiver], [], [], max(patience, 0))
            if not ready:
                attempt.cause = "timeout"
                return
            piece = os.read(receiver, PIPE_BYTES)
            total += len(piece)
            if not piece or total > MAX_OUTPUT or len(buffer) > 2 * wire.MAX_LINE:
                return
            buffer += piece
            *lines, rest = buffer.split(b"\n")
            buffer = rest
            yield from map(bytes, lines)

    def _take(
        self, line: bytes, attempt: _Attempt, request: dict[str, Any], examination: Examination
    ) -> None:
        """Guarda uma mensagem. A primeira resposta de cada sonda vale; o que não faz sentido é ignorado."""
        try:
            message = wire.decode(line)
        except wire.BadMessage:
            return
        if message.event == "cell":
            attempt.cell = message.cell
        elif message.event == "cell_failed":
            examination.cell_notes.setdefault(message.cell, message.detail)
            if message.status in ("timeout", "memory"):
                examination.incidents.append(message.status)
        elif message.event == "probe" and message.probe in request["probes"]:
            attempt.probe = message.probe
        elif message.event == "seen" and message.probe in request["probes"]:
            examination.outcomes.setdefault(message.probe, message.outcome())
            if message.status in ("timeout", "memory"):
                examination.incidents.append(message.status)
        elif message.event == "end":
            attempt.finished = True


def clean_environment() -> dict[str, str]:
    """Ambiente do processo aquecido: nada da pessoa que corrige, uma só thread, figuras sem tela."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": tempfile.gettempdir(),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        **dict.fromkeys(threads, "1"),
    }
