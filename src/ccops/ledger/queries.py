"""The ledger read backwards: entries and runs, newest first, by what people ask for."""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from heapq import merge
from itertools import islice
from typing import Final, Literal, NamedTuple

from ccops.clock import parse_iso
from ccops.ledger.model import LEFT_OUT, Entry, Run, Status, Values, Via
from ccops.ledger.store.rows import ENTRIES, entry_of, run_of, stamp
from ccops.ledger.store.sqlite import Row, Sqlite, Transaction

MOMENT: Final = "COALESCE(entries.ended_at, entries.sent_at, entries.at)"
"""`Entry.moment` in SQL."""

_ENDED_WELL: Final[frozenset[Status]] = frozenset({Status.APPLIED, Status.UNDONE})
_FEW: Final = "entries.status NOT IN ('applied', 'undone')"
"""What the index of unfinished entries is for; SQLite uses it only where it finds these words."""
_ENDED_SINCE: Final = (
    "entries.id IN (SELECT late.id FROM entries AS late WHERE late.ended_at >= :since UNION ALL"
    " SELECT begun.id FROM entries AS begun"
    " WHERE begun.status IN ('intended', 'sending') AND begun.status NOT IN ('applied', 'undone'))"
)

Lead = Literal["contact", "run", "since", "status", "operation"]
Given = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for; what is None does not matter."""

    contact: int | None = None
    operation: str | None = None
    statuses: tuple[Status, ...] = ()
    """Any of these; all if there are none."""
    left_out: bool | None = None
    """Of refusals: those because of the contact's state, or (False) the others."""
    run: int | None = None
    since: datetime | None = None
    """Only those whose moment is not before it."""
    limit: int | None = 50
    """None: all there are."""

    def fits(self, entry: Entry) -> bool:
        """Tell whether an entry is among those that are asked for, as it is now."""
        same = (self.contact or entry.contact, self.operation or entry.operation, self.run or entry.run)
        left_out = entry.status == "refused" and entry.cause == LEFT_OUT
        return (
            same == (entry.contact, entry.operation, entry.run)
            and (not self.statuses or entry.status in self.statuses)
            and (self.left_out is None or self.left_out == left_out)
            and (self.since is None or entry.moment >= self.since)
        )


def conditions(wanted: Filter) -> tuple[str, Given]:
    """Return what to put behind WHERE, and the values of its names."""
    lead = _lead(wanted)
    said = [*_of_contact(wanted, lead), *_of_time(wanted, lead), *_of_status(wanted, lead)]
    asked: Given = {
        "contact": wanted.contact,
        "operation": wanted.operation,
        "run": wanted.run,
        "since": None if wanted.since is None else stamp(wanted.since),
    }
    return " AND ".join(said) or "1 = 1", {key: value for key, value in asked.items() if value is not None}


def listed(statuses: tuple[Status, ...]) -> str:
    """Write statuses as the items of an SQL list."""
    return ", ".join(f"'{status}'" for status in statuses)


def _lead(wanted: Filter) -> Lead | None:
    """Choose the condition that an index answers: the one that few entries meet, whatever else is asked."""
    meets: dict[Lead, bool] = {
        "contact": wanted.contact is not None,
        "run": wanted.run is not None,
        "since": wanted.since is not None,
        "status": bool(wanted.statuses) and "applied" not in wanted.statuses,
        "operation": wanted.operation is not None,
    }
    return next((lead for lead, met in meets.items() if met), None)


def _of_contact(wanted: Filter, lead: Lead | None) -> Iterator[str]:
    if wanted.contact is not None:
        yield "entries.contact = :contact"
    if wanted.run is not None:
        yield "entries.run = :run" if lead == "run" else "COALESCE(entries.run, 0) = :run"
    if wanted.operation is not None:
        yield (
            "entries.operation = :operation" if lead == "operation" else "COALESCE(entries.operation, '') = :operation"
        )


def _of_time(wanted: Filter, lead: Lead | None) -> Iterator[str]:
    if lead == "since":
        yield _ENDED_SINCE
    if wanted.since is not None:
        yield f"{MOMENT} >= :since"


