"""What was asked of a sandbox."""

import threading
from collections import Counter, deque

from ccops.sandbox.exchange import Exchange


class Log:
    """Counts all exchanges and keeps the last `keep` of them, or all if `keep` is None."""

    def __init__(self, keep: int | None) -> None:
        self._lock = threading.Lock()
        self._exchanges: deque[Exchange] = deque(maxlen=keep)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._statuses: Counter[int | None] = Counter()

    def add(self, exchange: Exchange) -> None:
        """Take down an exchange."""
        with self._lock:
            self._exchanges.append(exchange)
            self._counts[exchange.method, exchange.route or exchange.path] += 1
            self._statuses[exchange.status] += 1

    def counts(self) -> Counter[tuple[str, str]]:
        """Return how often each method and route was asked for."""
        with self._lock:
            return self._counts.copy()

    def statuses(self) -> Counter[int | None]:
        """Return how often each status was answered; None stands for no answer."""
        with self._lock:
            return self._statuses.copy()

    def exchanges(self) -> list[Exchange]:
        """Return the exchanges that were kept, oldest first."""
        with self._lock:
            return list(self._exchanges)

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._exchanges.clear()
            self._counts.clear()
            self._statuses.clear()
