"""Founding a ledger on an account, and going on where a ledger stopped that is lost."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ccops.crm.base import Account, Contact, Crm, CustomField, Rejected
from ccops.engine.errors import FieldRefused, LedgerElsewhere
from ccops.engine.judgement import Ahead, Copied, Stranger, judge_receipt, parse_receipt
from ccops.engine.renamed_fields import follow_in_ledger, renamed_fields
from ccops.ledger.ledger import Ledger
from ccops.ledger.making import new_ledger
from ccops.ledger.model import Entry

RECEIPT_LABEL: Final = "ccops receipt"
"""The CRM makes the field's key of it."""

RECEIPT_KEY: Final = "ccops_receipt"
"""The key that it makes, unless there is a field of this key already."""

_MOST_DIGITS: Final = 9
"""Of an entry's number that is believed; a text that somebody typed must not make all later numbers that long."""


@dataclass(frozen=True, slots=True)
class ReceiptField:
    """The field that holds the receipts, and whether it was made just now."""

    key: str
    made: bool


@dataclass(frozen=True, slots=True)
class Carrier:
    """A contact that carries a receipt of which a ledger lacks the entry: it was changed by what is lost."""

    id: int
    email: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The receipts that contacts carry and a ledger lacks the entries of."""

    ledgers: Mapping[str, int]
    """By the ids of the ledgers that wrote them: how many contacts carry one."""
    highest: int
    """The highest number of an entry in them; 0 if there are none."""
    carriers: tuple[Carrier, ...] = ()
    copied: tuple[tuple[Carrier, Entry], ...] = ()
    """The contacts that carry the receipt of another contact's change, which the ledger knows; with its entry."""

    @property
    def contacts(self) -> int:
        """How many contacts carry such a receipt."""
        return sum(self.ledgers.values())


NOTHING_UNKNOWN: Final = Unknown({}, 0)


def receipt_field(crm: Crm) -> ReceiptField:
    """Return the field of the receipts, made if there is none. Raises FieldRefused."""
    label, fields = RECEIPT_LABEL.casefold(), crm.fields()
    found = next((field for field in fields if field.label.casefold() == label), None)
    found = found or renamed_fields([RECEIPT_KEY], fields, {}).get(RECEIPT_KEY)
    if found is not None:
        return ReceiptField(found.key, made=False)
    return ReceiptField(create_field(crm, RECEIPT_LABEL, len(fields)).key, made=True)


def create_field(crm: Crm, label: str, count: int) -> CustomField:
    """Make a field in an account that has so many. Raises FieldRefused."""
    try:
        return crm.create_field(label)
    except Rejected as refusal:
        raise FieldRefused(label, refusal, count, is_receipt=label == RECEIPT_LABEL) from refusal


def mend_receipt_field(ledger: Ledger, crm: Crm) -> ReceiptField | None:
    """Give a ledger a receipt field again if its own is gone from the CRM; None if it is there."""
    key, fields = ledger.identity.receipt_field, crm.fields()
    if any(field.key == key for field in fields):
        return None
    renamed = renamed_fields([key], fields, ledger.field_names.ids())
    if renamed:
        follow_in_ledger(ledger, renamed)
        ledger.field_names.forget(renamed)
        return ReceiptField(renamed[key].key, made=False)
    field = receipt_field(crm)
    ledger.identity.set_receipt_field(field.key)
    return field


def unknown_to_all(crm: Crm, field: str) -> Unknown:
    """Go through all contacts for receipts, of whatever ledger; for an account that is to get a new one."""
    return _gather(crm.contacts(), field, lambda _: True)


def unknown_to(ledger: Ledger, crm: Crm) -> Unknown:
    """Go through all contacts for receipts at which a run of this ledger would stop."""
    return unknown_among(ledger, crm.contacts())


def unknown_among(ledger: Ledger, contacts: Iterable[Contact]) -> Unknown:
    """Go through contacts for receipts at which a run of this ledger would stop, or park the contact."""
    identity, entries, copied = ledger.identity, ledger.entries, list[tuple[Contact, Entry]]()

    def is_unknown(contact: Contact) -> bool:
        standing = entries.standing(contact.id)
        verdict = judge_receipt(contact, identity.receipt_field, standing, identity.lineage, entries.find)
        if isinstance(verdict, Copied):
            copied.append((contact, verdict.entry))
        return isinstance(verdict, Stranger | Ahead)

    unknown = _gather(contacts, identity.receipt_field, is_unknown)
    if not unknown.ledgers or not copied:
        return replace(unknown, copied=tuple((_carrier(each, identity.receipt_field), of) for each, of in copied))
    # With a newer copy at work, what looks copied is its too: it has given the same numbers to others.
    theirs = _gather((contact for contact, _ in copied), identity.receipt_field, lambda _: True)
    return Unknown(
        Counter(unknown.ledgers) + Counter(theirs.ledgers),
        max(unknown.highest, theirs.highest),
        unknown.carriers + theirs.carriers,
    )


def _gather(contacts: Iterable[Contact], field: str, is_unknown: Callable[[Contact], bool]) -> Unknown:
    ledgers, highest, carriers = Counter[str](), 0, list[Carrier]()
    for contact in contacts:
        receipt = parse_receipt(contact.fields.get(field) or "")
        if receipt is not None and is_unknown(contact):
            ledger, number, _ = receipt
            ledgers[ledger] += 1
            highest = max(highest, _believed(number))
            carriers.append(_carrier(contact, field))
    return Unknown(ledgers, highest, tuple(carriers))


def _carrier(contact: Contact, field: str) -> Carrier:
    return Carrier(contact.id, contact.email, contact.fields.get(field) or "")


def _believed(number: int) -> int:
    return number if number < 10**_MOST_DIGITS else 0


def found(path: Path, locks: Path, account: Account, field: str, taken_over: Unknown) -> None:
    """Make a ledger for an account, whole or not at all; receipts that are `taken_over` fit it.

    Raises LedgerThere and LedgerNotWritable.
    """
    with new_ledger(path, locks) as ledger:
        ledger.identity.found(account.id, account.name, field)
        take_over(ledger, taken_over)


def take_over(ledger: Ledger, unknown: Unknown) -> None:
    """Let a ledger go on where those stopped whose receipts it does not know; nothing to do if there are none."""
    if unknown.ledgers:
        ledger.identity.take_over(frozenset(unknown.ledgers), unknown.highest)


def demand_nothing_unknown(unknown: Unknown) -> None:
    """Demand that no other ledger was at work on an account. Raises LedgerElsewhere."""
    if unknown.ledgers:
        raise LedgerElsewhere(unknown.ledgers, unknown.highest)
