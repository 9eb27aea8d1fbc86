"""The amount of a POST: a number above 0 that can be read in one way only."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from ccops.operations.model import Operation
from ccops.operations.numbers import BLANKS, MOST_DIGITS, NotANumber, is_blank, is_within, parse_number, plain
from ccops.operations.placeholders import is_placeholder
from ccops.triggers.receiver.bodies import Data
from ccops.triggers.receiver.refusals import AmountAmbiguous, AmountMissing, AmountUnusable, PlaceholderLeft

_PLACE: Final = "amount"
_TWO_WAYS: Final = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}|[0-9]+(?:[.,][0-9]+)*,[0-9]+(?:[.,][0-9]+)*")
"""A point between thousands or before decimals (1.000), or a comma, which only a known sign explains (1,000, 2,5)."""
_WITH_SIGN: Final[Mapping[str, re.Pattern[str]]] = {
    sign: re.compile(rf"(?:[0-9]+|[0-9]{{1,3}}(?:\{other}[0-9]{{3}})+)(?:\{sign}[0-9]+)?")
    for sign, other in ((".", ","), (",", "."))
}


def read_amount(data: Data, operation: Operation) -> str | None:
    """Return the amount as plain text without needless zeros, so that 10 and 10.00 are the same; None if there is none.

    Raises AmountMissing if its place is there and empty: the sender meant to say how much, so that the operation's own
    amount would be wrong.
    """
    if _PLACE not in data:
        return None
    value = data[_PLACE]
    if value is None or (isinstance(value, str) and is_blank(value)):
        raise AmountMissing
    number = _of_text(value.strip(BLANKS), operation) if isinstance(value, str) else _of_number(value)
    if number is None or number <= 0 or not is_within(number, MOST_DIGITS):
        raise AmountUnusable(str(value)[:100])
    text = plain(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _of_number(value: Any) -> Decimal | None:
    """Take a number of JSON: its decimals follow a point, so that 1.000 is 1."""
    return Decimal(value) if type(value) in {int, Decimal} else None


def _of_text(text: str, operation: Operation) -> Decimal | None:
    if is_placeholder(text):
        raise PlaceholderLeft(_PLACE, text)
    sign = operation.post.decimal
    if sign is None:
        if len(text) <= 2 * MOST_DIGITS and _TWO_WAYS.fullmatch(text):
            raise AmountAmbiguous(text, operation.name)
    elif _WITH_SIGN[sign].fullmatch(text):
        text = text.replace("," if sign == "." else ".", "").replace(sign, ".")
    else:
        return None
    try:
        return parse_number(text, Decimal(0))
    except NotANumber:
        return None
