"""Que entregas pedem o olhar de uma pessoa, e por quê."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grader.pages.html import number
from grader.record import Record

UNEXPLAINED = 0.2  # fração da nota perdida sem explicação no catálogo a partir da qual se pede um olhar

NOT_RECEIVED = {
    "empty": "nenhuma função está escrita",
    "missing": "não há caderno na entrega",
    "unreadable": "o arquivo não é um caderno legível",
}
INTERRUPTED = {
    "timeout": "passou do tempo",
    "memory": "passou da memória",
    "crashed": "o processo terminou antes da hora",
}


@dataclass(frozen=True)
class Concern:
    """Um motivo e as entregas a que se aplica: pares (estudante, o que ela tem)."""

    title: str
    why: str
    cases: list[tuple[str, str]]


def concerns(records: Iterable[Record]) -> list[Concern]:
    """Motivos que se aplicam a alguma entrega, do mais ao menos urgente; uma entrega pode ter vários."""
    records = sorted(records, key=lambda record: record.student)
    found = [
        Concern(title, why, [(record.student, detail) for record in records if (detail := detail_of(record))])
        for title, why, detail_of in _REASONS
    ]
    return [concern for concern in found if concern.cases]


def _not_received(record: Record) -> str:
    return NOT_RECEIVED.get(record.status, "")


def _interrupted(record: Record) -> str:
    return INTERRUPTED.get(record.status, "")


def _nothing_ran(record: Record) -> str:
    statuses = {check.status for check in record.checks}
    if record.status != "graded" or not statuses or statuses & {"passed", "failed", "barred"}:
        return ""
    return next((check.message for check in record.checks if check.message), "nenhuma função definida")


def _barred(record: Record) -> str:
    return next((check.message or check.title for check in record.checks if check.status == "barred"), "")


def _unexplained(record: Record) -> str:
    lost = sum(check.points for check in record.checks if check.status == "failed" and check.mistake is None)
    return (
        f"{number(lost)} de {number(record.max_score)} pontos"
        if lost > UNEXPLAINED * record.max_score
        else ""
    )


def _noted(record: Record) -> str:
    return " ".join(record.notes)


_REASONS: list[tuple[str, str, Callable[[Record], str]]] = [
    (
        "Sem solução para corrigir",
        "A pessoa pode ter enviado o arquivo errado; vale perguntar antes de fechar a nota.",
        _not_received,
    ),
    (
        "Correção interrompida",
        "O que rodou antes foi corrigido, mas a nota diz mais da interrupção que do aprendizado.",
        _interrupted,
    ),
    (
        "Nada chegou a um resultado",
        "Todas as verificações acabaram em erro: às vezes basta um nome trocado ou uma célula que não roda.",
        _nothing_ran,
    ),
    (
        "Chamada vetada",
        "O código chama a função da biblioteca que faria o exercício; decida se foi descuido.",
        _barred,
    ),
    (
        "Erro que o catálogo não conhece",
        f"Mais de {UNEXPLAINED:.0%} da nota se perdeu em diferenças que nenhum erro comum explica: pode haver um "
        "mal-entendido novo, que mereça uma frase no catálogo, ou uma leitura legítima do enunciado.",
        _unexplained,
    ),
    ("Observações da correção", "O que a correção anotou ao receber ou executar a entrega.", _noted),
]
