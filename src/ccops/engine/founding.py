"""Founding a ledger on an account, and going on where a ledger stopped that is lost."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccops.crm.base import Account, Contact, Crm
from ccops.engine.errors import LedgerElsewhere
from ccops.engine.judgement import Ahead, Stranger, judge_receipt, parse_receipt
from ccops.ledger.ledger import Ledger
from ccops.ledger.making import new_ledger

RECEIPT_LABEL: Final = "ccops receipt"
"""The CRM makes the field's key of it."""

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

    @property
    def contacts(self) -> int:
        """How many contacts carry such a receipt."""
        return sum(self.ledgers.values())


NOTHING_UNKNOWN: Final = Unknown({}, 0)


def receipt_field(crm: Crm) -> ReceiptField:
    """Return the field of the receipts, made if there is none."""
    label = RECEIPT_LABEL.casefold()
    found = next((field for field in crm.fields() if field.label.casefold() == label), None)
    return (
        ReceiptField(crm.create_field(RECEIPT_LABEL).key, made=True)
        if found is None
        else ReceiptField(found.key, made=False)
    )


def mend_receipt_field(ledger: Ledger, crm: Crm) -> ReceiptField | None:
    """Give a ledger a receipt field again if its own is gone from the CRM; None if it is there."""
    if any(field.key == ledger.identity.receipt_field for field in crm.fields()):
        return None
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
    """Go through contacts for receipts at which a run of this ledger would stop."""
    identity, entries = ledger.identity, ledger.entries

    def is_unknown(contact: Contact) -> bool:
        standing = entries.standing(contact.id)
        verdict = judge_receipt(contact, identity.receipt_field, standing, identity.lineage, entries.find)
        return isinstance(verdict, Stranger | Ahead)

    return _gather(contacts, identity.receipt_field, is_unknown)


def _gather(contacts: Iterable[Contact], field: str, is_unknown: Callable[[Contact], bool]) -> Unknown:
    ledgers, highest, carriers = Counter[str](), 0, list[Carrier]()
    for contact in contacts:
        text = contact.fields.get(field) or ""
        receipt = parse_receipt(text)
        if receipt is not None and is_unknown(contact):
            ledger, number, _ = receipt
            ledgers[ledger] += 1
            highest = max(highest, _believed(number))
            carriers.append(Carrier(contact.id, contact.email, text))
    return Unknown(ledgers, highest, tuple(carriers))


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
