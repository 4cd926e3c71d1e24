"""Turmas já corrigidas, escritas direto onde a devolutiva e o relatório as leem."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from grader.course import ClassDir
from grader.exercise import Exercise
from grader.record import CheckResult, Record

SLUG = "dropout"

HOSTILE = (
    "<script>alert(1)</script>",
    "</title></style></code></pre><script>alert(2)</script>",
    '"><img src="http://127.0.0.1:9/a.png" onerror="alert(3)">',
    "<iframe src='http://127.0.0.1:9/'></iframe><svg onload=alert(4)>",
    "`</code><b onclick=alert(5)>` {{ 7 * 7 }} {% raw %}",
    "fatura\u202efdp.exe\u2066 \x1b[31m\x00\u200b\U000e0041",
)


def check(exercise: Exercise, id: str, status: str = "passed", **fields: Any) -> CheckResult:
    """Resultado de uma verificação do exercício, com os pontos que a situação merece."""
    probe = next(probe for probe in exercise.probes if probe.id == id)
    earned = probe.points if status == "passed" else 0.0
    known = {"id": id, "title": probe.title, "points": probe.points, "earned": earned, "hidden": probe.hidden}
    return CheckResult.model_validate({**known, "status": status, **fields})


def graded(exercise: Exercise, student: str, *changed: CheckResult, **fields: Any) -> Record:
    """Registro de quem acertou tudo, salvo as verificações dadas."""
    different = {result.id: result for result in changed}
    checks = [different.get(probe.id) or check(exercise, probe.id) for probe in exercise.probes]
    known = {
        "student": student,
        "exercise": exercise.slug,
        "status": "graded",
        "score": round(sum(result.earned for result in checks), 6),
        "max_score": exercise.max_score,
        "seconds": 0.25,
        "checks": checks,
    }
    return Record.model_validate({**known, **fields})


def empty_class(path: Path) -> ClassDir:
    """Pasta de turma sem nenhuma entrega."""
    path.mkdir(parents=True)
    (path / "nbgrader_config.py").write_text("c = get_config()\n")
    return ClassDir.open(path)


def write_class(
    template: ClassDir,
    path: Path,
    records: list[Record],
    notebooks: Mapping[str, list[str]] | None = None,
    people: Mapping[str, dict[str, Any]] | None = None,
) -> ClassDir:
    """Cópia de uma turma com registros, cadernos corrigidos e o que o LMS disse de cada pessoa."""
    shutil.copytree(template.path, path)
    classdir = ClassDir.open(path)
    classdir.results(SLUG).parent.mkdir(exist_ok=True)
    classdir.results(SLUG).write_text("".join(record.model_dump_json() + "\n" for record in records))
    for student, cells in (notebooks or {}).items():
        write_notebook(classdir.autograded(student, SLUG), cells)
    if people:
        classdir.manifest(SLUG).parent.mkdir(parents=True)
        classdir.manifest(SLUG).write_text(json.dumps(people))
    return classdir


def write_notebook(path: Path, cells: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [{"cell_type": "code", "metadata": {}, "source": source, "outputs": []} for source in cells]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}))


def visit(browser: Browser, path: Path, width: int = 1280) -> tuple[Page, list[str]]:
    """Abre uma página do disco; devolve-a com tudo o que ela tentou: pedidos, diálogos e avisos."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    attempts: list[str] = []
    page.on("request", lambda request: attempts.append(f"pedido {request.url}"))
    page.on("dialog", lambda dialog: (attempts.append(f"diálogo {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda message: attempts.append(f"console {message.text}"))
    page.goto(path.as_uri())
    page.wait_for_timeout(200)
    assert attempts.pop(0) == f"pedido {path.as_uri()}"
    return page, attempts


def active_elements(page: Page) -> int:
    """Quantos elementos e atributos de uma página poderiam executar, pedir ou enviar algo."""
    return page.evaluate(
        """() => [...document.querySelectorAll('*')].filter(e =>
            ['SCRIPT', 'IMG', 'IFRAME', 'OBJECT', 'EMBED', 'LINK', 'FORM', 'INPUT', 'BUTTON', 'BASE', 'VIDEO', 'AUDIO']
                .includes(e.tagName) ||
            [...e.attributes].some(a => a.name.startsWith('on') || a.name === 'src' ||
                (a.name === 'href' && e.protocol !== 'file:'))).length"""
    )
