"""From when on: "7d" for the last seven days, or a day of the registry's zone."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ccops.errors import Misconfigured
from ccops.text import shorten

_AGO: Final = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS: Final[Mapping[str, timedelta]] = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?")


class NoSuchDay(Misconfigured):
    """A text is written like a day or a moment, but the calendar or the clock has none like it."""

    mend = "write the year, the month (01 to 12) and the day, such as 2026-11-01, or 7d for the last seven days"

    def __init__(self, text: str) -> None:
        day, _, hour = text.replace("T", " ").partition(" ")
        what = f"time {hour}" if hour and _is_day(day) else f"day {day}"
        super().__init__(f"--since {text}: there is no {what}.")


class SinceFault(Misconfigured):
    """A text says no moment."""

    mend = "write it like 90m, 12h, 7d, 3w, 2026-11-01 or 2026-11-01T14:30"

    def __init__(self, text: str) -> None:
        super().__init__(f"--since {shorten(text)} can't be read: it is neither a day nor a time ago.")


def since(text: str, now: datetime, timezone: str) -> datetime:
    """Return the moment that a text means: so long ago, or a day's midnight in a zone.

    Raises NoSuchDay and SinceFault.
    """
    written = text.strip()
    try:
        if ago := _AGO.fullmatch(written.lower()):
            return now - int(ago[1]) * _UNITS[ago[2]]
        if _DAY.fullmatch(written):
            return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        if _DAY.fullmatch(written):
            raise NoSuchDay(written) from None
    raise SinceFault(text)


def _is_day(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
