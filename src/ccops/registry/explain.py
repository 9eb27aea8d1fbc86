"""Pydantic's findings, said to the person who wrote the file."""

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import ValidationError

from ccops.operations.model import REGISTRY_ACTIONS
from ccops.registry.faults import did_you_mean, nearest
from ccops.registry.schema import INNER_TABLES, OPERATION_KEYS, STEP_KEYS, STEPS, Table, keys_of
from ccops.registry.values import shown
from ccops.text import shorten

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from ccops.registry.document import Document
    from ccops.registry.lines import Keys

T = TypeVar("T", bound=Table)

_ABSENT: Final = frozenset({"missing", "union_tag_not_found"})
_KINDS: Final[Mapping[str, str]] = {
    "string_type": "must be a text in quotes",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list in [ ]",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "greater_than": "must be more than 0",
}


def validated(table: type[T], keys: "Keys", data: Any, document: "Document", *, folded: bool = False) -> T | None:
    """Check one table and note all its faults; with unknown keys as its only ones it is returned all the same.

    `folded` says that `changes` was made from keys of the operation's own table.
    """
    try:
        return table.model_validate(data)
    except ValidationError as error:
        finds = error.errors(include_url=False)
    places = [(find, *_place(find, folded=folded)) for find in finds]
    meant = {
        (*where[:-1], nearest(str(where[-1]), _known(table, where, action)))
        for find, where, action in places
        if _unknown(find)
    }
    for find, where, action in places:
        if where not in meant or find["type"] not in _ABSENT:  # else the key is there, misspelt
            document.fault(keys + where, _sentence(find, where, action, table))
    if all(map(_unknown, finds)):
        return table.model_validate(_without(data, [find["loc"] for find in finds]))
    return None


def _unknown(find: "ErrorDetails") -> bool:
    return find["type"] == "extra_forbidden"


def _place(find: "ErrorDetails", *, folded: bool) -> tuple["Keys", str | None]:
    """Take the discriminating action out of a location, and put a single change where it was written."""
    loc = find["loc"]
    if loc[0] != "changes" or len(loc) == 1:
        return loc, None
    action = str(loc[2]) if len(loc) > 2 else None  # noqa: PLR2004 - changes, its number, the action
    tagged = ("action",) if find["type"].startswith("union_tag") else ()
    return (() if folded else loc[:2]) + loc[3:] + tagged, action


def _sentence(find: "ErrorDetails", where: "Keys", action: str | None, table: type[Table]) -> str:
    key = next((str(part) for part in reversed(where) if isinstance(part, str)), "")
    said = f'each of "{key}"' if isinstance(where[-1], int) else f'"{key}"'
    kind, context = find["type"], find.get("ctx", {})
    if kind == "said":
        return f"{said} {context['text']}"
    if _unknown(find):
        return _extra(key, action, _known(table, where, action))
    if kind in _ABSENT:
        return _missing(key, action)
    if kind == "union_tag_invalid":
        return f"{shorten(context['tag'])} is not an action{did_you_mean(context['tag'], REGISTRY_ACTIONS)}"
    if kind == "literal_error":
        return f"{said} {_choice(find['input'], context['expected'])}"
    return f"{said} {_KINDS.get(kind, 'can not be so')}, not {shown(find['input'])}"


def _extra(key: str, action: str | None, known: Collection[str]) -> str:
    if action and key in STEP_KEYS:
        return f'"{key}" means nothing for "{action}"'
    return f"{shorten(key)} is not a key{did_you_mean(key, known)}"


def _known(table: type[Table], where: "Keys", action: str | None) -> Collection[str]:
    if action:
        return keys_of(STEPS[action])
    if where[0] in INNER_TABLES and len(where) > 1:
        return keys_of(INNER_TABLES[str(where[0])])
    keys = keys_of(table)
    return OPERATION_KEYS if "changes" in keys else keys


def _missing(key: str, action: str | None) -> str:
    if key == "changes":
        return 'nothing says what it does: "field" and "action" are missing'
    if key == "action":
        return f'"action" is missing; it is one of {", ".join(REGISTRY_ACTIONS)}'
    return f'"{key}" is missing' + (f'; "{action}" needs it' if action else "")


def _choice(given: object, expected: str) -> str:
    guess = did_you_mean(given, re.findall(r"'([^']*)'", expected)) if isinstance(given, str) else "."
    choices = expected.replace("'", '"')
    return f"must be {choices}, not {shown(given)}{guess}"


def _without(data: Mapping[str, Any], locations: Collection["Keys"]) -> dict[str, Any]:
    """Copy a table, leaving out the keys at the locations."""
    gone = {loc[0] for loc in locations if len(loc) == 1}
    inner = {loc[0] for loc in locations if len(loc) > 1}
    return {
        key: _pruned(value, [loc[1:] for loc in locations if loc[0] == key]) if key in inner else value
        for key, value in data.items()
        if key not in gone
    }


def _pruned(value: Any, locations: Collection["Keys"]) -> Any:
    if isinstance(value, dict):
        return _without(value, locations)
    # a list of changes: behind each number stands the action, then the key
    return [_without(item, [loc[2:] for loc in locations if loc[0] == place]) for place, item in enumerate(value)]
