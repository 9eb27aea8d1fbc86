"""`operations.toml` in: read, checked as a whole, and turned into operations."""

import re
import stat
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ccops.config.checks import check_between, findings, fold, is_number, tables, validated
from ccops.config.errors import (
    CantSplice,
    FileFault,
    OperationExists,
    OperationsFileFaults,
    RegistryChanged,
    RegistryMissing,
    UnknownOperation,
)
from ccops.config.home import folder_lock, read_text, told, write_private
from ccops.config.schema import LIMIT_KEYS, SHORTHAND_KEYS, FieldTable, LimitKeys, OperationTable, Put
from ccops.config.toml_document import Data, Document, Keys, NotToml, parse_toml
from ccops.config.toml_edit import TomlDraft, TomlValue
from ccops.operations.model import (
    MOST_FIELDS,
    STATES,
    Change,
    FieldRules,
    Operation,
    OperationsFile,
    PostPlaces,
    Tag,
    formula_with_fields,
)
from ccops.operations.numbers import plain
from ccops.text import folded, tidy

_NO_RULES: Final = FieldRules()


def build_rules(document: Document, key: str, table: FieldTable) -> FieldRules:
    """Return the rules of one `[fields.KEY]`, noting limits that no value keeps."""
    if table.minimum is not None and table.maximum is not None and table.minimum > table.maximum:
        document.fault(
            ("fields", key, "minimum"), f"minimum {plain(table.minimum)} is above maximum {plain(table.maximum)}"
        )
    return FieldRules(**table.model_dump())


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes one operation of its table and the rules of the fields."""

    document: Document
    name: str
    table: OperationTable
    timezone: str
    rules: Mapping[str, FieldRules]
    folded: bool
    """The only change stands in the operation's own table."""
    sure: bool
    """No other mistake was found in the table."""

    def build(self) -> Operation:
        """Return the operation; whether it can hold is told by the document's faults alone."""
        table = self.table
        changes = tuple(fold(step, table, self.rules.get(step.field, _NO_RULES)) for step in table.changes)
        self._check_changes(changes)
        self._check_whole(changes)
        return Operation(
            name=self.name,
            changes=changes,
            timezone=self.timezone,
            description=table.description,
            once_per=table.once_per,
            tag=Tag(table.tag.id, table.tag.name) if table.tag else None,
            after_run=table.after_run,
            states=frozenset(STATES if table.states is None else table.states),
            tags_if_applied=tuple(table.tags_if_applied),
            tags_if_refused=tuple(table.tags_if_refused),
            post=PostPlaces(table.post.contact, table.post.occasion, table.post.decimal),
            amount_from_post=table.amount_from_post,
            repeat_window=table.repeat_window,
            paused=table.paused,
        )

    def _fault(self, *keys: str | int, text: str) -> None:
        self.document.fault(("operations", self.name, *keys), text)

    def _place(self, number: int) -> Keys:
        return () if self.folded else ("changes", number)

    def _check_changes(self, changes: tuple[Change, ...]) -> None:
        seen: Counter[str] = Counter()
        for number, (step, change) in enumerate(zip(self.table.changes, changes, strict=True)):
            for key, text in findings(step, change, self.rules.get(step.field, _NO_RULES)):
                self._fault(*self._place(number), key, text=text)
            seen[step.field] += 1
            if seen[step.field] == 2:  # noqa: PLR2004 - the second is one too many; a third is the same mistake
                self._fault("changes", number, "field", text=f'two changes write "{step.field}"; make them one')

    def _check_whole(self, changes: tuple[Change, ...]) -> None:
        if not changes:
            self._fault("changes", text='"changes" is empty')
        if len(fields := {change.field for change in changes}) > MOST_FIELDS:
            self._fault("changes", text=f"{len(fields)} fields are written; Kit takes {MOST_FIELDS} beside the receipt")
        if self.table.states == []:
            self._fault("states", text='"states" is empty: everybody would be left out')
        self._check_limits(changes)
        self._check_clamp(changes)
        self._check_amount(changes)

    def _check_limits(self, changes: tuple[Change, ...]) -> None:
        if any(map(is_number, self.table.changes)):
            return
        actions = " and ".join(f'"{action}"' for action in dict.fromkeys(change.action for change in changes))
        text = " of a text" if any(isinstance(step, Put) for step in self.table.changes) else ""
        for key in sorted(LIMIT_KEYS & self.table.model_fields_set):
            self._fault(key, text=f'"{key}" means nothing for {actions}{text}')

    def _check_clamp(self, changes: tuple[Change, ...]) -> None:
        text = '"clamp" needs a "minimum" or "maximum" to stop at'
        bare = [change.minimum is None and change.maximum is None for change in changes]
        numbers = [lacks for step, lacks in zip(self.table.changes, bare, strict=True) if is_number(step)]
        if self.sure and self.table.beyond == "clamp" and numbers and all(numbers):
            self._fault("beyond", text=text)
        for number, step in enumerate(self.table.changes):
            if self.sure and bare[number] and isinstance(step, LimitKeys) and step.beyond == "clamp":
                self._fault("changes", number, "beyond", text=text)

    def _check_amount(self, changes: tuple[Change, ...]) -> None:
        takers = sum(change.amount is not None for change in changes)
        if self.table.amount_from_post and takers != 1:
            here = takers or "none"
            text = f'"amount_from_post" needs exactly one change with an amount; here are {here}'
            self._fault("amount_from_post", text=text)


