"""A ledger written by hand, step by step as the applier writes it, for what adds it up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Entry, Origin
from ccops.operations.model import Change, Operation, to_json

ZONE = "America/New_York"
NOON = datetime(2026, 11, 15, 17, tzinfo=UTC)
"""Noon in New York."""
ORIGIN = Origin("maria", "run")


@dataclass
class Books:
    """A ledger, and the moment of its next entry; each is a minute after the one before."""

    ledger: Ledger
    now: datetime = NOON
    values: dict[tuple[int, str], str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path) -> Self:
        ledger = Ledger.create(folder / "ledger.sqlite3", folder / "locks")
        ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
        return cls(ledger)

    def begin(self, contact: int, operation: str, undoes: Entry | None = None) -> Entry:
        """Claim an occasion of its own."""
        self.now += timedelta(minutes=1)
        started = self.ledger.runs.start(self.now.isoformat(), f"run {operation}", "maria", self.now, new=True)
        self.ledger.runs.stop(started, 0, self.now, ended=True)
        copy = to_json(Operation(operation, (Change("credits", "increase"),), ZONE))
        occasion = f"run:{started.run.id}" if undoes is None else f"undo:{undoes.id}"
        undone = None if undoes is None else undoes.id
        claim = Claim(operation, copy, contact, occasion, started.run.id, ORIGIN, self.now, undoes=undone)
        entry = self.ledger.entries.claim(claim).entry
        assert entry is not None
        return entry

    def send(self, entry: Entry, after: Mapping[str, str], before: Mapping[str, str | None] | None = None) -> Entry:
        """Let a write leave; the values before are those written last, unless others are given."""
        last = {key: self.values.get((entry.contact, key)) for key in after} | dict(before or {})
        return self.ledger.entries.send(entry, last, after, None, None, self.now)

    def write(
        self, contact: int, operation: str, after: Mapping[str, str], before: Mapping[str, str | None] | None = None
    ) -> Entry:
        """Write an entry whose write arrived."""
        return self._arrived(self.send(self.begin(contact, operation), after, before))

    def undo(self, entry: Entry) -> Entry:
        """Take an entry back: its values as they were before."""
        before = {key: value or "" for key, value in (entry.before or {}).items()}
        return self._arrived(self.send(self.begin(entry.contact, entry.operation, undoes=entry), before))

    def refuse(self, contact: int, operation: str, cause: str, reason: str) -> Entry:
        return self.ledger.entries.refuse(self.begin(contact, operation), cause, reason, self.now)

    def fail(self, contact: int, operation: str, reason: str) -> Entry:
        return self.ledger.entries.fail(self.begin(contact, operation), reason, self.now)

    def park(self, contact: int, operation: str, after: Mapping[str, str], reason: str) -> Entry:
        return self.ledger.entries.park(self.send(self.begin(contact, operation), after), reason, self.now)

    def _arrived(self, entry: Entry) -> Entry:
        self.values |= {(entry.contact, key): value or "" for key, value in (entry.after or {}).items()}
        return self.ledger.entries.confirm(entry, self.now, released=True)
