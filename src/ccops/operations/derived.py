"""Operations as a caller asks for them: with another amount, or made up for one occasion."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, Literal

from ccops.errors import Misconfigured
from ccops.operations.model import AMOUNT_ACTIONS, Action, Change, FieldRules, Operation
from ccops.operations.numbers import EXACT, NotANumber, parse_number, plain
from ccops.operations.plan import FieldChange

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


# ---- the operations that bring a field and what the ledger wrote last to it together again

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


# ---- the operation that takes an entry back

_BY_DIFFERENCE: Final[frozenset[Action]] = frozenset({"increase", "decrease", "multiply", "top-up"})
"""Actions whose effect can be taken out again, whatever else has been added since."""


def undo_operation(
    copy: Operation, changes: Sequence[FieldChange], rules: Mapping[str, FieldRules], *, force: bool
) -> Operation:
    """Make the operation that reverses what an entry really changed, to be planned on the present values.

    `copy` is the entry's copy of its operation, `rules` are the registry's for fields. Numbers that were moved are
    moved back by the same difference, within the field's limits; everything else is put back, if it is still what we
    wrote. `force` goes past limits and drift.
    """
    steps = {change.field: change for change in copy.changes}
    return Operation(
        name=copy.name,
        changes=tuple(_opposite(steps.get(done.field), done, rules.get(done.field), force=force) for done in changes),
        timezone=copy.timezone,
        description=copy.description,
    )


def _opposite(step: Change | None, done: FieldChange, rules: FieldRules | None, *, force: bool) -> Change:
    moved = None if step is None or step.action not in _BY_DIFFERENCE else _difference(step, done)
    if step is None or moved is None:
        back = Change(done.field, "restore", value=done.before, expected=done.after, guarded=not force)
    else:
        action: Action = "increase" if moved < 0 else "decrease"
        back = Change(done.field, action, amount=moved.copy_abs(), blank=step.blank)
        if rules is not None and not force:
            back = replace(back, minimum=rules.minimum, maximum=rules.maximum)
    return replace(back, sole_writer=rules is not None and rules.sole_writer)


def _difference(step: Change, done: FieldChange) -> Decimal | None:
    try:
        return EXACT.subtract(parse_number(done.after, step.blank), parse_number(done.before, step.blank))
    except NotANumber:  # such an entry is not one of ours; the value can still be put back
        return None
