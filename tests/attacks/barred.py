"""A função da biblioteca que faria o exercício, alcançada por todo caminho que se conhece."""

import textwrap

from grader.checker.runtime import BARRED_MARK
from tests.attacks import FULL, attack, solved_but, worth

LOST = worth("Dropout", "mc_active")
"""O que perde quem usa a função vetada dentro do módulo: as verificações que chegam a chamá-lo."""


def through(code: str) -> bytes:
    """Tudo certo, salvo o módulo, que chama `drop(x, p, training)`, definida por `code`."""
    return solved_but(
        Dropout=textwrap.dedent(code)
        + textwrap.dedent("""
        class Dropout(torch.nn.Module):
            def __init__(self, p=0.5):
                super().__init__()
                if not 0 <= p <= 1:
                    raise ValueError("p")
                self.p = p

            def forward(self, x):
                return drop(x, self.p, self.training)
        """)
    )


def barred_attack(build):  # type: ignore[no-untyped-def]
    return attack(score=FULL - LOST, lost="barred", says=BARRED_MARK)(build)


@barred_attack
def direct_call() -> bytes:
    """Chama torch.nn.functional.dropout."""
    return through("drop = lambda x, p, training: torch.nn.functional.dropout(x, p, training)")


@barred_attack
def alias_before_anything() -> bytes:
    """Guarda a função em um apelido, por `from … import … as …`."""
    return through("from torch.nn.functional import dropout as drop")


@barred_attack
def through_importlib() -> bytes:
    """Importa o módulo pelo nome, montado aos pedaços, e pega a função por getattr."""
    return through("""
    import importlib
    drop = getattr(importlib.import_module("torch.nn." + "functional"), "drop" + "out")
    """)


@barred_attack
def partial_application() -> bytes:
    """Embrulha a função em functools.partial e operator.methodcaller."""
    return through("""
    import functools, operator
    inner = functools.partial(torch.nn.functional.dropout, inplace=False)
    drop = lambda x, p, training: inner(x, p=p, training=training)
    """)


@barred_attack
def through_pickle() -> bytes:
    """Pede a função ao pickle."""
    return through(r"""
    import pickle
    drop = pickle.loads(b"ctorch.nn.functional\ndropout\n.")
    """)


@barred_attack
def library_module() -> bytes:
    """Usa por dentro o módulo pronto."""
    return through("drop = lambda x, p, training: torch.nn.Dropout(p).train(training)(x)")


@barred_attack
def library_submodule() -> bytes:
    """Usa o módulo pronto pelo endereço completo, sem passar pelo construtor dele."""
    return through("""
    import torch.nn.modules.dropout as modules
    def drop(x, p, training):
        ready = modules.Dropout.__new__(modules.Dropout)
        torch.nn.Module.__init__(ready)
        ready.p, ready.inplace, ready.training = p, False, training
        return ready.forward(x)
    """)


@attack(score=FULL - LOST - worth("mc_modes"), lost="barred", says=BARRED_MARK)
def subclass() -> bytes:
    """Herda do módulo pronto e não escreve nada: nem chega a ser construído."""
    return solved_but(Dropout="class Dropout(torch.nn.Dropout): pass")


@barred_attack
def top_level_function() -> bytes:
    """Chama torch.dropout, a função em C."""
    return through("drop = torch.dropout")


@barred_attack
def variable_functions() -> bytes:
    """Vai direto à tabela de funções em C."""
    return through("drop = torch._C._VariableFunctions.dropout")


@barred_attack
def virtual_module() -> bytes:
    """O mesmo, por torch._VF."""
    return through("drop = lambda x, p, training: torch._VF.dropout(x, p, training)")


@barred_attack
def aten_operator() -> bytes:
    """Chama o operador por torch.ops."""
    return through("drop = torch.ops.aten.dropout.default")


@barred_attack
def native_operator() -> bytes:
    """Chama o operador nativo, que está por baixo do outro."""
    return through("drop = lambda x, p, training: torch.ops.aten.native_dropout(x, p, training)[0]")


@barred_attack
def redispatched_operator() -> bytes:
    """Escolhe à mão a implementação do operador, em uma chave de despacho que ninguém usa."""
    return through("""
    def drop(x, p, training):
        keys = torch._C.DispatchKeySet(torch._C.DispatchKey.Meta)
        return torch.ops.aten.native_dropout.default.redispatch(keys, x, p, training)[0]
    """)


@barred_attack
def jit_operator() -> bytes:
    """Pede o operador ao registro do TorchScript."""
    return through('drop = torch._C._jit_get_operation("aten::dropout")[0]')


@barred_attack
def compiled_script() -> bytes:
    """Compila com TorchScript uma função que chama o operador."""
    return through("""
    import linecache
    source = "def drop(x, p: float, training: bool):\\n    return torch.ops.aten.dropout(x, p, training)\\n"
    linecache.cache["roteiro"] = (len(source), None, source.splitlines(True), "roteiro")
    exec(compile(source, "roteiro", "exec"))
    drop = torch.jit.script(drop)
    """)


@barred_attack
def vectorized() -> bytes:
    """Chama o operador dentro de vmap, que tem a sua própria implementação dele."""
    return through("""
    def drop(x, p, training):
        return torch.vmap(lambda row: torch.dropout(row, p, training), randomness="different")(x)
    """)


@barred_attack
def feature_dropout() -> bytes:
    """Usa um primo do operador, que descarta canais de tamanho um."""
    return through("""
    def drop(x, p, training):
        return torch.feature_dropout(x.reshape(-1, 1, 1), p, training).reshape(x.shape)
    """)


