"""O que quem corrige escreveu à mão no livro de notas do nbgrader: pontos revistos e comentários."""

from collections import defaultdict
from dataclasses import dataclass, field

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import or_
from sqlalchemy.orm import Query


@dataclass
class Review:
    """Revisão de uma entrega, por célula do caderno: pontos que substituem os automáticos e comentários."""

    points: dict[str, float] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


def read_reviews(gradebook: Gradebook, slug: str) -> dict[str, Review]:
    """As revisões de um exercício, por estudante; só quem tem alguma."""
    found: dict[str, Review] = defaultdict(Review)
    by_hand = or_(Grade.manual_score.is_not(None), Grade.extra_credit.is_not(None))
    for student, cell, score in _of_cells(gradebook, slug, Grade).filter(by_hand).add_columns(Grade.score):
        found[student].points[cell] = score
    comments = _of_cells(gradebook, slug, Comment).add_columns(Comment.manual_comment)
    for student, cell, text in comments.filter(Comment.manual_comment != ""):
        found[student].comments[cell] = text
    return dict(found)


def _of_cells(gradebook: Gradebook, slug: str, what: type[Grade] | type[Comment]) -> Query:
    """Consulta (estudante, célula) a que se acrescentam colunas de `what`."""
    return (
        gradebook.db.query(SubmittedAssignment.student_id, BaseCell.name)
        .select_from(what)
        .join(BaseCell, what.cell_id == BaseCell.id)
        .join(SubmittedNotebook, what.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .filter(Assignment.name == slug)
    )
