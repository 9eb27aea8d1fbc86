"""The page as a whole: its head that lets nothing in or out, its parts, and the way between them."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from typing import Final

from ccops import __version__
from ccops.app.history import Seen
from ccops.app.number_text import amount, band_name, figure, flow_of, month_name
from ccops.app.phrases import SEND_AGAIN, because, change_text, entry_name, name_of
from ccops.app.statistics import ZERO, Balances, Holding, Month, Need, RefusalCount, Report, minus, plus, total
from ccops.clock import iso
from ccops.engine.outcomes import outcome_of
from ccops.operations.dates import local
from ccops.operations.periods import MONTHS
from ccops.report.charts import Bar, Pillar, bars, pillars
from ccops.report.markup import HtmlColumn, Markup, element, joined, raw, table

_SPREAD: Final = (HtmlColumn("Balance"), HtmlColumn("Contacts", number=True))
_FLOW: Final = (HtmlColumn("How it came about"), HtmlColumn("Amount", number=True))


def balances(each: Balances) -> Markup:
    """Tell all about one field; of few contacts, a list says more than a picture of how they are spread."""
    everybody = {holding.contact: holding for holding in (*each.highest, *reversed(each.lowest))}
    parts = [_ends(each)]
    if each.contacts == len(everybody):
        parts = [_holdings(f"All contacts by {each.field}", each, tuple(everybody.values()))]
    spread = (
        element("div", _balance_picture(each), _spread(each), class_="beside") if each.contacts > len(everybody) else ""
    )
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


def _balance_picture(each: Balances) -> Markup:
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
    columns = (HtmlColumn("Contact"), HtmlColumn(each.field, number=True))
    return table(caption, columns, [(who(holding), figure(holding.value)) for holding in holdings], kind="wide")


def who(holding: Holding) -> str:
    """Name the contact: its address as last seen, else its id."""
    return holding.email or str(holding.contact)


def _flow(each: Balances) -> Markup:
    rows = [(f"{sign} {what}".strip(), figure(number)) for sign, what, number in flow_of(each)]
    return table(f"How the {each.field} came about, from the first entry on", _FLOW, rows, kind="sum wide")


# ---- grants and spendings: a picture for each field, and a table by month and operation

_FIELD: Final = HtmlColumn("Field")
"""Left out where there is only one: a phone has no room for it."""
_MONTH_COLUMNS: Final = (
    HtmlColumn("Month"),
    HtmlColumn("Operation"),
    _FIELD,
    HtmlColumn("Changes", number=True),
    HtmlColumn("Granted", number=True),
    HtmlColumn("Spent", number=True),
    HtmlColumn("Taken back", number=True),
)


_UNDOS: Final = "An undo counts in the month in which it was made; below zero where it gave spendings back."


def months(report: Report) -> Markup:
    """Tell what moved in each month."""
    if not report.moved:
        return element("p", f"Nothing was changed in the last {len(report.months)} months.")
    pictures = (_month_picture(report, balances.field) for balances in report.balances)
    several = len({moved.field for moved in report.moved}) > 1
    columns = [column for column in _MONTH_COLUMNS if several or column is not _FIELD]
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


def _month_picture(report: Report, field: str) -> Markup:
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


# ---- moments as elements of the page


def moment(at: datetime, timezone: str) -> Markup:
    """Write a moment in a zone; programs read it in UTC."""
    there = local(at, timezone)
    return element("time", f"{there.day} {MONTHS[there.month - 1][:3]} {there.year} {there:%H:%M}", datetime=iso(at))


# ---- the newest entries in a table that can be searched and sorted, and is a table without that too

_RECENT_COLUMNS: Final = tuple(map(HtmlColumn, ("Entry", "When", "Contact", "Operation", "Status", "Change", "Why")))


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
            "Recent changes",
            _RECENT_COLUMNS,
            [_row(seen, report.timezone) for seen in lines],
            name="changes",
            kind="cards",
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


# ---- what did not come about, and what needs a person

_REFUSALS: Final = (
    HtmlColumn("Operation"),
    HtmlColumn("What"),
    HtmlColumn("How often", number=True),
    HtmlColumn("Why"),
    HtmlColumn("Last"),
)
_NEEDS: Final = (
    HtmlColumn("What"),
    HtmlColumn("Contact"),
    HtmlColumn("Operation"),
    HtmlColumn("Why"),
    HtmlColumn("Since"),
    HtmlColumn("Type"),
)


def needs(report: Report) -> Markup:
    """List what needs a person, with the command that mends it."""
    if not report.needs:
        return element("p", "Nothing. (Kit was not asked; ", element("code", "ccops doctor"), " looks there too.)")
    rows = [_need(need, report.timezone) for need in report.needs]
    more = f"{figure(report.more_needs)} more {'is' if report.more_needs == 1 else 'are'} not shown: "
    told = element("p", more, element("code", "ccops settle")) if report.more_needs else Markup()
    return joined(table("What needs a person", _NEEDS, rows, kind="cards needs"), told)


def _need(need: Need, timezone: str) -> tuple[str, ...]:
    commands = joined(*(element("code", command) for command in need.mend))
    mend = commands or SEND_AGAIN
    return need.name, need.contact, need.operation, need.text, moment(need.since, timezone), mend


def refusals(report: Report) -> Markup:
    """List what was refused, left out or failed, by the rule that was in the way."""
    if not report.refusals:
        return element("p", f"None in the last {len(report.months)} months.")
    rows = [_refusal(refusal, report.timezone) for refusal in report.refusals]
    return joined(
        element("p", f"In the last {len(report.months)} months. What came about in a later try is not counted."),
        table("What was refused, left out or failed, and why", _REFUSALS, rows, kind="cards"),
    )


def _refusal(refusal: RefusalCount, timezone: str) -> tuple[str, ...]:
    said = [f"{reason.text} ({figure(reason.count)})" for reason in refusal.reasons]
    if refusal.more:
        said.append(f"and {figure(refusal.more)} other reason{'' if refusal.more == 1 else 's'}")
    why = joined(*(element("div", text) for text in said))
    what = refusal.kind.replace("-", " ")
    return refusal.operation, what, figure(refusal.count), why, moment(refusal.last, timezone)


# ---- the page as a whole: its head that lets nothing in or out, its parts, and the way between them

MARK: Final = "<!-- ccops report -->"
"""By this a page of ours is known again, so that no other file is overwritten."""

_KEEP: Final = "It holds addresses of your contacts: keep it where only you can read it."
_THIS_MONTH: Final = (
    HtmlColumn("Field"),
    HtmlColumn("In all", number=True),
    HtmlColumn("Granted", number=True),
    HtmlColumn("Spent", number=True),
    HtmlColumn("Taken back", number=True),
)


def page(report: Report, *, rehearsal: bool) -> str:
    """Write the report as a page."""
    style, script = _asset("report.css"), _asset("report.js")
    body = joined(
        element("a", "To the report", href="#report", class_="skip"),
        _header(report, rehearsal=rehearsal),
        element("main", *_parts(report), id="report"),
        element("footer", element("p", f"Made by ccops {__version__}. {_KEEP}")),
        raw("script", script),
    )
    head = _head(report, style, script)
    return f"<!doctype html>\n{MARK}\n{element('html', head, element('body', body), lang='en')}\n"


def _head(report: Report, style: str, script: str) -> Markup:
    # Nothing may be loaded, sent or run but this page's own style and script (https://www.w3.org/TR/CSP3/).
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}; form-action \'none\'">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{report.account}: ccops report"),
        raw("style", style),
    )


def _header(report: Report, *, rehearsal: bool) -> Markup:
    zone = report.timezone.rpartition("/")[2].replace("_", " ")
    links = (element("li", element("a", title, href=f"#{name}")) for name, title in _TITLES.items())
    return element(
        "header",
        element("p", "[sandbox] a rehearsal, not your account", class_="rehearsal") if rehearsal else "",
        element("h1", report.account),
        element("p", "Report of ", moment(report.made_at, report.timezone), f"; times: {zone}"),
        element("nav", element("ul", *links), aria_label="Parts of the report"),
    )


_TITLES: Final = {
    "now": "At a glance",
    "needs": "What needs you",
    "balances": "Balances",
    "months": "Grants and spendings",
    "refusals": "Refusals",
    "recent": "Recent changes",
}


def _parts(report: Report) -> list[Markup]:
    content = (
        _at_a_glance(report),
        needs(report),
        _balances(report),
        months(report),
        refusals(report),
        recent(report),
    )
    return [
        element("section", element("h2", title, id=f"{name}-title"), part, id=name, aria_labelledby=f"{name}-title")
        for (name, title), part in zip(_TITLES.items(), content, strict=True)
    ]


def _balances(report: Report) -> Markup:
    if not report.balances:
        return element("p", "So far ccops has written no field that holds numbers.")
    command = element("code", "ccops reconcile FIELD")
    told = element("p", "Balances are as ccops last wrote them; Kit was not asked. ", command, " compares them.")
    return joined(told, *map(balances, report.balances))


def _at_a_glance(report: Report) -> Markup:
    month = report.months[-1]
    waiting = len(report.needs) + report.more_needs
    told = {0: "Nothing needs you.", 1: "1 thing needs you."}.get(waiting, f"{figure(waiting)} things need you.")
    link = element("a", told, href="#needs") if waiting else told
    rows = [_this_month(report, each) for each in report.balances]
    caption = f"Granted and spent in {month_name(month)} so far"
    return joined(element("p", link), table(caption, _THIS_MONTH, rows, kind="tight") if rows else "")


def _this_month(report: Report, each: Balances) -> tuple[str, ...]:
    moved = of_month(report, each.field, report.months[-1])
    columns = ((one.granted, one.spent, one.undone) for one in moved)
    sums = [total(number or ZERO for number in column) for column in zip(*columns, strict=True)] or [ZERO] * 3
    return (each.field, *map(figure, (each.total, *sums)))


def _asset(name: str) -> str:
    return files("ccops.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
