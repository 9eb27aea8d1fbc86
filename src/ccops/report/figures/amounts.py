"""Sums that are exact, and numbers as fields hold them."""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from ccops.operations.numbers import EXACT, NotANumber, parse_number

ZERO: Final = Decimal(0)


@lru_cache(maxsize=65536)
def amount(value: str | None) -> Decimal | None:
    """Read a field's value; an empty one is 0, and what is no number is None."""
    try:
        return parse_number(value, ZERO)
    except NotANumber:
        return None


def plus(one: Decimal, other: Decimal) -> Decimal:
    """Add exactly."""
    return EXACT.add(one, other)


def minus(one: Decimal, other: Decimal) -> Decimal:
    """Subtract exactly."""
    return EXACT.subtract(one, other)


def total(numbers: Iterable[Decimal]) -> Decimal:
    """Add all up, exactly."""
    result = ZERO
    for number in numbers:
        result = EXACT.add(result, number)
    return result
