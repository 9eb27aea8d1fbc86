"""Moments as elements of the page."""

from datetime import datetime

from ccops.clock import iso
from ccops.operations.dates import local
from ccops.operations.periods import MONTHS
from ccops.report.html.markup import Markup, element


def moment(at: datetime, timezone: str) -> Markup:
    """Write a moment in a zone; programs read it in UTC."""
    there = local(at, timezone)
    return element("time", f"{there.day} {MONTHS[there.month - 1][:3]} {there.year} {there:%H:%M}", datetime=iso(at))
