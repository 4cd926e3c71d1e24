"""Os três corretores do banco, cada um pela sua linha de comando, e o piso."""

import json
import shutil
import site
import sys
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from grader.course import ROOT
from grader.grading.marker import Marker
from grader.grading.submission import Submission, parse_cells
from grader.record import read_records
from tests.bench.corpus import SLUG, Entry, write
from tests.bench.measure import BenchError, Measured, run
from tests.notebooks import dumped

SEED = 7
OTTER = "otter-grader==7.0.0"
OTTER_HOME = ROOT / "_build" / "otter"
GRADER = [sys.executable, "-m", "grader"]

OTTER_TEST = """
# As mesmas sondas do exercício, comparadas com os valores da referência.
import json

from grader.cells import load_probes
from grader.checker import runtime
from otter.test_files import test_case

OK_FORMAT = False
name = "{slug}"
answers = json.loads({answers!r})

def verified(probe, expected):
    def verify(env):
        got = runtime.measured(probe, runtime.observe(probe, env, {seed}), {seed})
        assert runtime.same(expected, got), runtime.first_difference(expected, got)
    return verify

for probe in load_probes(json.loads({sources!r})):
    case = verified(probe, runtime.Outcome(**answers[probe.id]))
    globals()["case_" + probe.id] = test_case(name=probe.id, points=probe.points)(case)
"""


