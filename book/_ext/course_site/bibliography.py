"""Referências em português: o formato da lista e o das citações no texto."""

from dataclasses import dataclass, field

from pybtex.database import Entry
from pybtex.plugin import register_plugin as register_pybtex_plugin
from pybtex.style.formatting import BaseStyle, toplevel
from pybtex.style.formatting.unsrt import pages
from pybtex.style.template import Node, href, join, names, optional, sentence, tag, words
from pybtex.style.template import field as entry_field
from sphinx.application import Sphinx
from sphinxcontrib.bibtex.plugin import register_plugin as register_reference_plugin
from sphinxcontrib.bibtex.style.referencing import PersonStyle
from sphinxcontrib.bibtex.style.referencing.basic_foot import BasicFootTextualReferenceStyle
from sphinxcontrib.bibtex.style.referencing.foot import FootReferenceStyle
from sphinxcontrib.bibtex.style.template import footnote_reference, year

VENUES = ("journal", "booktitle", "publisher")


class PortugueseStyle(BaseStyle):
    """Autores. Título. *Onde saiu*, volume(número), p. páginas, ano. Ligação."""

    default_sorting_style = "author_year_title"

    def _template(self, entry: Entry) -> Node:
        return toplevel[
            sentence[names("author", sep=", ", sep2=" e ", last_sep=" e ")],
            sentence[entry_field("title")],
            sentence(sep=", ")[
                tag("em")[entry_field(next(kind for kind in VENUES if kind in entry.fields))],
                optional[join["v. ", entry_field("volume"), optional["(", entry_field("number"), ")"]]],
                optional[words["p.", pages]],
                entry_field("year"),
            ],
            sentence[href[entry_field("url", raw=True), entry_field("url", raw=True)]],
        ]

    get_article_template = _template
    get_inproceedings_template = _template
    get_book_template = _template


@dataclass
class TextualStyle(BasicFootTextualReferenceStyle):
    """«Autores (ano)» seguido da chamada da nota."""

    def inner(self, role_name: str) -> Node:
        return join[
            self.person.author_or_editor_or_title(full="s" in role_name), " (", year, ")", footnote_reference
        ]


def _persons() -> PersonStyle:
    return PersonStyle(sep2=" e ", last_sep=" e ")


@dataclass
class PortugueseFootStyle(FootReferenceStyle):
    person: PersonStyle = field(default_factory=_persons)

    def __post_init__(self) -> None:
        super().__post_init__()
        textual = TextualStyle(person=self.person)
        self.role_style.update(dict.fromkeys(textual.role_names(), textual))


def setup(app: Sphinx) -> None:
    register_pybtex_plugin("pybtex.style.formatting", "portugues", PortugueseStyle)
    register_reference_plugin("sphinxcontrib.bibtex.style.referencing", "portugues", PortugueseFootStyle)
