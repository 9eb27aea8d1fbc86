"""One entry with all that is known of it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from ccops.app.phrases import change_text, entry_name, name_of
from ccops.cli.outcome_view import entry_object, entry_status, entry_text, long_time, times_in
from ccops.cli.output import Styled, TableColumn
from ccops.clock import iso
from ccops.ledger.model import Status
from ccops.operations.occasion import describe_occasion, refusal_uses_it_up
from ccops.operations.periods import describe_period
from ccops.operations.plan import describe_change
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.app.history import Whole
    from ccops.cli.context import Session
    from ccops.cli.output import Console
    from ccops.ledger.model import Entry
    from ccops.operations.refusal import Cause

_Line = tuple[str, str]
_CHANGE_COLUMNS: Final = (TableColumn("heading"), TableColumn("line"))
_TERM: Final = 11
_BECAME: "Final[Mapping[Status, str]]" = {
    Status.INTENDED: "open: begun, but nothing was sent yet",
    Status.SENDING: "open: it was sent, and what became of it is not known yet",
    Status.PARKED: "parked: it needs you",
}


def show_whole(session: "Session", whole: "Whole", *, json: bool) -> None:
    """Print an entry: headed lines on a terminal, `heading TAB line` with ISO times in a pipe."""
    console, timezone = session.console, session.registry.timezone
    if json:
        console.json_line({**entry_object(whole.entry, whole.email), **_more(whole)})
    elif console.out.is_terminal:
        console.heading(times_in(timezone))
        _print(console, _lines(whole, timezone, lambda moment: long_time(moment, timezone), session.spell))
    else:
        console.table(_CHANGE_COLUMNS, list(_lines(whole, timezone, iso, session.spell)))


def _print(console: "Console", lines: Iterator[_Line]) -> None:
    before = ""
    for term, line in lines:
        # What is indented is a command, which stays as it is.
        for piece in [line] if line.startswith(" ") else console.out.fit(clean(line), taken=_TERM):
            console.say(Styled(f"{'' if term == before else term:<{_TERM}}", "dim"), piece)
            before = term


def _lines(
    whole: "Whole", timezone: str, when: Callable[[datetime], str], spell: Callable[[str], str]
) -> Iterator[_Line]:
    """Say everything, as headings and lines."""
    entry = whole.entry
    yield "entry", f"{entry_name(entry)}, {name_of(entry)}"
    yield "contact", f"{whole.email} ({entry.contact})" if whole.email else str(entry.contact)
    yield "status", _BECAME.get(entry.status) or entry_status(entry)
    yield from _said("reason", entry.reason)
    for field in entry.before or {}:
        yield "change", change_text({field: (entry.before or {})[field]}, entry.after)
    yield "occasion", f"{describe_occasion(entry.occasion, timezone)} ({entry.occasion})"
    yield from _said("period", entry.period and describe_period(entry.period))
    yield from _said("asked", entry.asked)
    yield from _said("note", entry.note)
    yield "by", f"{entry.by}, via {entry.via}"
    yield "run", f"r{entry.run}, {whole.run.title}"
    for tried in whole.tries:
        yield "before", f"{entry_text(tried)} (run r{tried.run} of {when(tried.moment)}, by {tried.by})"
    yield from _said("undoes", entry_name(entry.undoes))
    yield from _said("undone by", entry_name(entry.undone_by))
    yield from _times(entry, when)
    yield from _receipts(whole)
    yield from _said("tags", _tags(entry))
    for change in whole.operation.changes:
        yield "operation", describe_change(change)
    yield from (("next", line) for line in _next(whole, spell))


def _said(term: str, text: str | None) -> Iterator[_Line]:
    if text:
        yield term, text


def _times(entry: "Entry", when: Callable[[datetime], str]) -> Iterator[_Line]:
    yield "begun", when(entry.at)
    if entry.sent_at:
        yield "sent", when(entry.sent_at)
    if entry.ended_at:
        yield "ended", when(entry.ended_at)


def _receipts(whole: "Whole") -> Iterator[_Line]:
    """Tell the receipts of an entry that was sent: the one it wrote, and the one it found."""
    if whole.entry.sends:
        yield "receipt", f"{whole.receipt}, found before it: {whole.entry.receipt_seen or 'none'}"


def _tags(entry: "Entry") -> str:
    """Tell which follow-up tags an entry put on the contact, or as an undo took off again."""
    named = ", ".join(map(str, entry.followups or ()))
    return named and f"{named} {'added' if entry.undoes is None else 'taken off'} (Kit's ids)"


def _next(whole: "Whole", spell: Callable[[str], str]) -> Iterator[str]:
    """Say what a person may do about an entry."""
    entry, name = whole.entry, entry_name(whole.entry)
    match entry.status:
        case "parked":
            yield "Look at the contact in Kit, then say what you found:"
            yield f"  {spell(f'ccops settle {name}')} --as applied"
            yield f"  {spell(f'ccops settle {name}')} --as not-applied"
        case "intended" | "sending":
            yield f"Bring it to its end: {spell('ccops settle')}"
        case "applied":
            yield f'Take it back: {spell(f"ccops undo {name}")} --reason "…"'
        case "refused" if refusal_uses_it_up(entry.occasion, cast("Cause", entry.cause)):
            yield "This was the answer to this occasion; it is not tried again."
        case "refused" | "failed":
            yield "The same occasion again tries it anew."
    if whole.tags_wait:
        yield f"Its tags are still to be brought in order: {spell('ccops settle')}"


def _more(whole: "Whole") -> dict[str, object]:
    """Return what the object of a single entry has beyond that of a change."""
    entry = whole.entry
    return {
        "undone_by": entry_name(entry.undone_by) or None,
        "period": entry.period,
        "asked": entry.asked,
        "receipt": whole.receipt if entry.sends else None,
        "receipt_seen": entry.receipt_seen,
        "begun_at": iso(entry.at),
        "sent_at": iso(entry.sent_at) if entry.sent_at else None,
        "ended_at": iso(entry.ended_at) if entry.ended_at else None,
        "tries": [entry_object(tried, whole.email) for tried in whole.tries],
        "changes": [describe_change(change) for change in whole.operation.changes],
    }
