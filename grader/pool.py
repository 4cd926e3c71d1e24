"""Onde as entregas são corrigidas: processos desta máquina ou um agendador Dask."""

import queue
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from functools import lru_cache
from typing import Any

from grader.errors import GraderError
from grader.exercise import load_exercise
from grader.grading import Marker
from grader.isolation import Examiner, Limits
from grader.record import Record
from grader.submission import Submission

IN_FLIGHT = 4
"""Entregas em andamento por trabalhador: o bastante para ocupá-lo, pouco para a memória não crescer."""


class LocalPool:
    """Um processo isolado por trabalhador; a espera é feita em threads, o juiz é um só."""

    def __init__(self, marker: Marker, workers: int, limits: Limits, isolated: bool = True) -> None:
        self.marker = marker
        self.stack = ExitStack()
        self.idle: queue.SimpleQueue[Examiner] = queue.SimpleQueue()
        exercise = marker.exercise
        for _ in range(workers):
            examiner = Examiner(exercise.probe_sources, exercise.barred, limits, isolated)
            self.idle.put(self.stack.enter_context(examiner))
        self.layers = examiner.layers
        self.threads = self.stack.enter_context(ThreadPoolExecutor(workers))
        self.window = workers * IN_FLIGHT

    def __enter__(self) -> "LocalPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def submit(self, submission: Submission) -> Future[Record]:
        return self.threads.submit(self._grade, submission)

    def _grade(self, submission: Submission) -> Record:
        examiner = self.idle.get()
        try:
            return self.marker.grade(submission, examiner)
        finally:
            self.idle.put(examiner)


class ClusterPool:
    """Envia a parte pura a um agendador Dask; cada processo remoto tem o seu juiz e o seu isolamento."""

    def __init__(self, marker: Marker, address: str, limits: Limits) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise GraderError("Para usar --cluster, instale o Dask: pip install 'grader[cluster]'") from None
        try:
            self.client = Client(address, timeout="10s")
        except (OSError, ValueError) as error:
            raise GraderError(f"Não consegui falar com o agendador Dask em {address}: {error}") from error
        self.marker, self.limits = marker, limits
        self.window = max(1, sum(self.client.nthreads().values())) * IN_FLIGHT
        self.layers = self.client.submit(remote_layers, marker.exercise.slug, marker.seed, limits).result()

    def __enter__(self) -> "ClusterPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def submit(self, submission: Submission) -> Future[Record]:
        arguments = (self.marker.exercise.slug, self.marker.exercise.digest, self.marker.seed, self.limits)
        remote = self.client.submit(grade_remotely, submission, *arguments, pure=False, retries=3)
        local: Future[Record] = Future()
        remote.add_done_callback(lambda done: _transfer(done, local))
        return local


def _transfer(done: Any, local: Future[Record]) -> None:
    if done.status == "finished":
        local.set_result(done.result())
    else:
        local.set_exception(done.exception() or GraderError("O agendador Dask desistiu de uma entrega."))


@lru_cache(maxsize=1)
def _remote(slug: str, seed: int, limits: Limits) -> tuple[Marker, Examiner]:
    exercise = load_exercise(slug)
    return Marker(exercise, seed), Examiner(exercise.probe_sources, exercise.barred, limits)


def remote_layers(slug: str, seed: int, limits: Limits) -> list[str]:
    return _remote(slug, seed, limits)[1].layers


def grade_remotely(submission: Submission, slug: str, digest: str, seed: int, limits: Limits) -> Record:
    """Corrige uma entrega no processo Dask; recusa-se se o exercício de lá não é o de cá."""
    marker, examiner = _remote(slug, seed, limits)
    if marker.exercise.digest != digest:
        raise GraderError(f"O exercício “{slug}” instalado no trabalhador Dask difere do seu; atualize-o.")
    return marker.grade(submission, examiner)


def grade_all(
    pool: LocalPool | ClusterPool, submissions: Iterable[Submission]
) -> Iterator[tuple[Submission, Record]]:
    """Corrige na medida em que há vaga e entrega cada registro quando fica pronto, em qualquer ordem."""
    waiting: dict[Future[Record], Submission] = {}
    for submission in submissions:
        waiting[pool.submit(submission)] = submission
        if len(waiting) >= pool.window:
            yield from _finished(waiting)
    while waiting:
        yield from _finished(waiting)


def _finished(waiting: dict[Future[Record], Submission]) -> Iterator[tuple[Submission, Record]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        yield waiting.pop(future), future.result()
