"""The occasions and periods that an entry holds: its own, and those of the entries that it brings back as an undo.

The indexes `one_per_occasion` and `one_per_period` hold them in the database itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ccops.ledger import chain
from ccops.ledger.model import Entry
from ccops.ledger.rows import ENTRIES, entry_of, find_entry, stamp
from ccops.ledger.sqlite import Transaction

if TYPE_CHECKING:
    from ccops.operations.plan import Cause

_RIVALS: Final = (
    f"{ENTRIES} JOIN entries AS own ON own.id = :id WHERE entries.operation = own.operation"
    " AND entries.contact = own.contact AND entries.id <> own.id"
    " AND (entries.reopened = 0 OR entries.status IN ('sending', 'applied'))"
    " AND (entries.occasion = own.occasion OR (entries.period = own.period"
    " AND entries.status IN ('intended', 'sending', 'applied', 'undone', 'parked')))"
)
_CHANGED_NOTHING: Final = frozenset({"refused", "failed"})


def taken_by(db: Transaction, number: int) -> Entry | None:
    """Return another entry that holds the occasion or the period of an entry."""
    return next((rival for rival in _rivals(db, number) if rival.status not in _CHANGED_NOTHING), None)


def taken_for_undo(db: Transaction, undone: int) -> Entry | None:
    """Return an entry that holds what would have to count again if this one were undone."""
    return next((taken for number in chain.coming_back(db, undone) if (taken := taken_by(db, number))), None)


def take(db: Transaction, entry: Entry, arrived: datetime | None = None) -> Entry | None:
    """Let an entry hold all that counts once it does; if another entry holds some of it, return that and take nothing.

    What changed nothing gives way. So does, for an entry whose write has `arrived`, what was only begun: it is refused;
    and what needs a person does without its period.
    """
    rows = [entry.id, *chain.coming_back(db, entry.undoes)]
    rivals = [(number, rival) for number in rows for rival in _rivals(db, number)]
    if arrived is None:
        blocking = (rival for _, rival in rivals if rival.status not in _CHANGED_NOTHING)
    else:
        blocking = (rival for number, rival in rivals if not _gives_way_late(db, number, rival))
    taken = next(blocking, None)
    if taken is not None:
        return taken
    for number, rival in rivals:
        _give_up(db, rival, _Winner(number, entry.id, arrived))
    db.run("UPDATE entries SET reopened = 0 WHERE id = :id AND reopened = 1", id=entry.id)
    chain.restate(db, entry.undoes)
    return None


@dataclass(frozen=True, slots=True)
class _Winner:
    """The entry to which a rival gives way, the entry that was written for it, and when that had arrived late."""

    number: int
    written: int
    arrived: datetime | None

    @property
    def how(self) -> str:
        """Say how it came about that it counts."""
        if self.number == self.written:
            return f"e{self.number}, whose write came late"
        return f"e{self.number}, which e{self.written} brought back by a late write"


def _rivals(db: Transaction, number: int) -> Iterator[Entry]:
    return map(entry_of, db.rows(_RIVALS, id=number))


def _gives_way_late(db: Transaction, number: int, rival: Entry) -> bool:
    if rival.status == "undone":  # it may be held only for an undo that brings it back
        undo = chain.pending(db, rival.id)
        return undo is not None and undo.status == "intended"
    if rival.status == "parked":
        return not _has_occasion_of(db, number, rival)
    return rival.status == "intended" or rival.status in _CHANGED_NOTHING


def _give_up(db: Transaction, rival: Entry, winner: _Winner) -> None:
    """Let a rival hold nothing any more of what the winner holds."""
    same = _has_occasion_of(db, winner.number, rival)
    undo = chain.pending(db, rival.id) if rival.status == "undone" else None
    if undo is not None:
        _refuse(db, undo, "overtaken", f"what it would bring back was done already, by {winner.how}", winner)
        chain.restate(db, undo.undoes)
        return
    if rival.status == "intended":
        what = "occasion" if same else "period"
        _refuse(db, rival, "period", f"this {what} was done already, by {winner.how}", winner)
        chain.restate(db, rival.undoes)
    if same:
        db.run("UPDATE entries SET reopened = 1 WHERE id = :id", id=rival.id)
    elif rival.status == "parked":
        db.run("UPDATE entries SET period = NULL WHERE id = :id", id=rival.id)


def _refuse(db: Transaction, entry: Entry, cause: "Cause", reason: str, winner: _Winner) -> None:
    db.run(
        "UPDATE entries SET status = 'refused', cause = :cause, reason = :reason, ended_at = :now WHERE id = :id",
        id=entry.id,
        cause=cause,
        reason=reason,
        now=None if winner.arrived is None else stamp(winner.arrived),
    )


def _has_occasion_of(db: Transaction, number: int, rival: Entry) -> bool:
    own = find_entry(db, number)
    return own is not None and own.occasion == rival.occasion
