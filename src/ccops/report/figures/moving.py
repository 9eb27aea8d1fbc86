"""Walks through all that was written, and adds up what moved: by field, by month, and what each contact has now."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ccops.ledger.figures import Written
from ccops.operations.periods import period_bounds
from ccops.report.figures.amounts import ZERO, amount, minus, plus
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
class FieldWalk:
    """What is known of one field so far."""

    values: dict[int, Value] = field(default_factory=dict)
    """The last value of each contact."""
    moved: Moved = field(default_factory=Moved)
    started: Decimal = ZERO
    otherwise: Decimal = ZERO

    @property
    def flow(self) -> Flow:
        """How the total came about."""
        return Flow(self.started, self.moved.granted, self.moved.spent, self.moved.undone, self.otherwise)

    def add(self, written: Written, before: Value, after: Value) -> Decimal:
        """Count one entry in; return by how much it moved the value. What is no number counts as nothing here."""
        was, found, left = (amount(value) or ZERO for value in (self.values.get(written.contact), before, after))
        if written.contact not in self.values:
            self.started = plus(self.started, found)
        elif found != was:
            self.otherwise = plus(self.otherwise, minus(found, was))
        self.values[written.contact] = after
        change = minus(left, found)
        if amount(before) is None or amount(after) is None:
            self.moved.changes += 1
            self.otherwise = plus(self.otherwise, change)
            return ZERO
        self.moved.add(change, is_undo=written.is_undo)
        return change


@dataclass(frozen=True, slots=True)
class Walk:
    """All that was added up: by field, and by month, operation and field."""

    fields: dict[str, FieldWalk]
    months: dict[tuple[str, str, str], Moved]


def walk(entries: Iterable[Written], months: Sequence[str], timezone: str) -> Walk:
    """Add up; `entries` are those of one contact after the other, each in the order of its sends."""
    calendar = Calendar(months, timezone)
    fields: dict[str, FieldWalk] = {}
    moved: dict[tuple[str, str, str], Moved] = {}
    for written in entries:
        month = calendar.month_of(written.at)
        for key, before in written.before.items():
            change = fields.setdefault(key, FieldWalk()).add(written, before, written.after.get(key))
            if month is not None:
                place = moved.setdefault((month, written.operation, key), Moved())
                place.add(change, is_undo=written.is_undo)
    return Walk(fields, moved)


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
