"""Onde cada coisa está: o repositório do curso e a pasta de uma turma."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.errors import NotAClass, UnknownExercise

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS = ROOT / "solutions"
EXERCISES = ROOT / "exercises"


def slugs() -> list[str]:
    """Nomes de todos os exercícios, em ordem alfabética."""
    return sorted(path.parent.name for path in SOLUTIONS.glob("*/*.py") if path.stem == path.parent.name)


def known_slug(slug: str) -> str:
    """Devolve `slug` se o exercício existe; senão levanta `UnknownExercise`."""
    if slug not in slugs():
        raise UnknownExercise(f"Não existe o exercício “{slug}”. Os que existem: {', '.join(slugs())}.")
    return slug


@dataclass(frozen=True)
class ClassDir:
    """Pasta de uma turma: um diretório de curso padrão do nbgrader, fora do repositório."""

    path: Path
    db_url: str | None = None
    """Endereço do livro de notas, se diferente do que está em `nbgrader_config.py`."""

    @classmethod
    def open(cls, path: Path, db_url: str | None = None) -> "ClassDir":
        """Abre uma turma existente; levanta `NotAClass` se a pasta não foi criada por `grader init`."""
        if not path.exists():
            raise NotAClass(f"A pasta {path} não existe. Crie a turma com: grader init {path}")
        if not (path / "nbgrader_config.py").is_file():
            raise NotAClass(
                f"{path} não é uma turma: falta nbgrader_config.py. Crie uma com: grader init {path}"
            )
        return cls(path.resolve(), db_url)

    @property
    def config(self) -> Path:
        return self.path / "nbgrader_config.py"

    def submitted(self, student: str, slug: str) -> Path:
        return self.path / "submitted" / student / slug

    def submissions(self, slug: str) -> Iterator[tuple[str, Path]]:
        """Pares (estudante, pasta da entrega), em ordem alfabética, um a um."""
        root = self.path / "submitted"
        if not root.is_dir():
            return
        for student in sorted(entry.name for entry in root.iterdir()):
            folder = root / student / slug
            if not student.startswith(".") and os.path.lexists(folder):
                yield _readable(student), folder

    def autograded(self, student: str, slug: str) -> Path:
        return self.path / "autograded" / student / slug / f"{slug}.ipynb"

    def feedback(self, student: str, slug: str) -> Path:
        return self.path / "feedback" / student / slug / f"{slug}.html"

    def feedback_zip(self, slug: str) -> Path:
        return self.path / "feedback" / f"{slug}.zip"

    def results(self, slug: str) -> Path:
        return self.path / "results" / f"{slug}.jsonl"

    def seed(self, slug: str) -> Path:
        """Semente secreta da correção, sorteada na primeira vez e mantida para todos."""
        return self.path / "results" / f"{slug}.seed"

    def manifest(self, slug: str) -> Path:
        """O que `collect` recebeu: por estudante, nome, identificador e pasta dados pelo Moodle."""
        return self.path / "downloaded" / slug / "manifest.json"

    def report(self, slug: str) -> Path:
        return self.path / "reports" / f"{slug}.html"


def _readable(student: str) -> str:
    """O nome, se é UTF-8: sem isso não há como escrevê-lo nos registros."""
    try:
        student.encode()
    except UnicodeEncodeError:
        raise NotAClass(
            f"Em submitted/ há uma pasta cujo nome não é UTF-8: {student!a}. Renomeie-a."
        ) from None
    return student


def is_student_id(name: str) -> bool:
    """Um identificador de estudante que serve de nome de pasta em qualquer sistema."""
    return re.fullmatch(r"[\w.@-]+", name) is not None and not name.startswith(".")
