"""Rows of the database as entries and runs, and moments and values as the texts that stand in rows."""

import json
from datetime import UTC, datetime
from functools import lru_cache

from ccops.clock import parse_iso
from ccops.ledger.model import Entry, Run, Status, Values
from ccops.ledger.store.sqlite import Row, Transaction

ENTRIES = "SELECT entries.*, copies.text AS copy_text FROM entries JOIN copies ON copies.id = entries.copy"


def stamp(moment: datetime) -> str:
    """Write a moment with milliseconds, so that texts sort as moments do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def pack(values: Values) -> str:
    """Write field values as JSON."""
    return json.dumps(dict(values), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def entry_of(row: Row, copy: str | None = None) -> Entry:
    """Read an entry from a row of `ENTRIES`, or from one of the table whose operation the caller knows."""
    return Entry(
        id=row["id"],
        run=row["run"],
        operation=row["operation"],
        copy=row["copy_text"] if copy is None else copy,
        contact=row["contact"],
        occasion=row["occasion"],
        period=row["period"],
        asked=row["asked"],
        status=Status(row["status"]),
        cause=row["cause"],
        reason=row["reason"],
        note=row["note"],
        by=row["by"],
        via=row["via"],
        before=_values(row["before"]),
        after=_values(row["after"]),
        receipt_seen=row["receipt_seen"],
        turn=row["turn"],
        sends=row["sends"],
        apart=bool(row["apart"]),
        undoes=row["undoes"],
        undone_by=row["undone_by"],
        reopens=bool(row["reopens"]),
        at=parse_iso(row["at"]),
        sent_at=_moment(row["sent_at"]),
        ended_at=_moment(row["ended_at"]),
        followups=None if row["followups"] is None else tuple(json.loads(row["followups"])),
        released=bool(row["released"]),
        reopened=bool(row["reopened"]),
    )


def find_entry(db: Transaction, number: int) -> Entry | None:
    """Read one entry."""
    row = db.row(f"{ENTRIES} WHERE entries.id = :id", id=number)
    return None if row is None else entry_of(row)


def run_of(row: Row) -> Run:
    """Read a run from a row of `runs`."""
    return Run(
        id=row["id"],
        words=row["words"],
        title=row["title"],
        by=row["by"],
        started_at=parse_iso(row["started_at"]),
        ended_at=_moment(row["ended_at"]),
        exit_status=row["exit_status"],
        tag=row["tag"],
    )


@lru_cache(maxsize=1024)
def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_iso(text)


@lru_cache(maxsize=1024)  # an entry is read at each of its steps
def _values(text: str | None) -> Values | None:
    if text is None:
        return None
    values: dict[str, str | None] = json.loads(text)
    return values