@dataclass(frozen=True)
class Course:
    """Onde o banco trabalha: uma pasta temporária, e nela uma turma feita por `grader init`."""

    folder: Path
    marker: Marker
    entries: list[Entry]

    @property
    def template(self) -> Path:
        return self.folder / "turma"

    def create(self) -> None:
        """Faz a turma de que as outras são cópias."""
        run([*GRADER, "init", str(self.template)], ROOT, 300)

    def copy(self, name: str, entries: list[Entry]) -> Path:
        """Uma turma nova em folha, com as entregas dadas."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.template, path)
        config = path / "nbgrader_config.py"
        config.write_text(config.read_text().replace(str(self.template), str(path)))
        write(entries, path)
        return path


@dataclass(frozen=True)
class Graded:
    """Uma correção nossa: o comando inteiro, o mesmo em uma turma vazia e o ritmo, em segundos por entrega."""

    total: Measured
    idle: Measured
    steady: float


def graded(course: Course, workers: int) -> Graded:
    """Corrige a turma toda e confere as notas."""
    idle = ours(course.copy("vazia", []), workers, 0)
    classdir = course.copy("nossa", course.entries)
    total = ours(classdir, workers, len(course.entries))
    check_our_marks(classdir, course.entries)
    return Graded(total, idle, steady(classdir))


def ours(classdir: Path, workers: int, count: int, sampling: float = 0) -> Measured:
    """`grader autograde` em uma turma em que ainda não se corrigiu nada."""
    command = [*GRADER, "autograde", str(classdir), SLUG, "--workers", str(workers), "--seed", str(SEED)]
    measured = run(command, ROOT, 300 + 5 * count, sampling)
    records = sum(1 for _ in read_records(results(classdir)))
    if records != count:
        raise BenchError(f"O nosso corretor deixou {records} registros; deviam ser {count}.")
    return measured


def results(classdir: Path) -> Path:
    return classdir / "results" / f"{SLUG}.jsonl"


def steady(classdir: Path) -> float:
    """Segundos por entrega entre a primeira pronta e o fim de tudo, o livro de notas inclusive."""
    first, *others = sorted(path.stat().st_mtime for path in classdir.glob(f"autograded/*/{SLUG}/*.ipynb"))
    return (results(classdir).stat().st_mtime - first) / len(others)


def check_our_marks(classdir: Path, entries: list[Entry]) -> None:
    """As certas têm nota máxima, as com erro têm menos, as vazias têm zero."""
    merits = {entry.student: entry.merit for entry in entries}
    for record in read_records(results(classdir)):
        got = "certa" if record.score == record.max_score else "parcial" if record.score else "vazia"
        if got != merits[record.student]:
            raise BenchError(
                f"{record.student} devia ser “{merits[record.student]}” e teve {record.score:g} pontos."
            )


def nbgrader(classdir: Path, count: int) -> Measured:
    """O `nbgrader autograde` de fábrica, na turma toda de uma vez."""
    program = str(Path(sys.executable).parent / "nbgrader")
    run([program, "generate_assignment", SLUG, "--force"], classdir, 300)
    measured = run([program, "autograde", SLUG], classdir, 120 + 60 * count, sampling=1)
    graded = len(list(classdir.glob(f"autograded/*/{SLUG}/*.ipynb")))
    if graded != count:
        raise BenchError(f"O nbgrader corrigiu {graded} entregas; deviam ser {count}.")
    return measured


def install_otter() -> Path:
    """O programa `otter`, em um ambiente próprio apoiado no nosso; instala-o do PyPI se ainda não está lá."""
    program = OTTER_HOME / "bin" / "otter"
    if not program.is_file():
        print(f"Instalando {OTTER} do PyPI em {OTTER_HOME} (só na primeira vez)…", flush=True)
        venv.create(OTTER_HOME, clear=True, with_pip=True)
        packages = next(OTTER_HOME.glob("lib/python*/site-packages"))
        ours = [*site.getsitepackages(), str(ROOT)]
        (packages / "base.pth").write_text("".join(f"import site; site.addsitedir({p!r})\n" for p in ours))
        pip = [
            str(OTTER_HOME / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            OTTER,
        ]
        run(pip, ROOT, 900)
    return program


def otter(folder: Path, marker: Marker, entries: list[Entry]) -> list[Measured]:
    """`otter run`, uma entrega de cada vez, com as mesmas sondas em um arquivo de testes do otter."""
    program = str(install_otter())
    tests = folder / "tests"
    tests.mkdir(parents=True)
    (tests / f"{SLUG}.py").write_text(otter_test(marker), encoding="utf-8")
    run([program, "generate", "-t", "tests", "-o", "autograder.zip"], folder, 300)
    measured = []
    for entry in entries:
        notebook = folder / "entregas" / entry.student / f"{SLUG}.ipynb"
        notebook.parent.mkdir(parents=True)
        notebook.write_bytes(dumped(entry.notebook))
        command = [
            program,
            "run",
            "--no-logo",
            "-a",
            "autograder.zip",
            "-o",
            str(notebook.parent),
            str(notebook),
        ]
        measured.append(run(command, folder, 120, sampling=1))
        check_otter_marks(entry, notebook.parent / "results.json")
    return measured


def otter_test(marker: Marker) -> str:
    """O arquivo de testes: uma sonda por caso, e os valores esperados dentro dele."""
    answers = {id: asdict(answer.reference) for id, answer in marker.answers.items()}
    return OTTER_TEST.format(
        slug=SLUG,
        seed=SEED,
        sources=json.dumps(marker.exercise.probe_sources),
        answers=json.dumps(answers, default=np.ndarray.tolist),
    )


def check_otter_marks(entry: Entry, results: Path) -> None:
    """O otter dá nota máxima às certas, e só a elas: os testes dele fazem o mesmo que os nossos."""
    tests = json.loads(results.read_text())["tests"]
    full = "score" in tests[-1] and all(test.get("score") == test.get("max_score") for test in tests)
    if full != (entry.merit == "certa"):
        raise BenchError(f"O otter deu outra nota a {entry.student} ({entry.merit}): {str(tests)[-2000:]}")


def floor(course: Course, processes: int) -> float:
    """Segundos de bifurcações nuas que rodam as mesmas células e as mesmas sondas, sem a importação das bibliotecas."""
    job, result = course.folder / "piso.json", course.folder / "piso-resultado.json"
    job.write_text(json.dumps(floor_job(course)), encoding="utf-8")
    command = [sys.executable, "-m", "tests.bench.floor", str(job), str(processes), str(result)]
    run(command, ROOT, 120 + 10 * len(course.entries))
    return float(result.read_text())


def floor_job(course: Course) -> dict[str, object]:
    """As células que o nosso corretor executaria, e as mesmas sondas."""
    submissions = [Submission(entry.student, parse_cells(entry.notebook) or []) for entry in course.entries]
    return {
        "probe_sources": course.marker.exercise.probe_sources,
        "submissions": [[source for _, source in course.marker.cells(s)] for s in submissions],
        "seed": SEED,
    }