def _of_status(wanted: Filter, lead: Lead | None) -> Iterator[str]:
    if lead == "status" and not _ENDED_WELL.intersection(wanted.statuses):
        yield f"entries.status IN ({listed(wanted.statuses)}) AND {_FEW}"
    elif lead == "status" and wanted.statuses == ("undone",):
        yield "entries.status = 'undone'"
    elif wanted.statuses:
        yield f"COALESCE(entries.status, '') IN ({listed(wanted.statuses)})"
    if wanted.left_out is not None:
        yield f"COALESCE(entries.cause, '') {'=' if wanted.left_out else '<>'} '{LEFT_OUT}'"


# ---- what the whole ledger adds up from: all that was written, and what was refused, one row after the other

RefusalKind = Literal["refused", "left-out", "failed"]

_KIND: Final = f"CASE WHEN status = 'refused' AND cause = '{LEFT_OUT}' THEN 'left-out' ELSE status END"
_MOMENT: Final = "COALESCE(ended_at, sent_at, at)"


class Written(NamedTuple):
    """A write that has arrived, whether it was taken back since or not. There are very many of them."""

    operation: str
    contact: int
    before: Values
    after: Values
    is_undo: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class RefusedCount:
    """How often an operation did not come about for the same reason, and when last."""

    operation: str
    kind: RefusalKind
    cause: str
    reason: str
    count: int
    last: datetime


