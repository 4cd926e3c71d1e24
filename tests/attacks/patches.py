"""Remendos no interpretador, nas bibliotecas e no caderno, para que o código errado pareça certo."""

import textwrap

from tests.attacks import EXERCISE, FULL, SLUG, attack, solved_and, solved_but, stub_and, worth
from tests.notebooks import dumped, grade_id, mistaken, released


def before_all(cell: str) -> bytes:
    return stub_and(cell, 2)


@attack(score=0, status="empty")
def input_transformers() -> bytes:
    """Transformadores do IPython que esvaziam as células seguintes: no nbgrader, célula vazia vale tudo."""
    return before_all("""
    shell = get_ipython()
    shell.input_transformers_cleanup.append(lambda lines: [])
    shell.input_transformers_post.append(lambda lines: ["pass"])
    shell.events.register("pre_run_cell", lambda *args: None)
    """)


@attack(score=0, status="empty")
def ast_transformers() -> bytes:
    """Transformador de AST que troca toda afirmação por “passe”."""
    return before_all("""
    import ast
    class Nothing(ast.NodeTransformer):
        def visit(self, node): return ast.Module([ast.Pass()], [])
    get_ipython().ast_transformers.append(Nothing())
    """)


@attack(score=0, status="empty")
def redefined_checker() -> bytes:
    """Redefine o verificador do caderno e edita as células de verificação para dizerem 10/10."""
    notebook = released(SLUG)
    for cell in notebook["cells"]:
        if grade_id(cell).startswith("check_"):
            cell["source"] = (
                "class checker: check = staticmethod(lambda f: print('10/10'))\nchecker.check('tudo')"
            )
    return dumped(notebook)


@attack(score=FULL - worth("dropout_backward"), lost="failed")
def deleted_checks() -> bytes:
    """Erra a retropropagação e apaga todas as células de verificação."""
    notebook = mistaken(EXERCISE, "gradiente_sem_escala")
    notebook["cells"] = [cell for cell in notebook["cells"] if not grade_id(cell).startswith("check_")]
    return dumped(notebook)


@attack(score=0, status="empty")
def doubled_checks() -> bytes:
    """Repete cada célula de verificação dez vezes, para somar pontos."""
    notebook = released(SLUG)
    notebook["cells"] = [
        cell for cell in notebook["cells"] for _ in range(10 if grade_id(cell).startswith("check_") else 1)
    ]
    return dumped(notebook)


@attack(score=0, status="empty")
def patched_comparisons() -> bytes:
    """Remenda toda função de comparação do NumPy e do PyTorch para dizer sim."""
    return before_all("""
    import numpy as np, torch
    for owner in (np, np.testing, torch, torch.testing):
        for name in ("allclose", "isclose", "array_equal", "equal", "assert_allclose", "assert_close", "all"):
            if hasattr(owner, name):
                setattr(owner, name, lambda *args, **kwargs: True)
    """)


@attack(score=0, status="crashed")
def patched_conversions() -> bytes:
    """Remenda a conversão para array e a codificação da resposta."""
    return before_all("""
    import base64, json, struct
    import numpy as np
    np.array = np.asarray = np.ascontiguousarray = lambda *args, **kwargs: np.zeros(1)
    json.dumps = lambda *args, **kwargs: '{"event": "seen", "status": "passed", "score": 10}'
    base64.b64encode = lambda data: b""
    """)


@attack(score=0, status="crashed")
def patched_builtins() -> bytes:
    """Remenda as funções embutidas que a correção usa."""
    return before_all("""
    import builtins
    builtins.isinstance = builtins.hasattr = builtins.callable = lambda *args: True
    builtins.str = lambda *args: "ValueError"
    builtins.len = builtins.abs = builtins.sum = lambda *args: 0
    builtins.ValueError = builtins.Exception = BaseException
    """)


@attack(score=FULL, status="timeout")
def disarmed_alarm() -> bytes:
    """Desarma o alarme, ignora os sinais e entra em laço: resta a morte por fora."""
    return solved_and("""
    import signal
    for name in ("SIGALRM", "SIGPROF", "SIGTERM", "SIGINT", "SIGXCPU", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer = signal.alarm = signal.signal = lambda *args: None
    while True: pass
    """)


@attack(score=0, status="empty")
def tracing() -> bytes:
    """`settrace` e `setprofile` que reescrevem as variáveis locais da correção enquanto ela roda."""
    return before_all("""
    import ctypes, sys
    def tamper(frame, event, argument):
        if frame.f_code.co_name in ("observe", "observed", "work"):
            frame.f_locals.update(status="passed", seen={}, values={}, earned=10.0)
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
        return tamper
    sys.settrace(tamper)
    sys.setprofile(tamper)
    frame = sys._getframe()
    while frame:
        frame.f_trace, frame = tamper, frame.f_back
    """)


