"""A file checked as a whole, all mistakes told at once, before anything of it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ccops.cli.contact_column import column_option
from ccops.cli.csvfile import Faults, FileNotReadable, Source, records
from ccops.cli.importing.columns import Columns, Finder
from ccops.cli.importing.rows import Checking, InRows, Row, Rules
from ccops.cli.keys import holds_credential
from ccops.operations.occasions import for_key
from ccops.registry.faults import nearest
from ccops.registry.load import field_key
from ccops.text import tidy

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.operations.model import Registry

_NO_FIELD: Final = "nothing says which field it is for: --field credits"
_NO_KEY: Final = (
    "nothing names what counts once, so the same file again would count again: a column key, or one for all rows, "
    "--key 2026-11-gift"
)
_TWO_KEYS: Final = "--key names one occasion for all rows, but the file has a column key; leave one of them out"


@dataclass(frozen=True, slots=True)
class Said:
    """What the command line says about a file."""

    field: str | None
    key: str | None
    mapped: Mapping[str, str]
    create_field: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """A file in which everything is in order."""

    rows: InRows
    field: str
    unread: Sequence[str]
    grouped: Row | None
    """The first row whose number may have been meant with a point between thousands."""


def checked(session: "Session", source: Source, said: Said) -> Checked:
    """Read all of a file and check it. Raises FileNotReadable, BadLines."""
    given, faults = records(source), Faults()
    heading = next(given, None)
    if heading is None:
        raise FileNotReadable(source.name, "it is empty")
    columns = Finder(heading.cells, said.mapped, faults, heading.line).find()
    field = _field(session.registry, said, columns, heading.cells)
    if field is None:
        faults.add(0, _NO_FIELD)
    _check_key(columns, said, faults)
    key = None if said.key is None else for_key(said.key)
    rules = Rules(columns, key, lambda word: holds_credential(session, word))
    checking, width = Checking(rules, faults), len(heading.cells)
    for record in given:
        checking.add(record, width)
    faults.check(source.name)
    rows = InRows(source, rules, checking.count, checking.in_order, checking.same)
    return Checked(rows, field or "", columns.unread, checking.grouped)


def _field(registry: "Registry", said: Said, columns: Columns, heading: Sequence[str]) -> str | None:
    """Return the key of the field: as it was said, or else as a mapped column is called, if it is a field's name."""
    if said.field is not None and tidy(said.field):
        return field_key(registry.fields, said.field)
    if columns.amount is None or columns.adjustment not in said.mapped:
        return None
    changed = {change.field for operation in registry.operations.values() for change in operation.changes}
    keys = {key.lower(): key for key in (*changed, *registry.fields)}
    key = field_key(registry.fields, heading[columns.amount])
    return keys.get(key.lower())


def _check_key(columns: Columns, said: Said, faults: Faults) -> None:
    """Demand that one thing says what counts once."""
    if columns.key is not None and said.key is not None:
        faults.add(0, _TWO_KEYS)
    if columns.key is None and said.key is None and columns.adjustment in {"add", "take"}:
        guess = nearest("key", columns.unread)
        meant = f"; or is it a column? {column_option(guess, 'key')}" if guess else ""
        faults.add(0, _NO_KEY + meant)
