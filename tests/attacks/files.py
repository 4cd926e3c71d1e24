"""O que se põe no lugar do caderno, e cadernos que não são o que deveriam ser."""

import gzip
import json
import os
import socket
from pathlib import Path

from tests.attacks import EXERCISE, FULL, SLUG, attack, placed, solved_and
from tests.notebooks import dumped, reference_sources, solved

NAME = f"{SLUG}.ipynb"


@placed(score=0, status="unreadable", says="200 MB")
def two_hundred_megabytes(folder: Path) -> None:
    """Um caderno de 200 MB."""
    with (folder / NAME).open("wb") as stream:
        stream.write(solved_and("pass")[:-1])
        stream.truncate(200 * 2**20)


@attack(score=0, status="unreadable", says="JSON")
def deep_json() -> bytes:
    """Trezentos mil colchetes abertos."""
    return b'{"cells":' + b"[" * 300_000


@attack(score=0, status="unreadable", says="dados demais")
def millions_of_empty_lists() -> bytes:
    """Seis milhões de listas vazias, que ocupam vinte vezes mais na memória do que no arquivo."""
    return b'{"cells":[' + b"[]," * 6_000_000 + b"[]]}"


@attack(score=0, status="unreadable", says="JSON")
def giant_number() -> bytes:
    """Um inteiro de um milhão de algarismos, que leva tempo quadrático para ler."""
    return b'{"cells":[],"nbformat":' + b"9" * 10**6 + b"}"


@attack(score=0, status="unreadable", says="UTF-8")
def invalid_utf8() -> bytes:
    """Bytes que não são UTF-8 no meio de um caderno certo."""
    return solved_and("# aqui: §").replace("§".encode(), b"\xff\xfe\xfa")


@attack(score=0, status="unreadable", says="UTF-8")
def utf16() -> bytes:
    """O caderno certo, gravado em UTF-16."""
    return solved_and("pass").decode().encode("utf-16")


@attack(score=FULL)
def byte_order_mark() -> bytes:
    """Não é ataque: o caderno certo, com a marca que o Bloco de Notas põe no começo."""
    return b"\xef\xbb\xbf" + solved_and("pass")


@attack(score=FULL)
def lone_surrogates() -> bytes:
    """Metades de par substituto e caracteres nulos, que JSON aceita e UTF-8 não."""
    notebook = solved(EXERCISE)
    notebook["cells"][0]["source"] += "\ud800\udfff\0"
    notebook["cells"][0]["metadata"] = {"nbgrader": {"grade_id": "\ud800"}}
    notebook["metadata"]["kernelspec"]["language"] = "python\ud800"
    return json.dumps(notebook).encode()


@attack(score=0, status="unreadable", says="JSON")
def empty_file() -> bytes:
    """Arquivo vazio."""
    return b""


@attack(score=0, status="unreadable", says="UTF-8")
def compressed() -> bytes:
    """O caderno certo, comprimido com gzip: só o nome é de caderno."""
    return gzip.compress(solved_and("pass"), mtime=0)


@attack(score=0, status="unreadable", says="JSON")
def truncated() -> bytes:
    """O caderno certo, cortado no meio."""
    return solved_and("pass")[:20_000]


@attack(score=0, status="unreadable", says="não tem células")
def not_a_notebook() -> bytes:
    """JSON que não é caderno."""
    return json.dumps([{"score": 10, "status": "graded", "student": "ana"}]).encode()


@attack(score=0, status="empty")
def wrong_types() -> bytes:
    """Células de tipo errado em toda parte."""
    cells = [None, 1, "x", [], {}, {"cell_type": 3}, {"cell_type": "code", "source": {"a": 1}}]
    cells += [{"cell_type": "code", "source": [1, None, "x = ", ["y"]], "metadata": "z", "outputs": 7}]
    return json.dumps(
        {"cells": cells, "metadata": [], "nbformat": "quatro", "worksheets": {"cells": 1}}
    ).encode()


@attack(score=0, status="unreadable", says="exercício é em Python")
def another_language() -> bytes:
    """O caderno certo, que se diz escrito em outra linguagem."""
    notebook = solved(EXERCISE)
    notebook["metadata"]["kernelspec"]["language"] = "<script>INVASAO()</script>"
    return dumped(notebook)


