"""What `op list` and `op show` print."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ccops.cli.output import Styled, TableColumn
from ccops.errors import Misconfigured
from ccops.operations.model import STATES, Change, Operation, Period
from ccops.operations.numbers import plain
from ccops.operations.plan import describe_change
from ccops.text import shorten

if TYPE_CHECKING:
    from datetime import datetime

    from ccops.cli.context import Session
    from ccops.cli.output import Console, Style
    from ccops.operations.plan import Plan
    from ccops.operations.refusal import Refusal

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


# ---- what `op list` and `op show` print

_COLUMNS = (
    TableColumn("OPERATION"),
    TableColumn("WHAT IT DOES", wraps=True),
    TableColumn("TRIGGER TAG"),
    TableColumn("STATE"),
)
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
        from ccops.operations.refusal import Refusal

        if isinstance(self.outcome, Refusal):
            return [f"refused: {self.outcome.reason}"]
        changes = [f"{each.field} {_shown(each.before)} → {_shown(each.after)}" for each in self.outcome.changes]
        return [*changes, *([self.outcome.note] if self.outcome.note else [])]

    def json(self) -> dict[str, object]:
        """Return what would happen, for programs."""
        from ccops.operations.refusal import Refusal

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
