"""O processo isolado: roda as células da entrega e depois as sondas, e conta o que viu.

Não tem referência, resposta, nota nem outra entrega: nada do que devolve é veredito.
"""

import builtins
import contextlib
import json
import linecache
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from grader.checker.runtime import (
    Outcome,
    Probe,
    TimeUp,
    describe_error,
    observe,
    out_of_memory,
    own_frames,
    seed_globals,
)
from grader.isolation import wire

Emit = Callable[..., None]


class Silent:
    """Faz as vezes do que só existe no caderno (verificador, IPython, Colab): aceita tudo, nada faz."""

    def __getattr__(self, name: str) -> "Silent":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> "Silent":
        return self

    def __bool__(self) -> bool:
        return False


class SilentShell(Silent):
    """`get_ipython()`: magias de linha nada fazem; `%%time` e semelhantes executam o corpo da célula."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace

    def run_cell_magic(self, name: str, line: str, body: str) -> None:
        if name in ("time", "timeit", "capture", "prun"):
            exec(compile(body, "<célula>", "exec"), self.namespace)


def work(job: dict[str, Any], probes: list[Probe], result: int) -> None:
    """Executa um pedido: células, depois sondas; escreve o que viu de cada passo no descritor `result`."""

    def emit(event: str, step: int = 0, outcome: Outcome | None = None) -> None:
        view = memoryview(wire.encode(event, step, outcome))
        while view:
            view = view[os.write(result, view) :]

    namespace = run_cells(job, emit)
    wanted = {probe.id: probe for probe in probes}
    for step, id in enumerate(job["probes"], start=len(job["cells"])):
        emit("begin", step)
        emit("seen", step, observed(wanted[id], namespace, job))
    emit("end")


def observed(probe: Probe, namespace: dict[str, Any], job: dict[str, Any]) -> Outcome:
    """O que a sonda viu, ou o que atravessou até o tratamento de erros dela."""
    try:
        with alarm(*job["check_seconds"]):
            return observe(probe, namespace, job["seed"])
    except TimeUp:
        return Outcome("timeout", detail="passou do tempo")
    except BaseException as error:
        return Outcome("error", error=type(error).__name__, detail=describe_error(error))


def run_cells(job: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Roda as células na ordem, seguindo adiante depois de um erro; devolve o que elas definiram."""
    namespace = notebook_namespace()
    seed_globals(job["seed"])
    for step, (index, source) in enumerate(job["cells"]):
        emit("begin", step)
        known = set(namespace)
        try:
            with alarm(*job["cell_seconds"]):
                exec(compiled(source, index), namespace)
        except BaseException as error:
            if out_of_memory(error):
                discard_data(namespace, known)
            frame = next(reversed(own_frames(error, {__file__})), None)
            emit("failed", step, Outcome(cell_status(error), detail=describe_error(error, frame)))
    return namespace


def discard_data(namespace: dict[str, Any], known: set[str]) -> None:
    """Apaga os dados que uma célula juntou até esgotar a memória, para que as outras caibam; ficam as funções."""
    for name in namespace.keys() - known:
        if not callable(namespace[name]):
            del namespace[name]


def cell_status(error: BaseException) -> str:
    if isinstance(error, TimeUp):
        return "timeout"
    return "memory" if out_of_memory(error) else "error"


def notebook_namespace() -> dict[str, Any]:
    """O `__main__` em que as células rodam, com substitutos mudos do que só há no caderno."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    namespace = vars(main)
    shell = SilentShell(namespace)
    namespace |= {
        "__builtins__": builtins,
        "checker": Silent(),
        "display": Silent(),
        "get_ipython": lambda: shell,
    }
    for name in ("google.colab", "google.colab.drive", "google.colab.files", "checker"):
        sys.modules[name] = Silent()  # type: ignore[assignment]
    return namespace


def compiled(source: str, index: int) -> types.CodeType:
    """Compila uma célula; se não é Python puro, tenta de novo sem as magias do IPython."""
    name = f"<célula {index + 1}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    try:
        return compile(source, name, "exec")
    except SyntaxError:
        if not any(mark in source for mark in "%!?"):
            raise
        return compile(TransformerManager().transform_cell(source), name, "exec")


@contextlib.contextmanager
def alarm(processor: float, clock: float) -> Iterator[None]:
    """Levanta `TimeUp` no código que gastar `processor` segundos de processador ou `clock` de relógio.

    Quem o ignora é morto por quem está de fora.
    """

    def ring(*_: object) -> None:
        raise TimeUp

    timers = {signal.ITIMER_PROF: processor, signal.ITIMER_REAL: clock}
    signal.signal(signal.SIGPROF, ring)
    signal.signal(signal.SIGALRM, ring)
    for timer, seconds in timers.items():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)


def read_job(descriptor: int) -> dict[str, Any]:
    with os.fdopen(descriptor, "rb") as stream:
        stream.seek(0)
        return json.load(stream)
