"""A única hierarquia de erros que o `grader` mostra a uma pessoa."""


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
