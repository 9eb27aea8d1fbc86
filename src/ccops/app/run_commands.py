"""The command that began a run, written anew from the words by which the run is known again."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ccops.ledger.commands import (
    AdjustCommand,
    Command,
    ImportCommand,
    PlainCommand,
    ReconcileCommand,
    RunCommand,
    Selection,
    UndoCommand,
    beginning_of,
    command_from,
)
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Run
from ccops.ledger.queries import PeriodUse
from ccops.operations.dates import local
from ccops.operations.model import STATES, Operation, Period
from ccops.operations.periods import MONTHS, describe_period, period_bounds, period_key

Operations = Mapping[str, Operation]


def command_of(run: Run, operations: Operations) -> str | None:
    """Write the command that goes on with a run; None if its words don't tell all of it."""
    command = command_from(run.words, run.tag or "")
    return None if command is None else _spelled(command, operations)


def last_of_many(ledger: Ledger, operation: Operation) -> str | None:
    """Write the command that last ran an operation for many contacts, as it is meant now; else for those it named."""
    begin = beginning_of(operation.name)
    named = f'{begin}"contacts":'
    run = ledger.runs.last_beginning(begin, unlike=named) or ledger.runs.last_beginning(begin)
    command = None if run is None else command_from(run.words, run.tag or "")
    if not isinstance(command, RunCommand):
        return None
    # Not the occasion of then, named by --key or --period.
    return _spelled(replace(command, key=None, period=None), {operation.name: operation})


def _spelled(command: Command, operations: Operations) -> str | None:
    """Spell a command for the command line; None if what it was given came through a pipe, or can't be given again."""
    match command:
        case RunCommand():
            words = _run(command, operations.get(command.operation))
        case AdjustCommand(contact, field, action, amount, occasion):
            key = _given("--key", occasion and occasion.partition(":key:")[2])
            words = ["adjust", contact, field, f"--{action}", amount, *key]
        case ImportCommand(file, field, columns, key):
            options = _given("--key", key and key.removeprefix("key:"))
            words = _with_file(file, "import", file, "--field", field, *_columns(columns), *options)
        case UndoCommand(run, entries, force, reopen):
            whom = [f"e{number}" for number in entries] if run is None else ["--run", run]
            words = ["undo", *whom, *["--force"] * force, *["--reopen"] * reopen]
        case ReconcileCommand(field, way):
            words = ["reconcile", field, f"--{way}"]
        case PlainCommand("poll" | "serve" as name):
            words = [name]
        case _:
            return None
    return shlex.join(["ccops", *words]) if words else None


def _run(command: RunCommand, operation: Operation | None) -> list[str]:
    usual = None if operation is None else operation.once_per
    once_per = _given("--once-per", command.once_per if command.once_per != usual else None)
    if not command.selection.is_named and not (command.once_per or command.key):
        once_per = ("--once-per", "run")
    whom = _whom(command.selection, operation)
    return whom and [
        "run",
        command.operation,
        *whom,
        *_given("--amount", command.amount),
        *_given("--key", command.key and command.key.removeprefix("key:")),
        *once_per,
        *_given("--period", command.period and command.period.partition(":")[2]),
    ]


def _whom(selection: Selection, operation: Operation | None) -> list[str]:
    if selection.is_named:
        return list(selection.contacts)
    usual = frozenset(STATES) if operation is None else operation.states
    states = frozenset(selection.states)
    state = () if states == usual else ("--state", "active" if states == {"active"} else "all")
    if selection.tagged is not None:
        return ["--tagged", selection.tag or str(selection.tagged), *state]
    if selection.everyone:
        return ["--all", *state]
    path = selection.file or ""
    return _with_file(path, "--file", path, *_columns(selection.columns), *state)


def _columns(columns: Iterable[tuple[str, str]]) -> list[str]:
    return [part for name, heading in columns for part in ("--column", f"{heading}={name}")]


def _with_file(mark: str, *words: str) -> list[str]:
    """Return the words if their file has a path; none for the mark of what came through a pipe."""
    return list(words) if mark.startswith("/") else []


def _given(option: str, value: str | None) -> Iterable[str]:
    return (option, value) if value else ()


# ---- grants that come once in a period: which have not come in the present one, and whether it ends soon

