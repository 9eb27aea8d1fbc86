"""Where the receiver and the workers leave word for each other."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Board:
    """Wakes workers when something has come, and senders who wait for the answer when it is there."""

    def __init__(self, most_waiters: int) -> None:
        self._work = threading.Condition()
        self._arrivals = 0
        self._news = threading.Condition()
        self._told: dict[int, int] = {}
        self._waiters: Counter[int] = Counter()
        self._free = threading.BoundedSemaphore(most_waiters)
        self._closed = False

    def ring(self) -> None:
        """Say that something has come."""
        with self._work:
            self._arrivals += 1
            self._work.notify_all()

    @property
    def arrivals(self) -> int:
        """How often something has come, to be handed to `rest`."""
        return self._arrivals

    def rest(self, since: int, seconds: float) -> None:
        """Wait until something has come since that count of arrivals, but no longer than so many seconds."""
        with self._work:
            self._work.wait_for(lambda: self._arrivals != since or self._closed, seconds)

    def tell(self, events: Iterable[int]) -> None:
        """Say that events have been tried."""
        with self._news:
            for event in events:
                if self._waiters[event]:
                    self._told[event] = self._told.get(event, 0) + 1
            self._news.notify_all()

    @contextmanager
    def watching(self, event: int) -> Iterator["Watch | None"]:
        """Watch an event in the body; None if too many do so already, for each takes a thread of the receiver."""
        if not self._free.acquire(blocking=False):
            yield None
            return
        try:
            with self._news:
                self._waiters[event] += 1
            yield Watch(self, event)
        finally:
            with self._news:
                self._waiters[event] -= 1
                if not self._waiters[event]:
                    del self._waiters[event]
                    self._told.pop(event, None)
            self._free.release()

    def news(self, event: int) -> int:
        """Return how often a watched event has been tried."""
        with self._news:
            return self._told.get(event, 0)

    def await_news(self, event: int, since: int, seconds: float) -> bool:
        """Wait for another try of an event; False if there was none in so many seconds, or all is closing."""
        with self._news:
            self._news.wait_for(lambda: self._told.get(event, 0) != since or self._closed, seconds)
            return self._told.get(event, 0) != since

    def close(self) -> None:
        """Let all who wait go."""
        for condition in (self._work, self._news):
            with condition:
                self._closed = True
                condition.notify_all()


class Watch:
    """One sender's eye on one event."""

    def __init__(self, board: Board, event: int) -> None:
        self._board, self._event = board, event
        self._since = 0

    def wait(self, seconds: float) -> bool:
        """Wait until the event has been tried (again); False if that did not happen in time."""
        seen = self._board.await_news(self._event, self._since, seconds)
        self._since = self._board.news(self._event)
        return seen