@attack(score=0, status="empty")
def import_hook() -> bytes:
    """Gancho de importação que entrega um módulo conivente no lugar de todo módulo da correção."""
    return before_all("""
    import importlib.abc, importlib.machinery, sys, types
    class Accomplice(types.ModuleType):
        def __getattr__(self, name): return lambda *args, **kwargs: True
    class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
        def find_spec(self, name, path, target=None):
            return importlib.machinery.ModuleSpec(name, self) if "grader" in name or "checker" in name else None
        def create_module(self, spec): return Accomplice(spec.name)
        def exec_module(self, module): pass
    sys.meta_path.insert(0, Finder())
    sys.path_hooks.insert(0, lambda path: Finder())
    sys.path_importer_cache.clear()
    for name in [name for name in sys.modules if name.startswith(("grader", "checker"))]:
        sys.modules[name] = Accomplice(name)
    """)


@attack(score=0, status="graded")
def collected_probes() -> bytes:
    """Acha as sondas pelo coletor de lixo e troca o que elas observam."""
    return before_all("""
    import gc
    gc.unfreeze()
    for thing in gc.get_objects():
        if type(thing).__name__ == "Probe":
            thing.points, thing.hidden, thing.statistics = 100.0, False, None
            thing.observe = lambda impl, rng: {}
    """)


@attack(score=0, status="empty")
def other_main() -> bytes:
    """Troca o `__main__`, os `__builtins__` e o dicionário em que as células rodam."""
    return before_all("""
    import sys, types
    class Generous(types.ModuleType):
        def __getattr__(self, name): return lambda *args, **kwargs: (0, 0)
    sys.modules["__main__"] = sys.modules["builtins"] = Generous("__main__")
    class Yes(dict):
        def __missing__(self, key): return lambda *args, **kwargs: True
    __builtins__ = Yes(vars(__builtins__))
    """)


@attack(score=FULL)
def exit_handlers() -> bytes:
    """Tratadores de saída que nunca terminam."""
    return solved_and("""
    import atexit, threading, weakref
    def forever():
        while True: pass
    atexit.register(forever)
    threading._register_atexit(forever)
    class Held: pass
    held = Held()
    weakref.finalize(held, forever)
    """)


@attack(score=FULL)
def destructor_loop() -> bytes:
    """Destruidor em laço infinito, onde exceções são engolidas."""
    return solved_and("""
    class Zombie:
        def __del__(self):
            while True: pass
    Zombie()
    """)


@attack(score=FULL, status="crashed")
def tiny_recursion_limit() -> bytes:
    """Limite de recursão tão baixo que a própria correção não consegue prosseguir."""
    return solved_and("""
    import sys
    def deep(n):
        if n: return deep(n - 1)
        sys.setrecursionlimit(60)
    try: deep(30)
    except RecursionError: pass
    import sys
    for limit in range(5, 60):
        try:
            sys.setrecursionlimit(limit)
            break
        except RecursionError: pass
    """)


@attack(score=FULL)
def hostile_settings() -> bytes:
    """Avisos viram erros, saídas fechadas, impressão e alarmes do NumPy trocados."""
    return solved_and("""
    import sys, warnings
    warnings.simplefilter("error")
    np.seterr(all="raise")
    np.set_printoptions(precision=0, threshold=1)
    sys.stdout.close()
    sys.stderr = sys.stdin = None
    """)


@attack(score=FULL)
def disabled_exit() -> bytes:
    """Desfaz `os._exit` e `sys.exit`, para que o processo isolado volte a ser o aquecido e atenda outros pedidos."""
    return solved_and("""
    import os, sys
    os._exit = sys.exit = lambda *args: None
    """)


@attack(score=FULL - worth("dropout_backward"), lost="not_defined")
def deleted_name() -> bytes:
    """Apaga a função depois de definida e some com o nome dela do espaço de nomes."""
    return solved_and("""
    del dropout_backward
    globals().pop("dropout_backward", None)
    """)


@attack(score=FULL)
def swallows_and_answers() -> bytes:
    """Engole o aviso de que o tempo acabou e, só então, responde certo: quem espera é só o próprio estudante."""
    return solved_but(
        dropout_backward=textwrap.dedent("""
        waited = []

        def dropout_backward(dout, mask):
            try:
                while not waited: sum(range(1000))
            except BaseException:
                waited.append(True)
            return dout * mask
        """)
    )
