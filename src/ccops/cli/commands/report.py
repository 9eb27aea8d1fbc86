"""`ccops report`: the command line, and where the report goes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.app.history import Seen
from ccops.app.number_text import band_name, figure, flow_of, month_name
from ccops.app.phrases import SEND_AGAIN, entry_name, name_of, need_you
from ccops.app.statistics import Balances, Band, Flow, Holding, Month, Need, RefusalCount, Report
from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of
from ccops.cli.options import JsonOption
from ccops.cli.outcome_view import entry_object, entry_part, entry_text, moment_text, short_time, times_in
from ccops.cli.output import Cells, Remark, Styled, TableColumn, cleaned, layout
from ccops.clock import iso
from ccops.errors import Misconfigured
from ccops.operations.numbers import plain

if TYPE_CHECKING:
    from ccops.app.statistics import Extent
    from ccops.cli.context import Session
    from ccops.cli.output import Console

app = new_app()

_ON_A_PAGE: Final = 2000
_ON_A_SCREEN: Final = 10

Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write it as one page for a browser, with pictures.")
]
Months = Annotated[
    int,
    typer.Option(
        "--months", metavar="N", min=1, max=120, help="So many months instead of 12, up to the one under way."
    ),
]
Recent = Annotated[
    int | None,
    typer.Option(
        "--recent",
        metavar="N",
        min=1,
        max=100_000,
        help=f"So many recent changes, instead of {_ON_A_SCREEN} ({_ON_A_PAGE:,} with --html).",
    ),
]

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Replace FILE even if it is no report of ccops.")]


class PageOrLines(Misconfigured):
    """A command line that asks for the report in two forms at once."""

    mend = "ccops report --help"

    def __init__(self) -> None:
        super().__init__("--html can't go with --json.")


@command(
    app,
    "report",
    """
    ccops report
    ccops report --months 3
    ccops report --html report.html
    ccops report --json
    """,
    looks=True,
)
def report(
    ctx: typer.Context,
    html: Html = None,
    months: Months = 12,
    recent: Recent = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Show balances, grants, refusals, and what needs you.

    Balances are as ccops last wrote them; Kit is not asked for anything. With --html, the page needs no network
    and opens from the disk. It holds addresses of your contacts, so that only you can read the file.
    """
    from ccops.app.statistics import Extent

    if html is not None and json:
        raise PageOrLines
    extent = Extent(months, recent or (_ON_A_SCREEN if html is None else _ON_A_PAGE))
    if html is None:
        _show(session_of(ctx), extent, json=json)
    else:
        _write(session_of(ctx), extent, html, replace=yes)


def _show(session: "Session", extent: "Extent", *, json: bool) -> None:

    made = _made(session, extent)
    if json:
        for row in objects(made):
            session.console.json_line(row)
    else:
        show(session, made)


def _write(session: "Session", extent: "Extent", file: Path, *, replace: bool) -> None:
    from ccops.app.doctor.findings import size
    from ccops.report.file import check_free, is_stdout, write
    from ccops.report.page import page

    if not replace:
        check_free(file)  # before the work is done
    alone = is_stdout(file)
    octets = write(file, page(_made(session, extent), rehearsal=session.settings.sandbox))
    if alone:
        return  # one more line would end up in the page
    session.console.say(f"{file} is written ({size(octets)}); open it in a browser.")
    session.console.advise("It holds addresses of your contacts: keep it where only you can read it.")


def _made(session: "Session", extent: "Extent") -> "Report":
    from datetime import timedelta

    from ccops.app.statistics import report_of

    settle_after = timedelta(seconds=session.settings.settle_after)
    return report_of(session.ledger_to_read, session.registry, session.clock.now(), settle_after, extent)


# ---- the report as parts: each a table with its title, written for people or for programs


