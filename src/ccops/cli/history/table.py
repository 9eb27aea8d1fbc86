"""Entries as CSV: one row each, for spreadsheets and for people who add things up."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import TYPE_CHECKING, Final

from ccops.cli.showing import entry_status
from ccops.clock import iso
from ccops.report.words import entry_name
from ccops.text import csv_safe

if TYPE_CHECKING:
    from ccops.cli.console import Console
    from ccops.ledger.model import Values
    from ccops.report.history import Seen

COLUMNS: Final = (
    "entry", "at", "contact_id", "email", "operation", "status", "field", "before", "after", "reason", "occasion",
    "period", "note", "by", "via", "run", "undoes", "undone_by",
)  # fmt: skip
"""docs/looking.md says what each means."""
_TOGETHER: Final = 500
"""Rows that are written at once."""
_BETWEEN: Final = "; "


def print_csv(console: "Console", entries: "Iterable[Seen]") -> None:
    """Print entries as they are found; of a million, never more than a few are in memory."""
    console.out.in_utf8()
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, seen in enumerate(entries, 1):
        writer.writerow(map(csv_safe, _cells(seen)))
        if number % _TOGETHER == 0:
            _flush(console, buffer)
        if console.out.closed:
            return
    _flush(console, buffer)


def _flush(console: "Console", buffer: StringIO) -> None:
    console.out.raw(buffer.getvalue())
    buffer.seek(0)
    buffer.truncate()


def _cells(seen: "Seen") -> Iterator[str]:
    entry = seen.entry
    yield from (entry_name(entry), iso(entry.moment), str(entry.contact), seen.email or "", entry.operation)
    yield from (entry_status(entry), _BETWEEN.join(entry.before or ()))
    yield from (_values(entry.before, entry.before), _values(entry.before, entry.after))
    yield from (entry.reason or "", entry.occasion, entry.period or "", entry.note or "", entry.by, entry.via)
    yield from (f"r{entry.run}", entry_name(entry.undoes), entry_name(entry.undone_by))


def _values(fields: "Values | None", values: "Values | None") -> str:
    """Write the values of several fields in one cell, in the order of the fields."""
    return _BETWEEN.join((values or {}).get(field) or "" for field in fields or ())
