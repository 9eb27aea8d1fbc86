"""The ledger as people look at it: the newest entries, one entry whole, and runs."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ccops.engine.tags import needs_release
from ccops.errors import Misconfigured
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Run, Status
from ccops.ledger.queries import Filter, RunCount
from ccops.operations.model import Operation, from_json
from ccops.text import shorten


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
        entry.status.is_final and not entry.released and needs_release(entry),
        tuple(ledger.history.tries_of(entry.id)),
    )


def _since(ledger: Ledger, then: Entry, wanted: Filter) -> Entry | None:
    """Return how an entry of a run stands now, if another run took it over; that is refusals and failures alone."""
    if wanted.run is None or not then.status.may_be_tried_again:
        return None
    now = ledger.entries.get(then.id)
    return None if now.run == then.run else now


# ---- what happens in a ledger while somebody watches: entries that begin, and those that change

_OVERLAP: Final = timedelta(minutes=1)
"""An end is committed a little later than its moment, and clocks of processes on one machine agree."""
_REMEMBERED: Final = 20_000
"""More than ever come to their end within the overlap."""

EntryState = tuple[Status, datetime]


class Follower:
    """Tells each entry that fits once in each state that it gets into."""

    def __init__(self, ledger: Ledger, wanted: Filter) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._known: OrderedDict[int, EntryState] = OrderedDict()
        self._highest = 0
        self._ended = datetime.min.replace(tzinfo=UTC)

    def first(self, most: int, now: datetime) -> list[Seen]:
        """Return the newest entries that there are already, oldest first; from here on only news are told."""
        self._ended = now
        self._highest = self._ledger.entries.highest()
        self._remember(entry for entry in self._ledger.entries.open() if entry.status.is_open)
        self._remember(entry for entry, _ in self._since())
        found = list(self._ledger.history.each(replace(self._wanted, limit=most))) if most else []
        self._remember(entry for entry, _ in found)
        return [Seen(entry, email) for entry, email in reversed(found)]

    def news(self) -> list[Seen]:
        """Return what has begun or changed since the last look, oldest first."""
        changed = [(entry, email) for entry, email in self._since() if self._known.get(entry.id) != _state(entry)]
        self._remember(entry for entry, _ in changed)
        return [Seen(entry, email) for entry, email in changed if self._wanted.fits(entry)]

    def _since(self) -> list[tuple[Entry, str | None]]:
        """Look for entries that are new, that came to an end lately, that were open, and that were just undone."""
        history = self._ledger.history
        opened = [number for number, (status, _) in self._known.items() if status.is_open]
        found = history.changed_since(self._highest, self._ended - _OVERLAP, opened)
        more, watched = found, set(opened)
        while undone := {entry.undoes for entry, _ in more if entry.undoes is not None} - watched:
            watched |= undone  # an undo of an undo brings another entry back, and so on
            more = history.changed_since(self._highest, self._ended - _OVERLAP, watched)
        self._highest = max([self._highest, *(entry.id for entry, _ in more)])
        self._ended = max([self._ended, *(entry.ended_at for entry, _ in more if entry.ended_at is not None)])
        return more

    def _remember(self, entries: Iterator[Entry]) -> None:
        for entry in entries:
            self._known[entry.id] = _state(entry)
            self._known.move_to_end(entry.id)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _state(entry: Entry) -> EntryState:
    return entry.status, entry.moment


# ---- from when on: "7d" for the last seven days, or a day of the registry's zone

_AGO: Final = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS: Final[Mapping[str, timedelta]] = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?")


class NoSuchDay(Misconfigured):
    """A text is written like a day or a moment, but the calendar or the clock has none like it."""

    mend = "write the year, the month (01 to 12) and the day, such as 2026-11-01, or 7d for the last seven days"

    def __init__(self, text: str) -> None:
        day, _, hour = text.replace("T", " ").partition(" ")
        what = f"time {hour}" if hour and _is_day(day) else f"day {day}"
        super().__init__(f"--since {text}: there is no {what}.")


class SinceFault(Misconfigured):
    """A text says no moment."""

    mend = "write it like 90m, 12h, 7d, 3w, 2026-11-01 or 2026-11-01T14:30"

    def __init__(self, text: str) -> None:
        super().__init__(f"--since {shorten(text)} can't be read: it is neither a day nor a time ago.")


def since(text: str, now: datetime, timezone: str) -> datetime:
    """Return the moment that a text means: so long ago, or a day's midnight in a zone.

    Raises NoSuchDay and SinceFault.
    """
    written = text.strip()
    try:
        if ago := _AGO.fullmatch(written.lower()):
            return now - int(ago[1]) * _UNITS[ago[2]]
        if _DAY.fullmatch(written):
            return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        if _DAY.fullmatch(written):
            raise NoSuchDay(written) from None
    raise SinceFault(text)


def _is_day(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