# ---- `operations.toml` in: read, checked as a whole, and turned into operations


def load(path: Path) -> OperationsFile:
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
        raise OperationsFileFaults(path, [FileFault(line, None, None, "the file is not UTF-8 text")]) from None


def parse(text: str, file: str | Path = "operations.toml") -> OperationsFile:
    """Return what a text says. Raises RegistryFaults with every mistake in it."""
    try:
        document = parse_toml(text)
    except NotToml as wrong:
        raise OperationsFileFaults(file, [wrong.fault]) from None
    check_between(document)
    rules = _rules(document)
    timezone = document.data.get("timezone", "")
    operations = _operations(document, rules, timezone)
    if document.faults:
        raise OperationsFileFaults(file, document.faults)
    return OperationsFile(timezone, rules, operations)


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


# ---- commands that change `operations.toml`: each touches the lines of its own operation, and nothing else


def add_operation(path: Path, name: str, keys: Mapping[str, TomlValue]) -> OperationsFile:
    """Add an operation at the end of the file. Raises OperationExists, and all that `save_text` raises."""

    def change(draft: TomlDraft) -> None:
        if draft.has(("operations", name)):
            raise OperationExists(name, draft.line(("operations", name)))
        draft.add(("operations", name), keys)

    return _edit(path, change)


def edit_operation(path: Path, name: str, put: Mapping[str, TomlValue], drop: Collection[str] = ()) -> OperationsFile:
    """Set and take out keys of one operation. Raises UnknownOperation, and all that `save_text` raises."""

    def change(draft: TomlDraft) -> None:
        _demand(draft, name)
        _revise(draft, ("operations", name), put, drop)

    return _edit(path, change)


def remove_operation(path: Path, name: str) -> OperationsFile:
    """Take an operation out. Raises UnknownOperation, and all that `save_text` raises."""

    def change(draft: TomlDraft) -> None:
        _demand(draft, name)
        draft.drop(("operations", name))

    return _edit(path, change)


def put_field(path: Path, field: str, put: Mapping[str, TomlValue], drop: Collection[str] = ()) -> OperationsFile:
    """Set and take out rules of one field; a new table stands before the operations. Raises what `save_text` raises."""

    def change(draft: TomlDraft) -> None:
        if draft.has(("fields", field)):
            _revise(draft, ("fields", field), put, drop)
        else:
            draft.add(("fields", field), put, before=("operations",))

    return _edit(path, change)


def check_text(text: str, file: str = "operations.toml") -> OperationsFile:
    """Check a text that was edited by hand before it is saved. Raises RegistryFaults."""
    return parse(text, file)


