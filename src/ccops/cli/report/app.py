"""`ccops report`: the command line, and where the report goes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli.making import command, new_app
from ccops.cli.options import Json
from ccops.cli.session import session_of
from ccops.errors import Misconfigured

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.report.figures.gather import Extent
    from ccops.report.figures.model import Report

app = new_app()

_ON_A_PAGE: Final = 2000
_ON_A_SCREEN: Final = 10

Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write it as one page for a browser, with pictures.")
]
Months = Annotated[
    int,
    typer.Option(
        "--months", metavar="N", min=1, max=120, help="So many months instead of 12, up to the one under way."
    ),
]
Recent = Annotated[
    int | None,
    typer.Option(
        "--recent",
        metavar="N",
        min=1,
        max=100_000,
        help=f"So many recent changes, instead of {_ON_A_SCREEN} ({_ON_A_PAGE:,} with --html).",
    ),
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Replace FILE even if it is no report of ccops.")]


class PageOrLines(Misconfigured):
    """A command line that asks for the report in two forms at once."""

    mend = "ccops report --help"

    def __init__(self) -> None:
        super().__init__("--html can't go with --json.")


@command(
    app,
    "report",
    """
    ccops report
    ccops report --months 3
    ccops report --html report.html
    ccops report --json
    """,
    looks=True,
)
def report(
    ctx: typer.Context,
    html: Html = None,
    months: Months = 12,
    recent: Recent = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Show balances, grants, refusals, and what needs you.

    Balances are as ccops last wrote them; Kit is not asked for anything. With --html, the page needs no network
    and opens from the disk. It holds addresses of your contacts, so that only you can read the file.
    """
    from ccops.report.figures.gather import Extent

    if html is not None and json:
        raise PageOrLines
    extent = Extent(months, recent or (_ON_A_SCREEN if html is None else _ON_A_PAGE))
    if html is None:
        _show(session_of(ctx), extent, json=json)
    else:
        _write(session_of(ctx), extent, html, replace=yes)


def _show(session: "Session", extent: "Extent", *, json: bool) -> None:
    from ccops.cli.report.objects import objects
    from ccops.cli.report.showing import show

    made = _made(session, extent)
    if json:
        for row in objects(made):
            session.console.json_line(row)
    else:
        show(session, made)


def _write(session: "Session", extent: "Extent", file: Path, *, replace: bool) -> None:
    from ccops.report.doctor.wording import size
    from ccops.report.html.file import check_free, is_stdout, write
    from ccops.report.html.page import page

    if not replace:
        check_free(file)  # before the work is done
    alone = is_stdout(file)
    octets = write(file, page(_made(session, extent), rehearsal=session.settings.sandbox))
    if alone:
        return  # one more line would end up in the page
    session.console.say(f"{file} is written ({size(octets)}); open it in a browser.")
    session.console.advise("It holds addresses of your contacts: keep it where only you can read it.")


def _made(session: "Session", extent: "Extent") -> "Report":
    from datetime import timedelta

    from ccops.report.figures.gather import report_of

    settle_after = timedelta(seconds=session.settings.settle_after)
    return report_of(session.ledger_to_read, session.registry, session.clock.now(), settle_after, extent)
