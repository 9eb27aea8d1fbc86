"""The ledger read backwards: entries and runs, newest first, by what people ask for."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Final

from ccops.clock import parse_iso
from ccops.ledger import tries
from ccops.ledger.choosing import Filter, conditions, listed
from ccops.ledger.model import LEFT_OUT, Entry, Run, Status
from ccops.ledger.rows import ENTRIES, entry_of, run_of, stamp
from ccops.ledger.sqlite import Sqlite, Transaction

__all__ = ("Filter", "History", "PeriodUse", "RunCount")

_SHOWN: Final = f"CASE WHEN status = 'refused' AND cause = '{LEFT_OUT}' THEN 'left-out' ELSE status END AS shown"
_WITH_EMAIL: Final = (
    ENTRIES.replace("copies.text", "contacts.email, copies.text", 1)
    + " LEFT JOIN contacts ON contacts.id = entries.contact"
)
_AT_ONCE: Final = 1000
"""Entries that are read before the first is given; more are given as they are read."""
_WRITTEN: Final[tuple[Status, ...]] = ("applied", "undone", "parked", "sending")


@dataclass(frozen=True, slots=True)
class RunCount:
    """A run, and how many entries of each status count as its own; those left out have `left-out`."""

    run: Run
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class PeriodUse:
    """How many contacts an operation was applied to in a period, and when first and last."""

    count: int
    first: datetime
    last: datetime


class History:
    """Questions about the past of one ledger."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def entries(self, wanted: Filter) -> list[tuple[Entry, str | None]]:
        """Return the newest entries that fit, each with the contact's address as last seen."""
        with self._database.read() as db:
            return list(_found(db, wanted))

    def each(self, wanted: Filter) -> Iterator[tuple[Entry, str | None]]:
        """Give the newest entries that fit one by one, of one state of the ledger, however many they are.

        Those of a run that another run took over since are given as that run left them.
        """
        if wanted.limit is not None and wanted.limit <= _AT_ONCE:
            yield from self.entries(wanted)
            return
        with self._database.snapshot() as db:
            yield from _found(db, wanted)

    def tries_of(self, entry: int) -> list[Entry]:
        """Return an entry as each run before its own left it, oldest first."""
        with self._database.read() as db:
            return tries.of_entry(db, entry)

    def changed_since(self, entry: int, moment: datetime, watched: Collection[int]) -> list[tuple[Entry, str | None]]:
        """Return the entries behind one, those that came to their end since a moment, and the watched; oldest first."""
        numbers = ", ".join(map(str, watched))
        with self._database.read() as db:
            rows = db.rows(
                f"{_WITH_EMAIL} WHERE entries.id IN (SELECT fresh.id FROM entries AS fresh WHERE fresh.id > :entry"
                " UNION SELECT late.id FROM entries AS late WHERE late.ended_at >= :moment"
                f" UNION SELECT seen.id FROM entries AS seen WHERE seen.id IN ({numbers}))"
                " ORDER BY entries.id",
                entry=entry,
                moment=stamp(moment),
            )
        return [(entry_of(row), row["email"] or None) for row in rows]

    def last_run_of(self, operation: str, period: str | None = None) -> Run | None:
        """Return the last run or import that left entries of an operation (and a period), if it is among its newest.

        They are the newest thousand entries: for an operation of tags, nobody wants to search all its past.
        """
        with self._database.read() as db:
            row = db.row(
                "SELECT runs.* FROM runs JOIN (SELECT newest.run, newest.id FROM"
                " (SELECT run, id, via, period FROM entries WHERE operation = :operation ORDER BY id DESC LIMIT 1000)"
                " AS newest WHERE newest.via IN ('run', 'import') AND COALESCE(:period, newest.period, '')"
                " = COALESCE(newest.period, '') ORDER BY newest.id DESC LIMIT 1) AS last ON last.run = runs.id",
                operation=operation,
                period=period,
            )
        return None if row is None else run_of(row)

    def written(self, contact: int, limit: int = 1000) -> list[Entry]:
        """Return the newest entries of a contact whose write has arrived, or may have; in the order of their sends."""
        with self._database.read() as db:
            rows = db.rows(
                f"{ENTRIES} WHERE contact = :contact AND turn IS NOT NULL AND status IN ({listed(_WRITTEN)})"
                " ORDER BY turn DESC LIMIT :limit",
                contact=contact,
                limit=limit,
            )
        return [entry_of(row) for row in rows]

    def sent(self, contact: int) -> list[Entry]:
        """Return all entries of a contact that were sent, whatever came of them, or adopted; in the order of that."""
        with self._database.read() as db:
            rows = db.rows(f"{ENTRIES} WHERE contact = :contact AND turn IS NOT NULL ORDER BY turn", contact=contact)
        return [entry_of(row) for row in rows]

    def knows(self, operation: str) -> bool:
        """Whether any entry is of an operation of this name."""
        with self._database.read() as db:
            return db.row("SELECT 1 FROM entries WHERE operation = :name LIMIT 1", name=operation) is not None

    def count(self) -> int:
        """Return how many entries there are."""
        with self._database.read() as db:
            row = db.row("SELECT COUNT(*) AS n FROM entries")
        return 0 if row is None else row["n"]

    def is_answered(self, operation: str, contact: int, occasion: str, *, kept: bool) -> bool:
        """Whether an occasion needs nobody to start it: its entry came to its end, or waits for a person.

        A refused one is tried again as long as its tag is there, unless that is `kept` on purpose.
        """
        with self._database.read() as db:
            row = db.row(
                "SELECT status, released FROM entries WHERE operation = :operation AND contact = :contact"
                " AND occasion = :occasion AND reopened = 0",
                operation=operation,
                contact=contact,
                occasion=occasion,
            )
        if row is None:
            return False
        if row["status"] == "refused":
            return kept or row["released"] == 1
        return row["status"] in {"applied", "undone", "parked"}

    def use_of(self, operation: str, period: str) -> PeriodUse | None:
        """Return how a period of an operation was used by runs and imports; None if nobody has it that way."""
        return self._use(operation, period, " AND via IN ('run', 'import')")

    def is_used(self, operation: str, period: str) -> bool:
        """Whether any contact has a period of an operation, whatever started it."""
        return self._use(operation, period, "") is not None

    def _use(self, operation: str, period: str, besides: str) -> PeriodUse | None:
        with self._database.read() as db:
            row = db.row(
                "SELECT COUNT(*) AS n, MIN(at) AS first, MAX(at) AS last FROM entries WHERE operation = :operation"
                f" AND period = :period AND reopened = 0 AND status NOT IN ('refused', 'failed'){besides}",
                operation=operation,
                period=period,
            )
        if row is None or not row["n"]:
            return None
        return PeriodUse(row["n"], parse_iso(row["first"]), parse_iso(row["last"]))

    def runs(self, limit: int = 50) -> list[RunCount]:
        """Return the newest runs with their counts."""
        found = []
        with self._database.read() as db:
            runs = [run_of(row) for row in db.rows("SELECT * FROM runs ORDER BY id DESC LIMIT :limit", limit=limit)]
            for run in runs:
                rows = db.rows(f"SELECT {_SHOWN}, COUNT(*) AS n FROM entries WHERE run = :run GROUP BY 1", run=run.id)
                counted = Counter({row["shown"]: row["n"] for row in rows})
                counted.update(tries.counts(db, run.id))
                found.append(RunCount(run, dict(counted)))
        return found

    def counts(self) -> dict[str, int]:
        """Return how many entries have each status that is not an end."""
        with self._database.read() as db:
            rows = db.rows(
                "SELECT status, COUNT(*) AS n FROM entries WHERE status NOT IN ('applied', 'undone') GROUP BY status"
            )
        return {row["status"]: row["n"] for row in rows}


def _found(db: Transaction, wanted: Filter) -> Iterator[tuple[Entry, str | None]]:
    found = _each(db, wanted)
    if wanted.run is not None:
        found = merge(found, tries.of_run(db, wanted), key=lambda pair: pair[0].id, reverse=True)
    yield from islice(found, wanted.limit)


def _each(db: Transaction, wanted: Filter) -> Iterator[tuple[Entry, str | None]]:
    where, given = conditions(wanted)
    most = "" if wanted.limit is None else " LIMIT :limit"
    given |= {} if wanted.limit is None else {"limit": wanted.limit}
    for row in db.each(f"{_WITH_EMAIL} WHERE {where} ORDER BY entries.id DESC{most}", **given):
        yield entry_of(row), row["email"] or None
