"""Levar as notas de volta: a tabela CSV e a planilha do Moodle, byte a byte."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.course import ROOT, ClassDir
from grader.errors import GraderError, UnreadableSource
from grader.files import write_atomically
from grader.grading.gradebook import open_gradebook
from grader.lms.collect import Manifest, Received
from grader.lms.export import export
from grader.record import CheckResult, Record

SLUG = "dropout"
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # do próprio nbgrader
ENGLISH = (
    'Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\n'
    '"Participant 101","João D\'Ávila",joao@exemplo.br,"Submitted for grading",,10.00,Yes,'
    '"Monday, 3 March 2025, 10:00 AM",-,\n'
    '"Participant 102","Ana ""Nina"" Souza",ana@exemplo.br,"Submitted for grading",,10.00,Yes,-,-,'
    '"<p>Duas linhas,\numa ""citação""</p>"\n'
    '"Participant 103","Caio Prado",caio@exemplo.br,"No submission",,10.00,Yes,-,-,\n'
)
PORTUGUESE = (
    'Identificador,"Nome completo","Endereço de email",Status,Nota,"Nota máxima","Nota pode ser alterada",'
    '"Última modificação (envio)","Última modificação (nota)","Comentários de feedback"\n'
    'Participante101,"João D\'Ávila",joao@exemplo.br,"Enviado para avaliação",,"10,00",Sim,-,-,\n'
    'Participante102,"Ana Souza",ana@exemplo.br,"Enviado para avaliação","4,00","10,00",Sim,-,-,\n'
)


def make_class(path: Path) -> ClassDir:
    path.mkdir()
    database = f"sqlite:///{path / 'gradebook.db'}"
    (path / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {database!r}\n")
    return ClassDir.open(path)


@pytest.fixture(scope="session")
def blank_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Um livro de notas vazio; criá-lo custa mais de um segundo, e copiá-lo, nada."""
    classdir = make_class(tmp_path_factory.mktemp("modelo") / "turma")
    open_gradebook(classdir).close()
    return classdir.path / "gradebook.db"


@pytest.fixture
def classdir(tmp_path: Path, blank_gradebook: Path) -> ClassDir:
    classdir = make_class(tmp_path / "turma")
    shutil.copy(blank_gradebook, classdir.path)
    return classdir


def record(student: str, earned: float, status: str = "graded") -> Record:
    checks = [
        CheckResult(id="forward", title="", points=6, earned=min(earned, 6), hidden=False, status="passed"),
        CheckResult(
            id="backward", title="", points=4, earned=max(earned - 6, 0), hidden=True, status="failed"
        ),
    ]
    return Record.model_validate(
        {
            "student": student,
            "exercise": SLUG,
            "status": status,
            "score": earned,
            "max_score": 10,
            "seconds": 0.1,
            "checks": [check.model_dump() for check in checks] if status == "graded" else [],
        }
    )


def write_results(classdir: ClassDir, *records: Record) -> None:
    write_atomically(classdir.results(SLUG), "".join(record.model_dump_json() + "\n" for record in records))


def write_manifest(classdir: ClassDir, **people: tuple[str, int | None]) -> None:
    entries = {
        student.replace("_", "-"): Received(name=name, participant=number)
        for student, (name, number) in people.items()
    }
    Manifest(entries).save(classdir.manifest(SLUG))


def write_gradebook(classdir: ClassDir, scores: dict[str, tuple[float, float | None]]) -> None:
    """Um livro de notas com (automática, à mão) por estudante."""
    with open_gradebook(classdir) as gradebook:
        gradebook.add_assignment(SLUG)
        gradebook.add_notebook(SLUG, SLUG)
        gradebook.add_grade_cell("forward", SLUG, SLUG, max_score=10, cell_type="code")
        for student, (automatic, by_hand) in scores.items():
            gradebook.add_student(student, first_name="Nome", last_name="do Livro")
            gradebook.add_submission(SLUG, student)
            grade = gradebook.find_grade("forward", SLUG, SLUG, student)
            grade.auto_score, grade.manual_score = automatic, by_hand
        gradebook.db.commit()


@pytest.fixture
def graded(classdir: ClassDir) -> ClassDir:
    """João com 8,5 e Ana com 10, como o Moodle os conhece; Caio não entregou."""
    write_results(classdir, record("joao", 8.5), record("ana", 10))
    write_manifest(classdir, joao=("João DÁvila", 101), ana=("Ana Nina Souza", 102))
    return classdir


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def fill(classdir: ClassDir, content: str | bytes) -> tuple[bytes, str]:
    """A planilha preenchida e os avisos."""
    sheet = classdir.path / "planilha.csv"
    sheet.write_bytes(content.encode() if isinstance(content, str) else content)
    exported = export(classdir, "moodle", SLUG, sheet)
    assert exported.files == [classdir.path / "exports" / "dropout-moodle.csv"]
    return exported.files[0].read_bytes(), " ".join(exported.notes)


