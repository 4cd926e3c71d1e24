"""Recolher entregas: formatos do Moodle e do Google, várias versões, reentregas e origens hostis."""

import hashlib
import os
import random
import stat
import struct
import unicodedata
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from grader.course import ClassDir
from grader.errors import GraderError, UnreadableSource
from grader.lms import collect as collecting
from grader.lms import sources
from grader.lms.collect import Collected, Manifest, collect
from grader.lms.people import slugify

SLUG = "dropout"
MONDAY = (2025, 3, 3, 10, 0, 0)
TUESDAY = (2025, 3, 4, 10, 0, 0)


@pytest.fixture
def classdir(tmp_path: Path) -> ClassDir:
    path = tmp_path / "turma"
    path.mkdir()
    (path / "nbgrader_config.py").write_text("")
    return ClassDir.open(path)


def member(name: str, when: tuple[int, ...] = MONDAY) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, when)  # type: ignore[arg-type]
    info.external_attr = 0o644 << 16
    return info


def make_zip(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in members:
            archive.writestr(info if isinstance(info, zipfile.ZipInfo) else member(info), data)
    return path


def make_folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def date(path: Path, day: int) -> None:
    moment = datetime(2025, 3, day).timestamp()
    os.utime(path, (moment, moment))


def received(classdir: ClassDir) -> dict[str, bytes | None]:
    """O que `autograde` vai ler: por estudante, o caderno, ou `None` se só há a pasta."""
    found = {}
    for student, folder in classdir.submissions(SLUG):
        notebook = folder / f"{SLUG}.ipynb"
        found[student] = notebook.read_bytes() if notebook.exists() else None
    return found


def actions(result: Collected) -> dict[str, str]:
    return {item.student: item.action for item in result.items}


def notes(result: Collected, student: str) -> str:
    return " ".join(next(item.notes for item in result.items if item.student == student))


def reasons(result: Collected) -> dict[str, str]:
    return {refused.path: refused.reason for refused in result.refused}


def manifest(classdir: ClassDir) -> dict[str, collecting.Received]:
    return Manifest.load(classdir.manifest(SLUG)).root


# Os formatos do Moodle.


@pytest.mark.parametrize(
    "path",
    [
        "Ana Clara Souza_12345_assignsubmission_file_/dropout.ipynb",
        "Ana Clara Souza_12345_assignsubmission_file/dropout.ipynb",
        "Ana Clara Souza_12345_assignsubmission_file_/entrega/final/dropout.ipynb",
        "Ana Clara Souza_12345_assignsubmission_file_dropout.ipynb",
        "IA-Dropout-77/Ana Clara Souza_12345_assignsubmission_file_/dropout.ipynb",
        "IA-Dropout-77/Ana Clara Souza_12345_assignsubmission_file_dropout.ipynb",
    ],
)
@pytest.mark.parametrize("packed", [True, False], ids=["zip", "pasta"])
def test_moodle_layouts(classdir: ClassDir, tmp_path: Path, path: str, packed: bool) -> None:
    files = {path: b"ana", "Bruno Lima_12346_assignsubmission_file_/b.IPYNB": b"bruno"}
    make = make_zip(tmp_path / "x.zip", list(files.items())) if packed else make_folder(tmp_path / "x", files)
    result = collect(classdir, SLUG, make)
    assert received(classdir) == {"ana-clara-souza": b"ana", "bruno-lima": b"bruno"}
    assert actions(result) == {"ana-clara-souza": "nova", "bruno-lima": "nova"}
    assert result.refused == []


def test_manifest_keeps_what_the_lms_said(classdir: ClassDir, tmp_path: Path) -> None:
    folder = "Ana Souza_12345_assignsubmission_file_"
    collect(classdir, SLUG, make_zip(tmp_path / "x.zip", [(f"{folder}/meu caderno.ipynb", b"{}")]))
    entry = manifest(classdir)["ana-souza"]
    assert (entry.name, entry.participant, entry.folder) == ("Ana Souza", 12345, folder)
    assert (entry.file, entry.received) == ("meu caderno.ipynb", datetime(*MONDAY))
    assert entry.sha256 == hashlib.sha256(b"{}").hexdigest()


def test_flat_layout_keeps_prefix_as_folder(classdir: ClassDir, tmp_path: Path) -> None:
    name = "Ana Souza_12345_assignsubmission_file_dropout.ipynb"
    collect(classdir, SLUG, make_zip(tmp_path / "x.zip", [(name, b"{}")]))
    entry = manifest(classdir)["ana-souza"]
    assert (entry.folder, entry.file) == ("Ana Souza_12345_assignsubmission_file_", "dropout.ipynb")


def test_submission_time_reaches_the_file(classdir: ClassDir, tmp_path: Path) -> None:
    collect(classdir, SLUG, make_zip(tmp_path / "x.zip", [("Ana_1_assignsubmission_file_/d.ipynb", b"{}")]))
    target = classdir.submitted("ana", SLUG) / "dropout.ipynb"
    assert datetime.fromtimestamp(target.stat().st_mtime) == datetime(*MONDAY)


def test_online_text_is_not_a_notebook(classdir: ClassDir, tmp_path: Path) -> None:
    source = make_zip(
        tmp_path / "x.zip",
        [
            ("Ana_1_assignsubmission_onlinetext_/onlinetext.html", b"<p>"),
            ("Ana_1_assignsubmission_file_/d.ipynb", b"ana"),
            ("Bruno_2_assignsubmission_onlinetext_/onlinetext.html", b"<p>"),
        ],
    )
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"ana": b"ana", "bruno": None}
    assert actions(result)["bruno"] == "sem caderno"
    assert manifest(classdir)["ana"].folder == "Ana_1_assignsubmission_file_"
    assert "não é um caderno" in reasons(result)["Bruno_2_assignsubmission_onlinetext_/onlinetext.html"]