@dataclass(frozen=True, slots=True)
class ReportPart:
    """A table of the report; `name` begins each of its lines in a pipe."""

    name: str
    title: str
    columns: tuple[TableColumn, ...]
    rows: tuple[Cells, ...]
    remarks: tuple[Remark, ...] = ()
    nothing: str = ""
    """What is said at a terminal if there are no rows."""


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How numbers and moments are written: for people at `now`, or for programs (None)."""

    timezone: str
    now: datetime | None

    def number(self, number: Decimal | int | None) -> str:
        """Write a number; no amount is an empty text."""
        if number is None:
            return ""
        return plain(Decimal(number)) if self.now is None else figure(number)

    def moment(self, moment: datetime) -> str:
        """Write a moment."""
        return moment_text(moment, self.timezone, self.now)

    def month(self, key: str) -> str:
        """Write a month."""
        return key if self.now is None else month_name(key)


def ends(each: Balances, hand: NumberStyle) -> ReportPart:
    """Name who has most and least."""
    columns = (TableColumn("CONTACT", wraps=True), TableColumn(each.field.upper(), right=True))
    shown = {holding.contact: holding for holding in (*each.highest, *reversed(each.lowest))}
    rows = tuple((holding.email or str(holding.contact), hand.number(holding.value)) for holding in shown.values())
    title = "All contacts" if each.contacts == len(rows) else "Highest and lowest"
    return ReportPart(f"holding\t{each.field}", title, columns, rows)


def bands(each: Balances, hand: NumberStyle) -> ReportPart:
    """Tell how balances are spread."""
    columns = (TableColumn("BALANCE", right=True), TableColumn("CONTACTS", right=True))
    rows = tuple((*_range(band, hand), hand.number(band.contacts)) for band in each.bands)
    return ReportPart(f"band\t{each.field}", "", columns, rows)


def _range(band: Band, hand: NumberStyle) -> Cells:
    """Name a band for people, or for programs give what it begins with and what it ends before."""
    return (band_name(band),) if hand.now else (hand.number(band.low), hand.number(band.high))


def flow(each: Balances, hand: NumberStyle) -> ReportPart:
    """Tell how the total came about."""
    columns = (TableColumn(""), TableColumn("", wraps=True), TableColumn("AMOUNT", right=True))
    rows = tuple((sign, what, hand.number(number)) for sign, what, number in flow_of(each))
    return ReportPart(f"flow\t{each.field}", "How it came about", columns, rows)


def months(report: Report, hand: NumberStyle) -> ReportPart:
    """Tell what moved by month and operation."""
    columns = (
        TableColumn("MONTH"),
        TableColumn("OPERATION", wraps=True),
        TableColumn("FIELD"),
        TableColumn("CHANGES", right=True),
        TableColumn("GRANTED", right=True),
        TableColumn("SPENT", right=True),
        TableColumn("TAKEN BACK", right=True),
    )
    title = f"Grants and spendings, the last {len(report.months)} months"
    rows = tuple(tuple(_moved(moved, hand)) for moved in report.moved)
    return ReportPart("month", title, columns, rows, nothing="Nothing was changed.")


def _moved(moved: Month, hand: NumberStyle) -> Iterator[str]:
    yield from (hand.month(moved.month), moved.operation, moved.field, hand.number(moved.changes))
    for amount in (moved.granted, moved.spent, moved.undone):
        yield hand.number(amount) if amount or hand.now is None else ""


def refusals(report: Report, hand: NumberStyle) -> ReportPart:
    """Tell what was refused, and why."""
    columns = (
        TableColumn("OPERATION"),
        TableColumn("WHAT"),
        TableColumn("OFTEN", right=True),
        TableColumn("WHY", wraps=True),
        TableColumn("LAST"),
    )
    rows = tuple(_refusal_part(refusal, hand) for refusal in report.refusals)
    return ReportPart("refusal", f"Refusals, the last {len(report.months)} months", columns, rows, nothing="None.")


def _refusal_part(refusal: RefusalCount, hand: NumberStyle) -> Cells:
    why = "; ".join(f"{reason.text} ({hand.number(reason.count)})" for reason in refusal.reasons)
    more = f"; and {hand.number(refusal.more)} other reasons" if refusal.more else ""
    return refusal.operation, refusal.kind, hand.number(refusal.count), why + more, hand.moment(refusal.last)


def needs(report: Report, hand: NumberStyle) -> ReportPart:
    """Tell what needs a person, and the command that mends it."""
    columns = (
        TableColumn("WHAT"),
        TableColumn("SINCE"),
        TableColumn("CONTACT"),
        TableColumn("OPERATION"),
        TableColumn("WHY", wraps=True),
    )
    rows = tuple(_need_part(need, hand) for need in report.needs)
    remarks = tuple(Remark(1, "  or  ".join(need.mend) or SEND_AGAIN) for need in report.needs)
    nothing = "Nothing. (Kit was not asked; ccops doctor looks there too.)"
    return ReportPart("need", "What needs you", columns, rows, remarks, nothing)


def _need_part(need: Need, hand: NumberStyle) -> Cells:
    row = (need.name, hand.moment(need.since), need.contact, need.operation, need.text)
    return row if hand.now else (*row, " or ".join(need.mend) or SEND_AGAIN)


def recent(report: Report, hand: NumberStyle) -> ReportPart:
    """Tell what was done last."""
    columns = (
        TableColumn("ENTRY"),
        TableColumn("WHEN"),
        TableColumn("CONTACT"),
        TableColumn("OPERATION"),
        TableColumn("CHANGE", wraps=True),
    )
    rows = tuple(_seen(seen, hand) for seen in report.recent.lines)
    return ReportPart("change", "Recent changes", columns, rows, nothing="None yet.")


def _seen(seen: Seen, hand: NumberStyle) -> Cells:
    entry = seen.entry
    change = entry_part(entry) if hand.now else entry_text(entry)
    who = seen.email or str(entry.contact)
    return entry_name(entry), hand.moment(entry.moment), who, name_of(entry), change


# ---- the report as a page of tables and bars on a terminal, and as plain lines in a pipe

_BAR: Final = 40
_SUMS: Final = ("contacts", "unreadable", "total", "lowest", "median", "highest")
_SOURCE: Final = "Balances are as ccops last wrote them; ccops reconcile FIELD compares them with Kit."


def show(session: "Session", report: "Report") -> None:
    """Print the report."""
    console = session.console
    if console.out.is_terminal:
        _to_people(console, report)
    else:
        _to_programs(console, report)
    if report.more_needs:
        console.note(f"{figure(report.more_needs)} more {need_you(report.more_needs)}: ccops settle")
    if report.recent.more:
        console.note("There are older changes: ccops history")


def _to_people(console: "Console", report: "Report") -> None:
    hand = NumberStyle(report.timezone, report.made_at)
    made = short_time(report.made_at, report.timezone, report.made_at).strip()
    console.heading(times_in(report.timezone), Styled(report.account, "bold"), f", {made}")
    _print(console, needs(report, hand))
    for each in report.balances:
        _balances(console, each, hand)
    if report.balances:
        console.say()
        console.tell(_SOURCE)
    for part in (months(report, hand), refusals(report, hand), recent(report, hand)):
        _print(console, part)


def _balances(console: "Console", each: "Balances", hand: NumberStyle) -> None:
    people = "1 contact" if each.contacts == 1 else f"{figure(each.contacts)} contacts"
    lowest, median, highest = map(figure, (each.lowest[0].value, each.median, each.highest[0].value))
    _title(console, f"Balances of {each.field}")
    no_numbers = "it is no number" if each.unreadable == 1 else "they are no numbers"
    left = f"; {figure(each.unreadable)} left out, since {no_numbers}" if each.unreadable else ""
    console.tell(f"{people}, {figure(each.total)} in all: lowest {lowest}, median {median}, highest {highest}{left}")
    named = ends(each, hand)
    if len(named.rows) < each.contacts:  # of few contacts, who has how much says more
        _print(console, _drawn(bands(each, hand), [band.contacts for band in each.bands]))
    _print(console, named)
    _print(console, flow(each, hand))


def _drawn(part: ReportPart, numbers: Sequence[int]) -> ReportPart:
    """Put a bar beside each row."""
    most = max(numbers)
    rows = [(*row, "█" * -(-number * _BAR // most)) for row, number in zip(part.rows, numbers, strict=True)]
    return replace(part, columns=(*part.columns, TableColumn("")), rows=tuple(rows))


def _print(console: "Console", part: ReportPart) -> None:
    if part.title or part.nothing:
        _title(console, part.title)
    for line in layout(part.columns, part.rows, console.out.width, part.remarks):
        console.say(*line)
    if not part.rows:
        console.say(part.nothing)


def _title(console: "Console", title: str) -> None:
    console.say()
    console.say(Styled(title, "bold"))


def _to_programs(console: "Console", report: "Report") -> None:
    hand = NumberStyle(report.timezone, None)
    for each in report.balances:
        numbers: tuple[Decimal | int, ...] = (
            each.contacts,
            each.unreadable,
            each.total,
            each.lowest[0].value,
            each.median,
            each.highest[0].value,
        )
        for name, number in zip(_SUMS, map(hand.number, numbers), strict=True):
            console.say(*_line(f"balance\t{each.field}", (name, number)))
        for part in (bands(each, hand), ends(each, hand), flow(each, hand)):
            _lines(console, part)
    for part in (months(report, hand), refusals(report, hand), needs(report, hand), recent(report, hand)):
        _lines(console, part)


def _lines(console: "Console", part: ReportPart) -> None:
    for row in part.rows:
        console.say(*_line(part.name, row))


def _line(name: str, row: Cells) -> Cells:
    """Write a row of a pipe: what it is, then its cells, each cleaned so that no tab in it ends it."""
    return (name, *(part for cell in row for part in ("\t", cleaned(cell))))


# ---- the report as objects for programs, one for each row; `part` says what a row is

Object = Mapping[str, object]


def objects(report: Report) -> Iterator[Object]:
    """Give all rows, part by part; scripts depend on their keys."""
    yield from map(_balances_object, report.balances)
    yield from map(_month, report.moved)
    yield from map(_refusal_object, report.refusals)
    yield from map(_need_object, report.needs)
    for seen in report.recent.lines:
        yield {"part": "change", **entry_object(seen.entry, seen.email)}


def _balances_object(each: Balances) -> Object:
    return {
        "part": "balance",
        "field": each.field,
        "contacts": each.contacts,
        "unreadable": each.unreadable,
        "total": plain(each.total),
        "median": plain(each.median),
        "lowest": [*map(_holding, each.lowest)],
        "highest": [*map(_holding, each.highest)],
        "bands": [
            {"from": _text(band.low), "below": _text(band.high), "contacts": band.contacts} for band in each.bands
        ],
        "flow": _flow(each.flow),
    }


def _flow(flow: Flow) -> Object:
    return {
        "started": plain(flow.started),
        "granted": plain(flow.granted),
        "spent": plain(flow.spent),
        "undone": plain(flow.undone),
        "otherwise": plain(flow.otherwise),
    }


def _holding(holding: Holding) -> Object:
    return {"contact": {"id": holding.contact, "email": holding.email}, "value": plain(holding.value)}


def _month(moved: Month) -> Object:
    return {
        "part": "month",
        "month": moved.month,
        "operation": moved.operation,
        "field": moved.field,
        "changes": moved.changes,
        "granted": _text(moved.granted),
        "spent": _text(moved.spent),
        "undone": _text(moved.undone),
    }


def _refusal_object(refusal: RefusalCount) -> Object:
    return {
        "part": "refusal",
        "operation": refusal.operation,
        "status": refusal.kind,
        "cause": refusal.cause or None,
        "count": refusal.count,
        "last": iso(refusal.last),
        "reasons": [{"reason": reason.text, "count": reason.count} for reason in refusal.reasons],
        "more": refusal.more,
    }


def _need_object(need: Need) -> Object:
    return {
        "part": "need",
        "kind": need.kind,
        "name": need.name,
        "contact": need.contact,
        "operation": need.operation,
        "reason": need.text,
        "since": iso(need.since),
        "mend": list(need.mend),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
