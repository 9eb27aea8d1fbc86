"""The ledger's database: SQLite in one file, with every commit on disk before it returns."""

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from ccops.errors import LedgerNotWritable
from ccops.ledger.store.connections import (
    BUILD,
    PATIENCE,
    Connections,
    SqliteVersion,
    errors_of,
    is_busy,
    is_wal,
    note_build,
    noted_builds,
    raise_ours,
)
from ccops.locks import PROCESS, HeldLock, Waits

Row = sqlite3.Row
Parameters = Mapping[str, str | int | None]

_TO_WRITE: Final = "BEGIN IMMEDIATE"
_WRITING_KIB: Final = 8192
_READING_KIB: Final = 1024
"""What a connection may keep in memory. Whoever only reads has little use for more: it is forgotten at each commit."""


class Transaction:
    """What can be asked while a transaction is open."""

    def __init__(self, execute: Callable[[str, Parameters], sqlite3.Cursor]) -> None:
        self._execute = execute

    def rows(self, sql: str, **parameters: str | int | None) -> list[Row]:
        """Return all rows that a statement gives."""
        return self._execute(sql, parameters).fetchall()

    def each(self, sql: str, **parameters: str | int | None) -> Iterator[Row]:
        """Give the rows one by one, as they are found."""
        yield from self._execute(sql, parameters)

    def row(self, sql: str, **parameters: str | int | None) -> Row | None:
        """Return the first row, or None."""
        found: Row | None = self._execute(sql, parameters).fetchone()
        return found

    def run(self, sql: str, **parameters: str | int | None) -> int:
        """Carry a statement out; return how many rows it changed."""
        return self._execute(sql, parameters).rowcount

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

    __slots__ = ("_ways", "at_work", "closed", "connection", "transaction")

    def __init__(self, ways: Connections, connection: sqlite3.Connection) -> None:
        self._ways = ways
        self.connection = connection
        self.transaction = Transaction(self.execute)
        self.at_work = threading.RLock()
        """Held while a transaction is open."""
        self.closed = False

    def execute(self, sql: str, parameters: Parameters | None = None) -> sqlite3.Cursor:
        """Carry a statement out; while others have the file, wait for them, for half a minute at most."""
        wait = None
        while True:
            try:
                return self.connection.execute(sql, parameters or {})
            except sqlite3.OperationalError as error:
                wait = wait or self._ways.begin_wait()
                if not is_busy(error) or wait.lasted >= PATIENCE:
                    raise
                wait.pause()

    def begin(self, how: str) -> None:
        """Begin a transaction. Raises LedgerInWal if it is to write and could lose what it writes."""
        self.execute(how)
        if how == _TO_WRITE and self._ways.is_unsafe(self.connection):
            raise self._ways.refusal()


_OPEN: Final["weakref.WeakSet[Sqlite]"] = weakref.WeakSet()
"""All databases of this process."""


