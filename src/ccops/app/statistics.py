"""The report as data. Numbers are exact; months are keys such as `2026-11`, taken in the registry's zone."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from heapq import nlargest, nsmallest
from itertools import islice, pairwise
from typing import Final, Literal

from ccops.app.history import Past, past
from ccops.app.phrases import entry_name
from ccops.ledger.inbox import TAKEN_OFF, Event
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.ledger.queries import Filter, RefusalKind, RefusedCount, Written
from ccops.operations.dates import local
from ccops.operations.derived import RECONCILE
from ccops.operations.model import OperationsFile
from ccops.operations.numbers import EXACT, NotANumber, parse_number
from ccops.operations.periods import period_bounds

NeedKind = Literal["parked", "inbox", "open", "tags", "waiting"]


@dataclass(frozen=True, slots=True)
class Band:
    """How many contacts have a value from `low` on and below `high`; None is without a bound, equal is exactly."""

    low: Decimal | None
    high: Decimal | None
    contacts: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What one contact has of a field."""

    contact: int
    email: str | None
    value: Decimal


@dataclass(frozen=True, slots=True)
class Flow:
    """How a total came about: started + granted - spent - undone + otherwise."""

    started: Decimal = Decimal(0)
    """What contacts had before ccops first wrote to them."""
    granted: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    undone: Decimal = Decimal(0)
    """What undoing took back in all; below zero where spendings were taken back."""
    otherwise: Decimal = Decimal(0)
    """What was changed between entries, by hand or by another program."""


@dataclass(frozen=True, slots=True)
class Balances:
    """What all contacts have of one field, as ccops last wrote it."""

    field: str
    contacts: int
    unreadable: int
    """Contacts whose value is no number: they are left out of all the rest."""
    total: Decimal
    median: Decimal
    bands: tuple[Band, ...]
    lowest: tuple[Holding, ...]
    highest: tuple[Holding, ...]
    flow: Flow


@dataclass(frozen=True, slots=True)
class Month:
    """What one operation did to one field in a month; amounts are None where the field holds no numbers."""

    month: str
    operation: str
    field: str
    changes: int
    granted: Decimal | None
    spent: Decimal | None
    undone: Decimal | None


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """A reason in words, and how often it was given."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """How often an operation did not come about because of one rule, with the reasons given most often."""

    operation: str
    kind: RefusalKind
    cause: str
    count: int
    last: datetime
    reasons: tuple[ReasonCount, ...]
    more: int
    """How many other reasons there were."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs a person, and the commands that mend it."""

    kind: NeedKind
    name: str
    """An entry (e4711) or an event of the inbox (i12)."""
    contact: str
    operation: str
    text: str
    since: datetime
    mend: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that the report tells."""

    account: str
    timezone: str
    made_at: datetime
    months: tuple[str, ...]
    """Oldest first; the last one is under way."""
    balances: tuple[Balances, ...]
    moved: tuple[Month, ...]
    """Newest month first."""
    refusals: tuple[RefusalCount, ...]
    needs: tuple[Need, ...]
    more_needs: int
    recent: Past


# ---- sums that are exact, and numbers as fields hold them

ZERO: Final = Decimal(0)


@lru_cache(maxsize=65536)
def amount(value: str | None) -> Decimal | None:
    """Read a field's value; an empty one is 0, and what is no number is None."""
    try:
        return parse_number(value, ZERO)
    except NotANumber:
        return None


def plus(one: Decimal, other: Decimal) -> Decimal:
    """Add exactly."""
    return EXACT.add(one, other)


def minus(one: Decimal, other: Decimal) -> Decimal:
    """Subtract exactly."""
    return EXACT.subtract(one, other)


def total(numbers: Iterable[Decimal]) -> Decimal:
    """Add all up, exactly."""
    result = ZERO
    for number in numbers:
        result = EXACT.add(result, number)
    return result


# ---- walks through all that was written, and adds up what moved: by field, by month, and what each contact has now

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
class HeldAmounts:
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
class Movements:
    """All that was added up: by field, and by month (None: none of those asked for), operation and field."""

    fields: dict[str, HeldAmounts]
    places: dict[tuple[str | None, str, str], Moved]

    def flow(self, key: str) -> Flow:
        """Tell how the total of a field came about."""
        moved = [each for (_, _, name), each in self.places.items() if name == key]
        have = self.fields[key]
        granted, spent, undone = (
            total(getattr(each, part) for each in moved) for part in ("granted", "spent", "undone")
        )
        return Flow(have.started, granted, spent, undone, have.otherwise)


def walk(entries: Iterable[Written], months: Sequence[str], timezone: str) -> Movements:
    """Add up; `entries` are those of one contact after the other, each in the order of its sends."""
    calendar = Calendar(months, timezone)
    fields: defaultdict[str, HeldAmounts] = defaultdict(HeldAmounts)
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
    return Movements(fields, places)


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


