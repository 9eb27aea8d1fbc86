"""`ccops history`: the command line, handed on to what it asks for."""

from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.contacts import entry_of, names_entry
from ccops.cli.history.choosing import NotTogether, Which
from ccops.cli.making import command, new_app
from ccops.cli.options import Json
from ccops.cli.session import session_of

if TYPE_CHECKING:
    from ccops.cli.session import Session

app = new_app()

About = Annotated[
    str | None, typer.Argument(metavar="CONTACT|ENTRY", help="E-mail address, Kit's id, or an entry such as e4711.")
]
Runs = Annotated[bool, typer.Option("--runs", help="Show the runs instead, one line each.")]


@command(
    app,
    "history",
    """
    ccops history
    ccops history ann@example.org
    ccops history e4711
    ccops history --op monthly-grant --status refused
    ccops history --run r31 --limit 500
    ccops history --runs
    """,
)
def history(ctx: typer.Context, which: Which, about: About = None, runs: Runs = False, json: Json = False) -> None:
    """Show what was done, newest first.

    For a contact: what was changed, when, why and by whom. For an entry: all that is known of it. Kit is not asked
    for anything.
    """
    session = session_of(ctx)
    if runs:
        _runs(session, about, which, json=json)
    elif about is not None and names_entry(about):
        _entry(session, entry_of(about), which, json=json)
    else:
        _entries(session, about, which, json=json)


def _runs(session: "Session", about: str | None, which: Which, *, json: bool) -> None:
    from ccops.cli.history.runs import show_runs
    from ccops.report.history import past_runs

    if about is not None or which.chooses:
        raise NotTogether("--runs", "a contact, an entry, --op, --status or --run")
    show_runs(session, past_runs(session.ledger_to_read, which.most), json=json)


def _entry(session: "Session", number: int, which: Which, *, json: bool) -> None:
    from ccops.cli.history.whole import show_whole
    from ccops.report.history import whole

    if which.chooses or which.limit is not None:
        raise NotTogether(f"e{number}", "--op, --status, --run or --limit")
    show_whole(session, whole(session.ledger_to_read, number), json=json)


def _entries(session: "Session", about: str | None, which: Which, *, json: bool) -> None:
    from ccops.cli.history.choosing import filter_of
    from ccops.cli.history.lines import show_past
    from ccops.report.history import past

    wanted = filter_of(session, about, which)
    if wanted is None:
        session.console.note(f"The ledger knows no contact {about}: ccops has changed nothing under this address.")
        session.console.note("If the address is a new one, ask by Kit's id of the contact.")
        return
    show_past(session, past(session.ledger_to_read, wanted), json=json)
