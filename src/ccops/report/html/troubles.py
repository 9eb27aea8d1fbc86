"""What did not come about, and what needs a person."""

from typing import Final

from ccops.report.figures.model import Need, Refusal, Report
from ccops.report.html.markup import Markup, element, joined
from ccops.report.html.tables import Column, table
from ccops.report.html.times import moment
from ccops.report.numbers import figure
from ccops.report.words import SEND_AGAIN

_REFUSALS: Final = (
    Column("Operation"),
    Column("What"),
    Column("How often", number=True),
    Column("Why"),
    Column("Last"),
)
_NEEDS: Final = (Column("What"), Column("Contact"), Column("Operation"), Column("Why"), Column("Since"), Column("Type"))


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


def _refusal(refusal: Refusal, timezone: str) -> tuple[str, ...]:
    said = [f"{reason.text} ({figure(reason.count)})" for reason in refusal.reasons]
    if refusal.more:
        said.append(f"and {figure(refusal.more)} other reason{'' if refusal.more == 1 else 's'}")
    why = joined(*(element("div", text) for text in said))
    what = refusal.kind.replace("-", " ")
    return refusal.operation, what, figure(refusal.count), why, moment(refusal.last, timezone)
