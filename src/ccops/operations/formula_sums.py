"""Sums over numbers and dates, as formulas know them; None where the two don't go together."""

import operator
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from ccops.operations.dates import shift
from ccops.operations.numbers import DIVISION, EXACT, MOST_DIGITS_BETWEEN, is_within, plain

Value = Decimal | date


class Empty(Decimal):
    """An empty field: 0 in every sum, but never taken for a date that is missing."""


def show(value: Value) -> str:
    """Write a value for a person."""
    if isinstance(value, Empty):
        return "an empty field"
    return plain(value) if isinstance(value, Decimal) else value.isoformat()


def _add(left: Value, right: Value) -> Value | None:
    if isinstance(left, Decimal):
        return EXACT.add(left, right) if isinstance(right, Decimal) else shift(right, left, "formula")
    return shift(left, right, "formula") if isinstance(right, Decimal) else None


def _subtract(left: Value, right: Value) -> Value | None:
    if isinstance(left, Decimal):
        return EXACT.subtract(left, right) if isinstance(right, Decimal) else None
    if isinstance(right, Decimal):
        # `today - joined_on` must not become a date because nobody filled in `joined_on`.
        return None if isinstance(right, Empty) else shift(left, EXACT.minus(right), "formula")
    return Decimal((left - right).days)


def _multiply(left: Value, right: Value) -> Value | None:
    return EXACT.multiply(left, right) if isinstance(left, Decimal) and isinstance(right, Decimal) else None


def _divide(left: Value, right: Value) -> Value | None:
    if not (isinstance(left, Decimal) and isinstance(right, Decimal)) or not right:
        return None
    # Only a division that comes out even ends within the digits; any other fills the whole context.
    exact = EXACT.divide(left, right)
    return exact if is_within(exact, MOST_DIGITS_BETWEEN) else DIVISION.divide(left, right)


SUMS: Final[Mapping[str, Callable[[Value, Value], Value | None]]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
}

_COMPARISONS: Final[Mapping[str, Callable[[Value, Value], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def compare(sign: str, left: Value, right: Value) -> bool | None:
    """Compare two numbers or two dates."""
    if isinstance(left, Decimal) is not isinstance(right, Decimal):
        return None
    return _COMPARISONS[sign](left, right)


def pick(name: str, left: Value, right: Value) -> Value | None:
    """Return the smaller (`min`) or greater (`max`) of two numbers or two dates."""
    ordered = compare("<=" if name == "min" else ">=", left, right)
    if ordered is None:
        return None
    chosen = left if ordered else right
    return Decimal(chosen) if isinstance(chosen, Empty) else chosen