def test_other_formats_register_the_student_and_say_what_to_ask(classdir: ClassDir, tmp_path: Path) -> None:
    folder = "Ana_1_assignsubmission_file_"
    files = [(f"{folder}/{name}", b"x") for name in ("d.pdf", "d.ipynb.txt", "d.json")]
    result = collect(classdir, SLUG, make_zip(tmp_path / "x.zip", files))
    assert received(classdir) == {"ana": None}
    assert "Colab" in reasons(result)[f"{folder}/d.pdf"]
    assert "terminação" in reasons(result)[f"{folder}/d.ipynb.txt"]
    assert "terminação" in reasons(result)[f"{folder}/d.json"]
    assert manifest(classdir)["ana"].file is None


# Nomes.


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("João D'Ávila Conceição", "joao-davila-conceicao"),
        ("Zoë O’Brien-Müller", "zoe-obrien-muller"),
        ("  Ana   Souza ", "ana-souza"),
        ("李雷", "李雷"),
        ("김민준", "김민준"),
        ("Ana_Souza", "ana-souza"),
        ("…", ""),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_become_folders(name: str, student: str, form: str) -> None:
    assert slugify(unicodedata.normalize(form, name)) == student  # type: ignore[arg-type]


def test_nfc_and_nfd_are_the_same_person(classdir: ClassDir, tmp_path: Path) -> None:
    for day, form in enumerate(("NFC", "NFD"), 1):
        name = unicodedata.normalize(form, "João - dropout.ipynb")  # type: ignore[arg-type]
        source = make_folder(tmp_path / form, {name: form.encode()})
        date(source / name, day)
        collect(classdir, SLUG, source)
    assert received(classdir) == {"joao": b"NFD"}


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp850"])
def test_zip_names_without_utf8_mark(classdir: ClassDir, tmp_path: Path, encoding: str) -> None:
    name = "José Açaí" if encoding == "cp437" else "João Conceição"
    ascii_name = "".join("\x7f" if ord(char) > 127 else char for char in name)
    raw = name.encode(encoding)
    placeholder = ascii_name.replace("\x7f", "xy") if encoding == "utf-8" else ascii_name.replace("\x7f", "x")
    path = make_zip(tmp_path / "x.zip", [(f"{placeholder}_7_assignsubmission_file_/d.ipynb", b"{}")])
    assert len(placeholder) == len(raw)
    path.write_bytes(path.read_bytes().replace(placeholder.encode(), raw))
    collect(classdir, SLUG, path)
    assert manifest(classdir)[slugify(name)].name == name


def test_control_characters_do_not_reach_the_terminal(classdir: ClassDir, tmp_path: Path) -> None:
    name = "Ana\x1b[31m_1_assignsubmission_file_/\u202eipynb.exe"
    result = collect(classdir, SLUG, make_zip(tmp_path / "x.zip", [(name, b"x")]))
    shown = [text for item in result.items for text in (item.student, item.name, *item.notes)]
    shown += [text for refused in result.refused for text in (refused.path, refused.reason)]
    assert len(shown) == 5
    assert all(text.isprintable() for text in shown)


def test_file_names_that_are_not_utf8(classdir: ClassDir, tmp_path: Path) -> None:
    root = tmp_path / "x"
    root.mkdir()
    with open(os.fsencode(root) + b"/Jos\xe9 - dropout.ipynb", "wb") as stream:  # noqa: PTH123
        stream.write(b"{}")
    collect(classdir, SLUG, root)
    assert [entry.name for entry in manifest(classdir).values()] == ["Jos\ufffd"]


