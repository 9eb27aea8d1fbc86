"""Earlier tries of an entry: how it was refused, or failed, in a run before the one that it counts as now."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ccops.clock import parse_iso
from ccops.ledger.choosing import Filter
from ccops.ledger.model import LEFT_OUT, Entry, Via
from ccops.ledger.rows import ENTRIES, entry_of, stamp
from ccops.ledger.sqlite import Row, Transaction

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


def keep(db: Transaction, first: Entry, run: int) -> None:
    """Keep how an entry came out before another run takes it over."""
    if first.run == run or first.status not in {"refused", "failed"} or first.via in _BY_ITSELF:
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


def of_run(db: Transaction, wanted: Filter) -> Iterator[tuple[Entry, str | None]]:
    """Give the entries that a run tried and another took over, newest first, as that run left them."""
    rows = db.rows(f"{_TRIED} WHERE tries.run = :run AND entries.run <> :run ORDER BY entries.id DESC", run=wanted.run)
    for row in rows:
        entry = _as_then(row)
        if wanted.fits(entry):
            yield entry, row["email"] or None


def of_entry(db: Transaction, entry: int) -> list[Entry]:
    """Return an entry as each run before its own left it, oldest first."""
    rows = db.rows(
        f"{_TRIED} WHERE tries.entry = :entry AND tries.run <> entries.run ORDER BY tries.ended_at", entry=entry
    )
    return [_as_then(row) for row in rows]


def counts(db: Transaction, run: int) -> dict[str, int]:
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
        status=row["tried_status"],
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
