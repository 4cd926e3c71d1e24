"""O verificador: observa uma implementação, compara com a referência e dá nome ao erro.

Este arquivo viaja: vai inteiro dentro de cada caderno de exercício, entra no processo isolado que
executa as entregas e serve ao juiz. Por isso só depende da biblioteca padrão e do NumPy.

Uma *sonda* (`Probe`) exercita a implementação com entradas sorteadas de `rng` e devolve o que viu, como
arrays com nome. Ela não afirma nada e não conhece resposta. Se o que importa é uma estatística do que foi
visto, a segunda parte da sonda (`measure`) a calcula *fora* do processo que tem o código do estudante.
"""

import builtins
import contextlib
import errno
import fnmatch
import functools
import random
import re
import sys
import traceback
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BARRED_MARK = "Função não permitida neste exercício: "
RTOL = 1e-6
ATOL = 1e-8

Seen = dict[str, Any]


class NotDefined(Exception):
    """A implementação não tem o nome que a sonda pediu."""


class TimeUp(BaseException):
    """A verificação passou do tempo; não deriva de Exception para atravessar `except Exception`."""


@dataclass
class Near:
    """Valor com tolerância absoluta própria, para estatísticas de funções aleatórias."""

    value: Any
    atol: float


@dataclass
class Probe:
    """Uma verificação: de que função, o que testa em palavras, quanto vale e como se observa."""

    id: str
    function: str
    title: str
    points: float
    hint: str
    observe: Callable[[Any, np.random.Generator], Seen]
    hidden: bool = False
    statistics: Callable[[Seen, np.random.Generator], Seen] | None = None

    def measure(self, statistics: Callable[[Seen, np.random.Generator], Seen]) -> Callable:
        """Decorador da segunda parte: recebe o que foi visto e um `rng` igual ao da observação."""
        self.statistics = statistics
        return statistics


PROBES: dict[str, Probe] = {}


def probe(function: str, title: str, *, points: float, hint: str) -> Callable[[Callable], Probe]:
    """Decorador que registra `f(impl, rng) -> {nome: array}` como sonda; o nome de `f` é o seu id."""

    def register(observe: Callable[[Any, np.random.Generator], Seen]) -> Probe:
        PROBES[observe.__name__] = Probe(observe.__name__, function, title, points, hint, observe)
        return PROBES[observe.__name__]

    return register


SLIPS = (NameError, AttributeError, RecursionError, ImportError)
"""Exceções que ninguém levanta de propósito para recusar um argumento."""


def raised(call: Callable[[], Any]) -> str:
    """Nome da exceção que `call` levanta (subclasses de ValueError contam como ela) ou "nenhum erro"."""
    try:
        call()
    except (NotDefined, NotImplementedError, *SLIPS):
        raise  # um tropeço, que a mensagem e a linha explicam melhor que o nome
    except ValueError:
        return "ValueError"
    except Exception as error:
        if barred_sentence(error):
            raise
        return type(error).__name__
    return "nenhum erro"


# --- observar ---------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """O que uma sonda viu de uma implementação, ou por que não viu nada.

    `status` é "seen", "not_defined", "barred", "memory", "timeout", "crashed" ou "error"; em "error",
    `error` é o tipo da exceção. `atol` traz a tolerância absoluta de cada valor que tem uma própria.
    """

    status: str
    values: Seen = field(default_factory=dict)
    error: str = ""
    detail: str = ""
    atol: dict[str, float] = field(default_factory=dict)


class Implementation:
    """As funções e classes de um espaço de nomes, como atributos."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace

    def __getattr__(self, name: str) -> Any:
        try:
            return self._namespace[name]
        except KeyError:
            raise NotDefined(name) from None


def generator(probe: Probe, seed: int) -> np.random.Generator:
    """Gerador da sonda: depende da semente e do id, para que uma sonda nova não mude as outras."""
    return np.random.default_rng([seed, zlib.crc32(probe.id.encode())])


def as_data(value: Any, name: str) -> np.ndarray | str:
    """Cópia de `value` como texto ou array numérico comum; levanta TypeError se não for nem um nem outro."""
    if isinstance(value, str):
        return str(value)
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.array(value, order="C")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: esperava números e veio {_kind(value)}")
    return array


