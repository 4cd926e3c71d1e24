"""De quem é cada arquivo de uma origem, pelos nomes que o LMS dá a pastas e arquivos."""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field

from grader.course import is_student_id
from grader.lms.sources import ARCHIVE, NOTEBOOK, Entry, Listing, Refused, is_junk

MAX_ID = 60
# Como o Moodle nomeia a pasta (ou o começo do nome do arquivo) de cada participante.
MOODLE = re.compile(r"(?P<name>.+)_(?P<number>[0-9]{1,18})_assignsubmission_[a-z]+(?:_(?P<file>.*))?")
GOOGLE = re.compile(r"(?P<name>.+?) +[-–] +(?P<title>.+)")
COPY_OF = re.compile(r"^((cópia|copia|copy)( \([0-9]+\))? (de|of) )+", re.IGNORECASE)
COPY_NUMBER = re.compile(r" ?\(([0-9]{1,6})\)$")


@dataclass(frozen=True)
class Person:
    """De quem é um arquivo, segundo a origem; `base` é o identificador que o nome sugere."""

    name: str
    base: str
    participant: int | None = None
    folder: str | None = None

    @property
    def key(self) -> str:
        return person_key(self.name, self.participant)


@dataclass
class Hand:
    """Tudo o que uma pessoa entregou: cada arquivo com o nome que ela lhe deu."""

    person: Person
    files: list[tuple[str, Entry]] = field(default_factory=list)


def person_key(name: str, participant: int | None) -> str:
    """O que distingue uma pessoa de outra dentro de um exercício."""
    return name if participant is None else f"#{participant}"


def slugify(name: str) -> str:
    """Nome de gente como nome de pasta: `Ana D'Ávila` vira `ana-davila`."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    words = re.sub(r"[^\w\s-]", "", unicodedata.normalize("NFC", bare).lower())
    return re.sub(r"[\W_]+", "-", words).strip("-")[:MAX_ID].rstrip("-")


def sort_by_person(listing: Listing, slug: str) -> tuple[list[Hand], list[Refused]]:
    """Reparte a origem por pessoa; o que não é de ninguém, ou não é caderno, volta com o motivo."""
    depth, shared = _layout(listing, slug)
    hands: dict[str, Hand] = {}
    refused = list(listing.refused)

    def hand_of(person: Person) -> Hand:
        hand = hands.setdefault(person.key, Hand(person))
        if "_assignsubmission_file" in (person.folder or ""):
            hand.person = person
        return hand

    for parts in listing.folders:
        if person := not is_junk(parts) and (_by_moodle(parts) or _by_folder(parts[depth:], shared)):
            hand_of(person)
    for entry in listing.entries:
        name = entry.parts[-1]
        if is_junk(entry.parts):
            refused.append(Refused(entry.path, "arquivo oculto ou criado pelo sistema"))
            continue
        person = _by_moodle(entry.parts) or _by_folder(entry.parts[depth:-1], shared)
        if person is None and entry.has_ending(NOTEBOOK):
            person = _by_file(name, slug)
        hand = person and hand_of(person)
        if hand and entry.has_ending(NOTEBOOK, ARCHIVE):
            flat = MOODLE.fullmatch(name)
            hand.files.append((flat["file"] or name if flat else name, entry))
        else:
            refused.append(Refused(entry.path, _why_not(entry)))
    return list(hands.values()), refused


def _layout(listing: Listing, slug: str) -> tuple[int, set[str]]:
    """Quantas pastas embrulham a origem toda, e quais pastas são de várias pessoas em vez de uma."""
    files = [entry for entry in listing.entries if not is_junk(entry.parts)]
    folders = [parts for parts in listing.folders if not is_junk(parts)] + [file.parts[:-1] for file in files]
    notebooks = [file.parts for file in files if file.has_ending(NOTEBOOK)]
    depth = 0
    while (
        len({parts[: depth + 1] for parts in folders if len(parts) > depth}) == 1
        and all(len(parts) > depth + 1 for parts in notebooks)
        and _is_wrapper([parts[depth + 1 :] for parts in notebooks], slug)
    ):
        depth += 1
    inside = defaultdict(list)
    for parts in notebooks:
        inside[parts[depth]].append(parts[depth + 1 :])
    return depth, {top for top, paths in inside.items() if _is_shared(paths, slug)}


def _is_wrapper(notebooks: list[tuple[str, ...]], slug: str) -> bool:
    """Uma pasta única embrulha a turma, em vez de ser de um estudante, se dentro dela há nomes de pessoas."""
    stems = {stem_of(parts[0]) for parts in notebooks if len(parts) == 1}
    if not stems:
        named_after_it = [parts[1:] for parts in notebooks if slugify(parts[0]) == slugify(slug)]
        return len(named_after_it) < len(notebooks) or (bool(notebooks) and _is_wrapper(named_after_it, slug))
    return len(_named(notebooks, slug)) > 0 or len({slugify(stem) for stem in stems} - {slugify(slug)}) > 1


def _is_shared(notebooks: list[tuple[str, ...]], slug: str) -> bool:
    """Entre várias pastas, uma é de muita gente se o Moodle ou o Google nomeiam pessoas dentro dela."""
    return any(_by_moodle(parts) for parts in notebooks) or len(_named(notebooks, slug)) > 1


def _named(notebooks: list[tuple[str, ...]], slug: str) -> set[str]:
    """As pessoas que os cadernos logo abaixo da pasta nomeiam, na forma do Google: “Nome - título”."""
    matches = [GOOGLE.fullmatch(stem_of(parts[0])) for parts in notebooks if len(parts) == 1]
    return {match["name"] for match in matches if match and slugify(match["name"]) != slugify(slug)}


def _by_moodle(parts: tuple[str, ...]) -> Person | None:
    for part in parts:
        if match := MOODLE.fullmatch(part):
            folder = part.removesuffix(match["file"] or "")
            name = clean(match["name"])
            return Person(name, slugify(name) or "estudante", int(match["number"]), folder)
    return None


def _by_folder(folders: tuple[str, ...], shared: set[str]) -> Person | None:
    return _plain_person(folders[0]) if folders and folders[0] not in shared else None


def _by_file(name: str, slug: str) -> Person | None:
    stem = stem_of(name)
    match = GOOGLE.fullmatch(stem)
    person = Person(match["name"], slugify(match["name"]) or "estudante") if match else _plain_person(stem)
    return None if slugify(person.name) in ("", slugify(slug)) else person


def _plain_person(name: str) -> Person:
    name = clean(name)
    safe = is_student_id(name) and len(name) <= MAX_ID
    return Person(name, name if safe else slugify(name) or "estudante")


def clean(name: str) -> str:
    """O nome em Unicode composto (NFC), com um espaço só entre as palavras."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def stem_of(name: str) -> str:
    """O nome sem terminação, sem “Cópia de” e sem “(1)”."""
    return COPY_NUMBER.sub("", COPY_OF.sub("", clean(name).rpartition(".")[0].strip())).strip()


def _why_not(entry: Entry) -> str:
    if entry.has_ending(NOTEBOOK):
        return "o nome não diz de quem é; use uma pasta por estudante ou “Nome - título.ipynb”"
    if entry.has_ending(ARCHIVE):
        return (
            "é um zip solto; ponha-o numa pasta com o nome do estudante ou, se é da turma, recolha-o à parte"
        )
    if NOTEBOOK in entry.parts[-1].lower() or entry.has_ending(".json"):
        return "o navegador trocou a terminação; peça o arquivo com o final .ipynb"
    return "não é um caderno; peça o .ipynb (no Colab: Arquivo › Fazer download › Baixar o .ipynb)"
