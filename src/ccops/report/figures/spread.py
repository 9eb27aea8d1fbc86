"""How values are spread: a few bands of the same width, so that a picture of them fits a page."""

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Final

from ccops.operations.numbers import EXACT
from ccops.report.figures.amounts import minus, plus
from ccops.report.figures.model import Band

_MOST: Final = 12
_WIDTHS: Final = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
_FEW: Final = 50
"""One in so many contacts at either end may lie outside of the range, so that a single one does not stretch it."""


def bands(values: Sequence[Decimal]) -> tuple[Band, ...]:
    """Sort values, given in ascending order, into a dozen bands at most; each value is one if there are so few."""
    counted = Counter(values)
    if len(counted) <= _MOST:
        return tuple(Band(value, value, count) for value, count in sorted(counted.items()))
    first, last = _range(values)
    width = _width(minus(last, first), whole=all(value == value.to_integral_value() for value in counted))
    bounds = _bounds(first, last, width)
    inner = [
        Band(low, high, sum(count for value, count in counted.items() if low <= value < high))
        for low, high in pairwise(bounds)
    ]
    below = Band(None, bounds[0], sum(count for value, count in counted.items() if value < bounds[0]))
    above = Band(bounds[-1], None, sum(count for value, count in counted.items() if value >= bounds[-1]))
    return tuple(band for band in (below, *inner, above) if band in inner or band.contacts)


def median(values: Sequence[Decimal]) -> Decimal:
    """Return the value in the middle of values in ascending order; between two, the lower one."""
    return values[(len(values) - 1) // 2]


def _range(values: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    aside = -(-len(values) // _FEW)
    first, last = values[aside], values[-1 - aside]
    return (first, last) if first < last else (values[0], values[-1])


def _width(span: Decimal, *, whole: bool) -> Decimal:
    """Return a round width of which ten bands span the range."""
    tenth = EXACT.divide(span, Decimal(10))
    scale = Decimal(1).scaleb(tenth.adjusted())
    width = next(wide for step in _WIDTHS if (wide := EXACT.multiply(step, scale)) >= tenth)
    return max(width, Decimal(1)) if whole else width


def _bounds(first: Decimal, last: Decimal, width: Decimal) -> list[Decimal]:
    low = EXACT.multiply(EXACT.divide(first, width).to_integral_value(ROUND_FLOOR), width)
    steps = int(EXACT.divide(minus(last, low), width).to_integral_value(ROUND_CEILING)) or 1
    return [plus(low, EXACT.multiply(Decimal(step), width)) for step in range(steps + 1)]
