"""What the registry names and the CRM must have: the operations' fields, and their trigger tags."""

import shlex
from collections.abc import Iterator, Mapping

from ccops.crm.base import CustomField
from ccops.errors import CcopsError
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation, Registry, Tag
from ccops.operations.plan import fields_read
from ccops.registry.faults import nearest
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.wording import count
from ccops.text import clean, shorten


def fields_of(registry: Registry, fields: list[CustomField]) -> Iterator[Finding]:
    """Look for the fields of all operations, and for those that the registry has limits for."""
    known = {field.key: field.label for field in fields}
    operations = registry.operations.values()
    found = [_gone(operation, key, known) for operation in operations for key in sorted(_lacking(operation, known))]
    found += [_limits_of(key) for key in registry.fields if key not in known]
    used = frozenset[str]().union(*map(fields_read, operations))
    yield from found or ([well("fields", f"{', '.join(sorted(used))}")] if used else [])


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
    yield from found or ([well("tags", f"{count(len(bound), 'trigger tag')}, each in its place")] if bound else [])


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
    alike = next((name for name in names.values() if name.casefold() == gone.name.casefold()), None)
    another = f"create {operation}" if alike is None else f"bind {operation} {clean(shlex.quote(alike))}"
    return f"ccops tag unbind {operation}\nccops tag {another}"