class Figures:
    """Questions about the whole of one ledger."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def written(self) -> Iterator[Written]:
        """Give all that was written: contact by contact, and of each in the order of the sends."""
        with self._database.snapshot() as db:
            # The plus signs keep the index away: to read rows as they lie and sort them is quicker than to jump.
            rows = db.each(
                f'SELECT operation, contact, "before", "after", undoes, {_MOMENT} AS moment FROM entries'
                " WHERE status IN ('applied', 'undone') AND \"before\" IS NOT NULL AND \"after\" IS NOT NULL"
                " ORDER BY +contact, +turn"
            )
            for row in rows:
                yield Written(
                    row["operation"],
                    row["contact"],
                    _values(row["before"]),
                    _values(row["after"]),
                    row["undoes"] is not None,
                    parse_iso(row["moment"]),
                )

    def refused(self, since: datetime) -> list[RefusedCount]:
        """Return what did not come about since a moment, the most frequent first."""
        with self._database.read() as db:
            rows = db.rows(
                f"SELECT operation, {_KIND} AS kind, COALESCE(cause, '') AS why, COALESCE(reason, '') AS said,"
                f" COUNT(*) AS n, MAX({_MOMENT}) AS last FROM entries"
                f" WHERE status IN ('refused', 'failed') AND {_MOMENT} >= :since"
                " GROUP BY 1, 2, 3, 4 ORDER BY n DESC, last DESC, operation, said",
                since=stamp(since),
            )
        return [
            RefusedCount(row["operation"], row["kind"], row["why"], row["said"], row["n"], parse_iso(row["last"]))
            for row in rows
        ]


@lru_cache(maxsize=4096)
def _values(text: str) -> Values:
    """Read values; most entries of a ledger share theirs with many others."""
    values: dict[str, str | None] = json.loads(text)
    return values


# ---- what this ledger wrote to one field of the contacts, and which write was the last

_HAS_IT: Final = 'REPLACE({row}."before", :key, \'\') <> {row}."before"'
"""Whether an entry is about a field: its key with the colon behind it stands in no value, where quotes are escaped."""
_WRITTEN_FIELDS: Final = "{row}.turn IS NOT NULL AND {row}.status IN ('applied', 'undone') AND " + _HAS_IT
_UNSURE: Final = "{row}.turn IS NOT NULL AND {row}.status IN ('intended', 'sending', 'parked') AND " + _HAS_IT

_MAY_COME_LATE: Final = (
    "SELECT late.contact FROM entries AS late WHERE late.sends > 1"
    " OR (late.sends = 1 AND late.status NOT IN ('applied', 'undone', 'sending'))"
)


class FieldQueries:
    """Questions about the fields of one ledger's contacts."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def last(self, field: str, contacts: Collection[int]) -> dict[int, Entry]:
        """Return, of each contact, the entry that wrote a field last, or adopted a change of it; asked once for all."""
        numbers = ", ".join(map(str, contacts))
        with self._database.read() as db:
            rows = db.rows(
                f"{ENTRIES} WHERE entries.id IN (SELECT (SELECT last.id FROM entries AS last"
                f" WHERE last.contact = theirs.contact AND {_WRITTEN_FIELDS.format(row='last')}"
                " ORDER BY last.turn DESC LIMIT 1)"
                f" FROM (SELECT DISTINCT contact FROM entries WHERE contact IN ({numbers})) AS theirs)",
                key=_key(field),
            )
        return {row["contact"]: entry_of(row) for row in rows}

    def unsure(self, field: str, contact: int) -> Entry | None:
        """Return the newest entry of a contact whose write of a field may have arrived or not."""
        with self._database.read() as db:
            row = db.row(
                f"{ENTRIES} WHERE entries.contact = :contact AND {_UNSURE.format(row='entries')}"
                " ORDER BY entries.turn DESC LIMIT 1",
                contact=contact,
                key=_key(field),
            )
        return None if row is None else entry_of(row)

    def overwritten(self, contacts: Collection[int] | None = None) -> list[int]:
        """Return the contacts to which something was sent over another receipt than that of the send before.

        A late write leaves that behind, or a person's word. They are asked for among `contacts`, else among all to
        which something was sent that was taken as not arrived: only such a send can come late, and they are few.
        """
        among = f"({_MAY_COME_LATE})" if contacts is None else f"({', '.join(map(str, contacts))})"
        with self._database.read() as db:
            rows = db.rows(
                "SELECT DISTINCT contact FROM (SELECT contact, receipt_seen, sent_at, LAG(id) OVER sends_of AS last,"
                " LAG(sends) OVER sends_of AS send, LAG(sent_at) OVER sends_of AS earlier"
                " FROM entries WHERE turn IS NOT NULL AND sends > 0"
                f" AND status IN ('applied', 'undone') AND contact IN {among}"
                " WINDOW sends_of AS (PARTITION BY contact ORDER BY turn)) AS sent"
                " WHERE last IS NOT NULL AND (sent_at < earlier OR (receipt_seen IS NOT NULL"
                " AND SUBSTR(receipt_seen, INSTR(receipt_seen, '.') + 1)"
                " <> last || CASE WHEN send > 1 THEN '.' || send ELSE '' END)) ORDER BY contact"
            )
        return [row["contact"] for row in rows]

    def contacts(self, field: str) -> int:
        """Count the contacts that a field was written to; this goes through the whole ledger."""
        with self._database.read() as db:
            row = db.row(
                f"SELECT COUNT(DISTINCT contact) AS n FROM entries WHERE {_WRITTEN_FIELDS.format(row='entries')}",
                key=_key(field),
            )
        return 0 if row is None else row["n"]


def _key(field: str) -> str:
    """Return a field's key as `pack` writes it."""
    return json.dumps(field, ensure_ascii=False) + ":"


# ---- earlier tries of an entry: how it was refused, or failed, in a run before the one that it counts as now

_BY_ITSELF: Final[frozenset[Via]] = frozenset({"poll", "webhook", "post"})
"""What looks again and again as long as a tag waits: each look would be a row more, and nobody asks for its run."""
_TRIED: Final = (
    ENTRIES.replace(
        "copies.text",
        "contacts.email, tries.run AS tried_run, tries.status AS tried_status, tries.cause AS tried_cause, tries.reason"
        ' AS tried_reason, tries.note AS tried_note, tries."by" AS tried_by, tries.via AS tried_via, tries.ended_at AS'
        " tried_at, copies.text",
        1,
    )
    + " LEFT JOIN contacts ON contacts.id = entries.contact JOIN tries ON tries.entry = entries.id"
)


