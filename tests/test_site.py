"""O site: construído sem avisos, em português, sem pedir nada a ninguém, legível no celular."""

import functools
import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser import chromium, served

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build/site/_build/html"
JUPYTER_BOOK = str(Path(sys.executable).with_name("jupyter-book"))
BUILD = [JUPYTER_BOOK, "build", ".", "--path-output", "_build/site", "-W", "-n", "--keep-going"]
VIEWPORTS = {"celular": (390, 844), "computador": (1280, 800)}
LEFTOVERS = (
    "Skip to main content|Back to top|Next|Previous|Search|Launch|Copy|Copied|Show code|Hide code|Toggle|"
    "Table of contents|Contents|On this page|Download|Fullscreen|Repository|Open issue|Suggest edit|"
    "Color mode|Light|Dark|light/dark|System Settings|Site navigation|Version warning|Breadcrumb|Home|"
    "Main|Page|By|Copyright|Last updated|Permalink|Link to this|Click to|Note|Warning|Figure|Fig|Table"
)


def toc_files(node: dict) -> Iterator[str]:
    for key in ("root", "file"):
        if key in node:
            yield node[key]
    for child in (*node.get("parts", ()), *node.get("chapters", ()), *node.get("sections", ())):
        yield from toc_files(child)


CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
PAGES = list(toc_files(yaml.safe_load((ROOT / "_toc.yml").read_text())))
CHAPTERS = [page for page in PAGES if "{code-cell}" in (ROOT / f"{page}.md").read_text()]
COLAB = CONFIG["repository"]["url"].replace("https://github.com", "https://colab.research.google.com/github")

every_page = pytest.mark.parametrize("page", PAGES)
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@pytest.fixture(scope="session")
def build() -> subprocess.CompletedProcess[str]:
    """O mesmo comando de `make book`: refaz só o que mudou."""
    return subprocess.run(BUILD, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="session")
def site(build: subprocess.CompletedProcess[str]) -> Path:
    assert build.returncode == 0, build.stdout[-3000:] + build.stderr[-3000:]
    return HTML


def parsed(site: Path, page: str) -> BeautifulSoup:
    return BeautifulSoup((site / f"{page}.html").read_text(), "html.parser")


def article(site: Path, page: str) -> Tag:
    found = parsed(site, page).select_one("article")
    assert found is not None
    return found


@functools.cache
def anchors(file: Path) -> set[str]:
    return {node["id"] for node in BeautifulSoup(file.read_text(), "html.parser")(id=True)}


# O que se lê nos arquivos


def test_builds_without_warnings(build: subprocess.CompletedProcess[str]) -> None:
    assert build.returncode == 0, build.stdout[-3000:] + build.stderr[-3000:]


@every_page
def test_declares_portuguese(site: Path, page: str) -> None:
    assert parsed(site, page).html["lang"] == "pt-BR"


@every_page
def test_every_image_is_described(site: Path, page: str) -> None:
    for image in parsed(site, page)("img"):
        alt = image.get("alt", "")
        assert len(alt.split()) >= 4 and "/" not in alt, f"{image['src']}: alt «{alt}»"


@every_page
def test_internal_links_and_anchors_resolve(site: Path, page: str) -> None:
    address = f"{page}.html"
    for node in parsed(site, page).select("a[href], link[href], img[src], script[src]"):
        target = node.get("href") or node.get("src")
        path, anchor = urldefrag(urljoin(address, target))
        if re.match(r"[a-z]+:", path):
            continue
        file = site / unquote(path.partition("?")[0])
        assert file.is_file(), f"{target} não existe"
        if anchor and file.suffix == ".html":
            assert unquote(anchor) in anchors(file), f"{target} não tem alvo"


@every_page
def test_no_markup_is_left_in_the_text(site: Path, page: str) -> None:
    text = article(site, page)
    for code in text.select("pre, code, .math"):
        code.decompose()
    assert not re.search(r"```|:::|\{[a-z:]+\}|\*\*|\$", text.get_text())


