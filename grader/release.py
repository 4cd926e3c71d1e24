"""De `solutions/<slug>/` ao caderno do estudante: sem solução, com o verificador e o gabarito visível.

O resultado é idêntico byte a byte de uma vez para outra, e um teste prende `exercises/` a ele.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import yaml
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

from grader.cells import defined_names, role
from grader.checker.runtime import Outcome, gist
from grader.course import EXERCISES, ROOT
from grader.exercise import RELEASE_SEED, Exercise
from grader.files import write_atomically

TRAVELLERS = ("runtime.py", "panel.py")
STUB = "# escreva aqui a sua solução\nraise NotImplementedError"


def release(exercise: Exercise, destination: Path = EXERCISES) -> Path:
    """Grava o caderno do estudante em `destination/<slug>/<slug>.ipynb` e devolve o caminho."""
    path = destination / exercise.slug / f"{exercise.slug}.ipynb"
    write_atomically(path, serialized(student_notebook(exercise)))
    return path


def serialized(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook, indent=1, sort_keys=True) + "\n"


def student_notebook(exercise: Exercise) -> NotebookNode:
    """O caderno do estudante: soluções trocadas por um aviso, verificações ocultas retiradas."""
    notebook = instructor_notebook(exercise)
    for preprocessor in (ClearSolutions(code_stub={"python": STUB}), ClearHiddenTests()):
        notebook, _ = preprocessor.preprocess(notebook, {})
    for cell in notebook.cells:
        cell.source = re.sub(r"\n{4,}", "\n\n\n", cell.source)
    return notebook


def instructor_notebook(exercise: Exercise) -> NotebookNode:
    """O caderno completo (solução e verificações ocultas) com os metadados que o nbgrader espera."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": exercise.notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    )
    points = {probe.id: probe.points for probe in exercise.probes}
    for index, original in enumerate(exercise.notebook.cells):
        cell = nbformat.from_dict({**original, "id": f"{exercise.slug}-{index:02d}", "metadata": {}})
        if cell.cell_type == "code":
            if index == _preparation_index(exercise):
                cell.source = preparation(exercise)
            cell.metadata = cell_metadata(cell.source, points)
        notebook.cells.append(cell)
    notebook.cells[0].source += f"\n\n{links(exercise.slug)}"
    return notebook


def _preparation_index(exercise: Exercise) -> int:
    return next(i for i, cell in enumerate(exercise.notebook.cells) if cell.cell_type == "code")


def cell_metadata(source: str, points: dict[str, float]) -> dict[str, Any]:
    """Metadados do nbgrader segundo o papel da célula, e os que recolhem células de formulário."""
    metadata: dict[str, Any] = {}
    names = defined_names(source)
    if role(source) == "solution":
        metadata["nbgrader"] = nbgrader_cell(names[-1], solution=True)
    elif role(source) == "probes":
        target = re.findall(r'^checker\.check\("(\w+)"\)', source, re.MULTILINE)[-1]
        worth = round(sum(points.get(name, 0) for name in names), 6)
        metadata["nbgrader"] = nbgrader_cell(grade_id(target), points=worth)
    if source.startswith("# @title"):
        metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
    return metadata


def grade_id(function: str) -> str:
    """Identificador, no livro de notas, da célula que verifica uma função."""
    return f"check_{function}"


def nbgrader_cell(grade_id: str, solution: bool = False, points: float | None = None) -> dict[str, Any]:
    """Metadados de uma célula no formato 3 do nbgrader."""
    cell = {
        "schema_version": 3,
        "grade_id": grade_id,
        "solution": solution,
        "grade": points is not None,
        "locked": not solution,
        "task": False,
        "cell_type": "code",
    }
    return cell if points is None else {**cell, "points": points}


def preparation(exercise: Exercise) -> str:
    """A primeira célula de código: o verificador inteiro e o gabarito das verificações visíveis."""
    sources = [(Path(__file__).parent / "checker" / name).read_text(encoding="utf-8") for name in TRAVELLERS]
    module = "\n\n".join(
        re.sub(r"^from grader\.checker\.runtime import .*\n", "", s, flags=re.MULTILINE) for s in sources
    )
    return f"""\
# @title Preparação: execute esta célula primeiro {{ display-mode: "form" }}
# Aqui está o verificador deste caderno: não é preciso instalar nem baixar nada.
import sys
import types

checker = sys.modules["checker"] = types.ModuleType("checker")
exec(r'''
{module}''', vars(checker))
checker.load("{base64.b64encode(json.dumps(visible_data(exercise)).encode()).decode()}")
print("Tudo pronto. Pode seguir para a próxima célula.")"""


def visible_data(exercise: Exercise) -> dict[str, Any]:
    """O gabarito que viaja no caderno: números e frases, nenhum código da solução."""
    visible = [probe for probe in exercise.probes if not probe.hidden]
    answers = exercise.answers(RELEASE_SEED)
    owner = {mistake.id: mistake.function for mistake in exercise.mistakes}
    mistakes = {
        probe.id: {m: o for m, o in answers[probe.id].mistakes.items() if owner[m] == probe.function}
        for probe in visible
    }
    named = {id for found in mistakes.values() for id in found}
    return {
        "seed": RELEASE_SEED,
        "barred": exercise.barred,
        "functions": {f: sum(p.function == f for p in visible) for f in exercise.functions},
        "visible_points": round(sum(probe.points for probe in visible), 6),
        "max_score": exercise.max_score,
        "hidden": {
            function: [
                probe.title for probe in exercise.probes if probe.hidden and probe.function == function
            ]
            for function in exercise.functions
        },
        "sentences": {m.id: m.sentence for m in exercise.mistakes if m.id in named},
        "answers": {
            probe.id: {
                "shapes": answers[probe.id].shapes,
                "reference": _plain(answers[probe.id].reference),
                "mistakes": {m: _plain(outcome) for m, outcome in mistakes[probe.id].items()},
            }
            for probe in visible
        },
    }


def _plain(outcome: Outcome) -> dict[str, Any]:
    """`Outcome` em JSON, com dez algarismos: o bastante para comparar e estável entre máquinas."""

    def rounded(value: Any) -> Any:
        if isinstance(value, str):
            return value
        array = np.asarray(value)
        return (
            np.vectorize(lambda v: float(f"{v:.10g}"), otypes=[float])(array).tolist() if array.size else []
        )

    values = {name: rounded(value) for name, value in outcome.values.items()}
    return {
        "status": outcome.status,
        "values": values,
        "error": outcome.error,
        "detail": gist(outcome),
        "atol": outcome.atol,
    }


def links(slug: str) -> str:
    """Onde abrir o caderno e o capítulo dele, se houver; dono e nome do repositório só existem em `_config.yml`."""
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    owner, name = repository["url"].strip("/").split("/")[-2:]
    colab = f"https://colab.research.google.com/github/{owner}/{name}/blob/{repository.get('branch', 'main')}"
    found = [f"[Abrir no Google Colab]({colab}/exercises/{slug}/{slug}.ipynb)"]
    if (ROOT / "book" / f"{slug}.md").is_file():
        found.append(f"[Ler o capítulo](https://{owner}.github.io/{name}/book/{slug}.html)")
    return " · ".join(found)
