"""Uma entrega, lida sem confiança: qualquer arquivo vira células ou um motivo em português."""

import contextlib
import errno
import hashlib
import json
import os
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grader.errors import reason

MAX_BYTES = 20 * 2**20
MAX_PIECES = 1_000_000
"""Vírgulas, colchetes e chaves: cada um vira até uma centena de bytes de memória."""
MAX_CODE = 2 * 2**20
"""Caracteres de código ao todo: nenhum exercício chega a um décimo disso."""
NOT_A_FILE = {errno.ELOOP: "é um atalho para outro arquivo", errno.ENXIO: "não é um arquivo comum"}


@dataclass(frozen=True)
class Cell:
    """Uma célula do caderno entregue; `grade_id` é o que dizem os metadados, se ainda dizem algo."""

    kind: str
    source: str
    grade_id: str = ""


@dataclass(frozen=True)
class Submission:
    """O que um estudante entregou.

    `problem` diz por que não há células: `status` é então "missing" ou "unreadable". `digest` é o SHA-256 do
    arquivo e `timestamp` a hora da entrega, como o nbgrader a guarda em `timestamp.txt`.
    """

    student: str
    cells: list[Cell] = field(default_factory=list)
    status: str = ""
    problem: str = ""
    digest: str = ""
    timestamp: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def code(self) -> list[tuple[int, str]]:
        """Células de código: (posição no caderno, texto)."""
        return [(i, cell.source) for i, cell in enumerate(self.cells) if cell.kind == "code"]


def read_submission(student: str, folder: Path) -> Submission:
    """Lê o caderno mais novo da pasta. Nunca levanta exceção por causa do que o estudante enviou."""
    if folder.parent.is_symlink() or folder.is_symlink() or not folder.is_dir():
        return Submission(student, status="unreadable", problem="a pasta da entrega não é uma pasta comum")
    if not os.access(folder, os.R_OK | os.X_OK):
        return Submission(student, status="unreadable", problem="falta permissão para ler a pasta da entrega")
    notebooks = sorted(folder.glob("*.ipynb"), key=lambda path: (path.lstat().st_mtime, path.name))
    if not notebooks:
        return Submission(student, status="missing", problem="a pasta não tem nenhum arquivo .ipynb")
    notes = (
        [f"Havia {len(notebooks)} cadernos; valeu o mais novo, {valid_text(notebooks[-1].name)}."]
        if notebooks[1:]
        else []
    )
    return replace(read_notebook(student, notebooks[-1], notes), timestamp=_timestamp(folder))


def _timestamp(folder: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        return _read_regular(folder / "timestamp.txt")[:64].decode().strip()
    return ""


def read_notebook(student: str, path: Path, notes: list[str] | None = None) -> Submission:
    """Lê um caderno."""

    def unreadable(problem: str, data: bytes = b"") -> Submission:
        digest = hashlib.sha256(data).hexdigest()
        return Submission(student, [], "unreadable", problem, digest, notes=notes or [])

    try:
        data = _read_regular(path)
    except OSError as error:
        return unreadable(NOT_A_FILE.get(error.errno or 0, f"não consegui abrir o arquivo: {reason(error)}"))
    except ValueError as error:
        return unreadable(str(error))
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_PIECES:
        return unreadable("o arquivo tem dados demais nas saídas: limpe-as e envie o caderno de novo", data)
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return unreadable("o arquivo não está em UTF-8, como todo caderno do Jupyter", data)
    except (ValueError, RecursionError, MemoryError):
        return unreadable("o arquivo não é um caderno do Jupyter: não é JSON válido", data)
    cells = parse_cells(document)
    if cells is None:
        return unreadable("o arquivo é JSON, mas não é um caderno do Jupyter: não tem células", data)
    if (size := sum(len(cell.source) for cell in cells if cell.kind == "code")) > MAX_CODE:
        return unreadable(
            f"o caderno tem {size / 2**20:.1f} MB de código; o limite é {MAX_CODE // 2**20} MB", data
        )
    if language := foreign_language(document):
        return unreadable(f"o caderno é de {language}, e o exercício é em Python", data)
    return Submission(student, cells, digest=hashlib.sha256(data).hexdigest(), notes=notes or [])


def _read_regular(path: Path) -> bytes:
    """Conteúdo de um arquivo comum; não segue atalhos nem espera por canos e dispositivos."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise ValueError("não é um arquivo comum")
        if info.st_nlink > 1:
            raise ValueError("é uma ligação para outro arquivo, não uma cópia")
        if info.st_size > MAX_BYTES:
            raise ValueError(
                f"o arquivo tem {info.st_size / 2**20:.0f} MB; o limite é {MAX_BYTES // 2**20} MB"
            )
        return os.read(descriptor, MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def parse_cells(document: Any) -> list[Cell] | None:
    """Células de um caderno nos formatos 3 e 4; None se não há nenhuma lista delas."""
    if not isinstance(document, dict):
        return None
    lists = [document.get("cells")]
    if isinstance(document.get("worksheets"), list):
        lists += [sheet.get("cells") for sheet in document["worksheets"] if isinstance(sheet, dict)]
    found = [cells for cells in lists if isinstance(cells, list)]
    if not found:
        return None
    return [cell for cells in found for raw in cells if (cell := _cell(raw)) is not None]


def _cell(raw: Any) -> Cell | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("cell_type"), str):
        return None
    source = raw.get("source", raw.get("input", ""))
    if isinstance(source, list):
        source = "".join(piece for piece in source if isinstance(piece, str))
    if not isinstance(source, str):
        return None
    grade_id: Any = None
    with contextlib.suppress(KeyError, TypeError):
        grade_id = raw["metadata"]["nbgrader"]["grade_id"]
    return Cell(
        raw["cell_type"],
        valid_text(source.replace("\0", "")),
        valid_text(grade_id) if isinstance(grade_id, str) else "",
    )


def valid_text(text: str) -> str:
    """Texto que se pode gravar em UTF-8: metades soltas de um par viram interrogação."""
    return text.encode("utf-8", "replace").decode()


def foreign_language(document: dict[str, Any]) -> str:
    """Linguagem do núcleo, se o caderno diz uma que não é Python."""
    language: Any = None
    with contextlib.suppress(KeyError, TypeError):
        language = document["metadata"]["kernelspec"]["language"]
    if isinstance(language, str) and language and "python" not in language.lower():
        return valid_text(language[:40])
    return ""
