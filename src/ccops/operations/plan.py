"""The plan of an operation on one contact: what each field would become, or why nothing may be changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from ccops.operations.dates import local, parse_date, shift
from ccops.operations.formula import FormulaFault, compile_formula
from ccops.operations.model import Action, Change, Operation
from ccops.operations.numbers import (
    EXACT,
    MOST_DIGITS,
    NotANumber,
    is_blank,
    is_within,
    parse_number,
    places,
    plain,
    to_places,
)
from ccops.operations.refusal import (
    AmountMissing,
    AmountUnusable,
    DateUnderLimits,
    DateUnreadable,
    Drifted,
    NumberUnreadable,
    PastLimit,
    Refusal,
    ResultTooLong,
    Unplannable,
    shown,
)
from ccops.text import clean, shorten


@dataclass(frozen=True, slots=True)
class Landing:
    """The text that will stand in the field, and what is worth saying about it."""

    text: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Limit:
    value: Decimal
    name: str
    side: str
    rounding: str
    """Towards the inside, so that rounding to `decimals` does not step over the limit again."""


def rounded(change: Change, goal: Decimal, places: int) -> Decimal:
    """Round a result to its places. Raises ResultTooLong."""
    if places > MOST_DIGITS or not is_within(goal, 2 * MOST_DIGITS):
        raise ResultTooLong(change.field, MOST_DIGITS)
    result = to_places(goal, places)
    if not is_within(result, MOST_DIGITS):
        raise ResultTooLong(change.field, MOST_DIGITS)
    return result


def land(change: Change, before: str | None, present: Decimal | None, goal: Decimal, places: int) -> Landing:
    """Say where a number lands that starts from nowhere (`set`): within the limits. Raises PastLimit, ResultTooLong.

    `present` is None if the value now is no number.
    """
    goal = rounded(change, goal, places)
    limit = _passed(change, goal)
    if limit is None:
        return Landing(plain(goal))
    if change.beyond == "refuse":
        raise PastLimit(change.field, goal, limit.value)
    stop = to_places(limit.value, places, limit.rounding)
    if present is not None and (stop < present <= goal or goal <= present < stop):
        # Stopping there would take the value against the change's direction, so it stays as it is.
        return Landing(before or "", f"already {limit.side} the {limit.name} of {plain(limit.value)}")
    return Landing(plain(stop), f"stopped at the {limit.name} of {plain(limit.value)}")


def land_from(change: Change, before: str | None, present: Decimal, goal: Decimal, places: int) -> Landing:
    """Say where a number lands that starts from the present one: only the limit ahead of it counts.

    So a value that is outside already may come nearer: 130 - 5 with a maximum of 120 is 125. Raises as `land`.
    """
    result = rounded(change, goal, places)
    maximum = change.maximum if result > present else None
    minimum = change.minimum if result < present else None
    return land(replace(change, maximum=maximum, minimum=minimum), before, present, goal, places)


def _passed(change: Change, goal: Decimal) -> _Limit | None:
    if change.maximum is not None and goal > change.maximum:
        return _Limit(change.maximum, "maximum", "above", ROUND_FLOOR)
    if change.minimum is not None and goal < change.minimum:
        return _Limit(change.minimum, "minimum", "below", ROUND_CEILING)
    return None


# ---- A change in a few words, for screens: "credits +10, at most 120"


def describe_change(change: Change) -> str:
    """Say in a few words what a change does, and within which limits."""
    return ", ".join([f"{clean(change.field)} {_WORDS[change.action](change)}", *_limits(change)])


def _limits(change: Change) -> list[str]:
    most = [] if change.maximum is None else [f"at most {plain(change.maximum)}"]
    least = [] if change.minimum is None else [f"at least {plain(change.minimum)}"]
    if change.action in {"increase", "decrease"} and change.amount is not None:
        return most if _growth(change) > 0 else least
    return [*least, *most]


def _growth(change: Change) -> Decimal:
    amount = change.amount or Decimal(0)
    return amount if change.action == "increase" else amount.copy_negate()


def _moved(change: Change) -> str:
    if change.amount is None:
        return f"{'+' if change.action == 'increase' else '−'} the amount given"  # noqa: RUF001 - a minus for people
    return _signed(_growth(change))


def _signed(number: Decimal) -> str:
    return f"{'−' if number < 0 else '+'}{plain(number.copy_abs())}"  # noqa: RUF001 - a minus for people


def _amount(change: Change) -> str:
    return "the amount given" if change.amount is None else plain(change.amount)


def _describe_set(change: Change) -> str:
    if change.value is None:
        return f"= {_amount(change)}"
    return f"= {shorten(change.value)}" if change.value else "emptied"


def _days(change: Change) -> str:
    if change.amount is None:
        return "+ the days given"
    return f"{_signed(change.amount)} {'day' if change.amount.copy_abs() == 1 else 'days'}"


_WORDS: Final[Mapping[Action, Callable[[Change], str]]] = {
    "increase": _moved,
    "decrease": _moved,
    "set": _describe_set,
    "multiply": lambda change: f"× {_amount(change)}",  # noqa: RUF001 - a times sign for people
    "top-up": lambda change: f"topped up to {_amount(change)}",
    "append": lambda change: f"with {shorten(change.value or '')} appended",
    "copy": lambda change: f"= value of {clean(change.source or '')}",
    "add-days": _days,
    "stamp": lambda _: "= today",
    "formula": lambda change: f"= {clean(' '.join((change.formula or '').split()))}",
    "restore": lambda change: f"back to {shown(change.value)}",
}


# ---- the plan of an operation on one contact: what each field would become, or why nothing may be changed


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field as it was read, and as it will be written."""

    field: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes of an operation, and what is worth saying about them, such as "stopped at the maximum of 120"."""

    changes: tuple[FieldChange, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """One change, with the values as they were read before any change, and the present day in the zone."""

    change: Change
    values: Mapping[str, str | None]
    today: date

    @property
    def before(self) -> str | None:
        return self.values[self.change.field]

    @property
    def amount(self) -> Decimal:
        if self.change.amount is None:
            raise AmountMissing(self.change.field)
        if not is_within(self.change.amount, MOST_DIGITS):
            raise AmountUnusable(MOST_DIGITS)
        return self.change.amount

    def present(self) -> Decimal:
        """Read the field as a number."""
        try:
            number = parse_number(self.before, self.change.blank)
        except NotANumber as fault:
            raise NumberUnreadable(self.change.field, fault) from None
        if not is_within(number, MOST_DIGITS):  # only an absurd `blank` is not
            raise ResultTooLong(self.change.field, MOST_DIGITS)
        return number

    def present_or_none(self) -> Decimal | None:
        """Read the field as a number where it may also be something else."""
        try:
            return parse_number(self.before, self.change.blank)
        except NotANumber:
            return None

    def places(self, *numbers: Decimal) -> int:
        """Say how many places the result has: as the change says, else the most of these numbers."""
        return max(map(places, numbers)) if self.change.decimals is None else self.change.decimals


def fields_read(operation: Operation) -> frozenset[str]:
    """Name every field that a plan needs: written, copied from, or in a formula. Raises FormulaFault."""
    named: set[str] = set()
    for change in operation.changes:
        named.add(change.field)
        if change.source is not None:
            named.add(change.source)
        if change.formula is not None:
            named |= compile_formula(change.formula).fields
    return frozenset(named)


def plan(operation: Operation, values: Mapping[str, str | None], now: datetime) -> Plan | Refusal:
    """Say what the operation would change, all changes or none, each seeing the values as read.

    `values` has all fields of `fields_read`: an unset one is None, and a missing one is a KeyError, never 0.
    """
    today = local(now, operation.timezone).date()
    try:
        landings = [(change, _ACTIONS[change.action](_Step(change, values, today))) for change in operation.changes]
    except Unplannable as fault:
        return Refusal(fault.cause, str(fault))
    except FormulaFault as fault:
        return Refusal("formula", str(fault))
    return Plan(
        tuple(FieldChange(change.field, values[change.field], landing.text) for change, landing in landings),
        _note(landings),
    )


def _note(landings: list[tuple[Change, Landing]]) -> str | None:
    only = len(landings) == 1
    notes = [landing.note if only else f"{change.field} {landing.note}" for change, landing in landings if landing.note]
    return "; ".join(note for note in notes if note) or None


def _increase(step: _Step) -> Landing:
    return _move(step, EXACT.add(step.present(), step.amount))


def _decrease(step: _Step) -> Landing:
    return _move(step, EXACT.subtract(step.present(), step.amount))


def _top_up(step: _Step) -> Landing:
    return _move(step, max(step.present(), step.amount))


def _multiply(step: _Step) -> Landing:
    present, amount = step.present(), step.amount
    product = EXACT.multiply(present, amount)
    return land_from(step.change, step.before, present, product, step.places(present, amount))


def _move(step: _Step, goal: Decimal) -> Landing:
    present = step.present()
    if goal == present:
        # Not moved at all: the text stays as it stands, an empty field stays empty.
        return Landing(step.before or "")
    return land_from(step.change, step.before, present, goal, step.places(present, step.amount))


def _set(step: _Step) -> Landing:
    change = step.change
    if change.value is not None:
        return Landing(change.value)
    return land(change, step.before, step.present_or_none(), step.amount, step.places(step.amount))


def _formula(step: _Step) -> Landing:
    change = step.change
    formula = compile_formula(change.formula or "")
    result = formula.evaluate(_with_blank(step), step.today, change.decimals)
    if not isinstance(result, Decimal):
        if change.minimum is not None or change.maximum is not None:
            raise DateUnderLimits(change.field, result)
        return Landing(result.isoformat())
    present = step.present_or_none()
    # A formula that does not read its own field starts from nowhere, as `set` does.
    if present is None or change.field not in formula.fields:
        return land(change, step.before, present, result, step.places(result))
    return land_from(change, step.before, present, result, step.places(result))


def _with_blank(step: _Step) -> Mapping[str, str | None]:
    if not step.change.blank or not is_blank(step.before):
        return step.values
    return {**step.values, step.change.field: plain(step.present())}


def _append(step: _Step) -> Landing:
    return Landing((step.before or "") + (step.change.value or ""))


def _copy(step: _Step) -> Landing:
    source = step.change.source
    return Landing((step.values[source] if source else None) or "")


def _add_days(step: _Step) -> Landing:
    text, days = step.before, step.amount
    if text is None or is_blank(text):
        return Landing(shift(step.today, days, "amount").isoformat())
    start = parse_date(text)
    if start is None:
        raise DateUnreadable(step.change.field, text)
    return Landing(shift(start, days, "amount").isoformat())


def _stamp(step: _Step) -> Landing:
    return Landing(step.today.isoformat())


def _restore(step: _Step) -> Landing:
    change = step.change
    if change.guarded and (step.before or "") != (change.expected or ""):
        raise Drifted(change.field, step.before, change.expected)
    return Landing(change.value or "")


_ACTIONS: Final[Mapping[Action, Callable[[_Step], Landing]]] = {
    "increase": _increase,
    "decrease": _decrease,
    "set": _set,
    "multiply": _multiply,
    "top-up": _top_up,
    "append": _append,
    "copy": _copy,
    "add-days": _add_days,
    "stamp": _stamp,
    "formula": _formula,
    "restore": _restore,
}
