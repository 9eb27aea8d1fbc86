"""The two decisions on which "exactly once" rests, as pure functions of what the CRM shows and the ledger knows."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ccops.crm.base import Contact
from ccops.ledger.identity import Lineage
from ccops.ledger.model import Entry, Standing
from ccops.text import clean

FieldValues = Mapping[str, str | None]

_RECEIPT: Final = re.compile(r"([0-9A-Za-z]+)\.([0-9]{1,17})(?:\.([0-9]{1,9}))?")
"""Ledger, entry, and from the second send of the entry on, which send; longer numbers no database counts to."""


@dataclass(frozen=True, slots=True)
class ExpectedReceipt:
    """The receipt is the one that this ledger expects; go on. `warning` says what was odd."""

    warning: str | None = None


@dataclass(frozen=True, slots=True)
class LateArrival:
    """The receipt is of an entry sent after the last applied one, and taken as not applied: its write came late."""

    entry: Entry
    known: bool
    """Whether the ledger still knows what was written: it does of the last send of an entry only."""


@dataclass(frozen=True, slots=True)
class OddReceipt:
    """The receipt is not what it should be, in a way that a person has to look at."""

    reason: str
    late: Entry | None = None
    """The entry whose late write came over that of another."""


@dataclass(frozen=True, slots=True)
class ForeignReceipt:
    """The receipt is of a ledger that this one does not know."""


@dataclass(frozen=True, slots=True)
class UnknownReceipt:
    """The receipt is of this ledger, but the ledger lacks the entry: it is an older copy."""


@dataclass(frozen=True, slots=True)
class CopiedReceipt:
    """The receipt is that of a change of another contact: copied by an import or a merge, as far as it shows."""

    entry: Entry
    """The other contact's."""


Receipt = ExpectedReceipt | LateArrival | OddReceipt | ForeignReceipt | UnknownReceipt
"""What a contact's receipt means."""


def judge_receipt(
    contact: Contact, receipt_field: str, standing: Standing, lineage: Lineage, find: Callable[[int], Entry | None]
) -> Receipt | CopiedReceipt:
    """Decide before a write whether the contact is as this ledger left it."""
    text = contact.fields[receipt_field]
    if not text:
        return ExpectedReceipt(None if standing.last is None else f"its receipt was emptied since e{standing.last.id}")
    if text == standing.accepted:
        return ExpectedReceipt()
    receipt = parse_receipt(text)
    if receipt is None:
        return OddReceipt("its receipt field holds a text that is no receipt")
    ledger, number, send = receipt
    entry = find(number)
    # One that was never sent has left no receipt: another copy of this ledger has given its number away too.
    if entry is not None and lineage.of(entry.id) == ledger and 1 <= send <= entry.sends:
        if entry.contact == contact.id:
            return _judge_own(entry, send, standing, contact.fields)
        # Under an older id, the ledger that was taken over has given the same numbers to others.
        if ledger == lineage.current:
            return CopiedReceipt(entry)
    return _judge_unknown(ledger, standing, lineage)


def may_be_newer_copys(entry: Entry, standing: Standing, fields: FieldValues) -> bool:
    """Tell whether a copied receipt may as well be that of a newer copy of this ledger.

    That copy has given `entry`'s number to another change. Then the values are not as the last entry of this contact
    left them, nor as `entry` did: something has changed them. If this ledger has written to the contact since `entry`,
    no such copy was at work: the receipt was right then.
    """
    last = standing.last
    return last is None or (last.id < entry.id and not _shows(last, fields) and not _shows(entry, fields))


def judge_rows(fields: FieldValues, standing: Standing) -> OddReceipt | None:
    """Decide before a write whether a row of an entry that was taken as not arrived has come late, all on its own.

    Its receipt does not tell then. What does: a field is as that row would leave it, and not as the last write did.
    """
    for late in standing.loose:
        for key, value in (late.after or {}).items():
            left = standing.left.get(key, (late.before or {}).get(key))
            if key in fields and _same(fields[key], value) and not _same(value, left):
                return OddReceipt(
                    f"{key} is as e{late.id} was to leave it, whose write may have come late and in part", late
                )
    return None


def _judge_own(entry: Entry, send: int, standing: Standing, fields: FieldValues) -> Receipt:
    """The receipt is of an entry that this ledger knows, and of a send of it that was made."""
    last = standing.last
    if entry.id in {parked.id for parked in standing.parked}:
        return ExpectedReceipt()
    if last is not None and entry.id == last.id and (send == entry.sends or _shows(entry, fields)):
        return ExpectedReceipt()
    if last is None or (entry.turn or 0) > (last.turn or 0):
        return LateArrival(entry, known=send == entry.sends)
    return OddReceipt(f"Kit shows a write of e{entry.id} that came late, over that of e{last.id}", entry)


def _judge_unknown(ledger: str, standing: Standing, lineage: Lineage) -> Receipt:
    own = {name for name, _ in lineage.own}
    if ledger in lineage.accepted or ledger in own - {lineage.current}:
        return _judge_taken_over(standing, lineage)
    return UnknownReceipt() if ledger in own else ForeignReceipt()


def _judge_taken_over(standing: Standing, lineage: Lineage) -> Receipt:
    """A receipt of a ledger that was taken over fits until this ledger itself has written to the contact."""
    last, since = standing.last, lineage.own[-1][1]
    if last is None or last.id < since:
        return ExpectedReceipt()
    return OddReceipt(f"Kit shows a change of the ledger that was taken over, though e{last.id} came after it")


