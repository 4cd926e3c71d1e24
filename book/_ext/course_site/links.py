"""Os endereços do projeto, todos derivados de `repository.url` em `_config.yml`."""

from dataclasses import dataclass

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

COLAB = "https://colab.research.google.com/github"
# O ramo em que o site é publicado, com os cadernos dos capítulos em `_sources/`.
PUBLISHED_BRANCH = "gh-pages"


@dataclass(frozen=True)
class Repository:
    owner: str
    name: str
    branch: str

    @classmethod
    def of(cls, config: Config) -> "Repository":
        options = config.html_theme_options
        url = options.get("repository_url", "").rstrip("/")
        host, _, path = url.partition("github.com/")
        if host != "https://" or path.count("/") != 1:
            raise ExtensionError(
                f"_config.yml: `repository.url` é «{url}» e deve ser https://github.com/<dono>/<nome>."
            )
        owner, name = path.split("/")
        return cls(owner, name, options["repository_branch"])

    @property
    def site(self) -> str:
        return f"https://{self.owner}.github.io/{self.name}/"

    def chapter_on_colab(self, docname: str) -> str:
        return f"{COLAB}/{self.owner}/{self.name}/blob/{PUBLISHED_BRANCH}/_sources/{docname}.ipynb"

    def exercise_on_colab(self, slug: str) -> str:
        return f"{COLAB}/{self.owner}/{self.name}/blob/{self.branch}/exercises/{slug}/{slug}.ipynb"


def publish_addresses(app: Sphinx, config: Config) -> None:
    """O endereço público, para o mapa do site, os cartões das redes sociais e a página 404."""
    repository = Repository.of(config)
    config.html_baseurl = config.ogp_site_url = repository.site
    config.notfound_urls_prefix = f"/{repository.name}/"
    page = config.notfound_context
    config.notfound_context = {**page, "body": page["body"].format(site=repository.site)}


def map_every_page(app: Sphinx, error: Exception | None) -> None:
    """Põe no mapa do site também as páginas que esta construção não refez, de que o sphinx-sitemap não sabe."""
    links = app.sitemap_links
    while not links.empty():
        links.get()
    for docname in sorted(app.env.found_docs):
        links.put((f"{docname}.html", None))


def setup(app: Sphinx) -> None:
    app.connect("config-inited", publish_addresses)
    app.connect("build-finished", map_every_page, priority=400)  # antes de o mapa se escrever
