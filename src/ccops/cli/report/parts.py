"""The report as parts: each a table with its title, written for people or for programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ccops.cli.columns import Column, Remark, Row
from ccops.cli.showing import entry_part, entry_text, moment_text
from ccops.operations.numbers import plain
from ccops.report.figures.model import Balances, Band, Month, Need, Refusal, Report
from ccops.report.history import Seen
from ccops.report.numbers import band_name, figure, flow_of, month_name
from ccops.report.words import SEND_AGAIN, entry_name, name_of


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the report; `name` begins each of its lines in a pipe."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    remarks: tuple[Remark, ...] = ()
    nothing: str = ""
    """What is said at a terminal if there are no rows."""


@dataclass(frozen=True, slots=True)
class Hand:
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


def ends(each: Balances, hand: Hand) -> Part:
    """Name who has most and least."""
    columns = (Column("CONTACT", wraps=True), Column(each.field.upper(), right=True))
    shown = {holding.contact: holding for holding in (*each.highest, *reversed(each.lowest))}
    rows = tuple((holding.email or str(holding.contact), hand.number(holding.value)) for holding in shown.values())
    title = "All contacts" if each.contacts == len(rows) else "Highest and lowest"
    return Part(f"holding\t{each.field}", title, columns, rows)


def bands(each: Balances, hand: Hand) -> Part:
    """Tell how balances are spread."""
    columns = (Column("BALANCE", right=True), Column("CONTACTS", right=True))
    rows = tuple((*_range(band, hand), hand.number(band.contacts)) for band in each.bands)
    return Part(f"band\t{each.field}", "", columns, rows)


def _range(band: Band, hand: Hand) -> Row:
    """Name a band for people, or for programs give what it begins with and what it ends before."""
    return (band_name(band),) if hand.now else (hand.number(band.low), hand.number(band.high))


def flow(each: Balances, hand: Hand) -> Part:
    """Tell how the total came about."""
    columns = (Column(""), Column("", wraps=True), Column("AMOUNT", right=True))
    rows = tuple((sign, what, hand.number(number)) for sign, what, number in flow_of(each))
    return Part(f"flow\t{each.field}", "How it came about", columns, rows)


def months(report: Report, hand: Hand) -> Part:
    """Tell what moved by month and operation."""
    columns = (
        Column("MONTH"),
        Column("OPERATION", wraps=True),
        Column("FIELD"),
        Column("CHANGES", right=True),
        Column("GRANTED", right=True),
        Column("SPENT", right=True),
        Column("TAKEN BACK", right=True),
    )
    title = f"Grants and spendings, the last {len(report.months)} months"
    rows = tuple(tuple(_moved(moved, hand)) for moved in report.moved)
    return Part("month", title, columns, rows, nothing="Nothing was changed.")


def _moved(moved: Month, hand: Hand) -> Iterator[str]:
    yield from (hand.month(moved.month), moved.operation, moved.field, hand.number(moved.changes))
    for amount in (moved.granted, moved.spent, moved.undone):
        yield hand.number(amount) if amount or hand.now is None else ""


def refusals(report: Report, hand: Hand) -> Part:
    """Tell what was refused, and why."""
    columns = (
        Column("OPERATION"),
        Column("WHAT"),
        Column("OFTEN", right=True),
        Column("WHY", wraps=True),
        Column("LAST"),
    )
    rows = tuple(_refusal(refusal, hand) for refusal in report.refusals)
    return Part("refusal", f"Refusals, the last {len(report.months)} months", columns, rows, nothing="None.")


def _refusal(refusal: Refusal, hand: Hand) -> Row:
    why = "; ".join(f"{reason.text} ({hand.number(reason.count)})" for reason in refusal.reasons)
    more = f"; and {hand.number(refusal.more)} other reasons" if refusal.more else ""
    return refusal.operation, refusal.kind, hand.number(refusal.count), why + more, hand.moment(refusal.last)


def needs(report: Report, hand: Hand) -> Part:
    """Tell what needs a person, and the command that mends it."""
    columns = (Column("WHAT"), Column("SINCE"), Column("CONTACT"), Column("OPERATION"), Column("WHY", wraps=True))
    rows = tuple(_need(need, hand) for need in report.needs)
    remarks = tuple(Remark(1, "  or  ".join(need.mend) or SEND_AGAIN) for need in report.needs)
    nothing = "Nothing. (Kit was not asked; ccops doctor looks there too.)"
    return Part("need", "What needs you", columns, rows, remarks, nothing)


def _need(need: Need, hand: Hand) -> Row:
    row = (need.name, hand.moment(need.since), need.contact, need.operation, need.text)
    return row if hand.now else (*row, " or ".join(need.mend) or SEND_AGAIN)


def recent(report: Report, hand: Hand) -> Part:
    """Tell what was done last."""
    columns = (Column("ENTRY"), Column("WHEN"), Column("CONTACT"), Column("OPERATION"), Column("CHANGE", wraps=True))
    rows = tuple(_seen(seen, hand) for seen in report.recent.lines)
    return Part("change", "Recent changes", columns, rows, nothing="None yet.")


def _seen(seen: Seen, hand: Hand) -> Row:
    entry = seen.entry
    change = entry_part(entry) if hand.now else entry_text(entry)
    who = seen.email or str(entry.contact)
    return entry_name(entry), hand.moment(entry.moment), who, name_of(entry), change
