"""The keys of `operations.toml` as tables, from the shape that every registry is checked against."""

from collections.abc import Callable, Iterable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from docs import reading
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ccops.cli.commands.op_options import _OPTIONAL
from ccops.config.schema import (
    INNER_TABLES,
    LIMIT_KEYS,
    MOST_PLACES,
    STEPS,
    Days,
    FieldKey,
    FieldTable,
    NotNegative,
    Number,
    OperationName,
    OperationsFileTable,
    OperationTable,
    Places,
    Positive,
    PostPath,
    Seconds,
    StrictTable,
)
from ccops.operations.model import REGISTRY_ACTIONS

_WORDS: Final = (
    (Positive, "a number above 0"),
    (NotNegative, "a number, 0 or more"),
    (Days, "a whole number"),
    (Number, "a number"),
    (Places, f"a whole number, 0 to {MOST_PLACES}"),
    (FieldKey, "a field's key or label"),
    (OperationName, "a text"),
    (PostPath, "a path such as `a.b.c`"),
    (Seconds, "a time such as `10m`"),
    (bool, "`true` or `false`"),
    (str, "a text"),
    (int, "a whole number"),
)
"""Narrower ones first."""


def top() -> Iterator[str]:
    """Write the keys at the top of the file."""
    yield from _table(OperationsFileTable)


def fields() -> Iterator[str]:
    """Write the keys of `[fields.KEY]`."""
    yield from _table(FieldTable)


def operations() -> Iterator[str]:
    """Write the keys of `[operations.NAME]` that say nothing of the change itself."""
    yield from _table(OperationTable, option=_option)


def inner() -> Iterator[str]:
    """Write the keys of the tables within an operation's."""
    for name, table in INNER_TABLES.items():
        yield from (f"`{name}`:", "", *_table(table), "")


def actions() -> Iterator[str]:
    """Write what each action does, and the keys that it needs."""
    yield from _rows(("action", "what it does", "keys"), map(_action, REGISTRY_ACTIONS))


def _action(action: str) -> tuple[str, str, str]:
    table = STEPS[action]
    own = [name for name in table.model_fields if name not in {"field", "action", *LIMIT_KEYS}]
    texts, hints = reading.attributes(table), _hints(table)
    keys = [f"`{_key(table, name)}` ({_words(hints[name])}): {texts[name]}" for name in own]
    return f"`{action}`", (table.__doc__ or "").strip(), " ".join(keys) or "none"


def _table(table: type[StrictTable], option: Callable[[str], str] | None = None) -> Iterator[str]:
    texts, hints = reading.attributes(table), _hints(table)
    head = ("key", "value", "what it means", *(("option",) if option else ()))
    rows = []
    for name, field in table.model_fields.items():
        meaning = f"{texts[name]}{_default(name, field)}"
        rows.append((f"`{_key(table, name)}`", _words(hints[name]), meaning, *((option(name),) if option else ())))
    yield from _rows(head, rows)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(row)} |"


def _option(key: str) -> str:
    given = [f"`--{option.replace('_', '-')}`" for option, sets in _OPTIONAL.items() if sets == key]
    return ", ".join(given)


def _hints(table: type[StrictTable]) -> dict[str, Any]:
    return get_type_hints(table, include_extras=True)


def _key(table: type[StrictTable], name: str) -> str:
    return table.model_fields[name].alias or name


def _default(name: str, field: FieldInfo) -> str:
    if name == "changes":
        return " For one change, its keys stand here instead."
    if field.default is PydanticUndefined:
        return " Needed."
    if isinstance(field.default, str) and field.default:
        return f" Unless set: `{field.default}`."
    return ""


def _words(hint: Any) -> str:
    """Say in words what a value has to be."""
    known = next((words for kind, words in _WORDS if hint == kind), None)
    if known:
        return known
    origin, args = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _words(next(each for each in args if each is not NoneType))
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in args)
    if origin is list:
        each = _words(args[0])
        return f"a list of {each[2:]}s" if each.startswith("a ") else f"a list of {each}"
    if origin is Annotated:
        return _words(args[0])
    return "tables" if origin is dict else "a table"
