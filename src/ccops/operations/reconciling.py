"""The operations that bring a field and what the ledger wrote last to it together again."""

from typing import Final

from ccops.operations.model import Change, Operation

RECONCILE: Final = "reconcile"
"""The name that they have in the ledger; no other operation can have it."""

Value = str | None


def adopting(field: str, found: Value, timezone: str) -> Operation:
    """Make the operation by which a change that was made by hand counts as an entry; it is never sent."""
    return Operation(RECONCILE, (Change(field, "set", value=found or ""),), timezone)


def restoring(field: str, kept: Value, found: Value, timezone: str) -> Operation:
    """Make the operation that writes the ledger's value back, if the field still holds what was found there."""
    return Operation(RECONCILE, (Change(field, "restore", value=kept, expected=found, guarded=True),), timezone)