# Google e pastas comuns.


@pytest.mark.parametrize("wrapper", ["", "Dropout-20250303T1000-001/", "Classroom/Turma A/Dropout/"])
def test_google_classroom(classdir: ClassDir, tmp_path: Path, wrapper: str) -> None:
    names = [
        "Ana Souza - dropout.ipynb",
        "Cópia de Bruno Lima - dropout.ipynb",
        "Carla Dias - Cópia de dropout.ipynb",
        "Davi Reis - dropout (1).ipynb",
        "Copy of Eva Maia - Minha entrega - final.ipynb",
    ]
    source = make_zip(tmp_path / "x.zip", [(wrapper + name, b"{}") for name in names])
    collect(classdir, SLUG, source)
    assert list(received(classdir)) == ["ana-souza", "bruno-lima", "carla-dias", "davi-reis", "eva-maia"]


def test_google_folders_side_by_side(classdir: ClassDir, tmp_path: Path) -> None:
    source = make_folder(
        tmp_path / "x",
        {
            "Turma A/Ana Souza - dropout.ipynb": b"a",
            "Turma A/Bruno Lima - dropout.ipynb": b"b",
            "Turma B/Carla Dias - dropout.ipynb": b"c",
            "Turma B/Davi Reis - dropout.ipynb": b"d",
        },
    )
    collect(classdir, SLUG, source)
    assert list(received(classdir)) == ["ana-souza", "bruno-lima", "carla-dias", "davi-reis"]


def test_single_google_file_in_a_wrapper(classdir: ClassDir, tmp_path: Path) -> None:
    collect(classdir, SLUG, make_folder(tmp_path / "x", {"Dropout/Ana Souza - dropout.ipynb": b"a"}))
    assert received(classdir) == {"ana-souza": b"a"}


def test_plain_folder_per_student_keeps_its_name(classdir: ClassDir, tmp_path: Path) -> None:
    files = {"Ana": b"a", "bruno.lima@exemplo.br": b"b", "Carla Dias": b"c"}
    collect(classdir, SLUG, make_folder(tmp_path / "x", {f"{k}/dropout.ipynb": v for k, v in files.items()}))
    assert received(classdir) == {"Ana": b"a", "bruno.lima@exemplo.br": b"b", "carla-dias": b"c"}


def test_nbgrader_layout(classdir: ClassDir, tmp_path: Path) -> None:
    files = {"ana/dropout/dropout.ipynb": b"a", "bruno/dropout/dropout.ipynb": b"b"}
    collect(classdir, SLUG, make_folder(tmp_path / "x", files))
    assert received(classdir) == {"ana": b"a", "bruno": b"b"}


def test_one_file_per_student(classdir: ClassDir, tmp_path: Path) -> None:
    files = {"turma/ana.ipynb": b"a", "turma/Bruno Lima.ipynb": b"b", "turma/notas.xlsx": b""}
    result = collect(classdir, SLUG, make_folder(tmp_path / "x", files))
    assert received(classdir) == {"ana": b"a", "bruno-lima": b"b"}
    assert list(reasons(result)) == ["turma/notas.xlsx"]


@pytest.mark.parametrize(
    "name", ["dropout.ipynb", "dropout (1).ipynb", "Cópia de dropout.ipynb", "dropout - Copia.ipynb"]
)
def test_a_file_named_after_the_exercise_is_nobodys(classdir: ClassDir, tmp_path: Path, name: str) -> None:
    result = collect(classdir, SLUG, make_folder(tmp_path / "x", {name: b"{}", "ana/dropout.ipynb": b"a"}))
    assert received(classdir) == {"ana": b"a"}
    assert "de quem é" in reasons(result)[name]


def test_class_of_one(classdir: ClassDir, tmp_path: Path) -> None:
    files = {"ana/dropout.ipynb": b"velho", "ana/dropout (1).ipynb": b"novo", "ana/figuras/x.png": b""}
    collect(classdir, SLUG, make_folder(tmp_path / "x", files))
    assert received(classdir) == {"ana": b"novo"}


def test_student_folder_without_notebook_is_registered(classdir: ClassDir, tmp_path: Path) -> None:
    source = make_folder(tmp_path / "x", {"ana/dropout.ipynb": b"a", "bruno/trabalho.pdf": b"%PDF"})
    (source / "carla").mkdir()
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"ana": b"a", "bruno": None, "carla": None}
    assert actions(result) == {"ana": "nova", "bruno": "sem caderno", "carla": "sem caderno"}


