"""Consumo sem fim: tempo, memória, disco e células."""

import json

from tests.attacks import FULL, attack, solved_and, solved_but, worth
from tests.notebooks import dumped


@attack(score=FULL, status="memory")
def memory_in_one_gulp() -> bytes:
    """Um inteiro de lista com um trilhão de posições."""
    return solved_and("bomb = [0] * 10**12")


@attack(score=FULL, status="memory")
def memory_in_sips() -> bytes:
    """Memória pedida aos poucos, sem parar."""
    return solved_and("""
    bomb = []
    while True:
        bomb.append(bytearray(2**20))
    """)


@attack(score=FULL, status="memory")
def memory_in_numpy() -> bytes:
    """Arrays do NumPy, cheios para que as páginas existam."""
    return solved_and("bomb = [np.ones(2**20) for _ in range(10**6)]")


@attack(score=FULL, status="memory")
def memory_in_torch() -> bytes:
    """Tensores do PyTorch, que falham com um erro que não é MemoryError."""
    return solved_and("bomb = [torch.ones(2**20) for _ in range(10**6)]")


@attack(score=FULL, status="memory")
def memory_mapped() -> bytes:
    """Mapas anônimos, compartilhados e privados."""
    return solved_and("""
    import mmap
    bomb = []
    while True:
        bomb.append(mmap.mmap(-1, 2**24, flags=mmap.MAP_SHARED))
        bomb.append(mmap.mmap(-1, 2**24, flags=mmap.MAP_PRIVATE))
    """)


@attack(score=FULL)
def memory_in_pipes() -> bytes:
    """Canos cheios: memória do núcleo, que os tetos do processo não veem."""
    return solved_and("""
    import fcntl, os
    pipes = []
    while len(pipes) < 10000:
        reader, writer = os.pipe()
        pipes.append((reader, writer))
        try: fcntl.fcntl(writer, 1031, 2**20)
        except OSError: pass
        os.set_blocking(writer, False)
        try:
            while True: os.write(writer, bytes(65536))
        except BlockingIOError: pass
    """)


@attack(score=FULL - worth("dropout_backward"), status="memory", lost="error")
def memory_inside_function() -> bytes:
    """A bomba de memória dentro da função pedida, com a exceção engolida."""
    return solved_but(
        dropout_backward="""
        def dropout_backward(dout, mask):
            bomb = []
            while True:
                bomb.append(np.ones(2**22))
        """
    )


@attack(score=FULL)
def swallowed_memory_error() -> bytes:
    """Ocupa tudo o que pode, engole os erros e segue: o que vem depois tem de caber no que sobrou."""
    return solved_and("""
    bomb = []
    try:
        while True: bomb.append(bytearray(2**20))
    except MemoryError:
        del bomb
    """)


@attack(score=FULL, status="timeout")
def busy_cell() -> bytes:
    """Laço infinito em uma célula."""
    return solved_and("while True: pass")


@attack(score=FULL, status="timeout", says="não respondeu")
def stubborn_cell() -> bytes:
    """Laço infinito que engole toda exceção, inclusive o aviso de que o tempo acabou."""
    return solved_and("""
    while True:
        try:
            while True: sum(range(1000))
        except BaseException:
            pass
    """)


@attack(score=FULL - worth("dropout_backward"), status="timeout", lost="timeout")
def stubborn_function() -> bytes:
    """O mesmo laço, dentro da função pedida."""
    return solved_but(
        dropout_backward="""
        def dropout_backward(dout, mask):
            while True:
                try:
                    while True: sum(range(1000))
                except BaseException:
                    pass
        """
    )


@attack(score=FULL, status="timeout")
def sleeping_cell() -> bytes:
    """Dorme para sempre, sem gastar processador."""
    return solved_and("import time; time.sleep(10**8)")


@attack(score=FULL, status="timeout", says="não respondeu")
def blocked_signals() -> bytes:
    """Bloqueia todos os sinais e dorme."""
    return solved_and("""
    import signal, time
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True: time.sleep(1000)
    """)


@attack(score=FULL, status="timeout", says="não respondeu")
def waiting_for_input() -> bytes:
    """Espera para sempre por um cano vazio, dentro da libc."""
    return solved_and("""
    import ctypes, os, signal
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    reader, writer = os.pipe()
    ctypes.CDLL(None).read(reader, ctypes.create_string_buffer(1), 1)
    """)


