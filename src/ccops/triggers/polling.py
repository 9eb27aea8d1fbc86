"""Looking for trigger tags: whoever carries one has the operation run, and loses the tag."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from ccops.crm.base import Contact, Crm
from ccops.engine.bulk import Bulk
from ccops.engine.heart import Heart
from ccops.engine.many import Task, Together
from ccops.engine.request import Outcome, Request
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Origin
from ccops.operations.model import Operation
from ccops.operations.occasions import tagging_of
from ccops.triggers.taggings import tagging_request

BUSY_TOO_LONG: Final = timedelta(hours=1)
"""A poll that another one has kept out for so long is worth a person's look."""

_LOCK: Final = "poll"

Begin = Callable[[], tuple[int, Origin]]
"""Begins a run and returns it; asked only once there is something to do."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Another poll is at work in this home."""

    since: timedelta


@contextmanager
def alone(ledger: Ledger) -> Iterator[Busy | None]:
    """Be the only poll of this home in the body, or be told that another one is at work."""
    held = ledger.locks.take(_LOCK)
    if held is None:
        yield Busy(ledger.locks.held_for(_LOCK))
        return
    try:
        held.mark()
        yield None
    finally:
        held.drop()


def bound(operations: Iterable[Operation]) -> list[Operation]:
    """Return the operations whose trigger tags are looked for: bound to one, and not paused."""
    return [operation for operation in operations if operation.tag is not None and not operation.paused]


def carriers(crm: Crm, operations: Iterable[Operation]) -> Iterator[tuple[Operation, Contact]]:
    """Page through all who carry a trigger tag, in any state."""
    for operation in operations:
        if operation.tag is not None:
            yield from ((operation, row) for row in crm.carriers(operation.tag.id, "all"))


def poll_round(heart: Heart, operations: Iterable[Operation], begin: Begin) -> Iterator[Task | Together]:
    """Give tasks for all carriers of trigger tags; an idle round costs one page for each tag.

    What an earlier round was broken off at comes last: its tag may be off already, so that no page shows it.

    Raises Missing for a tag that is no longer in the CRM.
    """
    yield from Bulk(heart).tasks(_taggings(heart, operations, begin))
    entries = heart.ledger.entries
    for entry in (*entries.unreleased(), *entries.open()):
        if entry.status != "parked" and tagging_of(entry.occasion) is not None:
            yield partial(_finish, heart, entry)


def _taggings(heart: Heart, operations: Iterable[Operation], begin: Begin) -> Iterator[Request | Task]:
    """Make a request of each carrier of a tag.

    Its row may be minutes old, but that the tagging took place is sure: a tag taken off since counts all the same.
    """
    run: tuple[int, Origin] | None = None
    for operation, row in carriers(heart.crm, bound(operations)):
        run = run or begin()
        tagged_at = row.tagged_at or _since(heart.crm, row, operation)
        if tagged_at is None:
            yield partial(_without_time, operation, row)
        else:
            yield tagging_request(operation, row.id, tagged_at, *run, row=row)


def _without_time(operation: Operation, row: Contact) -> Outcome:
    reason = "Kit does not say since when it carries the tag"
    return Outcome("failed", operation.name, "", row.id, row.id, row.email, reason=reason)


def _since(crm: Crm, row: Contact, operation: Operation) -> datetime | None:
    """Look up since when a carrier has the tag: that moment makes the occasion, and must never be made up."""
    return next((held.tagged_at for held in crm.tags_of(row.id) if held.id == getattr(operation.tag, "id", None)), None)


def _finish(heart: Heart, entry: Entry) -> Outcome:
    """Bring a tagging's entry to its end; if only its tags were still out of order, it was done before."""
    outcome = heart.finish(entry.id)
    return replace(outcome, status="repeated") if entry.status in {"applied", "undone"} else outcome