# ---- what was refused, put together by the rule that refused it

_REASONS: Final = 3


def refusals_of(refused: Iterable[RefusedCount]) -> tuple[RefusalCount, ...]:
    """Put together what has operation and cause in common; the most frequent first, as they come."""
    groups: dict[tuple[str, str, str], list[RefusedCount]] = {}
    for each in refused:
        # A failure has no cause but its reason.
        groups.setdefault((each.operation, each.kind, each.cause), []).append(each)
    return tuple(sorted(map(_put_together, groups.values()), key=lambda group: -group.count))


def _put_together(group: list[RefusedCount]) -> RefusalCount:
    first = group[0]
    return RefusalCount(
        first.operation,
        first.kind,
        first.cause,
        sum(each.count for each in group),
        max(each.last for each in group),
        tuple(ReasonCount(each.reason, each.count) for each in islice(group, _REASONS)),
        max(len(group) - _REASONS, 0),
    )


# ---- how values are spread: a few bands of the same width, so that a picture of them fits a page

_MOST: Final = 12
_WIDTHS: Final = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
_FEW: Final = 50
"""One in so many contacts at either end may lie outside of the range, so that a single one does not stretch it."""


def bands(values: Sequence[Decimal]) -> tuple[Band, ...]:
    """Sort values, given in ascending order, into a dozen bands at most; each value is one if there are so few."""
    counted = Counter(values)
    if len(counted) <= _MOST:
        return tuple(Band(value, value, count) for value, count in sorted(counted.items()))
    first, last = _range(values)
    width = _width(minus(last, first), whole=all(value == value.to_integral_value() for value in counted))
    bounds = _bounds(first, last, width)
    inner = [
        Band(low, high, sum(count for value, count in counted.items() if low <= value < high))
        for low, high in pairwise(bounds)
    ]
    below = Band(None, bounds[0], sum(count for value, count in counted.items() if value < bounds[0]))
    above = Band(bounds[-1], None, sum(count for value, count in counted.items() if value >= bounds[-1]))
    return tuple(band for band in (below, *inner, above) if band in inner or band.contacts)


