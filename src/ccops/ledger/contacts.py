"""Contacts as last seen, so that a known address needs no look-up in the CRM."""

import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final

from ccops.ledger.model import Person, Values
from ccops.ledger.store.rows import pack
from ccops.ledger.store.sqlite import Row, Sqlite, Transaction
from ccops.operations.model import from_json, to_json, with_fields
from ccops.operations.plan import fields_read
from ccops.text import address_key, same_address

_ALIKE: Final = 1
"""Letters at the beginning of an address that are taken to be right."""
_MOST_ALIKE: Final = 5000
_LIKENESS: Final = 0.8
"""Of two addresses at one domain, half is alike anyway."""
_FORMER_OWNERS: Final = (
    "SELECT contacts.* FROM former_addresses AS former JOIN contacts ON contacts.id = former.contact"
    " WHERE former.email_key = :key"
)


class Contacts:
    """The contacts that this ledger has met."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def by_email(self, email: str) -> Person | None:
        """Return the contact that had this address when last seen; if none had, the last one that had it before.

        Its address is another one then: `Person.email` is always the newest.
        """
        key = address_key(email)
        with self._database.look() as db:
            row = db.row("SELECT * FROM contacts WHERE email_key = :key ORDER BY id DESC LIMIT 1", key=key)
            row = row or db.row(f"{_FORMER_OWNERS} ORDER BY former.id DESC LIMIT 1", key=key)
        return _person(row)

    def former_owners(self, email: str) -> tuple[Person, ...]:
        """Return the contacts that had this address before and have another one now, the last one first."""
        with self._database.look() as db:
            rows = db.rows(f"{_FORMER_OWNERS} ORDER BY former.id DESC", key=address_key(email))
        return tuple(Person(row["id"], row["email"]) for row in rows)

    def former(self, contact: int) -> tuple[str, ...]:
        """Return the addresses that a contact had before its present one, the last one first."""
        with self._database.look() as db:
            rows = db.rows(
                "SELECT email FROM former_addresses WHERE contact = :contact ORDER BY id DESC", contact=contact
            )
        return tuple(row["email"] for row in rows)

    def had(self, contact: int, email: str) -> bool:
        """Tell whether a contact was ever seen with this address."""
        known, key = self.by_id(contact), address_key(email)
        addresses = [*self.former(contact), *([] if known is None else [known.email])]
        return key in map(address_key, addresses)

    def nearest(self, email: str) -> str | None:
        """Return the known address that is most like this one, of those that begin alike; None if none is like it.

        The same address once more is no help, so it is not returned.
        """
        key = address_key(email)
        begin = key[:_ALIKE]
        with self._database.read() as db:
            rows = db.rows(
                "SELECT email, email_key FROM contacts WHERE email_key >= :begin AND email_key < :beyond UNION"
                " SELECT email, email_key FROM former_addresses WHERE email_key >= :begin AND email_key < :beyond"
                " LIMIT :most",
                begin=begin,
                beyond=begin + chr(0x10FFFF),
                most=_MOST_ALIKE,
            )
        known = {row["email_key"]: str(row["email"]) for row in rows if not same_address(row["email"], email)}
        found = get_close_matches(key, known, n=1, cutoff=_LIKENESS)
        return known[found[0]] if found else None

    def by_id(self, contact: int) -> Person | None:
        """Return a contact as last seen."""
        with self._database.look() as db:
            row = db.row("SELECT * FROM contacts WHERE id = :id", id=contact)
        return _person(row)

    def seen(self, contact: int, email: str) -> None:
        """Remember a contact as a read by id showed it; commits only if there is something new to remember.

        What a list shows may be older than what is known: see `met`.
        """
        known = self.by_id(contact)
        if known is not None and known.email == email:
            return
        with self._database.write() as db:
            before = db.row("SELECT email FROM contacts WHERE id = :id", id=contact)
            if before is not None and before["email"]:
                _keep(db, contact, before["email"])
            db.run(
                "DELETE FROM former_addresses WHERE contact = :id AND email_key = :key",
                id=contact,
                key=address_key(email),
            )
            db.run(
                "INSERT INTO contacts (id, email, email_key) VALUES (:id, :email, :key)"
                " ON CONFLICT (id) DO UPDATE SET email = excluded.email, email_key = excluded.email_key",
                id=contact,
                email=email,
                key=address_key(email),
            )

    def met(self, contact: int, email: str) -> str:
        """Remember a contact that a list showed, unless it is known: a list may lag behind what was seen.

        Returns the address by which it is known.
        """
        with self._database.write() as db:
            known = db.row("SELECT email FROM contacts WHERE id = :id", id=contact)
            if known is not None:
                return str(known["email"])
            db.run(
                "INSERT INTO contacts (id, email, email_key) VALUES (:id, :email, :key)",
                id=contact,
                email=email,
                key=address_key(email),
            )
        return email

    def met_before(self, contact: int, email: str) -> None:
        """Remember an address that a list still showed, of a contact that a read showed to have another one now."""
        known = self.by_id(contact)
        if known is None or same_address(known.email, email) or self.had(contact, email):
            return
        with self._database.write() as db:
            _keep(db, contact, email)

    def accept(self, contact: int, receipt: str | None) -> None:
        """Note that a person looked at a contact's receipt and wants to go on from there."""
        with self._database.write() as db:
            db.run(
                "INSERT INTO contacts (id, email, email_key, accepted) VALUES (:id, '', '', :receipt)"
                " ON CONFLICT (id) DO UPDATE SET accepted = excluded.accepted",
                id=contact,
                receipt=receipt,
            )


def _keep(db: Transaction, contact: int, email: str) -> None:
    """Keep an address that a contact had, as the one that it had last."""
    key = address_key(email)
    db.run("DELETE FROM former_addresses WHERE contact = :id AND email_key = :key", id=contact, key=key)
    db.run(
        "INSERT INTO former_addresses (contact, email, email_key) VALUES (:id, :email, :key)",
        id=contact,
        email=email,
        key=key,
    )


def _person(row: Row | None) -> Person | None:
    return None if row is None else Person(row["id"], row["email"])


# ---- the keys of custom fields in one ledger: which field each one names, and what is to be done once a key has
# changed
#
# The CRM makes a field's key of its label, so that a new label means a new key; the field's id stays.

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
