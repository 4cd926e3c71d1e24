"""Recebe as entregas que o LMS devolve e as põe onde a correção lê: `submitted/<estudante>/<slug>/`.

Entende o zip do Moodle nos dois formatos (ou já descompactado), as pastas do Google Sala de Aula e do Drive
e uma pasta comum, com uma subpasta ou um arquivo por estudante. Tudo o que o LMS disse de cada pessoa fica em
`downloaded/<slug>/manifest.json`, de onde a nota e a devolutiva acham o caminho de volta.

O identificador do estudante vem do nome: o número que o Moodle põe na pasta muda a cada tarefa, e com ele a
mesma pessoa seria outra em cada exercício. O número só desempata homônimos.
"""

import hashlib
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, RootModel, ValidationError

from grader.course import ClassDir, slugs
from grader.errors import GraderError, UnreadableSource
from grader.files import write_atomically
from grader.lms.people import COPY_NUMBER, Hand, clean, person_key, slugify, sort_by_person, stem_of
from grader.lms.sources import ARCHIVE, MAX_FILE, Entry, Refused, Unusable, open_source

MAX_TOTAL = 2 * 2**30

Action = Literal["nova", "substituída", "sem mudança", "mantida", "sem caderno"]

# O nome que o Moodle dá a todos quando a correção é anônima.
ANONYMOUS = ("participante", "participant")
ISO_DATE = re.compile(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?:[T _-]+(\d\d)[-_:.h]?(\d\d))?(?!\d)")
DAY_FIRST_DATE = re.compile(r"(?<!\d)(\d\d)[-_.](\d\d)[-_.](20\d\d)(?!\d)")


class Received(BaseModel):
    """O que se sabe de uma entrega recebida; `received` é a data que a origem dá ao arquivo."""

    name: str
    participant: int | None = None
    folder: str | None = None
    file: str | None = None
    sha256: str | None = None
    received: datetime | None = None
    notes: list[str] = []