def test_files_of_the_system_are_ignored(classdir: ClassDir, tmp_path: Path) -> None:
    files = {
        "ana/dropout.ipynb": b"a",
        "ana/._dropout.ipynb": b"\0\5",
        "ana/.ipynb_checkpoints/dropout-checkpoint.ipynb": b"velho",
        "__MACOSX/ana/._dropout.ipynb": b"\0\5",
        ".git/config": b"",
    }
    for source in (make_folder(tmp_path / "x", files), make_zip(tmp_path / "x.zip", list(files.items()))):
        collect(classdir, SLUG, source)
        assert received(classdir) == {"ana": b"a"}


# Vários arquivos de uma pessoa.


def test_zip_takes_the_newest_by_the_zip_date(classdir: ClassDir, tmp_path: Path) -> None:
    folder = "Ana_1_assignsubmission_file_"
    source = make_zip(
        tmp_path / "x.zip",
        [
            (member(f"{folder}/dropout.ipynb", TUESDAY), b"novo"),
            (member(f"{folder}/dropout (9).ipynb", MONDAY), b"velho"),
        ],
    )
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"ana": b"novo"}
    said = "De 2 arquivos, valeu “dropout.ipynb”, o mais recente pela data que o zip lhe dá"
    assert said in notes(result, "ana")
    assert said in " ".join(manifest(classdir)["ana"].notes)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("dropout.ipynb", "dropout (1).ipynb"),
        ("dropout (1).ipynb", "dropout (2).ipynb"),
        ("dropout (9).ipynb", "dropout (10).ipynb"),
        ("dropout 2025-03-02 (3).ipynb", "dropout 2025-03-10.ipynb"),
        ("dropout_20250302.ipynb", "dropout_20250302_1015.ipynb"),
        ("dropout 10-03-2025.ipynb", "dropout 02-04-2025.ipynb"),
    ],
)
@pytest.mark.parametrize("packed", [True, False], ids=["zip", "pasta"])
def test_without_a_date_the_name_decides(
    classdir: ClassDir, tmp_path: Path, older: str, newer: str, packed: bool
) -> None:
    files = {f"ana/{newer}": b"novo", f"ana/{older}": b"velho", "bruno/dropout.ipynb": b"b"}
    if packed:
        source = make_zip(tmp_path / "x.zip", list(files.items()))
    else:
        source = make_folder(tmp_path / "x", files)
        date(source / "ana" / older, 20)
        date(source / "ana" / newer, 10)
    collect(classdir, SLUG, source)
    assert received(classdir)["ana"] == b"novo"


def test_folder_date_decides_when_names_say_nothing(classdir: ClassDir, tmp_path: Path) -> None:
    source = make_folder(
        tmp_path / "x", {"ana/a_dropout.ipynb": b"novo", "ana/b_dropout.ipynb": b"velho", "b/d.ipynb": b""}
    )
    date(source / "ana/a_dropout.ipynb", 9)
    date(source / "ana/b_dropout.ipynb", 8)
    assert "pela data do arquivo" in notes(collect(classdir, SLUG, source), "ana")
    assert received(classdir)["ana"] == b"novo"


def test_duplicate_members_are_read_each_one(classdir: ClassDir, tmp_path: Path) -> None:
    name = "Ana_1_assignsubmission_file_/dropout.ipynb"
    with pytest.warns(UserWarning, match="Duplicate name"):
        source = make_zip(tmp_path / "x.zip", [(member(name, TUESDAY), b"novo"), (member(name), b"velho")])
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"ana": b"novo"}
    assert "De 2 arquivos" in notes(result, "ana")


def test_a_notebook_of_another_exercise_loses(
    classdir: ClassDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "slugs", lambda: ["dropout", "otimizadores"])
    source = make_folder(tmp_path / "x", {"ana/dropout.ipynb": b"d", "ana/otimizadores.ipynb": b"o"})
    date(source / "ana/dropout.ipynb", 1)
    assert "outro exercício" in notes(collect(classdir, SLUG, source), "ana")
    assert received(classdir) == {"ana": b"d"}


def test_zip_handed_in_by_a_student(classdir: ClassDir, tmp_path: Path) -> None:
    inner = make_zip(
        tmp_path / "inner.zip", [("p/dropout.ipynb", b"a"), ("p/f.png", b""), ("__MACOSX/p/._d.ipynb", b"")]
    )
    crowded = make_zip(tmp_path / "crowded.zip", [("a.ipynb", b""), ("b.ipynb", b"")])
    source = make_zip(
        tmp_path / "x.zip",
        [
            ("Ana_1_assignsubmission_file_/entrega.zip", inner.read_bytes()),
            ("Bia_2_assignsubmission_file_/entrega.zip", crowded.read_bytes()),
            ("Caio_3_assignsubmission_file_/entrega.zip", b"nada"),
            ("Davi_4_assignsubmission_file_/dados.zip", inner.read_bytes()),
            ("Davi_4_assignsubmission_file_/d.ipynb", b"d"),
        ],
    )
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"ana": b"a", "bia": None, "caio": None, "davi": b"d"}
    assert "2 cadernos" in reasons(result)["Bia_2_assignsubmission_file_/entrega.zip"]
    assert "não é um zip" in reasons(result)["Caio_3_assignsubmission_file_/entrega.zip"]


