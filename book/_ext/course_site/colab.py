"""Um caderno para o Colab ao lado de cada página executada: `_sources/<página>.ipynb`."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

from course_site.links import Repository
from course_site.markdown import MarkdownRenderer

FOLDED_TITLE = "# @title Código (dois cliques para ver)\n"
STYLE = Path(__file__).parents[2] / "figures.py"
KEPT_TAGS = ("nbval-ignore-output",)  # a saída é uma medida de tempo e não se repete


def is_code_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def code_cell(node: nodes.Element, executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A célula como foi publicada: código, dobrado se a página o dobra, e saídas."""
    cell = new_code_cell(executed.source, outputs=executed.outputs, execution_count=executed.execution_count)
    tags = node["cell_metadata"].get("tags", [])
    if "hide-input" in tags:
        cell.source = FOLDED_TITLE + cell.source
        cell.metadata["cellView"] = "form"
    if kept := [tag for tag in tags if tag in KEPT_TAGS]:
        cell.metadata["tags"] = kept
    return cell


def style_cell() -> nbformat.NotebookNode:
    """Escreve `figures.py`, que as células importam e o Colab não tem."""
    source = (
        f"{FOLDED_TITLE}import pathlib\n\npathlib.Path({STYLE.name!r}).write_text('''{STYLE.read_text()}''');"
    )
    return new_code_cell(source, metadata={"cellView": "form"})


def cells(
    section: nodes.Element, level: int, renderer: MarkdownRenderer, executed: nbformat.NotebookNode
) -> Iterator[nbformat.NotebookNode]:
    """As células na ordem da página: o texto entre dois códigos é uma célula; uma seção abre outra."""
    texts: list[str] = []

    def written() -> Iterator[nbformat.NotebookNode]:
        if text := "\n\n".join(filter(None, texts)):
            yield new_markdown_cell(text)
        texts.clear()

    for node in section.children:
        if isinstance(node, nodes.title):
            texts.append(f"{'#' * level} {renderer.inline(node)}")
        elif isinstance(node, nodes.section):
            yield from written()
            yield from cells(node, level + 1, renderer, executed)
        elif is_code_cell(node):
            yield from written()
            yield code_cell(node, executed.cells[node["cell_index"]])
            texts.extend(renderer.render(caption) for caption in node.findall(nodes.caption))
        else:
            texts.append(renderer.render(node))
    yield from written()


def colab_notebook(
    document: nodes.document, renderer: MarkdownRenderer, executed: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    notebook = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    origin = f"*Caderno de [uma página do curso]({renderer.page}), onde o texto se lê melhor.*"
    notebook.cells = [new_markdown_cell(origin), style_cell(), *cells(document, 0, renderer, executed)]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"celula-{number}"
    return notebook


def executed_notebook(build: Path, pagename: str) -> nbformat.NotebookNode:
    """O caderno da página com as saídas, que o myst-nb só deixa no cache quando é de lá que as tira."""
    notebook = nbformat.read(build / "jupyter_execute" / f"{pagename}.ipynb", as_version=4)
    _, executed = get_cache(str(build / ".jupyter_cache")).merge_match_into_notebook(notebook)
    return executed


def write_notebook(
    app: Sphinx, pagename: str, templatename: str, context: dict, document: nodes.document | None
) -> None:
    builder = app.builder
    if document is None or not isinstance(builder, StandaloneHTMLBuilder):
        return
    if not any(map(is_code_cell, document.findall(nodes.container))):
        return
    executed = executed_notebook(Path(app.outdir).parent, pagename)
    renderer = MarkdownRenderer(builder, pagename, Repository.of(app.config).site)
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(colab_notebook(document, renderer, executed), target)
    context["ipynb_source"] = f"{pagename}.ipynb"  # o menu de baixar do tema oferece o caderno


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", write_notebook)
