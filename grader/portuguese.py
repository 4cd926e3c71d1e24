"""As palavras que o Typer e o Click só dizem em inglês: a ajuda e as queixas sobre os argumentos."""

import re

from typer._click import Context  # o Typer traz o seu próprio Click
from typer._click import exceptions as click
from typer.core import TyperCommand, TyperGroup

HELP = {
    r"^Usage:": "Uso:",
    r"\[OPTIONS\]": "[OPÇÕES]",
    r"COMMAND \[ARGS\]\.\.\.": "VERBO …",
    r"^Arguments:": "Argumentos:",
    r"^Options:": "Opções:",
    r"^Commands:": "Verbos:",
    r"Show this message and exit\.": "Mostra esta ajuda e sai.",
    r"\brequired\]": "obrigatório]",
    r"\{(\w+)\}": r"\1",
    r"\[default: ": "[padrão: ",
}
TYPE = re.compile(r" <(path|str|list\[str\])>")
"""O tipo em Python, que o Typer põe depois do nome; em seu lugar ficam espaços, que não desalinham a coluna."""

USAGE = {
    r"No such command '(.*)'": "Não existe o verbo “{}”.",
    r"No such option: (\S+)": "Não existe a opção {}.",
    r"Missing command": "Falta o verbo.",
    r"unexpected extra argument\S* \((.*)\)": "O verbo não recebe tantos argumentos: sobra “{}”.",
    r"Option '(.*)' requires": "Falta o valor da opção {}.",
    r"Option '(.*)' does not take": "A opção {} não recebe valor.",
}


class Command(TyperCommand):
    """Um verbo com a ajuda em português."""

    def get_help(self, ctx: Context) -> str:
        return in_portuguese(super().get_help(ctx))


class Group(TyperGroup):
    """O programa, com a ajuda em português."""

    def get_help(self, ctx: Context) -> str:
        return in_portuguese(super().get_help(ctx))


def in_portuguese(text: str) -> str:
    """A página de ajuda do Typer, em português."""
    for english, portuguese in HELP.items():
        text = re.sub(english, portuguese, text, flags=re.MULTILINE)
    return re.sub(r" +$", "", TYPE.sub(lambda found: " " * len(found[0]), text), flags=re.MULTILINE)


def usage_problem(error: click.ClickException) -> str:
    """O que está errado nos argumentos e onde ver os certos."""
    context = getattr(error, "ctx", None)
    return f"{_problem(error)} Veja: {context.command_path if context else 'grader'} --help"


def _problem(error: click.ClickException) -> str:
    param = getattr(error, "param", None)
    name = param and (param.metavar if param.param_type_name == "argument" else param.opts[0])
    if isinstance(error, click.MissingParameter):
        return f"Falta dizer {name}."
    if isinstance(error, click.BadParameter):
        return f"O valor dado a {name} não serve."
    for english, portuguese in USAGE.items():
        if found := re.search(english, error.format_message()):
            return portuguese.format(*found.groups())
    return "Não entendi o pedido."
