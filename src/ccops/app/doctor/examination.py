"""All checks in their order."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from ccops.app.doctor.account_checks import (
    check_account,
    check_home,
    check_receipts,
    check_webhooks,
    fields_of,
    no_home,
    tags_of,
)
from ccops.app.doctor.findings import CrmVisit, Examined, Finding, count, guarded, told, well
from ccops.app.doctor.ledger_checks import (
    check_backup,
    check_inbox,
    check_ledger,
    check_losses,
    check_periods,
    check_waiting,
    journal,
    open_entries,
    runs,
)
from ccops.config.settings import Settings
from ccops.errors import CcopsError, CredentialRefused, ServiceUnreachable
from ccops.operations.model import OperationsFile
from ccops.text import clean

Checked = TypeVar("Checked")

_KIT_IS_GONE: Final = (ServiceUnreachable, CredentialRefused)
"""Said once: what ends one question to Kit ends them all."""


def examine(patient: Examined) -> Iterator[Finding]:
    """Check everything; what can't be looked at is a finding, told once, and the rest is looked at."""
    told_already = set[str]()
    for finding in _all_checks(patient):
        if finding.ok or finding.text not in told_already:
            yield finding
        told_already.add(finding.text)


def _all_checks(patient: Examined) -> Iterator[Finding]:
    if not patient.home.exists:
        yield no_home(patient.home)
        return
    yield from guarded("home", check_home(patient.home, patient.now))
    yield from _with("Kit", patient.visit, lambda visit: check_account(patient, visit))
    yield from _with("settings", patient.settings, _settings)
    yield from _with("registry", patient.registry, _registry)
    yield from _with("ledger", patient.ledger, check_ledger)
    if not isinstance(patient.ledger, CcopsError):
        yield from guarded("ledger", journal(patient, patient.ledger))
        yield from guarded("backup", check_backup(patient, patient.ledger))
        yield from guarded("runs", runs(patient, patient.ledger))
        yield from guarded("open", open_entries(patient, patient.ledger))
        yield from guarded("inbox", check_inbox(patient, patient.ledger))
        if not isinstance(patient.registry, CcopsError):
            operations = list(patient.registry.operations.values())
            yield from guarded("grant", check_periods(patient, patient.ledger, operations))
    if isinstance(patient.visit, CrmVisit):
        yield from guarded("Kit", _in_kit(patient, patient.visit))
    elif not isinstance(patient.ledger, CcopsError):
        yield from guarded("lost", check_losses(patient.ledger, None))


def _with(
    area: str, part: Checked | CcopsError | None, check: Callable[[Checked], Iterable[Finding]]
) -> Iterator[Finding]:
    """Check a part, or say why it could not be opened."""
    if isinstance(part, CcopsError):
        yield from told(area, part)
    elif part is not None:
        yield from guarded(area, check(part))


def _settings(settings: Settings) -> Iterator[Finding]:
    yield well("settings", f"what is done here is put down to {clean(settings.actor)}")


def _registry(registry: OperationsFile) -> Iterator[Finding]:
    operations = registry.operations.values()
    paused = sum(operation.paused for operation in operations)
    known = f"{count(len(operations), 'operation')}{f' ({paused} paused)' if paused else ''}"
    yield well("registry", f"{known}, time zone {registry.timezone}")


def _in_kit(patient: Examined, visit: CrmVisit) -> Iterator[Finding]:
    """Look for everything that the CRM must have. Raises ServiceUnreachable and CredentialRefused."""
    fields, names = visit.crm.fields(), {tag.id: tag.name for tag in visit.crm.tags()}
    registry = patient.registry
    if not isinstance(patient.ledger, CcopsError):
        yield from guarded("lost", check_losses(patient.ledger, visit.crm), _KIT_IS_GONE)
        yield from guarded("receipts", check_receipts(patient.ledger, visit.crm, fields), _KIT_IS_GONE)
    if not isinstance(registry, CcopsError):
        bound = [operation for operation in registry.operations.values() if operation.tag and operation.tag.id in names]
        yield from guarded("fields", fields_of(registry, fields, patient.ledger), _KIT_IS_GONE)
        yield from guarded("tags", tags_of(registry, names, patient.ledger), _KIT_IS_GONE)
        yield from guarded("waiting", check_waiting(patient, visit.crm, bound), _KIT_IS_GONE)
        if not isinstance(patient.settings, CcopsError):
            told_of = check_webhooks(patient, visit.webhooks, registry, patient.settings.public_url)
            yield from guarded("webhooks", told_of, _KIT_IS_GONE)
