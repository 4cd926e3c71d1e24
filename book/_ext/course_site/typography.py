"""Uma fórmula no meio do texto não se separa da pontuação que a cerca.

O navegador pode quebrar a linha antes e depois de cada fórmula, e deixaria uma vírgula sozinha no começo da linha.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

LAST_WORD, FIRST_WORD = re.compile(r"\S+$"), re.compile(r"^\S+")


def cut(text: nodes.Node | None, piece: re.Pattern[str]) -> list[nodes.Text]:
    """Tira de um texto vizinho o pedaço que encosta na fórmula."""
    found = isinstance(text, nodes.Text) and piece.search(text)
    if not found:
        return []
    text.parent.replace(text, nodes.Text(text[: found.start()] + text[found.end() :]))
    return [nodes.Text(found.group())]


def glue(app: Sphinx, document: nodes.document) -> None:
    for math in list(document.findall(nodes.math)):
        before = cut(math.previous_sibling(), LAST_WORD)
        after = cut(math.next_node(descend=False, siblings=True, ascend=False), FIRST_WORD)
        if before or after:
            glued = nodes.inline(classes=["glued"])
            math.replace_self(glued)
            glued += [*before, math, *after]


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", glue)
