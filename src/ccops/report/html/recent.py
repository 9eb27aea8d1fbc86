"""The newest entries in a table that can be searched and sorted, and is a table without that too."""

from typing import Final

from ccops.engine.telling import outcome_of
from ccops.report.figures.model import Report
from ccops.report.history import Seen
from ccops.report.html.markup import Markup, element, joined
from ccops.report.html.tables import Column, table
from ccops.report.html.times import moment
from ccops.report.numbers import figure
from ccops.report.words import because, change_text, entry_name, name_of

_COLUMNS: Final = tuple(map(Column, ("Entry", "When", "Contact", "Operation", "Status", "Change", "Why")))


def recent(report: Report) -> Markup:
    """List them, newest first, beneath a field to search in; the script shows that once it works."""
    lines = report.recent.lines
    if not lines:
        return element("p", "There are no entries yet.")
    shown = f"The newest {figure(len(lines))} entries" if report.recent.more else f"All {figure(len(lines))} entries"
    shown = "One entry" if len(lines) == 1 else shown
    history, longer = element("code", "ccops history"), element("code", "ccops report --recent")
    older = ("; older ones: ", history, ", or ", longer, " with another number") if report.recent.more else ()
    return joined(
        element("p", f"{shown}, newest first", *older, "."),
        _search(),
        table(
            "Recent changes", _COLUMNS, [_row(seen, report.timezone) for seen in lines], name="changes", kind="cards"
        ),
    )


def _search() -> Markup:
    return element(
        "form",
        element("label", "Search in them", for_="search"),
        element("input", id="search", type="search", autocomplete="off", aria_controls="changes"),
        element("output", id="found", for_="search"),
        id="tools",
        role="search",
        hidden="",
    )


def _row(seen: Seen, timezone: str) -> tuple[str, ...]:
    entry = seen.entry
    why = because(entry, timezone)
    undone = f", undone by {entry_name(entry.undone_by)}" if entry.undone_by else ""
    return (
        entry_name(entry),
        moment(entry.moment, timezone),
        seen.email or str(entry.contact),
        name_of(entry),
        _status(seen),
        change_text(entry.before, entry.after),
        f"{entry.reason}; {why}{undone}" if entry.reason else f"{why}{undone}",
    )


def _status(seen: Seen) -> str:
    if seen.entry.status == "undone":
        return "undone"
    status = outcome_of(seen.entry, None).status
    return {"parked": "needs you", "left-out": "left out"}.get(status, status)
