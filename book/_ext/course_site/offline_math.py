"""MathJax servido pelo próprio site, a partir do pacote `sphinx-mathjax-offline` do PyPI."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

PACKAGE = "sphinx-mathjax-offline"
# O pacote traz 24 MB; uma página usa o renderizador, as fontes, as extensões de TeX e a leitura em voz alta.
NEEDED = (
    "tex-chtml.js",
    "a11y/assistive-mml.js",
    "ui/lazy.js",
    "input/tex/extensions",
    "output/chtml/fonts/woff-v2",
)


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    if error:
        return
    package = find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise ExtensionError(f"O pacote {PACKAGE} não está instalado: rode `pip install {PACKAGE}`.")
    source = Path(package.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in NEEDED:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            shutil.copy2(source / name, target / name)


def setup(app: Sphinx) -> None:
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.connect("build-finished", copy_mathjax)
