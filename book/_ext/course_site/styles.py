"""Uma folha de estilo só, sem as regras nem os ícones que página nenhuma usa.

A primeira pintura espera pelo estilo e pelas fontes dele, e os temas trazem 490 kB de regras e 300 kB de ícones; em um
celular com rede lenta, é deles a maior parte da espera.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tinycss2
from fontTools.subset import Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

SHEET = "site.css"
THEME = ("basic.css", "styles/pydata-sphinx-theme.css")  # o tema os pede antes das outras folhas
WORD = re.compile(r"[\w-]+")
FONT = re.compile(r'url\((\S+)\.woff2\) format\("woff2"\),url\(\1\.ttf\)')
BUILT_AT_RUN_TIME = {"bs-tooltip-auto"}  # o Bootstrap compõe este nome no navegador


def written_words(site: Path) -> set[str]:
    """Tudo o que pode ser classe ou identificador: as palavras das páginas e dos scripts."""
    files = (path for path in site.rglob("*") if path.suffix in {".html", ".js"})
    return BUILT_AT_RUN_TIME.union(*(WORD.findall(path.read_text("utf-8")) for path in files))


def selectors(prelude: list[Any]) -> Iterator[list[Any]]:
    selector: list[Any] = []
    for token in prelude:
        if token == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def names(selector: list[Any]) -> Iterator[str]:
    """As classes e os identificadores que o seletor exige, fora os de `:not(…)` e semelhantes."""
    for before, token in zip([None, *selector], selector, strict=False):
        if token.type == "hash" or (token.type == "ident" and before == "."):
            yield token.value


def pruned(rules: Iterable[Any], words: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            alive = [s for s in selectors(rule.prelude) if words.issuperset(names(s))]
            if alive:
                heads = ",".join(tinycss2.serialize(selector).strip() for selector in alive)
                yield f"{heads}{{{tinycss2.serialize(rule.content).strip()}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if body := "".join(pruned(inner, words)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{body}}}"
        else:
            yield rule.serialize()


def with_slim_fonts(css: str, static: Path) -> str:
    """Troca as fontes pedidas por cópias que só têm os caracteres que a folha escreve."""
    for name in set(FONT.findall(css)):
        font, subsetter = TTFont(static / f"{name}.ttf"), Subsetter()
        subsetter.populate(text=css)
        subsetter.subset(font)
        font.save(static / f"{name}-slim.ttf")
    return FONT.sub(r"url(\1-slim.ttf)", css)


def write_sheet(app: Sphinx, error: Exception | None) -> None:
    if error:
        return
    static, words = Path(app.outdir) / "_static", written_words(Path(app.outdir))
    others = [str(sheet.filename) for sheet in sorted(app.builder._css_files, key=lambda css: css.priority)]
    css = []
    for name in (*THEME, *(other.removeprefix("_static/") for other in others)):
        source = (static / name).read_text("utf-8").replace("url(../", "url(")
        css += pruned(tinycss2.parse_stylesheet(source, skip_comments=True, skip_whitespace=True), words)
    (static / SHEET).write_text(with_slim_fonts("\n".join(css), static), "utf-8")


def setup(app: Sphinx) -> None:
    app.connect("build-finished", write_sheet, priority=900)  # depois de quem põe arquivos em _static
