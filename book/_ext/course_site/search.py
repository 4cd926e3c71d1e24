"""A busca sem acentos: «retropropagacao» e «retropropagações» acham «retropropagação».

O índice e a pergunta passam pela mesma conta; a do navegador está em `course.js`.
"""

import re
import unicodedata

from sphinx.application import Sphinx
from sphinx.search import languages
from sphinx.search.pt import SearchPortuguese

# O radicalizador só conhece as terminações com acento; a quem escreveu sem ele, devolve-se o acento.
ENDINGS = {
    "cao$": "ção", "coes$": "ções", "ao$": "ão", "oes$": "ões",
    "ancia(s?)$": r"ância\1", "encia(s?)$": r"ência\1",
}  # fmt: skip


def unaccented(word: str) -> str:
    letters = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


class UnaccentedPortuguese(SearchPortuguese):
    def stem(self, word: str) -> str:
        plain = unaccented(word)
        for ending, accented in ENDINGS.items():
            if re.search(ending, plain):
                plain = re.sub(ending, accented, plain)
                break
        return unaccented(super().stem(plain))


def setup(app: Sphinx) -> None:
    languages["pt"] = UnaccentedPortuguese
