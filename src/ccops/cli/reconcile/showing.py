"""What differs, as a table for people and as objects for programs; and what that comes to in all."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ccops.cli.columns import Column, Row, layout
from ccops.cli.reconcile.errors import command_of
from ccops.cli.showing import short_time, times_in
from ccops.cli.styles import Part, Styled
from ccops.clock import iso
from ccops.operations.numbers import plain
from ccops.report.figures.amounts import ZERO, amount, minus, total
from ccops.report.numbers import moved as moved_text
from ccops.report.words import entry_name, name_of, need_you, value_text
from ccops.text import clean

if TYPE_CHECKING:
    from datetime import datetime

    from ccops.cli.job import Writing
    from ccops.cli.reconcile.comparing import Found
    from ccops.cli.session import Session
    from ccops.engine.comparing import Difference
    from ccops.ledger.model import Entry

_COLUMNS: Final = (
    Column("CONTACT"),
    Column("CCOPS", right=True),
    Column("KIT", right=True),
    Column("BY", right=True),
    Column("CCOPS WROTE LAST", wraps=True),
)
_PIPED: Final = tuple(
    map(Column, ("contact", "field", "status", "ccops", "kit", "by", "entry", "at", "operation", "who", "reason"))
)
_OTHERWISE: Final = ("lost", "open", "parked", "unclear")
"""What differs for another reason than a hand."""
_AT_ONCE: Final = 200
"""Rows that are laid out together; of very many, the widths may change from one lot to the next."""


def show(session: "Session", found: "Found", how: "Writing") -> None:
    """Print who differs, and how many do not."""
    console = session.console
    if how.json:
        for each in found.differing:
            console.json_line(_object(found, each))
    elif console.out.is_terminal:
        _show_table(session, found)
    else:
        console.table(_PIPED, [tuple(_cells(found, each)) for each in found.differing], urgent=True)
        for line in summary(found):
            console.note(line)
    if not found.counts.whole:
        console.warn("not all contacts were compared; the same command begins anew.")


def show_ways(session: "Session", found: "Found", how: "Writing") -> None:
    """Say at a terminal what may be done about hand changes, and about what is none."""
    console = session.console
    if how.json or not console.err.is_terminal:
        return
    if found.by_hand:
        console.advise(f"Take them into the history as they are: {command_of(found.field, 'adopt')}")
        console.advise(f"Write back what ccops wrote: {command_of(found.field, 'restore')}")
    show_unsure(session, found)


def show_unsure(session: "Session", found: "Found") -> None:
    """Say what brings those to an end of which nobody knows yet whether a hand changed them."""
    kinds = {each.kind for each in found.differing}
    for mend in dict.fromkeys(each.mend for each in found.differing if each.mend):
        session.console.advise(f"Give back what a late write took: {mend}")
    if kinds & {"open", "parked"}:
        session.console.note("Bring to an end what is open or needs you: ccops settle")
    if "unclear" in kinds:
        session.console.advise("What is unclear comes up at the contact's next run or adjustment, for ccops settle.")


def summary(found: "Found") -> Iterator[str]:
    """Count all contacts together."""
    counts, by_hand = found.counts, found.by_hand
    moved = total(number for each in by_hand if (number := moved_by(each)) is not None)
    by = f" ({clean(found.field)} {moved_text(moved)})" if moved else ""
    kinds = {kind: sum(each.kind == kind for each in found.differing) for kind in _OTHERWISE}
    lines = [
        (len(by_hand), f"changed by hand{by}"),
        (kinds["lost"], f"lost to a late write of ccops{_lost_in_all(found)}"),
        (kinds["open"], "open: a write of ccops is not at its end"),
        (kinds["parked"], f"{need_you(kinds['parked'])}: nobody knows yet whether a write of ccops arrived"),
        (kinds["unclear"], "unclear: a late write of ccops"),
        (counts.same, "as ccops left them"),
        (counts.never, f"never written to by ccops, so {clean(found.field)} was not compared"),
        (counts.gone, "written to by ccops, but not in Kit's list: deleted there"),
    ]
    shown = [(f"{count:,}", text) for place, (count, text) in enumerate(lines) if count or not place]
    width = max(3, *(len(count) for count, _ in shown), 0)
    for count, text in shown:
        yield f"  {count:>{width}} {text}"


def _lost_in_all(found: "Found") -> str:
    moved = total(number for each in found.differing if each.kind == "lost" and (number := moved_by(each)) is not None)
    return f" ({clean(found.field)} {moved_text(moved)})" if moved else ""


def moved_by(difference: "Difference") -> Decimal | None:
    """Return by how much a number was changed; None where one of the values is none."""
    kept, found = amount(difference.kept), amount(difference.found)
    return None if kept is None or found is None else minus(found, kept)


def _show_table(session: "Session", found: "Found") -> None:
    console, timezone, now = session.console, session.registry.timezone, session.clock.now()
    if found.differing:
        console.heading(times_in(timezone), Styled(clean(found.field), "bold"))
    for start in range(0, len(found.differing), _AT_ONCE):
        rows = [_row(found, each, timezone, now) for each in found.differing[start : start + _AT_ONCE]]
        for line in layout(_COLUMNS, rows, console.out.width):
            console.say(*line, urgent=True)
    if found.differing:
        console.say()
    for text in summary(found):
        console.say(text)


def _row(found: "Found", each: "Difference", timezone: str, now: "datetime") -> Row:
    by, entry = moved_by(each), _entry(found, each)
    when = short_time(entry.moment, timezone, now).strip()
    told: Part = f"{when}, {name_of(entry)}, {entry.by} ({entry_name(entry)})"
    if each.reason:
        told = Styled(each.reason, "doubt" if each.kind == "by-hand" else "bad")
    return (
        each.email,
        value_text(each.kept),
        Styled(value_text(each.found), "bold"),
        "" if by is None else moved_text(by),
        told,
    )


def _cells(found: "Found", each: "Difference") -> Iterator[str]:
    by, entry = moved_by(each), _entry(found, each)
    yield from (each.email, found.field, each.kind, each.kept or "", each.found or "", "" if by is None else plain(by))
    yield from (entry_name(entry), iso(entry.moment), entry.operation, entry.by, each.reason or "")


def _object(found: "Found", each: "Difference") -> Mapping[str, object]:
    """Return what `--json` prints of a contact that differs; scripts depend on its keys."""
    by, entry = moved_by(each), _entry(found, each)
    return {
        "contact": {"id": each.contact, "email": each.email},
        "field": found.field,
        "status": each.kind,
        "ccops": each.kept,
        "kit": each.found,
        "difference": None if by is None else plain(by or ZERO),
        "reason": each.reason,
        "entry": entry_name(entry),
        "operation": entry.operation,
        "by": entry.by,
        "via": entry.via,
        "at": iso(entry.moment),
        **({"mend": each.mend} if each.mend else {}),
    }


def _entry(found: "Found", each: "Difference") -> "Entry":
    """Look the entry up that wrote the field last; of very many, they are not all kept."""
    return found.ledger.entries.get(each.last)
