"""What the registry names and the CRM must have: the receipt field, the operations' fields, and their trigger tags."""

from collections.abc import Iterator, Mapping

from ccops.crm.base import CustomField
from ccops.engine.founding import RECEIPT_LABEL
from ccops.errors import CcopsError
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation, Registry
from ccops.operations.plan import fields_read
from ccops.registry.faults import nearest
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.wording import count
from ccops.text import clean, shorten


def receipts(ledger: Ledger, fields: list[CustomField]) -> Iterator[Finding]:
    """Look for the field that holds the receipts."""
    key = ledger.identity.receipt_field
    if any(field.key == key for field in fields):
        yield well("receipts", f"in the field {key}")
        return
    text = f'their field "{clean(key)}" is not in Kit: deleted, or renamed; then call it "{RECEIPT_LABEL}" again. Else:'
    yield wrong("receipts", text, "ccops doctor --fix")


def fields_of(registry: Registry, fields: list[CustomField]) -> Iterator[Finding]:
    """Look for the fields of all operations."""
    known = {field.key: field.label for field in fields}
    wanted = {operation.name: fields_read(operation) for operation in registry.operations.values()}
    found = [_gone(name, key, known) for name, keys in wanted.items() for key in sorted(keys - known.keys())]
    used = frozenset[str]().union(*wanted.values())
    yield from found or ([well("fields", f"{', '.join(sorted(used))}")] if used else [])


def _gone(operation: str, key: str, known: Mapping[str, str]) -> Finding:
    guess = nearest(key, known)
    hint = f'; there is "{guess}"' if guess else ""
    mend = f"ccops op edit {operation}" + (f" --field {guess}" if guess else "")
    return wrong("fields", f'{operation}: the field "{clean(key)}" is not in Kit: deleted or renamed{hint}', mend)


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
        yield wrong("tags", f"{name}: its tag {shorten(tag.name)} is not in Kit any more", f"ccops tag unbind {name}")
    elif names[tag.id] != tag.name:
        yield well("tags", f"{name}: its tag {shorten(tag.name)} is called {shorten(names[tag.id])} in Kit now")
    counted = None if isinstance(ledger, CcopsError) else ledger.identity.counted_as(tag.id)
    if counted is not None and counted != name:
        text = f'{name}: its tag was counted as "{counted}" so far; by another name, everything would be granted again'
        yield wrong(
            "tags", text, f"name it {counted} again in operations.toml\nor, if it is another: ccops tag unbind {name}"
        )
