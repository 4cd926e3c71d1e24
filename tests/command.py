"""A linha de comando, chamada de dentro dos testes como o terminal a chama."""

import sys
from typing import Any
from unittest.mock import patch

import pytest

from grader import cli


def grader(*arguments: Any) -> int:
    """Roda `grader` com estes argumentos; devolve o código de saída."""
    with patch.object(sys, "argv", ["grader", *map(str, arguments)]), pytest.raises(SystemExit) as leaving:
        cli.main()
    return int(leaving.value.code or 0)
