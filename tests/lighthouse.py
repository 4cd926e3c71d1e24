"""As notas do Lighthouse (celular) para o índice e dois capítulos: `python -m tests.lighthouse` ou `make lighthouse`.

Pede o Node.js, porque o Lighthouse só existe no registro do npm, e o Chromium; por isso não faz parte de `make test`.
"""

import functools
import gzip
import json
import os
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.browser import SilentHandler, find_chromium
from tests.test_site import HTML

LIGHTHOUSE = "lighthouse@12.8.2"
PAGES = ("book/index", "book/descida_do_gradiente", "book/dropout")
RUNS = 3  # o desempenho varia de uma corrida para outra; vale a mediana
WANTED = {"performance": 90, "accessibility": 100, "best-practices": 100, "seo": 100}


class Compressed(SilentHandler):
    """Um servidor estático que comprime os textos, como o GitHub Pages."""

    protocol_version = "HTTP/1.1"

    def send_head(self) -> BytesIO | None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return None
        body, kind = path.read_bytes(), self.guess_type(path)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if kind.startswith("text/") or kind.endswith(("javascript", "json", "xml")):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        return BytesIO(body)


def scores(url: str) -> tuple[dict[str, int], list[str]]:
    """As quatro notas de uma página e as auditorias que tiraram ponto."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    flags = " ".join(("--headless", "--disable-gpu", *sandbox))
    command = ("npx", "--yes", LIGHTHOUSE, url, "--output=json", "--quiet", f"--chrome-flags={flags}")
    environment = {**os.environ, "CHROME_PATH": find_chromium()}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    report = json.loads(done.stdout)
    lost = [
        f"{name}: {audit.get('displayValue', audit['title'])}"
        for category in report["categories"].values()
        for reference in category["auditRefs"]
        if reference["weight"]
        and (audit := report["audits"][name := reference["id"]])["score"] not in (1, None)
    ]
    return {name: round(100 * report["categories"][name]["score"]) for name in WANTED}, lost


def main() -> None:
    console, enough = Console(), True
    table = Table("página", *WANTED)
    handler = functools.partial(Compressed, directory=str(HTML))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for page in PAGES:
            url = f"http://127.0.0.1:{server.server_port}/{page}.html"
            runs = sorted((scores(url) for _ in range(RUNS)), key=lambda run: run[0]["performance"])
            found, lost = runs[RUNS // 2]
            enough &= all(found[name] >= wanted for name, wanted in WANTED.items())
            table.add_row(page, *map(str, found.values()))
            console.print(f"[bold]{page}[/]", *lost, sep="\n  ")
        server.shutdown()
    console.print(table)
    sys.exit(not enough)


if __name__ == "__main__":
    main()
