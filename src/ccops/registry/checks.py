"""What has to hold between the tables of a registry, looked at in the raw data so that no other mistake hides it."""

import re
from collections.abc import Iterator
from typing import Any, Final

from ccops.operations.model import RESERVED_NAMES
from ccops.registry.document import Document
from ccops.registry.faults import did_you_mean, nearest, suggest
from ccops.registry.lines import Keys
from ccops.registry.schema import RegistryTable, keys_of
from ccops.registry.values import FIELD_KEY, RECEIPT_FIELD, as_key
from ccops.text import folded, shorten

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
    known = keys_of(RegistryTable)
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