# CSV.


def test_csv_has_one_row_per_student_and_one_column_per_check(graded: ClassDir) -> None:
    exported = export(graded, "csv", SLUG)
    assert exported.files == [graded.path / "exports" / "dropout.csv"]
    assert table(exported.files[0]) == [
        {
            "student": "ana",
            "name": "Ana Nina Souza",
            "status": "graded",
            "score": "10.0",
            "max_score": "10.0",
            "forward": "6.0",
            "backward": "4.0",
        },
        {
            "student": "joao",
            "name": "João DÁvila",
            "status": "graded",
            "score": "8.5",
            "max_score": "10.0",
            "forward": "6.0",
            "backward": "2.5",
        },
    ]


def test_csv_quotes_and_disarms_names(classdir: ClassDir) -> None:
    names = ['Souza, Ana "Nina"', "=HYPERLINK(1)", "+55", "-1", "@SUM(A1)", "duas\nlinhas"]
    write_results(classdir, *(record(f"s{i}", 1) for i in range(len(names))))
    write_manifest(classdir, **{f"s{i}": (name, None) for i, name in enumerate(names)})
    rows = table(export(classdir, "csv", SLUG).files[0])
    assert [row["name"] for row in rows] == [
        'Souza, Ana "Nina"', "'=HYPERLINK(1)", "'+55", "'-1", "'@SUM(A1)", "duas\nlinhas",
    ]  # fmt: skip


def test_csv_of_submissions_without_checks(classdir: ClassDir) -> None:
    write_results(classdir, record("ana", 0, "unreadable"), record("bia", 7))
    rows = table(export(classdir, "csv", SLUG).files[0])
    assert [(row["status"], row["score"], row["forward"]) for row in rows] == [
        ("unreadable", "0.0", ""),
        ("graded", "7.0", "6.0"),
    ]


def test_marks_given_by_hand_win(graded: ClassDir) -> None:
    write_gradebook(graded, {"ana": (10, 3), "joao": (8.5, None)})
    rows = {row["student"]: row for row in table(export(graded, "csv", SLUG).files[0])}
    assert (rows["ana"]["score"], rows["joao"]["score"]) == ("3.0", "8.5")
    assert rows["ana"]["forward"] == "6.0"


def test_student_known_only_to_the_gradebook(graded: ClassDir) -> None:
    write_gradebook(graded, {"zeca": (5, None)})
    rows = {row["student"]: row for row in table(export(graded, "csv", SLUG).files[0])}
    assert (rows["zeca"]["name"], rows["zeca"]["score"], rows["zeca"]["status"]) == (
        "Nome do Livro",
        "5.0",
        "",
    )
    assert rows["ana"]["score"] == "10.0"


def test_late_penalty_counts_as_in_nbgrader(graded: ClassDir) -> None:
    write_gradebook(graded, {"ana": (10, None)})
    with open_gradebook(graded) as gradebook:
        gradebook.find_submission_notebook(SLUG, SLUG, "ana").late_submission_penalty = 2
        gradebook.db.commit()
    rows = {row["student"]: row for row in table(export(graded, "csv", SLUG).files[0])}
    assert rows["ana"]["score"] == "8.0"


def test_without_a_slug_every_graded_exercise_is_exported(graded: ClassDir) -> None:
    other = record("ana", 2).model_copy(update={"exercise": "otimizadores"})
    write_atomically(graded.results("otimizadores"), other.model_dump_json() + "\n")
    names = [path.name for path in export(graded, "csv").files]
    assert names == ["dropout.csv", "otimizadores.csv"]


def test_to_another_place(graded: ClassDir, tmp_path: Path) -> None:
    assert export(graded, "csv", SLUG, to=tmp_path / "a" / "n.csv").files == [tmp_path / "a" / "n.csv"]
    assert len(table(tmp_path / "a" / "n.csv")) == 2


# A planilha do Moodle.


def test_only_the_grade_changes_in_english(graded: ClassDir) -> None:
    filled, notes = fill(graded, ENGLISH)
    expected = ENGLISH.replace('grading",,10.00,Yes,"Monday', 'grading",8.50,10.00,Yes,"Monday')
    expected = expected.replace('grading",,10.00,Yes,-,-,"<p>', 'grading",10.00,10.00,Yes,-,-,"<p>')
    assert filled == expected.encode()
    assert "sem nota na turma: Caio Prado" in notes


