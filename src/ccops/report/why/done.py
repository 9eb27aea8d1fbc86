"""Rules about what was done: once, twice, with another amount, or taken back since."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from ccops.ledger.model import Entry
from ccops.operations.copying import from_json
from ccops.operations.describe import describe_change
from ccops.operations.model import Change
from ccops.report.why.answer import Answer, again, changed, command, occasion, undo, when
from ccops.report.why.case import Case
from ccops.text import clean

_CLOSE: Final = timedelta(days=1)
"""Two occasions so close to one another may have been meant as one."""


def is_undone(case: Case) -> Answer | None:
    """It was done and taken back."""
    entry = case.present
    if entry is None or entry.status != "undone":
        return None
    taken = case.entry(entry.undone_by)
    if taken is None:
        why = f"{_done(entry, case)} was taken back since by e{entry.undone_by}."
        return Answer("undone", why, "See how", (command("history", f"e{entry.undone_by}"),), entry)
    note = f' ("{clean(taken.note)}")' if taken.note else ""
    why = f"{_done(entry, case)} was taken back {when(taken.moment, case)} by {clean(taken.by)}{note}, e{taken.id}."
    if entry.reopened:
        return Answer("undone", why, "Its occasion may run again", (again(entry, case),), entry)
    return Answer("undone", why, "Bring it back", (undo(taken, "taken back by mistake"),), entry)


def is_twice(case: Case) -> Answer | None:
    """Two occasions of the same operation were close to one another."""
    applied = [entry for entry in case.entries if entry.undoes is None and entry.status == "applied"]
    if case.period is not None or len(applied) < 2 or applied[0] != case.present:  # noqa: PLR2004 - two are twice
        return None
    late, early = applied[:2]
    if late.at - early.at > _CLOSE:
        return None
    why = f"It ran for two occasions: {_done(early, case)}, and {_done(late, case)}."
    return Answer("twice", why, "If both are one, take the second back", (undo(late, "the same counted twice"),), late)


def is_other_amount(case: Case) -> Answer | None:
    """It was done with an amount that is not the operation's (any more)."""
    entry, operation = case.present, case.operation
    if entry is None or operation is None or entry.status != "applied":
        return None
    then = from_json(entry.copy).changes
    if _essence(then) == _essence(operation.changes):
        return None
    asked = " as it was asked for" if entry.asked else ""
    why = f"{_done(entry, case)} was {_described(then)}{asked}; the operation is {_described(operation.changes)}."
    mend = (undo(entry, "wrong amount", "--reopen"), again(entry, case))
    return Answer("other-amount", why, "If that was wrong, take it back and do it again", mend, entry)


def is_applied(case: Case) -> Answer | None:
    """It was done."""
    entry = case.present
    if entry is None or entry.status != "applied":
        return None
    limit = f" ({clean(entry.reason)})" if entry.reason else ""
    why = f"It was done: {_done(entry, case)}{limit}, by {clean(entry.by)} via {entry.via}."
    if entry.reason and not entry.was_adopted:
        see = command("history", f"e{entry.id}") if case.operation is None else command("op", "show", case.name)
        return Answer("applied", why, "See its limits", (see,), entry)
    return Answer("applied", why, "Take it back", (undo(entry, "given by mistake"),), entry)


def _done(entry: Entry, case: Case) -> str:
    return f"e{entry.id} ({when(entry.moment, case)}, {occasion(entry, case)}, {changed(entry)})"


def _described(changes: Sequence[Change]) -> str:
    return ", ".join(map(describe_change, changes))


def _essence(changes: Sequence[Change]) -> list[tuple[object, ...]]:
    """Return what changes do, without their limits."""
    return [(each.field, each.action, each.amount, each.value, each.source, each.formula) for each in changes]
