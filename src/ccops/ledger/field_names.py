"""The keys of custom fields in one ledger: which field each one names, and what is to be done once a key has changed.

The CRM makes a field's key of its label, so that a new label means a new key; the field's id stays.
"""

import json
from collections.abc import Collection, Mapping
from typing import Final

from ccops.ledger.model import Values
from ccops.ledger.rows import pack
from ccops.ledger.sqlite import Sqlite, Transaction
from ccops.operations.copying import from_json, to_json
from ccops.operations.field_keys import with_fields
from ccops.operations.plan import fields_read

_BY_FIELD: Final = ("adjust", "import")
"""The kinds of occasions that name the field: `adjust:credits:key:1`."""


class FieldNames:
    """The fields that one ledger has written about, by key."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def ids(self) -> dict[str, int]:
        """Return the id of the field that each key named when it was last seen."""
        with self._database.read() as db:
            return {row["key"]: row["field"] for row in db.rows("SELECT key, field FROM field_keys")}

    def keys(self) -> frozenset[str]:
        """Return the keys of all fields that entries are about."""
        with self._database.read() as db:
            rows = db.rows("SELECT text FROM copies")
        return frozenset().union(*(fields_read(from_json(row["text"])) for row in rows))

    def note(self, seen: Mapping[str, int]) -> None:
        """Remember which field each key names; one that was seen before stays as it is."""
        new = {key: field for key, field in seen.items() if key not in self.ids()}
        if not new:
            return
        with self._database.write() as db:
            for key, field in new.items():
                _note(db, key, field)

    def follow(self, names: Mapping[str, str], ids: Mapping[str, int]) -> int:
        """Put new keys in place of old ones in all that is kept by key; return how many entries it changed.

        `ids` are those of the fields, by their new keys. What was changed, and for which occasion, stays the same: an
        undo, a settle and the same occasion again find the field under the key that it has now.
        """
        with self._database.write() as db:
            changed = sum(_follow_in_entries(db, old, names) for old in names)
            for old, new in names.items():
                for kind in _BY_FIELD:
                    _follow_in_occasions(db, f"{kind}:{old}:", f"{kind}:{new}:")
            _follow_in_copies(db, names)
            for new in names.values():
                _note(db, new, ids[new])
        return changed

    def forget(self, keys: Collection[str]) -> None:
        """Forget what keys named that are in use no longer, so that another field may have them."""
        with self._database.write() as db:
            for key in keys:
                db.run("DELETE FROM field_keys WHERE key = :key", key=key)


def _note(db: Transaction, key: str, field: int) -> None:
    db.run(
        "INSERT INTO field_keys (key, field) VALUES (:key, :field)"
        " ON CONFLICT (key) DO UPDATE SET field = excluded.field",
        key=key,
        field=field,
    )


def _follow_in_entries(db: Transaction, old: str, names: Mapping[str, str]) -> int:
    mark = json.dumps(old, ensure_ascii=False) + ":"
    rows = db.rows(
        'SELECT id, "before", "after" FROM entries WHERE "before" IS NOT NULL'
        ' AND REPLACE("before", :mark, \'\') <> "before"',
        mark=mark,
    )
    for row in rows:
        before, after = (_named(json.loads(row[part]), names) for part in ("before", "after"))
        db.run(
            'UPDATE entries SET "before" = :before, "after" = :after WHERE id = :id',
            before=pack(before),
            after=pack(after),
            id=row["id"],
        )
    return len(rows)


def _named(values: Values, names: Mapping[str, str]) -> Values:
    """Put new keys in; where both the old and the new key stand, nothing can be told apart any more, and all stays."""
    renamed = {names.get(key, key): value for key, value in values.items()}
    return renamed if len(renamed) == len(values) else values


def _follow_in_occasions(db: Transaction, old: str, new: str) -> None:
    """Let the occasion that was used under an old key be used under the new one too, unless another entry is that."""
    db.run(
        "UPDATE entries SET occasion = :new || SUBSTR(occasion, :length + 1) WHERE SUBSTR(occasion, 1, :length) = :old"
        " AND NOT EXISTS (SELECT 1 FROM entries AS other WHERE other.operation = entries.operation"
        " AND other.contact = entries.contact AND other.occasion = :new || SUBSTR(entries.occasion, :length + 1))",
        old=old,
        new=new,
        length=len(old),
    )


def _follow_in_copies(db: Transaction, names: Mapping[str, str]) -> None:
    for row in db.rows("SELECT id, text FROM copies"):
        operation = from_json(row["text"])
        if not fields_read(operation) & names.keys():
            continue
        text = to_json(with_fields(operation, names))
        same = db.row("SELECT id FROM copies WHERE text = :text", text=text)
        if same is None:
            db.run("UPDATE copies SET text = :text WHERE id = :id", text=text, id=row["id"])
        elif same["id"] != row["id"]:
            db.run("UPDATE entries SET copy = :same WHERE copy = :id", same=same["id"], id=row["id"])
            db.run("DELETE FROM copies WHERE id = :id", id=row["id"])
