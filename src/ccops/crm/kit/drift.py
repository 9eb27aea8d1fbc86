"""By how much this machine's clock differs from Kit's, as far as one answer can tell."""

from datetime import datetime, timedelta
from typing import Final

_WHOLE_SECOND: Final = timedelta(seconds=1)
"""The `Date` of an answer leaves out what is less (RFC 9110, 5.6.7)."""


def least_ahead(sent: datetime, received: datetime, date: datetime) -> timedelta:
    """Return the least by which a clock is ahead of the one that wrote `date`; less than 0: it is behind.

    The answer was dated some time between the two moments of ours, however long it was on its way: as long as that
    can explain all, a clock is not wrong.
    """
    least = min(sent, received) - date - _WHOLE_SECOND
    most = max(sent, received) - date
    return max(least, timedelta()) or min(most, timedelta())