class Sqlite:
    """A database file. `readonly` changes not a byte of it, once its format is ours.

    All threads of the process write by one connection, in turns: SQLite itself lets those who wait for a commit sleep,
    and longer each time; and what one connection has in memory is worth nothing once another has written. For reading,
    each thread has a connection of its own.

    Nothing is written in WAL mode by a build of SQLite that has the WAL-reset race: the file is switched to a rollback
    journal on opening, and stays so for all builds. There, commits wait for those who read: whatever takes long reads a
    `snapshot`.
    """

    def __init__(
        self,
        path: Path,
        *,
        readonly: bool = False,
        join: Callable[[], HeldLock] | None = None,
        waits: Waits = PROCESS,
        build: SqliteVersion = BUILD,
    ) -> None:
        self.path = path
        self.ways = Connections(path, readonly=readonly, waits=waits, build=build)
        self._readonly = readonly
        self._join = join
        """Tells other processes that this one works with the file, until that is dropped."""
        self._mark: HeldLock | None = None
        self._local = threading.local()
        self._writing: _Place | None = None
        self._all: list[_Place] = []
        self._guard = threading.Lock()
        _OPEN.add(self)

    @classmethod
    def create(cls, path: Path, *, waits: Waits = PROCESS, build: SqliteVersion = BUILD) -> "Sqlite":
        """Make a new database file of mode 0600 and return it, its tables in place."""
        database = cls(path, waits=waits, build=build)
        database.ways.create()
        return database

    def read(self) -> AbstractContextManager[Transaction]:
        """Look at one consistent state."""
        joined = self._joined()
        return nullcontext(joined) if joined is not None else _Open(self.path, self._reader, "BEGIN", "ROLLBACK")

    def look(self) -> AbstractContextManager[Transaction]:
        """Look by one statement, which needs no transaction: what it shows is one state anyway."""
        joined = self._joined()
        return nullcontext(joined) if joined is not None else _Open(self.path, self._reader)

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Look at one consistent state for as long as it takes; no commit waits for that.

        Where it would, a copy is read, in a file without a name (https://sqlite.org/inmemorydb.html#temp_db).
        """
        with self.read() as db:
            if self._joined() is not None or is_wal(self._reader().connection):
                yield db
                return
            copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            copy.row_factory = sqlite3.Row
            self._reader().connection.backup(copy)
        with closing(copy), self.errors():
            yield Transaction(copy.execute)

    def write(self) -> AbstractContextManager[Transaction]:
        """Change something: on leaving, it is on disk, or an error was raised and nothing happened."""
        joined = self._joined()
        return nullcontext(joined) if joined is not None else _Open(self.path, self._writer, _TO_WRITE, "COMMIT")

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
        ends = time.monotonic() + PATIENCE
        with self._guard:
            places, self._all = self._all, []
            mark, self._mark = self._mark, None
        for place in places:
            if place.at_work.acquire(timeout=max(ends - time.monotonic(), 0)):
                place.connection.close()
                place.closed = True
                place.at_work.release()
        if mark is not None:
            mark.drop()

    def errors(self) -> AbstractContextManager[None]:
        """Turn the database's errors into ours."""
        return errors_of(self.path)

    @property
    def journal(self) -> tuple[bool, SqliteVersion, dict[SqliteVersion, str]]:
        """Whether the file is in WAL mode, the SQLite of this process, and the last day on which each build wrote."""
        with self.read() as db:
            return is_wal(self._reader().connection), self.ways.build, noted_builds(db.rows)

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
            with self.errors():
                note_build(place.execute, self.ways.build)
            with self._guard:
                if self._writing is None or self._writing.closed:
                    self._writing = place
                place = self._writing
        return place

    def _open(self, cache_kib: int) -> _Place:
        self._tell_others()
        connection = self.ways.open(self._let_go)
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        place = _Place(self.ways, connection)
        with self._guard:
            self._all.append(place)
        return place

    def _tell_others(self) -> None:
        """Tell others that this process works with the file; a reader who may not write in the home can't."""
        with self._guard:
            if self._join is not None and self._mark is None:
                with suppress(*([LedgerNotWritable] if self._readonly else [])):
                    self._mark = self._join()

    def _let_go(self) -> None:
        """Close all connections of this process to the file that no transaction uses now."""
        for database in list(_OPEN):
            if database.path == self.path:
                database._close_idle()  # noqa: SLF001 - of the same class

    def _close_idle(self) -> None:
        with self._guard:
            places = list(self._all)
        for place in places:
            if place.at_work.acquire(blocking=False):
                if not place.connection.in_transaction:
                    place.connection.close()
                    place.closed = True
                place.at_work.release()
        with self._guard:
            self._all = [place for place in self._all if not place.closed]


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
                place.begin(self._begin)
        except BaseException as error:
            self._let_go()
            if isinstance(error, sqlite3.DatabaseError):
                raise_ours(self._path, error)
            raise
        return place.transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._end is not None:
                self._place.execute(self._end)
        except sqlite3.DatabaseError as failure:
            error = failure
        finally:
            self._let_go()
        if isinstance(error, sqlite3.DatabaseError):
            raise_ours(self._path, error)

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
