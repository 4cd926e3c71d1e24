"""A correção diante de quem quer enganá-la: todos os ataques em um só lote, com vizinhos honestos no meio."""

import importlib
import json
import pkgutil
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import psutil
import pytest
from nbconvert import HTMLExporter
from traitlets.config.loader import PyFileConfigLoader

from grader.checker import runtime
from grader.course import ROOT, ClassDir
from grader.exercise import Exercise
from grader.grading.autograde import autograded_notebook, open_pool, run, session
from grader.grading.classroom import create_class
from grader.grading.submission import Cell, Submission, read_submission
from grader.isolation import Limits
from grader.pages.feedback import write_feedback
from grader.pages.report import write_report
from grader.record import Record, read_records
from tests import attacks
from tests.attacks import ATTACKS, EXERCISE, FULL, SLUG, Attack, solved_and
from tests.conftest import SEED
from tests.notebooks import hand_in

for module in pkgutil.iter_modules(attacks.__path__):
    importlib.import_module(f"{attacks.__name__}.{module.name}")

LIMITS = Limits(cell_seconds=1, check_seconds=1, total_seconds=15, memory=2**28)
HONEST = solved_and("# marca-do-vizinho: ninguém mais deve ver esta linha", 2)
EVERY = 10
"""Um vizinho honesto a cada tantos ataques."""
NAMES = {attack.name: f"{number:03d}-{attack.name}" for number, attack in enumerate(ATTACKS, start=1)}
NEIGHBOURS = [f"{number:03d}-honesto" for number in range(0, len(ATTACKS) + EVERY, EVERY)]
NEIGHBOURS.append("999-<img src=x onerror=INVASAO()>")
OPEN_PLACES = ("/tmp", "/var/tmp", "/dev/shm", str(Path.home()), str(Path.cwd()))


@dataclass(frozen=True)
class Batch:
    """O que ficou do lote.

    `alone` são os tempos de um honesto antes dele; `after`, o mesmo honesto depois dele e depois de mortos os processos
    aquecidos; `alive`, os processos que deviam ter terminado; `memory`, os bytes que o juiz passou a ocupar.
    """

    classdir: ClassDir
    records: dict[str, Record]
    alone: list[float]
    after: list[Record]
    alive: list[psutil.Process]
    memory: int


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    classdir = create_class(tmp_path_factory.mktemp("turmas") / "turma")
    for student in NEIGHBOURS:
        hand_in(classdir.path, SLUG, student, HONEST)
    for attack in ATTACKS:
        attack.hand_in(classdir.submitted(NAMES[attack.name], SLUG))
    honest = read_submission("vizinho", classdir.submitted(NEIGHBOURS[0], SLUG))
    me = psutil.Process()
    with pytest.MonkeyPatch.context() as patch, session(classdir, EXERCISE, SEED, force=False) as current:
        patch.setenv("CHAVE", "segredo-de-quem-corrige")
        with open_pool(current.marker, 2, None, True, LIMITS) as pool:
            alone = [f.result().seconds for f in [pool.submit(honest) for _ in range(12)]]
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for _ in run(current, pool):
                pass
            memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
            after = [pool.submit(honest).result()]
            workers = me.children(recursive=True)
            for zygote in me.children():
                zygote.kill()
            psutil.wait_procs(workers, timeout=10)
            after.append(pool.submit(honest).result())
            workers += me.children(recursive=True)
    alive = psutil.wait_procs(workers, timeout=10)[1]
    records = {record.student: record for record in read_records(classdir.results(SLUG))}
    write_feedback(classdir, SLUG, reveal=True)
    write_report(classdir, SLUG)
    yield Batch(classdir, records, alone, after, alive, memory)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack(attack: Attack, batch: Batch) -> None:
    record = batch.records[NAMES[attack.name]]
    lost = {check.status for check in record.checks if check.status != "passed"}
    said = " ".join([*record.notes, *(check.message for check in record.checks)])
    assert (record.score, record.status) == (pytest.approx(attack.score), attack.status), said[:500]
    assert not attack.lost or lost == {attack.lost}
    assert attack.says in said


def test_every_submission_has_one_record(batch: Batch) -> None:
    lines = batch.classdir.results(SLUG).read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(batch.records) == len(ATTACKS) + len(NEIGHBOURS)


@pytest.mark.parametrize("student", NEIGHBOURS)
def test_neighbour_keeps_the_mark(student: str, batch: Batch) -> None:
    record = batch.records[student]
    assert (record.score, record.status, record.notes) == (FULL, "graded", [])


def test_neighbours_keep_their_pace(batch: Batch) -> None:
    times = [batch.records[student].seconds for student in NEIGHBOURS]
    assert statistics.median(times) < 3 * statistics.median(batch.alone) + 0.3


def test_no_attack_lasts_beyond_the_limit(batch: Batch) -> None:
    assert max(record.seconds for record in batch.records.values()) < LIMITS.total_seconds + 5


def test_pool_still_works(batch: Batch) -> None:
    assert [(record.score, record.status) for record in batch.after] == [(FULL, "graded")] * 2


def test_no_process_is_left(batch: Batch) -> None:
    assert batch.alive == []


def test_judge_stays_small(batch: Batch) -> None:
    assert batch.memory < 1.5 * 2**30