# Homônimos.


def test_namesakes_are_never_merged(classdir: ClassDir, tmp_path: Path) -> None:
    source = make_zip(
        tmp_path / "x.zip",
        [(f"Ana Souza_{number}_assignsubmission_file_/d.ipynb", str(number).encode()) for number in (12, 11)],
    )
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"ana-souza-11": b"11", "ana-souza-12": b"12"}
    assert "outra pessoa com este nome" in notes(result, "ana-souza-12")


def test_a_later_namesake_does_not_take_the_first_ones_place(classdir: ClassDir, tmp_path: Path) -> None:
    first = ("Ana Souza_12_assignsubmission_file_/d.ipynb", b"12")
    second = ("Ana Souza_11_assignsubmission_file_/d.ipynb", b"11")
    collect(classdir, SLUG, make_zip(tmp_path / "1.zip", [first]))
    result = collect(classdir, SLUG, make_zip(tmp_path / "2.zip", [second, first]))
    assert received(classdir) == {"ana-souza": b"12", "ana-souza-11": b"11"}
    assert actions(result) == {"ana-souza": "sem mudança", "ana-souza-11": "nova"}


def test_folders_whose_names_collide(classdir: ClassDir, tmp_path: Path) -> None:
    files = {"Ana Souza/d.ipynb": b"1", "ana-souza/d.ipynb": b"2", "Ana-Souza/d.ipynb": b"3"}
    source = make_folder(tmp_path / "x", files)
    collect(classdir, SLUG, source)
    before = received(classdir)
    assert sorted(before.values()) == [b"1", b"2", b"3"]
    assert len({student.casefold() for student in before}) == 3
    assert set(actions(collect(classdir, SLUG, source)).values()) == {"sem mudança"}
    assert received(classdir) == before


def test_folder_with_the_exact_id_is_the_known_student(classdir: ClassDir, tmp_path: Path) -> None:
    collect(
        classdir, SLUG, make_zip(tmp_path / "x.zip", [("Ana Souza_12_assignsubmission_file_/d.ipynb", b"1")])
    )
    result = collect(
        classdir, SLUG, make_folder(tmp_path / "x", {"ana-souza/d.ipynb": b"2", "bia/d.ipynb": b"b"})
    )
    assert actions(result) == {"ana-souza": "substituída", "bia": "nova"}
    assert manifest(classdir)["ana-souza"].participant == 12


def test_anonymous_marking_always_uses_the_number(classdir: ClassDir, tmp_path: Path) -> None:
    result = collect(
        classdir,
        SLUG,
        make_zip(tmp_path / "x.zip", [("Participante_31_assignsubmission_file_/d.ipynb", b"1")]),
    )
    assert received(classdir) == {"participante-31": b"1"}
    assert notes(result, "participante-31") == ""


# Reentregas.


def moodle(path: Path, when: tuple[int, ...], data: bytes) -> Path:
    return make_zip(path, [(member("Ana_1_assignsubmission_file_/dropout.ipynb", when), data)])


def test_collecting_twice_changes_nothing(classdir: ClassDir, tmp_path: Path) -> None:
    source = moodle(tmp_path / "x.zip", MONDAY, b"1")
    collect(classdir, SLUG, source)
    before = classdir.manifest(SLUG).read_bytes()
    assert actions(collect(classdir, SLUG, source)) == {"ana": "sem mudança"}
    assert classdir.manifest(SLUG).read_bytes() == before


def test_newer_submission_replaces_and_keeps_the_old_one(classdir: ClassDir, tmp_path: Path) -> None:
    collect(classdir, SLUG, moodle(tmp_path / "1.zip", MONDAY, b"1"))
    result = collect(classdir, SLUG, moodle(tmp_path / "2.zip", TUESDAY, b"2"))
    assert actions(result) == {"ana": "substituída"}
    assert received(classdir) == {"ana": b"2"}
    backups = list((classdir.manifest(SLUG).parent / "anteriores" / "ana").iterdir())
    assert [(path.name[:19], path.read_bytes()) for path in backups] == [("2025-03-03T10-00-00", b"1")]


