"""Connections to the ledger's file: of our format, in a journal mode that loses no commit, with errors in our words."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, NoReturn

from ccops.errors import CcopsError, LedgerNotWritable
from ccops.ledger.errors import LedgerBusy, LedgerDamaged, LedgerInWal, LedgerMissing, LedgerTooNew, NotALedger
from ccops.ledger.store.schema import APPLICATION_ID, MIGRATIONS, VERSION
from ccops.locks import Wait, Waits, holder_of

SqliteVersion = tuple[int, ...]
Execute = Callable[[str, Mapping[str, str]], sqlite3.Cursor]

BUILD: Final[SqliteVersion] = sqlite3.sqlite_version_info
"""The SQLite of this Python."""
_FIRST: Final[SqliteVersion] = (3, 7, 0)
_FIXED_IN: Final[tuple[tuple[SqliteVersion, SqliteVersion], ...]] = (((3, 44, 6), (3, 45)), ((3, 50, 7), (3, 51)))
"""From the one version on, and below the other."""
_FIXED_FROM: Final[SqliteVersion] = (3, 51, 3)
_NOTED: Final = "sqlite "
"""What the names of the noted builds begin with, in the table `identity`."""


def is_affected(version: SqliteVersion) -> bool:
    """Tell whether a version of SQLite has the WAL-reset race."""
    return _FIRST <= version < _FIXED_FROM and not any(first <= version < beyond for first, beyond in _FIXED_IN)


def is_wal(connection: sqlite3.Connection) -> bool:
    """Tell whether a database is in WAL mode now."""
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


def leave_wal(connection: sqlite3.Connection) -> bool:
    """Switch a database to a rollback journal; False if another connection has it open in WAL mode."""
    if not is_wal(connection):
        return True
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
    return not is_wal(connection)


def is_busy(error: sqlite3.DatabaseError) -> bool:
    """Tell whether a database was only in use just then."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def note_build(execute: Execute, build: SqliteVersion) -> None:
    """Note in the ledger, once a day, that a build of SQLite writes to it."""
    note = {"name": _NOTED + text_of(build)}
    if execute("SELECT 1 FROM identity WHERE name = :name AND value = date('now')", note).fetchone() is None:
        execute("INSERT OR REPLACE INTO identity (name, value) VALUES (:name, date('now'))", note)


def noted_builds(rows: Callable[[str], list[sqlite3.Row]]) -> dict[SqliteVersion, str]:
    """Return the builds of SQLite that have written to a ledger, and the day on which each did so last."""
    found = rows(f"SELECT name, value FROM identity WHERE name LIKE '{_NOTED}%'")
    return {tuple(map(int, row["name"].removeprefix(_NOTED).split("."))): row["value"] for row in found}


def text_of(version: SqliteVersion) -> str:
    """Write a version as SQLite does."""
    return ".".join(map(str, version))


# ---- connections to the ledger's file: of our format, in a journal mode that loses no commit, with errors in our
# words

PATIENCE: Final = 30.0
"""Seconds for which a file that is in use is waited for."""
_BUSY_SECONDS: Final = 0.25
"""Of these, what SQLite waits by itself before we look again."""
_SWITCH_SECONDS: Final = 0.05

Mode = Literal["ro", "rw"]


