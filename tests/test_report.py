"""O relatório: números certos, uma página só, nada ativo, e motivos claros para olhar de perto."""

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from grader.course import ClassDir
from grader.errors import GraderError
from grader.exercise import Exercise, load_exercise
from grader.grading.gradebook import Ledger, open_gradebook, register_exercise
from grader.pages.concerns import concerns
from grader.pages.report import write_report
from grader.record import CheckResult, Record
from tests.browser import chromium
from tests.graded import HOSTILE, SLUG, active_elements, check, empty_class, graded, visit, write_class
from tests.independent import disguised, independent

STATUSES = ["passed", "failed", "error", "not_defined", "timeout", "barred"]


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


def random_record(exercise: Exercise, student: str, rng: random.Random) -> Record:
    """Registro sorteado, com erros do catálogo."""
    changed: list[CheckResult] = []
    for probe in exercise.probes:
        status = rng.choices(STATUSES, [60, 20, 8, 8, 2, 2])[0]
        mistakes = [mistake.id for mistake in exercise.mistakes if mistake.function == probe.function]
        mistake = rng.choice(mistakes) if status == "failed" and rng.random() < 0.8 else None
        changed.append(check(exercise, probe.id, status, mistake=mistake, message=f"{probe.id}: {status}"))
    return graded(exercise, student, *changed, seconds=rng.uniform(0.1, 3))


def simulated(
    template: ClassDir, path: Path, exercise: Exercise, size: int, text: str = "", people: bool = True
) -> ClassDir:
    """Turma de `size` estudantes em que `text` aparece em nomes, notas e código; s1 é cópia de s0."""
    rng = random.Random(size)
    students = [f"s{i:04d}" for i in range(size)]
    records = [random_record(exercise, student, rng) for student in students]
    records[0] = records[0].model_copy(update={"notes": [text] if text else []})
    cells = {student: [*independent(i), f"# {text}\n"] for i, student in enumerate(students)}
    cells["s0001"] = disguised(cells["s0000"])
    names = {student: {"name": f"{student} {text}"} for student in students} if people else {}
    return write_class(template, path, records, cells, names)


def report_of(classdir: ClassDir) -> BeautifulSoup:
    return BeautifulSoup(write_report(classdir, SLUG).read_text(encoding="utf-8"), "html.parser")


