"""The command that began a run, written anew from the words by which the run is known again."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Run
from ccops.ledger.queries import PeriodUse
from ccops.operations.dates import local
from ccops.operations.model import STATES, Operation, Period
from ccops.operations.periods import MONTHS, describe_period, period_bounds, period_key

_CARRIERS: Final = re.compile(r'for the carriers of "(.+)"')
"""How the title of a run names a tag, of which its words have only the id."""

Operations = Mapping[str, Operation]


def command_of(run: Run, operations: Operations) -> str | None:
    """Write the command that goes on with a run; None if its words don't tell all of it."""
    if run.words == run.title:  # a look for trigger tags
        return shlex.join(["ccops", run.title])
    try:
        words = json.loads(run.words)
        parts = list(_PARTS[words[0]](words[1:], run, operations))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None  # such as what came through a pipe, or what an older ccops wrote
    return shlex.join(["ccops", *parts])


def last_of_many(ledger: Ledger, operation: Operation) -> str | None:
    """Write the command that last ran an operation for many contacts, as it is meant now; else for those it named."""
    begin = json.dumps(["run", operation.name])[:-1]
    run = ledger.runs.last_beginning(f"{begin}, {{") or ledger.runs.last_beginning(f"{begin}, [")
    if run is None:
        return None
    words = json.loads(run.words)
    words[4] = words[6] = None  # the occasion of then, named by --key or --period
    return command_of(replace(run, words=json.dumps(words)), {operation.name: operation})


def _run(words: list[Any], run: Run, operations: Operations) -> Iterator[str]:
    name, whom, amount, key, once_per, period = words
    yield from ("run", name)
    yield from _whom(whom, run, operations.get(name))
    yield from _given("--amount", amount)
    yield from _given("--key", key and key.removeprefix("key:"))
    if once_per and (name not in operations or operations[name].once_per != once_per):
        yield from ("--once-per", once_per)
    elif isinstance(whom, dict) and not (once_per or key):
        yield from ("--once-per", "run")
    yield from _given("--period", period and period.partition(":")[2])


def _whom(whom: list[str] | dict[str, Any], run: Run, operation: Operation | None) -> Iterable[str]:
    if isinstance(whom, list):
        return whom
    usual = frozenset(STATES) if operation is None else operation.states
    states = frozenset(whom["states"])
    state = () if states == usual else ("--state", "active" if states == {"active"} else "all")
    if "tagged" in whom:
        named = _CARRIERS.search(run.title)
        return ("--tagged", named[1] if named else str(whom["tagged"]), *state)
    if "file" not in whom:
        return ("--all", *state)
    columns = [part for name, heading in whom.get("columns", ()) for part in ("--column", f"{heading}={name}")]
    return ("--file", _path(whom["file"]), *columns, *state)


def _adjust(words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    who, field, said, named = words
    action, amount = said.split(" ")
    yield from ("adjust", who, field, f"--{action}", amount)
    yield from _given("--key", named and named.partition(":key:")[2])


def _import(words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    mark, field, mapped, key = words
    yield from ("import", _path(mark), "--field", field)
    for column, heading in mapped:
        yield from ("--column", f"{heading}={column}")
    yield from _given("--key", key and key.removeprefix("key:"))


def _undo(words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    what, force, reopen = words
    yield "undo"
    yield from ("--run", what) if isinstance(what, str) else (f"e{number}" for number in what)
    yield from ["--force"] * force + ["--reopen"] * reopen


def _reconcile(words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    yield from ("reconcile", words[0], f"--{words[1]}")


def _serve(_words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    yield "serve"


_PARTS: Final = {
    "run": _run,
    "adjust": _adjust,
    "import": _import,
    "undo": _undo,
    "reconcile": _reconcile,
    "serve": _serve,
}


def _given(option: str, value: str | None) -> Iterable[str]:
    return (option, value) if value else ()


def _path(mark: str) -> str:
    """Return the path of a file. Raises ValueError for the mark of what came through a pipe."""
    if not mark.startswith("/"):
        raise ValueError(mark)
    return mark


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
