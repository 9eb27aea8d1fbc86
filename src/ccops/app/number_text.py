"""Numbers, ranges and months as people read them."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from ccops.app.statistics import Balances, Band
from ccops.operations.numbers import EXACT, NotANumber, parse_number, places
from ccops.operations.periods import MONTHS

MINUS: Final = "\N{MINUS SIGN}"
_SCALES: Final = ((Decimal(10) ** 9, "G"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))


def figure(number: Decimal | int) -> str:
    """Write a number for people: `1,200.50`, with a true minus sign."""
    return _signed(format(Decimal(number) or Decimal(number).copy_abs(), ",f"))


def moved(number: Decimal) -> str:
    """Write by how much something moved: `+3,990`, or with a true minus sign."""
    return _signed(format(number, "+,f"))


def amount(number: Decimal | None) -> str:
    """Write an amount; none or nothing leaves its place empty."""
    return figure(number) if number else ""


def short(number: Decimal) -> str:
    """Write a number for the scale of a picture: `1.2k`."""
    for scale, unit in _SCALES:
        if number.copy_abs() >= scale:
            scaled = EXACT.divide(number, scale).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP, context=EXACT)
            return _signed(format(scaled, ",f").removesuffix(".0")) + unit
    return figure(number)


def band_name(band: Band) -> str:
    """Name a band: `10 to 19`, `10 to under 12.5`, `120 and more`."""
    if band.low is None:
        return "" if band.high is None else f"under {figure(band.high)}"
    if band.high is None:
        return f"{figure(band.low)} and more"
    if band.low == band.high:
        return figure(band.low)
    if places(band.low) or places(band.high):
        return f"{figure(band.low)} to under {figure(band.high)}"
    last = EXACT.subtract(band.high, Decimal(1))
    return figure(band.low) if band.low == last else f"{figure(band.low)} to {figure(last)}"


def flow_of(each: Balances) -> Iterator[tuple[str, str, Decimal]]:
    """Say step by step how a total came about: its sign, what it is, and how much; what is nothing may be left out."""
    flow = each.flow
    yield "", "there before ccops wrote first", flow.started
    yield "+", "granted", flow.granted
    yield MINUS, "spent", flow.spent
    if flow.undone > 0:
        yield MINUS, "taken back by undo", flow.undone
    if flow.undone < 0:
        yield "+", "given back by undo", EXACT.minus(flow.undone)
    if flow.otherwise:
        yield "+", "changed otherwise, by hand or other programs", flow.otherwise
    yield "=", "in all now", each.total


def month_name(key: str) -> str:
    """Name a month: `Nov 2026`."""
    return f"{MONTHS[int(key[5:]) - 1][:3]} {key[:4]}"


def _signed(text: str) -> str:
    return text.replace("-", MINUS)


# ---- A small curve of numbers, one character each

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
