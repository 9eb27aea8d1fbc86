"""Founding a ledger on an account, and going on where a ledger stopped that is lost."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from ccops.crm.base import Account, Contact, Crm, CustomField, Rejected
from ccops.engine.errors import FieldRefused, LedgerElsewhere
from ccops.engine.verification import CopiedReceipt, ForeignReceipt, UnknownReceipt, judge_receipt, parse_receipt
from ccops.ledger.commands import TAKE_OVER, text_of
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Entry, Origin
from ccops.ledger.snapshot import new_ledger
from ccops.operations.model import Operation, to_json
from ccops.operations.occasion import for_period
from ccops.operations.periods import period_key


def renamed_fields(
    keys: Iterable[str], fields: Sequence[CustomField], ids: Mapping[str, int]
) -> dict[str, CustomField]:
    """Return, by the keys that the CRM lacks, the fields that had them before; of the others nothing is known.

    The ledger has noted which field a key named (`ids`). Where it has not, the key that a field was born with tells,
    which stands in its name for ever: `ck_field_1001_credits` (Kit API v4, "Create a custom field").
    """
    present = {field.key for field in fields}
    found = {key: _one(key, fields, ids) for key in keys if key not in present}
    return {key: field for key, field in sorted(found.items()) if field is not None}


def _one(key: str, fields: Sequence[CustomField], ids: Mapping[str, int]) -> CustomField | None:
    if key in ids:
        same = [field for field in fields if field.id == ids[key]]
    else:
        same = [field for field in fields if field.name == f"ck_field_{field.id}_{key}"]
    return same[0] if len(same) == 1 else None


def keys_of_ledger(ledger: Ledger) -> frozenset[str]:
    """Return the keys of all fields that a ledger writes about, that of the receipts among them."""
    return ledger.field_names.keys() | {ledger.identity.receipt_field}


def follow_in_ledger(ledger: Ledger, renamed: Mapping[str, CustomField]) -> None:
    """Let a ledger know fields by the keys that they have now, in one commit."""
    names = {old: field.key for old, field in renamed.items()}
    if not names:
        return
    with ledger.at_once():
        ledger.field_names.follow(names, {field.key: field.id for field in renamed.values()})
        if ledger.identity.receipt_field in names:
            ledger.identity.set_receipt_field(names[ledger.identity.receipt_field])


def note_fields(ledger: Ledger, keys: Collection[str], fields: Iterable[CustomField]) -> None:
    """Remember by their ids the fields that are in use, so that a new key is recognised, however often it changes."""
    ledger.field_names.note({field.key: field.id for field in fields if field.key in keys})


# ---- founding a ledger on an account, and going on where a ledger stopped that is lost

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
        if isinstance(verdict, CopiedReceipt):
            copied.append((contact, verdict.entry))
        return isinstance(verdict, ForeignReceipt | UnknownReceipt)

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


# ---- what a lost ledger may have granted: counted as done by a person's word, so that it is not granted twice

_NOTE = "counted as done by a take-over, for the contact was changed by a ledger that is lost"


def count_as_done(
    ledger: Ledger, operations: Iterable[Operation], carriers: Iterable[Carrier], by: str, now: datetime
) -> list[Entry]:
    """Use up the present period of each operation that has one, for contacts that it may have been granted to.

    Nothing is sent: each entry says that a person took it as applied, as `ccops settle` does.
    """
    periodical = [operation for operation in operations if operation.once_per]
    contacts = sorted(carriers, key=lambda carrier: carrier.id)
    if not periodical or not contacts:
        return []
    title = "init --take-over --grants-done"
    started = ledger.runs.start(text_of(TAKE_OVER), title, by, now, new=True)
    claims = _claims(periodical, contacts, started.run.id, by, now)
    for carrier in contacts:
        ledger.people.met(carrier.id, carrier.email)
    try:
        return [entry for claim in claims if (entry := _counted(ledger, claim, now)) is not None]
    finally:
        ledger.runs.stop(started, 0, now, ended=True)


def _claims(
    operations: Iterable[Operation], carriers: list[Carrier], run: int, by: str, now: datetime
) -> Iterator[Claim]:
    origin = Origin(by, "settle", _NOTE)
    for operation in operations:
        assert operation.once_per is not None  # noqa: S101 - chosen for it
        period, copy = period_key(operation.once_per, now, operation.timezone), to_json(operation)
        for carrier in carriers:
            yield Claim(operation.name, copy, carrier.id, for_period(period), run, origin, now, period)


def _counted(ledger: Ledger, claim: Claim, now: datetime) -> Entry | None:
    """Take one as applied; None if this ledger knows better itself."""
    # In one commit: an entry left between the two would be sent by the next `ccops settle`.
    with ledger.locks.contact(claim.contact), ledger.at_once():
        claimed = ledger.entries.claim(claim)
        if claimed.entry is None or claimed.kind not in {"begun", "tried again"}:
            return None
        return ledger.entries.confirm(claimed.entry, now, released=True)