@attack(score=FULL, status="timeout")
def catastrophic_regex() -> bytes:
    """Expressão regular que leva séculos, toda em C."""
    return solved_and('import re; re.match(r"(a+)+$", "a" * 60 + "b")')


@attack(score=FULL, status="timeout")
def endless_arithmetic() -> bytes:
    """Potência com meio bilhão de algarismos, toda em C."""
    return solved_and("3 ** (10**9)")


@attack(score=FULL, status="timeout", says="não respondeu")
def endless_sum() -> bytes:
    """Soma de um trilhão de números, sem voltar ao interpretador."""
    return solved_and("sum(range(10**13))")


@attack(score=FULL, status="timeout", says="não respondeu")
def endless_linear_algebra() -> bytes:
    """Decomposição de uma matriz grande, dentro da biblioteca de álgebra linear."""
    return solved_and("np.linalg.eigvals(np.random.rand(3200, 3200))")


@attack(score=0, status="timeout", lost="timeout", says="acabou o tempo da entrega")
def death_by_a_thousand_cells() -> bytes:
    """Cem células que param cada uma no seu limite: juntas, passam do tempo da entrega."""
    notebook = json.loads(solved_and("while True: pass", 2))
    notebook["cells"][2:2] = [notebook["cells"][2]] * 99
    return dumped(notebook)


@attack(score=FULL)
def recursion() -> bytes:
    """Recursão sem fim."""
    return solved_and("""
    def again(): return again()
    again()
    """)


@attack(score=FULL, status="crashed")
def recursion_in_c() -> bytes:
    """Recursão funda dentro do interpretador, até estourar a pilha do processo."""
    return solved_and("""
    nested = ()
    for _ in range(10**6):
        nested = (nested,)
    hash(nested)
    """)


@attack(score=FULL)
def nested_source() -> bytes:
    """Código que afunda o compilador: cem parênteses, mil laços, um milhão de sinais de menos."""
    return solved_and("x = " + "(" * 150 + "1" + ")" * 150 + "\ny = " + "[" * 5000 + "]" * 5000)


@attack(score=FULL)
def disk_filler() -> bytes:
    """Enche o disco em toda pasta onde se costuma poder escrever."""
    return solved_and("""
    import os, tempfile
    for folder in (".", "..", "/tmp", "/var/tmp", "/dev/shm", "/run", os.path.expanduser("~"), os.path.dirname(np.__file__)):
        for attempt in range(10):
            try:
                with open(os.path.join(folder, f"invasao-{attempt}.bin"), "wb") as stream:
                    for _ in range(10): stream.write(bytes(2**20))
            except OSError: pass
    for make in (tempfile.TemporaryFile, tempfile.NamedTemporaryFile, tempfile.mkdtemp, tempfile.mkstemp):
        try: make()
        except OSError: pass
    np.save("/tmp/invasao.npy", np.ones(10))
    """)


@attack(score=FULL)
def disk_filler_through_libraries() -> bytes:
    """Escreve pelas bibliotecas: torch.save, matplotlib, sqlite, logging e o cache do interpretador."""
    return solved_and("""
    import logging, py_compile, shelve, sqlite3
    attempts = [
        lambda: torch.save(torch.ones(10), "/tmp/invasao.pt"),
        lambda: plt.figure().savefig("/tmp/invasao.png"),
        lambda: sqlite3.connect("/tmp/invasao.db").execute("create table t (x)"),
        lambda: logging.FileHandler("/tmp/invasao.log"),
        lambda: shelve.open("/tmp/invasao"),
        lambda: py_compile.compile(np.__file__, cfile="/tmp/invasao.pyc"),
    ]
    for attempt in attempts:
        try: attempt()
        except Exception: pass
    """)


@attack(score=FULL)
def fifty_thousand_cells() -> bytes:
    """Cinquenta mil células de uma linha."""
    notebook = json.loads(solved_and("pass"))
    notebook["cells"] += [notebook["cells"][-1]] * 50_000
    return dumped(notebook)


@attack(score=FULL)
def thousands_of_lines() -> bytes:
    """Sessenta mil linhas em uma só célula, que a árvore sintática multiplica por centenas."""
    return solved_and("x\n" * 60_000)


@attack(score=0, status="unreadable", says="MB de código")
def too_much_code() -> bytes:
    """Quatro megabytes de código."""
    return solved_and("x = 0\n" * 700_000)
