"""All contacts are gone through once; what differs is kept, and nothing else."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccops.cli.exits import UNREACHABLE, status_of
from ccops.cli.signals import finishing
from ccops.errors import CcopsError

if TYPE_CHECKING:
    from ccops.cli.job import Writing
    from ccops.cli.session import Session
    from ccops.engine.comparing import Counts, Difference
    from ccops.ledger.ledger import Ledger


@dataclass(slots=True)
class Found:
    """What a comparison of one field has brought to light so far."""

    field: str
    ledger: "Ledger"
    counts: "Counts"
    differing: "list[Difference]"

    @property
    def by_hand(self) -> "list[Difference]":
        """Those that a hand changed, or another program."""
        return [each for each in self.differing if each.kind == "by-hand"]


def compare(session: "Session", field: str, how: "Writing") -> Found:
    """Go through all contacts. Should that be broken off, what was found is shown before the error is raised."""
    from ccops.cli.progress import shown_progress
    from ccops.cli.reconcile.showing import show
    from ccops.engine.comparing import Comparing

    ledger = session.ledger_to_read if session.looks_only else session.heart.ledger
    crm = session.crm
    comparing = Comparing(ledger, crm, session.clock, field)
    found, rows = Found(field, ledger, comparing.counts, []), crm.contacts()
    try:
        with (
            finishing(session.stop),
            shown_progress(session.console, session.clock, f"reconcile {field}", rows.total) as step,
        ):
            for difference in comparing.differences(rows, session.stop.event.is_set, step):
                found.differing.append(difference)
    except CcopsError as error:
        if found.differing or status_of(error) == UNREACHABLE:
            show(session, found, how)
        raise
    found.differing.sort(key=lambda each: each.contact)
    return found
