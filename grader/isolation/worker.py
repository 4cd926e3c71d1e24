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

from grader.isolation import wire
from grader.runtime import Probe, TimeUp, describe_error, observe, seed_globals

Emit = Callable[[bytes], None]


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
    """Executa um pedido: células, depois sondas; escreve as mensagens no descritor `result`."""

    def emit(message: bytes) -> None:
        view = memoryview(message)
        while view:
            view = view[os.write(result, view) :]

    namespace = run_cells(job, emit)
    wanted = {id: probe for probe in probes for id in job["probes"] if id == probe.id}
    for id in job["probes"]:
        emit(wire.encode("probe", probe=id))
        try:
            with alarm(job["check_seconds"]):
                outcome = observe(wanted[id], namespace, job["seed"])
        except TimeUp:
            continue  # o alarme tocou fora da sonda: quem está de fora dá o prazo por vencido
        emit(wire.encode_outcome(id, outcome))
    emit(wire.encode("end"))


def run_cells(job: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Roda as células na ordem, seguindo adiante depois de um erro; devolve o que elas definiram."""
    namespace = notebook_namespace()
    seed_globals(job["seed"])
    for index, source in job["cells"]:
        emit(wire.encode("cell", cell=index))
        try:
            with alarm(job["cell_seconds"]):
                exec(compiled(source, index), namespace)
        except BaseException as error:
            status = (
                "timeout"
                if isinstance(error, TimeUp)
                else "memory"
                if isinstance(error, MemoryError)
                else "error"
            )
            with contextlib.suppress(Exception):
                detail = describe_error(error)[:500]
                emit(wire.encode("cell_failed", cell=index, status=status, detail=detail))
    return namespace


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
def alarm(seconds: float) -> Iterator[None]:
    """Levanta `TimeUp` no código que passar de `seconds`; quem o ignora é morto por quem está de fora."""

    def ring(*_: object) -> None:
        raise TimeUp

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def read_job(descriptor: int) -> dict[str, Any]:
    with os.fdopen(descriptor, "rb") as stream:
        stream.seek(0)
        return json.load(stream)
