"""What the whole ledger adds up from: all that was written, and what was refused, one row after the other."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from ccops.clock import parse_iso
from ccops.ledger.model import LEFT_OUT, Values
from ccops.ledger.rows import stamp
from ccops.ledger.sqlite import Sqlite

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
class Refused:
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

    def refused(self, since: datetime) -> list[Refused]:
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
            Refused(row["operation"], row["kind"], row["why"], row["said"], row["n"], parse_iso(row["last"]))
            for row in rows
        ]


@lru_cache(maxsize=4096)
def _values(text: str) -> Values:
    """Read values; most entries of a ledger share theirs with many others."""
    values: dict[str, str | None] = json.loads(text)
    return values
