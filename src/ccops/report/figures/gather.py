"""The whole report, from one ledger; Kit is asked for nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ccops.ledger.history import Filter
from ccops.ledger.ledger import Ledger
from ccops.operations.dates import local
from ccops.operations.model import Registry
from ccops.report.figures.holding import balances_of
from ccops.report.figures.model import Balances, Month, Report
from ccops.report.figures.moving import Calendar, Walk, last_months, walk
from ccops.report.figures.needing import needs_of
from ccops.report.figures.refusing import refusals_of
from ccops.report.history import past

_MOST_NEEDS: Final = 40


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a report goes: so many months, and so many recent entries."""

    months: int = 12
    recent: int = 2000


def report_of(ledger: Ledger, registry: Registry, now: datetime, settle_after: timedelta, extent: Extent) -> Report:
    """Add the ledger up."""
    timezone = registry.timezone
    months = last_months(local(now, timezone), extent.months)
    walked = walk(ledger.figures.written(), months, timezone)
    name = _Names(ledger)
    balances = tuple(found for key in _in_order(walked, registry) if (found := balances_of(key, walked, name)))
    needs = needs_of(ledger, registry, now, settle_after, name)
    return Report(
        account=ledger.identity.account[1],
        timezone=timezone,
        made_at=now,
        months=months,
        balances=balances,
        moved=_moved(walked, balances),
        refusals=refusals_of(ledger.figures.refused(Calendar(months, timezone).begin)),
        needs=needs[:_MOST_NEEDS],
        more_needs=max(len(needs) - _MOST_NEEDS, 0),
        recent=past(ledger, Filter(), extent.recent),
    )


class _Names:
    """The addresses of contacts as last seen."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(self, contact: int) -> str | None:
        person = self._ledger.people.by_id(contact)
        return None if person is None else person.email or None


def _in_order(walked: Walk, registry: Registry) -> list[str]:
    """Name the fields, those of the registry first."""
    named = [change.field for operation in registry.operations.values() for change in operation.changes]
    return [key for key in dict.fromkeys([*named, *sorted(walked.fields)]) if key in walked.fields]


def _moved(walked: Walk, balances: tuple[Balances, ...]) -> tuple[Month, ...]:
    """List what moved: the newest month first, in it the operations by name."""
    counted = {each.field for each in balances}
    rows = [
        Month(month, operation, key, moved.changes, moved.granted, moved.spent, moved.undone)
        if key in counted
        else Month(month, operation, key, moved.changes, None, None, None)
        for (month, operation, key), moved in walked.places.items()
        if month is not None
    ]
    rows.sort(key=lambda row: (row.operation, row.field))
    rows.sort(key=lambda row: row.month, reverse=True)
    return tuple(rows)
