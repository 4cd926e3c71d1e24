"""Cadernos entregues, feitos a partir do caderno do estudante como ele os faria."""

import copy
import json
from pathlib import Path
from typing import Any

from grader.cells import defined_names
from grader.course import EXERCISES, SOLUTIONS
from grader.exercise import Exercise, edited

Notebook = dict[str, Any]


def released(slug: str) -> Notebook:
    """O caderno como o estudante o recebe."""
    notebook = json.loads((EXERCISES / slug / f"{slug}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def code(source: str) -> dict[str, Any]:
    """Uma célula de código sem metadados, como as que o estudante acrescenta."""
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}


def grade_id(cell: dict[str, Any]) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def completed(slug: str, solutions: dict[str, str]) -> Notebook:
    """O caderno com as células das funções dadas preenchidas."""
    notebook = released(slug)
    for cell in notebook["cells"]:
        if grade_id(cell) in solutions:
            cell["source"] = solutions[grade_id(cell)]
    return notebook


def reference_sources(exercise: Exercise) -> dict[str, str]:
    return {defined_names(source)[-1]: source for source in exercise.sources("solution")}


def solved(exercise: Exercise) -> Notebook:
    """O caderno com a solução de referência."""
    return completed(exercise.slug, reference_sources(exercise))


def mistaken(exercise: Exercise, *ids: str) -> Notebook:
    """O caderno certo, salvo pelos erros comuns pedidos (no máximo um por função)."""
    sources = reference_sources(exercise)
    for mistake in exercise.mistakes:
        if mistake.id in ids:
            sources[mistake.function] = edited(exercise.slug, sources[mistake.function], mistake)
    return completed(exercise.slug, sources)


def variants(slug: str) -> list[str]:
    return sorted(path.stem for path in (SOLUTIONS / slug / "variants").glob("*.py"))


def variant(exercise: Exercise, name: str) -> Notebook:
    """O caderno com uma solução correta em outro estilo, toda na célula da primeira função."""
    source = (SOLUTIONS / exercise.slug / "variants" / f"{name}.py").read_text(encoding="utf-8")
    first, *others = exercise.functions
    return completed(exercise.slug, {first: source} | dict.fromkeys(others, "# feito acima"))


def with_cell(notebook: Notebook, source: str, position: int | None = None) -> Notebook:
    """Cópia com uma célula a mais, no fim ou em `position`."""
    changed = copy.deepcopy(notebook)
    cells = changed["cells"]
    cells.insert(len(cells) if position is None else position, code(source))
    return changed


def dumped(notebook: Notebook) -> bytes:
    return json.dumps(notebook, ensure_ascii=False).encode()


def hand_in(classdir: Path, slug: str, student: str, content: bytes) -> Path:
    """Põe o caderno onde `autograde` o procura."""
    path = classdir / "submitted" / student / slug / f"{slug}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
