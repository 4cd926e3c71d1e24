"""Veta operadores do PyTorch por baixo do Python.

A mesma operação se alcança por `torch.nn.functional`, `torch._C`, `torch.ops`, TorchScript ou por dentro de outra
camada, e recarregar um módulo desfaz a troca das funções dele. A tabela de despacho serve a todos esses caminhos: é
nela que a armadilha fica. Só o processo isolado a usa, porque não há como tirá-la.
"""

import ctypes
import fnmatch
import sys
import warnings
from typing import Any

from grader.checker.runtime import trap


def bar_operators(patterns: list[str]) -> None:
    """Para sempre, usar um operador que casa com `patterns` (como "aten::*dropout*") levanta RuntimeError."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # o PyTorch avisa que o operador já existia
        for name in torch._C._dispatch_get_all_op_names():
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
                _bar(torch._C, name)


def _bar(dispatcher: Any, operator: str) -> None:
    """Registra a armadilha em toda chave de despacho em que o operador tem uma implementação."""
    namespace, _, name = operator.partition("::")
    library = dispatcher._dispatch_library("IMPL", namespace, "", __file__, 0)
    for key in dispatcher.DispatchKey.__members__:
        try:
            implemented = dispatcher._dispatch_has_kernel_for_dispatch_key(operator, key)
        except RuntimeError:  # chave que só existe como marco entre as outras
            continue
        if implemented:
            library.impl(name, key, trap(operator))
    # O registro vale enquanto `library` existe: com uma referência a mais, que ninguém alcança, é para sempre.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))
