"""O Chromium do sistema e um servidor local, para abrir o site como um leitor abre."""

import functools
import os
import shutil
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run")


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """O endereço de `folder` servida em uma porta livre do próprio computador."""
    handler = functools.partial(SilentHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def find_chromium() -> str:
    """O executável do Chromium. Sem ele, o CI falha e os outros são avisados em voz alta."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    message = (
        "CHROMIUM NÃO ENCONTRADO: ninguém abriu o site em um navegador. Rode `apt-get install chromium`."
    )
    if os.environ.get("CI"):
        pytest.fail(message)
    warnings.warn(message, stacklevel=2)
    pytest.skip(message)


@contextmanager
def chromium() -> Iterator[Browser]:
    executable = find_chromium()
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*QUIET, *sandbox])
        yield browser
        browser.close()
