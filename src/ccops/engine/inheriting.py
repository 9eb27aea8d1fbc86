"""What a lost ledger may have granted: counted as done by a person's word, so that it is not granted twice."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from ccops.engine.founding import Carrier
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Entry, Origin
from ccops.operations.copying import to_json
from ccops.operations.model import Operation
from ccops.operations.occasions import for_period
from ccops.operations.periods import period_key

_NOTE = "counted as done by a take-over, for the contact was changed by a ledger that is lost"


def count_as_done(
    ledger: Ledger, operations: Iterable[Operation], carriers: Iterable[Carrier], by: str, now: datetime
) -> list[Entry]:
    """Use up the present period of each operation that has one, for contacts that it may have been granted to.

    Nothing is sent: each entry says that a person took it as applied, as `ccops settle` does.
    """
    periodical = [operation for operation in operations if operation.once_per]
    contacts = sorted(carriers, key=lambda carrier: carrier.id)
    if not periodical or not contacts:
        return []
    title = "init --take-over --grants-done"
    started = ledger.runs.start(title, title, by, now, new=True)
    claims = _claims(periodical, contacts, started.run.id, by, now)
    for carrier in contacts:
        ledger.people.met(carrier.id, carrier.email)
    try:
        return [entry for claim in claims if (entry := _counted(ledger, claim, now)) is not None]
    finally:
        ledger.runs.stop(started, 0, now, ended=True)


def _claims(
    operations: Iterable[Operation], carriers: list[Carrier], run: int, by: str, now: datetime
) -> Iterator[Claim]:
    origin = Origin(by, "settle", _NOTE)
    for operation in operations:
        assert operation.once_per is not None  # noqa: S101 - chosen for it
        period, copy = period_key(operation.once_per, now, operation.timezone), to_json(operation)
        for carrier in carriers:
            yield Claim(operation.name, copy, carrier.id, for_period(period), run, origin, now, period)


def _counted(ledger: Ledger, claim: Claim, now: datetime) -> Entry | None:
    """Take one as applied; None if this ledger knows better itself."""
    # In one commit: an entry left between the two would be sent by the next `ccops settle`.
    with ledger.locks.contact(claim.contact), ledger.at_once():
        claimed = ledger.entries.claim(claim)
        if claimed.entry is None or claimed.kind not in {"begun", "tried again"}:
            return None
        return ledger.entries.confirm(claimed.entry, now, released=True)