_SLACK: Final = timedelta(hours=1)
_NEAR_END: Final = 10
"""The last tenth of a period: 3 days of a month, 2 hours of a day."""


@dataclass(frozen=True, slots=True)
class Late:
    """An operation that nobody was granted in the present period, though somebody was in the one before."""

    operation: str
    period: str
    last: datetime
    """When it last came, by a run or an import."""
    ends: datetime
    near_end: bool
    """Whether little is left of the period."""
    timezone: str
    again: str | None = None
    """The command by which it last came to many."""

    def said(self, now: datetime) -> str:
        """Say it: "monthly-grant: nobody has November 2026 yet; last run 1 Oct; it ends in 2 days"."""
        text = f"{self.operation}: nobody has {describe_period(self.period)} yet"
        text += f"; last run {_day(self.last, self.timezone, now)}"
        return f"{text}; the time for it ends in {_span(self.ends - now)}" if self.near_end else text

    @property
    def mend(self) -> str:
        """The command that mends it; for whom, its owner knows if the ledger does not."""
        return self.again or f"ccops run {self.operation} …"


def late_grants(ledger: Ledger, operations: Iterable[Operation], now: datetime) -> Iterator[Late]:
    """Compare the present period of each operation that counts once in one with the period before.

    Only what runs and imports granted counts: a tag or a POST comes when it comes. A few reads of the ledger.
    """
    for operation in operations:
        if operation.once_per not in {None, "ever"} and not operation.paused:
            yield from _late(ledger, operation, now)


def warnings_near_end(ledger: Ledger, operations: Iterable[Operation], now: datetime) -> list[str]:
    """Say which operations nobody was granted though their period ends soon, each with the command that mends it."""
    soon = (operation for operation in operations if ends_soon(operation, now))
    return [f"{late.said(now)}: {late.mend}" for late in late_grants(ledger, soon, now)]


def ends_soon(operation: Operation, now: datetime) -> bool:
    """Tell whether the last tenth of an operation's present period has begun; nothing is read for it."""
    if operation.once_per in {None, "ever"} or operation.paused:
        return False
    assert operation.once_per is not None  # noqa: S101 - which mypy does not see
    return is_near_end(*period_bounds(period_key(operation.once_per, now, operation.timezone), operation.timezone), now)


def _late(ledger: Ledger, operation: Operation, now: datetime) -> Iterator[Late]:
    assert operation.once_per is not None  # noqa: S101 - the caller has looked
    present, before = periods_at(operation.once_per, now, operation.timezone)
    last = ledger.history.use_of(operation.name, before)
    if last is None or ledger.history.is_used(operation.name, present):
        return
    begin, ends = period_bounds(present, operation.timezone)
    near_end = is_near_end(begin, ends, now)
    if near_end or now >= expected(present, before, last, operation.timezone):
        again = last_of_many(ledger, operation)
        yield Late(operation.name, present, last.last, ends, near_end, operation.timezone, again)


def is_near_end(begin: datetime, end: datetime, now: datetime) -> bool:
    """Tell whether the last tenth of a period has begun."""
    return end - now <= (end - begin) / _NEAR_END


def periods_at(period: Period, now: datetime, timezone: str) -> tuple[str, str]:
    """Return the keys of the present period and of the one before."""
    present = period_key(period, now, timezone)
    begin, _ = period_bounds(present, timezone)
    return present, period_key(period, begin - timedelta(microseconds=1), timezone)


def expected(present: str, before: str, last: PeriodUse, timezone: str) -> datetime:
    """Return when the present period's grants are late: as far into it as those of the one before came, and a little.

    Grants that were caught up on later tell nothing; then they are late from the beginning.
    """
    begin, _ = period_bounds(present, timezone)
    earlier, _ = period_bounds(before, timezone)
    into = last.first - earlier
    return begin + into + _SLACK if into < begin - earlier else begin


def _day(moment: datetime, timezone: str, now: datetime) -> str:
    there, here = local(moment, timezone), local(now, timezone)
    year = "" if there.year == here.year else f" {there.year}"
    return f"{there.day} {MONTHS[there.month - 1][:3]}{year}"


def _span(left: timedelta) -> str:
    hours = left // timedelta(hours=1)
    if hours < 1:
        return "less than an hour"
    if hours < 2 * 24:
        return "1 hour" if hours == 1 else f"{hours} hours"
    return f"{hours // 24} days"
