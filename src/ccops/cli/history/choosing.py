"""Which entries are asked for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ccops.cli.contacts import NoContact, contact_of, run_of
from ccops.cli.nobody import tell_if_moved
from ccops.cli.options import complete_operation
from ccops.cli.session import NoSuchOperation
from ccops.errors import Misconfigured
from ccops.text import clean, same_address, shorten, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccops.cli.session import Session
    from ccops.ledger.history import Filter
    from ccops.ledger.model import Status

Ended = Literal["applied", "undone", "refused", "left-out", "failed", "parked", "open"]

_USUAL: Final = 50
_STATUSES: "Final[Mapping[Ended, tuple[Status, ...]]]" = {
    "applied": ("applied",),
    "undone": ("undone",),
    "refused": ("refused",),
    "left-out": ("refused",),
    "failed": ("failed",),
    "parked": ("parked",),
    "open": ("intended", "sending"),
}


class NotTogether(Misconfigured):
    """A command line that asks for two things at once."""

    mend = "ccops history --help"

    def __init__(self, what: str, others: str) -> None:
        super().__init__(f"{what} can't go with {others}.")


class NeitherContactNorEntry(Misconfigured):
    """A word that names nothing that has a history."""

    mend = "ccops history --help"

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{shorten(word)} is no e-mail address, no id of a contact in Kit, and no entry such as e4711."
        )


@dataclass(frozen=True, slots=True)
class Which:
    """The options that choose among entries."""

    op: Annotated[
        str | None,
        typer.Option(
            "--op",
            metavar="OPERATION",
            autocompletion=complete_operation,
            parser=tidy,
            help="Only entries of this operation.",
        ),
    ] = None
    status: Annotated[Ended | None, typer.Option("--status", help="Only entries that ended like this.")] = None
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Only the last 90m, 12h, 7d or 3w, or from a day on: 2026-11-01."),
    ] = None
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only entries of a run, such as r31.")] = None
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help=f"Not more than so many, instead of {_USUAL}.")
    ] = None

    @property
    def chooses(self) -> bool:
        """Whether more was said than how many."""
        return any(each is not None for each in (self.op, self.status, self.since, self.run))

    @property
    def most(self) -> int:
        """How many are to be shown at most."""
        return self.limit or _USUAL


def filter_of(session: "Session", about: str | None, which: Which) -> "Filter | None":
    """Put the command line into the ledger's words; None if it knows no contact of that address.

    Raises NeitherContactNorEntry, NoSuchOperation, NoSuchDay, SinceFault, NoRun and NoSuchRun.
    """
    from ccops.ledger.history import Filter
    from ccops.report.since import since

    contact = None if about is None else _contact(session, about)
    if about is not None and contact is None:
        return None
    return Filter(
        contact=contact,
        operation=None if which.op is None else _operation(session, which.op),
        statuses=() if which.status is None else _STATUSES[which.status],
        left_out={"left-out": True, "refused": False}.get(which.status or ""),
        run=None if which.run is None else session.ledger_to_read.runs.get(run_of(which.run)).id,
        since=None if which.since is None else since(which.since, session.clock.now(), session.registry.timezone),
        limit=which.limit,
    )


def _contact(session: "Session", word: str) -> int | None:
    try:
        who = contact_of(word)
    except NoContact:
        raise NeitherContactNorEntry(word) from None
    if isinstance(who, int):
        return who
    people = session.ledger_to_read.people
    person = people.by_email(who)
    if person is not None:
        tell_if_moved(session, who, person.email)
        for other in people.former_owners(who) if same_address(who, person.email) else ():
            session.console.advise(
                f"Contact {other.id}, now {clean(other.email)}, had {clean(who)} before: ccops history {other.id}"
            )
    return None if person is None else person.id


def _operation(session: "Session", name: str) -> str:
    """Accept an operation of the registry, and one that is no longer there but has a history."""
    known = session.registry.operations
    if name not in known and not session.ledger_to_read.history.knows(name):
        raise NoSuchOperation(name, list(known), session.argv)
    return name
