"""Nada se perde: a correção pode morrer, faltar disco ou permissão, e o que ela deixa é sempre o mesmo."""

import os
import pickle
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from grader.course import ClassDir
from grader.errors import GraderError
from grader.exercise import Exercise, load_exercise
from grader.grading import autograde
from grader.grading.gradebook import open_gradebook
from grader.isolation import sandbox
from grader.record import read_records
from tests import tiny
from tests.conftest import QUICK, SEED
from tests.notebooks import dumped, hand_in
from tests.sample_class import SAMPLES

GRADED = [sample for sample in SAMPLES if sample.status == "graded"]
KILLS = 20
STUDENTS = 12


@pytest.fixture(scope="module")
def solutions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exercicios")
    tiny.write_exercise(folder)
    return folder


@pytest.fixture(scope="module")
def exercise(solutions: Path) -> Exercise:
    return load_exercise(tiny.SLUG, solutions)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory, exercise: Exercise) -> ClassDir:
    """Uma turma com entregas e nenhuma nota."""
    classdir = tiny.create(tmp_path_factory.mktemp("turmas") / "turma", exercise)
    tiny.fill(classdir, STUDENTS)
    return classdir


@pytest.fixture
def copied(untouched: ClassDir, tmp_path: Path) -> Callable[[], ClassDir]:
    """Faz cópias da turma por corrigir."""

    def copy() -> ClassDir:
        target = tmp_path / f"turma-{sum(1 for _ in tmp_path.glob('turma-*'))}"
        shutil.copytree(untouched.path, target)
        return ClassDir(target)

    return copy


@pytest.fixture
def classdir(copied: Callable[[], ClassDir]) -> ClassDir:
    return copied()


