"""The plan of an operation on one contact: what each field would become, or why nothing may be changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from ccops.operations.dates import local, parse_date, shift
from ccops.operations.describe import describe_change
from ccops.operations.formula import FormulaFault, compile_formula
from ccops.operations.limits import Landing, land, land_from
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
)
from ccops.operations.refusals import (
    AmountMissing,
    AmountUnusable,
    Cause,
    DateUnderLimits,
    DateUnreadable,
    Drifted,
    NumberUnreadable,
    Refusal,
    ResultTooLong,
    Unplannable,
)

__all__ = ["Cause", "FieldChange", "Plan", "Refusal", "describe_change", "fields_read", "plan"]


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
