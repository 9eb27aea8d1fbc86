"""Operations as data: what is changed, within which limits, and what starts it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, get_args

Action = Literal[
    "increase", "decrease", "set", "multiply", "top-up", "append", "copy", "add-days", "stamp", "formula", "restore"
]
"""What one change does. `restore` is not for the registry: an undo uses it to put a value back."""

Period = Literal["day", "week", "month", "quarter", "year", "ever"]
Beyond = Literal["refuse", "clamp"]
DecimalSign = Literal[".", ","]
AfterRun = Literal["remove-tag", "keep-tag"]
State = Literal["active", "inactive", "bounced", "complained", "cancelled"]

PERIODS: Final[tuple[Period, ...]] = get_args(Period)
STATES: Final[tuple[State, ...]] = get_args(State)
REGISTRY_ACTIONS: Final[tuple[Action, ...]] = tuple(action for action in get_args(Action) if action != "restore")
AMOUNT_ACTIONS: Final[frozenset[Action]] = frozenset({"increase", "decrease", "multiply", "top-up", "add-days"})
"""Actions that need `amount`; `set` takes `amount` or `value`."""
NUMBER_ACTIONS: Final[frozenset[Action]] = frozenset({"increase", "decrease", "multiply", "top-up", "formula"})
"""Actions whose result is a number, so that limits, `blank` and `decimals` mean something; `set` with an amount too."""

MOST_FIELDS: Final = 9
"""Kit writes at most 10 fields at once (API v4, "Update a subscriber"); one of them is the receipt."""

RESERVED_NAMES: Final = frozenset({"adjust", "import", "reconcile", "undo"})
"""Words the ledger uses in place of an operation's name."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of an operation on one field, with every limit that holds for it (the field's own are folded in)."""

    field: str
    action: Action
    amount: Decimal | None = None
    """The number of `increase`, `decrease`, `multiply`, `top-up`, of `set` to a number, and the days of `add-days`."""
    value: str | None = None
    """The text of `set` to a text, of `append`, and what `restore` puts back (None: empty)."""
    source: str | None = None
    """The field that `copy` reads; `from` in the registry."""
    formula: str | None = None
    expected: str | None = None
    """For `restore`: the value that must still be there; used only if `guarded`."""
    guarded: bool = False
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    beyond: Beyond = "refuse"
    blank: Decimal = Decimal(0)
    """What an empty field counts as, in actions that need a number."""
    decimals: int | None = None
    """Places of the result, half-up; None: as many as value or amount have."""
    sole_writer: bool = False
    """Whether nobody but ccops writes the field."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag in the CRM, by id; the name is for people."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class PostPlaces:
    """Where a POST has its contact and occasion, as dotted paths, and how it writes numbers, if not as usual."""

    contact: str | None = None
    occasion: str | None = None
    decimal: DecimalSign | None = None
    """The sign before the decimals of its amount; None if it has to be a point that can't be one between thousands."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A named rule of the registry. It is whole: nothing else of the registry is needed to plan it."""

    name: str
    changes: tuple[Change, ...]
    timezone: str
    """IANA name; periods and dates are taken in it."""
    description: str = ""
    once_per: Period | None = None
    tag: Tag | None = None
    after_run: AfterRun = "remove-tag"
    states: frozenset[State] = frozenset(STATES)
    tags_if_applied: tuple[str, ...] = ()
    tags_if_refused: tuple[str, ...] = ()
    post: PostPlaces = PostPlaces()
    amount_from_post: bool = False
    repeat_window: int = 600
    """Seconds."""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class FieldRules:
    """What holds for everything that writes a field; `[fields.NAME]` in the registry."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None
    blank: Decimal | None = None
    decimals: int | None = None
    sole_writer: bool = False
    label: str | None = None
    """Another name for the field on the command line."""


@dataclass(frozen=True, slots=True)
class Registry:
    """All operations and field rules of one `operations.toml`."""

    timezone: str
    fields: Mapping[str, FieldRules] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)