def processes_of(session: int) -> list[int]:
    """Os processos vivos de uma sessão, a não ser os que só esperam que alguém saiba da sua morte."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def wait_until(condition: Callable[[], Any], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def marks(classdir: ClassDir) -> dict[str, float]:
    return {record.student: record.score for record in read_records(classdir.results(tiny.SLUG))}


def grade_by_hand(classdir: ClassDir, student: str, function: str, points: float) -> None:
    """O que o formgrader faz quando alguém dá uma nota à mão."""
    with open_gradebook(classdir) as gradebook:
        grade = gradebook.find_grade(f"check_{function}", tiny.SLUG, tiny.SLUG, student)
        grade.manual_score = points
        gradebook.db.commit()


def score_in_gradebook(classdir: ClassDir, student: str) -> float:
    with open_gradebook(classdir) as gradebook:
        return gradebook.find_submission(tiny.SLUG, student).score


# --- morta a qualquer momento -----------------------------------------------------------------------


class Undisturbed:
    """Uma correção que ninguém interrompe: o que ela deixa e quanto leva."""

    def __init__(self, classdir: ClassDir, solutions: Path) -> None:
        ready = tiny.FORKS.Event()
        started = time.monotonic()
        with tiny.start(tiny.grade_isolated, classdir.path, solutions, 1, ready) as process:
            assert ready.wait(120)
            self.opening = time.monotonic() - started
            process.join()
            self.grading = time.monotonic() - started - self.opening
        assert process.exitcode == 0
        self.state = tiny.state(classdir)


def test_killed_at_random_moments(copied: Callable[[], ClassDir], solutions: Path) -> None:
    """Cada turma é corrigida aos pedaços, derrubada e retomada, até acabar; são ao menos vinte quedas."""
    undisturbed = Undisturbed(copied(), solutions)
    assert len(undisturbed.state["records"]) == STUDENTS
    chance = random.Random(20)
    kills, resumed = 0, 0
    while kills < KILLS:
        classdir, before = copied(), kills
        while not killed_once(classdir, solutions, undisturbed, chance):
            kills += 1
        assert tiny.state(classdir) == undisturbed.state
        resumed += kills > before
    assert resumed > 1


def killed_once(classdir: ClassDir, solutions: Path, undisturbed: Undisturbed, chance: random.Random) -> bool:
    """Começa a corrigir e mata o processo em um momento sorteado; True se ele acabou antes."""
    ready = tiny.FORKS.Event()
    with tiny.start(tiny.grade_isolated, classdir.path, solutions, 1, ready) as process:
        if chance.random() < 0.2:
            process.join(chance.uniform(0, undisturbed.opening))
        else:
            assert ready.wait(120)
            process.join(chance.uniform(0, 0.6 * undisturbed.grading))
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        assert wait_until(lambda: not processes_of(process.pid), 30), "sobrou um processo da correção morta"
    return process.exitcode == 0


def die_at(step: int, classdir: Path, solutions: Path) -> None:
    """Corrige a turma e mata a si mesmo na `step`-ésima vez que mexe em um arquivo dela."""
    touched = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal touched
        path = arguments[0] if event in ("open", "os.rename", "os.mkdir", "os.truncate", "os.remove") else ""
        if isinstance(path, str | Path) and str(path).startswith(str(classdir)):
            touched += 1
            if touched == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    tiny.grade(ClassDir(classdir), load_exercise(tiny.SLUG, solutions))


def resubmitted(classdir: ClassDir, exercise: Exercise) -> ClassDir:
    """Três notas, duas mudadas à mão; depois um dos três entrega de novo e chega um quarto estudante."""
    for name in list(classdir.submissions(tiny.SLUG))[3:]:
        shutil.rmtree(name[1].parent)
    first, _, third = (student for student, _ in classdir.submissions(tiny.SLUG))
    hand_in(classdir.path, tiny.SLUG, first, dumped(tiny.answered("certa", "nada")))
    tiny.grade(classdir, exercise)
    grade_by_hand(classdir, first, "mean", 1.5)
    grade_by_hand(classdir, third, "mean", 0.5)
    hand_in(classdir.path, tiny.SLUG, first, dumped(tiny.answered("vetores", "certa")))
    hand_in(classdir.path, tiny.SLUG, "novato", dumped(tiny.answered()))
    return classdir


def test_killed_at_every_step(
    classdir: ClassDir, exercise: Exercise, solutions: Path, tmp_path: Path
) -> None:
    """Morta a cada vez que abre, renomeia ou apaga um arquivo da turma, e retomada: uma vez cada passo."""
    resubmitted(classdir, exercise)
    expected, step, killed = None, 0, True
    while killed:
        step += 1
        copy = ClassDir(tmp_path / "copia")
        shutil.copytree(classdir.path, copy.path)
        with tiny.start(die_at, step, copy.path, solutions) as process:
            process.join()
            killed = process.exitcode == -signal.SIGKILL
        if expected is None:
            reference = ClassDir(shutil.copytree(classdir.path, tmp_path / "referencia"))
            tiny.grade(reference, exercise)
            expected = tiny.state(reference)
        tiny.grade(copy, exercise)
        assert tiny.state(copy) == expected, f"passo {step}"
        shutil.rmtree(copy.path)
    assert step > 10


def test_the_command_killed_interrupted_and_resumed(tmp_path: Path) -> None:
    """`grader autograde` como no terminal: morto, parado com Ctrl-C e levado até o fim."""
    exercise = load_exercise("dropout")
    classdir = tiny.create(tmp_path / "turma", exercise)
    for sample in GRADED:
        hand_in(classdir.path, "dropout", sample.student, sample.build(exercise))
    results, errors = classdir.results("dropout"), tmp_path / "erros"

    def ended(stop: Callable[[int], None]) -> int:
        """Espera que mais duas notas fiquem prontas, faz o que se pede e devolve o código de saída."""
        before = lines(results)
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "grader", "autograde", classdir.path, "dropout", "--workers", "1"],
                stderr=stream,
                start_new_session=True,
                # Quem roda os testes em segundo plano ignora o Ctrl-C, e os filhos herdam isso.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        assert wait_until(lambda: lines(results) >= before + 2, 120)
        stop(process.pid)
        code = process.wait(timeout=120)
        assert wait_until(lambda: not processes_of(process.pid), 30)
        return code

    assert ended(lambda pid: os.kill(pid, signal.SIGKILL)) == -signal.SIGKILL
    assert ended(lambda pid: os.killpg(pid, signal.SIGINT)) == 130
    assert errors.read_text().strip().startswith("grader: Interrompido.")
    assert lines(results) < len(GRADED)
    assert ended(lambda pid: None) == 0
    assert errors.read_text() == ""
    scores = {record.student: record.score for record in read_records(results)}
    assert scores == {sample.student: pytest.approx(sample.score) for sample in GRADED}
    assert lines(results) == len(GRADED)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


# --- disco cheio, pasta fechada ---------------------------------------------------------------------


@contextmanager
def file_limit(classdir: ClassDir, size: int) -> Iterator[ClassDir]:
    """Nenhum arquivo passa de `size` bytes, como em uma cota que se esgota."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    yield classdir
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def full_disk(classdir: ClassDir, free: int) -> Iterator[ClassDir]:
    """A turma em um disco de verdade, que só este processo vê, com `free` bytes livres."""
    disk = classdir.path.with_name("disco")
    mount_disk(disk)
    moved = ClassDir(shutil.copytree(classdir.path, disk / "turma"))
    ballast = disk / "lastro"
    ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - free)))
    yield moved
    ballast.unlink()


