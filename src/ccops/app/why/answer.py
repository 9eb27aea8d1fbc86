"""What a rule answers, and how moments and entries are said in it."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ccops.app.why.facts import Case
from ccops.ledger.model import Entry
from ccops.operations.dates import local
from ccops.operations.occasion import describe_occasion
from ccops.operations.periods import MONTHS
from ccops.text import clean, shorten

REASON: Final = "--reason"


@dataclass(frozen=True, slots=True)
class Answer:
    """Why, in one sentence, and the commands that mend it, to be typed one after the other."""

    kind: str
    """Names the case for programs: `applied`, `left-out`, `waiting` and so on."""
    why: str
    lead: str = ""
    """What the commands are for: "Give them now"."""
    mend: tuple[str, ...] = ()
    entry: Entry | None = None


Rule = Callable[[Case], Answer | None]
"""Answers a case, or leaves it to the next rule."""


def command(*words: str) -> str:
    """Write a command that can be copied into a shell, whatever its words hold."""
    return " ".join(["ccops", *map(shlex.quote, words)])


def run_now(case: Case, *more: str) -> str:
    """Write the command that runs the operation for the contact; a one-off change is looked at instead."""
    if case.is_one_off:
        return command("history", case.person.name, "--op", case.name)
    return command("run", case.name, case.person.name, *more)


def undo(entry: Entry, reason: str, *more: str) -> str:
    """Write the command that takes an entry back."""
    return command("undo", f"e{entry.id}", *more, REASON, reason)


def when(moment: datetime, case: Case) -> str:
    """Say a moment in the registry's zone: "22 Nov 14:20", with the year if it is another one."""
    there = local(moment, case.timezone)
    year = "" if there.year == local(case.now, case.timezone).year else f" {there.year}"
    return f"{there.day} {MONTHS[there.month - 1][:3]}{year} {there:%H:%M}"


def changed(entry: Entry) -> str:
    """Say what an entry changed: "credits 5 → 15"."""
    before, after = entry.before or {}, entry.after or {}
    return ", ".join(f"{clean(key)} {_value(before[key])} → {_value(after.get(key))}" for key in before)


def occasion(entry: Entry, case: Case) -> str:
    """Say for what an entry was: "for November 2026", "tagged 22 Nov 14:01", "in run r31"."""
    root = entry.occasion.split(":", 2)[2] if entry.occasion.startswith("adjust:") else entry.occasion
    if root.startswith("run:"):
        return f"in run r{entry.run}"
    said = describe_occasion(root, case.timezone)
    return said if said.startswith(("for ", "tagged ")) else f"for {said}"


def again(entry: Entry, case: Case) -> str:
    """Write the command that runs the operation for the occasion of an entry once more."""
    kind, _, rest = entry.occasion.partition(":")
    if kind == "adjust" and entry.asked:
        return _adjusted_again(entry, case)
    if kind == "key":
        return run_now(case, "--key", rest)
    if kind == "tag" and case.waiting_tag is not None:
        return command("poll", case.name)
    if entry.occasion == entry.period and entry.period != case.period:
        return run_now(case, *(() if _is_rule(case) else ("--once-per", kind)), "--period", rest)
    if entry.occasion == entry.period and not _is_rule(case):
        return run_now(case, "--once-per", kind)
    return run_now(case)


def nothing(case: Case) -> str:
    """Begin a sentence about what did not happen."""
    return f"Nothing for {case.what}" if case.what else "Nothing was changed"


def _value(value: str | None) -> str:
    if not value:
        return "(empty)"
    return clean(value) if value.strip() else shorten(value)


def _adjusted_again(entry: Entry, case: Case) -> str:
    """Write an adjustment once more; what was asked stands in the entry as "add 10"."""
    _, field, root = entry.occasion.split(":", 2)
    word, _, amount = (entry.asked or "").partition(" ")
    key = ("--key", root.removeprefix("key:")) if root.startswith("key:") else ()
    return command("adjust", case.person.name, field, f"--{word}", amount, *key)


def _is_rule(case: Case) -> bool:
    """Tell whether the registry itself says that the operation counts by a period."""
    return case.operation is not None and case.operation.once_per is not None
