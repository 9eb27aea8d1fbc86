"""Contacts that carry a trigger tag and were not served: a grant that somebody waits for."""

from collections.abc import Iterator
from datetime import datetime

from ccops.crm.base import Crm
from ccops.errors import CcopsError
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation, Tag
from ccops.operations.occasions import for_tag
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.patient import Patient
from ccops.report.doctor.wording import count, day
from ccops.text import shorten


def look(patient: Patient, crm: Crm, operations: list[Operation]) -> Iterator[Finding]:
    """Count who waits, by operation; a tagging that the ledger has answered does not."""
    looked, found = 0, list[Finding]()
    for operation in operations:
        if operation.tag is not None:
            looked += 1
            found += _waiting(patient, crm, operation, operation.tag)
    yield from found or ([well("waiting", "nobody who carries a trigger tag")] if looked else [])


def _waiting(patient: Patient, crm: Crm, operation: Operation, tag: Tag) -> Iterator[Finding]:
    since = [
        contact.tagged_at
        for contact in crm.carriers(tag.id)
        if contact.tagged_at is not None
        and contact.state in operation.states
        and not _answered(patient.ledger, operation, contact.id, for_tag(tag.id, contact.tagged_at))
    ]
    if since:
        yield _told(patient, operation, tag, since)


def _told(patient: Patient, operation: Operation, tag: Tag, since: list[datetime]) -> Finding:
    carry = "carries" if len(since) == 1 else "carry"
    oldest = day(min(since), patient.timezone, patient.now)
    text = f"{count(len(since), 'contact')} {carry} {shorten(tag.name)} since {oldest}"
    if operation.paused:
        return well("waiting", f"{text}; {operation.name} is paused")
    return wrong("waiting", f"{text}; is serve running?", f"ccops poll {operation.name}")


def _answered(ledger: Ledger | CcopsError, operation: Operation, contact: int, occasion: str) -> bool:
    if isinstance(ledger, CcopsError):
        return False
    return ledger.history.is_answered(operation.name, contact, occasion, kept=operation.after_run == "keep-tag")
