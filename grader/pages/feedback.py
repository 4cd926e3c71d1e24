"""Devolutiva: uma página por estudante, e o zip com que o Moodle as devolve à turma.

Uma verificação oculta mostra o que testa, a dica e, se o erro é do catálogo, a frase dele; as entradas e os
valores (`Record.message`) só aparecem com `reveal`, pois a mesma verificação serve à próxima entrega.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from grader.course import ClassDir
from grader.exercise import Exercise, load_exercise
from grader.files import write_atomically
from grader.grading.gradebook import open_gradebook
from grader.grading.marks import Mark, read_marks
from grader.lms.collect import Manifest
from grader.pages.html import code_cells, latest_records, render
from grader.pages.review import Review, read_reviews
from grader.record import CheckResult, Record
from grader.release import grade_id

STATUS_SENTENCES = {
    "empty": (
        "Nenhuma função foi escrita",
        "O caderno chegou, mas não define nenhuma das funções pedidas. Confira se você enviou o arquivo certo.",
    ),
    "timeout": (
        "O caderno passou do tempo",
        "Alguma célula ou função não terminou a tempo. Procure um laço que não acaba ou contas grandes demais.",
    ),
    "memory": (
        "O caderno passou da memória",
        "Alguma célula ou função pediu memória demais. Confira as formas dos arrays que você cria.",
    ),
    "crashed": (
        "O caderno interrompeu a correção",
        "O processo que executava o seu código terminou antes da hora. Retire chamadas como `exit()` e tente de novo.",
    ),
    "unreadable": (
        "O arquivo não é um caderno que se consiga ler",
        "No Colab, use Arquivo › Fazer download › Baixar o .ipynb, e envie esse arquivo sem editá-lo.",
    ),
    "missing": ("Não há caderno na entrega", "Envie o arquivo .ipynb do exercício."),
}

GENERIC = {
    "failed": "O resultado difere do esperado nas entradas que esta verificação usa.",
    "error": "O seu código parou com um erro nas entradas que esta verificação usa.",
    "timeout": "O seu código não terminou a tempo nas entradas que esta verificação usa.",
    "barred": "O seu código chama uma função que faria o exercício por você.",
}


@dataclass(frozen=True)
class CheckView:
    """Uma verificação como o estudante a vê."""

    result: CheckResult
    explanation: str
    hint: str


@dataclass
class Part:
    """O que a página diz de uma função: verificações, código e revisão de quem corrige."""

    function: str
    checks: list[CheckView]
    code: str
    comments: list[str]
    revised: float | None

    @property
    def points(self) -> float:
        return round(sum(check.result.points for check in self.checks), 6)

    @property
    def automatic(self) -> float:
        return round(sum(check.result.earned for check in self.checks), 6)

    @property
    def score(self) -> float:
        return self.automatic if self.revised is None else self.revised


def write_feedback(classdir: ClassDir, slug: str, reveal: bool = False) -> list[Path]:
    """Escreve a página de cada estudante e o zip para o Moodle; devolve os caminhos das páginas.

    Levanta `GraderError` se nada foi corrigido ainda.
    """
    exercise = load_exercise(slug)
    records = latest_records(classdir, slug)
    with open_gradebook(classdir) as gradebook:
        marks = {mark.student: mark for mark in read_marks(gradebook, classdir, slug)}
        reviews = read_reviews(gradebook, slug)
    received = Manifest.load(classdir.manifest(slug)).root
    pages: dict[str, bytes] = {}
    for student, record in records.items():
        code = code_cells(classdir.autograded(student, slug))
        parts = _parts(exercise, record, code, reviews.get(student, Review()), reveal)
        page = feedback_page(exercise, record, marks[student], parts).encode()
        write_atomically(classdir.feedback(student, slug), page)
        folder = received[student].folder if student in received else None
        pages[f"{folder or student}/{slug}.html"] = page
    write_atomically(classdir.feedback_zip(slug), _zipped(pages))
    return [classdir.feedback(student, slug) for student in records]


def feedback_page(exercise: Exercise, record: Record, mark: Mark, parts: list[Part]) -> str:
    """A página de uma entrega."""
    return render(
        "feedback.html",
        title=exercise.title,
        name=mark.name,
        score=mark.score,
        automatic=record.score,
        max_score=record.max_score,
        status=STATUS_SENTENCES.get(record.status),
        notes=record.notes,
        parts=parts,
    )


def _parts(exercise: Exercise, record: Record, code: list[str], review: Review, reveal: bool) -> list[Part]:
    """Uma parte por função, na ordem do caderno; por último, as verificações que o exercício já não tem."""
    probes = {probe.id: probe for probe in exercise.probes}
    sentences = {mistake.id: mistake.sentence for mistake in exercise.mistakes}
    checks: dict[str, list[CheckView]] = {function: [] for function in [*exercise.functions, ""]}
    for check in record.checks:
        probe = probes.get(check.id)
        explanation = check.message if reveal or not check.hidden else _concealed(check, sentences)
        view = CheckView(
            check, "" if explanation in record.notes else explanation, probe.hint if probe else ""
        )
        checks[probe.function if probe else ""].append(view)
    return [
        Part(
            function,
            views,
            _definition(function, code),
            [review.comments[cell] for cell in (function, grade_id(function)) if cell in review.comments],
            review.points.get(grade_id(function)),
        )
        for function, views in checks.items()
        if function or views
    ]


def _definition(function: str, code: list[str]) -> str:
    """A última célula em que o estudante define a função, mesmo que não compile; vazio se não há."""
    defines = re.compile(rf"^\s*(?:async\s+)?(?:def|class)\s+{re.escape(function)}\b", re.MULTILINE)
    return next((source for source in reversed(code) if function and defines.search(source)), "")


def _concealed(check: CheckResult, sentences: dict[str, str]) -> str:
    """O que se pode dizer de uma verificação oculta sem mostrar entradas nem valores."""
    if check.mistake in sentences:
        return sentences[check.mistake]
    return GENERIC.get(check.status, "")


def _zipped(files: dict[str, bytes]) -> bytes:
    """Zip das páginas, uma pasta por estudante; as mesmas páginas dão os mesmos bytes.

    Ao recebê-lo em “Fazer upload de múltiplos arquivos de feedback”, o Moodle parte o nome de cada pasta nos
    sublinhados e acha o participante pela segunda parte; por isso a pasta é a que ele mesmo nomeou.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)  # a data padrão é fixa: 1º de janeiro de 1980
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