def test_front_door_leads_to_the_first_page(site: Path) -> None:
    assert f"url={PAGES[0]}.html" in (site / "index.html").read_text()


def test_only_the_toc_is_published(site: Path) -> None:
    published = {path.stem for path in (site / "_sources").rglob("*.md")}
    assert published == {Path(page).name for page in PAGES}


def test_sources_store_no_outputs() -> None:
    assert not list((ROOT / "book").rglob("*.ipynb"))
    for source in (ROOT / "book").glob("*.md"):
        assert "base64," not in source.read_text(), source


@every_chapter
def test_chapter_has_every_part(site: Path, chapter: str) -> None:
    page = article(site, chapter)
    boxes = [len(page.select(f".box-{name}")) for name in ("ficha", "convencoes", "pratique")]
    assert boxes == [1, 1, 1]
    assert len(page.select(".box-mito")) >= 2
    assert len(page.select(".box-mito .verdict")) == len(page.select(".box-mito"))
    assert 3 <= len(page.select("details.answer")) <= 5
    assert {"Confira", "Pratique", "Resumo", "Referências"} <= {h2.contents[0] for h2 in page("h2")}
    assert len(page.select(".footnote")) >= 3
    assert all(figure.select_one("figcaption").get_text(strip=True) for figure in page("figure"))


@every_chapter
def test_chapter_length(site: Path, chapter: str) -> None:
    page = article(site, chapter)
    for other in page.select("pre, .math, .footnote, summary"):
        other.decompose()
    assert 1500 <= len(re.findall(r"\w+(?:-\w+)*", page.get_text())) <= 3000


@every_chapter
def test_colab_links_follow_the_configuration(site: Path, chapter: str) -> None:
    branch, slug = CONFIG["repository"]["branch"], Path(chapter).name
    links = [link["href"] for link in article(site, chapter).select("a.colab-button")]
    assert links == [
        f"{COLAB}/blob/gh-pages/_sources/{chapter}.ipynb",
        f"{COLAB}/blob/{branch}/exercises/{slug}/{slug}.ipynb",
    ]


@every_chapter
def test_exercise_is_served_by_the_site(site: Path, chapter: str) -> None:
    slug = Path(chapter).name
    link = article(site, chapter).select_one(".box-pratique a.download")
    assert link is not None
    served_copy = site / urljoin(f"{chapter}.html", link["href"])
    assert served_copy.read_bytes() == (ROOT / f"exercises/{slug}/{slug}.ipynb").read_bytes()


@every_chapter
def test_colab_notebook_has_the_code_of_the_page(site: Path, chapter: str) -> None:
    notebook = nbformat.read(site / f"_sources/{chapter}.ipynb", as_version=4)
    nbformat.validate(notebook)
    source = (ROOT / f"{chapter}.md").read_text()
    written = re.findall(r"^```\{code-cell\}[^\n]*\n(?:---\n.*?\n---\n)?(.*?)\n```$", source, re.S | re.M)
    codes = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    sent = [re.sub(r"\A# @title .*\n", "", code) for code in codes]
    assert sent == [code.strip() for code in written]


