"""How fast a run goes and how long it will still take, from when contacts were done."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

_WINDOW: Final = timedelta(seconds=60)
"""What is longer ago says nothing of the present pace: contacts that were done before take no time at all."""
_MOST: Final = 512
_MINUTE, _HOUR = 60, 3600


@dataclass(slots=True)
class Pace:
    """The pace of a run over `total` contacts; None: nobody knows how many there are."""

    total: int | None
    begun: datetime
    done: int = 0
    _recent: deque[tuple[datetime, int]] = field(default_factory=lambda: deque(maxlen=_MOST))

    def add(self, now: datetime) -> None:
        """Count a contact that was done now."""
        self.done += 1
        if not self._recent or now - self._recent[-1][0] >= _WINDOW / _MOST:
            self._recent.append((now, self.done))

    def a_second(self, now: datetime) -> float:
        """Return how many contacts a second were done of late; 0 if that can't be said yet."""
        since, before = next(((at, done) for at, done in self._recent if now - at <= _WINDOW), (now, self.done))
        if self.begun > now - _WINDOW:
            since, before = self.begun, 0
        seconds = (now - since).total_seconds()
        return (self.done - before) / seconds if seconds > 0 else 0.0

    def text(self, now: datetime) -> str:
        """Say how far it is: "352/412   2.0 a second   30 s left"."""
        rate = self.a_second(now)
        parts = [f"{self.done:,}" if self.total is None else f"{self.done:,}/{self.total:,}"]
        if rate > 0:
            parts.append(f"{rate:,.1f} a second")
            if self.total is not None and self.total > self.done:
                parts.append(f"{span(round((self.total - self.done) / rate))} left")
        return "   ".join(parts)


def span(seconds: int) -> str:
    """Write a number of seconds for people: "2 min 27 s", "1 h 5 min"."""
    minutes, rest = divmod(seconds, _MINUTE)
    if seconds >= _HOUR:
        hours, minutes = divmod(minutes, _MINUTE)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return " ".join([f"{minutes} min"] * bool(minutes) + [f"{rest} s"] * (bool(rest) or not minutes))