class Connections:
    """Opens connections to one file. `readonly` ones can't change it, once its format is ours."""

    def __init__(self, path: Path, *, readonly: bool, waits: Waits, build: SqliteVersion) -> None:
        self.path, self.build = path, build
        self._readonly, self._waits = readonly, waits

    def create(self) -> None:
        """Make a new file of mode 0600, its tables in place."""
        self.path.touch(mode=0o600, exist_ok=False)
        with errors_of(self.path), closing(self._connect()) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            if not is_affected(self.build):
                connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection)

    def open(self, let_go: Callable[[], None]) -> sqlite3.Connection:
        """Open the file; `let_go` closes what this process has open and does not use.

        Raises LedgerMissing, LedgerDamaged, NotALedger, LedgerTooNew and LedgerInWal.
        """
        if not self.path.exists():
            raise LedgerMissing(self.path)
        if self.path.stat().st_size == 0:  # SQLite would take it for a new database
            raise LedgerDamaged(self.path, "it is empty")
        wait = self.begin_wait()
        while True:
            connection = None
            with errors_of(self.path):
                try:
                    connection = self._opened()
                except sqlite3.OperationalError as error:
                    if not is_busy(error) or wait.lasted >= PATIENCE:
                        raise
                else:
                    if connection is None and wait.lasted >= PATIENCE:
                        raise self.refusal()
            if connection is not None:
                return connection
            # Held open in WAL mode, even by us: two who both want to leave it would wait for each other.
            let_go()
            wait.pause(_SWITCH_SECONDS)

    def is_unsafe(self, connection: sqlite3.Connection) -> bool:
        """Tell whether a connection could lose commits: it may write, and is in WAL mode with an affected build."""
        return not self._readonly and is_affected(self.build) and is_wal(connection)

    def refusal(self) -> LedgerInWal:
        """Return the error of a file that others keep in WAL mode."""
        return LedgerInWal(self.path, self.build, self._holder())

    def begin_wait(self) -> Wait:
        """Begin to wait for those who have the file."""
        return self._waits.begin(f"the ledger {self.path}", self._holder)

    def _holder(self) -> str | None:
        return holder_of(self.path, "POSIX")

    def _opened(self) -> sqlite3.Connection | None:
        """Open a ledger of our format; None if others keep it in WAL mode, which has to be left first.

        Raises NotALedger, LedgerTooNew.
        """
        connection = self._connect()
        try:
            version = self._format(connection)
            usable = not self.is_unsafe(connection) or leave_wal(connection)
        except BaseException:
            connection.close()
            raise
        if usable and version == VERSION:
            return connection
        connection.close()
        # Of a newer ccops even those who only look need the newer tables.
        return self._opened() if usable and self._brought_forward() else None

    def _format(self, connection: sqlite3.Connection) -> int:
        """Return the number of the format. Raises NotALedger, LedgerTooNew."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if application != APPLICATION_ID:
            raise NotALedger(self.path)
        if version > VERSION:
            raise LedgerTooNew(self.path, version, VERSION)
        return version

    def _brought_forward(self) -> bool:
        """Bring the tables up to our format; False if others keep the file in WAL mode."""
        with closing(_arranged(connected(self.path, "rw"))) as writing:
            if is_affected(self.build) and not leave_wal(writing):
                return False
            _migrate(writing)
        return True

    def _connect(self) -> sqlite3.Connection:
        connection = connected_to_look(self.path) if self._readonly else connected(self.path, "rw")
        return _arranged(connection)


def _arranged(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = EXTRA")  # the folder too, once a rollback journal is gone from it
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def connected(path: Path, mode: Mode, patience: float = _BUSY_SECONDS) -> sqlite3.Connection:
    """Connect to a database file as it is, whatever it holds."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)


def connected_to_look(path: Path) -> sqlite3.Connection:
    """Connect to a database file to look only.

    Beside a rollback journal, that has to be able to write: what a crash left half done is undone by the next to look,
    whoever that is. In WAL mode it must not, since the last one to leave would write to the file.
    """
    connection = connected(path, "ro")
    try:
        if is_wal(connection):
            return connection
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_READONLY_ROLLBACK and not is_busy(error):
            connection.close()
            raise
    connection.close()
    connection = connected(path, "rw")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again inside the transaction: another process may have been quicker.
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {max(version, VERSION)}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise_ours(path, error)


def raise_ours(path: Path, error: sqlite3.DatabaseError) -> NoReturn:
    """Raise an error in our words; as it is, if it is a mistake of ours, not a trouble of the file."""
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        raise error
    raise _explain(path, error) from error


def _explain(path: Path, error: sqlite3.DatabaseError) -> CcopsError:
    """Name the trouble by SQLite's result code (https://sqlite.org/rescode.html), not by its English."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LedgerBusy(path, holder_of(path, "POSIX"))
    if code in {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
    }:
        return LedgerNotWritable(path, str(error))
    return LedgerDamaged(path, str(error))
