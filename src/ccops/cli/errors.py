"""Mistakes on the command line, in our words. Words that fit nowhere are not repeated: one might be a credential."""

import shlex
from collections.abc import Sequence
from typing import Final

from typer._click import Context
from typer._click.core import Parameter
from typer._click.exceptions import BadOptionUsage, BadParameter, ClickException, MissingParameter, NoSuchOption
from typer.core import TyperOption

from ccops.config.errors import nearest
from ccops.errors import Misconfigured
from ccops.text import shorten


def repeated(argv: Sequence[str]) -> str | None:
    """Return the command line as it was given; None if it must not be shown.

    The value of `--key` may be a credential by mistake, which is to reach neither a screen nor a log.
    """
    if any(word == "--key" or word.startswith("--key=") for word in argv):
        return None
    return "ccops " + shlex.join(argv)


def without(argv: Sequence[str], word: str) -> str | None:
    """Return the command line without one word; None if that is not in it, or it must not be shown."""
    return repeated([each for each in argv if each != word]) if word in argv else None


def corrected(argv: Sequence[str], wrong: str, right: str) -> str | None:
    """Return the command line with one word put right; None if that word is not in it, or it must not be shown."""
    if wrong not in argv:
        return None
    place = list(argv).index(wrong)
    return repeated([*argv[:place], right, *argv[place + 1 :]])


# ---- mistakes on the command line, in our words. Words that fit nowhere are not repeated: one might be a credential

_YES: Final = frozenset({"--yes", "-y"})


class BadCommandLine(Misconfigured):
    """The command line does not fit the command; the help page of the command mends it."""

    def __init__(self, path: str, what: str) -> None:
        self.mend = f"{path} --help"
        super().__init__(what)


class UnknownCommand(Misconfigured):
    """The command line names a command that does not exist."""

    def __init__(self, path: str, word: str, known: Sequence[str], argv: Sequence[str]) -> None:
        meant = nearest(word, known)
        lead, self.mend = "", f"{path} --help"
        if meant:
            lead, self.mend = " Did you mean:", corrected(argv, word, meant) or f"{path} {meant}"
        super().__init__(f"{path} has no command {shorten(word)}.{lead}")


class UnknownOption(Misconfigured):
    """The command line names an option that the command lacks."""

    def __init__(self, path: str, option: str, known: Sequence[str], argv: Sequence[str]) -> None:
        if option in _YES:
            self.mend = without(argv, option) or f"{path} --help"
            super().__init__(f"{path} asks nothing that {option} would answer. Leave it out:")
            return
        # Without the dashes, which would make all short ones alike.
        by_word = {name.lstrip("-"): name for name in known}
        guess = nearest(option.lstrip("-"), by_word)
        meant = by_word[guess] if guess else None
        lead, self.mend = "", f"{path} --help"
        if meant:
            lead, self.mend = " Did you mean:", corrected(argv, option, meant) or f"{path} {meant}"
        super().__init__(f"{path} has no option {shorten(option)}.{lead}")


class TooManyWords(BadCommandLine):
    """More words than the command takes, such as an address too many, or a text without its quotes."""

    def __init__(self, path: str, count: int) -> None:
        words = "one word" if count == 1 else f"{count} words"
        super().__init__(path, f"{path} got {words} too many. Put quotes around names that have blanks in them.")


class MissingWord(BadCommandLine):
    """An argument that the command can't do without."""

    def __init__(self, path: str, name: str) -> None:
        super().__init__(path, f"{path} needs {name}.")


class BadValue(BadCommandLine):
    """An option or argument with a value that it does not take."""

    def __init__(self, path: str, name: str, what: str) -> None:
        super().__init__(path, f"{name} {what}.")


def path_of(ctx: Context | None) -> str:
    """Return the words that lead to a command: `ccops op add`."""
    names = []
    while ctx is not None:
        names.append(ctx.info_name or "")
        ctx = ctx.parent
    return " ".join(reversed(names)) or "ccops"


def mistake(error: ClickException, argv: Sequence[str]) -> Misconfigured:
    """Turn the parser's error into ours."""
    ctx = getattr(error, "ctx", None)
    path = path_of(ctx)
    match error:
        case NoSuchOption():
            known = [name for param in ctx.command.get_params(ctx) for name in param.opts] if ctx else []
            return UnknownOption(path, error.option_name, known, argv)
        case MissingParameter():
            return MissingWord(path, _name(error))
        case BadParameter():
            return BadValue(path, _name(error), _wanted(error))
        case BadOptionUsage():
            return BadCommandLine(path, f"{error.option_name} needs a value.")
    return BadCommandLine(path, error.format_message())


def name_of(param: Parameter) -> str:
    """Return how an option or argument is called on the command line and in its help."""
    return max(param.opts, key=len) if isinstance(param, TyperOption) else (param.metavar or param.name.upper())


def _name(error: BadParameter) -> str:
    return name_of(error.param) if error.param else "the command line"


def _wanted(error: BadParameter) -> str:
    """Say what the option takes, not what it was given."""
    kind = error.param.type_descriptor if error.param else None
    if kind is not None and kind.choices:
        return f"is one of {', '.join(map(str, kind.choices))}"
    if kind is not None and kind.annotation is int:
        return "takes a whole number, 0 or more" if kind.parameter_info.min == 0 else "takes a whole number"
    return f"does not take this: {error.message.rstrip('.')}"
