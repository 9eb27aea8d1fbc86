"""Options that mean the same wherever they are accepted."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import typer

from ccops import __version__
from ccops.cli.context import session_of
from ccops.errors import CcopsError, Misconfigured
from ccops.operations.model import Period
from ccops.operations.numbers import NotANumber, parse_number


class NoNumber(Misconfigured):
    """An option that takes a number was given something else."""

    mend = NotANumber.mend

    def __init__(self, option: str, fault: NotANumber) -> None:
        super().__init__(f"{option} {fault.shown}: this is {fault.why}. Nothing was done.")


def number(option: str) -> Callable[[str], Decimal]:
    """Return the parser of an option that takes a number; it raises NoNumber."""

    def read(text: str) -> Decimal:
        if not text.strip():
            raise NoNumber(option, NotANumber(text))
        try:
            return parse_number(text, Decimal(0))
        except NotANumber as fault:
            raise NoNumber(option, fault) from None

    return read


def _choose_home(ctx: typer.Context, value: Path | None) -> None:
    if value is not None:
        session_of(ctx).home_option = value


def _choose_debug(ctx: typer.Context, value: bool) -> None:
    if value:
        session_of(ctx).debug = True


def _choose_quiet(ctx: typer.Context, value: bool) -> bool:
    session_of(ctx).console.quiet = value
    return value


def _tell_version(ctx: typer.Context, value: bool) -> None:
    if value:
        session_of(ctx).console.out.line(f"ccops {__version__}")
        raise typer.Exit


HomeFolder = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        callback=_choose_home,
        expose_value=False,
        help="The folder with settings, operations and ledger; else $CCOPS_HOME, else yours.",
    ),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", callback=_choose_debug, expose_value=False, help="Show where in the program an error came from."
    ),
]
VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", callback=_tell_version, expose_value=False, is_eager=True, help="Show the version and exit."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON for other programs, one object a line.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", callback=_choose_quiet, help="Print only what needs a person.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Go on without asking.")]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="Name the occasion; the same key never counts twice."),
]
OncePer = Annotated[
    Literal[Period, "run"] | None,
    typer.Option("--once-per", help="Count at most once for each contact in this time; run: each time it is given."),
]
InPeriod = Annotated[
    str | None,
    typer.Option("--period", metavar="PERIOD", help="The period to catch up on, such as 2026-10."),
]
Amount = Annotated[
    Decimal | None,
    typer.Option("--amount", metavar="N", parser=number("--amount"), help="Another amount than the operation's own."),
]
ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why; the history keeps it."),
]
CreateField = Annotated[bool, typer.Option("--create-field", help="Make the field, if Kit does not have it.")]
RefusedOk = Annotated[bool, typer.Option("--refused-ok", help="Exit with 0 even if a limit refused some contacts.")]
New = Annotated[bool, typer.Option("--new", help="Begin a new run, even if the last one like it was broken off.")]


def complete_operation(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Propose the names of operations for the Tab key; a registry that can't be read proposes none."""
    try:
        known = session_of(ctx).registry.operations
    except CcopsError:
        return []
    return [(name, each.description) for name, each in known.items() if name.startswith(incomplete)]
