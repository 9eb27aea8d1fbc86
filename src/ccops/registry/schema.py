"""The shape of `operations.toml`: every table, its keys and the kinds of their values."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ccops.operations.model import AfterRun, Beyond, DecimalSign, Period, State
from ccops.registry.values import (
    Days,
    FieldKey,
    Name,
    NotNegative,
    Number,
    Places,
    Positive,
    PostPath,
    Seconds,
)


class Table(BaseModel):
    """A table in which every key is known."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class Limits(Table):
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


class Grow(Limits):
    """Add to a number or take from it."""

    field: FieldKey
    action: Literal["increase", "decrease"]
    amount: Positive
    """By how much."""


class Multiply(Limits):
    """Multiply a number."""

    field: FieldKey
    action: Literal["multiply"]
    amount: NotNegative
    """By what."""


class TopUp(Limits):
    """Raise a number to at least the amount."""

    field: FieldKey
    action: Literal["top-up"]
    amount: Number
    """The least that is to be there."""


class Put(Limits):
    """Set a number or a text."""

    field: FieldKey
    action: Literal["set"]
    amount: Number | None = None
    """The number, or"""
    value: str | None = None
    """the text; one of the two."""


class Compute(Limits):
    """Set a number to the result of a formula."""

    field: FieldKey
    action: Literal["formula"]
    formula: Name
    """Numbers, names of fields, `+ - * /`, brackets, `min max round`, comparisons, `today`."""


class Append(Table):
    """Add a text at the end."""

    field: FieldKey
    action: Literal["append"]
    value: Name
    """The text."""


class Copy(Table):
    """Take the value of another field."""

    field: FieldKey
    action: Literal["copy"]
    source: FieldKey = Field(alias="from")
    """The field whose value is taken."""


class AddDays(Table):
    """Move a date."""

    field: FieldKey
    action: Literal["add-days"]
    amount: Days
    """How many days; fewer than 0 go back."""


class Stamp(Table):
    """Set the date of the occasion."""

    field: FieldKey
    action: Literal["stamp"]


Step = Grow | Multiply | TopUp | Put | Compute | Append | Copy | AddDays | Stamp


class TagTable(Table):
    """A trigger tag."""

    id: Annotated[int, Field(gt=0)]
    """The tag's number in Kit; this is what counts."""
    name: Name
    """Its name, for people."""


class PostTable(Table):
    """Where a POST has its contact and occasion, and how it writes numbers."""

    contact: PostPath | None = None
    """Where its JSON or form has the contact's address or id."""
    occasion: PostPath | None = None
    """Where its JSON or form has what makes the occasion, such as the number of a payment."""
    decimal: DecimalSign | None = None
    """The sign before decimals in its `amount`; unless set, an amount such as 1.000 or 1,000 is turned away."""


class FieldTable(Table):
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
    label: Name | None = None
    """Another name for the field, for the command line and for this file."""


class OperationTable(Limits):
    """`[operations.NAME]`; the keys of a single change were moved into `changes` before."""

    changes: list[Annotated[Step, Field(discriminator="action")]]
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
    tags_if_applied: list[Name] = []
    """Tags that the contact gets if it was applied, so that Kit can go on."""
    tags_if_refused: list[Name] = []
    """Tags that the contact gets if a limit refused it."""
    post: PostTable = PostTable()
    """Where a POST has its contact and occasion, if not in the usual places."""
    amount_from_post: bool = False
    """Whether a POST names the amount."""
    repeat_window: Seconds = 600
    """The same POST again within this time counts once, if it names no occasion."""
    paused: bool = False
    """Its tags and POSTs wait; `ccops op pause` and `ccops op resume` write it."""


class RegistryTable(Table):
    """The whole file."""

    timezone: str
    """Where days, months and years begin, by the name of the time zone."""
    fields: dict[str, FieldTable] = {}
    """What holds for everything that writes a field, by its key."""
    operations: dict[str, OperationTable] = {}
    """The operations, by name. The ledger counts by the name: never rename one that has run."""


LIMIT_KEYS: Final = frozenset(Limits.model_fields)
STEPS: Final[dict[str, type[Table]]] = {
    action: step
    for step in (Grow, Multiply, TopUp, Put, Compute, Append, Copy, AddDays, Stamp)
    for action in step.model_fields["action"].annotation.__args__  # type: ignore[union-attr]
}
"""The table of each action."""


INNER_TABLES: Final[dict[str, type[Table]]] = {"tag": TagTable, "post": PostTable}
"""The tables within an operation's."""


def keys_of(table: type[Table]) -> frozenset[str]:
    """Return the keys of a table as people write them."""
    return frozenset(field.alias or name for name, field in table.model_fields.items())


STEP_KEYS: Final = frozenset[str]().union(*map(keys_of, STEPS.values()))
SHORTHAND_KEYS: Final = STEP_KEYS - LIMIT_KEYS
"""Keys of a single change that may stand in the operation's own table instead of in `changes`."""
OPERATION_KEYS: Final = keys_of(OperationTable) | SHORTHAND_KEYS
