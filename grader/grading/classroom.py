"""Cria uma turma: um diretório de curso padrão do nbgrader, fora do repositório."""

import shutil
from pathlib import Path

from grader.course import EXERCISES, ROOT, ClassDir, slugs
from grader.errors import GraderError
from grader.exercise import Exercise, load_exercise
from grader.files import write_atomically
from grader.grading.gradebook import open_gradebook, register_exercise
from grader.release import instructor_notebook, serialized

CONFIG = """\
# Configuração do nbgrader desta turma. O `grader` e o `nbgrader` leem este arquivo.
from pathlib import Path

c = get_config()  # noqa: F821

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = {course!r}
# O livro de notas: SQLite nesta pasta, ou PostgreSQL ("postgresql+psycopg://usuario@servidor/banco").
{db_url}

# O que vem dos estudantes nunca é conteúdo ativo nas páginas do nbgrader.
c.HTMLExporter.sanitize_html = True

# `nbgrader export --exporter=grader.lms.export.CsvExporter` também funciona.
"""


def create_class(path: Path, db_url: str | None = None) -> ClassDir:
    """Cria a turma em `path`, que deve estar vazio ou não existir, com todos os exercícios registrados."""
    path = path.resolve()
    if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "_build"):
        raise GraderError(f"Crie a turma fora do repositório do curso: {path} está dentro dele.")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise GraderError(f"{path} já existe e não está vazia. Escolha outra pasta para a turma.")
    existed = path.exists()
    try:
        return _furnish(ClassDir(path), db_url)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        if existed:
            path.mkdir(exist_ok=True)
        raise


def _furnish(classdir: ClassDir, db_url: str | None) -> ClassDir:
    """Põe na pasta a configuração, o livro de notas e os exercícios."""
    chosen = f"c.CourseDirectory.db_url = {db_url!r}" if db_url else "# c.CourseDirectory.db_url = ..."
    write_atomically(classdir.config, CONFIG.format(course=classdir.path.name, db_url=chosen))
    (classdir.path / "submitted").mkdir()
    with open_gradebook(classdir) as gradebook:
        for slug in slugs():
            exercise = load_exercise(slug)
            register_exercise(gradebook, exercise)
            install(exercise, classdir)
    return classdir


def install(exercise: Exercise, classdir: ClassDir) -> None:
    """Copia para a turma o caderno completo (`source/`) e o do estudante (`release/`)."""
    name = f"{exercise.slug}/{exercise.slug}.ipynb"
    write_atomically(classdir.path / "source" / name, serialized(instructor_notebook(exercise)))
    write_atomically(classdir.path / "release" / name, (EXERCISES / name).read_bytes())
