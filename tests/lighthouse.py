"""As notas do Lighthouse (celular) para o índice e dois capítulos: `python -m tests.lighthouse` ou `make lighthouse`.

Pede o Node.js, porque o Lighthouse só existe no registro do npm, e o Chromium; por isso não faz parte de `make test`.
"""

import json
import os
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from tests.browser import QUIET, find_chromium, served
from tests.test_site import HTML

LIGHTHOUSE = "lighthouse@12.8.2"
PAGES = ("book/index", "book/descida_do_gradiente", "book/dropout")
WANTED = {"performance": 90, "accessibility": 100, "best-practices": 100, "seo": 100}


def scores(url: str) -> tuple[dict[str, int], list[str]]:
    """As quatro notas de uma página e as auditorias que tiraram ponto."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    flags = " ".join(("--headless", *QUIET, *sandbox))
    command = ("npx", "--yes", LIGHTHOUSE, url, "--output=json", "--quiet", f"--chrome-flags={flags}")
    environment = {**os.environ, "CHROME_PATH": find_chromium()}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    report = json.loads(done.stdout)
    lost = [
        f"{name}: {audit['title']}"
        for category in report["categories"].values()
        for reference in category["auditRefs"]
        if reference["weight"]
        and (audit := report["audits"][name := reference["id"]])["score"] not in (1, None)
    ]
    return {name: round(100 * report["categories"][name]["score"]) for name in WANTED}, lost


def main() -> None:
    console, enough = Console(), True
    table = Table("página", *WANTED)
    with served(HTML) as address:
        for page in PAGES:
            found, lost = scores(f"{address}{page}.html")
            enough &= all(found[name] >= wanted for name, wanted in WANTED.items())
            table.add_row(page, *map(str, found.values()))
            console.print(f"[bold]{page}[/]", *lost, sep="\n  ")
    console.print(table)
    sys.exit(not enough)


if __name__ == "__main__":
    main()
