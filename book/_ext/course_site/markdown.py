"""Da árvore de um capítulo, já resolvida, ao CommonMark com `$…$` que o Colab sabe mostrar.

O Colab não conhece MyST. Partir da árvore, e não do texto, traz prontos os números de equações e de
figuras, as citações e os destinos dos links.
"""

import re
from textwrap import indent
from urllib.parse import urljoin

from docutils import nodes
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.errors import ExtensionError

from course_site.boxes import answer
from course_site.interactive import interactive

SPECIAL = re.compile(r"([\\`*_\[\]<>$])")


class MarkdownRenderer:
    """Um método por tipo de nó; um tipo desconhecido interrompe a construção em vez de sumir."""

    def __init__(self, builder: StandaloneHTMLBuilder, docname: str, site: str) -> None:
        self.builder = builder
        self.site = site
        self.page = urljoin(site, builder.get_target_uri(docname))

    def render(self, node: nodes.Node) -> str:
        for kind in type(node).__mro__:
            method = getattr(self, f"_{kind.__name__}", None)
            if method:
                return method(node)
        raise ExtensionError(
            f"{node.source}, linha {node.line}: o caderno do Colab não sabe escrever um nó "
            f"«{type(node).__name__}»; ensine-o em book/_ext/course_site/markdown.py."
        )

    def blocks(self, node: nodes.Element) -> str:
        return "\n\n".join(filter(None, map(self.render, node.children)))

    def inline(self, node: nodes.Element) -> str:
        return "".join(map(self.render, node.children))

    def number(self, kind: str, node: nodes.Element) -> str:
        return ".".join(map(str, self.builder.fignumbers[kind][node["ids"][0]]))

    # Texto corrido

    def _Text(self, node: nodes.Text) -> str:
        return SPECIAL.sub(r"\\\1", node.astext())

    def _emphasis(self, node: nodes.Element) -> str:
        return f"*{self.inline(node)}*"

    def _strong(self, node: nodes.Element) -> str:
        return f"**{self.inline(node)}**"

    def _literal(self, node: nodes.Element) -> str:
        return f"`{node.astext()}`"

    def _math(self, node: nodes.Element) -> str:
        return f"${' '.join(node.astext().split())}$"

    def _inline(self, node: nodes.Element) -> str:
        return self.inline(node)

    def _reference(self, node: nodes.Element) -> str:
        text, target = self.inline(node), node.get("refuri", "")
        if "colab-page" in node["classes"]:
            return ""  # o leitor já está no Colab
        if not target or target.startswith("#"):
            return text
        return f"[{text}]({urljoin(self.page, target)})"

    def _download_reference(self, node: nodes.Element) -> str:
        return f"[{self.inline(node)}]({self.site}_downloads/{node['filename']})"

    def _footnote_reference(self, node: nodes.Element) -> str:
        return rf" \[{node.astext()}\]"

    def _image(self, node: nodes.Element) -> str:
        return f"![{node.get('alt', '')}]({self.site}_images/{self.builder.images[node['uri']]})"

    # Blocos

    def _paragraph(self, node: nodes.Element) -> str:
        return re.sub(" {2,}", " ", self.inline(node)).strip()

    def _math_block(self, node: nodes.Element) -> str:
        tag = rf" \tag{{{self.number('displaymath', node)}}}" if node.get("label") else ""
        return f"$$\n{node.astext().strip()}{tag}\n$$"

    def _literal_block(self, node: nodes.Element) -> str:
        return f"```{node.get('language', '')}\n{node.astext()}\n```"

    def _bullet_list(self, node: nodes.Element) -> str:
        return self._items(node, ["- "] * len(node))

    def _enumerated_list(self, node: nodes.Element) -> str:
        first = node.get("start", 1)
        return self._items(node, [f"{number}. " for number in range(first, first + len(node))])

    def _items(self, node: nodes.Element, marks: list[str]) -> str:
        items = [
            mark + indent(self.blocks(item), " " * len(mark)).lstrip()
            for mark, item in zip(marks, node.children, strict=True)
        ]
        return ("\n\n" if any("\n\n" in item for item in items) else "\n").join(items)

    def _block_quote(self, node: nodes.Element) -> str:
        return indent(self.blocks(node), "> ", lambda line: True)

    def _admonition(self, node: nodes.Element) -> str:
        title, *rest = node.children
        body = "\n\n".join(filter(None, map(self.render, rest)))
        return indent(f"**{self.inline(title)}**\n\n{body}", "> ", lambda line: True)

    def _answer(self, node: answer) -> str:
        return f"<details><summary>Resposta</summary>\n\n{self.blocks(node)}\n\n</details>"

    def _interactive(self, node: interactive) -> str:
        return f"*Na [página do curso]({self.page}#{node['figure']}), esta figura é interativa.*"

    def _container(self, node: nodes.Element) -> str:
        return self.blocks(node)

    def _footnote(self, node: nodes.Element) -> str:
        label, *rest = node.children
        return rf"\[{label.astext()}\] " + "\n\n".join(map(self.render, rest))

    def _figure(self, node: nodes.Element) -> str:
        return self.blocks(node)

    def _caption(self, node: nodes.Element) -> str:
        name = self.builder.config.numfig_format["figure"] % self.number("figure", node.parent)
        return f"**{name}.** {self.inline(node)}"

    def _table(self, node: nodes.Element) -> str:
        rows = [[self.inline_blocks(entry) for entry in row.children] for row in node.findall(nodes.row)]
        rows.insert(1, ["---"] * len(rows[0]))
        return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)

    def inline_blocks(self, node: nodes.Element) -> str:
        return self.blocks(node).replace("\n", " ").replace("|", r"\|")

    def _nothing(self, node: nodes.Node) -> str:
        return ""

    _comment = _target = _index = _substitution_definition = _nothing
