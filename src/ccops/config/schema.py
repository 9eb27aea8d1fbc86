"""The shape of `operations.toml`: every table, its keys and the kinds of their values."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ccops.operations.model import AfterRun, Beyond, DecimalSign, Period, State
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
OperationName = Annotated[str, AfterValidator(_name)]
PostPath = Annotated[str, AfterValidator(_path)]
Seconds = Annotated[int, BeforeValidator(_seconds)]


# ---- the shape of `operations.toml`: every table, its keys and the kinds of their values


class StrictTable(BaseModel):
    """A table in which every key is known."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class LimitKeys(StrictTable):
    """Keys that mean something for numbers only."""

    minimum: Number | None = None
    """The result is never below it."""
    maximum: Number | None = None
    """The result is never above it."""
    beyond: Beyond | None = None
    """What happens when the result would pass a limit: nothing is changed, or it stops at the limit."""
    blank: Number | None = None
    """What an empty field counts as; 0 unless set."""
    decimals: Places | None = None
    """Decimal places of the result, rounded half up; unless set, as many as value or amount have."""


class Grow(LimitKeys):
    """Add to a number or take from it."""

    field: FieldKey
    action: Literal["increase", "decrease"]
    amount: Positive
    """By how much."""


class Multiply(LimitKeys):
    """Multiply a number."""

    field: FieldKey
    action: Literal["multiply"]
    amount: NotNegative
    """By what."""


class TopUp(LimitKeys):
    """Raise a number to at least the amount."""

    field: FieldKey
    action: Literal["top-up"]
    amount: Number
    """The least that is to be there."""


class Put(LimitKeys):
    """Set a number or a text."""

    field: FieldKey
    action: Literal["set"]
    amount: Number | None = None
    """The number, or"""
    value: str | None = None
    """the text; one of the two."""


class Compute(LimitKeys):
    """Set a number to the result of a formula."""

    field: FieldKey
    action: Literal["formula"]
    formula: OperationName
    """Numbers, names of fields, `+ - * /`, brackets, `min max round`, comparisons, `today`."""


class Append(StrictTable):
    """Add a text at the end."""

    field: FieldKey
    action: Literal["append"]
    value: OperationName
    """The text."""


class Copy(StrictTable):
    """Take the value of another field."""

    field: FieldKey
    action: Literal["copy"]
    source: FieldKey = Field(alias="from")
    """The field whose value is taken."""


class AddDays(StrictTable):
    """Move a date."""

    field: FieldKey
    action: Literal["add-days"]
    amount: Days
    """How many days; fewer than 0 go back."""


class Stamp(StrictTable):
    """Set the date of the occasion."""

    field: FieldKey
    action: Literal["stamp"]


ChangeStep = Grow | Multiply | TopUp | Put | Compute | Append | Copy | AddDays | Stamp


class TagTable(StrictTable):
    """A trigger tag."""

    id: Annotated[int, Field(gt=0)]
    """The tag's number in Kit; this is what counts."""
    name: OperationName
    """Its name, for people."""


class PostTable(StrictTable):
    """Where a POST has its contact and occasion, and how it writes numbers."""

    contact: PostPath | None = None
    """Where its JSON or form has the contact's address or id."""
    occasion: PostPath | None = None
    """Where its JSON or form has what makes the occasion, such as the number of a payment."""
    decimal: DecimalSign | None = None
    """The sign before decimals in its `amount`; unless set, an amount such as 1.000 or 1,000 is turned away."""


class FieldTable(StrictTable):
    """`[fields.KEY]`."""

    minimum: Number | None = None
    """Never below it, whatever writes the field."""
    maximum: Number | None = None
    """Never above it."""
    blank: Number | None = None
    """What an empty field counts as; 0 unless set."""
    decimals: Places | None = None
    """Decimal places of every result."""
    sole_writer: bool = False
    """Nobody but ccops writes the field: many contacts then need fewer requests."""
    label: OperationName | None = None
    """Another name for the field, for the command line and for this file."""


class OperationTable(LimitKeys):
    """`[operations.NAME]`; the keys of a single change were moved into `changes` before."""

    changes: list[Annotated[ChangeStep, Field(discriminator="action")]]
    """Several changes, each a table with `field`, `action` and what the action needs; all are made, or none."""
    description: str = ""
    """What it is for, in your words."""
    once_per: Period | None = None
    """It counts at most once for each contact in this time."""
    tag: TagTable | None = None
    """The tag that starts it, used for nothing else."""
    after_run: AfterRun = "remove-tag"
    """What becomes of that tag once the operation has run."""
    states: list[State] | None = None
    """Only contacts in these states in Kit; whoever is left out is said."""
    tags_if_applied: list[OperationName] = []
    """Tags that the contact gets if it was applied, so that Kit can go on."""
    tags_if_refused: list[OperationName] = []
    """Tags that the contact gets if a limit refused it."""
    post: PostTable = PostTable()
    """Where a POST has its contact and occasion, if not in the usual places."""
    amount_from_post: bool = False
    """Whether a POST names the amount."""
    repeat_window: Seconds = 600
    """The same POST again within this time counts once, if it names no occasion."""
    paused: bool = False
    """Its tags and POSTs wait; `ccops op pause` and `ccops op resume` write it."""


class OperationsFileTable(StrictTable):
    """The whole file."""

    timezone: str
    """Where days, months and years begin, by the name of the time zone."""
    fields: dict[str, FieldTable] = {}
    """What holds for everything that writes a field, by its key."""
    operations: dict[str, OperationTable] = {}
    """The operations, by name. The ledger counts by the name: never rename one that has run."""


LIMIT_KEYS: Final = frozenset(LimitKeys.model_fields)
STEPS: Final[dict[str, type[StrictTable]]] = {
    action: step
    for step in (Grow, Multiply, TopUp, Put, Compute, Append, Copy, AddDays, Stamp)
    for action in step.model_fields["action"].annotation.__args__  # type: ignore[union-attr]
}
"""The table of each action."""


INNER_TABLES: Final[dict[str, type[StrictTable]]] = {"tag": TagTable, "post": PostTable}
"""The tables within an operation's."""


def keys_of(table: type[StrictTable]) -> frozenset[str]:
    """Return the keys of a table as people write them."""
    return frozenset(field.alias or name for name, field in table.model_fields.items())


STEP_KEYS: Final = frozenset[str]().union(*map(keys_of, STEPS.values()))
SHORTHAND_KEYS: Final = STEP_KEYS - LIMIT_KEYS
"""Keys of a single change that may stand in the operation's own table instead of in `changes`."""
OPERATION_KEYS: Final = keys_of(OperationTable) | SHORTHAND_KEYS
