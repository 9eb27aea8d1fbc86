"""Kit's allowance, N requests per rolling 60 s and credential, shared by all threads and processes of one home."""

import errno
import json
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from ccops.clock import Clock
from ccops.crm.base import NotSent
from ccops.errors import LedgerUnusable, ServiceUnreachable
from ccops.locks import lock_file
from ccops.text import clean

LONGEST_HOLD: Final = 300.0
"""Seconds. A longer one can only come from a clock that was set back, or leads to giving up anyway."""
OVERDUE: Final = 1.0
"""Seconds after which a ticket that nobody used counts no more: its holder died, or queues again."""

_FAR_FUTURE: Final = 1e12
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `rate` requests in any `span` seconds."""

    rate: int
    span: float


@dataclass(slots=True)
class RequestWindow:
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

    def earliest(self, allowance: Quota, places: int = 1, ticket: float | None = None) -> float:
        """Return when the holder of a ticket (None: a newcomer) may have so many places, those before it first.

        Without a place to take, only a hold is to be waited for.
        """
        if places == 0:
            return self.until
        before = sorted([*self.sent, *(time for time in self.queue if ticket is None or time < ticket)])
        kept = allowance.rate - places + 1
        return max(self.until, before[-kept] + allowance.span) if len(before) >= kept else self.until

    def take(self, now: float, allowance: Quota, places: int = 1, ticket: float | None = None) -> float:
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
    def from_line(cls, content: bytes) -> "RequestWindow":
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


# ---- kit's allowance, N requests per rolling 60 s and credential, shared by all threads and processes of one home

MARGIN: Final = 1 / 60
"""Share of the window that is added to it. Requests don't travel equally fast: a slow one followed by a quick one are
closer together at Kit than here. 1 s in 60 still leaves 98 % of the allowance."""

_LONGEST_FILE: Final = 1_000_000
_CUT_SHORT: Final = 3
_SHORTEST: Final = 0.001
"""Seconds; a clock counts no less than microseconds, so a shorter sleep might never end."""


class Interrupted(NotSent, ServiceUnreachable):
    """The program was asked to stop while a request waited for its turn."""

    def __init__(self) -> None:
        super().__init__("Asked to stop while a request waited for its place in Kit's rate limit.")


class HeldBack(NotSent):
    """A request that must not wait for long would have had to."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"the pace is held back for {max(seconds, 0):.0f} s more, and a write does not wait that long for its turn"
        )


class PaceUnusable(LedgerUnusable):
    """The file with which all ccops processes share the rate limit can't be used."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(
            f"The file {clean(str(path))}, which shares Kit's rate limit among all ccops processes, can't be used: "
            f"{clean(reason)}. Nothing was sent."
        )


class RateLimiter(Protocol):
    """Keeps requests within what the service allows."""

    def wait(self, within: float | None = None) -> None:
        """Return when the next request may be sent. Raises Interrupted, PaceUnusable, or HeldBack if not within s."""
        ...

    def reserve(self, requests: int) -> None:
        """Return when the next so many `wait` of this thread need not wait. Raises what `wait` raises."""
        ...

    def slow_down(self, seconds: float | None) -> None:
        """Hold everybody back: the service answered 429, and asked for so many seconds or for none in particular."""
        ...


class NoRateLimit:
    """No pacing, for a service that allows everything."""

    def wait(self, within: float | None = None) -> None:
        """Return at once."""

    def reserve(self, requests: int) -> None:
        """Return at once."""

    def slow_down(self, seconds: float | None) -> None:
        """Take no notice."""


class SharedRateLimiter:
    """Shares the allowance through a small file under an operating-system lock, first come, first served.

    At most `rate` requests leave in any `window` seconds; 0 means no pacing. A process that dies takes nothing with it,
    a damaged file or a clock that was set costs at most one window.
    """

    def __init__(self, path: Path, rate: int, window: float, clock: Clock, *, margin: float | None = None) -> None:
        self._path, self._clock = path, clock
        self._allowance = Quota(rate, window + (window * MARGIN if margin is None else margin))
        self._local = threading.local()

    def wait(self, within: float | None = None) -> None:
        """Return when the next request may be sent, which is at once if this thread has a place reserved.

        Raises Interrupted when the clock no longer waits, as that means that the program is asked to stop; HeldBack,
        as soon as that is known, if it can't be sent within so many seconds.
        """
        if self._allowance.rate > 0:
            reserved = self._reserved()
            self._wait_for(1, reserved.pop() if reserved else None, within)

    def reserve(self, requests: int) -> None:
        """Take places for the next requests of this thread, all at the same time; what it has already counts.

        A hold is waited for even if no place is missing, so that the next requests need not.
        """
        if self._allowance.rate > 0:
            reserved = self._reserved()
            missing = max(min(requests, self._allowance.rate) - len(reserved), 0)
            reserved.extend([self._wait_for(missing)] * missing)

    def slow_down(self, seconds: float | None) -> None:
        """Hold everybody back, in all processes."""
        if self._allowance.rate > 0:
            with self._schedule() as schedule:
                schedule.hold(self._now(), seconds)

    def _reserved(self) -> list[float]:
        """Return the places that this thread has taken in advance and that still count."""
        since = self._now() - self._allowance.span
        self._local.places = [place for place in getattr(self._local, "places", []) if place > since]
        places: list[float] = self._local.places
        return places

    def _wait_for(self, places: int, reserved: float | None = None, within: float | None = None) -> float:
        """Wait for so many places, or make use of a reserved one; return the time at which they count as sent."""
        ends = math.inf if within is None else time.monotonic() + within
        ticket: float | None = None
        cut_short = 0
        while True:
            with self._schedule() as schedule:
                now = self._now()
                schedule.tidy(now, self._allowance.span)
                if reserved in schedule.sent:
                    due = schedule.use(now, reserved)
                else:
                    due = schedule.take(now, self._allowance, places, ticket)
            if due <= now:
                return now
            ticket = due
            if time.monotonic() + due - now > ends:
                self._leave(ticket, places)
                raise HeldBack(due - now)
            cut_short = 0 if self._slept_until(due) else cut_short + 1
            if cut_short == _CUT_SHORT:
                self._leave(ticket, places)
                raise Interrupted

    def _leave(self, ticket: float, places: int) -> None:
        with self._schedule() as schedule:
            schedule.leave(ticket, places)

    def _slept_until(self, due: float) -> bool:
        """Sleep, and say whether it lasted; a clock set back while we slept looks like a short sleep, but once only."""
        started = self._now()
        wanted = max(due - started, _SHORTEST)
        self._clock.sleep(wanted)
        return self._now() - started >= wanted / 2

    def _now(self) -> float:
        return self._clock.now().timestamp()

    @contextmanager
    def _schedule(self) -> Iterator[RequestWindow]:
        """Hold the lock, and write back what the block makes of the schedule. Raises PaceUnusable."""
        try:
            with _locked(self._path) as handle:
                schedule = RequestWindow.from_line(os.pread(handle, _LONGEST_FILE, 0))
                yield schedule
                _overwrite(handle, schedule.to_line())
        except OSError as error:
            raise PaceUnusable(self._path, error.strerror or str(error)) from error


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock_file(handle, f"the turn of the next request, in {path}")
        yield handle
    finally:
        os.close(handle)


def _overwrite(handle: int, line: bytes) -> None:
    """Write in place, which needs no free disk; whatever a longer line left behind its end is not read."""
    if os.pwrite(handle, line, 0) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.ftruncate(handle, len(line))
