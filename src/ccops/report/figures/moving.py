"""Walks through all that was written, and adds up what moved: by field, by month, and what each contact has now."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ccops.ledger.figures import Written
from ccops.operations.periods import period_bounds
from ccops.operations.reconciling import RECONCILE
from ccops.report.figures.amounts import ZERO, amount, minus, plus, total
from ccops.report.figures.model import Flow

Value = str | None


@dataclass(slots=True)
class Moved:
    """What moved in one place so far."""

    changes: int = 0
    granted: Decimal = ZERO
    spent: Decimal = ZERO
    undone: Decimal = ZERO

    def add(self, change: Decimal, *, is_undo: bool) -> None:
        """Count a change in."""
        self.changes += 1
        if is_undo:
            self.undone = minus(self.undone, change)
        elif change > 0:
            self.granted = plus(self.granted, change)
        else:
            self.spent = minus(self.spent, change)


@dataclass(slots=True)
class Have:
    """What contacts have of one field so far, and what came to it otherwise than by entries."""

    values: dict[int, Decimal | None] = field(default_factory=dict)
    """The last value of each contact; None is no number."""
    written: bool = False
    """Whether anything but an empty value was ever written."""
    started: Decimal = ZERO
    otherwise: Decimal = ZERO

    def add(self, contact: int, before: Value, after: Value) -> Decimal:
        """Count one entry in; return by how much it moved the value. What is no number counts as nothing here."""
        found, left, known = amount(before), amount(after), contact in self.values
        was = self.values.get(contact) or ZERO
        self.values[contact] = left
        self.written = self.written or bool(after)
        if not known:
            self.started = plus(self.started, found or ZERO)
        elif found != was:
            self.otherwise = plus(self.otherwise, minus(found or ZERO, was))
        if found is not None and left is not None:
            return minus(left, found)
        self.otherwise = plus(self.otherwise, minus(left or ZERO, found or ZERO))
        return ZERO


@dataclass(frozen=True, slots=True)
class Walk:
    """All that was added up: by field, and by month (None: none of those asked for), operation and field."""

    fields: dict[str, Have]
    places: dict[tuple[str | None, str, str], Moved]

    def flow(self, key: str) -> Flow:
        """Tell how the total of a field came about."""
        moved = [each for (_, _, name), each in self.places.items() if name == key]
        have = self.fields[key]
        granted, spent, undone = (
            total(getattr(each, part) for each in moved) for part in ("granted", "spent", "undone")
        )
        return Flow(have.started, granted, spent, undone, have.otherwise)


def walk(entries: Iterable[Written], months: Sequence[str], timezone: str) -> Walk:
    """Add up; `entries` are those of one contact after the other, each in the order of its sends."""
    calendar = Calendar(months, timezone)
    fields: defaultdict[str, Have] = defaultdict(Have)
    places: defaultdict[tuple[str | None, str, str], Moved] = defaultdict(Moved)
    for operation, contact, before, after, is_undo, at in entries:
        month = calendar.month_of(at)
        for key, value in before.items():
            change = fields[key].add(contact, value, after.get(key))
            if operation == RECONCILE:
                # What was changed by hand, and then adopted or put back, is neither granted nor spent.
                fields[key].otherwise = plus(fields[key].otherwise, change)
            else:
                places[month, operation, key].add(change, is_undo=is_undo)
    return Walk(fields, places)


class Calendar:
    """Months that follow one another, found by their first moments."""

    def __init__(self, months: Sequence[str], timezone: str) -> None:
        self._months = months
        bounds = [period_bounds(f"month:{month}", timezone) for month in months]
        self._begins = [begin for begin, _ in bounds]
        self._end = bounds[-1][1]

    @property
    def begin(self) -> datetime:
        """The first moment of the first month."""
        return self._begins[0]

    def month_of(self, moment: datetime) -> str | None:
        """Return the month that a moment falls in; None if it is none of these."""
        place = bisect_right(self._begins, moment)
        return self._months[place - 1] if place and moment < self._end else None


def last_months(now: datetime, count: int) -> tuple[str, ...]:
    """Return the keys of the last months, up to the one of `now`, which is taken where it is; oldest first."""
    newest = now.year * 12 + now.month - 1
    return tuple(f"{month // 12:04}-{month % 12 + 1:02}" for month in range(newest - count + 1, newest + 1))