def _kind(value: Any) -> str:
    """O que veio no lugar de números, como o estudante o chamaria."""
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value.item()
    names = {dict: "um dicionário", tuple: "uma tupla", list: "uma lista", type(None): "None"}
    return names.get(type(value), type(value).__name__)


def seed_globals(seed: int) -> None:
    """Semeia os geradores globais: quem sorteia por eles ao menos o faz de modo reproduzível."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def observe(probe: Probe, namespace: dict[str, Any], seed: int) -> Outcome:
    """Roda a primeira parte da sonda. Nunca levanta exceção: o que deu errado vira `Outcome`."""
    seed_globals(seed ^ zlib.crc32(probe.id.encode()))
    recursion = sys.getrecursionlimit()
    try:
        seen = probe.observe(Implementation(namespace), generator(probe, seed))
        values = {name: as_data(value, name) for name, value in unwrapped(seen).items()}
        return Outcome("seen", values, atol=tolerances(seen))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return stopped(probe, error)
    finally:
        sys.setrecursionlimit(recursion)


def stopped(probe: Probe, error: BaseException) -> Outcome:
    """O que dizer de uma sonda que parou com uma exceção."""
    if isinstance(error, NotDefined):
        return Outcome(
            "not_defined", detail=f"não encontrei `{error}`: execute a célula dela ou confira o nome"
        )
    if isinstance(error, NotImplementedError) and (sentence := unwritten(error)):
        return Outcome("not_defined", detail=sentence)
    if out_of_memory(error):
        return Outcome("memory", detail="faltou memória")
    if isinstance(error, TimeUp):
        return Outcome("timeout", detail="passou do tempo")
    if sentence := barred_sentence(error):
        return Outcome("barred", detail=sentence)
    own = own_frames(error, {probe.observe.__code__.co_filename, stopped.__code__.co_filename})
    if not own:
        return Outcome("error", error="retorno", detail=unusable(error))
    return Outcome("error", error=type(error).__name__, detail=describe_error(error, own[-1]))


def last_code(error: BaseException) -> Any:
    """O código em que a exceção nasceu."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code if trace is not None else stopped.__code__


def unwritten(error: NotImplementedError) -> str:
    """De quem é o `raise NotImplementedError` que parou a sonda; vazio se é queixa de uma biblioteca (tem texto)."""
    name = last_code(error).co_qualname
    if name.endswith("_forward_unimplemented"):
        return "a classe não tem o método `forward`"
    if message_of(error):
        return ""
    return (
        f"`{name}` ainda está por escrever (há nela um `raise NotImplementedError`); "
        "se você já a escreveu, execute de novo a célula dela"
    )


def unusable(error: BaseException) -> str:
    """A exceção nasceu na própria sonda, ao usar o que o código do estudante devolveu."""
    text = " ".join(message_of(error).split())[:200]
    if isinstance(error, NameError):
        return f"falta executar uma célula anterior do caderno: `{error.name}` ainda não existe"
    if "esperava números" in text:
        return text
    if "NoneType" in text:
        return "veio None onde se esperava um valor: faltou `return`, ou um dos valores devolvidos é None"
    if "unpack" in text:
        return "a quantidade de valores devolvidos não é a pedida: confira o `return`"
    if isinstance(error, TypeError) and re.search(r"positional argument|keyword argument", text):
        return f"a linha do `def` não aceita os argumentos do enunciado ({text})"
    return f"não consegui usar o que foi devolvido ({text})"


def unwrapped(seen: Seen) -> Seen:
    return {name: v.value if isinstance(v, Near) else v for name, v in seen.items()}


def tolerances(seen: Seen) -> dict[str, float]:
    return {name: v.atol for name, v in seen.items() if isinstance(v, Near)}


def message_of(error: BaseException) -> str:
    """Texto da exceção; vazio se até isso levanta outra."""
    try:
        return str(error)
    except Exception:
        return ""


def out_of_memory(error: BaseException) -> bool:
    """Faltou memória, diga-o Python, o sistema ou o PyTorch?"""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or "can't allocate memory" in message_of(error)


def barred_sentence(error: BaseException) -> str:
    """A frase do veto, se foi ele que parou o código (o TorchScript a põe no meio da sua); senão, vazio."""
    _, mark, rest = message_of(error).partition(BARRED_MARK)
    return mark + rest.partition("\n")[0]


