"""An operation in words."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Final

from ccops.operations.describe import describe_change
from ccops.operations.model import STATES, Change, Operation, Period
from ccops.operations.numbers import plain

ONCE: Final[Mapping[Period, str]] = {
    "day": "once a day",
    "week": "once a week",
    "month": "once a month",
    "quarter": "once a quarter",
    "year": "once a year",
    "ever": "once and never again",
}
"""How often an operation counts for one contact, in words."""
_MINUTE: Final = 60
_WINDOW: Final = 600


def does(operation: Operation) -> str:
    """Say in one line what an operation does: "credits +10, at most 120, once a month"."""
    changes = "; ".join(_change(change) for change in operation.changes)
    return f"{changes}, {ONCE[operation.once_per]}" if operation.once_per else changes


def _change(change: Change) -> str:
    text = describe_change(change)
    return f"{text} (stops there)" if change.beyond == "clamp" and "at " in text else text


def tag_of(operation: Operation) -> str:
    """Name the trigger tag; a dash if there is none."""
    return operation.tag.name if operation.tag else "-"


def details(operation: Operation) -> Iterator[tuple[str, str]]:
    """Say all that is worth saying about an operation, as headings and lines."""
    for number, change in enumerate(operation.changes):
        yield ("" if number else "changes"), _change(change)
    if operation.once_per:
        yield "once per", f"{operation.once_per}, in the time zone {operation.timezone}"
    yield "tag", _tag(operation)
    if len(operation.states) < len(STATES):
        yield "contacts", f"only {', '.join(state for state in STATES if state in operation.states)}"
    yield from _follow_up(operation)
    yield from _posts(operation)
    if operation.paused:
        yield "paused", "tags and POSTs wait, nothing is lost"


def _tag(operation: Operation) -> str:
    if operation.tag is None:
        return f"none; to start it from Kit: ccops tag create {operation.name}"
    after = "taken off after each run" if operation.after_run == "remove-tag" else "left on"
    return f'"{operation.tag.name}" ({operation.tag.id}), {after}'


def _follow_up(operation: Operation) -> Iterator[tuple[str, str]]:
    if operation.tags_if_applied:
        yield "then adds", f"{_quoted(operation.tags_if_applied)} if applied"
    if operation.tags_if_refused:
        yield "" if operation.tags_if_applied else "then adds", f"{_quoted(operation.tags_if_refused)} if refused"


def _posts(operation: Operation) -> Iterator[tuple[str, str]]:
    said = ["names the amount"] if operation.amount_from_post else []
    said += [f"contact in {operation.post.contact}"] if operation.post.contact else []
    said += [f"occasion in {operation.post.occasion}"] if operation.post.occasion else []
    said += [f'"{operation.post.decimal}" before decimals'] if operation.post.decimal else []
    if operation.repeat_window != _WINDOW:
        said.append(f"again within {_span(operation.repeat_window)} counts once")
    if said:
        yield "a POST", "; ".join(said)


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _span(seconds: int) -> str:
    whole, rest = divmod(seconds, _MINUTE)
    return f"{seconds} s" if rest else f"{whole} min"


def as_json(operation: Operation) -> dict[str, object]:
    """Return an operation for programs; numbers are texts, as they are in Kit's fields."""
    return {
        "operation": operation.name,
        "description": operation.description,
        "does": does(operation),
        "changes": [_change_json(change) for change in operation.changes],
        "once_per": operation.once_per,
        "timezone": operation.timezone,
        "tag": {"id": operation.tag.id, "name": operation.tag.name} if operation.tag else None,
        "after_run": operation.after_run,
        "states": [state for state in STATES if state in operation.states],
        "tags_if_applied": list(operation.tags_if_applied),
        "tags_if_refused": list(operation.tags_if_refused),
        "post": asdict(operation.post),
        "amount_from_post": operation.amount_from_post,
        "repeat_window": operation.repeat_window,
        "paused": operation.paused,
    }


def _change_json(change: Change) -> dict[str, object]:
    return {
        "field": change.field,
        "action": change.action,
        "amount": _number(change.amount),
        "value": change.value,
        "from": change.source,
        "formula": change.formula,
        "minimum": _number(change.minimum),
        "maximum": _number(change.maximum),
        "beyond": change.beyond,
        "blank": _number(change.blank),
        "decimals": change.decimals,
    }


def _number(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