@contextmanager
def closed(classdir: ClassDir, name: str) -> Iterator[ClassDir]:
    """Um arquivo ou pasta da turma em que não se escreve, nem sendo root."""
    path = classdir.path / name
    path.mkdir(exist_ok=True) if "." not in name else path.touch()
    path.chmod(0o555)
    sandbox.drop_capabilities()
    yield classdir
    path.chmod(0o755)


def mount_disk(folder: Path) -> None:
    """Monta um disco de 8 MB em um espaço de montagens próprio; um usuário comum, em um de usuários também."""
    new_mounts, recursive_private = 0x20000, 0x44000
    uid, gid = os.geteuid(), os.getegid()
    user = 0 if uid == 0 else sandbox.CLONE_NEWUSER
    if sandbox.libc.unshare(new_mounts | user):
        sys.exit(NO_DISK)
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    folder.mkdir()
    private = sandbox.libc.mount(b"none", b"/", None, recursive_private, None)
    if private or sandbox.libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, b"size=8m"):
        sys.exit(NO_DISK)


NO_DISK = 77
NEEDS = {
    "arquivo-1k": partial(file_limit, size=1_000),
    "arquivo-3k": partial(file_limit, size=3_000),
    "arquivo-8k": partial(file_limit, size=8_000),
    "disco-0": partial(full_disk, free=0),
    "disco-20k": partial(full_disk, free=20_000),
    "disco-50k": partial(full_disk, free=50_000),
    "results": partial(closed, name="results"),
    "autograded": partial(closed, name="autograded"),
    "gradebook.db": partial(closed, name="gradebook.db"),
}


@dataclass
class Outcome:
    """O que houve com uma correção em apuros: a queixa, o que ela salvou, o que a seguinte refez e deixou."""

    problem: str
    saved: dict[str, float]
    graded_again: list[str]
    state: dict[str, Any]


def grade_in_need(need: Any, classdir: ClassDir, solutions: Path, report: Path) -> None:
    """Corrige em apuros e, passado o apuro, de novo."""
    exercise = load_exercise(tiny.SLUG, solutions)
    problem = ""
    with need(classdir) as place:
        try:
            tiny.grade(place, exercise)
        except GraderError as error:
            problem = str(error)
        saved = marks(place)
    again = tiny.grade(place, exercise)
    report.write_bytes(pickle.dumps(Outcome(problem, saved, again, tiny.state(place))))


@pytest.mark.parametrize("need", NEEDS)
def test_no_room_or_no_permission(
    need: str, copied: Callable[[], ClassDir], exercise: Exercise, solutions: Path, tmp_path: Path
) -> None:
    reference, classdir, report = copied(), copied(), tmp_path / "relato"
    tiny.grade(reference, exercise)
    with tiny.start(grade_in_need, NEEDS[need], classdir, solutions, report) as process:
        process.join()
    if process.exitcode == NO_DISK:
        pytest.skip("ATENÇÃO: este sistema não deixa montar um disco pequeno; falta provar o disco cheio.")
    assert process.exitcode == 0
    outcome: Outcome = pickle.loads(report.read_bytes())
    reasons = "não há espaço no disco|ficaria grande demais|falta permissão|livro de notas"
    assert re.search(reasons, outcome.problem), outcome.problem
    assert "rode o comando de novo" in outcome.problem
    assert outcome.saved.items() <= marks(reference).items()
    assert outcome.state == tiny.state(reference)


# --- quem corrige, quantos, quando ------------------------------------------------------------------


def test_two_at_once_are_refused(classdir: ClassDir, exercise: Exercise) -> None:
    with (
        autograde.session(classdir, exercise, tiny.SEED, force=False),
        pytest.raises(GraderError, match="em andamento"),
    ):
        tiny.grade(classdir, exercise)
    assert len(tiny.grade(classdir, exercise)) == STUDENTS


