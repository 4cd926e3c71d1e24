"""Respostas forjadas em cada canal que o processo isolado tem, e abusos do próprio canal."""

import re
import textwrap

from tests.attacks import FULL, SLUG, attack, solved_and, solved_but, stub_and, worth
from tests.notebooks import released

# Alcança, pelos quadros da pilha, o pedido, as sondas e o passo em que o processo está.
REACH = """
import json, os, sys, time
import numpy as np
from grader.checker import runtime
from grader.isolation import wire
from grader.checker.runtime import Outcome

CHANNEL = 4
frame = sys._getframe()
while "job" not in frame.f_locals:
    frame = frame.f_back
job, step = frame.f_locals["job"], frame.f_locals["step"]
probes = {probe.id: probe for probe in frame.f_back.f_locals["probes"]}

def send(data):
    while data:
        data = data[os.write(CHANNEL, data):]

def finish_cells():
    for later in range(step + 1, len(job["cells"])):
        send(wire.encode("begin", later))

def answer(outcome_of):
    for number, id in enumerate(job["probes"], start=len(job["cells"])):
        send(wire.encode("begin", number))
        send(wire.encode("seen", number, outcome_of(probes[id])))
    send(wire.encode("end"))
"""

FORGED = "escreveu no canal reservado à correção"


def forging(cell: str) -> bytes:
    """Nada resolvido, e a falsificação logo depois da preparação."""
    return stub_and(REACH + textwrap.dedent(cell), 2)


def misusing(cell: str) -> bytes:
    """Tudo certo, e no fim um abuso do canal: sem a célula culpada, o resto vale."""
    return solved_and(REACH + textwrap.dedent(cell))


FAKES = """
import torch
def fakes(fill):
    class Dropout(torch.nn.Module):
        def __init__(self, p=0.5): super().__init__()
        def forward(self, x): return torch.full_like(x, fill)
    return {
        "dropout_forward": lambda x, p, training, rng: (np.full_like(x, fill), np.full_like(x, fill)),
        "dropout_backward": lambda dout, mask: np.full_like(dout, fill),
        "Dropout": Dropout,
        "mc_dropout_predict": lambda model, x, samples: (torch.full_like(x, fill), torch.full_like(x, fill)),
    }
"""


@attack(score=0, status="graded")
def forged_zeros() -> bytes:
    """Cumpre o protocolo inteiro por conta própria e responde zeros a todas as sondas."""
    return forging(
        FAKES
        + """
finish_cells()
answer(lambda probe: runtime.observe(probe, fakes(0.0), job["seed"]))
"""
    )


@attack(score=0, status="graded")
def forged_infinities() -> bytes:
    """O mesmo, com infinitos."""
    return forging(
        FAKES
        + """
finish_cells()
answer(lambda probe: runtime.observe(probe, fakes(float("inf")), job["seed"]))
"""
    )


@attack(score=0, status="graded")
def forged_from_the_answers() -> bytes:
    """Responde com o gabarito das verificações visíveis, que vem dentro do caderno."""
    preparation = next(cell["source"] for cell in released(SLUG)["cells"] if cell["cell_type"] == "code")
    data = re.findall(r'checker\.load\("(.+?)"\)', preparation)[0]
    return forging(f"""
import base64
answers = json.loads(base64.b64decode("{data}"))["answers"]
def known(probe):
    values = answers.get(probe.id, {{}}).get("reference", {{}}).get("values", {{}})
    return Outcome("seen", {{n: v if isinstance(v, str) else np.array(v, float) for n, v in values.items()}})
finish_cells()
answer(known)
""")


@attack(score=0, status="graded")
def forged_from_the_statistics() -> bytes:
    """Responde com as entradas da própria sonda, sorteadas com a semente achada na memória."""
    return forging("""
def echo(probe):
    inputs = {}
    class Echo:
        def __getattr__(self, name):
            def call(x, *args):
                inputs.setdefault("x", x)
                return x, np.ones_like(x)
            return call
    try:
        seen = probe.observe(Echo(), runtime.generator(probe, job["seed"]))
        return Outcome("seen", {name: runtime.as_data(v) for name, v in runtime.unwrapped(seen).items()})
    except Exception:
        return Outcome("seen", {"out": np.ones((100, 50)), "mask": np.ones((100, 50))})
finish_cells()
answer(echo)
""")


@attack(score=0, status="crashed", says=FORGED)
def early_end() -> bytes:
    """Diz que terminou antes de começar, para que o silêncio passe por acerto."""
    return forging('send(wire.encode("end"))')


@attack(score=FULL, status="crashed", says=FORGED)
def text_garbage() -> bytes:
    """Escreve texto no canal."""
    return misusing('send(b"10/10 tudo certo\\n" * 1000)')


