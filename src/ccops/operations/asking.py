"""Operations as a caller asks for them: with another amount, or made up for one occasion."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final, Literal

from ccops.errors import Misconfigured
from ccops.operations.model import AMOUNT_ACTIONS, Action, Change, FieldRules, Operation
from ccops.operations.numbers import plain
from ccops.operations.plan import takes_amount

Adjustment = Literal["add", "take", "set"]
_ACTIONS: Final[Mapping[Adjustment, Action]] = {"add": "increase", "take": "decrease", "set": "set"}


class TakesNoAmount(Misconfigured):
    """Another amount was asked of an operation that has none, or several."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops op show {operation}"
        super().__init__(
            f"{operation} does not have exactly one amount, so no other can be given for it. Nothing was sent"
        )


class AmountNotPositive(Misconfigured):
    """An amount has to be more than 0."""

    def __init__(self, option: str, amount: Decimal) -> None:
        super().__init__(
            f"{option} {plain(amount)} can't be: give a number above 0. Nothing was sent. To take credits, use an operation "
            "that decreases, or ccops adjust … --take"
        )


def with_amount(operation: Operation, amount: Decimal) -> Operation:
    """Return the operation with another amount in its only change that has one. Raises TakesNoAmount, AmountNotPositive."""
    if not takes_amount(operation):
        raise TakesNoAmount(operation.name)
    if amount <= 0:
        raise AmountNotPositive("--amount", amount)
    return replace(operation, changes=tuple(_amounted(change, amount) for change in operation.changes))


def adjust_operation(
    field: str, adjustment: Adjustment, amount: Decimal, rules: Mapping[str, FieldRules], timezone: str
) -> Operation:
    """Make the one-off operation of an adjustment, within the field's limits. Raises AmountNotPositive."""
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
    return Operation("adjust", (change,), timezone)


def _amounted(change: Change, amount: Decimal) -> Change:
    takes = change.action in AMOUNT_ACTIONS or (change.action == "set" and change.value is None)
    return replace(change, amount=amount) if takes else change