def test_only_the_grade_changes_in_portuguese(graded: ClassDir) -> None:
    write_manifest(graded, joao=("João DÁvila", 101), ana=("Ana Souza", 102))
    filled, notes = fill(graded, PORTUGUESE)
    expected = PORTUGUESE.replace('avaliação",,"10,00"', 'avaliação","8,50","10,00"')
    assert filled == expected.replace('"4,00"', '"10,00"').encode()
    assert "trocada: Ana Souza (4,00 → 10,00)" in notes


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["sem BOM", "BOM"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("last", [True, False], ids=["com fim de linha", "sem fim de linha"])
@pytest.mark.parametrize(
    ("separator", "quote", "mark"),
    [(",", "", "8.50"), (",", '"', "8,50"), (";", "", "8,50"), (";", '"', "8.50"), ("\t", "", "8,50")],
)
def test_every_other_byte_stays(
    graded: ClassDir,
    bom: bytes,
    newline: str,
    encoding: str,
    last: bool,
    separator: str,
    quote: str,
    mark: str,
) -> None:
    maximum = "10,00" if "," in mark else "10.00"
    lines = [
        ["Identificador", "Coluna á parte", "Nome completo", "NOTA", "Nota  Máxima", "Comentário"],
        ["Participante101", "x", "João D'Ávila", "{}", maximum, 'com ""aspas""'],
        ["Participante999", "", "Ninguém", "", maximum, f"quebra{newline}de linha"],
    ]
    rows = [
        separator.join(f'"{cell}"' if quote or newline in cell else cell for cell in line) for line in lines
    ]
    if not quote:
        rows[1] = rows[1].replace('""', "")
    text = newline.join(rows) + (newline if last else "")
    raw = bom + text.encode("utf-8" if bom else encoding)
    filled, _ = fill(graded, raw.replace(b"{}", b""))
    assert filled == raw.replace(b"{}", mark.encode())


def test_comma_in_an_unquoted_cell_gets_quotes(graded: ClassDir) -> None:
    sheet = 'Identificador,Nota,"Nota máxima"\nParticipante101,,"10,00"\n'
    assert (
        fill(graded, sheet)[0] == b'Identificador,Nota,"Nota m\xc3\xa1xima"\nParticipante101,"8,50","10,00"\n'
    )


def test_decimal_point_is_the_default(graded: ClassDir) -> None:
    assert b"101,8.50\n" in fill(graded, "Identificador,Nota\nParticipante101,\n")[0]


def test_grades_are_converted_to_the_maximum_of_the_worksheet(graded: ClassDir) -> None:
    filled, notes = fill(
        graded, "Identifier,Grade,Maximum Grade\nParticipant 101,,100.00\nParticipant 102,,100.00\n"
    )
    assert b"101,85.00,100.00" in filled
    assert b"102,100.00,100.00" in filled
    assert "máximo 10 para 100" in notes


def test_never_above_the_maximum(graded: ClassDir) -> None:
    write_gradebook(graded, {"ana": (10, 12)})
    assert b"102,10.00,10.00" in fill(graded, "Identifier,Grade,Maximum Grade\nParticipant 102,,10.00\n")[0]


def test_rows_are_matched_by_number_not_by_order_or_name(classdir: ClassDir) -> None:
    write_results(classdir, record("ana-souza-7", 1), record("ana-souza-8", 2))
    write_manifest(classdir, ana_souza_7=("Ana Souza", 7), ana_souza_8=("Ana Souza", 8))
    sheet = "Identifier,Full name,Grade\nParticipant 8,Ana Souza,\nParticipant 7,Ana Souza,\n"
    filled, notes = fill(classdir, sheet)
    assert (
        filled.decode()
        == "Identifier,Full name,Grade\nParticipant 8,Ana Souza,2.00\nParticipant 7,Ana Souza,1.00\n"
    )
    assert notes == ""


def test_without_a_number_a_unique_name_will_do(classdir: ClassDir) -> None:
    write_results(classdir, record("joao-davila", 9))
    write_manifest(classdir, joao_davila=("João d’Ávila", None))
    filled, notes = fill(classdir, "Identifier,Full name,Grade\nParticipant 5,JOAO D'AVILA,\n")
    assert b"JOAO D'AVILA,9.00" in filled
    assert "pelo nome" in notes


def test_repeated_names_are_never_guessed(classdir: ClassDir) -> None:
    write_results(classdir, record("ana", 9))
    write_manifest(classdir, ana=("Ana Souza", None))
    sheet = "Identifier,Full name,Grade\nParticipant 5,Ana Souza,\nParticipant 6,Ana Souza,\n"
    filled, notes = fill(classdir, sheet)
    assert filled == sheet.encode()
    assert "fora da planilha: Ana Souza" in notes


def test_number_of_a_group_is_not_taken_for_a_person(classdir: ClassDir) -> None:
    write_results(classdir, record("equipe-azul", 9))
    write_manifest(classdir, equipe_azul=("Equipe Azul", 5))
    sheet = "Identifier,Full name,Grade\nParticipant 5,Ana Souza,\n"
    filled, notes = fill(classdir, sheet)
    assert filled == sheet.encode()
    assert "Ana Souza ≠ Equipe Azul" in notes


def test_anonymous_worksheet(classdir: ClassDir) -> None:
    write_results(classdir, record("participante-5", 9))
    write_manifest(classdir, participante_5=("Participante", 5))
    assert b"Participante5,9.00" in fill(classdir, "Identificador,Nota\nParticipante5,\n")[0]


def test_locked_grade_is_left_alone(graded: ClassDir) -> None:
    sheet = "Identificador,Nome completo,Nota,Nota pode ser alterada\nParticipante101,João D'Ávila,7.00,Não\n"
    filled, notes = fill(graded, sheet)
    assert filled == sheet.encode()
    assert "Bloqueados no Moodle" in notes


def test_missing_submission_gets_the_zero_of_its_record(classdir: ClassDir) -> None:
    write_results(classdir, record("ana", 0, "missing"))
    write_manifest(classdir, ana=("Ana", 5))
    assert b"Participant 5,0.00" in fill(classdir, "Identifier,Grade\nParticipant 5,\n")[0]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("Identifier,Full name\nParticipant 1,Ana\n", "não achei as colunas"),
        ("a,b,c\n1,2,3\n", "não achei as colunas"),
        ("", "não achei as colunas"),
        (ENGLISH.encode("utf-16"), "não achei as colunas"),
        ("Identifier,Grade,Scale\nParticipant 1,,\n", "por escala"),
        ('Identifier,Grade\nParticipant 1,,\n"aberta,\n', "o registro 2 tem 3 campos"),
    ],
)
def test_a_file_that_is_not_a_worksheet(graded: ClassDir, content: str | bytes, match: str) -> None:
    with pytest.raises(UnreadableSource, match=match):
        fill(graded, content)
    assert not (graded.path / "exports").exists()


