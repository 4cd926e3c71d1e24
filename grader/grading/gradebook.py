"""O livro de notas do nbgrader: quem guarda as notas. Um só processo escreve nele."""

import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    SolutionCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.utils import parse_utc
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from traitlets.config.loader import PyFileConfigLoader

from grader.course import ClassDir
from grader.errors import GraderError
from grader.exercise import Exercise
from grader.record import Record
from grader.release import grade_id


class Base(DeclarativeBase):
    """As tabelas que são nossas, ao lado das do nbgrader."""


class Stamp(Base):
    """A impressão digital da nota que o livro guarda de uma entrega, gravada na mesma transação que a nota."""

    __tablename__ = "grader_stamp"

    submission: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]


def open_gradebook(classdir: ClassDir) -> Gradebook:
    """Abre o livro de notas da turma, em SQLite ou no endereço que a configuração do nbgrader diz."""
    # O nbgrader chama o programa `alembic` ao criar um livro; ele mora junto do interpretador.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    course = _settings(classdir)
    db_url = classdir.db_url or course.get("db_url") or f"sqlite:///{classdir.path / 'gradebook.db'}"
    try:
        return Gradebook(db_url, course.get("course_id") or "default_course")
    except (SQLAlchemyError, ImportError) as error:
        raise GraderError(
            f"Não consegui abrir o livro de notas da turma: {str(error).splitlines()[0]}"
        ) from error


def _settings(classdir: ClassDir) -> dict[str, Any]:
    """O que a configuração do nbgrader diz da turma: endereço do livro de notas e nome do curso."""
    try:
        config = PyFileConfigLoader(classdir.config.name, str(classdir.path)).load_config()
    except Exception as error:  # é um programa em Python: pode falhar de qualquer jeito
        raise GraderError(f"Não consegui ler {classdir.config}: {type(error).__name__}: {error}") from error
    return config.get("CourseDirectory", {})


def register_exercise(gradebook: Gradebook, exercise: Exercise) -> None:
    """Cria ou atualiza a tarefa, com uma célula de nota e uma de solução por função."""
    Base.metadata.create_all(gradebook.engine)
    gradebook.update_or_create_assignment(exercise.slug)
    gradebook.update_or_create_notebook(exercise.slug, exercise.slug, kernelspec="{}")
    for function in exercise.functions:
        points = round(sum(probe.points for probe in exercise.probes if probe.function == function), 6)
        gradebook.update_or_create_grade_cell(
            grade_id(function), exercise.slug, exercise.slug, max_score=points, cell_type="code"
        )
        gradebook.update_or_create_solution_cell(function, exercise.slug, exercise.slug)
    _retire_cells(gradebook, exercise)


def _retire_cells(gradebook: Gradebook, exercise: Exercise) -> None:
    """Apaga as células de funções que o exercício já não tem, e os pontos que valeram."""
    names = {*exercise.functions, *map(grade_id, exercise.functions)}
    notebook = gradebook.find_notebook(exercise.slug, exercise.slug)
    for cell in (*notebook.grade_cells, *notebook.solution_cells):
        if cell.name not in names:
            gradebook.db.execute(delete(Grade).where(Grade.cell_id == cell.id))
            gradebook.db.execute(delete(Comment).where(Comment.cell_id == cell.id))
            gradebook.db.delete(cell)
    gradebook.db.commit()


