"""What the registry names and the CRM must have: the operations' fields, and their trigger tags."""

import shlex
from collections.abc import Iterable, Iterator, Mapping

from ccops.crm.base import CustomField
from ccops.engine.renamed_fields import renamed_fields
from ccops.errors import CcopsError
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation, Registry, Tag
from ccops.operations.plan import fields_read
from ccops.registry.faults import nearest
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.wording import count
from ccops.text import clean, folded, shorten


def keys_of(registry: Registry) -> frozenset[str]:
    """Name all fields that operations read or write, and those that have limits."""
    return frozenset(registry.fields).union(*map(fields_read, registry.operations.values()))


def fields_of(registry: Registry, fields: list[CustomField], ledger: Ledger | CcopsError) -> Iterator[Finding]:
    """Look for the fields of all operations, and for those that the registry has limits for."""
    known = {field.key: field.label for field in fields}
    ids = {} if isinstance(ledger, CcopsError) else ledger.field_names.ids()
    of_ledger = frozenset[str]() if isinstance(ledger, CcopsError) else ledger.field_names.keys()
    renamed = renamed_fields(keys_of(registry) | of_ledger, fields, ids)
    operations = registry.operations.values()
    found = [_renamed(old, field) for old, field in renamed.items()]
    found += _taken(keys_of(registry) | of_ledger, fields, ids)
    found += [
        _gone(operation, key, known)
        for operation in operations
        for key in sorted(_lacking(operation, known) - renamed.keys())
    ]
    found += [_limits_of(key) for key in registry.fields if key not in known and key not in renamed]
    used = frozenset[str]().union(*map(fields_read, operations))
    yield from found or ([well("fields", f"{', '.join(sorted(used))}")] if used else [])


def _renamed(old: str, field: CustomField) -> Finding:
    text = f'the field "{clean(old)}" has the key "{clean(field.key)}" in Kit now: it was renamed there'
    return wrong("fields", text, "ccops doctor --fix")


def _taken(keys: Iterable[str], fields: list[CustomField], ids: Mapping[str, int]) -> Iterator[Finding]:
    """Look for keys that another field has now, while the one that had them before is there under a new key."""
    by_key, by_id = {field.key: field for field in fields}, {field.id: field for field in fields}
    for key in sorted(keys):
        now, before = by_key.get(key), by_id.get(ids.get(key, 0))
        if now is not None and before is not None and now.id != before.id:
            text = (
                f'"{clean(key)}" is the key of another field in Kit now; the one that had it is "{clean(before.key)}"'
            )
            yield wrong("fields", text, "give the new field another label in Kit, then: ccops doctor --fix")


def _lacking(operation: Operation, known: Mapping[str, str]) -> frozenset[str]:
    return fields_read(operation) - known.keys()


def _gone(operation: Operation, key: str, known: Mapping[str, str]) -> Finding:
    guess, edit = nearest(key, known), f"ccops op edit {operation.name}"
    text = f'{operation.name}: the field "{clean(key)}" is not in Kit: deleted or renamed'
    if not guess:
        return wrong("fields", text, f"{edit} --create-field")
    # The field of a single change can be named by an option; any other is put right in the editor.
    is_only = [change.field for change in operation.changes] == [key] and _lacking(operation, known) == {key}
    mend = f"{edit} --field {guess}" if is_only else edit
    return wrong("fields", f'{text}; there is "{guess}"', f"{mend}\nor, if it was deleted: {edit} --create-field")


def _limits_of(key: str) -> Finding:
    text = f'operations.toml has limits for the field "{clean(key)}", which is not in Kit: they hold for nothing'
    return wrong("fields", text, f"correct [fields.{clean(key)}] in operations.toml")


def tags_of(registry: Registry, names: Mapping[int, str], ledger: Ledger | CcopsError) -> Iterator[Finding]:
    """Look for the trigger tags of all operations, and whether the ledger has counted them by the same name."""
    bound = [operation for operation in registry.operations.values() if operation.tag is not None]
    found = [finding for operation in bound for finding in _tag(operation, names, ledger)]
    for operation in registry.operations.values():
        for old, new in renamed_followups(operation, names, ledger).items():
            text = f"{operation.name}: its follow-up tag {shorten(old)} is called {shorten(new)} in Kit now"
            found.append(wrong("tags", text, "ccops doctor --fix"))
    yield from found or ([well("tags", f"{count(len(bound), 'trigger tag')}, each in its place")] if bound else [])


def renamed_followups(operation: Operation, names: Mapping[int, str], ledger: Ledger | CcopsError) -> dict[str, str]:
    """Return the follow-up tags of an operation that have another name in the CRM now, by their old names."""
    if isinstance(ledger, CcopsError):
        return {}
    known = {folded(name) for name in names.values()}
    gone = {name for name in (*operation.tags_if_applied, *operation.tags_if_refused) if folded(name) not in known}
    noted = {name: ledger.identity.followup_tag(name) for name in gone}
    return {name: names[tag] for name, tag in noted.items() if tag is not None and tag in names}


def _tag(operation: Operation, names: Mapping[int, str], ledger: Ledger | CcopsError) -> Iterator[Finding]:
    tag, name = operation.tag, operation.name
    if tag is None:
        return
    if tag.id not in names:
        yield wrong("tags", f"{name}: its tag {shorten(tag.name)} is not in Kit any more", _another(name, tag, names))
    elif names[tag.id] != tag.name:
        yield well("tags", f"{name}: its tag {shorten(tag.name)} is called {shorten(names[tag.id])} in Kit now")
    counted = None if isinstance(ledger, CcopsError) else ledger.identity.counted_as(tag.id)
    if counted is not None and counted != name:
        text = f'{name}: its tag was counted as "{counted}" so far; by another name, everything would be granted again'
        yield wrong(
            "tags", text, f"name it {counted} again in operations.toml\nor, if it is another: ccops tag unbind {name}"
        )


def _another(operation: str, gone: Tag, names: Mapping[int, str]) -> str:
    """Write the commands that give an operation another tag: the one that is called like the lost one, or a new one."""
    alike = next((name for name in names.values() if folded(name) == folded(gone.name)), None)
    another = f"create {operation}" if alike is None else f"bind {operation} {clean(shlex.quote(alike))}"
    return f"ccops tag unbind {operation}\nccops tag {another}"
