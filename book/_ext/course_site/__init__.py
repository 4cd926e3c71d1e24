"""O que o site do curso acrescenta ao Jupyter Book: português, caixas, matemática local e Colab."""

import hashlib
from pathlib import Path

from sphinx.application import Sphinx

from course_site import (
    bibliography,
    boxes,
    colab,
    execution,
    interactive,
    interface,
    links,
    loading,
    offline_math,
    search,
    styles,
    typography,
)

BOOK = Path(__file__).parents[2]


def fingerprint() -> str:
    """Muda com qualquer estilo, script, modelo, tradução ou linha desta extensão."""
    files = sorted(path for path in BOOK.glob("_*/**/*.*") if path.is_file() and path.suffix != ".pyc")
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def setup(app: Sphinx) -> dict[str, bool]:
    for part in (
        links,
        interface,
        offline_math,
        bibliography,
        boxes,
        interactive,
        search,
        execution,
        loading,
        styles,
        typography,
        colab,
    ):
        part.setup(app)
    # O Sphinx só olha a data das páginas; com este valor, o que cerca as páginas também as refaz.
    app.add_config_value("course_site", fingerprint(), "env")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
