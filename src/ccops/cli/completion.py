"""Help, and completion of the shell: what Typer would print by itself goes through our console, which may fail."""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from typer._click import Context
from typer._click.core import Parameter

from ccops.cli.context import Session
from ccops.cli.exit_status import MISCONFIGURED
from ccops.errors import Misconfigured
from ccops.text import clean

Callback = Callable[[Context, Parameter, Any], Any]
OPTIONS = frozenset({"install_completion", "show_completion"})
"""The parameters that Typer adds to the program."""


class NotInstalled(Misconfigured):
    """A file of the shell's could not be written."""

    mend = "ccops --show-completion"

    def __init__(self, error: OSError) -> None:
        place, why = error.filename or "your shell's settings", error.strerror or type(error).__name__
        super().__init__(f"{clean(str(place))} can't be used: {clean(why)}. To put the lines there yourself:")


def show_help(ctx: Context, _param: Parameter, value: bool) -> None:
    """Print the help page, and end."""
    if value and not ctx.resilient_parsing:
        ctx.obj.console.out.raw(ctx.get_help() + "\n")
        ctx.exit()


def through_console(callback: Callback) -> Callback:
    """Return what an option of Typer's does, with its answer on our console; the option then raises NotInstalled."""

    def call(ctx: Context, param: Parameter, value: Any) -> Any:
        if not value or ctx.resilient_parsing:
            return value
        try:
            return _printed(ctx.obj, lambda: callback(ctx, param, value))
        except OSError as error:
            raise NotInstalled(error) from error

    return call


def complete(session: Session, work: Callable[[], object]) -> None:
    """Answer the Tab key; variables that no shell sets so are a mistake of whoever calls, and no bug of ours."""
    try:
        _printed(session, work)
    except (ValueError, KeyError, IndexError):
        sys.exit(MISCONFIGURED)


def _printed(session: Session, work: Callable[[], object]) -> object:
    """Do what prints by itself, then print that through the console."""
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            return work()
    finally:
        if said.getvalue():
            session.console.out.raw(said.getvalue())