def test_older_submission_does_not_replace(classdir: ClassDir, tmp_path: Path) -> None:
    collect(classdir, SLUG, moodle(tmp_path / "2.zip", TUESDAY, b"2"))
    result = collect(classdir, SLUG, moodle(tmp_path / "1.zip", MONDAY, b"1"))
    assert actions(result) == {"ana": "mantida"}
    assert received(classdir) == {"ana": b"2"}
    assert manifest(classdir)["ana"].received == datetime(*TUESDAY)


def test_same_bytes_with_a_newer_date_keep_the_first_date(classdir: ClassDir, tmp_path: Path) -> None:
    collect(classdir, SLUG, moodle(tmp_path / "1.zip", MONDAY, b"1"))
    assert actions(collect(classdir, SLUG, moodle(tmp_path / "2.zip", TUESDAY, b"1"))) == {
        "ana": "sem mudança"
    }
    assert manifest(classdir)["ana"].received == datetime(*MONDAY)


@pytest.mark.parametrize("known", [True, False], ids=["alterado", "posto à mão"])
def test_notebook_touched_by_hand_is_never_overwritten(
    classdir: ClassDir, tmp_path: Path, known: bool
) -> None:
    if known:
        collect(classdir, SLUG, moodle(tmp_path / "1.zip", MONDAY, b"1"))
    target = classdir.submitted("ana", SLUG) / "dropout.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"corrigido pelo professor")
    result = collect(classdir, SLUG, moodle(tmp_path / "2.zip", TUESDAY, b"2"))
    assert actions(result) == {"ana": "mantida"}
    assert "à mão" in notes(result, "ana")
    assert target.read_bytes() == b"corrigido pelo professor"


def test_source_without_the_notebook_keeps_the_one_of_the_class(classdir: ClassDir, tmp_path: Path) -> None:
    collect(classdir, SLUG, moodle(tmp_path / "1.zip", MONDAY, b"1"))
    source = make_zip(tmp_path / "2.zip", [("Ana_1_assignsubmission_file_/d.pdf", b"")])
    assert actions(collect(classdir, SLUG, source)) == {"ana": "mantida"}
    assert manifest(classdir)["ana"].file == "dropout.ipynb"


def test_interrupted_before_the_manifest_heals(classdir: ClassDir, tmp_path: Path) -> None:
    source = moodle(tmp_path / "1.zip", MONDAY, b"1")
    collect(classdir, SLUG, source)
    classdir.manifest(SLUG).unlink()
    assert actions(collect(classdir, SLUG, source)) == {"ana": "sem mudança"}
    assert manifest(classdir)["ana"].received == datetime(*MONDAY)


def test_broken_manifest_is_a_clear_error(classdir: ClassDir, tmp_path: Path) -> None:
    source = moodle(tmp_path / "1.zip", MONDAY, b"1")
    collect(classdir, SLUG, source)
    classdir.manifest(SLUG).write_text('{"ana": ')
    with pytest.raises(GraderError, match=r"manifest\.json"):
        collect(classdir, SLUG, source)


# Origens que não servem: erro claro, e nada escrito.


def refuse(classdir: ClassDir, source: Path, match: str) -> None:
    before = sorted(classdir.path.rglob("*"))
    with pytest.raises(UnreadableSource, match=match):
        collect(classdir, SLUG, source)
    assert sorted(classdir.path.rglob("*")) == before


def test_missing_source(classdir: ClassDir, tmp_path: Path) -> None:
    refuse(classdir, tmp_path / "nada.zip", "Não consegui ler")


def test_not_a_zip(classdir: ClassDir, tmp_path: Path) -> None:
    source = tmp_path / "x.zip"
    source.write_bytes(b"isto nao e um zip" * 100)
    refuse(classdir, source, "não é um zip")


def test_truncated_zip(classdir: ClassDir, tmp_path: Path) -> None:
    source = make_zip(tmp_path / "x.zip", [(f"s{i}/d.ipynb", os.urandom(2000)) for i in range(5)])
    source.write_bytes(source.read_bytes()[:-300])
    refuse(classdir, source, "download veio incompleto")


