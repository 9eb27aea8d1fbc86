"""What becomes of a delivery after a try."""

from typing import Final

from ccops.sandbox.rows import DeliveryRow
from ccops.sandbox.tables import FOREVER

_WAITS: Final = (30, 120, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
"""Seconds after each failed try but the last (Kit API v4, "Webhook endpoints")."""

_GONE: Final = 410
_BUSY: Final = (429, 503)
_LONGEST: Final = 24 * 3600


def judged(delivery: DeliveryRow, status: int | None, retry_after: str | None, now: int, scale: float) -> DeliveryRow:
    """Return how a delivery stands after a try that got this answer, None for none; legacy ones are tried once."""
    if status is not None and 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls successful
        return delivery._replace(state="delivered", due=FOREVER)
    if delivery.endpoint_id is None or status == _GONE or delivery.attempts > len(_WAITS):
        return given_up(delivery)
    wait = _wished(retry_after) if status in _BUSY else None
    wait = wait or _WAITS[delivery.attempts - 1]
    return delivery._replace(state="retrying", due=now + int(wait * scale * 1_000_000) if scale else FOREVER)


def given_up(delivery: DeliveryRow) -> DeliveryRow:
    """Return a delivery as one that is not tried again."""
    return delivery._replace(state="failed", due=FOREVER)


def _wished(retry_after: str | None) -> int | None:
    if retry_after is None or not retry_after.isdecimal():
        return None
    return min(max(int(retry_after), 1), _LONGEST)
