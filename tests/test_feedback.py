"""A devolutiva: diz o que importa, não revela o que é oculto e não executa nada do que o estudante escreveu."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook
from playwright.sync_api import Browser

from grader.course import ClassDir
from grader.errors import GraderError
from grader.exercise import Exercise, load_exercise
from grader.grading.gradebook import Ledger, open_gradebook, register_exercise
from grader.pages.feedback import write_feedback
from grader.pages.html import TEXT_LIMIT
from grader.record import Record
from tests.browser import chromium
from tests.graded import HOSTILE, SLUG, active_elements, check, empty_class, graded, visit, write_class

VISIBLE, HIDDEN = "backward_values", "backward_intact"
CODE = "def dropout_backward(dout, mask):\n    return dout + mask\n"


@pytest.fixture(scope="module")
def dropout() -> Exercise:
    return load_exercise(SLUG)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> ClassDir:
    """Turma vazia com o livro de notas criado, para copiar."""
    classdir = empty_class(tmp_path_factory.mktemp("modelo") / "turma")
    open_gradebook(classdir).close()
    return classdir


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def page_of(classdir: ClassDir, student: str = "ana") -> BeautifulSoup:
    return BeautifulSoup(classdir.feedback(student, SLUG).read_text(encoding="utf-8"), "html.parser")


def hostile_class(template: ClassDir, path: Path, dropout: Exercise, text: str) -> ClassDir:
    """Um estudante que pôs `text` em tudo o que a página mostra dele."""
    results = [
        check(dropout, VISIBLE, "error", message=text, title=text),
        check(dropout, HIDDEN, "failed", message=text, title=text),
        check(dropout, "mc_moments", "barred", message=text),
    ]
    notebook = {"ana": [f"{CODE}# {text}\n"]}
    people = {"ana": {"name": text, "participant": 7, "folder": "Ana_7_assignsubmission_file_"}}
    return write_class(template, path, [graded(dropout, "ana", *results, notes=[text])], notebook, people)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_the_submission_is_active(
    text: str, template: ClassDir, tmp_path: Path, dropout: Exercise, browser: Browser
) -> None:
    classdir = hostile_class(template, tmp_path / "turma", dropout, text)
    (path,) = write_feedback(classdir, SLUG, reveal=True)
    page, attempts = visit(browser, path)
    assert attempts == []
    assert active_elements(page) == 0
    page.close()


def test_hostile_text_is_shown_as_it_was_written(
    template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    classdir = hostile_class(template, tmp_path / "turma", dropout, HOSTILE[0])
    write_feedback(classdir, SLUG)
    page = page_of(classdir)
    assert page.find("bdi").text == HOSTILE[0]
    assert HOSTILE[0] in page.find("pre").text


def test_invisible_characters_appear_by_code(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    classdir = hostile_class(template, tmp_path / "turma", dropout, HOSTILE[-1])
    write_feedback(classdir, SLUG)
    html = classdir.feedback("ana", SLUG).read_text(encoding="utf-8")
    assert not re.search(
        "[\x00-\x08\x0e-\x1f\x7f\u200b\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]", html
    )
    assert "⟨U+202E⟩" in html


def test_page_is_self_contained(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    classdir = write_class(template, tmp_path / "turma", [graded(dropout, "ana")], {"ana": [CODE]})
    write_feedback(classdir, SLUG)
    html = classdir.feedback("ana", SLUG).read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert not re.search(r"https?:|url\(|@import|<link|<script|\bsrc=", html)


def test_long_name_and_code_fit_a_phone(
    template: ClassDir, tmp_path: Path, dropout: Exercise, browser: Browser
) -> None:
    people = {"ana": {"name": "x" * 180}}
    record = graded(dropout, "ana", check(dropout, VISIBLE, "failed", message="y" * 400))
    classdir = write_class(template, tmp_path / "turma", [record], {"ana": [f"{CODE}# {'z' * 400}"]}, people)
    page, _ = visit(browser, write_feedback(classdir, SLUG)[0], width=390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()


def feedback_text(template: ClassDir, path: Path, record: Record, reveal: bool = False) -> str:
    classdir = write_class(template, path, [record], {"ana": [CODE]})
    write_feedback(classdir, SLUG, reveal)
    return " ".join(page_of(classdir).text.split())


def test_visible_check_shows_its_message(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    record = graded(dropout, "ana", check(dropout, VISIBLE, "failed", message="dx: esperava 0.123 e veio 4"))
    assert "dx: esperava 0.123 e veio 4" in feedback_text(template, tmp_path / "turma", record)


@pytest.mark.parametrize("status", ["failed", "error", "not_defined", "timeout", "barred"])
def test_hidden_check_never_shows_values(
    status: str, template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    record = graded(dropout, "ana", check(dropout, HIDDEN, status, message="dx: esperava 0.123 e veio 4"))
    text = feedback_text(template, tmp_path / "turma", record)
    assert "0.123" not in text
    assert next(probe.hint for probe in dropout.probes if probe.id == HIDDEN) in text


def test_reveal_shows_the_message_of_a_hidden_check(
    template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    record = graded(dropout, "ana", check(dropout, HIDDEN, "failed", message="dx: esperava 0.123 e veio 4"))
    assert "dx: esperava 0.123 e veio 4" in feedback_text(template, tmp_path / "turma", record, reveal=True)


def test_hidden_check_names_a_known_mistake(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    mistake = next(m for m in dropout.mistakes if m.function == "dropout_backward" and "`" not in m.sentence)
    record = graded(dropout, "ana", check(dropout, HIDDEN, "failed", mistake=mistake.id, message="segredo"))
    assert mistake.sentence in feedback_text(template, tmp_path / "turma", record)


def test_every_check_shows_title_points_and_status(
    template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    text = feedback_text(
        template, tmp_path / "turma", graded(dropout, "ana", check(dropout, VISIBLE, "timeout"))
    )
    assert [probe.title for probe in dropout.probes if probe.title not in text] == []
    worth = next(probe.points for probe in dropout.probes if probe.id == VISIBLE)
    assert f"0 de {worth:g} tempo esgotado".replace(".", ",") in text


def test_checks_are_grouped_by_function_in_order(
    template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    classdir = write_class(template, tmp_path / "turma", [graded(dropout, "ana")])
    write_feedback(classdir, SLUG)
    assert [heading.text for heading in page_of(classdir).select("section h2")] == dropout.functions


@pytest.mark.parametrize("status", ["empty", "timeout", "memory", "crashed", "unreadable", "missing"])
def test_unusual_status_is_explained(
    status: str, template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    classdir = write_class(template, tmp_path / "turma", [graded(dropout, "ana", status=status)])
    write_feedback(classdir, SLUG)
    assert page_of(classdir).select_one(".alert p") is not None


def test_code_is_shown_even_when_it_does_not_compile(
    template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    broken = "def dropout_backward(dout, mask)\n    return dout\n"
    classdir = write_class(template, tmp_path / "turma", [graded(dropout, "ana")], {"ana": [CODE, broken]})
    write_feedback(classdir, SLUG)
    assert page_of(classdir).find("pre").text == broken


def test_code_of_any_size_is_cut(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    classdir = write_class(
        template, tmp_path / "turma", [graded(dropout, "ana")], {"ana": [CODE + "#" * 10**6]}
    )
    write_feedback(classdir, SLUG)
    assert len(page_of(classdir).find("pre").text) < TEXT_LIMIT + 100


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b'{"cells": [1]}', b'{"cells": [{"cell_type": "code"}]}']
)
def test_page_exists_without_a_readable_notebook(
    content: bytes | None, template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    classdir = write_class(template, tmp_path / "turma", [graded(dropout, "ana")], {"ana": [CODE]})
    if content is None:
        shutil.rmtree(classdir.path / "autograded")
    else:
        classdir.autograded("ana", SLUG).write_bytes(content)
    write_feedback(classdir, SLUG)
    assert page_of(classdir).find("pre") is None


def test_last_record_of_a_student_counts(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    worse = graded(dropout, "ana", check(dropout, VISIBLE, "failed"))
    classdir = write_class(template, tmp_path / "turma", [worse, graded(dropout, "ana")])
    write_feedback(classdir, SLUG)
    assert page_of(classdir).select_one(".score").text == "10 de 10"


def test_truncated_record_is_ignored(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    classdir = write_class(template, tmp_path / "turma", [graded(dropout, "ana"), graded(dropout, "bruno")])
    whole = classdir.results(SLUG).read_bytes()
    classdir.results(SLUG).write_bytes(whole[: len(whole) // 2 + 100])
    assert [path.parent.parent.name for path in write_feedback(classdir, SLUG)] == ["ana"]


def test_without_results_it_says_what_to_do(template: ClassDir) -> None:
    with pytest.raises(GraderError, match="grader autograde"):
        write_feedback(template, SLUG)


def revise(gradebook: Gradebook, student: str) -> None:
    submission = gradebook.find_submission_notebook(SLUG, SLUG, student)
    next(grade for grade in submission.grades if grade.name == "check_dropout_backward").manual_score = 0.5
    next(
        note for note in submission.comments if note.name == "dropout_backward"
    ).manual_comment = "<b>Fale</b> comigo."
    gradebook.db.commit()


def test_review_in_the_gradebook_is_shown_and_counts(
    template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    record = graded(dropout, "ana")
    classdir = write_class(template, tmp_path / "turma", [record])
    with open_gradebook(classdir) as gradebook:
        register_exercise(gradebook, dropout)
        Ledger(gradebook, dropout).write([(record, 0.0, "Ana")])
        revise(gradebook, "ana")
    write_feedback(classdir, SLUG)
    page = page_of(classdir)
    assert page.select_one(".score").text == "9 de 10"
    assert "Pontos revistos: 0,5 em vez de 1,5." in page.select_one(".review").text
    assert "<b>Fale</b> comigo." in page.select_one(".review").text


def moodle_match(path: str) -> tuple[str, str] | None:
    """(participante, nome do arquivo) que a importação do Moodle lê em um caminho do zip, ou None.

    Segue mod/assign/feedback/file/importziplib.php: cada parte do caminho é partida nos sublinhados, em até
    cinco; a segunda deve ser o número do participante, e a terceira e a quarta, o tipo e o nome do plugin.
    """
    parts = path.split("/")
    while parts:
        pieces = parts.pop(0).split("_", 4)
        if len(pieces) >= 4 and pieces[1].isdigit() and pieces[2:4] == ["assignsubmission", "file"]:
            return pieces[1], "/".join([*pieces[4:], *parts]).lstrip("/")
    return None


@pytest.mark.parametrize(
    "folder", ["Ana D'Ávila_41_assignsubmission_file_", "Ana D'Ávila_41_assignsubmission_file"]
)
def test_zip_is_what_moodle_takes_back(
    folder: str, template: ClassDir, tmp_path: Path, dropout: Exercise
) -> None:
    people = {"ana": {"name": "Ana D'Ávila", "participant": 41, "folder": folder}, "bruno": {"name": "Bruno"}}
    records = [graded(dropout, "ana"), graded(dropout, "bruno")]
    classdir = write_class(template, tmp_path / "turma", records, people=people)
    write_feedback(classdir, SLUG)
    with zipfile.ZipFile(classdir.feedback_zip(SLUG)) as archive:
        names = archive.namelist()
        assert archive.read(names[0]) == classdir.feedback("ana", SLUG).read_bytes()
    assert names == [f"{folder}/{SLUG}.html", f"bruno/{SLUG}.html"]
    assert moodle_match(f"/import/{names[0]}") == ("41", f"{SLUG}.html")


def test_same_marks_give_the_same_bytes(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    records = [graded(dropout, "bruno"), graded(dropout, "ana", check(dropout, VISIBLE, "failed"))]
    first = write_class(template, tmp_path / "a", records)
    second = write_class(template, tmp_path / "b", records[::-1])
    for classdir in (first, second):
        write_feedback(classdir, SLUG)
    assert first.feedback_zip(SLUG).read_bytes() == second.feedback_zip(SLUG).read_bytes()


def test_manifest_is_not_needed(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    classdir = write_class(template, tmp_path / "turma", [graded(dropout, "ana")])
    write_feedback(classdir, SLUG)
    assert page_of(classdir).find("bdi").text == "ana"
