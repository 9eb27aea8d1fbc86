"""The page as a whole: its head that lets nothing in or out, its parts, and the way between them."""

import hashlib
from base64 import b64encode
from importlib.resources import files
from typing import Final

from ccops import __version__
from ccops.report.figures.amounts import ZERO, total
from ccops.report.figures.model import Balances, Report
from ccops.report.html.balances import balances
from ccops.report.html.markup import Markup, element, joined, raw
from ccops.report.html.months import months, of_month
from ccops.report.html.recent import recent
from ccops.report.html.tables import Column, table
from ccops.report.html.times import moment
from ccops.report.html.troubles import needs, refusals
from ccops.report.numbers import figure, month_name

MARK: Final = "<!-- ccops report -->"
"""By this a page of ours is known again, so that no other file is overwritten."""

_KEEP: Final = "It holds addresses of your contacts: keep it where only you can read it."
_THIS_MONTH: Final = (
    Column("Field"),
    Column("In all", number=True),
    Column("Granted", number=True),
    Column("Spent", number=True),
    Column("Taken back", number=True),
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
    return files("ccops.report.html").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