@every_chapter
def test_colab_notebook_is_plain_markdown(site: Path, chapter: str) -> None:
    notebook = nbformat.read(site / f"_sources/{chapter}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert not re.search(r"```\{|:::|\{(eq|numref|footcite[:a-z]*|cite[:a-z]*|doc|ref)\}|\(eq-|<inline", text)
    assert text.count("$$") == len(re.findall(r"^[> ]*\$\$$", text, re.M)), "um $$ divide a linha com texto"
    assert text.count(r"\tag{") == len(re.findall(r"^\$\$ \(eq-", (ROOT / f"{chapter}.md").read_text(), re.M))
    answers = len(article(site, chapter).select(".answer"))
    assert text.count("<details>") == text.count("</details>") == answers
    assert not re.search(r"\]\((?!https://)", text), "no Colab, todo link precisa do endereço inteiro"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("```{pratique} nenhum\nFaça.\n```", "não há exercício em exercises/nenhum/nenhum.ipynb"),
        ("```{mito} Tudo é linear.\n:veredito: talvez\n\nNão.\n```", "pede `:veredito:`"),
    ],
)
def test_a_wrong_box_stops_the_build_and_says_where(tmp_path: Path, body: str, complaint: str) -> None:
    shutil.copytree(ROOT / "book", tmp_path / "book", ignore=shutil.ignore_patterns("*.md", "__pycache__"))
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    (tmp_path / "book" / "index.md").write_text(f"# Página\n\n{body}\n")
    done = subprocess.run(BUILD, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert complaint in done.stderr and "book/index.md, linha 3" in done.stderr


# O que se vê no navegador


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as url:
        yield url


@dataclass
class Visit:
    """Uma página aberta e tudo o que ela reclamou ou pediu."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def go(self, url: str) -> None:
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url, wait_until="networkidle")
        self.page.evaluate("() => window.MathJax && MathJax.startup.promise")

    def hear(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.complaints.append(line.text)

    def outside(self, allowed: str) -> list[str]:
        return [url for url in self.requests if not url.startswith((allowed, "data:", "blob:"))]


@contextmanager
def visiting(browser: Browser, viewport: str) -> Iterator[Visit]:
    width, height = VIEWPORTS[viewport]
    context = browser.new_context(viewport={"width": width, "height": height})
    yield Visit(context.new_page())
    context.close()


@pytest.fixture(params=VIEWPORTS)
def visit(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Visit]:
    with visiting(browser, request.param) as ready:
        yield ready


@pytest.fixture(scope="module", params=itertools.product([*PAGES, "search"], VIEWPORTS), ids="-".join)
def opened(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Visit]:
    """Cada página em cada tela, aberta uma vez para os testes que só olham."""
    page, viewport = request.param
    with visiting(browser, viewport) as ready:
        ready.go(f"{address}{page}.html")
        yield ready


INTERFACE = """() => {
  const names = ["aria-label", "title", "placeholder", "data-bs-title", "data-bs-original-title", "data-tooltip"];
  const said = [...document.querySelectorAll("*")].flatMap(
    (node) => names.map((name) => node.getAttribute(name)).filter(Boolean));
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    if (!words.currentNode.parentElement.closest("script, style, pre, code, .footnote, ul.search"))
      said.push(words.currentNode.textContent);
  }
  return said;
}"""


def test_console_is_clean(opened: Visit) -> None:
    assert opened.complaints == []


def test_nothing_is_asked_of_others(opened: Visit, address: str) -> None:
    assert opened.outside(address) == []


def test_page_fits_the_screen(opened: Visit) -> None:
    wide, visible = opened.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= visible


def test_interface_speaks_portuguese(opened: Visit) -> None:
    english = re.compile(rf"^\W*({LEFTOVERS})\b")
    assert [said for said in opened.page.evaluate(INTERFACE) if english.search(said)] == []


@every_chapter
def test_mathematics_is_drawn(visit: Visit, address: str, chapter: str) -> None:
    visit.go(f"{address}{chapter}.html")
    assert visit.page.locator("mjx-container").count() > 20
    assert visit.page.locator("mjx-merror").count() == 0


def test_search_finds_the_chapter(visit: Visit, address: str) -> None:
    visit.go(f"{address}search.html?q=dropout")
    visit.page.wait_for_selector("ul.search a[href*='book/dropout.html']")


def test_copying_code_speaks_portuguese(visit: Visit, address: str) -> None:
    visit.go(f"{address}{CHAPTERS[0]}.html")
    labels = visit.page.locator("button.copybtn").evaluate_all("all => all.map(b => b.dataset.tooltip)")
    assert set(labels) == {"Copiar"}


def test_works_from_a_folder_without_a_server(visit: Visit, site: Path) -> None:
    visit.go(f"{site.as_uri()}/{CHAPTERS[0]}.html")
    assert visit.page.locator("mjx-container").count() > 20
    assert visit.outside(site.as_uri()) == []
