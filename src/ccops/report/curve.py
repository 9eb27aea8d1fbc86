"""A small curve of numbers, one character each."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from ccops.operations.numbers import NotANumber, parse_number

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_FEWEST: Final = 3
"""Fewer points are no curve; the numbers beside it say as much."""


def curve(values: Sequence[str | None]) -> str:
    """Draw values from the oldest to the newest; nothing if they are few, all the same, or not all numbers."""
    try:
        numbers = [parse_number(value or "", Decimal(0)) for value in values]
    except NotANumber:
        return ""
    if len(numbers) < _FEWEST or min(numbers) == max(numbers):
        return ""
    least, span = min(numbers), max(numbers) - min(numbers)
    return "".join(_LEVELS[int((number - least) * (len(_LEVELS) - 1) / span)] for number in numbers)
