"""What has to hold between the tables of a registry, looked at in the raw data so that no other mistake hides it."""

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import ValidationError

from ccops.config.errors import did_you_mean, nearest, suggest
from ccops.config.schema import (
    FIELD_KEY,
    INNER_TABLES,
    LIMIT_KEYS,
    OPERATION_KEYS,
    RECEIPT_FIELD,
    STEP_KEYS,
    STEPS,
    Append,
    ChangeStep,
    Compute,
    Copy,
    LimitKeys,
    OperationsFileTable,
    OperationTable,
    Put,
    StrictTable,
    as_key,
    keys_of,
    shown,
)
from ccops.config.toml_document import Document, Keys
from ccops.operations.model import NUMBER_ACTIONS, REGISTRY_ACTIONS, RESERVED_NAMES, Change, FieldRules
from ccops.operations.numbers import NotANumber, parse_number, plain
from ccops.text import folded, shorten

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

OPERATION_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MACHINE_ZONES: Final = frozenset({"localtime", "Factory"})


def tables(value: object) -> dict[str, dict[str, Any]]:
    """Return the tables within a table; nothing, if it is none."""
    return {key: inner for key, inner in value.items() if isinstance(inner, dict)} if isinstance(value, dict) else {}


def check_between(document: Document) -> None:
    """Note all that is wrong with the top of the file, with names, and between operations."""
    _check_top(document)
    _check_zone(document)
    _check_names(document)
    _check_fields(document)
    _check_tags(document)


def _check_top(document: Document) -> None:
    known = keys_of(OperationsFileTable)
    for key, value in document.data.items():
        if key not in known:
            document.fault((key,), f"{shorten(key)} is not a key{did_you_mean(key, known)}")
        elif key != "timezone" and not isinstance(value, dict):
            document.fault((key,), f'"{key}" must be a table')
    for group in ("fields", "operations"):
        inner = document.data.get(group)
        for key, value in inner.items() if isinstance(inner, dict) else ():
            if not isinstance(value, dict):
                document.fault((group, key), f"{shorten(key)} must be a table, [{group}.NAME]")


def _check_zone(document: Document) -> None:
    zone = document.data.get("timezone")
    if zone is None:
        document.fault(("timezone",), '"timezone" is missing; it is a name such as "America/New_York"')
    elif not isinstance(zone, str):
        document.fault(("timezone",), '"timezone" must be a text in quotes, such as "America/New_York"')
    elif not zone_exists(zone):
        document.fault(("timezone",), f"{shorten(zone)} is not a time zone{_as_zone(zone)}")


