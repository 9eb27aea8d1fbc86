"""What `op list` and `op show` print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccops.cli.columns import Column
from ccops.cli.op.texts import as_json, details, does, tag_of
from ccops.cli.styles import Styled
from ccops.errors import Misconfigured
from ccops.text import shorten

if TYPE_CHECKING:
    from datetime import datetime

    from ccops.cli.console import Console
    from ccops.cli.session import Session
    from ccops.cli.styles import Style
    from ccops.operations.model import Operation
    from ccops.operations.plan import Plan, Refusal

_COLUMNS = (Column("OPERATION"), Column("WHAT IT DOES", wraps=True), Column("TRIGGER TAG"), Column("STATE"))
_TERM = 11


class ValueUnclear(Misconfigured):
    """A value to try an operation with, of a field that it does not read."""

    def __init__(self, text: str, operation: str, fields: Sequence[str]) -> None:
        self.mend = f"ccops op show {operation} --value {fields[0]}=95"
        known = ", ".join(fields)
        super().__init__(f"--value {shorten(text)} names none of the fields that {operation} reads: {known}.")


def show_all(console: "Console", operations: Sequence["Operation"], *, json: bool) -> None:
    """Print a line for each operation."""
    if json:
        for operation in operations:
            console.json_line(as_json(operation))
        return
    if not operations:
        console.note("No operations yet. Make the first one: ccops op add")
    rows = [
        (each.name, does(each), tag_of(each), Styled("paused", "doubt") if each.paused else "ready")
        for each in operations
    ]
    console.table(_COLUMNS, rows)


def show_one(session: "Session", name: str, values: Sequence[str], *, json: bool) -> None:
    """Print all that is to be known of an operation, and what would become of some values."""
    operation, console = session.operation(name), session.console
    trial = try_out(operation, values, session.clock.now()) if values else None
    if json:
        console.json_line(as_json(operation) | ({"preview": trial.json()} if trial else {}))
        return
    console.say(Styled(operation.name, "bold"), f": {operation.description}" if operation.description else "")
    for term, text in [*details(operation), ("history", f"ccops history --op {name}")]:
        _say_detail(console, term, text)
    for number, text in enumerate(trial.lines() if trial else []):
        _say_detail(console, "" if number else "would be", text, "bold")


def _say_detail(console: "Console", term: str, text: str, style: "Style | None" = None) -> None:
    for line in console.out.fit(text, taken=_TERM + 2):
        console.say(f"  {term:<{_TERM}}", Styled(line, style) if style else line)
        term = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """An operation tried on values that somebody gave."""

    before: Mapping[str, str | None]
    outcome: "Plan | Refusal"

    def lines(self) -> list[str]:
        """Say what would happen."""
        from ccops.operations.plan import Refusal

        if isinstance(self.outcome, Refusal):
            return [f"refused: {self.outcome.reason}"]
        changes = [f"{each.field} {_shown(each.before)} → {_shown(each.after)}" for each in self.outcome.changes]
        return [*changes, *([self.outcome.note] if self.outcome.note else [])]

    def json(self) -> dict[str, object]:
        """Return what would happen, for programs."""
        from ccops.operations.plan import Refusal

        if isinstance(self.outcome, Refusal):
            return {"status": "refused", "before": dict(self.before), "after": None, "reason": self.outcome.reason}
        after = {each.field: each.after for each in self.outcome.changes}
        return {"status": "previewed", "before": dict(self.before), "after": after, "reason": self.outcome.note}


def try_out(operation: "Operation", texts: Sequence[str], now: "datetime") -> Trial:
    """Plan an operation on values such as `95` or `credits=95`; fields that are not given are empty."""
    from ccops.operations.plan import fields_read, plan

    named = list(dict.fromkeys([*(change.field for change in operation.changes), *sorted(fields_read(operation))]))
    values: dict[str, str | None] = dict.fromkeys(named)
    for text in texts:
        field, value = _named(text, operation.name, named)
        values[field] = value
    return Trial(values, plan(operation, values, now))


def _named(text: str, operation: str, fields: Sequence[str]) -> tuple[str, str]:
    """Read `credits=95`; a bare value is that of the field which the operation changes first."""
    field, equals, value = text.partition("=")
    if not equals:
        return fields[0], text
    if field not in fields:
        raise ValueUnclear(text, operation, fields)
    return field, value


def _shown(value: str | None) -> str:
    return value or "(empty)"
