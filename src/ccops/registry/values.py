"""The kinds of values that the files of the home folder hold, each checked with a sentence of its own."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from ccops.operations.numbers import places, plain
from ccops.text import shorten

LARGEST: Final = Decimal(10) ** 15
MOST_PLACES: Final = 10
MOST_DAYS: Final = 36_500
RECEIPT_FIELD: Final = "ccops_receipt"
LONGEST_WINDOW: Final = 24 * 60 * 60
"""Seconds."""

FIELD_KEY: Final = re.compile(r"[a-z0-9_]+")
_PLACES: Final = re.compile(r"[^\s.](?:[^.]*[^\s.])?(?:\.[^\s.](?:[^.]*[^\s.])?)*")
"""Names with points between them; a name may have blanks within, as forms have them."""
_WINDOW: Final = re.compile(r"([0-9]{1,6})([smh])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}


def shown(value: object) -> str:
    """Write a value of a file into a sentence, safely and short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return shorten(value)
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a number that is too large"
    return str(value)


def _wrong(text: str) -> PydanticCustomError:
    return PydanticCustomError("said", "{text}", {"text": text})


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        hint = " without quotes" if isinstance(value, str) else ""
        raise _wrong(f"must be a number{hint}, not {shown(value)}")
    number = Decimal(value)
    if not number.is_finite() or abs(number) > LARGEST:
        raise _wrong("is too large; the most is 1,000,000,000,000,000")
    if places(number) > MOST_PLACES:
        raise _wrong(f"has more than {MOST_PLACES} decimal places")
    return number


def _bounded(test: Callable[[Decimal], bool], text: str) -> AfterValidator:
    def check(number: Decimal) -> Decimal:
        if not test(number):
            raise _wrong(f"must be {text}, not {plain(number)}")
        return number

    return AfterValidator(check)


def _places_count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_PLACES:
        raise _wrong(f"must be a whole number from 0 to {MOST_PLACES}, not {shown(value)}")
    return value


def _field(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(f'must be the key of a field, such as "credits", not {shown(value)}')
    if value == RECEIPT_FIELD:
        raise _wrong(f'can\'t be "{RECEIPT_FIELD}": ccops keeps its own receipts there')
    if not FIELD_KEY.fullmatch(value):
        raise _wrong(f"must be a field's key (a-z, 0-9, _) or a label of [fields], not {shown(value)}{as_key(value)}")
    return value


def as_key(label: str) -> str:
    """Return the end of a sentence that names the key which Kit would make of a label."""
    guess = re.sub(r"[^a-z0-9]+", "_", label.casefold()).strip("_")
    return f'; did you mean "{guess}"?' if guess and len(guess) <= len(label) else ""


def _name(value: str) -> str:
    if not value.strip():
        raise _wrong("must not be empty")
    return value


def _path(value: str) -> str:
    if not _PLACES.fullmatch(value) or not value.isprintable():
        raise _wrong(f'must be a path such as "data.object.email", not {shown(value)}')
    return value


def _seconds(value: object) -> int:
    found = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise _wrong(f'must be a time such as "90s", "10m" or "2h", not {shown(value)}')
    seconds = int(found[1]) * _SECONDS[found[2]]
    if not 1 <= seconds <= LONGEST_WINDOW:
        raise _wrong(f"must be between 1s and 24h, not {shown(value)}")
    return seconds


Number = Annotated[Decimal, BeforeValidator(_number)]
Positive = Annotated[Number, _bounded(lambda number: number > 0, "more than 0")]
NotNegative = Annotated[Number, _bounded(lambda number: number >= 0, "0 or more")]
Days = Annotated[
    Number,
    _bounded(lambda number: number == int(number), "a whole number of days"),
    _bounded(lambda number: abs(number) <= MOST_DAYS, f"at most {MOST_DAYS} days"),
]
Places = Annotated[int, BeforeValidator(_places_count)]
FieldKey = Annotated[str, BeforeValidator(_field)]
"""A field of the CRM that is not ours; labels were replaced by keys before."""
Name = Annotated[str, AfterValidator(_name)]
PostPath = Annotated[str, AfterValidator(_path)]
Seconds = Annotated[int, BeforeValidator(_seconds)]
