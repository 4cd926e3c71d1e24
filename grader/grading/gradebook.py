"""O livro de notas do nbgrader: quem guarda as notas. Um só processo escreve nele."""

import datetime
import os
import sys
from collections.abc import Iterable
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

    def write(self, batch: Iterable[tuple[Record, str, str]]) -> None:
        """Grava (registro, hora da entrega, nome do estudante), tudo ou nada."""
        try:
            for record, timestamp, name in batch:
                self._write(record, moment(timestamp), name)
            self.db.commit()
        except SQLAlchemyError as error:
            self.db.rollback()
            raise GraderError(
                f"Não consegui gravar no livro de notas: {str(error).splitlines()[0]} "
                "As notas já corrigidas estão em results/; acerte o problema e rode o comando de novo."
            ) from error

    def _write(self, record: Record, when: datetime.datetime | None, name: str) -> None:
        submitted = self._submitted(record.student, when, name)
        new = self._stamp(submitted.assignment, record.fingerprint, when)
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

    def _stamp(
        self, assignment: SubmittedAssignment, fingerprint: str, when: datetime.datetime | None
    ) -> bool:
        """Registra que nota o livro passa a ter; True se é de uma entrega que ele ainda não conhecia."""
        stamp = self.db.get(Stamp, assignment.id)
        if stamp is None:
            self.db.add(Stamp(submission=assignment.id, fingerprint=fingerprint))
            return assignment.timestamp != when
        before, stamp.fingerprint = stamp.fingerprint, fingerprint
        return before.partition("-")[0] != fingerprint.partition("-")[0]

    def _function(self, check: str) -> str:
        return next((probe.function for probe in self.exercise.probes if probe.id == check), "")

    def _submitted(self, student: str, when: datetime.datetime | None, name: str) -> SubmittedNotebook:
        """O caderno entregue, criado com notas e comentários vazios se ainda não existe."""
        found = self.db.scalar(
            select(SubmittedNotebook)
            .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .where(
                SubmittedAssignment.student_id == student, SubmittedNotebook.notebook_id == self.notebook.id
            )
        )
        if found is not None:
            return found
        person = self.db.get(Student, student)
        if person is None:
            first, _, last = name.partition(" ")
            person = Student(id=student, first_name=first, last_name=last)
            self.db.add(person)
        assignment = SubmittedAssignment(assignment=self.notebook.assignment, student=person, timestamp=when)
        submitted = SubmittedNotebook(notebook=self.notebook, assignment=assignment)
        for cell in self.grade_cells.values():
            submitted.grades.append(Grade(cell=cell, notebook=submitted))
        for cell in self.solution_cells.values():
            submitted.comments.append(Comment(cell=cell, notebook=submitted))
        self.db.add(assignment)
        self.db.flush()
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