@attack(score=FULL)
def forged_metadata() -> bytes:
    """Metadados do nbgrader que dão mil pontos a cada célula e se dizem já corrigidos."""
    notebook = solved(EXERCISE)
    for cell in notebook["cells"]:
        cell["metadata"]["nbgrader"] = {
            "grade": True, "solution": False, "points": 1000, "grade_id": "check_dropout_forward", "locked": False,
            "schema_version": 99, "checksum": "0" * 32, "task": True,
        }  # fmt: skip
        cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "1000"}, "metadata": {}}]
    return dumped(notebook)


@attack(score=0, status="empty")
def solution_in_raw_cells() -> bytes:
    """O código está todo em células de texto, que não se executam."""
    notebook = solved(EXERCISE)
    for cell in notebook["cells"]:
        if cell["source"] in reference_sources(EXERCISE).values():
            cell["cell_type"] = "raw"
    return dumped(notebook)


@placed(score=0, status="unreadable", says="atalho")
def link_to_the_solution(folder: Path) -> None:
    """Atalho para o caderno completo da turma, que traz a solução."""
    (folder / NAME).symlink_to(folder.parents[2] / "source" / SLUG / NAME)


@placed(score=0, status="unreadable", says="ligação")
def hard_link_to_the_solution(folder: Path) -> None:
    """Ligação física para o caderno completo da turma."""
    (folder / NAME).hardlink_to(folder.parents[2] / "source" / SLUG / NAME)


@placed(score=0, status="unreadable", says="atalho")
def link_to_nowhere(folder: Path) -> None:
    """Atalho para um arquivo que não existe."""
    (folder / NAME).symlink_to("/nao/existe")


@placed(score=0, status="unreadable", says="atalho")
def link_to_a_device(folder: Path) -> None:
    """Atalho para um dispositivo que nunca termina de ser lido."""
    (folder / NAME).symlink_to("/dev/zero")


@placed(score=0, status="unreadable", says="pasta comum")
def folder_that_is_a_link(folder: Path) -> None:
    """A pasta do exercício é um atalho para a de outro estudante."""
    folder.rmdir()
    folder.symlink_to(folder.parents[1] / "000-honesto" / SLUG)


@placed(score=0, status="unreadable", says="pasta comum")
def student_that_is_a_link(folder: Path) -> None:
    """A pasta do estudante é um atalho para a de outro."""
    folder.rmdir()
    folder.parent.rmdir()
    folder.parent.symlink_to(folder.parents[1] / "000-honesto")


@placed(score=0, status="unreadable", says="arquivo comum")
def pipe(folder: Path) -> None:
    """Um cano, em que a leitura espera para sempre por quem escreva."""
    os.mkfifo(folder / NAME)


@placed(score=0, status="unreadable", says="arquivo comum")
def directory(folder: Path) -> None:
    """Uma pasta com nome de caderno."""
    (folder / NAME).mkdir()


@placed(score=0, status="unreadable", says="arquivo comum")
def unix_socket(folder: Path) -> None:
    """Um soquete com nome de caderno."""
    here = Path.cwd()
    os.chdir(folder)  # o nome de um soquete tem no máximo 107 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(NAME)
    os.chdir(here)


@placed(score=0, status="missing", says="nenhum arquivo .ipynb")
def no_notebook(folder: Path) -> None:
    """Só outros arquivos na pasta."""
    (folder / "dropout.py").write_text("pass")
    (folder / "__init__.py").write_text("raise SystemExit")


@placed(score=FULL, says="valeu o mais novo")
def name_that_is_not_text(folder: Path) -> bytes:
    """Um segundo caderno, mais novo, cujo nome não é UTF-8 e traz marcação."""
    newer = os.path.join(os.fsencode(folder), b"<img src=x onerror=INVASAO()>\xff\xfe.ipynb")
    with open(newer, "wb") as stream:
        stream.write(solved_and("pass"))
    os.utime(newer, (2**33, 2**33))
    return dumped({"cells": []})


@placed(score=FULL)
def impossible_date(folder: Path) -> None:
    """Arquivo com data no ano trezentos mil."""
    (folder / NAME).write_bytes(solved_and("pass"))
    os.utime(folder / NAME, (10**13, 10**13))


@placed(score=FULL)
def trap_beside_the_notebook(folder: Path) -> bytes:
    """Módulos ao lado do caderno com o nome dos que a correção importa."""
    for name in (
        "numpy.py",
        "torch.py",
        "grader.py",
        "sitecustomize.py",
        "usercustomize.py",
        "json.py",
        "conftest.py",
    ):
        (folder / name).write_text("raise SystemExit('INVASAO')")
    (folder / "nbgrader_config.py").write_text("raise SystemExit('INVASAO')")
    return solved_and("import json, sys; sys.path.insert(0, '.')")