class Ledger:
    """Escreve registros de um exercício no livro de notas, um lote por transação.

    Escrever de novo o que já está lá não muda nada; uma entrega nova substitui por inteiro a nota antiga,
    inclusive a dada à mão.
    """

    def __init__(self, gradebook: Gradebook, exercise: Exercise) -> None:
        self.db = gradebook.db
        self.exercise = exercise
        self.notebook = gradebook.find_notebook(exercise.slug, exercise.slug)
        self.grade_cells = {c.name: c for c in self.notebook.grade_cells if isinstance(c, GradeCell)}
        self.solution_cells = {c.name: c for c in self.notebook.solution_cells if isinstance(c, SolutionCell)}

    def write(self, batch: Sequence[tuple[Record, str, str]]) -> None:
        """Grava (registro, hora da entrega, nome do estudante), tudo ou nada."""
        try:
            with self.db.no_autoflush:
                found = self._submitted({record.student: name for record, _, name in batch})
                stamps = self._stamps(found)
                for record, timestamp, _ in batch:
                    submitted = found[record.student]
                    stamp = stamps[submitted.assignment.id]
                    self._write(record, submitted, stamp, moment(timestamp))
            self.db.commit()
        except SQLAlchemyError as error:
            self.db.rollback()
            raise GraderError(
                f"Não consegui gravar no livro de notas: {str(error).splitlines()[0]} "
                "As notas já corrigidas estão em results/; acerte o problema e rode o comando de novo."
            ) from error

    def _write(
        self, record: Record, submitted: SubmittedNotebook, stamp: Stamp, when: datetime.datetime | None
    ) -> None:
        before, stamp.fingerprint = stamp.fingerprint, record.fingerprint
        # A impressão digital começa pela da entrega; sem nenhuma guardada, o que se conhece dela é a hora.
        known = before.partition("-")[0] == record.fingerprint.partition("-")[0]
        new = not known if before else submitted.assignment.timestamp != when
        submitted.assignment.timestamp = when
        grades = {grade.cell_id: grade for grade in submitted.grades}
        comments = {comment.cell_id: comment for comment in submitted.comments}
        for function in self.exercise.functions:
            checks = [c for c in record.checks if self._function(c.id) == function]
            grade = grades[self.grade_cells[grade_id(function)].id]
            grade.auto_score = round(sum(check.earned for check in checks), 6)
            if new:
                grade.manual_score = grade.extra_credit = None
            grade.needs_manual_grade = False
            lost = dict.fromkeys(f"{c.title}: {c.message}" for c in checks if c.status != "passed")
            text = "\n".join(lost).replace("\0", "")  # o PostgreSQL recusa o caractere nulo
            comments[self.solution_cells[function].id].auto_comment = text or None

    def _stamps(self, found: dict[str, SubmittedNotebook]) -> dict[str, Stamp]:
        """Que nota o livro tem de cada entrega; a de uma entrega de que nada se sabe está em branco."""
        ids = [submitted.assignment.id for submitted in found.values()]
        known = self.db.scalars(select(Stamp).where(Stamp.submission.in_(ids)))
        stamps = {stamp.submission: stamp for stamp in known}
        for missing in set(ids) - stamps.keys():
            stamps[missing] = Stamp(submission=missing, fingerprint="")
            self.db.add(stamps[missing])
        return stamps

    def _function(self, check: str) -> str:
        return next((probe.function for probe in self.exercise.probes if probe.id == check), "")

    def _submitted(self, names: dict[str, str]) -> dict[str, SubmittedNotebook]:
        """Por estudante, o caderno entregue; os que ainda não existem são criados, com notas e comentários vazios."""
        rows = self.db.execute(
            select(SubmittedAssignment.student_id, SubmittedNotebook)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .where(
                SubmittedAssignment.student_id.in_(list(names)),
                SubmittedNotebook.notebook_id == self.notebook.id,
            )
        )
        found = dict(map(tuple, rows))
        people = {p.id: p for p in self.db.scalars(select(Student).where(Student.id.in_(list(names))))}
        for student in names.keys() - found.keys():
            person = people.get(student) or self._enrolled(student, names[student])
            found[student] = self._handed_in(person)
        self.db.flush()
        return found

    def _enrolled(self, student: str, name: str) -> Student:
        first, _, last = name.partition(" ")
        person = Student(id=student, first_name=first, last_name=last)
        self.db.add(person)
        return person

    def _handed_in(self, person: Student) -> SubmittedNotebook:
        assignment = SubmittedAssignment(assignment=self.notebook.assignment, student=person)
        submitted = SubmittedNotebook(notebook=self.notebook, assignment=assignment)
        for cell in self.grade_cells.values():
            submitted.grades.append(Grade(cell=cell, notebook=submitted))
        for cell in self.solution_cells.values():
            submitted.comments.append(Comment(cell=cell, notebook=submitted))
        self.db.add(assignment)
        return submitted


def moment(timestamp: str) -> datetime.datetime | None:
    """A hora de uma entrega como o nbgrader a lê: se as dos dois diferem, o formgrader esconde a nota."""
    try:
        return parse_utc(timestamp) if timestamp else None
    except (ValueError, OverflowError, TypeError):
        return None


def stamps(gradebook: Gradebook, slug: str) -> dict[str, str]:
    """Por estudante, a impressão digital da nota que o livro tem para um exercício."""
    rows = gradebook.db.execute(
        select(SubmittedAssignment.student_id, Stamp.fingerprint)
        .join(Stamp, Stamp.submission == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(Assignment.name == slug)
    )
    return {row.student_id: row.fingerprint for row in rows}


def recorded_scores(gradebook: Gradebook, slug: str) -> dict[str, float]:
    """Soma automática de cada estudante que o livro de notas tem para um exercício."""
    rows = gradebook.db.execute(
        select(SubmittedAssignment.student_id, Grade.auto_score)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .where(Notebook.name == slug)
    )
    scores: dict[str, float] = {}
    for student, score in rows:
        scores[student] = scores.get(student, 0.0) + (score or 0.0)
    return scores
