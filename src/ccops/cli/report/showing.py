"""The report as a page of tables and bars on a terminal, and as plain lines in a pipe."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ccops.cli.columns import Column, Row, layout
from ccops.cli.report.parts import Hand, Part, bands, ends, flow, months, needs, recent, refusals
from ccops.cli.showing import short_time, times_in
from ccops.cli.styles import Styled, cleaned
from ccops.report.numbers import figure
from ccops.report.words import need_you

if TYPE_CHECKING:
    from decimal import Decimal

    from ccops.cli.console import Console
    from ccops.cli.session import Session
    from ccops.report.figures.model import Balances, Report

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
    hand = Hand(report.timezone, report.made_at)
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


def _balances(console: "Console", each: "Balances", hand: Hand) -> None:
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


def _drawn(part: Part, numbers: Sequence[int]) -> Part:
    """Put a bar beside each row."""
    most = max(numbers)
    rows = [(*row, "█" * -(-number * _BAR // most)) for row, number in zip(part.rows, numbers, strict=True)]
    return replace(part, columns=(*part.columns, Column("")), rows=tuple(rows))


def _print(console: "Console", part: Part) -> None:
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
    hand = Hand(report.timezone, None)
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


def _lines(console: "Console", part: Part) -> None:
    for row in part.rows:
        console.say(*_line(part.name, row))


def _line(name: str, row: Row) -> Row:
    """Write a row of a pipe: what it is, then its cells, each cleaned so that no tab in it ends it."""
    return (name, *(part for cell in row for part in ("\t", cleaned(cell))))
