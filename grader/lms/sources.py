"""Lê o que o LMS entrega, pasta ou zip, sem confiar em nada do que há dentro.

O ZipCollectApp do nbgrader não serve: extrai tudo para o disco sem limite de tamanho, segue links
simbólicos, para no primeiro arquivo repetido e consulta o plugin arquivo por arquivo, sem visão do conjunto.
Aqui nada é extraído: lista-se o que há e lê-se, com teto, só o caderno escolhido de cada estudante.
"""

import io
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from grader.errors import UnreadableSource

MAX_FILE = 50 * 2**20
MAX_ENTRIES = 100_000
MAX_NAME = 1_000
NOTEBOOK, ARCHIVE = ".ipynb", ".zip"
_LATEST = datetime(9999, 1, 1).timestamp()

# Tudo o que `zipfile` levanta diante de um zip estragado ou malicioso.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


class Unusable(Exception):
    """Um item da origem que não dá para usar; a mensagem diz por quê e o que fazer."""


@dataclass(frozen=True)
class Refused:
    """O que não foi recolhido e por quê."""

    path: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """Um arquivo da origem, ainda não lido; `read` levanta `Unusable` quando não dá para lê-lo."""

    parts: tuple[str, ...]
    when: datetime
    position: int
    size: int
    read: Callable[[], bytes]

    @property
    def path(self) -> str:
        return "/".join(self.parts)

    def has_ending(self, *endings: str) -> bool:
        return self.parts[-1].lower().endswith(endings)

    def notebook(self) -> bytes:
        """O caderno; de um zip entregue pelo estudante, o único caderno que há dentro."""
        data = self.read()
        return _only_notebook(data) if self.has_ending(ARCHIVE) else data


