"""Numbers, days and sizes as the doctor says them."""

from datetime import datetime, timedelta
from typing import Final

from ccops.operations.dates import local
from ccops.operations.periods import MONTHS

_KILO: Final = 1024
_MINUTE: Final = 60


def count(number: int, thing: str, things: str = "") -> str:
    """Write how many there are: "1 contact", "1,200 contacts"."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"


def day(moment: datetime, timezone: str, now: datetime) -> str:
    """Name the day of a moment: "20 Nov", with the year if it is another one than now; the time if it is today."""
    there, here = local(moment, timezone), local(now, timezone)
    if there.date() == here.date():
        return f"{there:%H:%M}"
    year = "" if there.year == here.year else f" {there.year}"
    return f"{there.day} {MONTHS[there.month - 1][:3]}{year}"


def moment(then: datetime, timezone: str, now: datetime) -> str:
    """Name a moment by its time, and by its day too unless that is today: "14:20", "20 Nov 14:20"."""
    named, time = day(then, timezone, now), f"{local(then, timezone):%H:%M}"
    return time if named == time else f"{named} {time}"


def size(octets: int) -> str:
    """Write the size of a file."""
    kilo = octets / _KILO
    return f"{kilo:.0f} kB" if kilo < _KILO else f"{kilo / _KILO:,.1f} MB"


def span(time: timedelta) -> str:
    """Write a span of time: "42 s", "5 min", "3 h"."""
    seconds = abs(time.total_seconds())
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    minutes = seconds / _MINUTE
    return f"{minutes:.0f} min" if minutes < 2 * _MINUTE else f"{minutes / _MINUTE:.0f} h"