def own_frames(error: BaseException, ours: set[str]) -> list[traceback.FrameSummary]:
    """Os quadros da exceção que são de código do estudante: nem nossos (arquivos `ours`), nem de biblioteca."""
    library = ("site-packages", "dist-packages", "/lib/python", "<frozen", "<__array", ".pyx")
    frames = traceback.extract_tb(error.__traceback__)
    return [f for f in frames if f.filename not in ours and not any(mark in f.filename for mark in library)]


def describe_error(error: BaseException, frame: traceback.FrameSummary | None = None) -> str:
    """Uma linha: tipo, mensagem e a linha do código do estudante em que parou."""
    place = "" if frame is None or frame.name == "<module>" else f" de {frame.name}"
    where = f" (linha {frame.lineno}{place})" if frame else ""
    message = " ".join(message_of(error).split())[:300]
    return f"{type(error).__name__}: {message}{where}" if message else f"{type(error).__name__}{where}"


def measured(probe: Probe, outcome: Outcome, seed: int) -> Outcome:
    """Segunda parte da sonda, no lado confiável: troca o que foi visto pelas estatísticas."""
    if outcome.status != "seen" or probe.statistics is None:
        return outcome
    try:
        with np.errstate(all="ignore"):
            statistics = probe.statistics(dict(outcome.values), generator(probe, seed))
            values = {name: as_data(value, name) for name, value in unwrapped(statistics).items()}
        return Outcome("seen", values, atol=tolerances(statistics))
    except Exception as error:
        return Outcome("error", error=type(error).__name__, detail="o resultado não tem a forma esperada")


# --- comparar ---------------------------------------------------------------------------------------


@dataclass
class Answer:
    """Gabarito de uma sonda: o que viu na referência e em cada erro comum que ela distingue."""

    shapes: dict[str, list[int] | None]
    reference: Outcome
    mistakes: dict[str, Outcome] = field(default_factory=dict)

    def predicted(self, mistake: str) -> Outcome:
        """O que a sonda veria em quem cometeu o erro: o da referência, se ela não os distingue."""
        return self.mistakes.get(mistake, self.reference)


@dataclass
class Finding:
    """Veredito de uma sonda, com a frase que explica a perda."""

    probe: Probe
    status: str
    message: str = ""
    mistake: str | None = None

    @property
    def earned(self) -> float:
        return self.probe.points if self.status == "passed" else 0.0


def shape_of(value: Any) -> list[int] | None:
    return None if isinstance(value, str) else list(np.shape(value))


def wrong_shape(shapes: dict[str, list[int] | None], values: Seen) -> str:
    """Frase sobre o primeiro nome ausente ou de outra forma; vazia se está tudo como na referência."""
    for name, shape in shapes.items():
        if name not in values:
            return f"faltou devolver {name}"
        if (got := shape_of(values[name])) != shape:
            return f"{name}: esperava {_shape_text(shape)} e veio {_shape_text(got)}"
    return ""


def _shape_text(shape: list[int] | None) -> str:
    if shape is None:
        return "texto"
    return f"a forma ({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})" if shape else "um número"


def first_difference(expected: Outcome, got: Outcome) -> str:
    """Frase sobre a primeira diferença além da tolerância; vazia se são iguais."""
    if problem := wrong_shape({name: shape_of(value) for name, value in expected.values.items()}, got.values):
        return problem
    for name in expected.values:
        want, have = np.asarray(expected.values[name]), np.asarray(got.values[name])
        if want.dtype.kind == "U":
            if have != want:
                return f"{name}: esperava {want} e veio {str(have)[:80]}"
        elif (wrong := ~_close(have, want, expected.atol.get(name))).any():
            where = tuple(int(i) for i in np.argwhere(wrong)[0])
            place = f"na posição {list(where)} " if where else ""
            differ = "difere" if wrong.sum() == 1 else "diferem"
            count = f" ({int(wrong.sum())} de {wrong.size} valores {differ})" if wrong.size > 1 else ""
            about = "cerca de " if name in expected.atol else ""
            wanted, came = _numbers(want[where], have[where])
            return f"{name}: {place}esperava {about}{wanted} e veio {came}{count}"
    return ""


