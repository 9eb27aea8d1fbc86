"""What happens in a ledger while somebody watches: entries that begin, and those that change."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from ccops.ledger.history import Filter
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.report.history import Seen

_OVERLAP: Final = timedelta(minutes=1)
"""An end is committed a little later than its moment, and clocks of processes on one machine agree."""
_REMEMBERED: Final = 20_000
"""More than ever come to their end within the overlap."""
_OPEN: Final = frozenset({"intended", "sending"})

State = tuple[str, datetime]


class Follower:
    """Tells each entry that fits once in each state that it gets into."""

    def __init__(self, ledger: Ledger, wanted: Filter) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._known: OrderedDict[int, State] = OrderedDict()
        self._highest = 0
        self._ended = datetime.min.replace(tzinfo=UTC)

    def first(self, most: int, now: datetime) -> list[Seen]:
        """Return the newest entries that there are already, oldest first; from here on only news are told."""
        self._ended = now
        self._highest = self._ledger.entries.highest()
        self._remember(entry for entry in self._ledger.entries.open() if entry.status in _OPEN)
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
        opened = [number for number, (status, _) in self._known.items() if status in _OPEN]
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


def _state(entry: Entry) -> State:
    return entry.status, entry.moment
