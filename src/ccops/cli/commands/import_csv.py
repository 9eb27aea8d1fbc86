"""The command itself."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.commands.import_rows import (
    REASON,
    ColumnFinder,
    ImportColumns,
    ImportContacts,
    ImportRow,
    RowChecks,
    RowRules,
)
from ccops.cli.contact_column import ColumnOption, column_option, mapping_of
from ccops.cli.context import session_of
from ccops.cli.csv_file import CsvFaults, CsvSource, FileNotReadable, records
from ccops.cli.exit_status import FINE
from ccops.cli.job import Job, WriteOptions
from ccops.cli.options import CreateField, Key
from ccops.cli.rejects import RejectsFile
from ccops.cli.value_checks import counts_as, holds_credential
from ccops.config.errors import nearest
from ccops.config.operations_file import field_key
from ccops.ledger.commands import ImportCommand
from ccops.operations.occasion import for_key
from ccops.text import clean, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccops.cli.context import Session
    from ccops.engine.outcomes import Outcome, Request
    from ccops.files import DraftFile
    from ccops.ledger.model import Origin
    from ccops.operations.model import OperationsFile

app = new_app()

_MOST_LINES: Final = 5

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help='A CSV; "-" is stdin.', show_default=False)]
FieldOption = Annotated[
    str | None, typer.Option("--field", metavar="FIELD", help="The field, such as credits.", show_default=False)
]
FailedToOption = Annotated[
    Path | None,
    typer.Option("--failed-to", metavar="FILE", help="Write the rows that need somebody to a CSV; import takes it."),
]


@command(
    app,
    "import",
    """
    ccops import gifts.csv --field credits --key spring-gift
    ccops import payments.csv --field credits --failed-to again.csv
    ccops import export.csv --field credits --column 'Credits=set' --dry-run
    """,
)
def import_(
    ctx: typer.Context,
    file: FileArgument,
    how: WriteOptions,
    field: FieldOption = None,
    key: Key = None,
    column: ColumnOption = None,
    failed_to: FailedToOption = None,
    create_field: CreateField = False,
) -> int:
    """Change a field by the rows of a CSV, each of them once.

    A row has the contact's email (or Kit's id), and a number in a column add, take or set. What counts once is named by
    a column key, or by --key for all rows; rows that set a number can do without.
    """
    from ccops.cli.commands.import_rows import EXAMPLE, NAMES

    return _import(
        session_of(ctx),
        file,
        ImportOptions(field, key, mapping_of(column or [], NAMES, EXAMPLE), create_field),
        failed_to,
        how,
    )


def _import(session: "Session", word: str, said: "ImportOptions", failed_to: Path | None, how: WriteOptions) -> int:
    from ccops.cli.csv_file import source_of
    from ccops.cli.rejects import failures_to, status_with
    from ccops.cli.runner import do
    from ccops.cli.setup import field_to_change
    from ccops.cli.value_checks import check_key

    check_key(session, said.key)
    found = checked(session, source_of(word, session.resources), said)
    if not found.rows.count:
        session.console.advise(
            f"{clean(found.rows.source.name)} has headings, but no rows below them. Nothing was sent."
        )
        return FINE
    key = field_to_change(session, found.field, create=said.create_field, dry_run=how.dry_run)
    found = replace(found, field=key)
    _say_how_read(session, found)
    made = partial(FailedRows, rows=found.rows)
    with failures_to(None if how.dry_run else failed_to, refused_ok=how.refused_ok, made=made) as failures:
        status = do(session, _job(session.registry, found, said, failures), how)
    if failures is not None and failures.is_whole and failures.count and not failures.failure:
        _say_what_failed(session, word, str(failed_to), failures.count)
    return status_with(session, failed_to, failures, status)


def _say_what_failed(session: "Session", word: str, path: str, count: int) -> None:
    """Name the file of the rows that need somebody, and the command that gives it back."""
    rows = "row that needs" if count == 1 else f"{count:,} rows that need"
    session.console.advise(f"{clean(path)} has the {rows} somebody. Once that is mended, give it back:")
    place = session.argv.index(word)
    # The key may be shown: it was found to be no credential.
    session.console.note(f"  ccops {clean(shlex.join([*session.argv[:place], path, *session.argv[place + 1 :]]))}")


def _say_how_read(session: "Session", found: "CheckedFile") -> None:
    """Say which columns mean nothing, and how a number with a point and rows without a key count."""
    rules = found.rows.rules
    if found.unread:
        session.console.advise(f"Not read: {', '.join(found.unread)}.")
    if found.grouped is not None:
        session.console.advise(f"Line {found.grouped.line}: {counts_as(found.grouped.amount)}")
    if found.rows.same:
        session.console.advise(_said_twice(found.rows.same, by_key=rules.columns.key is not None))
    if rules.columns.key is None and rules.key is None:
        session.console.advise(
            "Without a key, the same number counts once for a contact, for ever. To set it once more later: --key NAME"
        )


def _said_twice(same: "Mapping[int, int]", *, by_key: bool) -> str:
    """Say which lines are the same as one before them, and that they count once."""
    what = "contact, number and key" if by_key else "contact and number"
    (line, first), *others = same.items()
    if not others:
        said = f"Line {line} has the same {what} as line {first}, so the two count once."
    else:
        first_few = ", ".join(f"{line} as {first}" for line, first in islice(same.items(), _MOST_LINES))
        more = ", …" if len(same) > _MOST_LINES else ""
        said = (
            f"{len(same):,} lines have the same {what} as one before them (line {first_few}{more}): each counts once."
        )
    return f"{said} If they are two, give each a key of its own." if by_key else said


def _job(
    registry: "OperationsFile", found: "CheckedFile", said: "ImportOptions", failures: "RejectsFile | None"
) -> Job:
    """Say what is asked for."""
    rows, field = found.rows, found.field
    what, path = f"{rows.rules.columns.what()} {field}", rows.source.path
    name = clean(rows.source.name if path is None else path.name)
    return Job(
        command=ImportCommand(rows.source.mark, field, tuple(sorted(said.mapped.items())), rows.rules.key),
        title=f"import {name}: {what}",
        via="import",
        requests=lambda run, origin: _requests(registry, found, run, origin),
        contacts=rows,
        timezone=registry.timezone,
        subject=f"import {name}",
        what=what,
        occasion="import",  # each row has its own, whichever run it is in
        failures=failures,
    )


def _requests(registry: "OperationsFile", found: "CheckedFile", run: int, origin: "Origin") -> "Iterator[Request]":
    from ccops.cli.value_checks import amount_text
    from ccops.engine.outcomes import Request
    from ccops.operations.derived import import_operation
    from ccops.operations.occasion import for_import

    adjustment, field = found.rows.adjustment, found.field
    for row in found.rows.rows():
        operation = import_operation(field, adjustment, row.amount, registry.fields, registry.timezone)
        occasion, asked = for_import(field, row.counted_by), f"{adjustment} {amount_text(row.amount)}"
        again = None if row.same_as is None else f"the same as line {row.same_as}"
        yield Request(operation, row.who, occasion, run, origin, asked=asked, ref=row, again=again)


# ---- A file checked as a whole, all mistakes told at once, before anything of it is sent

_NO_FIELD: Final = "nothing says which field it is for: --field credits"
_NO_KEY: Final = (
    "nothing names what counts once, so the same file again would count again: a column key, or one for all rows, "
    "--key 2026-11-gift"
)
_TWO_KEYS: Final = "--key names one occasion for all rows, but the file has a column key; leave one of them out"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command line says about a file."""

    field: str | None
    key: str | None
    mapped: Mapping[str, str]
    create_field: bool = False


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file in which everything is in order."""

    rows: ImportContacts
    field: str
    unread: Sequence[str]
    grouped: ImportRow | None
    """The first row whose number may have been meant with a point between thousands."""


def checked(session: "Session", source: CsvSource, said: ImportOptions) -> CheckedFile:
    """Read all of a file and check it. Raises FileNotReadable, BadLines."""
    given, faults = records(source), CsvFaults()
    heading = next(given, None)
    if heading is None:
        raise FileNotReadable(source.name, "it is empty")
    columns = ColumnFinder(heading.cells, said.mapped, faults, heading.line).find()
    field = _field(session.registry, said, columns, heading.cells)
    if field is None:
        faults.add(0, _NO_FIELD)
    _check_key(columns, said, faults)
    key = None if said.key is None else for_key(said.key)
    rules = RowRules(columns, key, lambda word: holds_credential(session, word))
    checking, width = RowChecks(rules, faults), len(heading.cells)
    for record in given:
        checking.add(record, width)
    faults.check(source.name)
    rows = ImportContacts(source, rules, checking.count, checking.in_order, checking.same)
    return CheckedFile(rows, field or "", columns.unread, checking.grouped)


def _field(
    registry: "OperationsFile", said: ImportOptions, columns: ImportColumns, heading: Sequence[str]
) -> str | None:
    """Return the key of the field: as it was said, or else as a mapped column is called, if it is a field's name."""
    if said.field is not None and tidy(said.field):
        return field_key(registry.fields, said.field)
    if columns.amount is None or columns.adjustment not in said.mapped:
        return None
    changed = {change.field for operation in registry.operations.values() for change in operation.changes}
    keys = {key.lower(): key for key in (*changed, *registry.fields)}
    key = field_key(registry.fields, heading[columns.amount])
    return keys.get(key.lower())


