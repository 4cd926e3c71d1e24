"""O piso: um processo que importou o torch e bifurca um filho nu por entrega.

Roda como programa (`python -m tests.bench.floor PEDIDO.json PROCESSOS RESULTADO.json`) e deixa no resultado os
segundos de parede, sem contar a importação. O filho executa as células e as sondas e sai: nada o
isola, nada do que vê é lido, nada é gravado.
"""

import contextlib
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot  # noqa: F401 - as entregas o importam: que já esteja aqui
import numpy  # noqa: F401
import torch

from grader.cells import load_probes
from grader.checker import runtime


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    probes = load_probes(job["probe_sources"])
    gc.collect()
    gc.freeze()
    started = time.perf_counter()
    running = 0
    for cells in job["submissions"]:
        if running == int(sys.argv[2]):
            os.wait()
            running -= 1
        if os.fork() == 0:
            child(cells, probes, job["seed"])
        running += 1
    while running:
        os.wait()
        running -= 1
    Path(sys.argv[3]).write_text(str(time.perf_counter() - started))


def child(cells: list[str], probes: list[runtime.Probe], seed: int) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for source in cells:
        with contextlib.suppress(BaseException):
            exec(source, namespace)
    for probe in probes:
        runtime.observe(probe, namespace, seed)
    os._exit(0)


if __name__ == "__main__":
    main()