@dataclass
class Listing:
    """Tudo o que há numa origem. `dated`: as datas vêm do LMS (zip), não do disco de quem recolhe."""

    dated: bool
    entries: list[Entry] = field(default_factory=list)
    folders: list[tuple[str, ...]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@contextmanager
def open_source(source: Path) -> Iterator[Listing]:
    """Lista uma pasta ou um zip; levanta `UnreadableSource` se não é nem uma coisa nem outra."""
    with ExitStack() as stack:
        try:
            mode = source.stat().st_mode
            if stat.S_ISDIR(mode):
                listing = _list_folder(source)
            elif stat.S_ISREG(mode):
                listing = _list_zip(stack.enter_context(_open_zip(source)))
            else:
                raise Unusable("não é pasta nem arquivo comum")
        except (OSError, Unusable) as error:
            problem = error.strerror if isinstance(error, OSError) else error
            raise UnreadableSource(
                f"Não consegui ler {source}: {problem}. "
                "Indique uma pasta com as entregas ou o zip que o LMS gera, sem recompactar."
            ) from error
        yield listing


def printable(name: str) -> str:
    """Troca o que não se imprime (controle, bytes inválidos), para o nome não mexer com o terminal."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in name)


def _list_folder(root: Path) -> Listing:
    listing = Listing(dated=False)
    pending: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    while pending:
        folder, above = pending.pop()
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            if folder == root:
                raise
            listing.refused.append(Refused("/".join(above), f"pasta que não abre: {error.strerror}"))
            continue
        for path in paths:
            parts = (*above, printable(path.name))
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode) and not path.name.lower().endswith(NOTEBOOK):
                listing.folders.append(parts)
                if not is_junk(parts):
                    pending.append((path, parts))
            else:
                when = datetime.fromtimestamp(min(max(status.st_mtime, 0), _LATEST))
                read = partial(_read_file, path)
                listing.entries.append(Entry(parts, when, len(listing.entries), status.st_size, read))
        _limit_entries(len(listing.entries) + len(listing.folders))
    return listing


def is_junk(parts: tuple[str, ...]) -> bool:
    """Arquivos ocultos, de rascunho ou que o sistema do estudante pôs no pacote sozinho."""
    return any(part.startswith((".", "~")) or part == "__MACOSX" for part in parts)


def _limit_entries(count: int) -> None:
    if count > MAX_ENTRIES:
        raise Unusable(f"há mais de {MAX_ENTRIES} arquivos, o que não parece uma turma")


def _read_file(path: Path) -> bytes:
    """Lê um arquivo comum, sem seguir links e sem ficar preso em fila ou dispositivo."""
    try:
        _check_regular(path.lstat())
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            _check_regular(os.fstat(descriptor))
            return _check_size(stream.read(MAX_FILE + 1))
    except OSError as error:
        raise Unusable(f"não consegui ler: {error.strerror}") from error


def _check_regular(status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise Unusable("é um link simbólico, e links não são seguidos")
    if stat.S_ISDIR(status.st_mode):
        raise Unusable("é uma pasta com nome de caderno")
    if not stat.S_ISREG(status.st_mode):
        raise Unusable("não é um arquivo comum")
    if status.st_nlink > 1:
        raise Unusable(
            "é um link físico para outro arquivo do disco; se for legítimo, copie a pasta com cp -r"
        )


def _check_size(data: bytes) -> bytes:
    if len(data) > MAX_FILE:
        raise Unusable(f"passa de {MAX_FILE >> 20} MB; peça um caderno sem saídas gigantes")
    return data


def _open_zip(source: Path | io.BytesIO) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(source)
    except _BROKEN as error:
        raise Unusable("não é um zip, ou o download veio incompleto") from error
    try:
        _limit_entries(len(archive.infolist()))
    except Unusable:
        archive.close()
        raise
    return archive


def _list_zip(archive: zipfile.ZipFile) -> Listing:
    listing = Listing(dated=True)
    for position, info in enumerate(archive.infolist()):
        name = printable(_member_name(info))
        parts = tuple(name.rstrip("/").split("/"))
        if re.match(r"/|[A-Za-z]:", name) or "\\" in name or {"", ".", ".."} & {*parts}:
            listing.refused.append(Refused(name, "caminho que sairia da pasta do estudante"))
        elif len(name) > MAX_NAME:
            listing.refused.append(Refused(name[:60] + "…", "nome comprido demais"))
        elif info.is_dir():
            listing.folders.append(parts)
        else:
            read = partial(_read_member, archive, info)
            listing.entries.append(Entry(parts, _member_time(info), position, info.file_size, read))
    return listing


def _member_name(info: zipfile.ZipInfo) -> str:
    """Sem a marca de UTF-8, o nome pode ser UTF-8 mesmo assim (macOS) ou cp850 (Windows em português)."""
    try:
        raw = info.filename.encode("cp437") if not info.flag_bits & 0x800 else b""
    except UnicodeEncodeError:
        return info.filename
    try:
        return raw.decode() or info.filename
    except UnicodeDecodeError:
        return raw.decode("cp850")


def _member_time(info: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*info.date_time)
    except ValueError:
        return datetime(1980, 1, 1)


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise Unusable("é um link ou arquivo especial dentro do zip")
    if info.flag_bits & 0x1:
        raise Unusable("está protegido por senha; peça um arquivo sem senha")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unusable("usa uma compressão incomum; peça o arquivo .ipynb solto")
    try:
        with archive.open(info) as stream:
            return _check_size(stream.read(MAX_FILE + 1))
    except _BROKEN as error:
        raise Unusable("está corrompido dentro do zip; baixe-o de novo ou peça outro envio") from error


def _only_notebook(data: bytes) -> bytes:
    with _open_zip(io.BytesIO(data)) as archive:
        entries = _list_zip(archive).entries
        notebooks = [entry for entry in entries if entry.has_ending(NOTEBOOK) and not is_junk(entry.parts)]
        if len(notebooks) != 1:
            raise Unusable(f"é um zip com {len(notebooks)} cadernos; peça o arquivo .ipynb solto")
        return notebooks[0].read()
