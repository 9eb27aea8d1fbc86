"""The rate limit: so many requests a credential in any window of time (Kit API v4, "Rate limits")."""

import threading
from collections import defaultdict, deque
from datetime import datetime, timedelta


class RollingLimit:
    """Counts the requests that were let through; a refused one does not count."""

    def __init__(self) -> None:
        self._passed: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admits(self, credential: str, now: datetime, rate: int, window: float) -> bool:
        """Say whether one more request fits into the last `window` seconds; `rate` 0 means no limit."""
        if not rate:
            return True
        with self._lock:
            passed = self._passed[credential]
            while passed and passed[0] <= now - timedelta(seconds=window):
                passed.popleft()
            if len(passed) >= rate:
                return False
            passed.append(now)
            return True
