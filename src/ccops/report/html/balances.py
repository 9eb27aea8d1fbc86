"""The balances of a field: how they are spread, who has least and most, and how the total came about."""

from decimal import Decimal
from typing import Final

from ccops.report.figures.model import Balances, Holding
from ccops.report.html.charts import Bar, bars
from ccops.report.html.markup import Markup, element
from ccops.report.html.tables import Column, table
from ccops.report.numbers import band_name, figure, flow_of

_SPREAD: Final = (Column("Balance"), Column("Contacts", number=True))
_FLOW: Final = (Column("How it came about"), Column("Amount", number=True))


def balances(each: Balances) -> Markup:
    """Tell all about one field; of few contacts, a list says more than a picture of how they are spread."""
    everybody = {holding.contact: holding for holding in (*each.highest, *reversed(each.lowest))}
    parts = [_ends(each)]
    if each.contacts == len(everybody):
        parts = [_holdings(f"All contacts by {each.field}", each, tuple(everybody.values()))]
    spread = element("div", _picture(each), _spread(each), class_="beside") if each.contacts > len(everybody) else ""
    return element(
        "section",
        element("h3", each.field),
        element("p", _summary(each)),
        spread,
        element("div", *parts, _flow(each), class_="beside"),
        aria_label=f"Balances of {each.field}",
    )


def _summary(each: Balances) -> str:
    people = "1 contact has" if each.contacts == 1 else f"{figure(each.contacts)} contacts have"
    lowest, highest = each.lowest[0].value, each.highest[0].value
    said = f"{people} {figure(each.total)} in all: lowest {figure(lowest)}, median {figure(each.median)}"
    left = f" Left out, since the value is no number: {figure(each.unreadable)}." if each.unreadable else ""
    return f"{said}, highest {figure(highest)}.{left}"


def _picture(each: Balances) -> Markup:
    rows = [Bar(band_name(band), Decimal(band.contacts)) for band in each.bands]
    told = f"A bar for each range of balances. {_summary(each)} The numbers are in the table beside it."
    return element("figure", bars(f"How {each.field} are spread", told, rows, "contacts"))


def _spread(each: Balances) -> Markup:
    rows = [(band_name(band), figure(band.contacts)) for band in each.bands]
    return table(f"How many contacts have how many {each.field}", _SPREAD, rows)


def _ends(each: Balances) -> Markup:
    return element(
        "div",
        _holdings(f"Highest {each.field}", each, each.highest),
        _holdings(f"Lowest {each.field}", each, each.lowest),
    )


def _holdings(caption: str, each: Balances, holdings: tuple[Holding, ...]) -> Markup:
    columns = (Column("Contact"), Column(each.field, number=True))
    return table(caption, columns, [(who(holding), figure(holding.value)) for holding in holdings], kind="wide")


def who(holding: Holding) -> str:
    """Name the contact: its address as last seen, else its id."""
    return holding.email or str(holding.contact)


def _flow(each: Balances) -> Markup:
    rows = [(f"{sign} {what}".strip(), figure(number)) for sign, what, number in flow_of(each)]
    return table(f"How the {each.field} came about, from the first entry on", _FLOW, rows, kind="sum wide")