@attack(score=FULL, status="crashed", says=FORGED)
def binary_garbage() -> bytes:
    """Escreve bytes ao acaso no canal."""
    return misusing("send(os.urandom(2**20))")


@attack(score=FULL, status="crashed", says=FORGED)
def flood_of_messages() -> bytes:
    """Repete sem parar uma mensagem bem-formada, para ocupar o juiz."""
    return misusing("""
begin = wire.encode("begin", step) * 1000
while True:
    send(begin)
""")


@attack(score=FULL, status="crashed", says=FORGED)
def giant_frame() -> bytes:
    """Anuncia um quadro de oito gigabytes."""
    return misusing("""
send(wire.PREFIX.pack(2**32 - 1, 2**32 - 1))
while True:
    send(bytes(2**20))
""")


@attack(score=FULL, status="crashed", says=FORGED)
def header_with_many_errors() -> bytes:
    """Um cabeçalho do tamanho máximo em que cada campo está errado, para que a validação se perca em erros."""
    return misusing("""
fields = ",".join(f'"{number:x}":0' for number in range(7000))
header = ('{"event":"seen","values":{' + fields + "}}").encode()
send(wire.PREFIX.pack(len(header), 0) + header)
""")


@attack(score=FULL, status="crashed", says=FORGED)
def deep_header() -> bytes:
    """Um cabeçalho com trinta mil colchetes abertos."""
    return misusing("""
header = b'{"event":' + b"[" * 30000
send(wire.PREFIX.pack(len(header), 0) + header)
""")


@attack(score=FULL, status="crashed", says=FORGED)
def not_a_number_in_header() -> bytes:
    """NaN, Infinity e número negativo onde se espera o número do passo."""
    return misusing("""
header = b'{"event":"begin","step":NaN,"detail":Infinity,"values":{"x":{"dtype":"<f8","shape":[-1]}}}'
send(wire.PREFIX.pack(len(header), 0) + header)
""")


@attack(score=FULL, status="crashed", says=FORGED)
def object_dtype_on_the_wire() -> bytes:
    """Anuncia um array de objetos, que em pickle ou npy executaria código do outro lado."""
    return misusing("""
header = b'{"event":"failed","step":%d,"values":{"x":{"dtype":"|O","shape":[1]}}}' % step
send(wire.PREFIX.pack(len(header), 8) + header + bytes(8))
""")


@attack(score=FULL, status="crashed", says=FORGED)
def unknown_step() -> bytes:
    """Fala de um passo que não existe."""
    return misusing('send(wire.encode("begin", 10**6))')


@attack(score=FULL, status="crashed", says=FORGED)
def out_of_order() -> bytes:
    """Responde a uma sonda antes da vez dela."""
    return misusing('send(wire.encode("seen", len(job["cells"]), Outcome("seen")))')


@attack(score=FULL - worth("dropout_backward"), status="crashed", lost="error", says=FORGED)
def answers_twice() -> bytes:
    """A função responde à própria sonda antes que a correção o faça."""
    return solved_but(
        dropout_backward=REACH.replace("\n", "\n").rstrip()
        + """

def dropout_backward(dout, mask):
    frame = sys._getframe()
    while "step" not in frame.f_locals:
        frame = frame.f_back
    send(wire.encode("seen", frame.f_locals["step"], Outcome("seen", {"dx": dout})))
    return dout * mask
"""
    )


@attack(score=FULL, status="timeout", says="não respondeu")
def half_a_frame() -> bytes:
    """Anuncia um quadro, manda metade e se cala."""
    return misusing("""
send(wire.PREFIX.pack(100, 2**20) + bytes(100))
while True:
    try: time.sleep(60)
    except BaseException: pass
""")


@attack(score=FULL, status="timeout", says="não respondeu")
def drip() -> bytes:
    """Manda um byte de cada vez, para que o prazo pareça sempre renovado."""
    return misusing("""
send(wire.PREFIX.pack(100, 2**20))
while True:
    try:
        send(b" ")
        time.sleep(0.1)
    except BaseException: pass
""")


@attack(score=FULL, status="crashed", says="encerrou o processo")
def closed_channel() -> bytes:
    """Fecha o canal e continua a rodar para sempre."""
    return misusing("""
os.close(CHANNEL)
while True:
    try:
        while True: pass
    except BaseException: pass
""")


@attack(score=FULL, status="crashed", says="encerrou o processo")
def channel_to_nowhere() -> bytes:
    """Põe /dev/null no lugar do canal, para que as respostas se percam."""
    return misusing('os.dup2(os.open("/dev/null", os.O_RDWR), CHANNEL)')


