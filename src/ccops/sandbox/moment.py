"""Moments as whole numbers of microseconds, which is how the state keeps them."""

from datetime import UTC, datetime, timedelta

from ccops.clock import iso

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Return the microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def shown(moment: int) -> str:
    """Write a moment as Kit does, with whole seconds."""
    return iso(_EPOCH + timedelta(microseconds=moment))
