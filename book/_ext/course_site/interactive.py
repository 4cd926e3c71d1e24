"""As figuras que ganham vida no site, `{interativa}`, e o cartão de um vídeo de fora, `{video}`.

Uma figura interativa é a figura estática de uma célula, que um script de `_static/interactives/` troca no navegador;
sem JavaScript e no Colab fica a estática. O d3 vem do pacote `mpld3` e só é pedido nas páginas que o usam.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

SCRIPTS = Path(__file__).parents[2] / "_static" / "interactives"
D3 = "d3.v5.min.js"


class interactive(nodes.General, nodes.Element):
    """As instruções de uma figura interativa, com o nome do script e a figura que ele anima."""


class Interactive(SphinxDirective):
    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"figura": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        source, line = self.get_source_info()
        if not (SCRIPTS / f"{name}.js").is_file():
            raise ExtensionError(f"{source}, linha {line}: não há book/_static/interactives/{name}.js.")
        if "figura" not in self.options:
            raise ExtensionError(f"{source}, linha {line}: a caixa «interativa» pede `:figura:`.")
        node = interactive("", *self.parse_content_to_nodes(), name=name, figure=self.options["figura"])
        self.set_source_info(node)
        return [node]


class Video(SphinxDirective):
    """Um vídeo do YouTube que vale a visita: um cartão com o link, sem nada embutido que chame o YouTube."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        url = f"https://www.youtube.com/watch?v={self.arguments[0]}"
        play = nodes.reference("", "Ver o vídeo no YouTube", refuri=url, classes=["video-still"])
        card = nodes.container("", nodes.paragraph("", "", play), classes=["video"])
        card += self.parse_content_to_nodes()
        return [card]


def check_figures(app: Sphinx, document: nodes.document) -> None:
    """Recusa uma interativa cuja figura a página não tem."""
    figures = {name for figure in document.findall(nodes.figure) for name in figure["ids"]}
    for node in document.findall(interactive):
        if node["figure"] not in figures:
            raise ExtensionError(
                f"{node.source}, linha {node.line}: a página não tem a figura «{node['figure']}»; "
                f"ela tem: {', '.join(sorted(figures))}."
            )


def add_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict, document: nodes.document | None
) -> None:
    names = [node["name"] for node in document.findall(interactive)] if document else []
    if names:
        for script in (D3, "stage.js", *(f"{name}.js" for name in names)):
            app.add_js_file(f"interactives/{script}")


def copy_d3(app: Sphinx) -> None:
    package = find_spec("mpld3")
    if package is None or package.origin is None:
        raise ExtensionError("O pacote mpld3, que traz o d3, não está instalado: rode `pip install mpld3`.")
    target = Path(app.outdir) / "_static" / "interactives"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy2(Path(package.origin).parent / "js" / D3, target)


def open_interactive(translator: HTML5Translator, node: interactive) -> None:
    attributes = {"data-name": node["name"], "data-figure": node["figure"]}
    translator.body.append(translator.starttag(node, "div", CLASS="interactive", **attributes))


def close_interactive(translator: HTML5Translator, node: interactive) -> None:
    translator.body.append("</div>\n")


def setup(app: Sphinx) -> None:
    app.add_node(interactive, html=(open_interactive, close_interactive))
    app.add_directive("interativa", Interactive)
    app.add_directive("video", Video)
    app.connect("builder-inited", copy_d3)
    app.connect("doctree-read", check_figures)
    app.connect("html-page-context", add_scripts)