def parse_receipt(text: str) -> tuple[str, int, int] | None:
    """Take a receipt apart into ledger, entry and send; None for a text that can't be one of any ledger."""
    parts = _RECEIPT.fullmatch(text)
    return None if parts is None else (parts[1], int(parts[2]), int(parts[3] or 1))


def _shows(entry: Entry, fields: FieldValues) -> bool:
    """Whether a contact is as an entry left it; then it does not matter which of its sends came last."""
    return all(key in fields and _same(fields[key], value) for key, value in (entry.after or {}).items())


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an entry whose write was under way or lost."""

    how: Literal["applied", "not applied", "gone", "unclear"]
    reason: str = ""


def judge_settlement(entry: Entry, fields: FieldValues | None, receipt_field: str, own_receipt: str) -> Settled:
    """Decide, from one read made late enough, whether an entry's write arrived; `fields` is None for a contact gone."""
    if fields is None:
        return Settled("gone", "the contact is no longer in Kit")
    missing = [key for key in (*(entry.before or {}), receipt_field) if key not in fields]
    if missing:
        return Settled("unclear", f'the field "{missing[0]}" is not in Kit any more, so nobody can tell')
    receipt = fields[receipt_field] or None
    arrived = receipt == own_receipt
    doubt = _doubt_if_apart(entry, fields, arrived=arrived) if entry.apart else None
    doubt = doubt or (_doubt_if_arrived(entry, fields) if arrived else _doubt_if_not(entry, fields, receipt))
    if doubt:
        return Settled("unclear", doubt)
    return Settled("applied" if arrived else "not applied")


def doubt_of_resend(entry: Entry, fields: FieldValues, receipt_field: str, standing: Standing) -> str | None:
    """Say why an entry that was taken as not applied can't be sent again: its write may have come late after all.

    A late write is told by its receipt; where that is empty, or rows came apart, only by what is not as it was left.
    """
    if not entry.sends:
        return None
    if entry.apart:
        strange = [key for key, old in (entry.before or {}).items() if _moved(key, fields, standing.left.get(key, old))]
        if strange and not is_accepted(fields, receipt_field, standing):
            return f"an answer was lost, and {strange[0]} is not as it was left, so nobody can tell if a part came late"
    if fields[receipt_field]:
        return None
    if entry.receipt_seen is not None:
        return "an answer was lost, and the receipt was emptied since, so nobody can tell if the write came late"
    changed = [key for key, old in (entry.before or {}).items() if _moved(key, fields, old)]
    return f"an answer was lost, the receipt is empty, and {changed[0]} is not as it was before" if changed else None


def is_accepted(fields: FieldValues, receipt_field: str, standing: Standing) -> bool:
    """Whether a person has looked at the contact since its receipt is what it is."""
    return standing.accepted is not None and fields[receipt_field] == standing.accepted


def arrived_whole(entry: Entry, fields: FieldValues) -> bool:
    """Whether a write whose receipt arrived did so with all its values."""
    return not entry.apart or _doubt_if_apart(entry, fields, arrived=True) is None


def _doubt_if_apart(entry: Entry, fields: FieldValues, *, arrived: bool) -> str | None:
    """Rows that were sent apart have arrived only if all have, and have not only if none has."""
    for key, old in (entry.before or {}).items():
        expected = (entry.after or {}).get(key) if arrived else old
        if not _same(fields.get(key), expected):
            said = "was written, but" if arrived else "was not written, and"
            return f"the receipt of this entry {said} {key} is not as it was {'sent' if arrived else 'before'}"
    return None


def _doubt_if_arrived(entry: Entry, fields: FieldValues) -> str | None:
    """The receipt is the entry's; but a write of which only a part arrived is neither applied nor not applied."""
    untouched = [key for key, (old, _) in _changed(entry).items() if _same(fields[key], old)]
    return f"the receipt of this entry was written, but {untouched[0]} is as it was before" if untouched else None


def _doubt_if_not(entry: Entry, fields: FieldValues, receipt: str | None) -> str | None:
    """The receipt is not the entry's: was nothing of it written?"""
    if receipt != entry.receipt_seen:
        return "the contact's receipt was changed by something else while the answer was lost"
    if receipt is None and any(not _same(fields[key], value) for key, value in (entry.before or {}).items()):
        return "the answer was lost, the receipt is empty, and the values are not those from before"
    written = [key for key, (_, new) in _changed(entry).items() if _same(fields[key], new)]
    return f"{written[0]} is as this entry would have left it, but its receipt was not written" if written else None


def _changed(entry: Entry) -> dict[str, tuple[str | None, str | None]]:
    """Return the fields that the entry really changes, as they were and as they would be."""
    before, after = entry.before or {}, entry.after or {}
    return {key: (old, after.get(key)) for key, old in before.items() if not _same(old, after.get(key))}


def _moved(key: str, fields: FieldValues, old: str | None) -> bool:
    return key in fields and not _same(fields[key], old)


def _same(one: str | None, other: str | None) -> bool:
    """Kit may give an empty field back as null (API v4 does not say which)."""
    return (one or "") == (other or "")


def copied_text(entry: Entry, owner: str, *, in_doubt: bool) -> str:
    """Say that a contact shows the receipt of another one's change."""
    other = ", or a newer copy of this ledger is at work elsewhere" if in_doubt else ""
    found = f"its receipt is that of e{entry.id}, a change of {clean(owner)}"
    return f"{found}; Kit's import or a merge may have copied it{other}"


def echoed(sent: Mapping[str, str | None], echo: Mapping[str, str | None]) -> bool:
    """Whether an answer shows every field as it was sent; an emptied one may come back as null."""
    return all(key in echo and (echo[key] or "") == (value or "") for key, value in sent.items())
