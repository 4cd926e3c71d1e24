"""A página se desenha antes dos scripts, e o MathJax e as interativas ainda esperam que o leitor se mexa."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html._assets import _JavaScript

# Há na página scripts soltos que contam com este.
AT_ONCE = "documentation_options.js"
# Onde está o que o script desenha; os que não estão aqui valem para a página toda.
DRAWS = {"mathjax/": ".math", "interactives/": ".interactive"}
FORMULAS = (nodes.math, nodes.math_block)


def asleep(script: _JavaScript) -> _JavaScript:
    """De um tipo que o navegador não conhece, o script espera; `layout.html` o acorda na hora que `data-when` diz."""
    name = str(script.filename or "")
    if not name or name.endswith(AT_ONCE):
        return script
    when = next((drawn for folder, drawn in DRAWS.items() if folder in name), "painted")
    return _JavaScript(script.filename, priority=script.priority, **{"type": "text/plain", "data-when": when})


def lighten(
    app: Sphinx, pagename: str, templatename: str, context: dict, document: nodes.document | None
) -> None:
    if document is None:
        return
    scripts = context["script_files"]
    if not any(isinstance(node, FORMULAS) for node in document.findall()):
        # O Sphinx o põe também nas páginas que só apontam para outras com fórmulas.
        scripts = [s for s in scripts if "mathjax" not in f"{s.filename}{s.attributes}".lower()]
    context["script_files"] = [asleep(script) for script in scripts]


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", lighten, priority=900)  # depois de quem acrescenta scripts
