"""`ccops history`: the command line, handed on to what it asks for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

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
Csv = Annotated[bool, typer.Option("--csv", help="Print all of them as CSV for a spreadsheet, not just the newest.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is done, until stopped by Ctrl-C.")]
_OTHERS: Final = "--op, --status, --since, --run, --limit, --csv or --follow"


@dataclass(frozen=True, slots=True)
class Shape:
    """How entries are printed."""

    json: Json = False
    csv: Csv = False
    follow: Follow = False


@command(
    app,
    "history",
    """
    ccops history
    ccops history ann@example.org --since 7d
    ccops history e4711
    ccops history --op monthly-grant --status refused --since 2026-11-01
    ccops history --run r31 --limit 500
    ccops history --csv --since 2026-01-01 > history.csv
    ccops history --follow
    ccops history --runs
    """,
    looks=True,
)
def history(ctx: typer.Context, which: Which, shape: Shape, about: About = None, runs: Runs = False) -> None:
    """Show what was done, newest first.

    For a contact: what was changed, when, why and by whom. For an entry: all that is known of it. Kit is not asked
    for anything.
    """
    session = session_of(ctx)
    if shape.csv and (shape.json or shape.follow):
        raise NotTogether("--csv", "--json or --follow")
    if runs:
        _runs(session, about, which, shape)
    elif about is not None and names_entry(about):
        _entry(session, entry_of(about), which, shape)
    else:
        _entries(session, about, which, shape)


def _runs(session: "Session", about: str | None, which: Which, shape: Shape) -> None:
    from ccops.cli.history.runs import show_runs
    from ccops.report.history import past_runs

    if about is not None or which.chooses or shape.csv or shape.follow:
        raise NotTogether("--runs", "a contact, an entry, --op, --status, --since, --run, --csv or --follow")
    show_runs(session, past_runs(session.ledger_to_read, which.most), json=shape.json)


def _entry(session: "Session", number: int, which: Which, shape: Shape) -> None:
    from ccops.cli.history.whole import show_whole
    from ccops.report.history import whole

    if which.chooses or which.limit is not None or shape.csv or shape.follow:
        raise NotTogether(f"e{number}", _OTHERS)
    show_whole(session, whole(session.ledger_to_read, number), json=shape.json)


def _entries(session: "Session", about: str | None, which: Which, shape: Shape) -> None:
    from ccops.cli.history.choosing import filter_of
    from ccops.cli.history.lines import show_past
    from ccops.cli.history.table import print_csv
    from ccops.report.history import every, past

    wanted = filter_of(session, about, which)
    if wanted is None:
        session.console.advise(f"The ledger knows no contact {about}: ccops has changed nothing under this address.")
        near = session.ledger_to_read.people.nearest(about or "")
        if near is None:
            session.console.advise(f"Check the spelling, or ask Kit for it: ccops why {about}")
        else:
            session.console.advise(f"Did you mean {near}? ccops history {near}")
    elif shape.csv:
        print_csv(session.console, every(session.ledger_to_read, wanted))
    elif shape.follow:
        from ccops.cli.history.following import follow

        follow(session, wanted, which.limit, json=shape.json)
    else:
        found = past(session.ledger_to_read, wanted, which.most)
        if not (found.lines or shape.json or about or which.chooses):
            session.console.note("Nothing was done yet.")
            return
        show_past(session, found, json=shape.json)
