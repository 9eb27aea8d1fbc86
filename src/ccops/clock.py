"""Time as a thing that is handed in, so that no decision reads a clock of its own and no test sleeps."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The present moment, and waiting for a later one."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; may return early when the program is asked to stop."""
        ...


class SystemClock:
    """The machine's clock; `stop` ends a wait early."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait, or return at once when asked to stop."""
        if self._stop is None:
            time.sleep(max(seconds, 0))
        else:
            self._stop.wait(max(seconds, 0))


def iso(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC with whole seconds, the form that Kit and `--json` use."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso(text: str) -> datetime:
    """Read a moment with a zone; a text without one is taken as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