class Manifest(RootModel[dict[str, Received]]):
    """Tudo o que `collect` recebeu de um exercício, por estudante."""

    @classmethod
    def load(cls, path: Path) -> "Manifest":
        """Lê o manifesto; vazio se nada foi recolhido ainda."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls({})
        except (OSError, ValidationError) as error:
            raise GraderError(
                f"Não consegui ler o manifesto {path}. Apague-o e rode grader collect de novo."
            ) from error

    def save(self, path: Path) -> None:
        write_atomically(path, self.model_dump_json(indent=2) + "\n")


@dataclass(frozen=True)
class Item:
    """O que houve com a entrega de um estudante; `notes` diz que arquivo valeu e por quê."""

    student: str
    name: str
    file: str | None
    action: Action
    notes: list[str]


@dataclass
class Collected:
    """O resultado de `collect`: quem foi reconhecido e o que ficou de fora."""

    items: list[Item] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def collect(classdir: ClassDir, slug: str, source: Path) -> Collected:
    """Recolhe as entregas de `slug`; nada é escrito se a origem inteira não puder ser lida.

    Levanta `UnreadableSource` quando a origem não existe, não é pasta nem zip, está vazia ou passa do teto.
    """
    if source.resolve() in (classdir.path, *classdir.path.parents):
        raise UnreadableSource(f"{source} contém a própria turma. Indique só a pasta com as entregas.")
    inbox = Inbox(classdir, slug, Manifest.load(classdir.manifest(slug)))
    result = Collected()
    with open_source(source) as listing:
        hands, result.refused = sort_by_person(listing, slug)
        if not hands and not result.refused:
            raise UnreadableSource(f"{source} está vazia: não há entrega nenhuma a recolher.")
        sizes = [max((entry.size for _, entry in hand.files), default=0) for hand in hands]
        if sum(min(size, MAX_FILE) for size in sizes) > MAX_TOTAL:
            raise UnreadableSource(f"{source} passa de {MAX_TOTAL >> 30} GB de cadernos. Recolha em partes.")
        for student, hand in sorted(inbox.identify(hands).items()):
            record, data, refused = _choose(hand, listing.dated, slug)
            result.refused += refused
            if student != hand.person.base and hand.person.base not in ANONYMOUS:
                record.notes.append(f"Há outra pessoa com este nome na turma; esta é {student}.")
            action = inbox.store(student, record, data)
            result.items.append(Item(student, record.name, record.file, action, record.notes))
    inbox.manifest.save(classdir.manifest(slug))
    return result


def _choose(hand: Hand, dated: bool, slug: str) -> tuple[Received, bytes | None, list[Refused]]:
    """O caderno mais novo que se deixa ler, com o motivo da escolha nas notas do registro."""
    person, refused = hand.person, []
    record = Received(name=person.name, participant=person.participant, folder=person.folder)
    ranked = [(_criteria(name, entry, dated, slug), name, entry) for name, entry in hand.files]
    ranked.sort(key=lambda candidate: tuple(candidate[0].values()), reverse=True)
    for position, (criteria, name, entry) in enumerate(ranked):
        try:
            data = entry.notebook()
        except Unusable as problem:
            refused.append(Refused(entry.path, str(problem)))
            record.notes.append(f"“{name}” não foi usado: {problem}.")
            continue
        record.file, record.received = name, entry.when
        record.sha256 = hashlib.sha256(data).hexdigest()
        if others := ranked[position + 1 :]:
            why = next(label for label, value in criteria.items() if value != others[0][0][label])
            rest = ", ".join(f"“{other}”" for _, other, _ in others)
            record.notes.append(
                f"De {len(others) + 1} arquivos, valeu “{name}”, {why}; ficaram de fora: {rest}."
            )
        return record, data, refused
    if not hand.files:
        record.notes.append("A entrega não traz nenhum caderno .ipynb.")
    return record, None, refused


def _criteria(name: str, entry: Entry, dated: bool, slug: str) -> dict[str, Any]:
    """O que decide entre os arquivos de uma pessoa, do critério mais forte ao mais fraco."""
    others = {slugify(other) for other in slugs() if other != slug}
    when = {"o mais recente pela data que o zip lhe dá": entry.when} if dated else {}
    return {
        "o único fora de zip": not entry.has_ending(ARCHIVE),
        "o que não tem nome de outro exercício": slugify(stem_of(name)) not in others,
        **when,
        "o mais recente pela data no nome": _date_in(name),
        "o de maior número entre parênteses": _copy_number(name),
        "o mais recente pela data do arquivo": entry.when,
        "o último na ordem da origem": entry.position,
    }


def _date_in(name: str) -> str:
    """A data mais nova que o nome do arquivo traz, como texto comparável; vazio se não há nenhuma."""
    iso = ["".join(part or "" for part in match) for match in ISO_DATE.findall(name)]
    day_first = [year + month + day for day, month, year in DAY_FIRST_DATE.findall(name)]
    return max((date for date in iso + day_first if "01" <= date[4:6] <= "12"), default="")


def _copy_number(name: str) -> int:
    match = COPY_NUMBER.search(clean(name).rpartition(".")[0])
    return int(match[1]) if match else 0


@dataclass(frozen=True)
class Inbox:
    """As entregas que a turma já tem de um exercício."""

    classdir: ClassDir
    slug: str
    manifest: Manifest

    def identify(self, hands: list[Hand]) -> dict[str, Hand]:
        """Dá a cada pessoa o seu identificador: o que já tinha ou, se outra o usa, um que as distingue."""
        records = self.manifest.root
        known = {person_key(record.name, record.participant): student for student, record in records.items()}
        wanted = Counter(hand.person.base.casefold() for hand in hands)
        taken = {student.casefold() for student in records}
        students: dict[str, Hand] = {}
        for hand in sorted(hands, key=lambda hand: (hand.person.key not in known, hand.person.key)):
            person = hand.person
            digest = hashlib.sha256(person.key.encode()).hexdigest()[:6]
            options = [
                person.base,
                f"{person.base}-{person.participant or digest}",
                f"{person.base}-{digest}",
            ]
            if wanted[person.base.casefold()] > 1 or person.base in ANONYMOUS:
                options = options[1:]
            student = known.get(person.key)
            if student is None and person.participant is None and person.name in records:
                student = person.name if person.name not in students else None
            student = student or next(option for option in options if option.casefold() not in taken)
            taken.add(student.casefold())
            students[student] = hand
        return students

    def store(self, student: str, record: Received, data: bytes | None) -> Action:
        """Guarda a entrega, sem nunca apagar outra; o que fica registrado é o que a turma tem."""
        target = self.classdir.submitted(student, self.slug) / f"{self.slug}.ipynb"
        known = self.manifest.root.get(student)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            current = target.read_bytes() if target.exists() else None
        except OSError as error:
            raise GraderError(
                f"Não consegui abrir {target}: {error.strerror}. Acerte as permissões."
            ) from error
        if known and record.participant is None:
            record.name, record.participant, record.folder = known.name, known.participant, known.folder
        action = _decide(record, data, known, current)
        if action == "mantida":
            return action
        if action == "substituída" and current is not None and known is not None:
            backups = self.classdir.manifest(self.slug).parent / "anteriores" / student
            name = f"{known.received or datetime.min:%Y-%m-%dT%H-%M-%S}-{(known.sha256 or '')[:8]}.ipynb"
            write_atomically(backups / name, current)
        if data is not None and action in ("nova", "substituída"):
            write_atomically(target, data)
            when = (record.received or datetime.now()).astimezone(UTC)
            os.utime(target, (when.timestamp(), when.timestamp()))
            # Onde o nbgrader procura a hora da entrega, que vai para o livro de notas.
            write_atomically(target.with_name("timestamp.txt"), f"{when:%Y-%m-%d %H:%M:%S} UTC\n")
        self.manifest.root[student] = record
        return action


def _decide(record: Received, data: bytes | None, known: Received | None, current: bytes | None) -> Action:
    """Uma entrega só toma o lugar de outra quando se sabe que é mais nova."""
    if data is None:
        if current is None:
            return "sem caderno"
        record.notes.append("Esta origem não traz caderno desta pessoa; fica o que a turma já tinha.")
        return "mantida"
    if current is None:
        return "nova"
    if current == data:
        if known and known.sha256 == record.sha256:
            record.received = known.received
        return "sem mudança"
    if known is None or hashlib.sha256(current).hexdigest() != known.sha256:
        record.notes.append(
            "O caderno da turma foi posto ou mudado à mão e ficou; apague-o para receber este."
        )
        return "mantida"
    if _age(record) > _age(known):
        return "substituída"
    record.notes.append("O caderno da turma é mais novo que este e ficou.")
    return "mantida"


def _age(record: Received) -> tuple[datetime, str, int]:
    name = record.file or ""
    return record.received or datetime.min, _date_in(name), _copy_number(name)