def test_nothing_is_written_outside(batch: Batch) -> None:
    found = [path for place in OPEN_PLACES for path in Path(place).glob("*[iI][nN][vV][aA][sS][aA][oO]*")]
    written = {path.relative_to(batch.classdir.path).parts[0] for path in batch.classdir.path.iterdir()}
    expected = {
        "autograded",
        "feedback",
        "gradebook.db",
        "nbgrader_config.py",
        "release",
        "reports",
        "results",
    }
    assert found == []
    assert written == expected | {"source", "submitted"}


def test_messages_are_plain_text(batch: Batch) -> None:
    texts = [text for r in batch.records.values() for text in [*r.notes, *(c.message for c in r.checks)]]
    assert [text for text in texts if not text.isprintable()] == []


class ActiveContent(HTMLParser):
    """Anota o que a marca dos ataques alcançou: elementos que executam, atributos e folhas de estilo."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside = tag if tag in ("script", "style") else ""
        for name, value in attributes:
            if name.startswith("on") or "INVASAO" in (value or "") or "javascript:" in (value or ""):
                self.found.append(f"<{tag} {name}={value}>"[:100])

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside and "INVASAO" in data:
            self.found.append(f"<{self.inside}>{data[:100]}")


def active(page: str) -> list[str]:
    parser = ActiveContent()
    parser.feed(page)
    return parser.found


def test_pages_have_no_active_content(batch: Batch) -> None:
    pages = [*batch.classdir.path.glob("feedback/**/*.html"), *batch.classdir.path.glob("reports/*.html")]
    assert len(pages) == len(batch.records) + 1
    assert {page.name: found for page in pages if (found := active(page.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize("name", [attack.name for attack in ATTACKS if attack.name.startswith("markup")])
def test_formgrader_shows_no_active_content(name: str, batch: Batch) -> None:
    config = PyFileConfigLoader(batch.classdir.config.name, str(batch.classdir.path)).load_config()
    page, _ = HTMLExporter(config=config).from_filename(str(batch.classdir.autograded(NAMES[name], SLUG)))
    body = re.sub(r"^.*?<body", "<body", page, count=1, flags=re.DOTALL)
    assert active(body) == []


def test_giant_cell_does_not_stop_the_judge() -> None:
    record = Record(student="a", exercise=SLUG, status="graded", score=0, max_score=FULL, seconds=0)
    submission = Submission("a", [Cell("code", "x\n" * 900_000)])
    started = time.process_time()
    autograded_notebook(submission, record, EXERCISE)
    assert time.process_time() - started < 2


def test_no_probe_expects_a_constant(exercise: Exercise) -> None:
    reference = exercise.implementation()
    seen = {seed: {p.id: runtime.observe(p, reference, seed) for p in exercise.probes} for seed in (1, 2)}
    assert [id for id in seen[1] if runtime.same(seen[1][id], seen[2][id])] == []


WITHOUT_NAMESPACES = """
import errno, json, sys
from pathlib import Path
import pyseccomp

refusing = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
refusing.add_rule(pyseccomp.ERRNO(errno.EPERM), "unshare")
refusing.load()

from grader.exercise import load_exercise
from grader.grading.marker import Marker
from grader.grading.pool import LocalPool, grade_all
from grader.grading.submission import read_notebook
from tests.test_attacks import LIMITS, SEED, SLUG

marker = Marker(load_exercise(SLUG), SEED)
with LocalPool(marker, 1, LIMITS) as pool:
    submissions = [read_notebook(path.stem, path) for path in sorted(Path(sys.argv[1]).glob("*.ipynb"))]
    graded = {s.student: (r.score, r.status, r.notes) for s, r in grade_all(pool, submissions)}
print(json.dumps({"layers": pool.layers, "graded": graded}))
"""
ESCAPES = ("children", "daemon", "signals", "signals_through_descriptors", "other_memory", "process_table")


def test_escapes_fail_without_namespaces_too(tmp_path: Path) -> None:
    chosen = {attack.name: attack for attack in ATTACKS if attack.name in ESCAPES}
    for name, attack in chosen.items():
        attack.hand_in(tmp_path / "turma" / "submitted" / name / SLUG)
        (tmp_path / "turma" / "submitted" / name / SLUG / f"{SLUG}.ipynb").rename(tmp_path / f"{name}.ipynb")
    for name in ("antes", "zfim"):
        (tmp_path / f"{name}.ipynb").write_bytes(HONEST)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NAMESPACES, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    result = json.loads(done.stdout)
    assert not any("namespaces" in layer for layer in result["layers"])
    for name, attack in chosen.items():
        score, status, notes = result["graded"].pop(name)
        assert (score, status, attack.says in " ".join(notes)) == (attack.score, attack.status, True)
    assert result["graded"] == {name: [FULL, "graded", []] for name in ("antes", "zfim")}


OLD_LANDLOCK = """
import os, sys
import landlock

landlock.landlock_abi_version = lambda: 2
from grader.isolation import sandbox

sandbox.syscall_filter().load()
os.close(os.open(sys.argv[1], os.O_RDONLY))
try:
    os.open(sys.argv[1], os.O_RDONLY | os.O_TRUNC)
except PermissionError:
    print("recusado")
"""


def test_truncation_is_refused_where_landlock_does_not_see_it(tmp_path: Path) -> None:
    library = tmp_path / "biblioteca.py"
    library.write_text("x = 1")
    done = subprocess.run(
        [sys.executable, "-c", OLD_LANDLOCK, str(library)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "recusado\n"
    assert library.read_text() == "x = 1"
