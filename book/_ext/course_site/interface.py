"""A interface inteira em português: os catálogos de `book/_locale` completam os do Sphinx e dos temas."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from sphinx.application import Sphinx

CATALOGS = Path(__file__).parents[2] / "_locale"


def setup(app: Sphinx) -> None:
    # Compilados a cada construção, fora da árvore de fontes. Esta extensão vem antes das outras na
    # lista porque, para cada frase, vale o primeiro catálogo que a traduz.
    compiled = Path(app.outdir).parent / "locale"
    for source in sorted(CATALOGS.glob("*/LC_MESSAGES/*.po")):
        target = (compiled / source.relative_to(CATALOGS)).with_suffix(".mo")
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as text, target.open("wb") as binary:
            write_mo(binary, read_po(text))
        app.add_message_catalog(source.stem, str(compiled))
