"""Tentativas de ler o que não é do estudante. Cada uma conta no registro o que conseguiu ler."""

import textwrap
from pathlib import Path

from grader.course import ROOT
from tests.attacks import SLUG, placed, stub_and

# Tenta abrir cada caminho de todos os jeitos que o processo tem e diz quantos conseguiu ler.
OPENERS = """
import ctypes, io, linecache, mmap, os, runpy
import numpy as np, torch

libc = ctypes.CDLL(None, use_errno=True)
def through_libc(path):
    for flags in (os.O_RDONLY, os.O_RDWR, os.O_PATH):
        descriptor = libc.open(path.encode(), flags)
        if descriptor >= 0:
            data = os.read(descriptor, 10)
            os.close(descriptor)
            return data
def through_raw_syscall(path):
    descriptor = libc.syscall(437, -100, path.encode(), (ctypes.c_uint64 * 3)(), 24)  # openat2
    return os.read(descriptor, 10) if descriptor >= 0 else b""
openers = [
    lambda path: open(path, "rb").read(10),
    lambda path: io.FileIO(path).read(10),
    lambda path: os.listdir(path),
    lambda path: [entry.name for entry in os.scandir(path)],
    lambda path: mmap.mmap(os.open(path, os.O_RDONLY), 10, prot=mmap.PROT_READ)[:],
    lambda path: np.fromfile(path, "u1", 10).tolist(),
    lambda path: torch.from_file(path, size=10, dtype=torch.uint8).tolist(),
    lambda path: linecache.getlines(path),
    through_libc,
    through_raw_syscall,
]
def count(paths):
    got = []
    for path in paths:
        for opener in openers:
            try:
                if opener(str(path)): got.append(path)
            except Exception: pass
    return got
"""


def reading(cell: str) -> bytes:
    return stub_and(OPENERS + textwrap.dedent(cell), 2)


@placed(score=0, status="empty", says="li []")
def the_solution(folder: Path) -> bytes:
    """Conhece o caminho da solução no disco de quem corrige e tenta abri-la."""
    paths = [str(ROOT / "solutions" / SLUG / f"{SLUG}.py"), str(ROOT / "solutions"), str(ROOT)]
    return reading(f'raise Exception(f"li {{count({paths!r})}}")')


@placed(score=0, status="empty", says="li []")
def the_gradebook(folder: Path) -> bytes:
    """Conhece a pasta da turma e tenta ler o livro de notas, a semente, os registros e o gabarito."""
    root = folder.parents[2]
    names = [
        f"source/{SLUG}/{SLUG}.ipynb",
        f"results/{SLUG}.seed",
        f"results/{SLUG}.jsonl",
        "gradebook.db",
        "",
    ]
    return reading(f'raise Exception(f"li {{count({[str(root / name) for name in names]!r})}}")')


@placed(score=0, status="empty", says="li []")
def other_submissions(folder: Path) -> bytes:
    """Tenta abrir as entregas dos vizinhos e a própria pasta."""
    vizinho = folder.parents[1] / "000-honesto" / SLUG
    paths = [str(vizinho / f"{SLUG}.ipynb"), str(vizinho), str(folder), str(folder.parents[1])]
    return reading(f'raise Exception(f"li {{count({paths!r})}}")')


@placed(score=0, status="empty", says="li []")
def home_and_system(folder: Path) -> bytes:
    """Tenta a pasta da pessoa, as chaves, as senhas, o disco e os dispositivos."""
    home = str(Path.home())
    return reading(f"""
raise Exception("li " + repr(count([
    {home!r}, {home!r} + "/.ssh/id_rsa", {home!r} + "/.bashrc", "/etc/passwd", "/etc/shadow", "/etc/hostname",
    "/", "/tmp", "/var/log", "/root", "/home", "/dev/mem", "/dev/sda", "/dev/tty", "/dev/zero", "/dev/shm", "/sys",
    "/run", "/boot",
])))
""")


