"""How long an event waits for its next try, and when it is given up: pure, all in one place."""

from datetime import datetime, timedelta
from typing import Final

NEAR: Final = timedelta(minutes=10)
"""How far a tagging may lie from an event's time and still be the one that the event is about."""

SAME: Final = timedelta(seconds=1)
"""How far a tagging may lie from the time that an event itself tells: both are written in whole seconds."""

_LOOKS: Final = NEAR
"""How long a tag that is not there is looked for: an answer of Kit may be minutes behind."""
_FIRST_LOOK, _LONGEST_LOOK = timedelta(seconds=5), timedelta(minutes=2)

_RETRIES: Final = (10, 30, 60, 120, 300, 600, 1200, 1800)
"""Seconds before each further try of an operation that failed or met a value that is no number. The first five together
are longer than Kit's lists ever lag, so that a contact who was made just now is found."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)


def retry_at(tries: int, now: datetime) -> datetime | None:
    """Return when to try again after so many tries in vain; None: never, a person is needed."""
    return now + timedelta(seconds=_RETRIES[tries]) if tries < len(_RETRIES) else None


def look_again_at(received_at: datetime, now: datetime) -> datetime | None:
    """Return when to look again for a tag that is not there; None once that has gone on for long enough.

    Each wait is as long as all before it together.
    """
    waited = now - received_at
    if waited >= _LOOKS:
        return None
    return now + min(max(waited, _FIRST_LOOK), _LONGEST_LOOK, max(_LOOKS - waited, timedelta(seconds=1)))


def pause_after(failures: int) -> timedelta:
    """Return how long all work rests after Kit, or the ledger, failed so many times in a row."""
    doubled: int = 2 ** min(failures, 16)
    return min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)