def section(page: BeautifulSoup, title: str) -> str:
    heading = next(h for h in page.find_all("h2") if h.text == title)
    return " ".join(heading.parent.text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_the_submissions_is_active(
    text: str, template: ClassDir, tmp_path: Path, dropout: Exercise, browser: Browser
) -> None:
    classdir = simulated(template, tmp_path / "turma", dropout, 3, text)
    page, attempts = visit(browser, write_report(classdir, SLUG))
    assert attempts == []
    assert active_elements(page) == 0
    page.close()


def test_page_is_self_contained(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    html = write_report(simulated(template, tmp_path / "turma", dropout, 5), SLUG).read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert not re.search(r"https?:|url\(|@import|<link|<script|\bsrc=", html)


@pytest.mark.parametrize("width", [390, 1280])
def test_page_fits_the_screen(
    width: int, template: ClassDir, tmp_path: Path, dropout: Exercise, browser: Browser
) -> None:
    classdir = simulated(template, tmp_path / "turma", dropout, 12, "nome" * 40)
    page, _ = visit(browser, write_report(classdir, SLUG), width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


def test_distribution_counts_every_mark(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    scores = [0.0, 0.5, 5.0, 5.5, 9.9, 10.0]
    records = [graded(dropout, f"s{i}", score=score) for i, score in enumerate(scores)]
    page = report_of(write_class(template, tmp_path / "turma", records))
    rows = {row.td.text: int(row.find_all("td")[1].text) for row in page.table.tbody.find_all("tr")}
    assert {label: count for label, count in rows.items() if count} == {"0 a 1": 2, "5 a 6": 2, "9 a 10": 2}


def test_centre_of_the_distribution(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    records = [graded(dropout, f"s{i}", score=score) for i, score in enumerate([2, 4, 6, 10])]
    page = report_of(write_class(template, tmp_path / "turma", records))
    text = section(page, "Distribuição das notas")
    assert "quartil (3,5) ao terceiro (7), o traço é a mediana (5) e o círculo, a média (5,5)" in text


def test_mark_of_the_gradebook_counts(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    record = graded(dropout, "ana")
    classdir = write_class(template, tmp_path / "turma", [record])
    with open_gradebook(classdir) as gradebook:
        register_exercise(gradebook, dropout)
        Ledger(gradebook, dropout).write([(record, 0.0, "Ana")])
        for grade in gradebook.find_submission_notebook(SLUG, SLUG, "ana").grades:
            grade.manual_score = 0.0
        gradebook.db.commit()
    assert "mediana (0)" in section(report_of(classdir), "Distribuição das notas")


def test_checks_show_pass_rate_and_statuses(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    results = ["passed", "passed", "failed", "timeout"]
    records = [
        graded(dropout, f"s{i}", check(dropout, "backward_values", status))
        for i, status in enumerate(results)
    ]
    page = report_of(write_class(template, tmp_path / "turma", records))
    title = next(probe.title for probe in dropout.probes if probe.id == "backward_values")
    row = next(item for item in page.select(".rows > li") if title in item.text)
    assert row.b.text == "50%"
    assert row.small.text == "certa: 2 · resultado diferente: 1 · tempo esgotado: 1"


def test_ten_most_frequent_mistakes_in_order(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    mistakes = dropout.mistakes[:11]
    probe = {m.id: next(p.id for p in dropout.probes if p.function == m.function) for m in mistakes}
    records = [
        graded(dropout, f"s{rank}-{i}", check(dropout, probe[mistake.id], "failed", mistake=mistake.id))
        for rank, mistake in enumerate(mistakes)
        for i in range(12 - rank)
    ]
    page = report_of(write_class(template, tmp_path / "turma", records))
    heading = next(h for h in page.find_all("h2") if h.text == "Erros mais frequentes")
    counts = [int(item.b.text.split()[0]) for item in heading.parent.select(".rows > li")]
    assert counts == list(range(12, 2, -1))


def test_a_mistake_counts_once_a_student(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    mistake = next(m for m in dropout.mistakes if m.function == "dropout_backward")
    both = [check(dropout, id, "failed", mistake=mistake.id) for id in ("backward_values", "backward_intact")]
    page = report_of(write_class(template, tmp_path / "turma", [graded(dropout, "ana", *both)]))
    assert "1 (100%)" in section(page, "Erros mais frequentes")


def test_links_lead_to_the_feedback_pages(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    records = [graded(dropout, "ana.p@x-1", status="timeout"), graded(dropout, "joão", status="empty")]
    classdir = write_class(template, tmp_path / "turma", records)
    targets = {link["href"] for link in report_of(classdir).select("a")}
    assert targets == {
        f"../feedback/ana.p%40x-1/{SLUG}/{SLUG}.html",
        f"../feedback/jo%C3%A3o/{SLUG}/{SLUG}.html",
    }


def test_time_spent(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    records = [graded(dropout, f"s{i}", seconds=float(i)) for i in range(101)]
    text = section(report_of(write_class(template, tmp_path / "turma", records)), "Tempo de correção")
    assert "até 50 s, 95% até 95 s, e a mais demorada 100 s" in text


def test_similar_pair_shows_both_codes(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    page = report_of(simulated(template, tmp_path / "turma", dropout, 12, people=False))
    heading = next(h for h in page.find_all("h2") if h.text == "Soluções parecidas")
    assert [link.text for link in heading.parent.h3.find_all("a")] == ["s0000", "s0001"]
    assert "dropout_backward" in heading.parent.select("pre")[1].text


@pytest.mark.parametrize(
    ("title", "changes"),
    [
        ("Sem solução para corrigir", {"status": "empty"}),
        ("Sem solução para corrigir", {"status": "missing"}),
        ("Sem solução para corrigir", {"status": "unreadable"}),
        ("Correção interrompida", {"status": "timeout"}),
        ("Correção interrompida", {"status": "memory"}),
        ("Correção interrompida", {"status": "crashed"}),
        ("Observações da correção", {"notes": ["Havia 2 cadernos."]}),
    ],
)
def test_reason_to_look_at_a_submission(title: str, changes: dict, dropout: Exercise) -> None:
    found = concerns([graded(dropout, "ana", **changes), graded(dropout, "bruno")])
    assert [(concern.title, [case[0] for case in concern.cases]) for concern in found] == [(title, ["ana"])]


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("Nada chegou a um resultado", "error"),
        ("Chamada vetada", "barred"),
        ("Erro que o catálogo não conhece", "failed"),
    ],
)
def test_reason_in_the_checks(title: str, status: str, dropout: Exercise) -> None:
    results = [check(dropout, probe.id, status, message="motivo") for probe in dropout.probes]
    assert [concern.title for concern in concerns([graded(dropout, "ana", *results)])] == [title]


def test_known_mistakes_are_no_reason(dropout: Exercise) -> None:
    known = {mistake.function: mistake.id for mistake in dropout.mistakes}
    results = [check(dropout, p.id, "failed", mistake=known[p.function]) for p in dropout.probes]
    assert concerns([graded(dropout, "ana", *results)]) == []


def test_without_results_it_says_what_to_do(template: ClassDir) -> None:
    with pytest.raises(GraderError, match="grader autograde"):
        write_report(template, SLUG)


def test_truncated_record_is_ignored(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    classdir = simulated(template, tmp_path / "turma", dropout, 4)
    with classdir.results(SLUG).open("a") as stream:
        stream.write(graded(dropout, "outra").model_dump_json()[:200])
    assert report_of(classdir).select_one(".figures dd").text == "4"


def test_same_marks_give_the_same_bytes(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    first = write_report(simulated(template, tmp_path / "a", dropout, 30), SLUG)
    second = write_report(simulated(template, tmp_path / "b", dropout, 30), SLUG)
    assert first.read_bytes() == second.read_bytes()


def test_two_thousand_submissions_in_seconds(template: ClassDir, tmp_path: Path, dropout: Exercise) -> None:
    classdir = simulated(template, tmp_path / "turma", dropout, 2000)
    started = time.process_time()
    write_report(classdir, SLUG)
    assert time.process_time() - started < 10
