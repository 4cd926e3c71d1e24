"""O que a correção diz de uma entrega: uma linha de `results/<slug>.jsonl`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

CheckStatus = Literal["passed", "failed", "error", "not_defined", "timeout", "barred"]
SubmissionStatus = Literal["graded", "empty", "timeout", "memory", "crashed", "unreadable", "missing"]


class CheckResult(BaseModel):
    """Resultado de uma verificação; `mistake` é o identificador do erro reconhecido no catálogo."""

    model_config = ConfigDict(extra="forbid")

    id: str
    title: str
    points: float
    earned: float
    hidden: bool
    status: CheckStatus
    mistake: str | None = None
    message: str = ""


class Record(BaseModel):
    """Veredito de uma entrega.

    `seconds` é o tempo de parede da correção. `notes` traz, em português, o que a pessoa que corrige
    deve saber (célula com erro, arquivo escolhido entre vários). `fingerprint` resume a entrega, o
    exercício e a semente: enquanto não mudar, a nota continua válida e não é recalculada.
    """

    model_config = ConfigDict(extra="forbid")

    student: str
    exercise: str
    status: SubmissionStatus
    score: float
    max_score: float
    seconds: float
    checks: list[CheckResult] = []
    notes: list[str] = []
    fingerprint: str = ""


def read_records(path: Path) -> Iterator[Record]:
    """Registros de um `results/<slug>.jsonl`, na ordem do arquivo; o último de cada estudante é o que vale.

    Uma linha pela metade, deixada por uma queda, é ignorada: a correção seguinte a refaz.
    """
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            try:
                yield Record.model_validate_json(line)
            except ValidationError:
                continue