def zone_exists(name: str) -> bool:
    """Tell whether the tz database has this name; one that means "as the machine" does not count."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return name not in _MACHINE_ZONES


def _as_zone(text: str) -> str:
    from zoneinfo import available_timezones

    zones = sorted(available_timezones() - _MACHINE_ZONES)
    named = text.strip().replace(" ", "_")
    cities = (zone for zone in zones if zone.rpartition("/")[2].casefold() == named.casefold())
    return suggest(next(cities, None) or nearest(named, zones))


def _check_names(document: Document) -> None:
    for name in tables(document.data.get("operations")):
        if name in RESERVED_NAMES:
            document.fault(("operations", name), f'"{name}" is a word of ccops itself; choose another name')
        elif not OPERATION_NAME.fullmatch(name):
            document.fault(("operations", name), f"{shorten(name, 64)} is no name for an operation{_as_name(name)}")


def _as_name(text: str) -> str:
    guess = re.sub(r"[^a-z0-9_]+", "-", text.casefold()).strip("-_")[:64]
    return f' (1 to 64 of a-z, 0-9, - and _); did you mean "{guess}"?' if guess else " (1 to 64 of a-z, 0-9, - and _)."


def _check_fields(document: Document) -> None:
    fields = tables(document.data.get("fields"))
    owners: dict[str, str] = {}
    for key, rules in fields.items():
        if key == RECEIPT_FIELD:
            document.fault(("fields", key), "ccops keeps its own receipts there; no rules are needed")
        elif not FIELD_KEY.fullmatch(key):
            document.fault(("fields", key), f"{shorten(key)} is not a field's key (a-z, 0-9, _){as_key(key)}")
        label = rules.get("label")
        if isinstance(label, str):
            _check_label(document, key, label, owners.setdefault(folded(label), key))


def _check_label(document: Document, key: str, label: str, owner: str) -> None:
    where: Keys = ("fields", key, "label")
    if owner != key:
        document.fault(where, f"{shorten(label)} is the label of [fields.{owner}] already")
    elif label != key and label in tables(document.data.get("fields")):
        document.fault(where, f"{shorten(label)} is the key of another field")


def _check_tags(document: Document) -> None:
    """Refuse a tag that is bound twice, and follow-up tags that would start an operation."""
    names: dict[str, str] = {}
    ids: dict[int, str] = {}
    for operation, number, name in _bound(document):
        where: Keys = ("operations", operation, "tag")
        by_id = ids.setdefault(number, operation) if isinstance(number, int) else operation
        by_name = names.setdefault(_folded(name), operation) if isinstance(name, str) else operation
        if by_id != operation:
            document.fault(where, f'tag {number} is bound to "{by_id}" already')
        elif by_name != operation:
            document.fault(where, f'tag {shorten(str(name))} is bound to "{by_name}" already')
    for keys, name in _follow_ups(document):
        if owner := names.get(_folded(name)):
            document.fault(keys, f'{shorten(name)} is the trigger tag of "{owner}"; an operation can\'t start another')


def _bound(document: Document) -> Iterator[tuple[str, object, object]]:
    for operation, keys in tables(document.data.get("operations")).items():
        if isinstance(tag := keys.get("tag"), dict):
            yield operation, tag.get("id"), tag.get("name")


def _follow_ups(document: Document) -> Iterator[tuple[Keys, str]]:
    for operation, keys in tables(document.data.get("operations")).items():
        for key in ("tags_if_applied", "tags_if_refused"):
            listed = keys.get(key)
            for place, name in enumerate(listed if isinstance(listed, list) else []):
                if isinstance(name, str):
                    yield ("operations", operation, key, place), name


def _folded(tag: str) -> str:
    """Kit ignores the case of letters in tag names, and blanks around them."""
    return folded(tag)


# ---- pydantic's findings, said to the person who wrote the file

T = TypeVar("T", bound=StrictTable)

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


def _sentence(find: "ErrorDetails", where: "Keys", action: str | None, table: type[StrictTable]) -> str:
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


def _known(table: type[StrictTable], where: "Keys", action: str | None) -> Collection[str]:
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


# ---- one change with every limit that holds for it, and what can't hold among them

LimitFinding = tuple[str, str]
"""The key that is wrong, and the sentence."""

_NEVER_NUMBERS: Final = frozenset({"append", "add-days", "stamp"})


def is_number(step: ChangeStep) -> bool:
    """Tell whether the result of a change is a number, so that limits mean something."""
    return step.action in NUMBER_ACTIONS or (isinstance(step, Put) and step.amount is not None)


def fold(step: ChangeStep, table: OperationTable, rules: FieldRules) -> Change:
    """Return a change that is whole: the tighter limit wins, else the change's own, the operation's, the field's."""
    own, shared = _own(step), table if is_number(step) else LimitKeys()
    blanks = (own.blank, shared.blank, rules.blank, Decimal(0))
    places = (own.decimals, shared.decimals, rules.decimals)
    return Change(
        field=step.field,
        action=step.action,
        amount=getattr(step, "amount", None),
        value=step.value if isinstance(step, Put | Append) else None,
        source=step.source if isinstance(step, Copy) else None,
        formula=step.formula if isinstance(step, Compute) else None,
        minimum=max(_given(own.minimum, shared.minimum, rules.minimum), default=None),
        maximum=min(_given(own.maximum, shared.maximum, rules.maximum), default=None),
        beyond=own.beyond or shared.beyond or "refuse",
        blank=_given(*blanks)[0],
        decimals=next((count for count in places if count is not None), None),
        sole_writer=rules.sole_writer,
    )


