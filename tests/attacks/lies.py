"""Objetos que mentem sobre o que são, para que a comparação dê certo sem que o valor esteja."""

from tests.attacks import FULL, attack, solved_and, solved_but, stub_and, worth

# Define as quatro funções por meio de uma só, `fake(x)`, que devolve o objeto mentiroso no lugar de x.
THROUGH_FAKE = """
import numpy as np, torch

def dropout_forward(x, p, training, rng): return fake(x), fake(x)
def dropout_backward(dout, mask): return fake(dout)
class Dropout(torch.nn.Module):
    def __init__(self, p=0.5): super().__init__()
    def forward(self, x): return fake(x)
def mc_dropout_predict(model, x, samples): return fake(x), fake(x)
"""


def returning(fake: str) -> bytes:
    return stub_and(THROUGH_FAKE + fake)


@attack(score=0)
def always_equal() -> bytes:
    """Subclasse de ndarray que se diz igual a tudo e cuja diferença para qualquer coisa é zero."""
    return returning("""
class Equal(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __ne__(self, other): return np.zeros(self.shape, bool)
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __sub__
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs): return np.zeros(self.shape)
    def __array_function__(self, *args): return True
def fake(x): return np.zeros(tuple(x.shape)).view(Equal)
""")


@attack(score=0)
def lying_shape() -> bytes:
    """Objeto cuja `shape` e cujo `dtype` são os pedidos, mas cujo `__array__` entrega outra coisa."""
    return returning("""
class Shape:
    def __init__(self, x): self.shape, self.dtype, self.ndim = tuple(x.shape), np.dtype("f8"), x.ndim
    def __array__(self, dtype=None, copy=None): return np.zeros(7)
def fake(x): return Shape(x)
""")


@attack(score=0)
def array_that_changes() -> bytes:
    """`__array__` devolve um array diferente a cada consulta, na esperança de passar por duas conferências."""
    return returning("""
class Changes:
    calls = 0
    def __init__(self, x): self.x = x
    def __array__(self, dtype=None, copy=None):
        Changes.calls += 1
        return np.full(tuple(self.x.shape), float(Changes.calls))
def fake(x): return Changes(x)
""")


@attack(score=0)
def fake_tensor() -> bytes:
    """Objeto que se faz de tensor: `detach().cpu().numpy()` devolve o próprio mentiroso."""
    return returning("""
class Fake:
    def __getattr__(self, name): return lambda *args, **kwargs: self
    def __eq__(self, other): return True
    def __bool__(self): return True
    def __float__(self): return 1.25
def fake(x): return Fake()
""")


@attack(score=0, says="esperava números")
def lying_float() -> bytes:
    """Arrays de objetos cujo `__float__` responde o que quem pergunta quer ouvir."""
    return returning("""
class Chameleon(float):
    def __float__(self): return 1.25
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    def __abs__(self): return 0.0
    def __le__(self, other): return True
def fake(x):
    out = np.empty(tuple(x.shape), object)
    out[...] = Chameleon(1)
    return out
""")


@attack(score=0)
def lying_class() -> bytes:
    """`__class__` diz ndarray; `__instancecheck__` da metaclasse diz sim a tudo."""
    return returning("""
class Meta(type):
    def __instancecheck__(cls, instance): return True
    def __subclasscheck__(cls, other): return True
class Liar(metaclass=Meta):
    __class__ = np.ndarray
    def __init__(self, x): self.shape = tuple(x.shape)
    def __array__(self, dtype=None, copy=None): return np.zeros(self.shape)
def fake(x): return Liar(x)
""")


@attack(score=0)
def tensor_subclass() -> bytes:
    """Subclasse de Tensor que intercepta toda operação com `__torch_function__` e devolve a si mesma."""
    return returning("""
class Sticky(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return torch.zeros(3).as_subclass(Sticky)
def fake(x): return torch.zeros(3).as_subclass(Sticky)
""")


@attack(score=0)
def not_a_number() -> bytes:
    """NaN em tudo: comparações com NaN dão falso, e uma conta descuidada de erros daria zero."""
    return returning("def fake(x): return np.full(tuple(x.shape), np.nan)")


@attack(score=0)
def infinities() -> bytes:
    """Infinitos dos dois sinais: inf − inf vira NaN, que não é maior que tolerância nenhuma."""
    return returning("""
def fake(x):
    out = np.full(tuple(x.shape), np.inf)
    out.flat[::2] = -np.inf
    return out
""")


@attack(score=0)
def huge_values() -> bytes:
    """Valores no limite do float64, que estouram qualquer soma ou produto do outro lado."""
    return returning("def fake(x): return np.full(tuple(x.shape), 1.7e308)")


@attack(score=0, says="esperava números")
def complex_values() -> bytes:
    """Complexos: a parte real parece certa e a imaginária é NaN."""
    return returning("def fake(x): return np.array(x.tolist()) + 1j * np.nan")


