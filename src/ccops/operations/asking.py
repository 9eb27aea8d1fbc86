"""Operations as a caller asks for them: with another amount, or made up for one occasion."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final, Literal

from ccops.errors import Misconfigured
from ccops.operations.model import AMOUNT_ACTIONS, Action, Change, FieldRules, Operation
from ccops.operations.numbers import plain

ADJUST: Final = "adjust"
"""The name that adjustments have as operations; no other operation can have it."""
IMPORT: Final = "import"
"""The same of rows of a file."""
ONE_OFF: Final = frozenset({ADJUST, IMPORT})
Adjustment = Literal["add", "take", "set"]
_ACTIONS: Final[Mapping[Adjustment, Action]] = {"add": "increase", "take": "decrease", "set": "set"}


class TakesNoAmount(Misconfigured):
    """Another amount was asked of an operation that has none, or several."""

    def __init__(self, operation: str, taking: int) -> None:
        self.mend = f"ccops op show {operation}"
        why = f"{taking} of its changes have one" if taking else "none of its changes has one"
        super().__init__(f"{operation} takes no other amount: {why}. Nothing was sent.")


class AmountNotPositive(Misconfigured):
    """An amount has to be more than 0."""

    def __init__(self, option: str, amount: Decimal) -> None:
        super().__init__(
            f"{option} {plain(amount)} can't be: give a number above 0. Nothing was sent. To take credits, use an "
            "operation that decreases, or ccops adjust … --take."
        )


def takes_amount(operation: Operation) -> bool:
    """Tell whether another amount may be handed in: exactly one change has an amount."""
    return sum(map(_has_amount, operation.changes)) == 1


def with_amount(operation: Operation, amount: Decimal) -> Operation:
    """Return the operation with another amount in its only change that has one.

    Raises TakesNoAmount, AmountNotPositive.
    """
    if not takes_amount(operation):
        raise TakesNoAmount(operation.name, sum(map(_has_amount, operation.changes)))
    if amount <= 0:
        raise AmountNotPositive("--amount", amount)
    changes = (replace(change, amount=amount) if _has_amount(change) else change for change in operation.changes)
    return replace(operation, changes=tuple(changes))


def adjust_operation(
    field: str, adjustment: Adjustment, amount: Decimal, rules: Mapping[str, FieldRules], timezone: str
) -> Operation:
    """Make the one-off operation of an adjustment, within the field's limits. Raises AmountNotPositive."""
    return _one_off(ADJUST, field, adjustment, amount, rules, timezone)


def import_operation(
    field: str, adjustment: Adjustment, amount: Decimal, rules: Mapping[str, FieldRules], timezone: str
) -> Operation:
    """Make the one-off operation of a row of a file, within the field's limits. Raises AmountNotPositive."""
    return _one_off(IMPORT, field, adjustment, amount, rules, timezone)


def _one_off(
    name: str,
    field: str,
    adjustment: Adjustment,
    amount: Decimal,
    rules: Mapping[str, FieldRules],
    timezone: str,
) -> Operation:
    if adjustment != "set" and amount <= 0:
        raise AmountNotPositive(f"--{adjustment}", amount)
    held = rules.get(field, FieldRules())
    change = Change(
        field,
        _ACTIONS[adjustment],
        amount=amount,
        minimum=held.minimum,
        maximum=held.maximum,
        blank=Decimal(0) if held.blank is None else held.blank,
        decimals=held.decimals,
        sole_writer=held.sole_writer,
    )
    return Operation(name, (change,), timezone)


def _has_amount(change: Change) -> bool:
    return change.action in AMOUNT_ACTIONS or (change.action == "set" and change.value is None)