@placed(score=0, status="empty", says="li []")
def process_table(folder: Path) -> bytes:
    """Tenta ler em /proc a memória, o ambiente e os arquivos abertos dos outros e de si mesmo."""
    return reading("""
paths = ["/proc", "/proc/self/maps", "/proc/self/mem", "/proc/self/environ", "/proc/kcore"]
for pid in (1, os.getppid()):
    paths += [f"/proc/{pid}/{name}" for name in ("environ", "mem", "fd")]
links = []
for path in ("/proc/1/exe", "/proc/1/cwd", "/proc/1/root", f"/proc/{os.getppid()}/exe", "/proc/self/fd/4"):
    try:
        if "python" not in os.readlink(path) and "pipe" not in os.readlink(path): links.append(os.readlink(path))
    except OSError: pass
raise Exception(f"li {count(paths) + links}")
""")


@placed(score=0, status="empty", says="li []")
def environment(folder: Path) -> bytes:
    """Procura no ambiente, nos argumentos e na memória inicial do processo os segredos de quem corrige."""
    return reading("""
import sys
environ = (ctypes.c_char_p * 500).in_dll(ctypes.CDLL(None), "environ")
pointer = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
found = []
for index in range(500):
    if pointer[index] is None: break
    found.append(pointer[index].decode())
secrets = [text for text in [*found, *map(str, os.environ.items()), *sys.argv] if "segredo-de-quem" in text]
raise Exception(f"li {secrets}")
""")


# A marca do que se procura vem em duas metades, para que a busca não ache a si mesma.
SCAN = """
import ctypes, gc, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
page = mmap.PAGESIZE
libc.sbrk.restype = ctypes.c_void_p
def mapped(address):
    return libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(page), ctypes.create_string_buffer(1)) == 0
def pages():
    tops = {libc.sbrk(0) or 0} | {id(thing) for thing in gc.get_objects()[::50]}
    for start in sorted({(top >> 22) << 22 for top in tops}):
        for address in range(start, start + 2**22, page):
            if mapped(address): yield address
def scan(first, second):
    found = 0
    for address in pages():
        _, match, rest = ctypes.string_at(address, page).partition(first)
        while match:
            found += rest.startswith(second)
            _, match, rest = rest.partition(first)
    return found
"""


def scanning(first: str, second: str) -> bytes:
    return stub_and(SCAN + f'raise Exception("achei " + str(scan(b"{first}", b"{second}")))', 2)


@placed(score=0, status="empty", says="achei 0")
def heap_of_the_neighbours(folder: Path) -> bytes:
    """Varre a própria memória, página por página, atrás do código de quem foi corrigido antes."""
    return scanning("marca-do-", "vizinho")


@placed(score=0, status="empty", says="achei 0")
def heap_for_the_reference(folder: Path) -> bytes:
    """Varre a própria memória atrás da solução de referência."""
    return scanning("mask = keep / ", "(1 - p)")


@placed(score=0, status="empty", says="achei []")
def frames_and_collector(folder: Path) -> bytes:
    """Anda pelos quadros da pilha e pelo coletor de lixo atrás de gabarito, erros comuns e notas."""
    return stub_and(
        """
import gc, sys
gc.unfreeze()
found = []
for thing in gc.get_objects():
    name = type(thing).__name__
    if name in ("Answer", "Marker", "Exercise", "Mistake", "Record", "Session", "Gradebook", "Submission", "Finding"):
        found.append(name)
frame = sys._getframe()
while frame:
    found += [name for name in frame.f_locals if name in ("answers", "reference", "expected", "mistakes")]
    frame = frame.f_back
raise Exception(f"achei {found}")
""",
        2,
    )


@placed(score=0, status="empty", says="compartilhados: []")
def shared_memory(folder: Path) -> bytes:
    """Procura memória, filas e semáforos compartilhados por onde dois processos isolados possam conversar."""
    return stub_and(
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
attempts = {
    "shmget": lambda: libc.shmget(0x4747, 4096, 0o1777),
    "msgget": lambda: libc.msgget(0x4747, 0o1777),
    "semget": lambda: libc.semget(0x4747, 1, 0o1777),
    "shm_open": lambda: libc.shm_open(b"/invasao", 0o102, 0o777),
    "mq_open": lambda: libc.mq_open(b"/invasao", 0o102, 0o777, None),
    "memfd": lambda: libc.memfd_create(b"invasao", 0),
    "mkfifo": lambda: libc.mkfifo(b"/tmp/invasao", 0o777),
}
raise Exception(f"compartilhados: {[name for name, attempt in attempts.items() if attempt() >= 0]}")
""",
        2,
    )
