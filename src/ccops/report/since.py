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


class SinceFault(Misconfigured):
    """A text says no moment."""

    mend = "write it like 90m, 12h, 7d, 3w, 2026-11-01 or 2026-11-01T14:30"

    def __init__(self, text: str) -> None:
        super().__init__(f"--since {shorten(text)} names no moment.")


def since(text: str, now: datetime, timezone: str) -> datetime:
    """Return the moment that a text means: so long ago, or a day's midnight in a zone. Raises SinceFault."""
    written = text.strip()
    try:
        if ago := _AGO.fullmatch(written.lower()):
            return now - int(ago[1]) * _UNITS[ago[2]]
        if _DAY.fullmatch(written):
            return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise SinceFault(text)
