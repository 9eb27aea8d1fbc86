"""Moments for tests about months, so that none of them depends on the day on which it runs."""

import time
from datetime import UTC, datetime, timedelta

from ccops.clock import SystemClock
from ccops.operations.periods import period_key

ZONE = "America/New_York"
"""That of the registries in these tests."""
START = datetime(2026, 11, 18, 15, tzinfo=UTC)
"""Far from the ends of a day, a month, a quarter and a year, in any zone."""


class InMidMonth(SystemClock):
    """A clock that shows a day in November when it is made, and goes on from there; waits are real."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()

    def now(self) -> datetime:
        return START + timedelta(seconds=time.monotonic() - self._began)

    def month(self) -> str:
        """Return the key of this month."""
        return period_key("month", self.now(), ZONE)

    def last_month(self) -> str:
        """Return the key of the month before."""
        return period_key("month", self.now() - timedelta(days=25), ZONE)
