"""A parte pura: uma entrega entra, um registro sai. Não conhece turma nem livro de notas."""

import hashlib
import time
from collections.abc import Iterable
from functools import cached_property

from grader.cells import defined_names, role
from grader.checker import runtime
from grader.checker.runtime import Answer, Finding
from grader.exercise import Exercise
from grader.grading.submission import Submission
from grader.isolation import Examination, Examiner
from grader.record import CheckResult, CheckStatus, Record, SubmissionStatus
from grader.release import student_notebook

SEVERITY: tuple[SubmissionStatus, ...] = ("crashed", "memory", "timeout")


class Marker:
    """O juiz de um exercício para uma semente: gabarito calculado uma vez, comparado muitas."""

    def __init__(self, exercise: Exercise, seed: int) -> None:
        self.exercise = exercise
        self.seed = seed
        self.sentences = {mistake.id: mistake.sentence for mistake in exercise.mistakes}
        self.engine = hashlib.sha256(f"{exercise.digest} {seed}".encode()).hexdigest()[:16]

    @cached_property
    def answers(self) -> dict[str, Answer]:
        """Gabarito de cada sonda."""
        return self.exercise.answers(self.seed)

    @cached_property
    def inert(self) -> set[str]:
        """Células do caderno dos estudantes que nada definem: preparação, verificações, experimento, resumo."""
        released = [cell.source for cell in student_notebook(self.exercise).cells if cell.cell_type == "code"]
        return {source.strip() for source in released if role(source) in ("checker", "probes")}

    def prepare(self) -> None:
        """Calcula já o que é comum a todas as entregas."""
        _ = self.answers, self.inert

    def fingerprint(self, submission: Submission) -> str:
        """Muda quando muda a entrega, o exercício ou a semente: a nota guardada deixa de valer."""
        state = submission.digest or submission.problem
        return f"{hashlib.sha256(state.encode()).hexdigest()[:16]}-{self.engine}"

    def cells(self, submission: Submission) -> list[tuple[int, str]]:
        """Células a executar: as de código, menos as que só verificam, experimentam ou resumem."""
        return [(i, source) for i, source in submission.code if source.strip() not in self.inert]

    def grade(self, submission: Submission, examiner: Examiner) -> Record:
        """Corrige uma entrega."""
        started = time.perf_counter()
        if submission.problem:
            return self._without_cells(submission, started)
        ids = [probe.id for probe in self.exercise.probes]
        examination = examiner.examine(self.cells(submission), ids, self.seed)
        findings = runtime.judge(self.exercise.probes, self.answers, examination.outcomes, self.seed)
        return self._record(
            submission,
            _status(findings, examination),
            map(self._result, findings),
            started,
            cell_notes(examination),
        )

    def _result(self, finding: Finding) -> CheckResult:
        probe = finding.probe
        return CheckResult(
            id=probe.id,
            title=probe.title,
            points=probe.points,
            earned=finding.earned,
            hidden=probe.hidden,
            status=check_status(finding.status),
            mistake=finding.mistake,
            message=""
            if finding.status == "passed"
            else self.sentences.get(finding.mistake or "", finding.message),
        )

    def _without_cells(self, submission: Submission, started: float) -> Record:
        """Registro de uma entrega que não pôde ser lida: zero em tudo, com o motivo."""
        findings = [Finding(probe, "not_defined", submission.problem) for probe in self.exercise.probes]
        note = f"{submission.problem[0].upper()}{submission.problem[1:]}."
        status: SubmissionStatus = "missing" if submission.status == "missing" else "unreadable"
        return self._record(submission, status, map(self._result, findings), started, [note])

    def _record(
        self,
        submission: Submission,
        status: SubmissionStatus,
        checks: Iterable[CheckResult],
        started: float,
        notes: list[str],
    ) -> Record:
        results = list(checks)
        return Record(
            student=submission.student,
            exercise=self.exercise.slug,
            status=status,
            score=round(sum(check.earned for check in results), 6),
            max_score=self.exercise.max_score,
            seconds=round(time.perf_counter() - started, 4),
            checks=results,
            notes=[*submission.notes, *notes],
            fingerprint=self.fingerprint(submission),
        )


def check_status(status: str) -> CheckStatus:
    """Situação de uma verificação no vocabulário dos registros."""
    known: dict[str, CheckStatus] = {
        "passed": "passed",
        "failed": "failed",
        "not_defined": "not_defined",
        "timeout": "timeout",
        "barred": "barred",
    }
    return known.get(status, "error")


def _status(findings: list[Finding], examination: Examination) -> SubmissionStatus:
    """O pior que aconteceu à entrega; "empty" se nada foi escrito."""
    for status in SEVERITY:
        if status in examination.incidents:
            return status
    return "empty" if all(f.status == "not_defined" for f in findings) else "graded"


def cell_notes(examination: Examination) -> list[str]:
    """Uma frase por célula que parou no meio."""
    return [f"A célula {index + 1} parou: {why}" for index, why in sorted(examination.cell_notes.items())][
        :50
    ]


def solution_sources(submission: Submission, exercise: Exercise) -> dict[str, str]:
    """Por função, o texto da última célula do estudante que a define."""
    return {
        name: cell.source
        for cell in submission.cells
        if cell.kind == "code"
        for name in defined_names(cell.source)
        if name in exercise.functions
    }
