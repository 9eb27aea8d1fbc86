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
