"""Fields that have another key in the CRM than before: a field is known by its id, and its label makes its key."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from ccops.crm.base import CustomField
from ccops.ledger.ledger import Ledger


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
