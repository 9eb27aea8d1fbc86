"""The command itself."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.job import Writing
from ccops.cli.making import command, new_app
from ccops.cli.options import Amount, InPeriod, Key, OncePer, complete_operation
from ccops.cli.run.choices import Choosing
from ccops.cli.run.errors import PausedRun
from ccops.cli.session import session_of
from ccops.cli.thousands import tell_of_thousands
from ccops.text import clean, tidy

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.operations.model import Operation

app = new_app()

Name = Annotated[
    str, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, parser=tidy, show_default=False)
]
Contacts = Annotated[
    list[str] | None, typer.Argument(metavar="CONTACT", help="E-mail addresses, or Kit's ids.", show_default=False)
]
FailedTo = Annotated[
    Path | None,
    typer.Option(
        "--failed-to", metavar="FILE", help="Write those who failed or were refused to a CSV, which --file reads again."
    ),
]


@dataclass(frozen=True, slots=True)
class Occasion:
    """The options that say which occasion it is."""

    key: Key = None
    once_per: OncePer = None
    period: InPeriod = None
    amount: Amount = None


@command(
    app,
    "run",
    """
    ccops run payment-credit ann@example.org
    ccops run payment-credit ann@example.org --key invoice-1042
    ccops run monthly-grant --tagged "Member: Gold"
    ccops run monthly-grant --file members.csv --failed-to again.csv
    ccops run monthly-grant --all --once-per month --period 2026-10 --dry-run
    """,
)
def run(
    ctx: typer.Context,
    operation: Name,
    occasion: Occasion,
    choosing: Choosing,
    how: Writing,
    contact: Contacts = None,
    failed_to: FailedTo = None,
) -> int:
    """Apply an operation to contacts.

    The same key, or the same period, never counts twice for a contact. Without either, each run counts, and then
    contacts have to be named.
    """
    return run_for(session_of(ctx), operation, contact or [], occasion, choosing, how, failed_to)


def run_for(
    session: "Session",
    name: str,
    words: list[str],
    said: Occasion,
    choosing: Choosing,
    how: Writing,
    failed_to: Path | None = None,
) -> int:
    """Name the contacts and the occasion, and do it."""
    from ccops.cli.doing import do
    from ccops.cli.failures import failures_to, status_with
    from ccops.cli.keys import check_key
    from ccops.cli.run.asking import Asking, settled
    from ccops.cli.run.choices import choose

    known = session.operation(name)
    check_key(session, said.key)
    tell_of_thousands(session, {"--amount": said.amount})
    _check_paused(session, known, how)
    choice = choose(session, known, words, choosing)
    with failures_to(None if how.dry_run else failed_to, refused_ok=how.refused_ok) as failures:
        asking = settled(session, Asking(known, choice, said, failures), how)
        if asking is None:
            session.console.note("Nothing was sent.")
            return 0
        status = do(session, asking.job(session.clock.now()), how)
    if failures is not None and failures.is_whole and failures.count and not failures.failure:
        _say_who_failed(session, shlex.quote(str(failed_to)), failures.count)
    return status_with(session, failed_to, failures, status)


def _say_who_failed(session: "Session", path: str, count: int) -> None:
    """Name the file of the contacts that need somebody, and how it is given back."""
    contacts = "contact that needs" if count == 1 else f"{count:,} contacts that need"
    session.console.advise(
        f"{clean(path)} has the {contacts} somebody. Once that is mended, the same command takes it with --file "
        f"{clean(path)}."
    )


def _check_paused(session: "Session", known: "Operation", how: Writing) -> None:
    """A person may run what is paused; cron may not. Raises PausedRun."""
    if not known.paused:
        return
    if not (how.dry_run or session.questions.possible):
        raise PausedRun(known.name)
    session.console.warn(f"{known.name} is paused: tags, POSTs and cron wait; you run it all the same.")
