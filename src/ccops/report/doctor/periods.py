"""Grants that come once in a period, and have not come in the present one."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from ccops.ledger.history import PeriodUse
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation, Period
from ccops.operations.periods import describe_period, period_bounds, period_key
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.patient import Patient
from ccops.report.doctor.wording import day

_SLACK: Final = timedelta(hours=1)


def look(patient: Patient, ledger: Ledger, operations: list[Operation]) -> Iterator[Finding]:
    """Compare the present period of each operation with the one before.

    Only what runs and imports granted counts: a tag or a POST comes when it comes.
    """
    found = [
        finding for operation in operations if not operation.paused for finding in _late(patient, ledger, operation)
    ]
    periodical = any(operation.once_per for operation in operations)
    yield from found or ([well("grant", "no period was left out")] if periodical else [])


def _late(patient: Patient, ledger: Ledger, operation: Operation) -> Iterator[Finding]:
    if operation.once_per is None or operation.once_per == "ever":
        return
    present, before = periods_at(operation.once_per, patient.now, operation.timezone)
    last = ledger.history.use_of(operation.name, before)
    if last is None or ledger.history.is_used(operation.name, present):
        return
    if patient.now >= expected(present, before, last, operation.timezone):
        when = day(last.last, operation.timezone, patient.now)
        text = f"{operation.name}: nobody has {describe_period(present)} yet; last run {when}"
        yield wrong("grant", text, f"ccops run {operation.name} …")


def periods_at(period: Period, now: datetime, timezone: str) -> tuple[str, str]:
    """Return the keys of the present period and of the one before."""
    present = period_key(period, now, timezone)
    begin, _ = period_bounds(present, timezone)
    return present, period_key(period, begin - timedelta(microseconds=1), timezone)


def expected(present: str, before: str, last: PeriodUse, timezone: str) -> datetime:
    """Return when the present period's grants are late: as far into it as those of the one before came, and a little.

    Grants that were caught up on later tell nothing; then they are late from the beginning.
    """
    begin, _ = period_bounds(present, timezone)
    earlier, _ = period_bounds(before, timezone)
    into = last.first - earlier
    return begin + into + _SLACK if into < begin - earlier else begin
