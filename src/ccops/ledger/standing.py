"""Which receipts a contact may show, by what was written to it."""

from typing import Final

from ccops.ledger.model import Entry, Standing
from ccops.ledger.rows import ENTRIES, entry_of
from ccops.ledger.schema import LOOSE
from ccops.ledger.sqlite import Transaction

_LAST: Final = (
    # What was adopted has left no receipt.
    "FROM entries WHERE contact = :contact AND turn IS NOT NULL AND sends > 0 AND status IN ('applied', 'undone')"
    " ORDER BY turn DESC LIMIT 1"
)
# The sign keeps SQLite from looking at all turns of a contact: hardly one has entries of this kind.
_LOOSE: Final = f"contact = :contact AND {LOOSE} AND status NOT IN ('sending', 'parked') AND +turn IS NOT NULL"
_PARTS: Final = {
    "last": f"entries.id = (SELECT id {_LAST})",
    "parked": f"contact = :contact AND turn > COALESCE((SELECT turn {_LAST}), 0) AND status = 'parked'",
    "loose": _LOOSE,
    "left": "contact = :contact AND turn IS NOT NULL AND status IN ('applied', 'undone')"
    f" AND EXISTS (SELECT 1 FROM entries WHERE {_LOOSE})",
}
_ALL: Final = (
    "SELECT contacts.accepted AS was_accepted, parts.* FROM (SELECT :contact AS contact) AS wanted"
    " LEFT JOIN contacts ON contacts.id = wanted.contact LEFT JOIN ("
    + " UNION ALL ".join(
        ENTRIES.replace("SELECT ", f"SELECT '{part}' AS part, ", 1) + f" WHERE {which}"
        for part, which in _PARTS.items()
    )
    + ") AS parts ON 1 = 1"
)
"""All in one statement, as it is asked before each write: what a person has accepted stands in each row."""


def of_contact(db: Transaction, contact: int) -> Standing:
    """Return how a contact stands."""
    rows = db.rows(_ALL, contact=contact)
    parts: dict[str | None, list[Entry]] = {part: [] for part in _PARTS}
    for row in rows:
        if row["part"] is not None:
            parts[row["part"]].append(entry_of(row))
    last, written = parts["last"], sorted(parts["left"], key=lambda entry: entry.turn or 0)
    return Standing(
        last[0] if last else None,
        tuple(parts["parked"]),
        rows[0]["was_accepted"],
        tuple(parts["loose"]),
        {key: value for entry in written for key, value in (entry.after or {}).items()},
    )
