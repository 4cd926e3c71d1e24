"""Executa os capítulos que mudaram todos de uma vez, um por núcleo, antes que o Sphinx os leia um a um.

O que fica no cache é o que o myst-nb procura ao ler a página. Um capítulo que falha não fica nele: o myst-nb o executa
de novo e diz onde foi.
"""

import logging
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from myst_nb.core.read import is_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

READER = {"type": "plugin", "name": "myst_nb_md"}


def execute_chapters(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    pages = [Path(env.doc2path(name)) for name in docnames]
    chapters = [str(page) for page in pages if is_myst_markdown_notebook(page.read_text("utf-8"))]
    if len(chapters) < 2:
        return
    cache = get_cache(str(Path(app.outdir).parent / ".jupyter_cache"))
    for chapter in chapters:
        cache.add_nb_to_project(chapter, read_data=READER)
    logger = logging.getLogger("course_site.execution")
    logger.setLevel(logging.ERROR)
    load_executor("local-parallel", cache, logger).run_and_cache(
        filter_uris=chapters, timeout=app.config.nb_execution_timeout
    )


def setup(app: Sphinx) -> None:
    app.connect("env-before-read-docs", execute_chapters)
