"""O que o site do curso acrescenta ao Jupyter Book: português, caixas, matemática local e Colab."""

from sphinx.application import Sphinx

from course_site import bibliography, boxes, colab, interface, offline_math


def setup(app: Sphinx) -> dict[str, bool]:
    for part in (interface, offline_math, bibliography, boxes, colab):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
