"""A planilha de notas do Moodle, alterada só nos bytes da coluna da nota.

O Moodle reconhece a planilha pelos cabeçalhos e pelo número do participante, na língua de quem a baixou; um
programa de planilhas ou o módulo `csv` mudariam aspas, fins de linha e codificação. Aqui cada campo tem a sua
posição no arquivo, e só a nota é trocada. Sem vírgula decimal à vista escreve-se ponto, que o Moodle entende
em qualquer língua; a vírgula ele só entende se a língua do professor a usa.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UnreadableSource

# Nomes das colunas em inglês e em português, sem acento nem maiúscula.
HEADERS = {
    "identifier": ("identifier", "identificador"),
    "name": ("full name", "nome completo", "nome"),
    "grade": ("grade", "nota"),
    "maximum": ("maximum grade", "nota maxima"),
    "changeable": ("grade can be changed", "nota pode ser alterada", "a nota pode ser alterada"),
    "scale": ("scale", "escala"),
}

Span = tuple[int, int]


@dataclass(frozen=True)
class Row:
    """Uma linha da planilha; `span` delimita, em bytes, o campo da nota."""

    participant: int | None
    name: str
    grade: str
    maximum: float | None
    locked: bool
    span: Span

    @property
    def label(self) -> str:
        return self.name or f"participante {self.participant}"


@dataclass(frozen=True)
class Worksheet:
    """O arquivo como o Moodle o fez; `comma` diz que ele usa vírgula decimal."""

    data: bytes
    separator: bytes
    comma: bool
    rows: list[Row]

    def number(self, value: float) -> str:
        """Uma nota na forma da planilha, com duas casas."""
        return f"{value:.2f}".replace(".", "," if self.comma else ".")

    def filled(self, grades: list[tuple[Row, str]]) -> bytes:
        """O mesmo arquivo, byte a byte, com estas notas."""
        pieces, position = [], 0
        for row, grade in sorted(grades, key=lambda pair: pair[0].span):
            start, end = row.span
            new = grade.encode()
            quoted = self.data[start:end].startswith(b'"') or self.separator in new
            pieces += [self.data[position:start], b'"%b"' % new if quoted else new]
            position = end
        return b"".join([*pieces, self.data[position:]])


def read_worksheet(path: Path) -> Worksheet:
    """Lê a planilha; levanta `UnreadableSource` se não é uma planilha de notas de tarefa do Moodle."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableSource(f"Não consegui ler a planilha {path}: {error.strerror}.") from error
    for separator in (b",", b";", b"\t"):
        header, *lines = _split(data, separator) or [[]]
        columns = _columns(data, header)
        if "grade" in columns and columns.keys() & {"identifier", "name"}:
            break
    else:
        raise _unusable(path, "não achei as colunas Identificador (Identifier) e Nota (Grade)")
    if "scale" in columns and "maximum" not in columns:
        raise _unusable(path, "a tarefa é avaliada por escala, que não recebe nota numérica")
    for number, line in enumerate(lines, 2):
        if len(line) != len(header):
            raise _unusable(path, f"o registro {number} tem {len(line)} campos; o cabeçalho, {len(header)}")
    numbers = [
        _text(data, line[columns[name]]) for line in lines for name in columns if name in ("grade", "maximum")
    ]
    comma = any(re.fullmatch(r"\s*-?\d+,\d+\s*", number) for number in numbers)
    return Worksheet(data, separator, comma, [_row(data, line, columns) for line in lines])


def _unusable(path: Path, problem: str) -> UnreadableSource:
    return UnreadableSource(
        f"{path} não serve de planilha de notas: {problem}. "
        "Use, sem editar, o arquivo de “Baixar planilha de notas” da tarefa no Moodle."
    )


def _split(data: bytes, separator: bytes) -> list[list[Span]]:
    """As posições de cada campo de cada linha; linhas vazias ficam de fora."""
    field = re.compile(rb'("(?:[^"]|"")*+"|[^%b\r\n]*+)(%b|\r\n|\r|\n|\Z)' % (separator, separator))
    lines: list[list[Span]] = [[]]
    position = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    while match := field.match(data, position):
        lines[-1].append(match.span(1))
        position = match.end()
        if match[2] != separator:
            lines.append([])
        if position == len(data) and match[2] != separator:
            break
    return [line for line in lines if len(line) > 1 or any(start < end for start, end in line)]


def _columns(data: bytes, header: list[Span]) -> dict[str, int]:
    titles = [_fold(_text(data, span)) for span in header]
    found = {
        name: [titles.index(title) for title in known if title in titles] for name, known in HEADERS.items()
    }
    return {name: places[0] for name, places in found.items() if places}


def _row(data: bytes, line: list[Span], columns: dict[str, int]) -> Row:
    cells = {name: _text(data, line[place]).strip() for name, place in columns.items()}
    number = re.search(r"[0-9]{1,18}$", cells.get("identifier", ""))
    return Row(
        participant=int(number[0]) if number else None,
        name=cells.get("name", ""),
        grade=cells["grade"],
        maximum=as_number(cells.get("maximum", "")),
        locked=_fold(cells.get("changeable", "")) in ("no", "nao"),
        span=line[columns["grade"]],
    )


def _text(data: bytes, span: Span) -> str:
    raw = data[slice(*span)]
    if raw.startswith(b'"') and raw.endswith(b'"'):
        raw = raw[1:-1].replace(b'""', b'"')
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _fold(text: str) -> str:
    """O texto sem acento, maiúscula ou espaço a mais, para comparar cabeçalhos."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(bare.casefold().split())


def as_number(text: str) -> float | None:
    """Um número com ponto ou vírgula decimal; `None` se o texto é outra coisa."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
