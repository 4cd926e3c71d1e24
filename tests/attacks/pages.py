"""Marcação, programas e caracteres de controle, à espera de que alguém os mostre em uma página ou terminal."""

import json

from tests.attacks import EXERCISE, FULL, attack, solved_and, solved_but, worth
from tests.notebooks import code, dumped, solved

PAYLOADS = [
    "<script>INVASAO()</script>",
    "<img src=x onerror=INVASAO()>",
    "</pre></code></script><svg onload=INVASAO()>",
    "<a href='javascript:INVASAO()'>nota</a>",
    "{{ 7*7 }}{% raw %}{% endraw %}<iframe srcdoc='<script>INVASAO()</script>'></iframe>",
    "'\"><style>@import url(//invasao.invalid/INVASAO)</style>",
]
EVERYTHING = " ".join(PAYLOADS)
CONTROLS = "\x1b]0;INVASAO\x07\x1b[2J\x1b[31m\x08\r\u202e\u2066\x00"


@attack(score=FULL, says="INVASAO")
def markup_in_exception() -> bytes:
    """Exceção com marcação na mensagem, no nome da classe e no da função."""
    return solved_and(f"raise Exception({EVERYTHING!r})")


@attack(score=FULL - worth("dropout_backward"), lost="error", says="INVASAO")
def markup_in_diagnosis() -> bytes:
    """A função pedida levanta a exceção, e a marcação vai parar no diagnóstico."""
    return solved_but(dropout_backward=f"def dropout_backward(dout, mask): raise ValueError({EVERYTHING!r})")


@attack(score=FULL - worth("dropout_backward"), says="veio texto")
def markup_in_value() -> bytes:
    """A função pedida devolve o texto, que vai parar em “esperava … e veio …”."""
    return solved_but(dropout_backward=f"def dropout_backward(dout, mask): return {EVERYTHING[:60]!r}")


@attack(score=FULL, says="INVASAO")
def terminal_controls() -> bytes:
    """Exceção com sequências que mudam o título do terminal, apagam a tela e invertem o texto."""
    return solved_and(f"raise Exception({CONTROLS!r} + 'INVASAO')")


@attack(score=FULL)
def markup_in_text() -> bytes:
    """Marcação nas células de texto, que o formgrader mostra a quem corrige."""
    notebook = solved(EXERCISE)
    for payload in PAYLOADS:
        notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": payload})
        notebook["cells"].append({"cell_type": "raw", "metadata": {"format": "text/html"}, "source": payload})
        notebook["cells"].append({"cell_type": payload, "metadata": {}, "source": payload})
    notebook["metadata"]["title"] = EVERYTHING
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": EVERYTHING}}
    return dumped(notebook)


@attack(score=FULL)
def markup_in_code() -> bytes:
    """Marcação em comentários, textos e identificadores do código."""
    notebook = solved(EXERCISE)
    for payload in PAYLOADS:
        notebook["cells"].append(code(f"# {payload}\ntexto = {payload!r}"))
        notebook["cells"].append(code(f"%%html\n{payload}"))
        notebook["cells"].append(code(f"%%javascript\n{payload}"))
    return dumped(notebook)


@attack(score=FULL)
def markup_in_solution() -> bytes:
    """Marcação dentro da própria solução, que a devolutiva mostra."""
    return solved_but(
        dropout_backward=f'def dropout_backward(dout, mask):\n    """{EVERYTHING}"""\n    return dout * mask\n'
    )


@attack(score=FULL)
def markup_in_outputs() -> bytes:
    """Saídas gravadas de todo tipo ativo, e anexos."""
    notebook = solved(EXERCISE)
    kinds = (
        "text/html",
        "application/javascript",
        "image/svg+xml",
        "text/latex",
        "text/markdown",
        "text/plain",
    )
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [
                {"output_type": "display_data", "metadata": {}, "data": dict.fromkeys(kinds, EVERYTHING)},
                {"output_type": "stream", "name": "stdout", "text": EVERYTHING + CONTROLS},
                {
                    "output_type": "error",
                    "ename": EVERYTHING,
                    "evalue": EVERYTHING,
                    "traceback": [EVERYTHING, CONTROLS],
                },
            ]
        else:
            cell["attachments"] = {"x.svg": {"image/svg+xml": EVERYTHING}}
    return json.dumps(notebook).encode()
