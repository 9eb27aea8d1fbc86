"""Who may send when: the arithmetic of a rolling window, without file, clock or lock."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final

LONGEST_HOLD: Final = 300.0
"""Seconds. A longer one can only come from a clock that was set back, or leads to giving up anyway."""
OVERDUE: Final = 1.0
"""Seconds after which a ticket that nobody used counts no more: its holder died, or queues again."""

_FAR_FUTURE: Final = 1e12
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `rate` requests in any `span` seconds."""

    rate: int
    span: float


@dataclass(slots=True)
class Schedule:
    """The window of one credential; all times are seconds since 1970."""

    sent: list[float] = field(default_factory=list)
    """When requests were sent, or places for them taken. These alone decide what is allowed."""
    queue: list[float] = field(default_factory=list)
    """Tickets: when those who wait expect to send. They keep the order, so that nobody starves."""
    until: float = 0.0
    """Nothing is sent before this."""
    pause: float = 0.0
    """Length of the latest hold whose length was ours to choose."""

    def tidy(self, now: float, span: float) -> None:
        """Drop what no longer counts, and take nothing for later than now that has happened (a clock was set back)."""
        self.sent = sorted(min(time, now) for time in self.sent if time > now - span)
        self.queue = sorted(time for time in self.queue if now - OVERDUE < time < now + 2 * span + LONGEST_HOLD)
        self.until = min(self.until, now + LONGEST_HOLD)

    def earliest(self, allowance: Allowance, places: int = 1, ticket: float | None = None) -> float:
        """Return when the holder of a ticket (None: a newcomer) may have so many places, those before it first.

        Without a place to take, only a hold is to be waited for.
        """
        if places == 0:
            return self.until
        before = sorted([*self.sent, *(time for time in self.queue if ticket is None or time < ticket)])
        kept = allowance.rate - places + 1
        return max(self.until, before[-kept] + allowance.span) if len(before) >= kept else self.until

    def take(self, now: float, allowance: Allowance, places: int = 1, ticket: float | None = None) -> float:
        """Take places, or queue for them if the time returned is later than now; that time is the new ticket."""
        due = self.earliest(allowance, places, ticket)
        self.leave(ticket, places)
        if due > now:
            self.queue += [due] * places
        else:
            self.sent += [now] * places
        return due

    def use(self, now: float, place: float) -> float:
        """Use a place taken before, which from now on counts as sent now; if that must wait, return until when."""
        if self.until <= now:
            self.sent.remove(place)
            self.sent.append(now)
        return self.until

    def leave(self, ticket: float | None, places: int = 1) -> None:
        """Give a ticket for so many places back."""
        for _ in range(places):
            if ticket in self.queue:
                self.queue.remove(ticket)

    def hold(self, now: float, seconds: float | None) -> None:
        """Hold everybody back for so many seconds, or, if None, for a pause that doubles from one to the next.

        Many workers hear of the same 429: what is reported during a pause of ours does not lengthen it.
        """
        if seconds is not None:
            self.until = max(self.until, now + seconds)
        elif now >= self.until:
            in_a_row = now < self.until + 2 * _LONGEST_PAUSE
            self.pause = min(2 * self.pause, _LONGEST_PAUSE) if in_a_row and self.pause else _FIRST_PAUSE
            self.until = now + self.pause

    def to_line(self) -> bytes:
        """Write as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, content: bytes) -> "Schedule":
        """Read what `to_line` wrote; what is damaged counts as nothing, for at worst Kit answers 429 once more."""
        try:
            value = json.loads(content.split(b"\n", 1)[0])
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(value, dict):
            return cls()
        sent, queue = (_numbers(value.get(key)) for key in ("sent", "queue"))
        until, pause = (sum(_numbers([value.get(key)])) for key in ("until", "pause"))
        return cls(sent, queue, until, min(pause, _LONGEST_PAUSE))


def _numbers(value: Any) -> list[float]:
    items = value if isinstance(value, list) else []
    return [float(item) for item in items if type(item) in (int, float) and 0 <= item < _FAR_FUTURE]
