"""O que atravessa a fronteira, lido sem confiança: um cabeçalho em JSON e os bytes dos arrays, nunca pickle.

Um quadro é `<tamanho do cabeçalho><tamanho dos dados><cabeçalho><dados>`. O cabeçalho é pequeno e validado campo a
campo; os dados são os arrays, um depois do outro, em ordem C. Ler um quadro custa no máximo o que estes tetos dizem,
seja o que for que o processo isolado escreva.
"""

import json
import math
import struct
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from grader.checker.runtime import Outcome

MAX_HEADER = 64 * 2**10
MAX_DATA = 8 * 2**20
MAX_VALUES = 64
MAX_DIMENSIONS = 32
MAX_LINE = 500
PREFIX = struct.Struct("<II")


class BadFrame(ValueError):
    """O processo isolado escreveu algo que não é um quadro."""


def printable(text: str) -> str:
    """Texto de uma linha, sem caracteres de controle nem inversões de direção."""
    return "".join(char if char.isprintable() else " " for char in text)


Line = Annotated[str, Field(max_length=MAX_LINE), AfterValidator(printable)]


class Array(BaseModel):
    """Um array numérico do quadro; os bytes dele estão nos dados."""

    model_config = ConfigDict(extra="forbid")

    dtype: Literal["|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"]
    shape: Annotated[list[Annotated[int, Field(ge=0, le=MAX_DATA)]], Field(max_length=MAX_DIMENSIONS)]


class Message(BaseModel):
    """O que o processo isolado começou, viu ou terminou; `step` é o passo do roteiro que recebeu."""

    model_config = ConfigDict(extra="forbid")

    event: Literal["begin", "failed", "seen", "end"]
    step: Annotated[int, Field(ge=0, lt=2**31)] = 0
    status: Literal["seen", "not_defined", "barred", "memory", "timeout", "error"] = "seen"
    values: Annotated[dict[Line, Array | Line], Field(max_length=MAX_VALUES)] = {}
    error: Line = ""
    detail: Line = ""


def encode(event: str, step: int = 0, outcome: Outcome | None = None) -> bytes:
    """Um quadro, no lado isolado; um resultado que não cabe nele vira erro."""
    if outcome is None:
        return _frame({"event": event, "step": step}, [])
    arrays = {name: _plain(value) for name, value in outcome.values.items() if isinstance(value, np.ndarray)}
    header = {
        "event": event,
        "step": step,
        "status": outcome.status,
        "values": {
            name: {"dtype": arrays[name].dtype.str, "shape": arrays[name].shape}
            if name in arrays
            else printable(value[:MAX_LINE])
            for name, value in outcome.values.items()
        },
        "error": printable(outcome.error[:MAX_LINE]),
        "detail": printable(outcome.detail[:MAX_LINE]),
    }
    size = sum(array.nbytes for array in arrays.values())
    if size <= MAX_DATA and len(outcome.values) <= MAX_VALUES and all(map(_fits, arrays.values())):
        frame = _frame(header, [array.tobytes() for array in arrays.values()])
        if len(frame) - size <= MAX_HEADER:
            return frame
    return encode(event, step, Outcome("error", error="tamanho", detail="o resultado é grande demais"))


def _plain(value: np.ndarray) -> np.ndarray:
    """Array com um dos tipos que o quadro aceita: sem `longdouble` e com a ordem de bytes de praxe."""
    value = value.astype(np.float64) if value.dtype.itemsize > 8 else value
    return value.astype(value.dtype.newbyteorder("<"), copy=False)


def _fits(array: np.ndarray) -> bool:
    return array.ndim <= MAX_DIMENSIONS and max(array.shape, default=0) <= MAX_DATA


def _frame(header: dict[str, Any], arrays: list[bytes]) -> bytes:
    head, data = json.dumps(header).encode(), b"".join(arrays)
    return PREFIX.pack(len(head), len(data)) + head + data


def next_frame(buffer: bytearray) -> tuple[Message, Outcome] | None:
    """Tira do início de `buffer` um quadro completo; None se ainda não chegou inteiro.

    Levanta `BadFrame` diante de qualquer coisa que não seja um quadro.
    """
    if len(buffer) < PREFIX.size:
        return None
    header, data = PREFIX.unpack_from(buffer)
    if header > MAX_HEADER or data > MAX_DATA:
        raise BadFrame("quadro grande demais")
    end = PREFIX.size + header + data
    if len(buffer) < end:
        return None
    body = bytes(buffer[PREFIX.size : end])
    del buffer[:end]
    try:
        message = Message.model_validate_json(body[:header])
        values = _values(message, body[header:])
    except ValueError:  # a mensagem do erro pode ser enorme: não se olha
        raise BadFrame("quadro malformado") from None
    return message, Outcome(message.status, values, message.error, message.detail)


def _values(message: Message, data: bytes) -> dict[str, np.ndarray | str]:
    """Os valores de um quadro; os arrays têm de gastar os dados até o último byte."""
    values: dict[str, np.ndarray | str] = {}
    start = 0
    for name, value in message.values.items():
        if isinstance(value, str):
            values[name] = value
            continue
        end = start + math.prod(value.shape) * np.dtype(value.dtype).itemsize
        values[name] = np.frombuffer(data[start:end], value.dtype).reshape(value.shape).copy()
        start = end
    if start != len(data):
        raise BadFrame("sobram dados")
    return values