def _check_key(columns: ImportColumns, said: ImportOptions, faults: CsvFaults) -> None:
    """Demand that one thing says what counts once."""
    if columns.key is not None and said.key is not None:
        faults.add(0, _TWO_KEYS)
    if columns.key is None and said.key is None and columns.adjustment in {"add", "take"}:
        guess = nearest("key", columns.unread)
        meant = f"; or is it a column? {column_option(guess, 'key')}" if guess else ""
        faults.add(0, _NO_KEY + meant)


# ---- the rows that need somebody, as they stood in the file, so that they can be given back as they are


class FailedRows(RejectsFile):
    """Takes rows down with all their cells, and why they were not applied.

    The cells stay as they are, even where a spreadsheet would take one for a formula: a row whose key came back changed
    would count twice.
    """

    def __init__(self, draft: "DraftFile", *, refused_ok: bool, rows: ImportContacts) -> None:
        heading = rows.heading
        self._kept = [place for place, head in enumerate(heading) if tidy(head) != REASON]
        self.columns = (*(heading[place] for place in self._kept), REASON)
        if rows.declares:
            draft.write(f"sep={rows.delimiter}\r\n")
        super().__init__(draft, refused_ok=refused_ok, delimiter=rows.delimiter)

    def row(self, outcome: "Outcome") -> Sequence[object]:
        """Return the row of an outcome, and the reason."""
        row = outcome.ref
        assert isinstance(row, ImportRow)  # noqa: S101 - every request of an import has its row
        cells = [row.cells[place] if place < len(row.cells) else "" for place in self._kept]
        return (*cells, f"{outcome.status}: {outcome.reason}" if outcome.reason else outcome.status)
