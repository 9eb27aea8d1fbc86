"""The ledger's database: SQLite in one file, in WAL mode with every commit on disk before it returns."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, NoReturn

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
_WRITING_KIB: Final = 8192
_READING_KIB: Final = 1024
"""What a connection may keep in memory. Whoever only reads has little use for more: it is forgotten at each commit."""


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


class _Place:
    """A connection, and who is at work with it."""

    __slots__ = ("at_work", "closed", "connection", "transaction")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.transaction = Transaction(connection)
        self.at_work = threading.RLock()
        """Held while a transaction is open."""
        self.closed = False


class Sqlite:
    """A database file. `readonly` changes not a byte of it, once its format is ours.

    All threads of the process write by one connection, in turns: SQLite itself lets those who wait for a commit sleep,
    and longer each time; and what one connection has in memory is worth nothing once another has written. For reading,
    each thread has a connection of its own.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self._readonly = readonly
        self._local = threading.local()
        self._writing: _Place | None = None
        self._all: list[_Place] = []
        self._guard = threading.Lock()

    @classmethod
    def create(cls, path: Path) -> "Sqlite":
        """Make a new database file of mode 0600 and return it, its tables in place."""
        path.touch(mode=0o600, exist_ok=False)
        database = cls(path)
        with database.errors(), closing(database._connect()) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection)
        return database

    def read(self) -> AbstractContextManager[Transaction]:
        """Look at one consistent state."""
        joined = self._joined()
        return nullcontext(joined) if joined is not None else _Open(self.path, self._reader, "BEGIN", "ROLLBACK")

    def look(self) -> AbstractContextManager[Transaction]:
        """Look by one statement, which needs no transaction: what it shows is one state anyway."""
        joined = self._joined()
        return nullcontext(joined) if joined is not None else _Open(self.path, self._reader)

    def write(self) -> AbstractContextManager[Transaction]:
        """Change something: on leaving, it is on disk, or an error was raised and nothing happened."""
        joined = self._joined()
        return (
            nullcontext(joined) if joined is not None else _Open(self.path, self._writer, "BEGIN IMMEDIATE", "COMMIT")
        )

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

    def close(self) -> None:
        """Close all connections, each once nobody is at work with it.

        A connection that is closed while another thread uses it would take the whole process down.
        """
        ends = time.monotonic() + _BUSY_SECONDS
        with self._guard:
            places, self._all = self._all, []
        for place in places:
            if place.at_work.acquire(timeout=max(ends - time.monotonic(), 0)):
                place.connection.close()
                place.closed = True
                place.at_work.release()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn the database's errors into ours."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            _raise(self.path, error)

    def integrity(self) -> str | None:
        """Read the whole file and return what is wrong with it, or None."""
        with self.read() as db:
            answer = str(next(iter(db.rows("PRAGMA quick_check")[0])))
        return None if answer == "ok" else answer

    def _joined(self) -> Transaction | None:
        """Return the transaction that all is part of that this thread asks."""
        return getattr(self._local, "joined", None)

    def _reader(self) -> _Place:
        place: _Place | None = getattr(self._local, "place", None)
        if place is None or place.closed:
            place = self._local.place = self._open(_READING_KIB)
        return place

    def _writer(self) -> _Place:
        with self._guard:
            place = self._writing
        if place is None or place.closed:
            place = self._open(_WRITING_KIB)
            with self._guard:
                if self._writing is None or self._writing.closed:
                    self._writing = place
                place = self._writing
        return place

    def _open(self, cache_kib: int) -> _Place:
        if not self.path.exists():
            raise LedgerMissing(self.path)
        if self.path.stat().st_size == 0:  # SQLite would take it for a new database
            raise LedgerDamaged(self.path, "it is empty")
        with self.errors():
            connection = self._connect()
            try:
                self._bring_forward(connection)
                connection.execute(f"PRAGMA cache_size = -{cache_kib}")
            except BaseException:
                connection.close()
                raise
        place = _Place(connection)
        with self._guard:
            self._all.append(place)
        return place

    def _bring_forward(self, connection: sqlite3.Connection) -> None:
        """Make sure that a file is a ledger, and of this format. Raises NotALedger, LedgerTooNew."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID:
            raise NotALedger(self.path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise LedgerTooNew(self.path, version, VERSION)
        if version < VERSION:
            # Of a newer ccops even those who only look need the newer tables.
            with closing(self._connect("rw")) as writing:
                _migrate(writing)

    def _connect(self, mode: Literal["ro", "rw"] | None = None) -> sqlite3.Connection:
        mode = mode or ("ro" if self._readonly else "rw")
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


class _Open:
    """A transaction, if it has a beginning and an end; on leaving, all of it has happened, or nothing.

    One within another of the same thread is a mistake, and harms neither: see `at_once`.
    """

    __slots__ = ("_begin", "_end", "_path", "_place", "_place_of")

    def __init__(
        self, path: Path, place_of: Callable[[], _Place], begin: str | None = None, end: str | None = None
    ) -> None:
        self._path, self._place_of, self._begin, self._end = path, place_of, begin, end

    def __enter__(self) -> Transaction:
        place = self._place = self._taken()
        try:
            if self._begin is not None:
                place.connection.execute(self._begin)
        except BaseException as error:
            self._let_go()
            if isinstance(error, sqlite3.DatabaseError):
                _raise(self._path, error)
            raise
        return place.transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._end is not None:
                self._place.connection.execute(self._end)
        except sqlite3.DatabaseError as failure:
            error = failure
        finally:
            self._let_go()
        if isinstance(error, sqlite3.DatabaseError):
            _raise(self._path, error)

    def _taken(self) -> _Place:
        """Wait for a connection, and keep it from being closed until it is let go."""
        while True:
            place = self._place_of()
            place.at_work.acquire()
            if not place.closed and not place.connection.in_transaction:
                return place
            place.at_work.release()
            if not place.closed:  # nobody but this thread can have it open, as it holds the lock
                raise sqlite3.ProgrammingError("a transaction within a transaction")

    def _let_go(self) -> None:
        if self._place.connection.in_transaction:
            with suppress(sqlite3.Error):
                self._place.connection.execute("ROLLBACK")
        self._place.at_work.release()


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


def _raise(path: Path, error: sqlite3.DatabaseError) -> NoReturn:
    """Raise an error in our words; as it is, if it is a mistake of ours, not a trouble of the file."""
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        raise error
    raise _explain(path, error) from error


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
