"""Which entries are asked for, as SQL that leads to as few rows as possible.

Of several conditions one is written so that an index answers it; the others are written so that none does, for a
database without statistics would as soon look through a whole operation for the entries of one contact.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from ccops.ledger.model import LEFT_OUT, Entry, Status
from ccops.ledger.rows import stamp

MOMENT: Final = "COALESCE(entries.ended_at, entries.sent_at, entries.at)"
"""`Entry.moment` in SQL."""

_ENDED_WELL: Final[frozenset[Status]] = frozenset({"applied", "undone"})
_FEW: Final = "entries.status NOT IN ('applied', 'undone')"
"""What the index of unfinished entries is for; SQLite uses it only where it finds these words."""
_ENDED_SINCE: Final = (
    "entries.id IN (SELECT late.id FROM entries AS late WHERE late.ended_at >= :since UNION ALL"
    " SELECT begun.id FROM entries AS begun"
    " WHERE begun.status IN ('intended', 'sending') AND begun.status NOT IN ('applied', 'undone'))"
)

Lead = Literal["contact", "run", "since", "status", "operation"]
Given = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for; what is None does not matter."""

    contact: int | None = None
    operation: str | None = None
    statuses: tuple[Status, ...] = ()
    """Any of these; all if there are none."""
    left_out: bool | None = None
    """Of refusals: those because of the contact's state, or (False) the others."""
    run: int | None = None
    since: datetime | None = None
    """Only those whose moment is not before it."""
    limit: int | None = 50
    """None: all there are."""

    def fits(self, entry: Entry) -> bool:
        """Tell whether an entry is among those that are asked for, as it is now."""
        same = (self.contact or entry.contact, self.operation or entry.operation, self.run or entry.run)
        left_out = entry.status == "refused" and entry.cause == LEFT_OUT
        return (
            same == (entry.contact, entry.operation, entry.run)
            and (not self.statuses or entry.status in self.statuses)
            and (self.left_out is None or self.left_out == left_out)
            and (self.since is None or entry.moment >= self.since)
        )


def conditions(wanted: Filter) -> tuple[str, Given]:
    """Return what to put behind WHERE, and the values of its names."""
    lead = _lead(wanted)
    said = [*_of_contact(wanted, lead), *_of_time(wanted, lead), *_of_status(wanted, lead)]
    asked: Given = {
        "contact": wanted.contact,
        "operation": wanted.operation,
        "run": wanted.run,
        "since": None if wanted.since is None else stamp(wanted.since),
    }
    return " AND ".join(said) or "1 = 1", {key: value for key, value in asked.items() if value is not None}


def listed(statuses: tuple[Status, ...]) -> str:
    """Write statuses as the items of an SQL list."""
    return ", ".join(f"'{status}'" for status in statuses)


def _lead(wanted: Filter) -> Lead | None:
    """Choose the condition that an index answers: the one that few entries meet, whatever else is asked."""
    meets: dict[Lead, bool] = {
        "contact": wanted.contact is not None,
        "run": wanted.run is not None,
        "since": wanted.since is not None,
        "status": bool(wanted.statuses) and "applied" not in wanted.statuses,
        "operation": wanted.operation is not None,
    }
    return next((lead for lead, met in meets.items() if met), None)


def _of_contact(wanted: Filter, lead: Lead | None) -> Iterator[str]:
    if wanted.contact is not None:
        yield "entries.contact = :contact"
    if wanted.run is not None:
        yield "entries.run = :run" if lead == "run" else "COALESCE(entries.run, 0) = :run"
    if wanted.operation is not None:
        yield (
            "entries.operation = :operation" if lead == "operation" else "COALESCE(entries.operation, '') = :operation"
        )


def _of_time(wanted: Filter, lead: Lead | None) -> Iterator[str]:
    if lead == "since":
        yield _ENDED_SINCE
    if wanted.since is not None:
        yield f"{MOMENT} >= :since"


def _of_status(wanted: Filter, lead: Lead | None) -> Iterator[str]:
    if lead == "status" and not _ENDED_WELL.intersection(wanted.statuses):
        yield f"entries.status IN ({listed(wanted.statuses)}) AND {_FEW}"
    elif lead == "status" and wanted.statuses == ("undone",):
        yield "entries.status = 'undone'"
    elif wanted.statuses:
        yield f"COALESCE(entries.status, '') IN ({listed(wanted.statuses)})"
    if wanted.left_out is not None:
        yield f"COALESCE(entries.cause, '') {'=' if wanted.left_out else '<>'} '{LEFT_OUT}'"
