"""`ccops schedule`: prints the lines by which the machine starts ccops on its own."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.making import command, new_app
from ccops.cli.options import complete_operation
from ccops.cli.session import session_of
from ccops.text import tidy

if TYPE_CHECKING:
    from ccops.triggers.scheduling.timetable import Rhythm

app = new_app()

Name = Annotated[
    str | None, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, parser=tidy, show_default=False)
]
Contacts = Annotated[list[str] | None, typer.Argument(metavar="CONTACT", help="E-mail addresses, or Kit's ids.")]


@dataclass(frozen=True, slots=True)
class Selection:
    """The options that say for whom."""

    tagged: Annotated[
        str | None, typer.Option("--tagged", metavar="TAG", help="All who carry this tag: its name or id.")
    ] = None
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="All in this file, read anew each time.")
    ] = None
    all_: Annotated[bool, typer.Option("--all", help="All contacts.")] = False

    def given(self) -> list[object]:
        """Return the selections that were made."""
        return [way for way in (self.tagged is not None, self.file is not None, self.all_) if way]


@dataclass(frozen=True, slots=True)
class When:
    """The options that say when."""

    daily: Annotated[bool, typer.Option("--daily", help="Once a day.")] = False
    weekly: Annotated[bool, typer.Option("--weekly", help="Once a week.")] = False
    monthly: Annotated[bool, typer.Option("--monthly", help="Once a month.")] = False
    quarterly: Annotated[bool, typer.Option("--quarterly", help="Once in three months.")] = False
    yearly: Annotated[bool, typer.Option("--yearly", help="Once a year.")] = False
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="In the registry's time zone; else 06:00.")] = (
        None
    )
    day: Annotated[
        int | None,
        typer.Option("--day", metavar="N", help="Of the month, or of the week (1: Monday); else the first."),
    ] = None
    poll: Annotated[bool, typer.Option("--poll", help="Look for trigger tags every five minutes.")] = False
    serve: Annotated[bool, typer.Option("--serve", help="Receive webhooks and POSTs, from the start on.")] = False

    def rhythms(self) -> "list[Rhythm]":
        """Return the rhythms that were asked for."""
        asked: list[tuple[Rhythm, bool]] = [
            ("day", self.daily),
            ("week", self.weekly),
            ("month", self.monthly),
            ("quarter", self.quarterly),
            ("year", self.yearly),
        ]
        return [rhythm for rhythm, is_asked in asked if is_asked]


Systemd = Annotated[bool, typer.Option("--systemd", help="Units of systemd instead of a crontab line.")]


@command(
    app,
    "schedule",
    """
    ccops schedule monthly-grant --tagged "Member: Gold" --monthly
    ccops schedule monthly-grant --all --monthly --day 15 --at 07:30
    ccops schedule monthly-grant --tagged "Member: Gold" --monthly --systemd
    ccops schedule --poll
    """,
    looks=True,
)
def schedule(
    ctx: typer.Context,
    whom: Selection,
    when: When,
    operation: Name = None,
    contact: Contacts = None,
    systemd: Systemd = False,
) -> None:
    """Print the line by which cron or systemd starts ccops.

    Nothing is installed: a comment says where it goes. Each period has several tries, so that a machine that was off
    catches up; whoever has it already is passed over.
    """
    from ccops.cli.schedule.asking import asked
    from ccops.cli.schedule.printing import print_crontab, print_units, warn

    session = session_of(ctx)
    wanted = asked(session, operation, contact, whom, when)
    (print_units if systemd else print_crontab)(session, wanted)
    warn(session)
