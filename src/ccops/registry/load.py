"""`operations.toml` in: read, checked as a whole, and turned into operations."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccops.operations.model import FieldRules, Operation, Registry
from ccops.registry.build import Builder, build_rules
from ccops.registry.checks import check_between, tables
from ccops.registry.document import Data, Document, NotToml, parse_toml
from ccops.registry.explain import validated
from ccops.registry.faults import Fault, RegistryFaults, RegistryMissing
from ccops.registry.home import read_text
from ccops.registry.schema import SHORTHAND_KEYS, FieldTable, OperationTable
from ccops.text import folded, tidy


def load(path: Path) -> Registry:
    """Read a registry. Raises RegistryMissing, FileUnusable, and RegistryFaults with every mistake in it."""
    return parse(read(path), path)


def read(path: Path) -> str:
    """Return a registry's text, its line ends as they are. Raises RegistryMissing, FileUnusable and RegistryFaults."""
    if not path.exists():
        raise RegistryMissing(path)
    try:
        return read_text(path)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RegistryFaults(path, [Fault(line, None, None, "the file is not UTF-8 text")]) from None


def parse(text: str, file: str | Path = "operations.toml") -> Registry:
    """Return what a text says. Raises RegistryFaults with every mistake in it."""
    try:
        document = parse_toml(text)
    except NotToml as wrong:
        raise RegistryFaults(file, [wrong.fault]) from None
    check_between(document)
    rules = _rules(document)
    timezone = document.data.get("timezone", "")
    operations = _operations(document, rules, timezone)
    if document.faults:
        raise RegistryFaults(file, document.faults)
    return Registry(timezone, rules, operations)


def field_key(fields: Mapping[str, FieldRules], name: str) -> str:
    """Return the key of a field that is named by its label; any other name is returned as it is."""
    labels = {folded(rules.label): key for key, rules in fields.items() if rules.label}
    written = tidy(name)
    return written if written in fields else labels.get(folded(name), written)


def _rules(document: Document) -> dict[str, FieldRules]:
    rules: dict[str, FieldRules] = {}
    for key, data in tables(document.data.get("fields")).items():
        if table := validated(FieldTable, ("fields", key), data, document):
            rules[key] = build_rules(document, key, table)
    return rules


def _operations(document: Document, rules: Mapping[str, FieldRules], timezone: str) -> dict[str, Operation]:
    operations: dict[str, Operation] = {}
    for name, data in tables(document.data.get("operations")).items():
        folded, before = "changes" not in data, len(document.faults)
        unfolded = _unfold(document, name, data, rules)
        table = validated(OperationTable, ("operations", name), unfolded, document, folded=folded)
        if table:
            sure = len(document.faults) == before
            operations[name] = Builder(document, name, table, timezone, rules, folded, sure).build()
    return operations


def _unfold(document: Document, name: str, data: Data, rules: Mapping[str, FieldRules]) -> Data:
    """Move the keys of a single change into `changes`, and put the keys of fields for their labels."""
    short = {key: value for key, value in data.items() if key in SHORTHAND_KEYS}
    rest = {key: value for key, value in data.items() if key not in SHORTHAND_KEYS}
    if "changes" in rest:
        for key in short:
            document.fault(("operations", name, key), f'"{key}" can\'t stand beside "changes"; put it into one of them')
    elif short:
        rest["changes"] = [short]
    if isinstance(rest.get("changes"), list):
        rest["changes"] = [_keyed(change, rules) for change in rest["changes"]]
    return rest


def _keyed(change: Any, rules: Mapping[str, FieldRules]) -> Any:
    if not isinstance(change, dict):
        return change
    return {
        key: field_key(rules, value) if key in {"field", "from"} and isinstance(value, str) else value
        for key, value in change.items()
    }
