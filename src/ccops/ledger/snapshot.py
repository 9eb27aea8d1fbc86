"""A ledger as a file: copied while it is in use, looked at, and kept from others while it is replaced."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from ccops.errors import LedgerNotWritable
from ccops.ledger.errors import LedgerBusy, LedgerDamaged, LedgerInUse, LedgerThere, LedgerTooNew, NotALedger
from ccops.ledger.identity import Identity
from ccops.ledger.ledger import IN_USE, Ledger
from ccops.ledger.store.connections import connected, connected_to_look
from ccops.ledger.store.schema import APPLICATION_ID, VERSION
from ccops.ledger.store.sqlite import Sqlite
from ccops.locks import Locks

BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database (https://sqlite.org/tempfiles.html)."""


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What a ledger says of itself."""

    schema: int
    account: tuple[int, str]
    lineage: str
    """The id that its receipts carry."""
    entries: int
    highest: int
    """The number of its newest entry; 0 if there is none."""


def copy_database(source: Path, target: Path) -> None:
    """Copy a database to a new file of mode 0600, as it is at one moment; others may be writing to it meanwhile.

    Raises a LedgerUnusable.
    """
    with Sqlite(source).errors():
        target.touch(mode=0o600, exist_ok=False)
        with closing(connected_to_look(source)) as there, closing(connected(target, "rw")) as here:
            there.backup(here)  # in one step, hence of one state (https://sqlite.org/backup.html)


def note_backup(copy: Path, at: datetime) -> None:
    """Note in a copy when it was made, so that a home that it is put back into knows its last backup."""
    database = Sqlite(copy)
    with closing(database):
        Identity(database).note_backup(at)


def look_at(path: Path) -> LedgerFacts:
    """Read a ledger through and say what it is, whatever older format it has.

    Raises LedgerDamaged, NotALedger and LedgerTooNew.
    """
    with Sqlite(path).errors(), closing(connected(path, "rw")) as database:
        if _number(database, "PRAGMA application_id") != APPLICATION_ID:
            raise NotALedger(path)
        schema = _number(database, "PRAGMA user_version")
        if schema > VERSION:
            raise LedgerTooNew(path, schema, VERSION)
        fault = str(database.execute("PRAGMA quick_check").fetchone()[0])
        if fault != "ok":
            raise LedgerDamaged(path, fault)
        return _known(database, schema)


def account_of(path: Path) -> tuple[int, str] | None:
    """Return the account of a ledger, or None if there is no ledger, or none that can be read."""
    with suppress(sqlite3.Error, TypeError, KeyError, ValueError), closing(connected(path, "rw")) as database:
        return _account(database)
    return None


@contextmanager
def not_in_use(ledger: Path, locks: Locks) -> Iterator[None]:
    """Keep all others from beginning to work with a ledger in the body. Raises LedgerInUse if any is at it."""
    alone = locks.take(IN_USE)
    if alone is None:
        raise LedgerInUse(ledger, locks.holder_of(IN_USE))
    try:
        yield
    finally:
        alone.drop()


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Keep all others away from a database while the body moves it; one that is missing or broken nobody works with.

    Raises LedgerInUse if another process has it open in WAL mode, or writes to it. SQLite itself refuses to write to a
    file that was moved (SQLITE_READONLY_DBMOVED), should one come just then.
    """
    if not path.exists():
        yield
        return
    with closing(connected(path, "rw", patience=0)) as database:
        _keep(database, path)
        yield


def _keep(database: sqlite3.Connection, path: Path) -> None:
    """Hold the file until the connection is closed, with all that is in it in the one file."""
    try:
        with Sqlite(path).errors():
            # Refused while anybody has the file open; and closing a log would go by its name, which is another's then.
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute("BEGIN EXCLUSIVE")
    except LedgerBusy:
        raise LedgerInUse(path) from None
    except LedgerDamaged:
        return


def _known(database: sqlite3.Connection, schema: int) -> LedgerFacts:
    (lineage,) = database.execute(
        "SELECT ledger FROM lineage WHERE first_entry IS NOT NULL ORDER BY first_entry DESC LIMIT 1"
    ).fetchone()
    entries = _number(database, "SELECT COUNT(*) FROM entries")
    highest = _number(database, "SELECT COALESCE(MAX(id), 0) FROM entries")
    return LedgerFacts(schema, _account(database), str(lineage), entries, highest)


def _account(database: sqlite3.Connection) -> tuple[int, str]:
    found = dict(database.execute("SELECT name, value FROM identity").fetchall())
    return int(found["account"]), str(found["account_name"])


def _number(database: sqlite3.Connection, statement: str) -> int:
    return int(database.execute(statement).fetchone()[0])


# ---- A new ledger comes into being as a whole or not at all: it is made under another name, then put in its place


@contextmanager
def new_ledger(path: Path, locks: Path) -> Iterator[Ledger]:
    """Give the body a new ledger to fill in; when it is done, the ledger is in its place, closed.

    Raises LedgerThere and LedgerNotWritable. A crash leaves nothing but a draft, which the next try throws away.
    """
    draft = path.with_name(f"{path.name}.new")
    with Locks(locks).wait("found"):
        if path.exists():
            raise LedgerThere(path)
        with _told(path):
            _discard(draft)
            ledger = Ledger.create(draft, locks)
        try:
            yield ledger
            ledger.close()
            with _told(path):
                _put_in_place(draft, path)
        finally:
            ledger.close()
            _discard(draft)


def _put_in_place(draft: Path, path: Path) -> None:
    for suffix in BESIDE:
        left = path.with_name(path.name + suffix)
        if left.exists():  # of the ledger that was lost: SQLite would take it for a part of the new one
            left.rename(left.with_name(f"{left.name}.old"))
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _discard(draft: Path) -> None:
    for suffix in ("", *BESIDE):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerNotWritable(path, error.strerror or type(error).__name__) from error
