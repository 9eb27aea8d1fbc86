"""Numbers as people write them in fields: strict to read, exact to count with, plain to write."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from ccops.errors import Misconfigured
from ccops.text import shorten

BLANKS: Final = " \t\r\n"
"""What may stand around a number or a date. A no-break space may not: it is no ASCII."""

MOST_DIGITS: Final = 40
"""Digits of a number in a field, read or written, of an amount, and of a number that stands in a formula."""

MOST_DIGITS_BETWEEN: Final = 60
"""Digits of a number in the midst of a formula."""

# The product of two numbers of 60 digits has 120 and their sum 121 at most, so nothing here is rounded unasked. Methods
# of Decimal that use the thread's own context, even `abs` and a minus sign, would round to 28.
EXACT: Final = Context(prec=128, rounding=ROUND_HALF_UP)
"""The one context that numbers are counted in: exact for all that `digits` lets through, and half-up."""

DIVISION: Final = Context(prec=28, rounding=ROUND_HALF_UP)
"""What is left of a division that does not come out even, before `decimals` rounds it further."""

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class NotANumber(Misconfigured):
    """A text is no number in the strict form; `shown` is the text made safe, `why` what is wrong with it."""

    mend = "write it in plain digits, without commas or currency: 12, -3 or 3.50"

    def __init__(self, value: str) -> None:
        self.value = value
        self.shown = shorten(value)
        too_long = _NUMBER.fullmatch(value.strip(BLANKS)) is not None
        self.why = f"a number of more than {MOST_DIGITS} digits" if too_long else "not a number"
        super().__init__(f"{self.shown} is {self.why}")


def is_blank(text: str | None) -> bool:
    """Tell whether a field is empty, or has nothing but blanks in it."""
    return text is None or not text.strip(BLANKS)


def parse_number(text: str | None, blank: Decimal) -> Decimal:
    """Read a number like `-12` or `3.50`; an empty text counts as `blank`. Raises NotANumber."""
    if text is None or is_blank(text):
        return blank
    written = text.strip(BLANKS)
    if not _NUMBER.fullmatch(written) or len(written.lstrip("-").replace(".", "")) > MOST_DIGITS:
        raise NotANumber(text)
    return Decimal(written)


def plain(number: Decimal) -> str:
    """Write a number without exponent, and zero without a sign."""
    return format(number or number.copy_abs(), "f")


def places(number: Decimal) -> int:
    """Count the digits behind the decimal point."""
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def digits(number: Decimal) -> int:
    """Count the digits that writing the number takes, without writing it."""
    return max(number.adjusted() + 1, 1) + places(number)


def is_within(number: Decimal, most_digits: int) -> bool:
    """Tell whether a number is finite, and short enough to be counted with exactly."""
    return number.is_finite() and digits(number) <= most_digits


def to_places(number: Decimal, count: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Round to `count` decimal places, half-up (away from zero) unless told otherwise."""
    return number.quantize(Decimal(1).scaleb(-count), rounding=rounding, context=EXACT)
