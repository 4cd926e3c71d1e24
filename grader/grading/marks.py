"""A nota que vale de cada estudante, com o que o LMS e a correção dizem dele."""

from dataclasses import dataclass

from nbgrader.api import Gradebook, Notebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import func, select

from grader.course import ClassDir
from grader.lms.collect import Manifest
from grader.record import read_records


@dataclass(frozen=True)
class Mark:
    """A nota de um estudante num exercício; `participant` é o número dele no Moodle."""

    student: str
    name: str
    participant: int | None
    status: str
    score: float
    max_score: float
    checks: dict[str, float]


def read_marks(gradebook: Gradebook, classdir: ClassDir, slug: str) -> list[Mark]:
    """As notas de um exercício por estudante; a do livro de notas vale mais que a do registro."""
    people = Manifest.load(classdir.manifest(slug)).root
    records = {record.student: record for record in read_records(classdir.results(slug))}
    entries = {entry["student"]: entry for entry in gradebook.submission_dicts(slug)}
    penalties = late_penalties(gradebook, slug)
    marks = []
    for student in sorted(records.keys() | entries.keys()):
        entry, record, person = entries.get(student), records.get(student), people.get(student)
        name, score, max_score = student, 0.0, 0.0
        if record:
            score, max_score = record.score, record.max_score
        if entry:
            score = max(0.0, entry["score"] - penalties.get(student, 0.0))
            max_score = entry["max_score"]
            name = " ".join(filter(None, (entry["first_name"], entry["last_name"]))) or name
        marks.append(
            Mark(
                student=student,
                name=person.name if person else name,
                participant=person.participant if person else None,
                status=record.status if record else "",
                score=score,
                max_score=max_score,
                checks={check.id: check.earned for check in record.checks} if record else {},
            )
        )
    return marks


def late_penalties(gradebook: Gradebook, slug: str) -> dict[str, float]:
    """O que o nbgrader desconta por atraso de cada estudante, se a turma usa esse desconto."""
    rows = gradebook.db.execute(
        select(SubmittedAssignment.student_id, func.sum(SubmittedNotebook.late_submission_penalty))
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .where(Notebook.name == slug)
        .group_by(SubmittedAssignment.student_id)
    )
    return {student: penalty or 0.0 for student, penalty in rows}


def graded_exercises(gradebook: Gradebook, classdir: ClassDir) -> list[str]:
    """Os exercícios com alguma nota, no livro de notas ou nos registros."""
    graded = {assignment.name for assignment in gradebook.assignments if assignment.submissions}
    return sorted(graded | {path.stem for path in classdir.results("*").parent.glob("*.jsonl")})
