"""The operations that bring a field and what the ledger wrote last to it together again."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from ccops.operations.model import Change, Operation

RECONCILE: Final = "reconcile"
"""The name that they have in the ledger; no other operation can have it."""

Value = str | None


def adopting(field: str, found: Value, timezone: str) -> Operation:
    """Make the operation by which a change that was made by hand counts as an entry; it is never sent."""
    return adopting_all({field: found}, timezone)


def adopting_all(found: Mapping[str, Value], timezone: str) -> Operation:
    """Make the operation by which several fields count as they were found; it is never sent."""
    changes = tuple(Change(field, "set", value=value or "") for field, value in found.items())
    return Operation(RECONCILE, changes, timezone)


def restoring(field: str, kept: Value, found: Value, timezone: str) -> Operation:
    """Make the operation that writes the ledger's value back, if the field still holds what was found there."""
    return Operation(RECONCILE, (Change(field, "restore", value=kept, expected=found, guarded=True),), timezone)


def giving_back(lost: Iterable[tuple[str, Value, Value, Decimal | None]], timezone: str) -> Operation:
    """Make the operation that gives back what a late write took away.

    Each is a field, what was left in it, what was found there, and the number that is lost (None: it is no number).
    Numbers are moved by what is lost, from the present value; anything else is put back if it is still what was found.
    """
    return Operation(RECONCILE, tuple(_back(*each) for each in lost), timezone)


def _back(field: str, left: Value, found: Value, amount: Decimal | None) -> Change:
    if amount is None:
        return Change(field, "restore", value=left, expected=found, guarded=True)
    return Change(field, "increase" if amount > 0 else "decrease", amount=amount.copy_abs())