@attack(score=0, status="empty", says="abertos: [0, 1, 2, 4]")
def other_descriptors() -> bytes:
    """Procura, entre os descritores abertos, o soquete de controle do processo aquecido."""
    return forging("""
def is_open(descriptor):
    try: return bool(os.fstat(descriptor))
    except OSError: return False
raise Exception(f"abertos: {[d for d in range(70000) if is_open(d)]}")
""")


@attack(score=FULL, status="crashed", says=FORGED)
def every_descriptor() -> bytes:
    """Escreve lixo em tudo o que estiver aberto."""
    return misusing("""
for descriptor in range(256):
    try: os.write(descriptor, b"lixo" * 10000)
    except OSError: pass
""")


@attack(score=FULL, status="timeout")
def flood_of_output() -> bytes:
    """Imprime sem parar, na saída e nos erros."""
    return misusing("""
while True:
    print("inunda " * 10000)
    print("inunda " * 10000, file=sys.stderr)
""")


@attack(score=0, status="crashed", says="canal reservado")
def patched_sender() -> bytes:
    """Troca quem escreve no canal por quem diz sempre “visto” e nada traz."""
    return forging("""
original = wire.encode
wire.encode = lambda event, step=0, outcome=None: original(event, step, outcome and Outcome("passed"))
""")


@attack(score=0, status="graded")
def patched_observer() -> bytes:
    """Troca, no processo isolado, quem observa: toda sonda passa a ver um dicionário vazio."""
    return forging("""
from grader.isolation import worker
worker.observe = lambda probe, namespace, seed: Outcome("seen", {})
""")


@attack(score=0, status="graded")
def patched_judge() -> bytes:
    """Troca o juiz, a comparação e as tolerâncias que acha na memória, e aumenta os pontos das sondas."""
    return forging("""
for module in list(sys.modules.values()):
    if getattr(module, "__name__", "").startswith("grader"):
        for name in ("judge", "same", "first_difference", "wrong_shape", "measured", "_close", "_finding"):
            if hasattr(module, name):
                setattr(module, name, lambda *args, **kwargs: "")
runtime.ATOL = runtime.RTOL = 1e300
for probe in probes.values():
    probe.points, probe.statistics = 1000.0, None
    probe.observe = lambda impl, rng: {"out": runtime.Near(np.zeros(1), 1e300)}
""")


@attack(score=FULL - worth("forward_invalid_p", "module_invalid_p", "mc_modes"), lost="failed")
def patched_raised() -> bytes:
    """Não confere p, e troca `checker.raised` por quem diz sempre que houve ValueError."""
    return solved_but(
        dropout_forward="""
        from grader.checker import runtime

        for probe in runtime.PROBES.values():
            probe.observe.__globals__["checker"].raised = lambda call: "ValueError"

        def dropout_forward(x, p, training, rng):
            if not training or p == 0:
                return x, np.ones_like(x)
            if p == 1:
                return np.zeros_like(x), np.zeros_like(x)
            keep = rng.random(x.shape) >= p
            mask = keep / (1 - p)
            return x * mask, mask
        """,
        Dropout="""
        class Dropout(torch.nn.Module):
            def __init__(self, p=0.5):
                super().__init__()
                self.p = p

            def forward(self, x):
                if not self.training or self.p == 0:
                    return x
                if self.p == 1:
                    return x * torch.zeros_like(x)
                return x * (torch.rand(x.shape) >= self.p).to(x.dtype) / (1 - self.p)
        """,
    )


@attack(score=0, status="graded")
def dull_generator() -> bytes:
    """Vicia o gerador das sondas: se toda entrada é zero, devolver zero parece certo."""
    return forging(
        FAKES
        + """
class Dull:
    def normal(self, loc=0, scale=1, size=None): return np.zeros(size)
    def random(self, size=None): return np.zeros(size)
    def integers(self, *args, **kwargs): return 0
    def permutation(self, x): return np.arange(x) if isinstance(x, int) else np.asarray(x)
    def spawn(self, count): return [self] * count
runtime.generator = lambda probe, seed: Dull()
np.random.default_rng = lambda *args: Dull()
globals().update(fakes(0.0))
for name in list(fakes(0.0)):
    del globals()[name]
real = runtime.observe
from grader.isolation import worker
worker.observe = lambda probe, namespace, seed: real(probe, fakes(0.0), seed)
"""
    )


@attack(score=0, status="graded")
def other_seed() -> bytes:
    """Troca a semente do pedido pela do caderno, de que se conhecem as respostas."""
    return forging(
        FAKES
        + """
job["seed"] = 20240229
from grader.isolation import worker
real = runtime.observe
worker.observe = lambda probe, namespace, seed: real(probe, fakes(0.0), 20240229)
"""
    )


@attack(score=0, status="crashed", says=FORGED)
def fewer_probes() -> bytes:
    """Apaga do pedido as sondas, para que não haja o que errar."""
    return forging('job["probes"].clear()')
