"""The shape of `operations.toml`: every table, its keys and the kinds of their values."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ccops.operations.model import AfterRun, Beyond, Period, State
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
    maximum: Number | None = None
    beyond: Beyond | None = None
    blank: Number | None = None
    decimals: Places | None = None


class Grow(Limits):
    """Add to a number or take from it."""

    field: FieldKey
    action: Literal["increase", "decrease"]
    amount: Positive


class Multiply(Limits):
    """Multiply a number."""

    field: FieldKey
    action: Literal["multiply"]
    amount: NotNegative


class TopUp(Limits):
    """Raise a number to at least the amount."""

    field: FieldKey
    action: Literal["top-up"]
    amount: Number


class Put(Limits):
    """Set a number or a text."""

    field: FieldKey
    action: Literal["set"]
    amount: Number | None = None
    value: str | None = None


class Compute(Limits):
    """Set a number to the result of a formula."""

    field: FieldKey
    action: Literal["formula"]
    formula: Name


class Append(Table):
    """Add a text at the end."""

    field: FieldKey
    action: Literal["append"]
    value: Name


class Copy(Table):
    """Take the value of another field."""

    field: FieldKey
    action: Literal["copy"]
    source: FieldKey = Field(alias="from")


class AddDays(Table):
    """Move a date."""

    field: FieldKey
    action: Literal["add-days"]
    amount: Days


class Stamp(Table):
    """Set the date of the occasion."""

    field: FieldKey
    action: Literal["stamp"]


Step = Grow | Multiply | TopUp | Put | Compute | Append | Copy | AddDays | Stamp


class TagTable(Table):
    """A trigger tag."""

    id: Annotated[int, Field(gt=0)]
    name: Name


class PostTable(Table):
    """Where a POST has its contact and occasion."""

    contact: PostPath | None = None
    occasion: PostPath | None = None


class FieldTable(Table):
    """`[fields.KEY]`."""

    minimum: Number | None = None
    maximum: Number | None = None
    blank: Number | None = None
    decimals: Places | None = None
    sole_writer: bool = False
    label: Name | None = None


class OperationTable(Limits):
    """`[operations.NAME]`; the keys of a single change were moved into `changes` before."""

    changes: list[Annotated[Step, Field(discriminator="action")]]
    description: str = ""
    once_per: Period | None = None
    tag: TagTable | None = None
    after_run: AfterRun = "remove-tag"
    states: list[State] | None = None
    tags_if_applied: list[Name] = []
    tags_if_refused: list[Name] = []
    post: PostTable = PostTable()
    amount_from_post: bool = False
    repeat_window: Seconds = 600
    paused: bool = False


class RegistryTable(Table):
    """The whole file."""

    timezone: str
    fields: dict[str, FieldTable] = {}
    operations: dict[str, OperationTable] = {}


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
