"""The values of a command line, checked where they come in, before anything is done with them."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from typer._click import Command, Context
from typer._click.core import Parameter
from typer._click.exceptions import UsageError

from ccops.cli.usage import BadValue, name_of, path_of
from ccops.files import path_fault
from ccops.text import text_fault

LONGEST_TEXT: Final = 10_000
"""Characters of a text."""
LARGEST: Final = 1_000_000_000
"""The largest number of rows, seconds and the like; amounts of credits have a rule of their own."""
_PATHS: Final = frozenset({"FILE", "DIR"})
"""The metavars of what is a path."""


def check_values(command: Command, ctx: Context, args: Sequence[str]) -> None:
    """Demand that each value can be what its option or argument takes. Raises BadValue."""
    try:
        given, _, _ = command.make_parser(ctx).parse_args(args=list(args))
    except UsageError:
        return  # the parsing that follows says so
    for param in command.get_params(ctx):
        for value in _words(given.get(param.name)):
            fault = _fault(param, value)
            if fault:
                raise BadValue(path_of(ctx), name_of(param), fault)


def _words(value: object) -> Iterator[str]:
    """Give the words that one option or argument got."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        yield from (word for word in value if isinstance(word, str))


def _fault(param: Parameter, word: str) -> str | None:
    if param.metavar in _PATHS:
        return path_fault(word)
    kind = param.type_descriptor.annotation if hasattr(param, "type_descriptor") else None
    return text_fault(word, LONGEST_TEXT) or (_number_fault(word) if kind in {int, float} else None)


def _number_fault(word: str) -> str | None:
    """Say why a number can't be meant; what is no number at all is the parser's to say."""
    try:
        number = float(word)
    except ValueError:
        return None
    if math.isnan(number):
        return "takes a number"
    return f"takes a number up to {LARGEST:,}" if abs(number) > LARGEST else None
