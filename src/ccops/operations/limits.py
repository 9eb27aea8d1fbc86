"""Where a number lands: within the limits of its change, or refused."""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ccops.operations.model import Change
from ccops.operations.numbers import MOST_DIGITS, is_within, plain, to_places
from ccops.operations.refusals import PastLimit, ResultTooLong


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
