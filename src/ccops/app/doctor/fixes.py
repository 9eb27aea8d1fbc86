"""What the doctor mends without a person: nothing that could be meant otherwise."""

from collections.abc import Callable, Iterator

from ccops.app.doctor.account_checks import drafts, keys_of, open_to_others, renamed_followups
from ccops.app.doctor.findings import CrmVisit, Examined, Finding, count, guarded, well
from ccops.app.doctor.ledger_checks import is_due
from ccops.config.home import Home, folder_lock, told
from ccops.config.operations_file import edit_operation, rename_fields
from ccops.engine.apply import Applier
from ccops.engine.bootstrap import follow_in_ledger, keys_of_ledger, mend_receipt_field, note_fields, renamed_fields
from ccops.errors import CcopsError
from ccops.ledger.ledger import Ledger
from ccops.text import clean, shorten


def mend(patient: Examined, applier: Callable[[], Applier]) -> Iterator[Finding]:
    """Mend what is safe to mend, and say what was done. What is missing for it is the examination's to tell.

    The applier is opened only if there is something to settle.
    """
    if not patient.home.exists:
        return
    yield from guarded("mended", _files(patient.home, patient))
    if isinstance(patient.ledger, CcopsError):
        return
    yield from guarded("mended", _locks(patient.ledger))
    if isinstance(patient.visit, CrmVisit):
        yield from guarded("mended", _receipt_field(patient.ledger, patient.visit))
        yield from guarded("mended", _field_keys(patient, patient.ledger, patient.visit))
        yield from guarded("mended", _tag_names(patient, patient.visit))
        yield from guarded("mended", _open_entries(patient, patient.ledger, applier))


def _files(home: Home, patient: Examined) -> Iterator[Finding]:
    for loose in open_to_others(home):
        loose.tighten()
        yield well("mended", f"{clean(loose.path.name)} is yours alone now (it had mode {loose.mode:o})")
    with folder_lock(home.path), told(home.path):
        for path in drafts(home, patient.now):
            path.unlink(missing_ok=True)
            yield well("mended", f"{clean(path.name)}, left from a write that was broken off, is gone")


def _locks(ledger: Ledger) -> Iterator[Finding]:
    removed = ledger.runs.tidy()
    if removed:
        yield well(
            "mended", f"{count(removed, 'lock file')} of runs that are over {'is' if removed == 1 else 'are'} gone"
        )


def _receipt_field(ledger: Ledger, visit: CrmVisit) -> Iterator[Finding]:
    if ledger.identity.account[0] != visit.account.id:
        return
    field = mend_receipt_field(ledger, visit.crm)
    if field is not None:
        what = "was made again" if field.made else "was found again"
        yield well("mended", f'the field "ccops receipt" {what} in Kit (key {field.key})')


def _field_keys(patient: Examined, ledger: Ledger, visit: CrmVisit) -> Iterator[Finding]:
    """Follow fields that were renamed in the CRM: they are known by their ids, whatever their keys are now.

    The ledger first: broken off behind it, the same command finds the file still to be changed.
    """
    if ledger.identity.account[0] != visit.account.id:
        return
    fields = visit.crm.fields()
    of_file = frozenset() if isinstance(patient.registry, CcopsError) else keys_of(patient.registry)
    keys, ids = of_file | keys_of_ledger(ledger), ledger.field_names.ids()
    renamed = renamed_fields(keys, fields, ids)
    follow_in_ledger(ledger, renamed)
    names = {old: field.key for old, field in renamed.items() if old in of_file}
    if names:
        rename_fields(patient.home.registry, names)
    for old, field in renamed.items():
        where = "in operations.toml and in the ledger" if old in names else "in the ledger"
        yield well("mended", f'the field "{clean(old)}" is called "{clean(field.key)}" now, as in Kit, {where}')
    if renamed:
        ledger.field_names.forget(renamed)
    note_fields(ledger, {renamed[key].key if key in renamed else key for key in keys}, fields)


def _tag_names(patient: Examined, visit: CrmVisit) -> Iterator[Finding]:
    """Call trigger tags in the registry as they are called in the CRM now; what they start depends on ids alone."""
    if isinstance(patient.registry, CcopsError) or not patient.registry.operations:
        return
    names = {tag.id: tag.name for tag in visit.crm.tags()}
    for operation in patient.registry.operations.values():
        tag = operation.tag
        if tag is not None and names.get(tag.id, tag.name) != tag.name:
            edit_operation(patient.home.registry, operation.name, {"tag": {"id": tag.id, "name": names[tag.id]}})
            yield well("mended", f"{operation.name}: its tag is {shorten(names[tag.id])} in operations.toml too now")
        followups = renamed_followups(operation, names, patient.ledger)
        if followups:
            lists = {
                "tags_if_applied": [followups.get(name, name) for name in operation.tags_if_applied],
                "tags_if_refused": [followups.get(name, name) for name in operation.tags_if_refused],
            }
            edit_operation(patient.home.registry, operation.name, {key: tags for key, tags in lists.items() if tags})
            for new in followups.values():
                text = f"{operation.name}: its follow-up tag is {shorten(new)} in operations.toml too now"
                yield well("mended", text)


def _open_entries(patient: Examined, ledger: Ledger, applier: Callable[[], Applier]) -> Iterator[Finding]:
    """Bring to their end the changes that nobody is at work on any more, as `ccops settle` would."""
    for entry in (*ledger.entries.unreleased(), *ledger.entries.open()):
        if entry.status != "parked" and is_due(entry, patient):
            outcome = applier().finish(entry.id)
            if outcome.status != "open":
                yield well("mended", f"e{entry.id} came to its end: {outcome.status}")
