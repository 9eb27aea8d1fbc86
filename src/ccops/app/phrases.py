"""Entries in words, the same wherever people look at them."""

from collections.abc import Mapping
from typing import Final

from ccops.ledger.model import Entry, Values, Via
from ccops.operations.dates import local
from ccops.operations.occasion import describe_occasion, tagging_of
from ccops.text import shorten

_AUTOMATIC: Final[Mapping[Via, str]] = {"poll": "by poll", "webhook": "by webhook", "post": "by POST"}
"""What started something where no person did."""

SEND_AGAIN: Final = "mend it, then let the sender send it again"
"""What a person can do about a POST that came to nothing; no command does it."""


def need_you(count: int) -> str:
    """Say of so many that they need a person."""
    return "needs you" if count == 1 else "need you"


def entry_name(entry: Entry | int | None) -> str:
    """Write an entry's id: e4711."""
    if entry is None:
        return ""
    return f"e{entry if isinstance(entry, int) else entry.id}"


def change_text(before: Values | None, after: Values | None) -> str:
    """Write a change: "credits 5 → 15"."""
    if before is None or after is None:
        return ""
    return ", ".join(f"{key} {value_text(before[key])} → {value_text(after.get(key))}" for key in before)


def value_text(value: str | None) -> str:
    """Write a field's value; one of blanks only is quoted."""
    if not value:
        return "(empty)"
    return value if value.strip() else shorten(value)


def name_of(entry: Entry) -> str:
    """Name what an entry did: its operation, or that it took another entry back."""
    return entry.operation if entry.undoes is None else f"undo of {entry_name(entry.undoes)}"


def because(entry: Entry, timezone: str) -> str:
    """Say why an entry is there: its note, for what occasion, and who or what started it."""
    said = [f'"{entry.note}"'] if entry.note else []
    root = entry.occasion.split(":", 2)[2] if entry.occasion.startswith("adjust:") else entry.occasion
    by = _AUTOMATIC.get(entry.via, f"by {entry.by}")
    if root.startswith("run:"):
        return ", ".join([*said, by, f"run r{entry.run}"])
    if entry.undoes is None:
        words = _tagged(entry, timezone) or describe_occasion(root, timezone)
        said.append(words if words.startswith("for ") else f"for {words}")
    return ", ".join([*said, by])


def _tagged(entry: Entry, timezone: str) -> str | None:
    """Name a tagging by the hour alone, if it was on the entry's own day."""
    tagging = tagging_of(entry.occasion)
    if tagging is None:
        return None
    there = local(tagging.at, timezone)
    return f"tagged {there:%H:%M}" if there.date() == local(entry.moment, timezone).date() else None
