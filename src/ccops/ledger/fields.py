"""What this ledger wrote to one field of the contacts, and which write was the last."""

import json
from collections.abc import Collection
from typing import Final

from ccops.ledger.model import Entry
from ccops.ledger.rows import ENTRIES, entry_of
from ccops.ledger.sqlite import Sqlite

_HAS_IT: Final = 'REPLACE({row}."before", :key, \'\') <> {row}."before"'
"""Whether an entry is about a field: its key with the colon behind it stands in no value, where quotes are escaped."""
_WRITTEN: Final = "{row}.turn IS NOT NULL AND {row}.status IN ('applied', 'undone') AND " + _HAS_IT
_UNSURE: Final = "{row}.turn IS NOT NULL AND {row}.status IN ('intended', 'sending', 'parked') AND " + _HAS_IT

_MAY_COME_LATE: Final = (
    "SELECT late.contact FROM entries AS late WHERE late.sends > 1"
    " OR (late.sends = 1 AND late.status NOT IN ('applied', 'undone', 'sending'))"
)


class Fields:
    """Questions about the fields of one ledger's contacts."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def last(self, field: str, contacts: Collection[int]) -> dict[int, Entry]:
        """Return, of each contact, the entry that wrote a field last, or adopted a change of it; asked once for all."""
        numbers = ", ".join(map(str, contacts))
        with self._database.read() as db:
            rows = db.rows(
                f"{ENTRIES} WHERE entries.id IN (SELECT (SELECT last.id FROM entries AS last"
                f" WHERE last.contact = theirs.contact AND {_WRITTEN.format(row='last')}"
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
                f"SELECT COUNT(DISTINCT contact) AS n FROM entries WHERE {_WRITTEN.format(row='entries')}",
                key=_key(field),
            )
        return 0 if row is None else row["n"]


def _key(field: str) -> str:
    """Return a field's key as `pack` writes it."""
    return json.dumps(field, ensure_ascii=False) + ":"
