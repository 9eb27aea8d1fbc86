"""One change with every limit that holds for it, and what can't hold among them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from ccops.operations.model import NUMBER_ACTIONS, Change, FieldRules
from ccops.operations.numbers import NotANumber, parse_number, plain
from ccops.registry.schema import LIMIT_KEYS, Append, Compute, Copy, Limits, OperationTable, Put, Step
from ccops.registry.values import FIELD_KEY, as_key
from ccops.text import shorten

Finding = tuple[str, str]
"""The key that is wrong, and the sentence."""

_NEVER_NUMBERS: Final = frozenset({"append", "add-days", "stamp"})


def is_number(step: Step) -> bool:
    """Tell whether the result of a change is a number, so that limits mean something."""
    return step.action in NUMBER_ACTIONS or (isinstance(step, Put) and step.amount is not None)


def fold(step: Step, table: OperationTable, rules: FieldRules) -> Change:
    """Return a change that is whole: the tighter limit wins, else the change's own, the operation's, the field's."""
    own, shared = _own(step), table if is_number(step) else Limits()
    blanks = (own.blank, shared.blank, rules.blank, Decimal(0))
    places = (own.decimals, shared.decimals, rules.decimals)
    return Change(
        field=step.field,
        action=step.action,
        amount=getattr(step, "amount", None),
        value=step.value if isinstance(step, Put | Append) else None,
        source=step.source if isinstance(step, Copy) else None,
        formula=step.formula if isinstance(step, Compute) else None,
        minimum=max(_given(own.minimum, shared.minimum, rules.minimum), default=None),
        maximum=min(_given(own.maximum, shared.maximum, rules.maximum), default=None),
        beyond=own.beyond or shared.beyond or "refuse",
        blank=_given(*blanks)[0],
        decimals=next((count for count in places if count is not None), None),
        sole_writer=rules.sole_writer,
    )


def _own(step: Step) -> Limits:
    return step if isinstance(step, Limits) else Limits()


def _given(*numbers: Decimal | None) -> list[Decimal]:
    return [number for number in numbers if number is not None]


def findings(step: Step, change: Change, rules: FieldRules) -> Iterator[Finding]:
    """Say what can't hold within one change."""
    if isinstance(step, Put):
        yield from _put(step)
    if isinstance(step, Copy) and step.source == step.field:
        yield "from", f'"from" is the field itself, "{step.field}"'
    if isinstance(step, Compute):
        yield from _formula(step.formula)
    low, high = change.minimum, change.maximum
    if low is not None and high is not None and low > high:
        yield from _crossed(change, low, high, rules)
    else:
        yield from _out_of_reach(step, change)


def _put(step: Put) -> Iterator[Finding]:
    if step.amount is None and step.value is None:
        yield "amount", '"set" needs "amount" (a number) or "value" (a text)'
    elif step.amount is not None and step.value is not None:
        yield "value", '"set" takes "amount" (a number) or "value" (a text), not both'
    elif step.value is not None:
        for key in sorted(LIMIT_KEYS & step.model_fields_set):
            yield key, f'"{key}" means nothing where a text is set'


def _formula(text: str) -> Iterator[Finding]:
    from ccops.operations.formula import FormulaFault, compile_formula

    try:
        names = compile_formula(text).fields
    except FormulaFault as fault:
        yield "formula", f"{shorten(text)}: {fault}"
        return
    for name in sorted(names):
        if not FIELD_KEY.fullmatch(name):
            yield "formula", f"{shorten(name)} is not a field's key (a-z, 0-9, _){as_key(name)}"


def _crossed(change: Change, low: Decimal, high: Decimal, rules: FieldRules) -> Iterator[Finding]:
    if (low, high) == (rules.minimum, rules.maximum):
        return  # told of the field already
    of_field = f" (of [fields.{change.field}])"
    lower = f"minimum {plain(low)}{of_field if low == rules.minimum else ''}"
    upper = f"maximum {plain(high)}{of_field if high == rules.maximum else ''}"
    yield "maximum" if low == rules.minimum else "minimum", f"{lower} is above {upper}"


def _out_of_reach(step: Step, change: Change) -> Iterator[Finding]:
    """Find results that the limits would always refuse."""
    if change.minimum is None and change.maximum is None:
        return
    ruled = f"[fields.{step.field}] has limits"
    if isinstance(step, Copy):
        yield "action", f'{ruled}, which "copy" does not look at; use action = "formula", formula = "{step.source}"'
    elif step.action in _NEVER_NUMBERS:
        yield "action", f'{ruled}, and "{step.action}" writes no number'
    elif isinstance(step, Put) and step.amount is None and step.value:
        try:
            yield from _beyond("value", parse_number(step.value, change.blank), change)
        except NotANumber as fault:
            yield "value", f"{ruled}, and {fault}"
    elif step.action in {"set", "top-up"} and change.amount is not None:
        yield from _beyond("amount", change.amount, change)


def _beyond(key: str, goal: Decimal, change: Change) -> Iterator[Finding]:
    if change.maximum is not None and goal > change.maximum:
        yield key, f'"{change.action}" to {plain(goal)} is above the maximum of {plain(change.maximum)}'
    elif change.minimum is not None and goal < change.minimum:
        yield key, f'"{change.action}" to {plain(goal)} is below the minimum of {plain(change.minimum)}'
