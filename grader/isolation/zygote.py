"""O processo aquecido: importa as bibliotecas e as sondas uma vez e bifurca um filho por pedido.

Roda como programa (`python -m grader.isolation.zygote FD`) e nunca vê entregas, referência ou notas: o pedido
chega por um descritor que só o filho lê, e o resultado sai por outro. Por um soquete local recebe `f` com esses
dois descritores e o da coleira, um soquete só daquele filho: por ela manda uma linha quando ele termina, e por
ela ouve `k`, ou o fim, e o mata.
"""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from typing import Any

REQUIRED = ("Landlock", "seccomp")
LAST_DESCRIPTOR = os.sysconf("SC_OPEN_MAX")


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = json.loads(_read_line(control))
    layers = _isolate_processes() if setup["isolated"] else []
    server = Zygote(control, setup)
    control.sendall(json.dumps({"layers": layers + server.confine()}).encode() + b"\n")
    server.serve()


def _isolate_processes() -> list[str]:
    """Passa para um novo espaço de processos; o processo de fora só espera o de dentro."""
    from grader.isolation import sandbox

    sandbox.die_with_parent()
    layers = sandbox.enter_namespaces()
    if layers and (inner := os.fork()):
        os.closerange(3, LAST_DESCRIPTOR)
        os.waitpid(inner, 0)
        os._exit(0)
    sandbox.die_with_parent()
    return layers


class Zygote:
    """Aquece, confina-se e serve pedidos, quantos vierem ao mesmo tempo."""

    def __init__(self, control: socket.socket, setup: dict[str, Any]) -> None:
        from grader.cells import load_probes
        from grader.checker import runtime
        from grader.isolation.operators import bar_operators

        self.control = control
        self.setup = setup
        self.selector = selectors.DefaultSelector()
        self.probes = load_probes(setup["probe_sources"])
        # Para sempre: este processo e seus filhos nunca precisam do que é vetado. Só se veta o que já está importado.
        for pattern in setup["barred"]:
            with contextlib.suppress(ImportError, ValueError):
                importlib.import_module(pattern.rpartition(".")[0])
        runtime.bar(setup["barred"])
        bar_operators(setup["barred"])

    def confine(self) -> list[str]:
        """Fecha o que já pode ser fechado antes das bifurcações; devolve as camadas ativas."""
        from grader.isolation import sandbox, worker

        _single_threaded()
        self.worker = worker
        self.sandbox = sandbox
        self.memory = sandbox.virtual_memory() + self.setup["memory"]
        layers = ["limites de recursos"]
        self.filter = None
        if self.setup["isolated"]:
            if sandbox.seccomp_available():
                self.filter = sandbox.syscall_filter()
                layers.append("seccomp")
            layers += sandbox.restrict_files()
            sandbox.drop_capabilities()
        os.environ.pop("MPLCONFIGDIR", None)  # diz quem corrige, e o matplotlib já o leu
        gc.collect()
        gc.freeze()
        return layers

    def serve(self) -> None:
        """Atende até o soquete fechar; o núcleo mata então os filhos que houver."""
        self.selector.register(self.control, selectors.EVENT_READ, self._fork)
        while True:
            for key, _ in self.selector.select():
                key.data()

    def _fork(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self.control, 1, 3)
        if not message:
            os._exit(0)
        job, result, leash = descriptors
        child = os.fork()
        if child == 0:
            self._become_worker(job, result)
        os.close(job)
        os.close(result)
        Child(child, socket.socket(fileno=leash), self.selector)

    def _become_worker(self, job: int, result: int) -> None:
        """Do filho não se volta: confina-se, trabalha e termina."""
        try:
            self.sandbox.die_with_parent()
            job, result = _only_these(job, result)
            request = self.worker.read_job(job)
            self.sandbox.limit_resources(self.memory, int(request["total_seconds"]) + 5)
            if self.filter is not None:
                self.filter.load()
            self.worker.work(request, self.probes, result)
        finally:
            os._exit(0)


class Child:
    """Um filho e a sua coleira, vigiados pelo seletor do processo aquecido."""

    def __init__(self, pid: int, leash: socket.socket, selector: selectors.BaseSelector) -> None:
        self.pid = pid
        self.leash = leash
        self.selector = selector
        self.ended = os.pidfd_open(pid)
        selector.register(self.ended, selectors.EVENT_READ, self.reap)
        selector.register(leash, selectors.EVENT_READ, self.kill)

    def kill(self) -> None:
        self.selector.unregister(self.leash)
        os.kill(self.pid, signal.SIGKILL)

    def reap(self) -> None:
        """Recolhe o filho e manda pela coleira como ele terminou."""
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        for watched in (self.ended, self.leash):
            with contextlib.suppress(KeyError):  # quem o mandou matar já não é vigiado
                self.selector.unregister(watched)
        os.close(self.ended)
        with self.leash, contextlib.suppress(OSError):
            self.leash.sendall(json.dumps({"status": status}).encode() + b"\n")


def _only_these(job: int, result: int) -> tuple[int, int]:
    """Deixa abertos só os dois descritores do pedido, como 3 e 4, e /dev/null nas entradas padrão."""
    null = os.open(os.devnull, os.O_RDWR)
    above = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 5) for descriptor in (null, null, null, job, result)]
    for wanted, descriptor in enumerate(above):
        os.dup2(descriptor, wanted)
    os.closerange(5, LAST_DESCRIPTOR)
    return 3, 4


def _single_threaded() -> None:
    """Sem threads: a bifurcação é segura e o filho não pode criar nenhuma."""
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
        torch.set_num_threads = lambda count: None
        torch.set_num_interop_threads = lambda count: None


def _read_line(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        piece = connection.recv(65536)
        if not piece:
            os._exit(0)
        data += piece
    return data


if __name__ == "__main__":
    main()