def test_as_many_workers_as_you_like(tmp_path: Path) -> None:
    """Os mesmos registros com um trabalhador e com dois, com a mesma semente."""
    exercise = load_exercise("dropout")
    states = []
    for workers in (1, 2):
        classdir = tiny.create(tmp_path / f"turma-{workers}", exercise)
        for sample in GRADED:
            hand_in(classdir.path, "dropout", sample.student, sample.build(exercise))
        with (
            autograde.session(classdir, exercise, SEED, force=False) as session,
            autograde.open_pool(session.marker, workers, None, True, QUICK) as pool,
        ):
            assert sum(1 for _ in autograde.run(session, pool)) == len(GRADED)
        states.append(tiny.state(classdir, "dropout"))
    assert states[0] == states[1]
    assert {record["student"]: record["score"] for record in states[0]["records"]} == {
        sample.student: pytest.approx(sample.score) for sample in GRADED
    }


def test_only_what_changed_is_graded_again(classdir: ClassDir, exercise: Exercise) -> None:
    tiny.grade(classdir, exercise)
    assert tiny.grade(classdir, exercise) == []
    hand_in(classdir.path, tiny.SLUG, "estudante-03", dumped(tiny.answered()))
    assert tiny.grade(classdir, exercise) == ["estudante-03"]


def test_force_grades_everyone_again(classdir: ClassDir, exercise: Exercise) -> None:
    tiny.grade(classdir, exercise)
    before = tiny.state(classdir)
    assert len(tiny.grade(classdir, exercise, force=True)) == STUDENTS
    assert tiny.state(classdir) == before


def test_the_class_keeps_its_seed(classdir: ClassDir, exercise: Exercise) -> None:
    tiny.grade(classdir, exercise, seed=None)
    assert tiny.grade(classdir, exercise, seed=None) == []


def test_another_seed_grades_everyone_again(classdir: ClassDir, exercise: Exercise) -> None:
    tiny.grade(classdir, exercise, seed=1)
    assert len(tiny.grade(classdir, exercise, seed=2)) == STUDENTS


def test_a_changed_exercise_grades_everyone_again(
    classdir: ClassDir, exercise: Exercise, tmp_path: Path
) -> None:
    tiny.grade(classdir, exercise)
    changed = tiny.write_exercise(tmp_path / "mudado", tiny.SOURCE.replace("points=4", "points=5", 1))
    assert len(tiny.grade(classdir, changed)) == STUDENTS
    assert max(marks(classdir).values()) == 11


def test_a_function_taken_out_takes_its_points(
    classdir: ClassDir, exercise: Exercise, tmp_path: Path
) -> None:
    tiny.grade(classdir, exercise)
    without_center = tiny.SOURCE.partition("# %%\ndef center")[0]
    changed = tiny.write_exercise(tmp_path / "mudado", without_center)
    tiny.grade(classdir, changed)
    assert {student: score_in_gradebook(classdir, student) for student in marks(classdir)} == marks(classdir)
    assert tiny.grade(classdir, changed) == []


def test_a_copied_class_has_its_own_gradebook(classdir: ClassDir, exercise: Exercise, tmp_path: Path) -> None:
    tiny.grade(classdir, exercise)
    before = tiny.gradebook_state(classdir)
    copy = ClassDir(shutil.copytree(classdir.path, tmp_path / "copia"))
    hand_in(copy.path, tiny.SLUG, "estudante-03", dumped(tiny.answered()))
    tiny.grade(copy, exercise)
    assert score_in_gradebook(copy, "estudante-03") == 10
    assert tiny.gradebook_state(classdir) == before


# --- a nova entrega toma o lugar da antiga ----------------------------------------------------------


def test_resubmission_replaces_the_mark(classdir: ClassDir, exercise: Exercise) -> None:
    student = "estudante-00"
    hand_in(classdir.path, tiny.SLUG, student, dumped(tiny.answered()))
    tiny.grade(classdir, exercise)
    assert score_in_gradebook(classdir, student) == 10
    hand_in(classdir.path, tiny.SLUG, student, dumped(tiny.answered("soma", "nada")))
    tiny.grade(classdir, exercise)
    assert score_in_gradebook(classdir, student) == marks(classdir)[student] == 0


def test_resubmission_without_a_check_keeps_none_of_its_points(
    classdir: ClassDir, exercise: Exercise
) -> None:
    student = "estudante-00"
    hand_in(classdir.path, tiny.SLUG, student, dumped(tiny.answered()))
    tiny.grade(classdir, exercise)
    notebook = tiny.answered()
    del notebook["cells"][1:3]  # a função e a verificação dela
    hand_in(classdir.path, tiny.SLUG, student, dumped(notebook))
    tiny.grade(classdir, exercise)
    assert score_in_gradebook(classdir, student) == marks(classdir)[student] == 4