def save_text(path: Path, old_text: str, new_text: str) -> OperationsFile:
    """Put a new text for the old one, if that is still there.

    Raises RegistryFaults, RegistryChanged, RegistryMissing, FileUnusable, CantSplice; the file is then as it was.
    """
    registry = check_text(new_text, path.name)
    with folder_lock(path.parent):
        if read(path) != old_text:
            raise RegistryChanged(path)
        if new_text != old_text:
            with told(path):
                mode = stat.S_IMODE(path.stat().st_mode)
            write_private(path, new_text, mode)
    return registry


def _edit(path: Path, change: Callable[[TomlDraft], None]) -> OperationsFile:
    text = read(path)
    try:
        draft = TomlDraft(text, path.name)
    except NotToml as wrong:
        raise OperationsFileFaults(path, [wrong.fault]) from None
    change(draft)
    return save_text(path, text, draft.whole)


def _demand(draft: TomlDraft, name: str) -> None:
    if not draft.has(("operations", name)):
        raise UnknownOperation(name, draft.tables("operations"))


def _revise(draft: TomlDraft, table: tuple[str, str], put: Mapping[str, TomlValue], drop: Collection[str]) -> None:
    for key in drop:
        draft.drop((*table, key))
    for key, value in put.items():
        draft.put(table, key, value)


# ---- new keys of fields put into `operations.toml`, wherever it names them; every other byte stays as it is

_NAMED: Final = re.compile(r"""\b(field|from)(\s*=\s*)(["'])([A-Za-z0-9_]+)\3""")
_FORMULA: Final = re.compile(r"""\b(formula\s*=\s*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*')""")
_TABLE: Final = re.compile(r"""(?m)^(\s*\[\s*fields\s*\.\s*)(["']?)([A-Za-z0-9_]+)\2(\s*\])""")


def rename_fields(path: Path, names: Mapping[str, str]) -> OperationsFile:
    """Put new keys in place of old ones, of all fields at once.

    Raises CantSplice where the file names a field in a form that can't be changed safely, and all that `save_text`
    raises.
    """
    text = read(path)
    try:
        document = parse_toml(text)
        renamed = _renamed(text, names)
        if parse_toml(renamed).data != _meant(document.data, names):
            raise CantSplice(path.name, _line(text, names), f"fields.{next(iter(names))}")
    except NotToml as wrong:
        raise OperationsFileFaults(path, [wrong.fault]) from None
    return save_text(path, text, renamed)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    text = _NAMED.sub(lambda m: f"{m[1]}{m[2]}{m[3]}{names.get(m[4], m[4])}{m[3]}", text)
    text = _FORMULA.sub(lambda m: m[1] + m[2][0] + formula_with_fields(m[2][1:-1], names) + m[2][-1], text)
    return _TABLE.sub(lambda m: f"{m[1]}{m[2]}{names.get(m[3], m[3])}{m[2]}{m[4]}", text)


def _meant(data: Data, names: Mapping[str, str]) -> Data:
    """Return what the file is to say."""
    meant = deepcopy(data)
    operations = meant.get("operations")
    for operation in operations.values() if isinstance(operations, dict) else ():
        if isinstance(operation, dict):
            changes = operation.get("changes")
            for step in [operation, *(changes if isinstance(changes, list) else ())]:
                _put_in(step, names)
    fields = meant.get("fields")
    if isinstance(fields, dict):
        meant["fields"] = {names.get(key, key): rules for key, rules in fields.items()}
    return meant


def _put_in(step: Any, names: Mapping[str, str]) -> None:
    if not isinstance(step, dict):
        return
    for key in ("field", "from"):
        if isinstance(step.get(key), str):
            step[key] = names.get(step[key], step[key])
    if isinstance(step.get("formula"), str):
        step["formula"] = formula_with_fields(step["formula"], names)


def _line(text: str, names: Mapping[str, str]) -> int:
    """Return the first line that names one of the fields."""
    words = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b")
    return next((number for number, line in enumerate(text.splitlines(), 1) if words.search(line)), 1)
