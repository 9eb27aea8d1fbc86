"""Operations as data: what is changed, within which limits, and what starts it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from ccops.errors import LedgerUnusable

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
class OperationsFile:
    """All operations and field rules of one `operations.toml`."""

    timezone: str
    fields: Mapping[str, FieldRules] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)


# ---- operations and formulas with the keys that fields have now in place of those that they had

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def with_fields(operation: Operation, names: Mapping[str, str]) -> Operation:
    """Return an operation that reads and writes its fields under their new keys."""
    return replace(operation, changes=tuple(_changed(change, names) for change in operation.changes))


def formula_with_fields(formula: str, names: Mapping[str, str]) -> str:
    """Return a formula that reads its fields under their new keys; all else stays as it is written."""
    return _WORD.sub(lambda word: names.get(word[0], word[0]), formula)


def _changed(change: Change, names: Mapping[str, str]) -> Change:
    return replace(
        change,
        field=names.get(change.field, change.field),
        source=None if change.source is None else names.get(change.source, change.source),
        formula=None if change.formula is None else formula_with_fields(change.formula, names),
    )


# ---- the copy of its operation that an entry keeps, as JSON, so that editing the registry changes nothing begun

_Readers = Mapping[str, Callable[[Any], object]]

_last: tuple[Operation, str] | None = None


class CopyUnreadable(LedgerUnusable):
    """An entry's copy of its operation can't be read: the ledger is damaged, or a newer ccops wrote it."""

    mend = "use the ccops that wrote the ledger, or a backup: ccops restore FILE"

    def __init__(self, fault: Exception) -> None:
        super().__init__(f"an entry's copy of its operation can't be read ({type(fault).__name__})")


def to_json(operation: Operation) -> str:
    """Write an operation down whole: a default that changes later must not change what was begun.

    The last one is kept, as thousands of contacts in a row get the same; known by its identity, since 10 equals 10.0.
    """
    global _last  # noqa: PLW0603 - a pair that is replaced whole, so threads may share it
    if _last is None or _last[0] is not operation:
        text = json.dumps(asdict(operation), default=_plain, ensure_ascii=False, separators=(",", ":"))
        _last = (operation, text)
        return text
    return _last[1]


@lru_cache(maxsize=128)
def from_json(text: str) -> Operation:
    """Read a copy; unknown keys are passed over, missing ones have their defaults. Raises CopyUnreadable."""
    try:
        return Operation(**_known(Operation, json.loads(text), _OPERATION))
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as fault:
        raise CopyUnreadable(fault) from fault


def _plain(value: object) -> str | list[str]:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _known(kind: type[Operation | Change | Tag | PostPlaces], found: Any, readers: _Readers) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: readers.get(name, _as_it_is)(value) for name, value in found.items() if name in names}


def _as_it_is(value: Any) -> object:
    return value


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def _action(value: Any) -> object:
    # The one word that must be known: guessing at it would change a field in a way nobody asked for.
    if value not in get_args(Action):
        raise ValueError(value)
    return value


def _changes(value: Any) -> tuple[Change, ...]:
    return tuple(Change(**_known(Change, change, _CHANGE)) for change in value)


def _tag(value: Any) -> Tag | None:
    return None if value is None else Tag(**_known(Tag, value, {}))


def _post(value: Any) -> PostPlaces:
    return PostPlaces(**_known(PostPlaces, value, {}))


_CHANGE: Final[_Readers] = {
    "action": _action,
    "amount": _decimal,
    "minimum": _decimal,
    "maximum": _decimal,
    "blank": _decimal,
}
_OPERATION: Final[_Readers] = {
    "changes": _changes,
    "tag": _tag,
    "states": frozenset,
    "tags_if_applied": tuple,
    "tags_if_refused": tuple,
    "post": _post,
}
