"""All checks in their order."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from ccops.errors import CcopsError, CredentialRefused, ServiceUnreachable
from ccops.operations.model import Registry
from ccops.registry.settings import Settings
from ccops.report.doctor import backup, bindings, home, inbox, kit, ledger, losses, periods, receipts, waiting, webhooks
from ccops.report.doctor.finding import Finding, guarded, told, well
from ccops.report.doctor.patient import Patient, Visit
from ccops.report.doctor.wording import count
from ccops.text import clean

Part = TypeVar("Part")

_KIT_IS_GONE: Final = (ServiceUnreachable, CredentialRefused)
"""Said once: what ends one question to Kit ends them all."""


def examine(patient: Patient) -> Iterator[Finding]:
    """Check everything; what can't be looked at is a finding, told once, and the rest is looked at."""
    told_already = set[str]()
    for finding in _all_checks(patient):
        if finding.ok or finding.text not in told_already:
            yield finding
        told_already.add(finding.text)


def _all_checks(patient: Patient) -> Iterator[Finding]:
    if not patient.home.exists:
        yield home.no_home(patient.home)
        return
    yield from guarded("home", home.look(patient.home, patient.now))
    yield from _with("Kit", patient.visit, lambda visit: kit.look(patient, visit))
    yield from _with("settings", patient.settings, _settings)
    yield from _with("registry", patient.registry, _registry)
    yield from _with("ledger", patient.ledger, ledger.look)
    if not isinstance(patient.ledger, CcopsError):
        yield from guarded("ledger", ledger.journal(patient, patient.ledger))
        yield from guarded("backup", backup.look(patient, patient.ledger))
        yield from guarded("runs", ledger.runs(patient, patient.ledger))
        yield from guarded("open", ledger.open_entries(patient, patient.ledger))
        yield from guarded("inbox", inbox.look(patient, patient.ledger))
        if not isinstance(patient.registry, CcopsError):
            operations = list(patient.registry.operations.values())
            yield from guarded("grant", periods.look(patient, patient.ledger, operations))
    if isinstance(patient.visit, Visit):
        yield from guarded("Kit", _in_kit(patient, patient.visit))
    elif not isinstance(patient.ledger, CcopsError):
        yield from guarded("lost", losses.look(patient.ledger, None))


def _with(area: str, part: Part | CcopsError | None, check: Callable[[Part], Iterable[Finding]]) -> Iterator[Finding]:
    """Check a part, or say why it could not be opened."""
    if isinstance(part, CcopsError):
        yield from told(area, part)
    elif part is not None:
        yield from guarded(area, check(part))


def _settings(settings: Settings) -> Iterator[Finding]:
    yield well("settings", f"what is done here is put down to {clean(settings.actor)}")


def _registry(registry: Registry) -> Iterator[Finding]:
    operations = registry.operations.values()
    paused = sum(operation.paused for operation in operations)
    known = f"{count(len(operations), 'operation')}{f' ({paused} paused)' if paused else ''}"
    yield well("registry", f"{known}, time zone {registry.timezone}")


def _in_kit(patient: Patient, visit: Visit) -> Iterator[Finding]:
    """Look for everything that the CRM must have. Raises ServiceUnreachable and CredentialRefused."""
    fields, names = visit.crm.fields(), {tag.id: tag.name for tag in visit.crm.tags()}
    registry = patient.registry
    if not isinstance(patient.ledger, CcopsError):
        yield from guarded("lost", losses.look(patient.ledger, visit.crm), _KIT_IS_GONE)
        yield from guarded("receipts", receipts.look(patient.ledger, visit.crm, fields), _KIT_IS_GONE)
    if not isinstance(registry, CcopsError):
        bound = [operation for operation in registry.operations.values() if operation.tag and operation.tag.id in names]
        yield from guarded("fields", bindings.fields_of(registry, fields, patient.ledger), _KIT_IS_GONE)
        yield from guarded("tags", bindings.tags_of(registry, names, patient.ledger), _KIT_IS_GONE)
        yield from guarded("waiting", waiting.look(patient, visit.crm, bound), _KIT_IS_GONE)
        if not isinstance(patient.settings, CcopsError):
            told_of = webhooks.examine(patient, visit.webhooks, registry, patient.settings.public_url)
            yield from guarded("webhooks", told_of, _KIT_IS_GONE)