def test_resubmission_replaces_a_mark_given_by_hand(classdir: ClassDir, exercise: Exercise) -> None:
    student = "estudante-00"
    tiny.grade(classdir, exercise)
    grade_by_hand(classdir, student, "mean", 5.5)
    hand_in(classdir.path, tiny.SLUG, student, dumped(tiny.answered("vetores", "nada")))
    tiny.grade(classdir, exercise)
    assert score_in_gradebook(classdir, student) == marks(classdir)[student]


@pytest.mark.parametrize("again", [{"force": True}, {"seed": 99}])
def test_a_mark_given_by_hand_outlives_regrading(
    classdir: ClassDir, exercise: Exercise, again: dict[str, Any]
) -> None:
    """Refazer a nota da mesma entrega não apaga o que alguém decidiu, nem se a hora do arquivo mudou."""
    student = "estudante-00"
    tiny.grade(classdir, exercise)
    grade_by_hand(classdir, student, "mean", 5.5)
    os.utime(classdir.submitted(student, tiny.SLUG) / f"{tiny.SLUG}.ipynb")
    assert student in tiny.grade(classdir, exercise, **again)
    automatic = {
        check.id: check.earned
        for r in read_records(classdir.results(tiny.SLUG))
        if r.student == student
        for check in r.checks
    }
    assert score_in_gradebook(classdir, student) == 5.5 + automatic["center_value"]


def test_an_unreadable_resubmission_is_worth_nothing(classdir: ClassDir, exercise: Exercise) -> None:
    student = "estudante-00"
    hand_in(classdir.path, tiny.SLUG, student, dumped(tiny.answered()))
    tiny.grade(classdir, exercise)
    hand_in(classdir.path, tiny.SLUG, student, b"\x00\xff")
    tiny.grade(classdir, exercise)
    assert score_in_gradebook(classdir, student) == marks(classdir)[student] == 0


# --- o que uma queda deixa --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [*lines[:-1], lines[-1][:40]],
        lambda lines: [*lines, b'{"student": "estu'],
        lambda lines: [lines[0], b"\0" * 100 + b"\n", *lines[2:]],
        lambda lines: [*lines, lines[0], lines[0]],
        lambda lines: [b"\xff\xfe\n", b"[]\n", b"{}\n", *lines[3:]],
        lambda lines: [],
    ],
    ids=["última cortada", "sobra", "zeros", "repetidas", "lixo", "vazio"],
)
def test_damaged_results_are_healed(
    classdir: ClassDir, exercise: Exercise, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    tiny.grade(classdir, exercise)
    expected, path = tiny.state(classdir), classdir.results(tiny.SLUG)
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))
    tiny.grade(classdir, exercise)
    assert tiny.state(classdir) == expected


def test_a_lost_gradebook_is_filled_again(classdir: ClassDir, exercise: Exercise) -> None:
    tiny.grade(classdir, exercise)
    expected = tiny.state(classdir)
    (classdir.path / "gradebook.db").unlink()
    tiny.grade(classdir, exercise)
    assert tiny.state(classdir) == expected


@pytest.mark.parametrize(
    "text", ["ontem", "", "9" * 5000, "99999-01-01 00:00:00 UTC", "\0", "2025-03-01 10:00 +9999"]
)
def test_a_broken_time_of_submission_stops_nobody(classdir: ClassDir, exercise: Exercise, text: str) -> None:
    (classdir.submitted("estudante-00", tiny.SLUG) / "timestamp.txt").write_text(text)
    assert len(tiny.grade(classdir, exercise)) == STUDENTS


def test_an_unreadable_folder_is_a_record(classdir: ClassDir, exercise: Exercise) -> None:
    folder = classdir.submitted("estudante-00", tiny.SLUG)
    shutil.rmtree(folder)
    folder.symlink_to("/etc")
    tiny.grade(classdir, exercise)
    record = next(iter(read_records(classdir.results(tiny.SLUG))))
    assert (record.student, record.status, record.score) == ("estudante-00", "unreadable", 0)


def test_a_student_folder_with_a_broken_name_is_announced(classdir: ClassDir, exercise: Exercise) -> None:
    Path(os.fsdecode(os.fsencode(classdir.path) + b"/submitted/jo\xe3o/medias")).mkdir(parents=True)
    with pytest.raises(GraderError, match="não é UTF-8"):
        tiny.grade(classdir, exercise)
