"""O caderno do estudante, sozinho: sem o repositório, sem rede, só com o que o Colab tem."""

import contextlib
import fnmatch
import importlib
import importlib.metadata
import subprocess
import time
import types
import venv
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from packaging.requirements import Requirement

from grader.checker import panel
from grader.exercise import Exercise
from grader.release import visible_data
from tests.notebooks import Notebook, mistaken, released, solved

ALLOWED = ("numpy", "torch", "matplotlib", "scikit-learn", "ipykernel")

NO_NETWORK = """
import socket
_connect = socket.socket.connect
def connect(self, address):
    if isinstance(address, tuple) and not address[0].startswith(("127.", "localhost")):
        raise OSError(f"sem rede: {address}")
    return _connect(self, address)
socket.socket.connect = connect
"""


def closure(names: tuple[str, ...]) -> set[str]:
    """As distribuições pedidas e tudo de que dependem."""
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        parsed = [Requirement(text) for text in requirements]
        queue += [r.name for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Um ambiente virtual só com o que o Colab tem, feito de atalhos para os pacotes já instalados."""
    folder = tmp_path_factory.mktemp("ambiente")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in closure(ALLOWED):
        distribution = importlib.metadata.distribution(name)
        tops = {
            file.parts[0] for file in distribution.files or [] if file.parts[0] not in ("..", "__pycache__")
        }
        for top in tops:
            target = Path(str(distribution.locate_file(top)))
            if target.exists() and not (site / top).exists():
                (site / top).symlink_to(target)
    (site / "sitecustomize.py").write_text(NO_NETWORK)
    return folder / "bin" / "python"


def execute(notebook: Notebook, python: Path, folder: Path) -> nbformat.NotebookNode:
    """Executa o caderno com o interpretador dado, em uma pasta que só tem ele."""
    node = nbformat.from_dict(notebook)
    nbformat.write(node, folder / "exercicio.ipynb")
    manager = KernelManager()
    manager.kernel_spec.argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.kernel_spec.env = {"PYTHONPATH": ""}
    client = NotebookClient(
        node, km=manager, timeout=120, record_timing=True, resources={"metadata": {"path": str(folder)}}
    )
    return client.execute()


def text(cell: nbformat.NotebookNode) -> str:
    """Tudo o que a célula mostrou, em texto."""
    shown = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", [])]
    return "\n".join(shown)


def seconds(cell: nbformat.NotebookNode) -> float:
    times = cell.metadata.execution
    begin, end = (
        datetime.fromisoformat(times[key]) for key in ("iopub.execute_input", "shell.execute_reply")
    )
    return (end - begin).total_seconds()


@pytest.fixture(scope="module")
def stubbed(exercise: Exercise, bare_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    """O caderno como foi entregue ao estudante, com a preparação executada duas vezes."""
    notebook = released(exercise.slug)
    first = next(i for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code")
    again = dict(notebook["cells"][first], id="de-novo")
    notebook["cells"].insert(first + 1, again)
    return execute(notebook, bare_python, tmp_path_factory.mktemp("vazia"))


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_bare_environment_has_nothing_of_ours(bare_python: Path) -> None:
    for module in ("grader", "nbgrader", "jupytext"):
        assert (
            subprocess.run([bare_python, "-c", f"import {module}"], capture_output=True, cwd="/").returncode
            == 1
        )


def test_preparation_takes_under_a_second_twice(stubbed: nbformat.NotebookNode) -> None:
    first, again = code_cells(stubbed)[:2]
    assert first.source == again.source
    assert seconds(first) < 1 and seconds(again) < 1


def test_stub_says_kindly_what_is_missing(exercise: Exercise, stubbed: nbformat.NotebookNode) -> None:
    shown = "\n".join(map(text, code_cells(stubbed)))
    for function in exercise.functions:
        assert f"{function}: falta escrever" in shown
    assert "Parte visível: 0/10" in text(code_cells(stubbed)[-1])


def test_solution_gets_ten_in_under_a_minute(exercise: Exercise, bare_python: Path, tmp_path: Path) -> None:
    notebook = execute(solved(exercise), bare_python, tmp_path)
    assert "Parte visível: 10/10" in text(code_cells(notebook)[-1])
    assert sum(map(seconds, code_cells(notebook))) < 60
    assert any("image/png" in o.get("data", {}) for cell in code_cells(notebook) for o in cell.outputs)


def test_a_mistake_shows_its_sentence(exercise: Exercise, bare_python: Path, tmp_path: Path) -> None:
    """Até a verificação da função errada; o que vem depois já se executou no caderno resolvido."""
    mistake = exercise.mistakes[0]
    notebook = mistaken(exercise, mistake.id)
    check = f'checker.check("{mistake.function}")'
    last = next(i for i, cell in enumerate(notebook["cells"]) if check in cell["source"])
    notebook["cells"] = notebook["cells"][: last + 1]
    shown = execute(notebook, bare_python, tmp_path)
    assert mistake.sentence in "\n".join(map(text, code_cells(shown)))


@pytest.fixture(scope="module")
def answers(exercise: Exercise) -> dict:
    """O gabarito visível, que leva segundos para calcular."""
    return visible_data(exercise)


@pytest.fixture
def student(exercise: Exercise, answers: dict, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
    """O painel com o gabarito visível carregado, diante de um espaço de nomes que o teste preenche."""
    namespace: dict = {}
    monkeypatch.setattr(panel, "STORE", {})
    monkeypatch.setattr(panel, "namespace", lambda: namespace)
    panel.STORE.update(answers)
    monkeypatch.setattr(panel, "PROBES", {p.id: p for p in exercise.probes if not p.hidden})
    yield namespace


def test_every_visible_mistake_is_named_in_the_notebook(exercise: Exercise, student: dict) -> None:
    named = {m for id, answer in panel.STORE["answers"].items() for m in answer["mistakes"]}
    assert len(named) >= 10
    for mistake in exercise.mistakes:
        if mistake.id in named:
            student |= exercise.implementation(mistake)
            assert mistake.sentence in repr(panel.check(mistake.function))


def test_visible_checks_answer_at_once(exercise: Exercise, student: dict) -> None:
    student |= exercise.implementation()
    for function in exercise.functions:
        times = []
        for _ in range(3):
            started = time.process_time()
            panel.check(function)
            times.append(time.process_time() - started)
        assert min(times) < 0.2, function


def barred_callable(patterns: list[str]) -> tuple[str, Callable[..., Any]]:
    """A primeira função ou classe que os padrões vetam, e o nome dela."""
    for pattern in patterns:
        owner, _, name = pattern.rpartition(".")
        with contextlib.suppress(ImportError):
            module = importlib.import_module(owner)
            for found in fnmatch.filter(sorted(vars(module)), name):
                if isinstance(getattr(module, found), types.FunctionType | type):
                    return f"{owner}.{found}", getattr(module, found)
    raise AssertionError("nada do que o exercício veta é uma função")


def test_barred_call_is_named(exercise: Exercise, student: dict) -> None:
    if not exercise.barred:
        return
    name, call = barred_callable(exercise.barred)
    student |= exercise.implementation() | {exercise.functions[0]: lambda *args, **kwargs: call()}
    shown = repr(panel.check(exercise.functions[0]))
    assert name in shown and "não permitida" in shown
    with contextlib.suppress(
        TypeError
    ):  # fora da verificação volta a valer; pode reclamar da falta de argumentos
        call()


def test_html_of_the_panel_is_escaped(exercise: Exercise, student: dict) -> None:
    def shouts(*args: object) -> None:
        raise TypeError("<script>alert(1)</script>")

    student[exercise.functions[0]] = shouts
    assert "<script>" not in panel.check(exercise.functions[0])._repr_html_()