@attack(
    score=FULL - LOST + worth("module_evaluation"),
    lost="barred",
    says=BARRED_MARK,
)
def inside_attention() -> bytes:
    """Faz a atenção da biblioteca descartar por dentro: com pesos iguais à identidade, ela devolve a própria entrada."""
    return through("""
    def drop(x, p, training):
        parts = []
        for part in x.reshape(-1, 1).split(250):
            sharp = 1e4 * torch.eye(len(part), dtype=x.dtype)[None]
            parts.append(
                torch.nn.functional.scaled_dot_product_attention(
                    sharp, sharp, part[None], dropout_p=p if training else 0.0
                )[0]
            )
        return torch.cat(parts).reshape(x.shape)
    """)


@barred_attack
def inside_recurrent_layer() -> bytes:
    """Faz uma LSTM da biblioteca descartar entre duas camadas."""
    return through("""
    def drop(x, p, training):
        layer = torch.nn.LSTM(1, 1, 2, dropout=max(p, 1e-9)).to(x.dtype).train()
        return layer(x.reshape(-1, 1, 1))[0].reshape(x.shape)
    """)


@barred_attack
def reloaded_library() -> bytes:
    """Recarrega os módulos da biblioteca, o que desfaz remendos feitos em Python."""
    return through("""
    import importlib
    try: importlib.reload(torch.nn.functional)
    except RuntimeError: pass
    importlib.reload(torch.nn.modules.dropout)
    drop = lambda x, p, training: torch.nn.modules.dropout.Dropout(p).train(training)(x)
    """)


@barred_attack
def reexecuted_source() -> bytes:
    """Executa de novo o trecho do arquivo-fonte da biblioteca que define a função."""
    return through("""
    import ast
    tree = ast.parse(open(torch.nn.functional.__file__).read())
    tree.body = [node for node in tree.body if getattr(node, "name", "") == "dropout"]
    exec(compile(tree, "cópia", "exec"), vars(torch.nn.functional))
    drop = torch.nn.functional.dropout
    """)


@barred_attack
def restored_code() -> bytes:
    """Recompila a função a partir do arquivo-fonte e devolve o código a ela."""
    return through("""
    import types
    module = compile(open(torch.nn.functional.__file__).read(), "x", "exec")
    code = next(c for c in module.co_consts if isinstance(c, types.CodeType) and c.co_name == "dropout")
    torch.nn.functional.dropout.__code__ = code
    drop = torch.nn.functional.dropout
    """)


@barred_attack
def undone_barring() -> bytes:
    """Procura na memória quem vetou, para mandar desfazer o veto."""
    return through("""
    import gc, sys
    gc.unfreeze()
    frame = sys._getframe()
    while frame:
        owner = frame.f_locals.get("self")
        for attempt in ("barring", "undo"):
            try: getattr(owner, attempt).__exit__(None, None, None)
            except Exception: pass
        frame = frame.f_back
    for thing in gc.get_objects():
        if type(thing).__name__ == "generator" and thing.gi_code.co_name == "barring":
            thing.close()
        if type(thing).__name__ == "Library":
            thing._destroy()
    drop = torch.dropout
    """)


@barred_attack
def registered_over() -> bytes:
    """Registra outra implementação do operador por cima da armadilha e a retira, na esperança de que sobre a original."""
    return through("""
    library = torch.library.Library("aten", "IMPL")
    library.impl("dropout", lambda x, p, training: x, "CompositeImplicitAutograd")
    library._destroy()
    drop = torch.dropout
    """)


@barred_attack
def reference_implementation() -> bytes:
    """Usa a implementação em Python que o PyTorch guarda como referência dos seus operadores."""
    return through("""
    import torch._refs.nn.functional
    drop = torch._refs.nn.functional.dropout
    """)


@barred_attack
def decomposition() -> bytes:
    """Usa a decomposição que o compilador do PyTorch tem do operador."""
    return through("""
    import torch._decomp
    drop = lambda x, p, training: torch._decomp.decompositions.native_dropout(x, p, training)[0]
    """)


@barred_attack
def unwrapped_reference() -> bytes:
    """Desembrulha os decoradores da implementação de referência até chegar à de dentro."""
    return through("""
    import inspect
    drop = inspect.unwrap(torch._refs.nn.functional.dropout)
    """)


@barred_attack
def decomposition_table() -> bytes:
    """Pega a mesma decomposição na tabela em que o compilador a procura."""
    return through("""
    table = torch._decomp.decomposition_table
    drop = lambda x, p, training: table[torch.ops.aten.native_dropout.default](x, p, training)[0]
    """)


@attack(score=FULL - worth("dropout_forward"), lost="barred", says=BARRED_MARK)
def numpy_through_torch() -> bytes:
    """Resolve a parte em NumPy com o dropout do PyTorch."""
    return solved_but(
        dropout_forward="""
        def dropout_forward(x, p, training, rng):
            if not 0 <= p <= 1:
                raise ValueError("p")
            torch.manual_seed(int(rng.integers(2**31)))
            mask = torch.nn.functional.dropout(torch.ones(x.shape, dtype=torch.float64), p, training).numpy()
            return x * mask, mask
        """
    )


@attack(score=FULL)
def caught_and_replaced() -> bytes:
    """Não é ataque: tenta a função vetada, apanha o erro e escreve a conta."""
    return solved_but(
        dropout_backward="""
        def dropout_backward(dout, mask):
            try:
                torch.nn.functional.dropout(torch.ones(1))
            except RuntimeError:
                return dout * mask
        """
    )
