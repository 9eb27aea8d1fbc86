"""The receipts: their field, and whether contacts carry any that this ledger lacks the entries of."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from ccops.crm.base import Contact, Crm, CustomField
from ccops.engine.founding import RECEIPT_LABEL, Unknown, unknown_among
from ccops.engine.renamed_fields import renamed_fields
from ccops.ledger.ledger import Ledger
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.wording import count
from ccops.text import clean

MOST: Final = 10_000
"""Contacts that are looked at: ten pages of a list. Whoever has more waits no longer for an answer."""


def look(ledger: Ledger, crm: Crm, fields: list[CustomField]) -> Iterator[Finding]:
    """Look for the field that holds the receipts, and for those of another ledger, or of a newer copy of this one."""
    key = ledger.identity.receipt_field
    renamed = renamed_fields([key], fields, ledger.field_names.ids()).get(key)
    if renamed is not None:
        text = f'their field "{clean(key)}" has the key "{clean(renamed.key)}" in Kit now: it was renamed there'
        yield wrong("receipts", text, "ccops doctor --fix")
        return
    if all(field.key != key for field in fields):
        text = f'their field "{clean(key)}" is not in Kit: deleted, or renamed; then call it "{RECEIPT_LABEL}" again'
        yield wrong("receipts", f"{text}. Else:", "ccops doctor --fix")
        return
    unknown = unknown_among(ledger, _first(crm.contacts()))
    if unknown.contacts:
        yield _strange(unknown)
    if unknown.copied:
        yield _copied(unknown, ledger, key)
    if not unknown.contacts and not unknown.copied:
        yield well("receipts", f"in the field {key}")


def _first(contacts: Iterable[Contact]) -> Iterable[Contact]:
    return islice(contacts, MOST)


def _strange(unknown: Unknown) -> Finding:
    carry = "carries a receipt" if unknown.contacts == 1 else "carry receipts"
    text = (
        f"{count(unknown.contacts, 'contact')} {carry} that this ledger does not know, such as "
        f"{clean(unknown.carriers[0].email)}: another home is at work, or this is an older copy; use the one that "
        "wrote them. Only if it is lost for ever:"
    )
    return wrong("receipts", text, "ccops init --take-over")


def _copied(unknown: Unknown, ledger: Ledger, key: str) -> Finding:
    carrier, entry = unknown.copied[0]
    owner = ledger.people.by_id(entry.contact)
    name = owner.email if owner is not None and owner.email else f"contact {entry.contact}"
    carry = "carries the receipt" if len(unknown.copied) == 1 else "carry receipts"
    text = (
        f"{count(len(unknown.copied), 'contact')} {carry} of another contact's change: {clean(carrier.email)} that of "
        f"e{entry.id}, a change of {clean(name)}. Kit's import or a merge may have copied it"
    )
    return wrong("receipts", text, f'empty the field "{clean(key)}" there in Kit, once its other fields are right')