def test_the_worksheet_itself_is_never_touched(graded: ClassDir) -> None:
    sheet = graded.path / "planilha.csv"
    sheet.write_text(ENGLISH)
    os.utime(sheet, (1, 1))
    with pytest.raises(GraderError, match="própria planilha"):
        export(graded, "moodle", SLUG, sheet, sheet)
    export(graded, "moodle", SLUG, sheet)
    assert (sheet.read_text(), sheet.stat().st_mtime) == (ENGLISH, 1)


# Pedidos sem sentido.


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"format": "xlsx"}, "Não conheço o formato"),
        ({"format": "moodle"}, "Falta a planilha"),
        ({"format": "moodle", "worksheet": Path("nada.csv")}, "nada.csv"),
        ({"format": "csv", "worksheet": Path("p.csv")}, "só vale com --format moodle"),
        ({"format": "csv", "slug": "otimizadores"}, "Ainda não há notas de otimizadores"),
    ],
)
def test_bad_requests(graded: ClassDir, arguments: dict[str, str], match: str) -> None:
    with pytest.raises(GraderError, match=match):
        export(graded, **arguments)  # type: ignore[arg-type]


def test_a_class_without_marks(classdir: ClassDir) -> None:
    with pytest.raises(GraderError, match="Rode grader autograde"):
        export(classdir, "csv")


@pytest.mark.parametrize("format", ["csv", "moodle"])
def test_one_file_for_two_exercises(graded: ClassDir, tmp_path: Path, format: str) -> None:
    other = record("ana", 2).model_copy(update={"exercise": "otimizadores"})
    write_atomically(graded.results("otimizadores"), other.model_dump_json() + "\n")
    worksheet = tmp_path / "p.csv" if format == "moodle" else None
    with pytest.raises(GraderError, match="dropout, otimizadores"):
        export(graded, format, worksheet=worksheet, to=tmp_path / "n.csv")


# Os mesmos exportadores, pela porta do nbgrader.


def nbgrader_export(classdir: ClassDir, *options: str) -> None:
    command = [sys.executable, "-m", "nbgrader", "export", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=classdir.path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_csv_through_nbgrader(graded: ClassDir) -> None:
    write_gradebook(graded, {"ana": (10, 3)})
    nbgrader_export(
        graded, "--exporter=grader.lms.export.CsvExporter", "--to=notas.csv", "--assignment=['dropout']"
    )
    assert [row["score"] for row in table(graded.path / "notas.csv")] == ["3.0", "8.5"]


def test_moodle_through_nbgrader(graded: ClassDir) -> None:
    (graded.path / "planilha.csv").write_text(ENGLISH)
    nbgrader_export(
        graded, "--exporter=grader.lms.export.MoodleExporter", "--MoodleExporter.worksheet=planilha.csv"
    )
    assert b'grading",8.50,10.00' in (graded.path / "exports/dropout-moodle.csv").read_bytes()
