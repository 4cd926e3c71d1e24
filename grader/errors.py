"""A única hierarquia de erros que o `grader` mostra a uma pessoa."""

import errno

REASONS = {
    errno.EACCES: "falta permissão",
    errno.EDQUOT: "a sua cota de disco acabou",
    errno.EFBIG: "o arquivo ficaria grande demais",
    errno.EISDIR: "é uma pasta",
    errno.ENOENT: "não existe",
    errno.ENOSPC: "não há espaço no disco",
    errno.ENOTDIR: "não é uma pasta",
    errno.EPERM: "o sistema não permite",
    errno.EROFS: "o disco é só de leitura",
}


def reason(error: OSError) -> str:
    """O motivo de uma falha do sistema, em português quando é das comuns."""
    return REASONS.get(error.errno or 0) or error.strerror or str(error)


class GraderError(Exception):
    """Argumento ou ambiente inutilizável: a mensagem diz o que houve, onde e o que fazer.

    A linha de comando a escreve no erro padrão e sai com código 2.
    """


class UnknownExercise(GraderError):
    """Não há exercício com esse nome em `solutions/`."""


class NotAClass(GraderError):
    """A pasta indicada não é uma turma criada por `grader init`."""


class UnreadableSource(GraderError):
    """A origem das entregas (pasta, zip ou planilha) não existe ou não é o que deveria ser."""


class IsolationUnavailable(GraderError):
    """O sistema não oferece o isolamento mínimo para executar código de estranhos."""


class BrokenExercise(GraderError):
    """Os arquivos em `solutions/<slug>/` se contradizem ou não seguem o formato."""
