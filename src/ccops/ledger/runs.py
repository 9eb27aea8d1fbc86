"""Runs: one invocation each, found again by its words if it never reported its end."""

from dataclasses import dataclass
from datetime import datetime

from ccops.ledger.errors import NoSuchRun
from ccops.ledger.model import Run
from ccops.ledger.store.rows import run_of, stamp
from ccops.ledger.store.sqlite import Sqlite
from ccops.locks import HeldLock, Locks


@dataclass(frozen=True, slots=True)
class Started:
    """A run that is at work in this process; its lock tells other processes that it is alive."""

    run: Run
    resumed: bool
    lock: HeldLock
    beside: Run | None = None
    """The run of the same words that is at work in another process."""


class Runs:
    """The runs of one ledger."""

    def __init__(self, database: Sqlite, locks: Locks) -> None:
        self._database = database
        self._locks = locks

    def start(
        self, words: str, title: str, by: str, now: datetime, *, new: bool = False, tag: str | None = None
    ) -> Started:
        """Begin a run, or go on with the last one of the same words if that never reported its end and is not alive.

        Without `new`, a crash between two contacts and the same command again are one run, hence one occasion.
        """
        beside = None
        with self._locks.wait("start"):
            if not new:
                last = self.last_without_end(words)
                if last is not None:
                    lock = self._locks.take(f"run-{last.id}")
                    # Asked again under the lock: it may have ended just before the lock was free.
                    if lock is not None and self.get(last.id).ended_at is None:
                        return Started(last, resumed=True, lock=lock)
                    if lock is None:
                        beside = last
                    else:
                        lock.drop(remove=True)
            run = self._insert(words, title, by, now, tag)
            lock = self._locks.take(f"run-{run.id}")
            if lock is None:  # a leftover of another ledger in this folder can't be held by a run that begins now
                raise NoSuchRun(run.id)
            return Started(run, resumed=False, lock=lock, beside=beside)

    def stop(self, started: Started, exit_status: int, now: datetime, *, ended: bool) -> None:
        """Let go of a run; `ended` if it reported its end, so that the same command later starts another."""
        with self._database.write() as db:
            db.run(
                "UPDATE runs SET ended_at = :now, exit_status = :status WHERE id = :id",
                id=started.run.id,
                now=stamp(now) if ended else None,
                status=exit_status,
            )
        started.lock.drop(remove=ended)

    def get(self, run: int) -> Run:
        """Return a run. Raises NoSuchRun."""
        with self._database.read() as db:
            row = db.row("SELECT * FROM runs WHERE id = :id", id=run)
        if row is None:
            raise NoSuchRun(run)
        return run_of(row)

    def unfinished(self) -> list[Run]:
        """Return the runs that never reported their end and are not at work now, oldest first.

        The same command goes on with each of them: one behind which another of the same words came was given up.
        """
        with self._database.read() as db:
            rows = db.rows(
                "SELECT * FROM runs WHERE ended_at IS NULL AND NOT EXISTS"
                " (SELECT 1 FROM runs AS later WHERE later.words = runs.words AND later.id > runs.id) ORDER BY id"
            )
        return [run for run in map(run_of, rows) if not self.is_alive(run.id)]

    def tidy(self) -> int:
        """Remove the lock files of runs that are not at work, and return how many there were."""
        with self._locks.wait("start"):  # nobody begins to hold one meanwhile
            held = [self._locks.take(name) for name in self._locks.names("run-")]
            dead = [lock for lock in held if lock is not None]
            for lock in dead:
                lock.drop(remove=True)
        return len(dead)

    def is_alive(self, run: int) -> bool:
        """Tell whether a run is at work now, in whatever process."""
        name = f"run-{run}"
        if name not in self._locks.names(name):
            return False
        with self._locks.wait("start"):  # whoever begins meanwhile would take this look for a run at work
            lock = self._locks.take(name)
            if lock is not None:
                lock.drop()
        return lock is None

    def last_without_end(self, words: str) -> Run | None:
        """Return the last run of these words if it never reported its end; one before it was given up by a new one."""
        with self._database.read() as db:
            row = db.row("SELECT * FROM runs WHERE words = :words ORDER BY id DESC LIMIT 1", words=words)
        return None if row is None or row["ended_at"] is not None else run_of(row)

    def last_beginning(self, words: str, unlike: str = "") -> Run | None:
        """Return the last run whose words begin like this, and do not begin like `unlike`, which begins so too."""
        with self._database.read() as db:
            row = db.row(
                "SELECT * FROM runs WHERE words >= :words AND words < :beyond"
                " AND NOT (:unlike <> '' AND words >= :unlike AND words < :beyond_that) ORDER BY id DESC LIMIT 1",
                words=words,
                beyond=_beyond(words),
                unlike=unlike,
                beyond_that=_beyond(unlike),
            )
        return None if row is None else run_of(row)

    def last_ended(self, words: str) -> Run | None:
        """Return the last run of these words that reported its end."""
        with self._database.read() as db:
            row = db.row(
                "SELECT * FROM runs WHERE words = :words AND ended_at IS NOT NULL ORDER BY id DESC LIMIT 1", words=words
            )
        return None if row is None else run_of(row)

    def highest(self) -> int:
        """Return the number of the newest run; 0 if there is none."""
        with self._database.read() as db:
            row = db.row("SELECT COALESCE(MAX(id), 0) AS id FROM runs")
        return 0 if row is None else row["id"]

    def _insert(self, words: str, title: str, by: str, now: datetime, tag: str | None) -> Run:
        with self._database.write() as db:
            row = db.row(
                'INSERT INTO runs (words, title, "by", started_at, tag) VALUES (:words, :title, :by, :now, :tag)'
                " RETURNING *",
                words=words,
                title=title,
                by=by,
                now=stamp(now),
                tag=tag,
            )
        assert row is not None  # noqa: S101 - RETURNING gives the row that was just inserted
        return run_of(row)


def _beyond(words: str) -> str:
    """Return the least text that stands behind all that begin like this."""
    return words[:-1] + chr(ord(words[-1]) + 1) if words else ""
