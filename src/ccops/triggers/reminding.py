"""Reminding of grants that have not come, while something looks for tags anyway: cron mails what poll warns of."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from ccops.engine.grants import ends_soon, warnings_near_end
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation

_EVERY: Final = timedelta(days=1)


def reminders(ledger: Ledger, operations: Iterable[Operation], now: datetime) -> list[str]:
    """Say which operations nobody was granted near their period's end; each is looked at once a day at most."""
    due = [
        operation
        for operation in operations
        if ends_soon(operation, now) and ledger.locks.once_in(f"reminded-{operation.name}", _EVERY)
    ]
    return warnings_near_end(ledger, due, now)
