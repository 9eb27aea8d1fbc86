"""The operation that takes an entry back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from ccops.operations.model import Action, Change, FieldRules, Operation
from ccops.operations.numbers import EXACT, NotANumber, parse_number
from ccops.operations.plan import FieldChange

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
