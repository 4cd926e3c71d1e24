"""O que atravessa a fronteira: JSON com arrays em base64, nunca pickle, lido sem confiança."""

import base64
import json
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from grader.runtime import Outcome

MAX_LINE = 16 * 2**20
"""Bytes por mensagem; mais que isso é descartado como resposta inválida."""

Short = Annotated[str, Field(max_length=2000)]


class BadMessage(ValueError):
    """O processo isolado escreveu algo que não é uma mensagem."""


class Array(BaseModel):
    """Array numérico; `data` são os bytes em ordem C."""

    model_config = ConfigDict(extra="forbid")

    dtype: Literal["|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"]
    shape: Annotated[list[Annotated[int, Field(ge=0, le=MAX_LINE)]], Field(max_length=32)]
    data: str

    def array(self) -> np.ndarray:
        raw = base64.b64decode(self.data, validate=True)
        return np.frombuffer(raw, dtype=self.dtype).reshape(self.shape).copy()


class Message(BaseModel):
    """Uma linha vinda do processo isolado: o que ele começou, viu ou terminou."""

    model_config = ConfigDict(extra="forbid")

    event: Literal["cell", "cell_failed", "probe", "seen", "end"]
    cell: int = -1
    probe: Short = ""
    status: Literal["seen", "not_defined", "barred", "memory", "timeout", "error"] = "seen"
    values: Annotated[dict[Short, Array | Short], Field(max_length=64)] = {}
    error: Short = ""
    detail: Short = ""

    def outcome(self) -> Outcome:
        values = {name: v.array() if isinstance(v, Array) else v for name, v in self.values.items()}
        return Outcome(self.status, values, self.error, self.detail)


_message = TypeAdapter(Message)


def encode(event: str, **fields: Any) -> bytes:
    """Uma mensagem, no lado isolado."""
    return json.dumps({"event": event, **fields}).encode() + b"\n"


def encode_outcome(probe: str, outcome: Outcome) -> bytes:
    """O que uma sonda viu, no lado isolado."""
    values = {name: _plain(value) for name, value in outcome.values.items()}
    fields = {
        "status": outcome.status,
        "values": values,
        "error": outcome.error[:200],
        "detail": outcome.detail[:500],
    }
    line = encode("seen", probe=probe, **fields)
    if len(line) > MAX_LINE:
        return encode(
            "seen", probe=probe, status="error", error="tamanho", detail="o resultado é grande demais"
        )
    return line


def _plain(value: np.ndarray | str) -> dict[str, Any] | str:
    if isinstance(value, str):
        return value[:2000]
    value = value.astype(np.float64) if value.dtype.str == "<f16" else value
    data = base64.b64encode(np.ascontiguousarray(value).data).decode() if value.size else ""
    return {"dtype": value.dtype.str.replace(">", "<"), "shape": list(value.shape), "data": data}


def decode(line: bytes) -> Message:
    """Lê uma mensagem; levanta `BadMessage` diante de qualquer outra coisa."""
    try:
        message = _message.validate_json(line)
        message.outcome()
    except (ValidationError, ValueError, RecursionError, MemoryError) as error:
        raise BadMessage(str(error)[:200]) from error
    return message