def _own(step: ChangeStep) -> LimitKeys:
    return step if isinstance(step, LimitKeys) else LimitKeys()


def _given(*numbers: Decimal | None) -> list[Decimal]:
    return [number for number in numbers if number is not None]


def findings(step: ChangeStep, change: Change, rules: FieldRules) -> Iterator[LimitFinding]:
    """Say what can't hold within one change."""
    if isinstance(step, Put):
        yield from _put(step)
    if isinstance(step, Copy) and step.source == step.field:
        yield "from", f'"from" is the field itself, "{step.field}"'
    if isinstance(step, Compute):
        yield from _formula(step.formula)
    low, high = change.minimum, change.maximum
    if low is not None and high is not None and low > high:
        yield from _crossed(change, low, high, rules)
    else:
        yield from _out_of_reach(step, change)


def _put(step: Put) -> Iterator[LimitFinding]:
    if step.amount is None and step.value is None:
        yield "amount", '"set" needs "amount" (a number) or "value" (a text)'
    elif step.amount is not None and step.value is not None:
        yield "value", '"set" takes "amount" (a number) or "value" (a text), not both'
    elif step.value is not None:
        for key in sorted(LIMIT_KEYS & step.model_fields_set):
            yield key, f'"{key}" means nothing where a text is set'


def _formula(text: str) -> Iterator[LimitFinding]:
    from ccops.operations.formula import FormulaFault, compile_formula

    try:
        names = compile_formula(text).fields
    except FormulaFault as fault:
        yield "formula", f"{shorten(text)}: {fault}"
        return
    for name in sorted(names):
        if not FIELD_KEY.fullmatch(name):
            yield "formula", f"{shorten(name)} is not a field's key (a-z, 0-9, _){as_key(name)}"


def _crossed(change: Change, low: Decimal, high: Decimal, rules: FieldRules) -> Iterator[LimitFinding]:
    if (low, high) == (rules.minimum, rules.maximum):
        return  # told of the field already
    of_field = f" (of [fields.{change.field}])"
    lower = f"minimum {plain(low)}{of_field if low == rules.minimum else ''}"
    upper = f"maximum {plain(high)}{of_field if high == rules.maximum else ''}"
    yield "maximum" if low == rules.minimum else "minimum", f"{lower} is above {upper}"


def _out_of_reach(step: ChangeStep, change: Change) -> Iterator[LimitFinding]:
    """Find results that the limits would always refuse."""
    if change.minimum is None and change.maximum is None:
        return
    ruled = f"[fields.{step.field}] has limits"
    if isinstance(step, Copy):
        yield "action", f'{ruled}, which "copy" does not look at; use action = "formula", formula = "{step.source}"'
    elif step.action in _NEVER_NUMBERS:
        yield "action", f'{ruled}, and "{step.action}" writes no number'
    elif isinstance(step, Put) and step.amount is None and step.value:
        try:
            yield from _beyond("value", parse_number(step.value, change.blank), change)
        except NotANumber as fault:
            yield "value", f"{ruled}, and {fault}"
    elif step.action in {"set", "top-up"} and change.amount is not None:
        yield from _beyond("amount", change.amount, change)


def _beyond(key: str, goal: Decimal, change: Change) -> Iterator[LimitFinding]:
    if change.maximum is not None and goal > change.maximum:
        yield key, f'"{change.action}" to {plain(goal)} is above the maximum of {plain(change.maximum)}'
    elif change.minimum is not None and goal < change.minimum:
        yield key, f'"{change.action}" to {plain(goal)} is below the minimum of {plain(change.minimum)}'
