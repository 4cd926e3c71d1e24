"""Onde as entregas são corrigidas: processos desta máquina ou um agendador Dask."""

import contextlib
import gc
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from grader.errors import GraderError
from grader.exercise import load_exercise
from grader.grading.marker import Marker
from grader.grading.submission import Submission
from grader.isolation import Examiner, Limits
from grader.record import Record

IN_FLIGHT = 4
"""Entregas em andamento por trabalhador: o bastante para ocupá-lo, pouco para a memória não crescer."""
PATIENCE = 10
"""Segundos à espera do agendador Dask e do seu primeiro trabalhador."""
RESUMES = "O que já estava pronto está gravado; acerte o problema e rode o comando de novo."


class LocalPool:
    """Bifurcações de um processo aquecido nesta máquina; a espera é feita em threads, o juiz é um só."""

    def __init__(self, marker: Marker, workers: int, limits: Limits, isolated: bool = True) -> None:
        self.marker = marker
        self.window = workers * IN_FLIGHT
        self.threads = ThreadPoolExecutor(workers)
        exercise = marker.exercise
        starting = self.threads.submit(Examiner, exercise.probe_sources, exercise.barred, limits, isolated)
        marker.prepare()  # enquanto o processo aquece
        self.examiner = starting.result()

    @property
    def layers(self) -> list[str]:
        """As camadas de isolamento ativas."""
        return self.examiner.layers

    def __enter__(self) -> "LocalPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.threads.shutdown(cancel_futures=True)
        self.examiner.close()

    def submit(self, submission: Submission) -> Future[Record]:
        return self.threads.submit(self.marker.grade, submission, self.examiner)


@dataclass(frozen=True)
class Job:
    """O que um processo remoto precisa saber para corrigir qualquer entrega de um exercício."""

    slug: str
    digest: str
    seed: int
    limits: Limits
    isolated: bool


class ClusterPool:
    """Envia a parte pura a um agendador Dask; cada processo remoto tem o seu juiz e o seu isolamento."""

    def __init__(self, marker: Marker, address: str, limits: Limits, isolated: bool = True) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise GraderError("Para usar --cluster, instale o Dask: pip install 'grader[cluster]'") from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # as falhas viram frases nossas
        gc.collect()  # o Dask trava se um cliente que falhou é recolhido enquanto outro começa
        try:
            self.client = Client(address, timeout=PATIENCE)
        except (OSError, ValueError, AssertionError):  # a última: o laço do Dask não começou em dez segundos
            raise GraderError(f"Não consegui falar com um agendador Dask em {address}.") from None
        self.address = address
        self.job = Job(marker.exercise.slug, marker.exercise.digest, marker.seed, limits, isolated)
        try:
            self.client.wait_for_workers(1, timeout=PATIENCE)
            self.layers = self._send(remote_layers).result()
        except TimeoutError:
            self.client.close()
            raise GraderError(f"O agendador Dask em {address} não tem nenhum trabalhador.") from None
        except BaseException:
            self.client.close()
            raise
        self.window = max(1, sum(self.client.nthreads().values())) * IN_FLIGHT

    def __enter__(self) -> "ClusterPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def submit(self, submission: Submission) -> Future[Record]:
        return self._send(grade_remotely, submission)

    def _send(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Põe uma chamada na fila do agendador, que a repete em outro processo se o primeiro cair.

        Levanta `GraderError` se o agendador se foi: o Dask só cancela o que lhe foi entregue antes disso, e o que
        viesse depois esperaria para sempre.
        """
        from distributed.client import ClosedClientError

        with contextlib.suppress(ClosedClientError):
            remote = self.client.submit(function, self.job, *arguments, pure=False, retries=3)
        if self.client.status != "running":
            raise GraderError(f"O agendador Dask em {self.address} se foi. {RESUMES}")
        local: Future[Any] = Future()
        remote.add_done_callback(lambda done: _transfer(done, local))
        return local


def _transfer(done: Any, local: Future[Any]) -> None:
    try:
        local.set_result(done.result())
    except GraderError as error:
        local.set_exception(error)
    except BaseException as error:
        local.set_exception(
            GraderError(
                f"O agendador Dask desistiu de uma entrega ({type(error).__name__}: {str(error)[:200]}). {RESUMES}"
            )
        )


LOADING = threading.Lock()
"""Um processo remoto prepara o juiz e o isolamento uma vez só, com quantas threads for criado."""


def _remote(job: Job) -> tuple[Marker, Examiner]:
    with LOADING:
        return _load(job)


@lru_cache(maxsize=1)
def _load(job: Job) -> tuple[Marker, Examiner]:
    exercise = load_exercise(job.slug)
    if exercise.digest != job.digest:
        raise GraderError(f"O exercício “{job.slug}” do trabalhador Dask difere do seu. Atualize-o.")
    marker = Marker(exercise, job.seed)
    marker.prepare()
    return marker, Examiner(exercise.probe_sources, exercise.barred, job.limits, job.isolated)


def remote_layers(job: Job) -> list[str]:
    """As camadas de isolamento que um processo Dask oferece."""
    return _remote(job)[1].layers


def grade_remotely(job: Job, submission: Submission) -> Record:
    """Corrige uma entrega no processo Dask; recusa-se se o exercício de lá não é o de cá."""
    marker, examiner = _remote(job)
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
