"""Whether and when a request is repeated: pure decisions, so that none of them needs a test that waits."""

from typing import Final

from ccops.crm.kit.exchange import Kind

TROUBLE_ATTEMPTS: Final = 6
BUSY_ATTEMPTS: Final = 8
LONGEST_REQUESTED: Final = 300.0
"""Seconds. Whoever is asked to wait longer gives up at once and says so."""

_TROUBLE_FIRST, _TROUBLE_LONGEST = 1.0, 30.0
_BUSY_FIRST, _BUSY_LONGEST = 2.0, 60.0


def next_wait(attempt: int, kind: Kind, retry_after: float | None, random: float) -> float | None:
    """Return the seconds to wait after the failed attempt number `attempt` (from 1), or None to give up.

    `random` lies in [0, 1). Trouble waits anywhere between nothing and the doubled limit (full jitter), so that many
    workers don't come back at once. A 429 waits at least half of its limit: Kit's window lasts 60 s (API v4, "Rate
    limits"), and coming back too early only prolongs it. What the service asks for is never undercut.
    """
    if attempt >= (BUSY_ATTEMPTS if kind == "busy" else TROUBLE_ATTEMPTS):
        return None
    if retry_after is not None:
        return retry_after + random if retry_after <= LONGEST_REQUESTED else None
    if kind == "busy":
        return _doubled(_BUSY_FIRST, _BUSY_LONGEST, attempt) * (1 + random) / 2
    return _doubled(_TROUBLE_FIRST, _TROUBLE_LONGEST, attempt) * random


def _doubled(first: float, longest: float, attempt: int) -> float:
    return min(longest, first * 2.0 ** (attempt - 1))
