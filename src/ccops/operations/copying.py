"""The copy of its operation that an entry keeps, as JSON, so that editing the registry changes nothing begun."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, get_args

from ccops.errors import LedgerUnusable
from ccops.operations.model import Action, Change, Operation, PostPlaces, Tag

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
