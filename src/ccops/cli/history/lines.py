"""Entries as rows: two lines each on a terminal, one tab-separated line in a pipe."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ccops.cli.columns import Column, Remark, Row, layout
from ccops.cli.showing import entry_object, entry_part, entry_status, short_time, times_in
from ccops.cli.styles import text_of
from ccops.clock import iso
from ccops.ledger.model import Entry
from ccops.report.words import because, change_text, entry_name, name_of
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.report.history import Past, Seen

_COLUMNS: Final = (
    Column("ENTRY"),
    Column("WHEN"),
    Column("CONTACT"),
    Column("OPERATION"),
    Column("CHANGE", wraps=True),
)
_GAP: Final = "  "
_UNDER_CONTACT: Final = 2


def show_past(session: "Session", past: "Past", *, json: bool) -> None:
    """Print the newest entries, and how to see older ones."""
    console = session.console
    if json:
        for seen in past.lines:
            console.json_line(entry_object(seen.entry, seen.email))
        return
    if not past.lines:
        console.note("There are no such entries.")
    elif console.out.is_terminal:
        timezone, now = session.registry.timezone, session.clock.now()
        console.heading(times_in(timezone))
        rows = [_row(seen, timezone, now) for seen in past.lines]
        remarks = [_remark(seen, timezone) for seen in past.lines]
        for line in layout(_COLUMNS, rows, console.out.width, remarks):
            console.say(*line)
    else:
        console.table(_COLUMNS, [tuple(_cells(seen)) for seen in past.lines])
    if past.more:
        console.note(f"There are older ones; to see more: --limit {2 * len(past.lines)}")


def line_of(seen: "Seen", timezone: str, now: datetime | None) -> str:
    """Write an entry on a line of its own, where those that follow are not known yet; for a pipe `now` is None."""
    if now is None:
        return "\t".join(map(clean, _cells(seen)))
    return _GAP.join(clean(text_of(part)) for part in _row(seen, timezone, now))


def _row(seen: "Seen", timezone: str, now: datetime) -> Row:
    entry = seen.entry
    when = short_time(entry.moment, timezone, now)
    return (entry_name(entry), when, _contact(seen), name_of(entry), entry_part(entry))


def _remark(seen: "Seen", timezone: str) -> Remark:
    entry = seen.entry
    undone = f"undone by {entry_name(entry.undone_by)}" if entry.undone_by else ""
    return Remark(_UNDER_CONTACT, because(entry, timezone), undone or _became(seen.since))


def _became(now: Entry | None) -> str:
    """Say what a later run made of an entry: "applied since, by run r5"."""
    if now is None:
        return ""
    status = "applied" if now.status == "undone" else entry_status(now).replace("left-out", "left out")
    undone = f", undone by {entry_name(now.undone_by)}" if now.undone_by else ""
    return f"{status} since, by run r{now.run}{undone}"


def _contact(seen: "Seen") -> str:
    return seen.email or str(seen.entry.contact)


def _cells(seen: "Seen") -> Iterator[str]:
    """Give all that programs may want, one piece a cell."""
    entry = seen.entry
    yield from (entry_name(entry), iso(entry.moment), _contact(seen), entry.operation, entry_status(entry))
    why = "; ".join(filter(None, (entry.reason, _became(seen.since))))
    yield from (change_text(entry.before, entry.after), why, entry.occasion)
    yield from (entry.by, entry.via, f"r{entry.run}", entry.note or "")
    yield from (entry_name(entry.undoes), entry_name(entry.undone_by))
