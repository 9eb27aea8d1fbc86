"""How the values of a contact's fields came about: entries, and what was changed by hand between them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from ccops.crm.base import Contact
from ccops.engine.losses import Loss
from ccops.ledger.model import Entry
from ccops.operations.model import OperationsFile

Value = str | None

_COURSE: Final = 23
"""Steps whose values make the course; with the present value, as many as fit beside a number."""


@dataclass(frozen=True, slots=True)
class BalanceStep:
    """What an entry made of one field."""

    entry: Entry
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class ByHand:
    """A change that no entry explains: made in the CRM by hand, or by another program."""

    before: Value
    after: Value
    since: datetime
    until: datetime | None
    """None: up to now."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A change that a late write made, over what was sent after it."""

    before: Value
    after: Value
    loss: Loss


AnyStep = BalanceStep | ByHand | Lost
"""What a field went through."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A field of a contact now, and the newest steps that led there, newest first."""

    field: str
    value: Value
    exists: bool
    """Whether the CRM has the field (still)."""
    steps: tuple[AnyStep, ...]
    more: bool
    """Whether there were steps before these."""
    course: tuple[Value, ...] = ()
    """The values on the way, oldest first, the present one last; of the newest steps, more than are in `steps`."""


def balances(
    contact: Contact, entries: Sequence[Entry], registry: OperationsFile, limit: int, losses: Sequence[Loss] = ()
) -> tuple[Balance, ...]:
    """Say for each field that operations or entries write what it is, and why. `entries` are newest first.

    `losses` are what late writes took from the contact, whether it was given back or not.
    """
    return tuple(_balance(contact, field, entries, limit, losses) for field in _fields(entries, registry))


def steps(field: str, value: Value, entries: Iterable[Entry], losses: Sequence[Loss] = ()) -> Iterator[AnyStep]:
    """Walk back from a field's present value, entry by entry.

    A change between two entries was made by a late write if one is known to have come between, else by hand. Of an
    entry that was parked or is under way nobody knows whether its write arrived, so both are taken for possible.
    """
    later: BalanceStep | None = None
    for step in _steps_of(field, entries):
        found = value if later is None else later.before
        if not any(_same(found, left) for left in _left_by(step)):
            until = None if later is None else _begun(later.entry)
            lost = _lost(field, losses, later)
            if lost is None:
                yield ByHand(step.after, found, step.entry.moment, until)
            else:
                if not _same(lost.after, found):
                    yield ByHand(lost.after, found, step.entry.moment, until)
                yield Lost(step.after, lost.after, lost.loss)
        yield step
        later = step


def _lost(field: str, losses: Sequence[Loss], later: BalanceStep | None) -> Lost | None:
    """Return what a late write did to a field before a step, or (None) before now."""
    over = None if later is None else later.entry.id
    loss = next((each for each in losses if (each.over and each.over.id) == over and each.overwritten(field)), None)
    what = None if loss is None else loss.overwritten(field)
    return None if loss is None or what is None else Lost(what.left, what.put, loss)


def _balance(contact: Contact, field: str, entries: Sequence[Entry], limit: int, losses: Sequence[Loss]) -> Balance:
    value = contact.fields.get(field) or None
    walked = list(islice(steps(field, value, entries, losses), max(limit + 1, _COURSE)))
    course = [value, *(step.before for step in walked[:_COURSE])]
    shown = tuple(walked[:limit])
    return Balance(field, value, field in contact.fields, shown, len(walked) > limit, tuple(reversed(course)))


def _fields(entries: Sequence[Entry], registry: OperationsFile) -> list[str]:
    """Name the fields, those of the registry first."""
    named = [change.field for operation in registry.operations.values() for change in operation.changes]
    written = sorted({field for entry in entries for field in entry.before or {}})
    return list(dict.fromkeys([*named, *written]))


def _steps_of(field: str, entries: Iterable[Entry]) -> Iterator[BalanceStep]:
    for entry in entries:
        if entry.before is not None and field in entry.before:
            yield BalanceStep(entry, entry.before[field] or None, (entry.after or {}).get(field) or None)


def _left_by(step: BalanceStep) -> tuple[Value, ...]:
    """Return the values that a field may have had after an entry."""
    return (step.after,) if step.entry.status.has_arrived else (step.after, step.before)


def _begun(entry: Entry) -> datetime:
    """Return when an entry left, or was adopted."""
    return entry.sent_at or entry.at


def _same(one: Value, other: Value) -> bool:
    return (one or "") == (other or "")
