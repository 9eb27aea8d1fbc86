"""Kit's allowance, N requests per rolling 60 s and credential, shared by all threads and processes of one home."""

import errno
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from ccops.clock import Clock
from ccops.crm.kit.errors import HeldBack, Interrupted, PaceUnusable
from ccops.crm.kit.schedule import Allowance, Schedule
from ccops.waits import lock_file

MARGIN: Final = 1 / 60
"""Share of the window that is added to it. Requests don't travel equally fast: a slow one followed by a quick one are
closer together at Kit than here. 1 s in 60 still leaves 98 % of the allowance."""

_LONGEST_FILE: Final = 1_000_000
_CUT_SHORT: Final = 3
_SHORTEST: Final = 0.001
"""Seconds; a clock counts no less than microseconds, so a shorter sleep might never end."""


class Pacer(Protocol):
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


class Unpaced:
    """No pacing, for a service that allows everything."""

    def wait(self, within: float | None = None) -> None:
        """Return at once."""

    def reserve(self, requests: int) -> None:
        """Return at once."""

    def slow_down(self, seconds: float | None) -> None:
        """Take no notice."""


class SharedPacer:
    """Shares the allowance through a small file under an operating-system lock, first come, first served.

    At most `rate` requests leave in any `window` seconds; 0 means no pacing. A process that dies takes nothing with it,
    a damaged file or a clock that was set costs at most one window.
    """

    def __init__(self, path: Path, rate: int, window: float, clock: Clock, *, margin: float | None = None) -> None:
        self._path, self._clock = path, clock
        self._allowance = Allowance(rate, window + (window * MARGIN if margin is None else margin))
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
    def _schedule(self) -> Iterator[Schedule]:
        """Hold the lock, and write back what the block makes of the schedule. Raises PaceUnusable."""
        try:
            with _locked(self._path) as handle:
                schedule = Schedule.from_line(os.pread(handle, _LONGEST_FILE, 0))
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
