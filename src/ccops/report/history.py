"""The ledger as people look at it: the newest entries, one entry whole, and runs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ccops.engine.release import needs_release
from ccops.ledger.history import Filter, RunCount
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Run
from ccops.operations.copying import from_json
from ccops.operations.model import Operation


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry, and the address of its contact as last seen."""

    entry: Entry
    email: str | None
    since: Entry | None = None
    """How it stands now, if a later run took it over; `entry` is then as the earlier run left it."""


@dataclass(frozen=True, slots=True)
class Past:
    """The newest entries that were asked for, newest first, and whether there are older ones."""

    lines: tuple[Seen, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class PastRuns:
    """The newest runs, newest first, and whether there are older ones."""

    lines: tuple[RunCount, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """All that the ledger knows of one entry."""

    entry: Entry
    email: str | None
    run: Run
    operation: Operation
    """As it was when the entry was begun."""
    receipt: str
    tags_wait: bool
    """Whether its trigger tag is still to come off, or a follow-up tag to go on."""
    tries: tuple[Entry, ...] = ()
    """How earlier runs left it that were refused it, or failed."""


def past(ledger: Ledger, wanted: Filter, most: int) -> Past:
    """Look the newest entries up that fit, not more than `most`."""
    found = ledger.history.entries(replace(wanted, limit=most + 1))
    lines = (Seen(entry, email, _since(ledger, entry, wanted)) for entry, email in found[:most])
    return Past(tuple(lines), len(found) > most)


def every(ledger: Ledger, wanted: Filter) -> Iterator[Seen]:
    """Give all entries that fit, newest first, one by one."""
    return (Seen(entry, email) for entry, email in ledger.history.each(wanted))


def past_runs(ledger: Ledger, limit: int) -> PastRuns:
    """Look the newest runs up."""
    found = list(ledger.history.runs(limit + 1))
    return PastRuns(tuple(found[:limit]), len(found) > limit)


def whole(ledger: Ledger, entry_id: int) -> Whole:
    """Look one entry up. Raises NoSuchEntry."""
    entry = ledger.entries.get(entry_id)
    person = ledger.people.by_id(entry.contact)
    return Whole(
        entry,
        None if person is None else person.email or None,
        ledger.runs.get(entry.run),
        from_json(entry.copy),
        ledger.identity.lineage.receipt(entry.id, entry.sends),
        entry.status in {"applied", "undone", "refused"} and not entry.released and needs_release(entry),
        tuple(ledger.history.tries_of(entry.id)),
    )


def _since(ledger: Ledger, then: Entry, wanted: Filter) -> Entry | None:
    """Return how an entry of a run stands now, if another run took it over; that is refusals and failures alone."""
    if wanted.run is None or then.status not in {"refused", "failed"}:
        return None
    now = ledger.entries.get(then.id)
    return None if now.run == then.run else now
