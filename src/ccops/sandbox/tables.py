"""The plumbing of the state: versions of things, and pages of them.

Every row holds from `since` until `until`; a change ends the present version and begins another.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ccops.sandbox.paging import Page, Window

if TYPE_CHECKING:
    import sqlite3

FOREVER: Final = 2**63 - 1
PRESENT: Final = FOREVER - 1
"""The moment at which exactly those rows hold that nothing has ended."""

_FIRST_IDS: Final = {  # Kit's contact ids passed 32 bits
    "contact": 4_300_000_001,
    "tag": 1041,
    "custom_field": 3,
    "webhook": 31,
    "webhook_endpoint": 51,
    "delivery": 81,
}

Row = TypeVar("Row")
Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list to be paged through: what is selected, from where, and the columns that order it."""

    columns: str
    source: str
    order: tuple[str, ...]
    params: Params
    where: list[str] = field(default_factory=list)
    descending: bool = True


def holds(*tables: str) -> str:
    """Return the condition that the rows of some tables hold at `:at`."""
    return " AND ".join(f"{table}.since <= :at AND :at < {table}.until" for table in tables)


class Tables:
    """A connection, and what all tables of the state have in common; its calls belong into a transaction."""

    def __init__(self, connection: "sqlite3.Connection") -> None:
        self._db = connection

    def _new_id(self, table: str) -> int:
        first = _FIRST_IDS[table]
        row = self._db.execute(f"SELECT coalesce(max(id) + 1, {first}) FROM {table}").fetchone()
        return int(row[0])

    def _end(self, table: str, row_id: int, now: int) -> None:
        self._db.execute(f"UPDATE {table} SET until = ? WHERE id = ? AND until = {FOREVER}", (now, row_id))

    def _page(self, listing: Listing, window: Window, make: Callable[..., Row]) -> Page[Row]:
        edge, where, params = window.before or window.after, listing.where, dict(listing.params)
        backwards = window.before is not None
        down = listing.descending != backwards
        if edge:
            marks = ", ".join(f":edge{index}" for index in range(len(edge)))
            where = [*where, f"({', '.join(listing.order)}) {'<' if down else '>'} ({marks})"]
            params |= {f"edge{index}": part for index, part in enumerate(edge)}
        order = ", ".join(f"{column} {'DESC' if down else 'ASC'}" for column in listing.order)
        sql = (
            f"SELECT {listing.columns}, {', '.join(listing.order)} FROM {listing.source} "
            f"WHERE {' AND '.join(where)} ORDER BY {order} LIMIT {window.size + 1}"
        )
        found = self._db.execute(sql, params).fetchall()
        more, found = len(found) > window.size, found[: window.size]
        if backwards:
            found.reverse()
        split = -len(listing.order)
        rows = [(make(*row[:split]), row[split:]) for row in found]
        earlier, later = (more, True) if backwards else (edge is not None, more)
        return Page(rows, earlier, later, self._count(listing) if window.counted else None)

    def _count(self, listing: Listing) -> int:
        sql = f"SELECT count(*) FROM {listing.source} WHERE {' AND '.join(listing.where)}"
        return int(self._db.execute(sql, listing.params).fetchone()[0])
