"""A página se desenha antes dos scripts: o MathJax só vem onde há fórmulas, e os outros esperam o fim da leitura."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html._assets import _JavaScript

# Há scripts soltos na página que contam com o primeiro, e `course.js` tem de achar os outros prontos antes que ajam.
AT_ONCE = ("documentation_options.js", "clipboard.min.js", "copybutton.js")
FORMULAS = (nodes.math, nodes.math_block)


def deferred(script: _JavaScript) -> _JavaScript:
    if not script.filename or str(script.filename).endswith(AT_ONCE):
        return script
    return _JavaScript(script.filename, priority=script.priority, **{"defer": "defer", **script.attributes})


def lighten(
    app: Sphinx, pagename: str, templatename: str, context: dict, document: nodes.document | None
) -> None:
    if document is None:
        return
    scripts = context["script_files"]
    if not any(isinstance(node, FORMULAS) for node in document.findall()):
        # O Sphinx o põe também nas páginas que só apontam para outras com fórmulas.
        scripts = [s for s in scripts if "mathjax" not in f"{s.filename}{s.attributes}".lower()]
    context["script_files"] = [deferred(script) for script in scripts]


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", lighten, priority=900)  # depois de quem acrescenta scripts
