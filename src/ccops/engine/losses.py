"""What a late write took away: changes that had arrived, until a write that was sent before them came over them.

Values are sent as absolute ones, so that a late write undoes what came after it was planned. It is told by receipts:
each send noted the one that the contact showed, and the contact shows one now.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from ccops.crm.base import Contact
from ccops.engine.verification import parse_receipt
from ccops.ledger.identity import Lineage
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.operations.model import Action, from_json
from ccops.operations.numbers import EXACT, NotANumber, parse_number, plain
from ccops.operations.occasion import lost_behind
from ccops.text import clean

Value = str | None

_ANEW: Final[frozenset[Action]] = frozenset({"set", "restore", "stamp", "copy", "append", "add-days", "formula"})
"""Actions after which a field is what it should be, whatever was lost before."""


@dataclass(frozen=True, slots=True)
class Overwritten:
    """One field that a late write changed."""

    field: str
    left: Value
    """What ccops had left in it."""
    put: Value
    """What the late write put there."""
    found: Value
    """What the next look showed; a hand may have changed it since."""

    @property
    def amount(self) -> Decimal | None:
        """How much is lost; None if the field holds no number."""
        return _difference(self.put, self.left)


@dataclass(frozen=True, slots=True)
class Loss:
    """What one late write took away."""

    late: Entry
    """The entry whose write came late."""
    last: Entry
    """The entry that was sent last before that; it names the loss."""
    entries: tuple[Entry, ...]
    """The entries whose changes are gone, newest first; none if the late write had seen another value before."""
    fields: tuple[Overwritten, ...]
    over: Entry | None
    """The entry that was sent on top of it; None: the contact shows the late write now."""
    is_open: bool = True
    """Whether it was neither given back, nor left as it is, nor made up for by a value that was set since."""

    @property
    def name(self) -> int:
        """The entry by which people name the loss."""
        return self.entries[0].id if self.entries else self.last.id

    @property
    def command(self) -> str:
        """The command that gives back what was lost."""
        return f"ccops settle e{self.name} --as lost"

    @property
    def text(self) -> str:
        """Say what is lost: "a late write of e1 changed credits from 25 to 15; lost: e2 (+10)"."""
        put = " and ".join(
            f"{clean(each.field)} from {_shown(each.left)} to {_shown(each.put)}" for each in self.fields
        )
        gone = " and ".join(f"e{entry.id}{self._moved_by(entry)}" for entry in self.entries)
        return f"a late write of e{self.late.id} changed {put}" + (f"; lost: {gone}" if gone else "")

    def overwritten(self, field: str) -> Overwritten | None:
        """Return what became of a field."""
        return next((each for each in self.fields if each.field == field), None)

    def _moved_by(self, entry: Entry) -> str:
        """Say by how much an entry had moved the field, if it is but one that holds a number."""
        if len(self.fields) > 1:
            return ""
        key = self.fields[0].field
        number = _difference((entry.before or {}).get(key), (entry.after or {}).get(key))
        return f" ({number:+f})" if number else ""


def losses_of(ledger: Ledger, contact: int, shown: Contact | None = None) -> list[Loss]:
    """Return what late writes took from a contact and nothing has given back, oldest first.

    `shown` is the contact as it is now, if that is known.
    """
    return [loss for loss in every_loss_of(ledger, contact, shown) if loss.is_open]


def every_loss_of(ledger: Ledger, contact: int, shown: Contact | None = None) -> list[Loss]:
    """Return what late writes took from a contact, also what was given back since; oldest first."""
    identity = ledger.identity
    fields = None if shown is None else shown.fields
    return list(_Walk(ledger.history.sent(contact), identity.lineage, identity.receipt_field).losses(fields))


def open_losses(ledger: Ledger) -> Iterator[Loss]:
    """Give the losses of all contacts that the ledger itself shows; this goes through all that was sent."""
    for contact in ledger.fields.overwritten():
        yield from losses_of(ledger, contact)


class _Walk:
    """Goes through what was sent to one contact, in the order of the sends."""

    def __init__(self, entries: Sequence[Entry], lineage: Lineage, receipt_field: str) -> None:
        self._known = {entry.id: entry for entry in entries}
        self._counting = [entry for entry in entries if entry.status.has_arrived]
        self._lineage = lineage
        self._receipt_field = receipt_field
        applied = (entry for entry in entries if entry.status == "applied")
        self._closed = {number for entry in applied if (number := lost_behind(entry.occasion)) is not None}

    def losses(self, shown: Mapping[str, Value] | None) -> Iterator[Loss]:
        """Give what was lost."""
        found, written = list[Loss](), list[Entry]()
        for entry in self._counting:
            if entry.sends:
                found += self._between(written, entry.receipt_seen, entry.before or {}, entry)
            written.append(entry)
        if shown is not None:
            found += self._between(written, shown.get(self._receipt_field), shown, None)
        right = [(entry.turn or 0, _put_right_by(entry)) for entry in self._counting] if found else []
        for loss in found:
            since = {key for turn, keys in right if loss.over and turn >= (loss.over.turn or 0) for key in keys}
            left = tuple(each for each in loss.fields if each.field not in since)
            is_open = bool(left) and loss.last.id not in self._closed
            yield replace(loss, fields=left if is_open else loss.fields, is_open=is_open)

    def _between(
        self, written: list[Entry], receipt: Value, seen: Mapping[str, Value], over: Entry | None
    ) -> Iterator[Loss]:
        """Give the loss between what was written so far and what was seen next, if a late write explains it."""
        last = next((entry for entry in reversed(written) if entry.sends), None)
        late = None if last is None else self._late(last, receipt, over)
        if last is None or late is None:
            return
        gone = [each for key in late.after or {} if (each := _overwritten(written, key, seen, late, over)) is not None]
        if gone:
            yield Loss(late, last, _undone_by(written, gone), tuple(gone), over)

    def _late(self, last: Entry, text: Value, over: Entry | None) -> Entry | None:
        """Return the entry whose write came over the last one, as the receipt that was seen next tells."""
        if over is not None and over.sent_at is not None and last.sent_at is not None and over.sent_at < last.sent_at:
            return over  # planned before the last one was sent
        receipt = parse_receipt(text or "")
        entry = None if receipt is None else self._known.get(receipt[1])
        if receipt is None or entry is None or self._lineage.of(entry.id) != receipt[0]:
            return None
        # The receipt of a send that arrived in time is there because the last one never came, as a person said.
        in_time = entry.status.has_arrived and receipt[2] == entry.sends
        return None if in_time or (entry.turn or 0) > (last.turn or 0) else entry


def _overwritten(
    written: list[Entry], key: str, seen: Mapping[str, Value], late: Entry, over: Entry | None
) -> Overwritten | None:
    last = next((entry for entry in reversed(written) if key in (entry.before or {})), None)
    if last is None or key not in seen:
        return None
    left, found = (last.after or {}).get(key), seen[key]
    if _same(left, found):
        return None
    put = found if late is over else (late.after or {}).get(key)
    # The values of an older send of the same entry are not known: then it is what was seen.
    return Overwritten(key, left, found if _same(put, left) else put, found)


def _undone_by(written: list[Entry], gone: list[Overwritten]) -> tuple[Entry, ...]:
    """Return the entries behind the values that the late write put back; an undo and what it took back are even."""
    found: dict[int, Entry] = {}
    for each in gone:
        later: list[Entry] = []
        for entry in reversed(written):
            if each.field not in (entry.before or {}):
                continue
            if _same((entry.after or {}).get(each.field), each.put):
                found |= {entry.id: entry for entry in later}
                break
            later.append(entry)
            if _same((entry.before or {}).get(each.field), each.put):
                found |= {entry.id: entry for entry in later}
                break
    even = {number for entry in found.values() if entry.undoes in found for number in (entry.id, entry.undoes)}
    return tuple(sorted((each for each in found.values() if each.id not in even), key=lambda one: -(one.turn or 0)))


def _put_right_by(entry: Entry) -> set[str]:
    """Return the fields that an entry made what they should be, whatever was lost of them before."""
    return {change.field for change in from_json(entry.copy).changes if change.action in _ANEW}


def with_added(value: Value, amount: Decimal | None) -> Value:
    """Add a number to a value; what is no number stays as it is."""
    try:
        return value if amount is None else plain(EXACT.add(parse_number(value, Decimal(0)), amount))
    except NotANumber:
        return value


def _difference(before: Value, after: Value) -> Decimal | None:
    try:
        return EXACT.subtract(parse_number(after, Decimal(0)), parse_number(before, Decimal(0)))
    except NotANumber:
        return None


def _shown(value: Value) -> str:
    return clean(value) if value else "(empty)"


def _same(one: Value, other: Value) -> bool:
    return (one or "") == (other or "")
