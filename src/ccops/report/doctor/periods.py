"""Grants that come once in a period, and have not come in the present one."""

from collections.abc import Iterator

from ccops.engine.grants import late_grants
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.patient import Patient


def look(patient: Patient, ledger: Ledger, operations: list[Operation]) -> Iterator[Finding]:
    """Find the operations that nobody was granted in time."""
    found = [wrong("grant", late.said(patient.now), late.mend) for late in late_grants(ledger, operations, patient.now)]
    periodical = any(operation.once_per for operation in operations)
    yield from found or ([well("grant", "no period was left out")] if periodical else [])