def keep_try(db: Transaction, first: Entry, run: int) -> None:
    """Keep how an entry came out before another run takes it over."""
    if first.run == run or not first.status.may_be_tried_again or first.via in _BY_ITSELF:
        return
    db.run(
        'INSERT INTO tries (entry, run, status, cause, reason, note, "by", via, ended_at)'
        " VALUES (:entry, :run, :status, :cause, :reason, :note, :by, :via, :at)"
        " ON CONFLICT (entry, run) DO UPDATE SET status = excluded.status, cause = excluded.cause,"
        ' reason = excluded.reason, note = excluded.note, "by" = excluded."by", via = excluded.via,'
        " ended_at = excluded.ended_at",
        entry=first.id,
        run=first.run,
        status=first.status,
        cause=first.cause,
        reason=first.reason,
        note=first.note,
        by=first.by,
        via=first.via,
        at=stamp(first.moment),
    )


def tries_of_run(db: Transaction, wanted: Filter) -> Iterator[tuple[Entry, str | None]]:
    """Give the entries that a run tried and another took over, newest first, as that run left them."""
    rows = db.rows(f"{_TRIED} WHERE tries.run = :run AND entries.run <> :run ORDER BY entries.id DESC", run=wanted.run)
    for row in rows:
        entry = _as_then(row)
        if wanted.fits(entry):
            yield entry, row["email"] or None


def tries_of_entry(db: Transaction, entry: int) -> list[Entry]:
    """Return an entry as each run before its own left it, oldest first."""
    rows = db.rows(
        f"{_TRIED} WHERE tries.entry = :entry AND tries.run <> entries.run ORDER BY tries.ended_at", entry=entry
    )
    return [_as_then(row) for row in rows]


def counts_of_tries(db: Transaction, run: int) -> dict[str, int]:
    """Count the entries that a run tried and another took over; those left out have `left-out`."""
    rows = db.rows(
        "SELECT tries.status, tries.cause, COUNT(*) AS n FROM tries JOIN entries ON entries.id = tries.entry"
        " WHERE tries.run = :run AND entries.run <> :run GROUP BY tries.status, tries.cause",
        run=run,
    )
    found: dict[str, int] = {}
    for row in rows:
        shown = "left-out" if row["status"] == "refused" and row["cause"] == LEFT_OUT else row["status"]
        found[shown] = found.get(shown, 0) + row["n"]
    return found


def _as_then(row: Row) -> Entry:
    return replace(
        entry_of(row),
        run=row["tried_run"],
        status=Status(row["tried_status"]),
        cause=row["tried_cause"],
        reason=row["tried_reason"],
        note=row["tried_note"],
        by=row["tried_by"],
        via=row["tried_via"],
        before=None,
        after=None,
        receipt_seen=None,
        turn=None,
        sends=0,
        undone_by=None,
        sent_at=None,
        ended_at=parse_iso(row["tried_at"]),
    )


# ---- the ledger read backwards: entries and runs, newest first, by what people ask for

_SHOWN: Final = f"CASE WHEN status = 'refused' AND cause = '{LEFT_OUT}' THEN 'left-out' ELSE status END AS shown"
_WITH_EMAIL: Final = (
    ENTRIES.replace("copies.text", "contacts.email, copies.text", 1)
    + " LEFT JOIN contacts ON contacts.id = entries.contact"
)
_AT_ONCE: Final = 1000
"""Entries that are read before the first is given; more are given as they are read."""
_WRITTEN: Final = (Status.APPLIED, Status.UNDONE, Status.PARKED, Status.SENDING)


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
            return tries_of_entry(db, entry)

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
                counted.update(counts_of_tries(db, run.id))
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
        found = merge(found, tries_of_run(db, wanted), key=lambda pair: pair[0].id, reverse=True)
    yield from islice(found, wanted.limit)


def _each(db: Transaction, wanted: Filter) -> Iterator[tuple[Entry, str | None]]:
    where, given = conditions(wanted)
    most = "" if wanted.limit is None else " LIMIT :limit"
    given |= {} if wanted.limit is None else {"limit": wanted.limit}
    for row in db.each(f"{_WITH_EMAIL} WHERE {where} ORDER BY entries.id DESC{most}", **given):
        yield entry_of(row), row["email"] or None
