"""Escrita que nunca deixa um arquivo pela metade."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from grader.errors import GraderError, reason


def remove_leftovers(path: Path) -> None:
    """Apaga os temporários que uma escrita de `path` deixou ao ser interrompida pelo sistema."""
    for leftover in path.parent.glob(f".{path.name}.*"):
        leftover.unlink(missing_ok=True)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Escreve o arquivo inteiro, ou nada: ver `replacing`."""
    with replacing(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Arquivo temporário na mesma pasta que toma o lugar de `path` no fim do bloco; cria as pastas que faltarem.

    Levanta `GraderError` quando o disco está cheio ou a pasta não aceita escrita; nesse caso o arquivo
    anterior, se havia, continua como estava.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise GraderError(
            f"Não consegui escrever {path}: {reason(error)}. "
            "Libere espaço ou acerte as permissões e rode o comando de novo; nada se perdeu."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
