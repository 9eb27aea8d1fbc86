"""Grants and spendings: a picture for each field, and a table by month and operation."""

from collections.abc import Iterator
from typing import Final

from ccops.report.figures.amounts import ZERO, minus, plus
from ccops.report.figures.model import Month, Report
from ccops.report.html.charts import Pillar, pillars
from ccops.report.html.markup import Markup, element, joined
from ccops.report.html.tables import Column, table
from ccops.report.numbers import amount, figure, month_name

_FIELD: Final = Column("Field")
"""Left out where there is only one: a phone has no room for it."""
_COLUMNS: Final = (
    Column("Month"),
    Column("Operation"),
    _FIELD,
    Column("Changes", number=True),
    Column("Granted", number=True),
    Column("Spent", number=True),
    Column("Taken back", number=True),
)


_UNDOS: Final = "An undo counts in the month in which it was made; below zero where it gave spendings back."


def months(report: Report) -> Markup:
    """Tell what moved in each month."""
    if not report.moved:
        return element("p", f"Nothing was changed in the last {len(report.months)} months.")
    pictures = (_picture(report, balances.field) for balances in report.balances)
    several = len({moved.field for moved in report.moved}) > 1
    columns = [column for column in _COLUMNS if several or column is not _FIELD]
    rows = [tuple(_cells(moved, several=several)) for moved in report.moved]
    return joined(
        element("p", _UNDOS),
        element("div", *pictures, class_="beside"),
        table("Grants and spendings by month and operation", columns, rows, kind="tight"),
    )


def of_month(report: Report, field: str, month: str) -> list[Month]:
    """Return what moved in a field in a month."""
    return [moved for moved in report.moved if (moved.field, moved.month) == (field, month)]


def _pillar(report: Report, field: str, month: str) -> Pillar:
    """Add up what went up and down in a field in a month; what undoing takes back counts the other way."""
    up = down = ZERO
    for moved in of_month(report, field, month):
        back = moved.undone or ZERO
        up = plus(up, minus(moved.granted or ZERO, min(back, ZERO)))
        down = plus(down, plus(moved.spent or ZERO, max(back, ZERO)))
    name = month_name(month)
    return Pillar(name, name[:3], up, down)


def _picture(report: Report, field: str) -> Markup:
    row = [_pillar(report, field, month) for month in report.months]
    told = f"A pillar for each month, from {row[0].name} to {row[-1].name}: up what was granted"
    drawn = pillars(
        f"{field} by month",
        f"{told} or given back, down what was spent or taken back. The numbers are in the table below.",
        row,
    )
    caption = element(
        "figcaption",
        joined(
            element("b", field), ": ", element("span", "granted or given back", class_="up"), _all(row, up=True), ", "
        ),
        joined(element("span", "spent or taken back", class_="down"), _all(row, up=False)),
    )
    return element("figure", caption, drawn)


def _all(row: list[Pillar], *, up: bool) -> str:
    added = ZERO
    for each in row:
        added = plus(added, each.up if up else each.down)
    return f"\u00a0{figure(added)}"


def _cells(moved: Month, *, several: bool) -> Iterator[str]:
    yield from (month_name(moved.month), moved.operation, *([moved.field] if several else []), figure(moved.changes))
    yield from (amount(moved.granted), amount(moved.spent), amount(moved.undone))
