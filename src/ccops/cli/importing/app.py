"""The command itself."""

import json
import shlex
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli.column_option import Column, mapping_of
from ccops.cli.exits import FINE
from ccops.cli.job import Job, Writing
from ccops.cli.making import command, new_app
from ccops.cli.options import CreateField, Key
from ccops.cli.session import session_of
from ccops.cli.thousands import counts_as
from ccops.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ccops.cli.failures import Failures
    from ccops.cli.importing.checking import Checked, Said
    from ccops.cli.session import Session
    from ccops.engine.request import Request
    from ccops.ledger.model import Origin
    from ccops.operations.model import Registry

app = new_app()

_MOST_LINES: Final = 5

File = Annotated[str, typer.Argument(metavar="FILE", help='A CSV; "-" is stdin.', show_default=False)]
Field = Annotated[
    str | None, typer.Option("--field", metavar="FIELD", help="The field, such as credits.", show_default=False)
]
FailedTo = Annotated[
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
    file: File,
    how: Writing,
    field: Field = None,
    key: Key = None,
    column: Column = None,
    failed_to: FailedTo = None,
    create_field: CreateField = False,
) -> int:
    """Change a field by the rows of a CSV, each of them once.

    A row has the contact's email (or Kit's id), and a number in a column add, take or set. What counts once is named by
    a column key, or by --key for all rows; rows that set a number can do without.
    """
    from ccops.cli.importing.checking import Said
    from ccops.cli.importing.columns import EXAMPLE, NAMES

    return _import(
        session_of(ctx), file, Said(field, key, mapping_of(column or [], NAMES, EXAMPLE), create_field), failed_to, how
    )


def _import(session: "Session", word: str, said: "Said", failed_to: Path | None, how: Writing) -> int:
    from ccops.cli.csvfile import source_of
    from ccops.cli.doing import do
    from ccops.cli.failures import failures_to, status_with
    from ccops.cli.importing.checking import checked
    from ccops.cli.importing.failed import FailedRows
    from ccops.cli.keys import check_key
    from ccops.cli.setup import field_to_change

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


def _say_how_read(session: "Session", found: "Checked") -> None:
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


def _job(registry: "Registry", found: "Checked", said: "Said", failures: "Failures | None") -> Job:
    """Say what is asked for."""
    rows, field = found.rows, found.field
    what, path = f"{rows.rules.columns.what()} {field}", rows.source.path
    name = clean(rows.source.name if path is None else path.name)
    return Job(
        words=json.dumps(["import", rows.source.mark, field, sorted(said.mapped.items()), rows.rules.key]),
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


def _requests(registry: "Registry", found: "Checked", run: int, origin: "Origin") -> "Iterator[Request]":
    from ccops.cli.keys import amount_text
    from ccops.engine.request import Request
    from ccops.operations.asking import import_operation
    from ccops.operations.occasions import for_import

    adjustment, field = found.rows.adjustment, found.field
    for row in found.rows.rows():
        operation = import_operation(field, adjustment, row.amount, registry.fields, registry.timezone)
        occasion, asked = for_import(field, row.counted_by), f"{adjustment} {amount_text(row.amount)}"
        again = None if row.same_as is None else f"the same as line {row.same_as}"
        yield Request(operation, row.who, occasion, run, origin, asked=asked, ref=row, again=again)
