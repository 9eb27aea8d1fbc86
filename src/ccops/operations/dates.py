"""Dates as they stand in fields, `2026-11-22`, and the present day in a zone."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from ccops.operations.numbers import BLANKS
from ccops.operations.refusal import Cause, DateOutOfRange, NotWholeDays

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def local(moment: datetime, timezone: str) -> datetime:
    """Take a moment in a zone (IANA name); one without a zone of its own is a bug, and raises ValueError."""
    if moment.tzinfo is None:
        msg = "a moment needs a zone"
        raise ValueError(msg)
    return moment.astimezone(ZoneInfo(timezone))


def parse_date(text: str) -> date | None:
    """Read a date; None if the text is none. Surrounding blanks are allowed, other forms of ISO 8601 are not."""
    written = text.strip(BLANKS)
    if not _DATE.fullmatch(written):
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def shift(start: date, days: Decimal, cause: Cause) -> date:
    """Go some whole days on, or back. Raises NotWholeDays, which is put down to `cause`, and DateOutOfRange."""
    if days != days.to_integral_value():
        raise NotWholeDays(days, cause)
    try:
        return start + timedelta(days=int(days))
    except OverflowError:
        raise DateOutOfRange(start, days) from None