def median(values: Sequence[Decimal]) -> Decimal:
    """Return the value in the middle of values in ascending order; between two, the lower one."""
    return values[(len(values) - 1) // 2]


def _range(values: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    aside = -(-len(values) // _FEW)
    first, last = values[aside], values[-1 - aside]
    return (first, last) if first < last else (values[0], values[-1])


def _width(span: Decimal, *, whole: bool) -> Decimal:
    """Return a round width of which ten bands span the range."""
    tenth = EXACT.divide(span, Decimal(10))
    scale = Decimal(1).scaleb(tenth.adjusted())
    width = next(wide for step in _WIDTHS if (wide := EXACT.multiply(step, scale)) >= tenth)
    return max(width, Decimal(1)) if whole else width


def _bounds(first: Decimal, last: Decimal, width: Decimal) -> list[Decimal]:
    low = EXACT.multiply(EXACT.divide(first, width).to_integral_value(ROUND_FLOOR), width)
    steps = int(EXACT.divide(minus(last, low), width).to_integral_value(ROUND_CEILING)) or 1
    return [plus(low, EXACT.multiply(Decimal(step), width)) for step in range(steps + 1)]


# ---- what all contacts have of a field

_SHOWN: Final = 5
"""Contacts that are named at either end."""

Name = Callable[[int], str | None]


def balances_of(field: str, walked: Movements, name: Name) -> Balances | None:
    """Tell how a field is spread among its contacts; None if most of its values are no numbers."""
    have = walked.fields[field]
    numbers = {contact: number for contact, number in have.values.items() if number is not None}
    unreadable = len(have.values) - len(numbers)
    if len(numbers) <= unreadable or not have.written:
        return None
    ascending = sorted(numbers.values())
    least = nsmallest(_SHOWN, numbers.items(), key=lambda item: (item[1], item[0]))
    most = nlargest(_SHOWN, numbers.items(), key=lambda item: (item[1], -item[0]))
    return Balances(
        field,
        len(numbers),
        unreadable,
        total(ascending),
        median(ascending),
        bands(ascending),
        _named(least, name),
        _named(most, name),
        walked.flow(field),
    )


def _named(holdings: Iterable[tuple[int, Decimal]], name: Name) -> tuple[Holding, ...]:
    return tuple(Holding(contact, name(contact), value) for contact, value in holdings)


# ---- what needs a person: entries nobody can tell the end of, what was left half-way, and events of the inbox

_PATIENCE: Final = timedelta(minutes=10)
"""So long `serve` may take over an event before somebody should look whether it runs."""


def needs_of(
    ledger: Ledger, registry: OperationsFile, now: datetime, settle_after: timedelta, name: Name
) -> tuple[Need, ...]:
    """List what needs a person: what only a person can decide first; of each kind the oldest first."""
    entries, events = ledger.entries.open(), ledger.inbox.unended()
    started = [entry for entry in entries if entry.status != "parked" and _is_due(entry, now, settle_after)]
    tagged = [entry for entry in ledger.entries.unreleased() if _is_due(entry, now, settle_after)]
    return (
        *(_parked(entry, name) for entry in entries if entry.status == "parked"),
        *(_in_inbox(event) for event in events if event.state == "parked"),
        *(_left(entry, "open", "begun, and its outcome is not known yet", name) for entry in started),
        *(_left(entry, "tags", f"{entry.status}, but its tags are not in order yet", name) for entry in tagged),
        *_waiting([event for event in events if event.state == "waiting" and _is_late(event, registry, now)]),
    )


def _is_due(entry: Entry, now: datetime, settle_after: timedelta) -> bool:
    """Tell whether an entry is old enough that nobody is at work on it any more."""
    return (entry.sent_at or entry.at) + settle_after <= now


def _is_late(event: Event, registry: OperationsFile, now: datetime) -> bool:
    """Tell whether an event is overdue; one of a paused operation never is."""
    operation = registry.operations.get(event.operation)
    paused = operation is not None and operation.paused
    return not paused and max(event.received_at, event.not_before) + _PATIENCE < now


def _parked(entry: Entry, name: Name) -> Need:
    words = (f"ccops settle e{entry.id} --as applied", f"ccops settle e{entry.id} --as not-applied")
    return Need(
        "parked", entry_name(entry), _who(entry, name), entry.operation, entry.reason or "", entry.moment, words
    )


def _in_inbox(event: Event) -> Need:
    off = (event.reason or "").startswith(TAKEN_OFF)  # the doctor sees whether several tell of the same tagging
    mend = () if not event.is_hint else ("ccops doctor",) if off else (f"ccops poll {event.operation}",)
    return Need(
        "inbox", f"i{event.id}", event.who, event.operation, event.reason or "", event.ended_at or event.at, mend
    )


def _left(entry: Entry, kind: NeedKind, text: str, name: Name) -> Need:
    since = entry.sent_at or entry.at
    return Need(kind, entry_name(entry), _who(entry, name), entry.operation, text, since, ("ccops settle",))


def _waiting(events: list[Event]) -> Iterator[Need]:
    for event in events:
        text = "came in and waits; is serve running?"
        yield Need("waiting", f"i{event.id}", event.who, event.operation, text, event.received_at, ("ccops serve",))


def _who(entry: Entry, name: Name) -> str:
    return name(entry.contact) or str(entry.contact)


# ---- the whole report, from one ledger; Kit is asked for nothing

_MOST_NEEDS: Final = 40


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a report goes: so many months, and so many recent entries."""

    months: int = 12
    recent: int = 2000


def report_of(
    ledger: Ledger, registry: OperationsFile, now: datetime, settle_after: timedelta, extent: Extent
) -> Report:
    """Add the ledger up."""
    timezone = registry.timezone
    months = last_months(local(now, timezone), extent.months)
    walked = walk(ledger.figures.written(), months, timezone)
    name = _Addresses(ledger)
    balances = tuple(found for key in _in_order(walked, registry) if (found := balances_of(key, walked, name)))
    needs = needs_of(ledger, registry, now, settle_after, name)
    return Report(
        account=ledger.identity.account[1],
        timezone=timezone,
        made_at=now,
        months=months,
        balances=balances,
        moved=_moved(walked, balances),
        refusals=refusals_of(ledger.figures.refused(Calendar(months, timezone).begin)),
        needs=needs[:_MOST_NEEDS],
        more_needs=max(len(needs) - _MOST_NEEDS, 0),
        recent=past(ledger, Filter(), extent.recent),
    )


class _Addresses:
    """The addresses of contacts as last seen."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(self, contact: int) -> str | None:
        person = self._ledger.people.by_id(contact)
        return None if person is None else person.email or None


def _in_order(walked: Movements, registry: OperationsFile) -> list[str]:
    """Name the fields, those of the registry first."""
    named = [change.field for operation in registry.operations.values() for change in operation.changes]
    return [key for key in dict.fromkeys([*named, *sorted(walked.fields)]) if key in walked.fields]


def _moved(walked: Movements, balances: tuple[Balances, ...]) -> tuple[Month, ...]:
    """List what moved: the newest month first, in it the operations by name."""
    counted = {each.field for each in balances}
    rows = [
        Month(month, operation, key, moved.changes, moved.granted, moved.spent, moved.undone)
        if key in counted
        else Month(month, operation, key, moved.changes, None, None, None)
        for (month, operation, key), moved in walked.places.items()
        if month is not None
    ]
    rows.sort(key=lambda row: (row.operation, row.field))
    rows.sort(key=lambda row: row.month, reverse=True)
    return tuple(rows)
