"""The ledger's database: SQLite in one file, in WAL mode with every commit on disk before it returns."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final, Literal

from ccops.errors import CcopsError
from ccops.ledger.errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerMissing,
    LedgerNotWritable,
    LedgerTooNew,
    NotALedger,
)
from ccops.ledger.schema import APPLICATION_ID, MIGRATIONS, VERSION

Row = sqlite3.Row

_BUSY_SECONDS: Final = 30.0
_CACHE_KIB: Final = 8192


class Transaction:
    """What can be asked while a transaction is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, **parameters: str | int | None) -> list[Row]:
        """Return all rows that a statement gives."""
        return self._connection.execute(sql, parameters).fetchall()

    def each(self, sql: str, **parameters: str | int | None) -> Iterator[Row]:
        """Give the rows one by one, as they are found."""
        yield from self._connection.execute(sql, parameters)

    def row(self, sql: str, **parameters: str | int | None) -> Row | None:
        """Return the first row, or None."""
        found: Row | None = self._connection.execute(sql, parameters).fetchone()
        return found

    def run(self, sql: str, **parameters: str | int | None) -> int:
        """Carry a statement out; return how many rows it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def last_number(self, table: str) -> int:
        """Return the last number that was given to a row of a table; 0 if none was."""
        row = self.row("SELECT seq FROM sqlite_sequence WHERE name = :table", table=table)
        return 0 if row is None else int(row["seq"])

    def count_on(self, table: str, number: int) -> None:
        """Let the numbers of a table's rows go on behind this one; they never go back."""
        if not self.run("UPDATE sqlite_sequence SET seq = MAX(seq, :seq) WHERE name = :table", seq=number, table=table):
            self.run("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :seq)", seq=number, table=table)


class Sqlite:
    """A database file, with one connection a thread. `readonly` changes not a byte of it, once its format is ours."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self.cache_kib = _CACHE_KIB
        """What each connection may keep in memory; a program of many threads, with one each, sets less."""
        self._readonly = readonly
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._guard = threading.Condition()
        self._at_work: Counter[int] = Counter()
        """How many transactions each thread has open."""
        # SQLite itself lets those who wait for a commit sleep, and longer each time; threads of one process can queue.
        self._turn = threading.RLock()

    @classmethod
    def create(cls, path: Path) -> "Sqlite":
        """Make a new database file of mode 0600 and return it, its tables in place."""
        path.touch(mode=0o600, exist_ok=False)
        database = cls(path)
        with database.errors():
            connection = database._connect()
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection)
        return database

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Look at one consistent state."""
        with self._joined() or self._within("BEGIN") as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Change something: on leaving, it is on disk, or an error was raised and nothing happened."""
        with self._turn, self._joined() or self._within("BEGIN IMMEDIATE") as transaction:
            yield transaction

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Make one transaction of all that this thread reads and changes in the body."""
        if self._joined() is not None:
            yield
            return
        with self.write() as transaction:
            self._local.joined = transaction
            try:
                yield
            finally:
                self._local.joined = None

    def _joined(self) -> AbstractContextManager[Transaction] | None:
        joined: Transaction | None = getattr(self._local, "joined", None)
        return None if joined is None else nullcontext(joined)

    def close(self) -> None:
        """Close the connections of all threads, once none but this one is at work with its own.

        A connection that is closed while another thread uses it would take the whole process down.
        """
        with self._guard:
            me = threading.get_ident()
            idle = self._guard.wait_for(
                lambda: not any(+self._at_work - Counter({me: self._at_work[me]})), _BUSY_SECONDS
            )
            for connection in self._opened if idle else ():
                connection.close()
            self._opened.clear()
            self._local = threading.local()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn the database's errors into ours."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a mistake of ours, not a trouble of the file
        except sqlite3.DatabaseError as error:
            raise _explain(self.path, error) from error

    def integrity(self) -> str | None:
        """Read the whole file and return what is wrong with it, or None."""
        with self.read() as db:
            answer = str(next(iter(db.rows("PRAGMA quick_check")[0])))
        return None if answer == "ok" else answer

    @contextmanager
    def _within(self, begin: str) -> Iterator[Transaction]:
        with self.errors(), self._in_use():
            connection = self._connection()
            connection.execute(begin)
            try:
                yield Transaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Keep `close` waiting meanwhile."""
        me = threading.get_ident()
        with self._guard:
            self._at_work[me] += 1
        try:
            yield
        finally:
            with self._guard:
                self._at_work[me] -= 1
                self._guard.notify_all()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._open()
            self._local.connection = found
        return found

    def _open(self) -> sqlite3.Connection:
        if not self.path.exists():
            raise LedgerMissing(self.path)
        if self.path.stat().st_size == 0:  # SQLite would take it for a new database
            raise LedgerDamaged(self.path, "it is empty")
        connection = self._connect()
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID:
            raise NotALedger(self.path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise LedgerTooNew(self.path, version, VERSION)
        if version < VERSION:
            # Of a newer ccops even those who only look need the newer tables.
            _migrate(self._connect("rw") if self._readonly else connection)
        return connection

    def _connect(self, mode: Literal["ro", "rw"] | None = None) -> sqlite3.Connection:
        mode = mode or ("ro" if self._readonly else "rw")
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        with self._guard:
            self._opened.append(connection)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{self.cache_kib}")
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


def _explain(path: Path, error: sqlite3.DatabaseError) -> CcopsError:
    """Name the trouble by SQLite's result code (https://sqlite.org/rescode.html), not by its English."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LedgerBusy(path)
    if code in {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
    }:
        return LedgerNotWritable(path, str(error))
    return LedgerDamaged(path, str(error))