def test_fifo_as_source(classdir: ClassDir, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.zip")
    refuse(classdir, tmp_path / "x.zip", "nem arquivo comum")


def test_empty_folder(classdir: ClassDir, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    refuse(classdir, tmp_path / "x", "vazia")


def test_the_class_itself(classdir: ClassDir) -> None:
    refuse(classdir, classdir.path, "própria turma")


def test_too_many_entries(classdir: ClassDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_ENTRIES", 5)
    files = {f"s{i}/d.ipynb": b"" for i in range(6)}
    refuse(classdir, make_zip(tmp_path / "x.zip", list(files.items())), "mais de 5 arquivos")
    refuse(classdir, make_folder(tmp_path / "x", files), "mais de 5 arquivos")


def test_too_much_in_total(classdir: ClassDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "MAX_TOTAL", 500)
    files = {f"s{i}/d.ipynb": bytes(200) for i in range(3)}
    refuse(classdir, make_zip(tmp_path / "x.zip", list(files.items())), "Recolha em partes")


@pytest.mark.parametrize("seed", range(60))
def test_mutilated_zips_never_crash(classdir: ClassDir, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    source = make_zip(
        tmp_path / "x.zip", [(f"S{i}_{i}_assignsubmission_file_/d.ipynb", bytes(99)) for i in range(4)]
    )
    data = bytearray(source.read_bytes())
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    source.write_bytes(data)
    try:
        result = collect(classdir, SLUG, source)
    except UnreadableSource:
        assert received(classdir) == {}
    else:
        assert len(result.items) + len(result.refused) > 0


# Membros hostis: recusados um a um; a turma segue.


GOOD = ("Bia_2_assignsubmission_file_/d.ipynb", b"bia")
ANA = "Ana_1_assignsubmission_file_/d.ipynb"


@pytest.mark.parametrize(
    "name",
    [
        "../../fora.ipynb",
        "Ana_1_assignsubmission_file_/../../fora.ipynb",
        "/etc/fora.ipynb",
        "C:/fora.ipynb",
        "C:fora.ipynb",
        "..\\..\\fora.ipynb",
        "ana/./d.ipynb",
        "ana//d.ipynb",
    ],
)
def test_zip_slip(classdir: ClassDir, tmp_path: Path, name: str) -> None:
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(classdir.path)}
    source = make_zip(tmp_path / "x.zip", [(name, b"x"), GOOD])
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"bia": b"bia"}
    assert "sairia da pasta" in reasons(result)[name]
    after = {path for path in tmp_path.rglob("*") if not path.is_relative_to(classdir.path)}
    assert after == before | {source}


def test_symlink_member(classdir: ClassDir, tmp_path: Path) -> None:
    info = member(ANA)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    result = collect(classdir, SLUG, make_zip(tmp_path / "x.zip", [(info, b"/etc/passwd"), GOOD]))
    assert received(classdir) == {"ana": None, "bia": b"bia"}
    assert "link" in reasons(result)[ANA]


def test_encrypted_member(classdir: ClassDir, tmp_path: Path) -> None:
    source = make_zip(tmp_path / "x.zip", [(ANA, b"x"), GOOD])
    data = bytearray(source.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    source.write_bytes(data)
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"ana": None, "bia": b"bia"}
    assert "senha" in reasons(result)[ANA]
    assert "senha" in notes(result, "ana")


def test_zip_bomb_member(classdir: ClassDir, tmp_path: Path) -> None:
    bomb = bytes(sources.MAX_FILE + 1)
    result = collect(classdir, SLUG, make_zip(tmp_path / "x.zip", [(ANA, bomb), GOOD]))
    assert received(classdir) == {"ana": None, "bia": b"bia"}
    assert "50 MB" in reasons(result)[ANA]


@pytest.mark.parametrize("declared", [10, 2**31])
def test_member_that_lies_about_its_size(classdir: ClassDir, tmp_path: Path, declared: int) -> None:
    source = make_zip(tmp_path / "x.zip", [(ANA, bytes(1_000_000)), GOOD])
    data = bytearray(source.read_bytes())
    data[(place := data.index(b"PK\x01\x02") + 24) : place + 4] = struct.pack("<L", declared)
    source.write_bytes(data)
    result = collect(classdir, SLUG, source)
    assert received(classdir)["bia"] == b"bia"
    assert (received(classdir)["ana"] or b"").count(0) in (0, 1_000_000)
    assert len(result.items) == 2


def test_bomb_inside_a_students_zip(classdir: ClassDir, tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", [("d.ipynb", bytes(sources.MAX_FILE + 1))])
    name = "Ana_1_assignsubmission_file_/e.zip"
    result = collect(classdir, SLUG, make_zip(tmp_path / "x.zip", [(name, inner.read_bytes()), GOOD]))
    assert received(classdir) == {"ana": None, "bia": b"bia"}
    assert "50 MB" in reasons(result)[name]


def test_corrupted_newest_falls_back_to_the_older_one(classdir: ClassDir, tmp_path: Path) -> None:
    folder = "Ana_1_assignsubmission_file_"
    newest = member(f"{folder}/d2.ipynb", TUESDAY)
    newest.compress_type = zipfile.ZIP_STORED
    source = tmp_path / "x.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr(newest, b"conteudo novo")
        archive.writestr(member(f"{folder}/d1.ipynb"), b"velho")
    source.write_bytes(source.read_bytes().replace(b"conteudo", b"CONTEUDO"))
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"ana": b"velho"}
    assert "“d2.ipynb” não foi usado" in notes(result, "ana")


def test_unusual_compression(classdir: ClassDir, tmp_path: Path) -> None:
    source = tmp_path / "x.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(ANA, b"x")
        archive.writestr(*GOOD, compress_type=zipfile.ZIP_DEFLATED)
    result = collect(classdir, SLUG, source)
    assert received(classdir) == {"ana": None, "bia": b"bia"}
    assert "compressão" in reasons(result)[ANA]


def test_very_long_name(classdir: ClassDir, tmp_path: Path) -> None:
    files = [
        ("a" * 60_000 + "/d.ipynb", b""),
        ("a/" * 20_000 + "d.ipynb", b""),
        ("b" * 250 + "/d.ipynb", b"b"),
        GOOD,
    ]
    result = collect(classdir, SLUG, make_zip(tmp_path / "x.zip", files))
    assert received(classdir) == {"b" * 60: b"b", "bia": b"bia"}
    assert set(reasons(result).values()) == {"nome comprido demais"}


def test_broken_date_in_the_zip(classdir: ClassDir, tmp_path: Path) -> None:
    source = make_zip(tmp_path / "x.zip", [GOOD])
    data = bytearray(source.read_bytes())
    place = data.index(b"PK\x01\x02") + 12
    data[place : place + 4] = b"\xff\xff\xff\xff"
    source.write_bytes(data)
    collect(classdir, SLUG, source)
    assert manifest(classdir)["bia"].received == datetime(1980, 1, 1)


# Pastas hostis.


def test_links_and_special_files_in_a_folder(classdir: ClassDir, tmp_path: Path) -> None:
    secret = tmp_path / "segredo"
    secret.write_bytes(b"segredo")
    (tmp_path / "pasta").mkdir()
    (tmp_path / "pasta/d.ipynb").write_bytes(b"segredo")
    root = make_folder(
        tmp_path / "x", {f"{name}/leia.txt": b"" for name in ("link", "hard", "fifo", "dir", "loop")}
    )
    (root / "link/d.ipynb").symlink_to(secret)
    os.link(secret, root / "hard/d.ipynb")
    os.mkfifo(root / "fifo/d.ipynb")
    (root / "dir/d.ipynb").mkdir()
    (root / "loop/d.ipynb").symlink_to(root)
    (root / "fora").symlink_to(tmp_path / "pasta")
    make_folder(root, {"bia/d.ipynb": b"bia"})
    result = collect(classdir, SLUG, root)
    assert received(classdir) == {
        "link": None,
        "hard": None,
        "fifo": None,
        "dir": None,
        "loop": None,
        "bia": b"bia",
    }
    why = reasons(result)
    assert "link simbólico" in why["link/d.ipynb"]
    assert "link físico" in why["hard/d.ipynb"]
    assert "arquivo comum" in why["fifo/d.ipynb"]
    assert "pasta com nome de caderno" in why["dir/d.ipynb"]
    assert "link simbólico" in why["loop/d.ipynb"]
    assert "fora" in why


def test_enormous_notebook_in_a_folder(classdir: ClassDir, tmp_path: Path) -> None:
    root = make_folder(tmp_path / "x", {"ana/d.ipynb": b"", "bia/d.ipynb": b"bia"})
    os.truncate(root / "ana/d.ipynb", 200 * 2**20)
    result = collect(classdir, SLUG, root)
    assert received(classdir) == {"ana": None, "bia": b"bia"}
    assert "50 MB" in reasons(result)["ana/d.ipynb"]


def test_content_is_not_judged(classdir: ClassDir, tmp_path: Path) -> None:
    data = b"\xff\xfe nem JSON \x00"
    collect(classdir, SLUG, make_folder(tmp_path / "x", {"ana/d.ipynb": data, "bia/d.ipynb": b""}))
    assert received(classdir) == {"ana": data, "bia": b""}


def test_unwritable_class(classdir: ClassDir, tmp_path: Path) -> None:
    (classdir.path / "submitted").write_text("um arquivo no lugar da pasta")
    with pytest.raises(GraderError, match="submitted"):
        collect(classdir, SLUG, make_folder(tmp_path / "x", {"ana/d.ipynb": b""}))


def test_order_of_the_zip_does_not_matter(classdir: ClassDir, tmp_path: Path) -> None:
    files = [(f"Pessoa {i}_{i}_assignsubmission_file_/d.ipynb", str(i).encode()) for i in range(30)]
    random.Random(1).shuffle(files)
    result = collect(classdir, SLUG, make_zip(tmp_path / "x.zip", files))
    assert [item.student for item in result.items] == sorted(slugify(f"Pessoa {i}") for i in range(30))
