"""A turma de exemplo: entregas honestas, quebradas e hostis, com a nota e a situação que cada uma merece.

`python -m tests.sample_class PASTA` escreve as entregas como pastas de estudantes, para `grader collect`.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.exercise import Exercise, load_exercise
from tests.notebooks import (
    completed,
    dumped,
    grade_id,
    mistaken,
    reference_sources,
    released,
    solved,
    variant,
    with_cell,
)

SLUG = "dropout"


@dataclass(frozen=True)
class Sample:
    """Uma entrega e o que a correção deve dizer dela."""

    student: str
    build: Callable[[Exercise], bytes]
    score: float
    status: str = "graded"
    mistakes: tuple[str, ...] = ()


def mistake(*ids: str) -> Callable[[Exercise], bytes]:
    return lambda exercise: dumped(mistaken(exercise, *ids))


def style(name: str) -> Callable[[Exercise], bytes]:
    return lambda exercise: dumped(variant(exercise, name))


def solved_and(source: str, position: int | None = None) -> Callable[[Exercise], bytes]:
    return lambda exercise: dumped(with_cell(solved(exercise), source, position))


def stub_and(source: str) -> Callable[[Exercise], bytes]:
    """Nada resolvido, e uma célula hostil logo depois da preparação."""
    return lambda exercise: dumped(with_cell(released(exercise.slug), source, 2))


def syntax_error(exercise: Exercise) -> bytes:
    sources = reference_sources(exercise)
    sources["dropout_backward"] = "def dropout_backward(dout, mask)\n    return dout * mask\n"
    return dumped(completed(exercise.slug, sources))


def cell_deleted(exercise: Exercise) -> bytes:
    notebook = solved(exercise)
    notebook["cells"] = [c for c in notebook["cells"] if grade_id(c) != "check_dropout_forward"]
    return dumped(notebook)


def tests_edited(exercise: Exercise) -> bytes:
    """Errou a retropropagação e trocou as células de verificação por outras, que sempre passam."""
    notebook = mistaken(exercise, "gradiente_sem_escala")
    for cell in notebook["cells"]:
        if grade_id(cell).startswith("check_"):
            cell["source"] = "print('10/10')"
    return dumped(notebook)


def metadata_lost(exercise: Exercise) -> bytes:
    notebook = solved(exercise)
    notebook["metadata"] = {}
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    return dumped(notebook)


def infinite_loop(exercise: Exercise) -> bytes:
    sources = reference_sources(exercise)
    sources["dropout_backward"] = "def dropout_backward(dout, mask):\n    while True:\n        pass\n"
    return dumped(completed(exercise.slug, sources))


def exits(exercise: Exercise) -> bytes:
    sources = reference_sources(exercise)
    sources["dropout_backward"] = "def dropout_backward(dout, mask):\n    import os\n    os._exit(0)\n"
    return dumped(completed(exercise.slug, sources))


TRANSFORMERS = """
ip = get_ipython()
ip.input_transformers_cleanup.append(lambda lines: [])
ip.input_transformers_post.append(lambda lines: ["pass\\n"])
"""

ALWAYS_EQUAL = """
import numpy as np
class Equal(np.ndarray):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __sub__(self, other): return np.zeros(1)
def equal(*args, **kwargs): return np.zeros((100, 50)).view(Equal)
dropout_backward = lambda dout, mask: equal()
dropout_forward = lambda x, p, training, rng: (equal(), equal())
"""

REPLACES_CHECKS = """
import sys
for module in list(sys.modules.values()):
    for name in ("judge", "check", "observe", "same", "first_difference", "measured"):
        if hasattr(module, name) and "grader" in getattr(module, "__name__", ""):
            setattr(module, name, lambda *args, **kwargs: True)
import numpy as np
np.allclose = np.array_equal = lambda *args, **kwargs: True
"""

READS_SOLUTION = """
import os, sys
for start in [".", "..", "/home", "/root", "/srv", "/opt", "/usr/src", *sys.path]:
    for folder in [start, os.path.dirname(start)]:
        try:
            exec(open(os.path.join(folder, "solutions/dropout/dropout.py")).read())
        except OSError:
            pass
for start in ["/home", "/root", "/srv", "/opt"]:
    for folder, _, names in os.walk(start):
        if folder.endswith("solutions/dropout") and "dropout.py" in names:
            exec(open(os.path.join(folder, "dropout.py")).read())
"""

OPENS_SOCKET = """
import socket
connection = socket.create_connection(("127.0.0.1", 80), timeout=2)
connection.sendall(b"oi")
exec(connection.recv(10000))
"""

WRITES_OUTSIDE = """
import os
for folder in ["/tmp", os.path.expanduser("~"), ".", "..", "/dev/shm", "/var/tmp"]:
    try:
        open(os.path.join(folder, "invasao-dropout.txt"), "w").write("estive aqui")
    except OSError:
        pass
"""

SAMPLES = [
    Sample("ana", lambda exercise: dumped(solved(exercise)), 10),
    Sample("bruno", style("lacos"), 10),
    Sample("carla", style("binomial"), 10),
    Sample("davi", style("float32"), 10),
    Sample("elisa", mistake("sem_escala"), 8.2, mistakes=("sem_escala",)),
    Sample(
        "fabio",
        mistake("p_e_manter", "mc_desvio_amostral"),
        8.2,
        mistakes=("p_e_manter", "mc_desvio_amostral"),
    ),
    Sample("gabi", mistake("gradiente_sem_escala"), 8.5, mistakes=("gradiente_sem_escala",)),
    Sample("heitor", mistake("modulo_sempre_ativo"), 9.1, mistakes=("modulo_sempre_ativo",)),
    Sample("iris", mistake("mc_tudo_em_treino"), 9.5, mistakes=("mc_tudo_em_treino",)),
    Sample("joao", lambda exercise: dumped(released(exercise.slug)), 0, "empty"),
    Sample("karen", syntax_error, 8.5),
    Sample("lucas", cell_deleted, 10),
    Sample("marina", tests_edited, 8.5, mistakes=("gradiente_sem_escala",)),
    Sample("nina", metadata_lost, 10),
    Sample("otavio", infinite_loop, 8.5, "timeout"),
    Sample("paula", solved_and("bomba = [0] * 10**12"), 10, "memory"),
    Sample("quesia", exits, 8.5, "crashed"),
    Sample("rafael", lambda exercise: b"isto nao e um caderno {", 0, "unreadable"),
    Sample("hostil-transformers", stub_and(TRANSFORMERS), 0, "empty"),
    Sample(
        "hostil-igual",
        lambda e: dumped(with_cell(released(e.slug), ALWAYS_EQUAL)),
        0,
        mistakes=("sem_validacao",),
    ),
    Sample("hostil-verificador", stub_and(REPLACES_CHECKS), 0, "crashed"),
    Sample("hostil-le-solucao", stub_and(READS_SOLUTION), 0, "empty"),
    Sample("hostil-rede", stub_and(OPENS_SOCKET), 0, "empty"),
    Sample("hostil-escreve", stub_and(WRITES_OUTSIDE), 0, "empty"),
]


def write_class(folder: Path) -> None:
    """Uma pasta por estudante, cada uma com o seu caderno."""
    exercise = load_exercise(SLUG)
    for sample in SAMPLES:
        path = folder / sample.student / f"{SLUG}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.build(exercise))


if __name__ == "__main__":
    write_class(Path(sys.argv[1]))