def _close(have: np.ndarray, want: np.ndarray, atol: float | None) -> np.ndarray:
    """Igualdade elemento a elemento; NaN só é igual a NaN, infinito só ao mesmo infinito."""
    have, want = have.astype(np.float64), want.astype(np.float64)
    limit = ATOL + RTOL * np.abs(want) if atol is None else atol
    with np.errstate(all="ignore"):
        near = np.abs(have - want) <= limit
    return np.where(
        np.isfinite(want) & np.isfinite(have), near, (have == want) | (np.isnan(have) & np.isnan(want))
    )


def _numbers(want: Any, have: Any) -> tuple[str, str]:
    """Os dois números em português, com os algarismos que bastam para que não pareçam iguais."""
    for digits in (6, 9, 12, 17):
        texts = [f"{float(value) + 0.0:.{digits}g}".replace(".", ",") for value in (want, have)]
        if texts[0] != texts[1]:
            break
    return texts[0], texts[1]


def same(expected: Outcome, got: Outcome) -> bool:
    """Dois resultados indistinguíveis: os mesmos valores, ou a mesma falha."""
    if expected.status != got.status:
        return False
    if expected.status != "seen":
        return (expected.error, gist(expected)) == (got.error, gist(got))
    return not first_difference(expected, got)


def gist(outcome: Outcome) -> str:
    """A mensagem de uma exceção sem os números e a linha, que mudam de um código para outro."""
    message = outcome.detail.partition(" (linha ")[0] if outcome.status == "error" else ""
    return re.sub(r"0x[0-9a-f]+|\d+", "#", message)


def judge(
    probes: list[Probe], answers: dict[str, Answer], outcomes: dict[str, Outcome], seed: int
) -> list[Finding]:
    """Veredito de cada sonda.

    Quando vários erros comuns explicam a mesma diferença, vale o que melhor prevê todas as sondas, as certas
    inclusive: um erro em uma função pode aparecer nas sondas de outra que a usa. Uma sonda que só vê estatísticas
    ou exceções é indício fraco, e não acusa um erro que apareceria de outro modo em uma que vê os valores.
    """
    results = {p.id: _checked(p, answers[p.id], outcomes[p.id], seed) for p in probes}
    strong = [p for p in probes if not _weak(p, answers[p.id])]

    def contradicted(mistake: str, function: str) -> bool:
        return any(
            mistake in answers[p.id].mistakes and not same(answers[p.id].mistakes[mistake], results[p.id])
            for p in strong
            if p.function == function
        )

    @functools.cache
    def agreement(mistake: str) -> int:
        return sum(same(answers[id].predicted(mistake), got) for id, got in results.items())

    findings = []
    for p in probes:
        answer, got = answers[p.id], results[p.id]
        suspects = [m for m, outcome in answer.mistakes.items() if same(outcome, got)]
        if _weak(p, answer):
            suspects = [m for m in suspects if not contradicted(m, p.function)]
        findings.append(_finding(p, answer, got, max(suspects, key=agreement, default=None)))
    return findings


def _weak(probe: Probe, answer: Answer) -> bool:
    """A sonda vê pouco: estatísticas, ou só o nome das exceções."""
    values = answer.reference.values.values()
    return probe.statistics is not None or all(isinstance(value, str) for value in values)


def _checked(probe: Probe, answer: Answer, outcome: Outcome, seed: int) -> Outcome:
    if outcome.status == "seen" and (problem := wrong_shape(answer.shapes, outcome.values)):
        if answer.reference.status == "seen" and not probe.statistics:
            return outcome  # a comparação dirá a forma, e um erro do catálogo pode ter a mesma
        return Outcome("error", error="forma", detail=problem)
    return measured(probe, outcome, seed)


def _finding(probe: Probe, answer: Answer, got: Outcome, mistake: str | None) -> Finding:
    if same(answer.reference, got):
        return Finding(probe, "passed")
    if got.status == "seen":
        return Finding(probe, "failed", first_difference(answer.reference, got), mistake)
    if got.status == "error" and got.error == "forma":
        return Finding(probe, "failed", got.detail, mistake)
    if got.status in ("memory", "crashed"):
        return Finding(probe, "error", got.detail, mistake)
    return Finding(probe, got.status, got.detail, mistake)


