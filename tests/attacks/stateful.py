"""Código que só se comporta bem diante do que já conhece."""

import base64
import io
import textwrap

import numpy as np

from grader.checker import runtime
from grader.exercise import RELEASE_SEED
from tests.attacks import EXERCISE, FULL, attack, solved_and, solved_but, worth

VISIBLE = tuple(probe.id for probe in EXERCISE.probes if not probe.hidden)
HIDDEN_FORWARD = tuple(p.id for p in EXERCISE.probes if p.hidden and p.function == "dropout_forward")


def known_answers() -> str:
    """Tabela, em base64, do que a referência responde às entradas que as verificações visíveis usam no caderno."""
    table: dict[str, np.ndarray] = {}
    reference = EXERCISE.implementation()

    def recording(dout: np.ndarray, mask: np.ndarray) -> np.ndarray:
        out = reference["dropout_backward"](dout, mask)
        table[(dout.tobytes() + mask.tobytes()).hex()] = out
        return out

    for probe in EXERCISE.probes:
        if probe.function == "dropout_backward" and not probe.hidden:
            runtime.observe(probe, reference | {"dropout_backward": recording}, RELEASE_SEED)
    stream = io.BytesIO()
    np.savez(stream, **table)
    return base64.b64encode(stream.getvalue()).decode()


@attack(score=FULL - worth("dropout_backward"), lost="failed")
def memorized_answers() -> bytes:
    """Traz decoradas as respostas às entradas do caderno e devolve zeros para o resto."""
    return solved_but(
        dropout_backward=f"""
        import base64, io
        TABLE = np.load(io.BytesIO(base64.b64decode("{known_answers()}")))

        def dropout_backward(dout, mask):
            key = (dout.tobytes() + mask.tobytes()).hex()
            return TABLE[key] if key in TABLE else np.zeros_like(dout)
        """
    )


@attack(score=FULL - worth(*HIDDEN_FORWARD))
def good_for_seven_calls() -> bytes:
    """Responde certo às sete primeiras chamadas, que são as das verificações visíveis, e depois devolve zeros."""
    return solved_and("""
    honest, calls = dropout_forward, 0
    def dropout_forward(x, p, training, rng):
        global calls
        calls += 1
        return honest(x, p, training, rng) if calls <= 7 else (np.zeros_like(x), np.zeros_like(x))
    """)


@attack(score=worth(*VISIBLE, "Dropout"), lost="error")
def looks_at_the_caller() -> bytes:
    """Olha na pilha o nome da verificação e só responde certo às que aparecem no caderno."""
    return solved_and(
        textwrap.dedent(f"""
        import sys
        VISIBLE = {VISIBLE!r}
        def watched():
            frame = sys._getframe()
            while frame:
                if frame.f_code.co_name in VISIBLE: return True
                frame = frame.f_back
            return False
        def only_when_watched(function):
            def call(*args, **kwargs):
                if not watched(): raise ZeroDivisionError
                return function(*args, **kwargs)
            return call
        for name in ("dropout_forward", "dropout_backward", "mc_dropout_predict"):
            globals()[name] = only_when_watched(globals()[name])
        """)
    )
