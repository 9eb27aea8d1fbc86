"""Periods such as a month, as keys: `month:2026-11`. They begin and end at midnight of the registry's zone."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ccops.errors import Misconfigured
from ccops.operations.dates import local
from ccops.operations.model import Period
from ccops.text import shorten

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
"""English, whatever the machine speaks."""

_EXAMPLES: Final[Mapping[Period, str]] = {
    "day": "2026-11-22",
    "week": "2026-W47",
    "month": "2026-11",
    "quarter": "2026-Q4",
    "year": "2026",
    "ever": "ever",
}
_FORMS: Final[Mapping[Period, re.Pattern[str]]] = {
    "day": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "week": re.compile(r"[0-9]{4}-W[0-9]{2}"),
    "month": re.compile(r"[0-9]{4}-[0-9]{2}"),
    "quarter": re.compile(r"[0-9]{4}-Q[1-4]"),
    "year": re.compile(r"[0-9]{4}"),
    "ever": re.compile(r"ever"),
}
_YEARS: Final = range(1000, 9999)
"""Years with a year before and after them, so that each has bounds in every zone."""


class PeriodFault(Misconfigured):
    """A text names no period of the kind asked for."""

    def __init__(self, period: Period, text: str) -> None:
        self.period = period
        self.text = text
        self.mend = f"write it like {_EXAMPLES[period]}"
        super().__init__(f"{shorten(text)} names no {period}.")


def period_key(period: Period, moment: datetime, timezone: str) -> str:
    """Name the period that an aware moment falls in, by the calendar of a zone: `week:2026-W47`."""
    return _key(period, local(moment, timezone).date())


def parse_period(period: Period, text: str) -> str:
    """Read what `--period` was given, such as `2026-10`, into a key. Raises PeriodFault."""
    written = text.strip()
    # `2026-w47` and `2026-q4` are no mistakes worth stopping for.
    written = written.lower() if period == "ever" else written.upper()
    try:
        if not _FORMS[period].fullmatch(written) or _first_day(period, written).year not in _YEARS:
            raise PeriodFault(period, text)
    except ValueError:
        raise PeriodFault(period, text) from None
    return "ever" if period == "ever" else f"{period}:{written}"


def describe_period(key: str) -> str:
    """Name a period for people: "November 2026", "week 47 of 2026", "October to December 2026"."""
    period, text = _split(key)
    first = _first_day(period, text)
    match period:
        case "day":
            return f"{first.day} {MONTHS[first.month - 1][:3]} {first.year}"
        case "week":
            return f"week {int(text[-2:])} of {text[:4]}"
        case "month":
            return f"{MONTHS[first.month - 1]} {first.year}"
        case "quarter":
            return f"{MONTHS[first.month - 1]} to {MONTHS[first.month + 1]} {first.year}"
        case _:
            return text


def period_bounds(key: str, timezone: str) -> tuple[datetime, datetime]:
    """Return when a period begins, and when the next one does, in UTC.

    Where a zone once put its clocks back across midnight, the hour lived twice belongs to the later day here.
    """
    period, text = _split(key)
    if period == "ever":
        return datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    first = _first_day(period, text)
    return _midnight(first, timezone), _midnight(_next_first_day(period, first), timezone)


def _key(period: Period, day: date) -> str:
    match period:
        case "day":
            return f"day:{day.isoformat()}"
        case "week":
            year, week, _ = day.isocalendar()
            return f"week:{year:04}-W{week:02}"
        case "month":
            return f"month:{day.year:04}-{day.month:02}"
        case "quarter":
            return f"quarter:{day.year:04}-Q{(day.month + 2) // 3}"
        case "year":
            return f"year:{day.year:04}"
        case "ever":
            return "ever"


def _split(key: str) -> tuple[Period, str]:
    kind, _, text = key.partition(":")
    for period, form in _FORMS.items():
        if kind == period and form.fullmatch(text or kind):
            return period, text or kind
    raise ValueError(key)


def _first_day(period: Period, text: str) -> date:
    match period:
        case "day":
            return date.fromisoformat(text)
        case "week":
            return date.fromisocalendar(int(text[:4]), int(text[6:]), 1)
        case "month":
            return date(int(text[:4]), int(text[5:]), 1)
        case "quarter":
            return date(int(text[:4]), 3 * int(text[6:]) - 2, 1)
        case "year":
            return date(int(text), 1, 1)
        case "ever":
            return date(_YEARS.start, 1, 1)


def _next_first_day(period: Period, first: date) -> date:
    # A day that is surely in the next period leads back to its first one.
    inside = first + timedelta(days={"day": 1, "week": 7, "month": 31, "quarter": 92}.get(period, 366))
    return _first_day(*_split(_key(period, inside)))


def _midnight(day: date, timezone: str) -> datetime:
    # A midnight that a change of clocks leaves out is, with fold 0, the moment of that change: the day's first.
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