# --- vetar ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def barring(patterns: list[str]) -> Iterator[None]:
    """Enquanto dura, vale `bar(patterns)`."""
    undo = bar(patterns)
    try:
        yield
    finally:
        for restore in reversed(undo):
            restore()


def bar(patterns: list[str]) -> list[Callable[[], None]]:
    """Faz chamar o que casa com `patterns` (como "torch.nn.*Dropout*") levantar RuntimeError; devolve como desfazer.

    Funções em Python e métodos de classes são trocados por dentro, de modo que apelidos e importações
    feitas antes também param; funções em C são trocadas em todo módulo que as tem.
    """
    undo: list[Callable[[], None]] = []
    compiled: dict[int, Any] = {}
    for pattern in patterns:
        owner_name, _, names = pattern.rpartition(".")
        owner = _resolve(owner_name)
        for name in fnmatch.filter(list(vars(owner)), names) if owner is not None else []:
            target, barred = vars(owner)[name], trap(f"{owner_name}.{name}")
            if _borrowed(target, owner_name):
                continue
            if isinstance(target, type):
                _bar_class(target, barred, undo)
            elif hasattr(target, "__code__"):
                _bar_function(target, barred, undo)
            elif callable(target):
                compiled[id(target)] = barred
                if not hasattr(owner, "__spec__"):
                    _replace(owner, name, barred, undo)
    _bar_compiled(compiled, undo)
    return undo


def _resolve(dotted: str) -> Any:
    """Objeto de nome `dotted` se o seu módulo já foi importado; senão None: nada há para vetar."""
    head, *rest = dotted.split(".")
    found = sys.modules.get(head)
    for name in rest:
        found = sys.modules.get(f"{getattr(found, '__name__', '')}.{name}") or getattr(found, name, None)
    return found


def _borrowed(target: Any, owner_name: str) -> bool:
    """O módulo só importou isto de outra biblioteca, como o `ABC` que mora em `torch.nn.utils.prune`?"""
    home = getattr(target, "__module__", None)
    return isinstance(home, str) and home.partition(".")[0] != owner_name.partition(".")[0]


def _bar_class(target: type, barred: Any, undo: list[Callable[[], None]]) -> None:
    methods = [
        m for m, f in vars(target).items() if callable(f) and (m == "__init__" or not m.startswith("__"))
    ]
    for method in {"__init__", *methods}:
        _replace(target, method, barred, undo)


def _bar_function(target: Any, barred: Any, undo: list[Callable[[], None]]) -> None:
    for layer in _layers(target):
        _replace(layer, "__code__", barred.__code__.replace(co_freevars=layer.__code__.co_freevars), undo)


def _bar_compiled(barred: dict[int, Any], undo: list[Callable[[], None]]) -> None:
    """Troca funções em C, dadas pelo `id`, em todo módulo que as tem; uma só volta pelos módulos."""
    for module in list(sys.modules.values()):
        for alias, value in list(getattr(module, "__dict__", {}).items()):
            if id(value) in barred:
                _replace(module, alias, barred[id(value)], undo)


def _layers(function: Any) -> Iterator[Any]:
    """A função e as que os seus decoradores embrulham."""
    while hasattr(function, "__code__"):
        yield function
        function = getattr(function, "__wrapped__", None)


def _replace(owner: Any, name: str, new: Any, undo: list[Callable[[], None]]) -> None:
    """Troca um atributo e anota como voltar; o que não se deixa trocar, como um tipo em C, fica como está."""
    own = name == "__code__" or name in vars(owner)
    old = getattr(owner, name) if name == "__code__" else vars(owner).get(name)
    try:
        setattr(owner, name, new)
    except (AttributeError, TypeError):
        return
    undo.append(
        functools.partial(setattr, owner, name, old) if own else functools.partial(delattr, owner, name)
    )


def trap(dotted: str) -> Any:
    """Função que só levanta; a mensagem é constante do código, para valer também dentro de outra função."""
    message = f"{BARRED_MARK}{dotted} faria o exercício por você. Escreva a conta com operações básicas."
    scope: dict[str, Any] = {}
    builtins.exec(f"def trap(*args, **kwargs):\n    raise RuntimeError({message!r})", scope)
    return scope["trap"]