@attack(score=0, says="esperava números")
def structured_array() -> bytes:
    """Array estruturado, cujos campos escondem outro array."""
    return returning(
        'def fake(x): return np.zeros(tuple(x.shape), [("value", "f8"), ("other", "f8", (2, 2))])'
    )


@attack(score=0, says="esperava números")
def object_array() -> bytes:
    """Array de objetos que contém a si mesmo."""
    return returning("""
def fake(x):
    out = np.empty(1, object)
    out[0] = out
    return out
""")


@attack(score=0)
def recursive_list() -> bytes:
    """Lista que contém a si mesma, para que a conversão não termine."""
    return returning("""
def fake(x):
    out = []
    out.append(out)
    return out
""")


@attack(score=0)
def strings() -> bytes:
    """Textos no lugar de números, entre eles o que a comparação de textos espera."""
    return returning('def fake(x): return "ValueError"')


@attack(score=0, says="esperava números")
def dates() -> bytes:
    """Datas, que são números por dentro e não são números."""
    return returning('def fake(x): return np.zeros(tuple(x.shape), "M8[s]")')


@attack(score=0)
def generators() -> bytes:
    """Geradores infinitos no lugar das respostas."""
    return returning("""
def endless():
    while True:
        yield 1.25
def fake(x): return endless()
""")


@attack(score=0)
def masked_array() -> bytes:
    """Array mascarado por inteiro: toda comparação com ele dá “mascarado”, que não é falso."""
    return returning("def fake(x): return np.ma.masked_all(tuple(x.shape))")


@attack(score=0, status="memory", says="faltou memória")
def zero_stride_giant() -> bytes:
    """Array de um bilhão de números que ocupa oito bytes, até que alguém o copie."""
    return returning("def fake(x): return np.broadcast_to(0.0, (10**6, 10**6))")


@attack(score=0, says="grande demais")
def empty_giants() -> bytes:
    """Arrays vazios de dimensões enormes, que cabem em nenhum byte."""
    return returning("def fake(x): return np.empty((0, 10**9, 10**7))")


@attack(score=0, says="grande demais")
def many_dimensions() -> bytes:
    """O máximo de dimensões que o NumPy aceita, mais do que o formato da resposta prevê."""
    return returning("def fake(x): return np.zeros((1,) * 64)")


@attack(score=0, status="memory", says="grande demais")
def oversized_answer() -> bytes:
    """Uma resposta de 80 MB por verificação, para entupir quem a recebe."""
    return returning("def fake(x): return np.zeros((1000, 10000))")


@attack(score=0)
def right_shape_only() -> bytes:
    """Só a forma está certa: ruído no lugar da resposta."""
    return returning("def fake(x): return np.random.default_rng().normal(size=tuple(x.shape))")


@attack(score=FULL)
def strange_but_right() -> bytes:
    """Não é ataque, embora pareça: respostas certas em longdouble, em ordem de bytes trocada e em ordem de Fortran."""
    return solved_and("""
    plain = dropout_forward
    def dropout_forward(x, p, training, rng):
        out, mask = plain(x, p, training, rng)
        return np.asfortranarray(out.astype(np.longdouble)), mask.astype(">f8")
    """)


@attack(score=FULL - worth("dropout_backward"), lost="error", says="Traiçoeira")
def unprintable_exception() -> bytes:
    """Exceção que levanta outra quando alguém tenta ler a sua mensagem."""
    return solved_but(
        dropout_backward="""
        class Traiçoeira(Exception):
            def __str__(self): raise Traiçoeira
            __repr__ = __str__
        def dropout_backward(dout, mask): raise Traiçoeira
        """
    )


@attack(score=FULL - worth("dropout_backward"), status="timeout", lost="timeout")
def endless_message() -> bytes:
    """Exceção cuja mensagem nunca termina de ser escrita."""
    return solved_but(
        dropout_backward="""
        class Prolixa(Exception):
            def __str__(self):
                while True: pass
        def dropout_backward(dout, mask): raise Prolixa
        """
    )


@attack(score=FULL - worth("dropout_backward"), lost="failed")
def exception_with_a_reserved_name() -> bytes:
    """Exceção com o nome que o juiz usa por dentro, para se passar por outro resultado."""
    return solved_but(
        dropout_backward="""
        class forma(Exception): pass
        def dropout_backward(dout, mask): raise forma("está tudo certo")
        """
    )


@attack(score=FULL - worth("dropout_backward"), lost="error")
def keyboard_interrupt() -> bytes:
    """Levanta KeyboardInterrupt, que costuma atravessar todo tratamento de erros."""
    return solved_but(dropout_backward="def dropout_backward(dout, mask): raise KeyboardInterrupt")


@attack(score=FULL - worth("dropout_backward"), lost="error")
def system_exit_in_function() -> bytes:
    """Levanta SystemExit de dentro da função pedida."""
    return solved_but(dropout_backward="def dropout_backward(dout, mask): raise SystemExit(0)")
