"""As caixas de um capítulo: ficha, mito ou verdade, convenções, resposta dobrada e pratique."""

import re
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from course_site.links import Repository

# Leitura de texto técnico em português, com contas para acompanhar.
WORDS_PER_MINUTE = 150
VERDICTS = ("mito", "verdade", "depende")


class answer(nodes.General, nodes.Element):
    """Uma resposta dobrada: `<details>`, que abre sem JavaScript."""


class reading_time(nodes.Inline, nodes.Element):
    """O lugar do tempo de leitura, que só se conhece com o capítulo inteiro lido."""


class Box(SphinxDirective):
    """Uma caixa com título; as subclasses dizem qual título e qual estilo."""

    has_content = True
    style: ClassVar[str]

    def box(self, title: str, *extra: nodes.Node) -> list[nodes.Node]:
        inline, _ = self.parse_inline(title)
        node = nodes.admonition("", nodes.title(title, "", *inline), classes=["course-box", self.style])
        node += self.parse_content_to_nodes()
        node += extra
        self.set_source_info(node)
        return [node]

    def fail(self, message: str) -> ExtensionError:
        source, line = self.get_source_info()
        return ExtensionError(f"{source}, linha {line}: {message}")


class Conventions(Box):
    style = "box-convencoes"

    def run(self) -> list[nodes.Node]:
        return self.box("Convenções")


class Myth(Box):
    """Uma afirmação comum, o que se mediu e o veredito, obrigatório."""

    style = "box-mito"
    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {"veredito": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        verdict = self.options.get("veredito")
        if verdict not in VERDICTS:
            raise self.fail(f"a caixa «mito» pede `:veredito:` com um destes valores: {', '.join(VERDICTS)}.")
        stamp = nodes.paragraph("", "", nodes.strong("", f"Veredito: {verdict}"), classes=["verdict"])
        return self.box(f"Mito ou verdade? “{self.arguments[0]}”", stamp)


class Answer(SphinxDirective):
    has_content = True

    def run(self) -> list[nodes.Node]:
        return [answer("", *self.parse_content_to_nodes())]


class ChapterCard(Box):
    """O alto de um capítulo: objetivos, pré-requisitos, tempo de leitura e o botão do Colab."""

    style = "box-ficha"
    option_spec: ClassVar = {"pre-requisitos": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        if "pre-requisitos" not in self.options:
            raise self.fail("a caixa «ficha» pede `:pre-requisitos:`.")
        needs, _ = self.parse_inline(self.options["pre-requisitos"])
        url = Repository.of(self.config).chapter_on_colab(self.env.docname)
        return self.box(
            "Ao fim deste capítulo, você vai saber",
            nodes.paragraph("", "", nodes.strong("", "Pré-requisitos:"), nodes.Text(" "), *needs),
            nodes.paragraph("", "", nodes.strong("", "Leitura:"), nodes.Text(" "), reading_time()),
            nodes.paragraph("", "", colab_button(url, "colab-page"), classes=["buttons"]),
        )


class Practice(Box):
    """O exercício do capítulo: abrir no Colab ou baixar daqui mesmo."""

    style = "box-pratique"
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        slug = self.arguments[0]
        path = f"exercises/{slug}/{slug}.ipynb"
        if not (self.env.srcdir / path).is_file():
            raise self.fail(f"não há exercício em {path}; gere-o com `grader release {slug}`.")
        self.env.note_dependency(str(self.env.srcdir / path))
        url = Repository.of(self.config).exercise_on_colab(slug)
        download = addnodes.download_reference(
            "", "", nodes.inline("", "Baixar o caderno"), reftarget=f"/{path}", refdoc=self.env.docname
        )
        buttons = nodes.paragraph("", "", colab_button(url), nodes.Text(" "), download, classes=["buttons"])
        return self.box("Pratique", buttons)


def colab_button(url: str, *classes: str) -> nodes.reference:
    return nodes.reference("", "Abrir no Colab", refuri=url, classes=["colab-button", *classes])


def count_words(document: nodes.document) -> int:
    """Palavras de prosa: sem código, saídas, fórmulas nem referências."""
    skipped = (nodes.literal_block, nodes.math_block, nodes.math, nodes.footnote, nodes.comment)

    def words(node: nodes.Text | nodes.Element) -> int:
        if isinstance(node, nodes.Text):
            return len(re.findall(r"\w+(?:-\w+)*", node))
        if isinstance(node, skipped) or node.get("nb_element") == "mime_bundle":
            return 0
        return sum(words(child) for child in node.children)

    return words(document)


def fill_reading_time(app: Sphinx, document: nodes.document) -> None:
    minutes = round(count_words(document) / WORDS_PER_MINUTE)
    for place in list(document.findall(reading_time)):
        place.replace_self(nodes.Text(f"cerca de {minutes} minutos, fora o código"))


def open_answer(translator: HTML5Translator, node: answer) -> None:
    translator.body.append('<details class="answer"><summary>Resposta</summary>\n')


def close_answer(translator: HTML5Translator, node: answer) -> None:
    translator.body.append("</details>\n")


def setup(app: Sphinx) -> None:
    app.add_node(answer, html=(open_answer, close_answer))
    app.add_directive("ficha", ChapterCard)
    app.add_directive("mito", Myth)
    app.add_directive("convencoes", Conventions)
    app.add_directive("resposta", Answer)
    app.add_directive("pratique", Practice)
    app.connect("doctree-read", fill_reading_time)
