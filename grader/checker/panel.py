"""O que o estudante vê no caderno: o painel de cada verificação e o resumo final.

Viaja no caderno logo depois de `grader.checker.runtime`, no mesmo módulo.
"""

import base64
import html
import json
import re
import sys
from dataclasses import dataclass
from typing import Any

from grader.checker.runtime import PROBES, Answer, Finding, Outcome, barring, judge, observe

STORE: dict[str, Any] = {}

SYMBOLS = {"passed": "✔", "failed": "✘", "error": "✘", "barred": "✘", "timeout": "✘", "not_defined": "…"}


def load(data: str) -> None:
    """Guarda o gabarito das verificações visíveis (JSON em base64, feito por `grader release`)."""
    STORE.clear()
    STORE.update(json.loads(base64.b64decode(data)))


def answers() -> dict[str, Answer]:
    return {
        id: Answer(
            a["shapes"], Outcome(**a["reference"]), {m: Outcome(**o) for m, o in a["mistakes"].items()}
        )
        for id, a in STORE["answers"].items()
    }


def namespace() -> dict[str, Any]:
    import __main__

    return vars(__main__)


def run(function: str) -> list[Finding]:
    """Observa e julga as verificações visíveis de uma função já registradas neste caderno."""
    probes = [p for p in PROBES.values() if p.function == function and p.id in STORE["answers"]]
    owners = {pattern.rpartition(".")[0] for pattern in STORE["barred"]}
    while True:
        imported = owners & set(sys.modules)
        with barring(STORE["barred"]):
            outcomes = {p.id: observe(p, namespace(), STORE["seed"]) for p in probes}
        if owners & set(sys.modules) == imported:
            return judge(probes, answers(), outcomes, STORE["seed"])
        # O código importou agora o que é vetado, e só se veta o que já foi importado: de novo, então.


def check(function: str) -> "Panel":
    """Verifica uma função e devolve o painel com o que está certo e qual erro foi cometido."""
    try:
        return Panel(function, run(function))
    except KeyboardInterrupt:
        print(f"{function}: verificação interrompida. Há um laço que não termina?")
        return Panel(function, [])


def ready(*functions: str) -> bool:
    """True se todas passam nas verificações visíveis; senão diz, com gentileza, o que falta."""
    missing = [f for f in functions if not (found := run(f)) or any(x.status != "passed" for x in found)]
    if missing:
        print(
            f"Esta parte usa o que você escreveu: antes, a verificação de {', '.join(missing)} deve dar tudo certo."
        )
    return not missing


ALSO = "A correção confere também, com outros números:"


@dataclass
class Panel:
    """Resultado das verificações de uma função, em HTML e em texto."""

    function: str
    findings: list[Finding]

    def lines(self) -> list[tuple[str, str, str]]:
        """Tripla (símbolo, título, explicação) por verificação; nenhuma enquanto nada foi escrito."""
        if all(f.status == "not_defined" for f in self.findings):
            return []
        return [(SYMBOLS.get(f.status, "✘"), f.probe.title, explanation(f)) for f in self.findings]

    def headline(self) -> str:
        if not self.findings:
            return f"{self.function}: nada verificado; execute a célula inteira."
        if all(f.status == "not_defined" for f in self.findings):
            return f"{self.function}: falta escrever. {sentence(self.findings[0].message)}"
        passed = sum(f.status == "passed" for f in self.findings)
        cheer = " Muito bem!" if passed == len(self.findings) else ""
        return f"{self.function}: verificações certas, {passed} de {len(self.findings)}.{cheer}"

    def __repr__(self) -> str:
        rows = [
            f"  {symbol} {title}" + (f"\n      {why}" if why else "") for symbol, title, why in self.lines()
        ]
        return "\n".join([self.headline(), *rows])

    def _repr_html_(self) -> str:
        color = {"✔": "#16a34a", "✘": "#dc2626", "…": "#808080"}
        rows = "".join(
            f'<li style="margin:.3em 0"><b style="color:{color[symbol]}">{symbol}</b> {html.escape(title)}'
            + (f'<br><span style="opacity:.85">{html.escape(why)}</span>' if why else "")
            for symbol, title, why in self.lines()
        )
        items = f"<ul style='list-style:none;padding-left:.5em'>{rows}</ul>"
        return f"<p><b>{html.escape(self.headline())}</b></p>{items}"


def explanation(finding: Finding) -> str:
    """A frase do catálogo quando o erro foi reconhecido; senão a exceção, ou a primeira diferença e a dica."""
    if finding.status == "passed":
        return ""
    if finding.mistake in STORE["sentences"]:
        return STORE["sentences"][finding.mistake]
    hint = f" Dica: {finding.probe.hint}" if finding.status == "failed" else ""
    return sentence(finding.message) + hint


def sentence(message: str) -> str:
    """`message` com ponto no fim."""
    names_a_value = re.match(r"[^.]*?: (esperava|na posição)", message)  # “dx: esperava…” fica como é
    start = message[:1] if names_a_value else message[:1].upper()
    return start + message[1:] + ("" if message.endswith((".", "?")) else ".")


def summary() -> "Summary":
    """Roda tudo de novo e soma: quanto da parte visível está certo e o que falta."""
    return Summary({function: run(function) for function in STORE["functions"]})


@dataclass
class Summary:
    """Resumo do caderno, na escala de 0 a 10 da parte visível."""

    findings: dict[str, list[Finding]]

    def rows(self) -> list[tuple[str, str, str]]:
        """Por função: símbolo, nome e o que falta, em palavras."""
        rows = []
        for function, found in self.findings.items():
            expected = STORE["functions"][function]
            passed = sum(f.status == "passed" for f in found)
            if passed == expected:
                rows.append(("✔", function, "tudo certo"))
            elif not found:
                rows.append(("…", function, "execute a célula de verificação dela"))
            elif all(f.status == "not_defined" for f in found):
                rows.append(("…", function, "ainda por escrever"))
            else:
                rows.append(("✘", function, f"verificações certas: {passed} de {expected}"))
        return rows

    def headline(self) -> str:
        earned = sum(f.earned for found in self.findings.values() for f in found)
        score = f"{10 * earned / STORE['visible_points']:.1f}".removesuffix(".0").replace(".", ",")
        share = f"{100 * STORE['visible_points'] / STORE['max_score']:.0f}%"
        return f"Parte visível: {score}/10. Ela vale {share} da nota; o resto vem da correção."

    def hidden(self) -> list[tuple[str, list[str]]]:
        """Por função, o que só a correção confere, em palavras, para o estudante conferir sozinho."""
        return list(STORE["hidden"].items())

    def __repr__(self) -> str:
        rows = [f"  {symbol} {name}: {what}" for symbol, name, what in self.rows()]
        hidden = [f"  {name}: {'; '.join(titles)}" for name, titles in self.hidden()]
        return "\n".join([self.headline(), *rows, ALSO, *hidden])

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = "".join(
            f"<tr><td>{symbol}</td><td {left}><code>{name}</code></td><td {left}>{what}</td></tr>"
            for symbol, name, what in self.rows()
        )
        hidden = "".join(
            f"<li><code>{name}</code><ul>{''.join(f'<li>{html.escape(title)}</li>' for title in titles)}</ul></li>"
            for name, titles in self.hidden()
        )
        return f"<p><b>{self.headline()}</b></p><table>{rows}</table><p>{ALSO}</p><ul>{hidden}</ul>"
