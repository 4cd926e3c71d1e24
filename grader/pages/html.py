"""O que devolutiva e relatório têm em comum: páginas estáticas em que nada da entrega é conteúdo ativo.

Todo texto que chega a uma página passa por `visible` e depois pelo escape automático do Jinja: marcação vira
texto, e caracteres que não se veem (controles, inversões de direção, larguras nulas) aparecem pelo código.
"""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from grader.course import ClassDir
from grader.errors import GraderError
from grader.record import CheckStatus, Record, read_records

TEXT_LIMIT = 20_000

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

STATUS_WORDS: dict[CheckStatus, str] = {
    "passed": "certa",
    "failed": "resultado diferente",
    "error": "erro ao executar",
    "not_defined": "por escrever",
    "timeout": "tempo esgotado",
    "barred": "chamada vetada",
}


def render(template: str, **context: Any) -> str:
    """Página pronta, a partir de um modelo em `grader/templates/`."""
    return _environment().get_template(template).render(context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("grader.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "prose": prose}
    environment.globals["status_words"] = STATUS_WORDS
    return environment


def visible(value: Any) -> Any:
    """Texto sem caracteres invisíveis e de tamanho limitado; o que não é texto cru passa como veio."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = value.replace("\r\n", "\n")
    if len(text) > TEXT_LIMIT:
        text = f"{text[:TEXT_LIMIT]}\n… (cortado: eram {len(text)} caracteres)"
    return _INVISIBLE.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", text)


def prose(text: str) -> Markup:
    """Frase do curso ou do juiz: o que está entre crases vira código."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(visible(text)))))


def number(value: float, digits: int = 2) -> str:
    """Número à brasileira, sem zeros à direita: 7,5."""
    text = f"{value:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", ",")


def link(target: Path, page: Path) -> str:
    """Endereço relativo de `target`, para um link dentro de `page`."""
    return quote(Path(os.path.relpath(target, page.parent)).as_posix())


def code_cells(path: Path) -> list[str]:
    """Textos das células de código de um caderno; vazia se não há caderno legível."""
    try:
        cells = json.loads(path.read_bytes())["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def latest_records(classdir: ClassDir, slug: str) -> dict[str, Record]:
    """O registro que vale de cada estudante, em ordem alfabética.

    Levanta `GraderError` se nada foi corrigido ainda.
    """
    records = {record.student: record for record in read_records(classdir.results(slug))}
    if not records:
        raise GraderError(
            f"Ainda não há resultados em {classdir.results(slug)}. "
            f"Corrija antes: grader autograde {classdir.path} {slug}"
        )
    return dict(sorted(records.items()))
