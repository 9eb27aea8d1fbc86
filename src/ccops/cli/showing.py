"""Outcomes as lines for people and as objects for programs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from ccops.cli.styles import Line, Part, Style, Styled, fold, width_of
from ccops.clock import iso
from ccops.engine.request import Outcome, OutcomeStatus
from ccops.engine.telling import outcome_of
from ccops.ledger.model import Entry, Origin
from ccops.operations.dates import local
from ccops.operations.periods import MONTHS
from ccops.report.words import change_text, entry_name
from ccops.text import clean

_STYLES: Final[dict[OutcomeStatus, Style]] = {
    "applied": "good",
    "repeated": "dim",
    "refused": "doubt",
    "failed": "bad",
    "parked": "bad",
    "open": "doubt",
    "left-out": "dim",
    "previewed": "bold",
}
_BELOW: Final = "    "
_BETWEEN: Final = 2
URGENT: Final[frozenset[OutcomeStatus]] = frozenset({"refused", "failed", "parked", "open"})
"""What `--quiet` still prints."""


def style_of(status: OutcomeStatus) -> Style:
    """Return how outcomes of a kind stand out."""
    return _STYLES[status]


def short_time(moment: datetime, timezone: str, now: datetime) -> str:
    """Write a moment in a zone: "22 Nov 14:20", with the year if it is another one than now."""
    there = local(moment, timezone)
    year = "" if there.year == local(now, timezone).year else f" {there.year}"
    return f"{there.day:2d} {MONTHS[there.month - 1][:3]}{year} {there:%H:%M}"


def moment_text(moment: datetime, timezone: str, now: datetime | None) -> str:
    """Write a moment for people at `now`; for programs (None), as ISO 8601 in UTC."""
    return iso(moment) if now is None else short_time(moment, timezone, now).strip()


def long_time(moment: datetime, timezone: str) -> str:
    """Write a moment in a zone to the second: "22 Nov 2026 14:20:07"."""
    there = local(moment, timezone)
    return f"{there.day} {MONTHS[there.month - 1][:3]} {there.year} {there:%H:%M:%S}"


def times_in(timezone: str) -> str:
    """Say where the times that are shown hold: "times: New York"."""
    return f"times: {timezone.rpartition('/')[2].replace('_', ' ')}"


def outcome_lines(outcome: Outcome, timezone: str, now: datetime, widths: tuple[int, int | None]) -> list[Line]:
    """Write an outcome on one line, or with what came out below the contact if that is too long for it.

    `widths` are those of the contact's name and of the line (None: a pipe, where it is always one).
    """
    of_name, of_line = widths
    # Cleaned before it is measured, and so that no tab in a value looks like the end of a column.
    who, text = clean(outcome_name(outcome)), clean(outcome_text(outcome, timezone, None if of_line is None else now))
    name = entry_name(outcome.entry)
    if of_line is None:
        return [(f"{who}\t{text}\t{name}",)]
    style, entry = _STYLES[outcome.status], Styled(name, "dim")
    for room in (of_name, 0):
        left = who + " " * (max(room - width_of(who), 0) + 3)
        gap = of_line - width_of(left + text) - len(name)
        if gap >= (_BETWEEN if name else 0):
            return [(left, Styled(text, style), " " * (gap if name else 0), entry)]
    *below, last = fold(text, of_line - len(_BELOW) - (len(name) + _BETWEEN if name else 0))
    gap = max(of_line - width_of(_BELOW + last) - len(name), _BETWEEN) if name else 0
    lines: list[Line] = [(who,), *((_BELOW, Styled(line, style)) for line in below)]
    return [*lines, (_BELOW, Styled(last, style), " " * gap, entry)]


def outcome_name(outcome: Outcome) -> str:
    """Name the contact of an outcome."""
    return str(outcome.email or outcome.who)


def outcome_object(outcome: Outcome, run: int | None, origin: Origin, now: datetime) -> Mapping[str, object]:
    """Return the object that `--json` prints for an outcome; scripts depend on its keys."""
    entry = outcome.entry
    shown_run = entry.run if entry is not None else run
    return {
        "entry": entry_name(entry) or None,
        "run": None if shown_run is None else f"r{shown_run}",
        "operation": outcome.operation,
        "contact": {"id": outcome.contact, "email": outcome.email},
        "occasion": outcome.occasion,
        "status": outcome.status,
        "before": outcome.before,
        "after": outcome.after,
        "reason": outcome.reason,
        "note": origin.note if entry is None else entry.note,
        "by": origin.by if entry is None else entry.by,
        "via": origin.via if entry is None else entry.via,
        "undoes": None if entry is None else entry_name(entry.undoes) or None,
        "at": iso(now if entry is None else entry.moment),
    }


def entry_status(entry: Entry) -> str:
    """Return an entry's status in the words of `--json`, or that it is undone."""
    return "undone" if entry.status == "undone" else outcome_of(entry, None).status


def entry_object(entry: Entry, email: str | None) -> Mapping[str, object]:
    """Return the same object for an entry of the ledger, which may be undone as well."""
    told = outcome_object(outcome_of(entry, email), None, Origin(entry.by, entry.via, entry.note), entry.moment)
    return {**told, "status": entry_status(entry)}


def entry_text(entry: Entry) -> str:
    """Say on one line what an entry changed, or what became of it."""
    outcome = outcome_of(entry, None)
    if entry.status == "undone":
        outcome = replace(outcome, status="applied")
    return outcome_text(outcome, "UTC", entry.moment)


def entry_part(entry: Entry) -> Part:
    """Return the same, standing out if it is not a plain change that holds."""
    text = entry_text(entry)
    match entry.status:
        case "applied":
            return text
        case "undone":
            return Styled(text, "dim")
        case _:
            return Styled(text, _STYLES[outcome_of(entry, None).status])


def outcome_text(outcome: Outcome, timezone: str, now: datetime | None) -> str:
    """Say on one line what came out, and why; with times as `moment_text` writes them."""
    change = change_text(outcome.before, outcome.after)
    reason = outcome.reason or ""
    match outcome.status:
        case "applied" | "previewed":
            change = change or "no field was changed"  # it was counted as done by a take-over, or that was undone
            return f"{change} ({reason})" if reason else change
        case "repeated":
            return reason if outcome.doubled else _repeated(outcome, change, timezone, now)
        case "parked":
            return f"needs you: {reason}"
        case "open":
            return f"open: {reason or 'begun, and its outcome is not known yet'}"
        case "left-out":
            return f"left out: {reason}"
        case _:
            return f"{outcome.status}: {reason}"


def _repeated(outcome: Outcome, change: str, timezone: str, now: datetime | None) -> str:
    """Say when it was done before, and what that was."""
    entry, reason = outcome.entry, outcome.reason or ""
    when = "" if entry is None else f", {moment_text(entry.moment, timezone, now)}"
    told = change or reason or (entry.note if entry else None) or ""
    return f"already done{when}: {told} ({reason})" if change and reason else f"already done{when}: {told}"
