"""Contacts as last seen, so that a known address needs no look-up in the CRM."""

from difflib import get_close_matches
from typing import Final

from ccops.ledger.model import Person
from ccops.ledger.sqlite import Row, Sqlite
from ccops.text import address_key

_ALIKE: Final = 1
"""Letters at the beginning of an address that are taken to be right."""
_MOST_ALIKE: Final = 5000
_LIKENESS: Final = 0.8
"""Of two addresses at one domain, half is alike anyway."""


class People:
    """The contacts that this ledger has met."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def by_email(self, email: str) -> Person | None:
        """Return the contact that had this address when last seen."""
        key = address_key(email)
        with self._database.look() as db:
            row = db.row("SELECT * FROM contacts WHERE email_key = :key ORDER BY id DESC LIMIT 1", key=key)
        return _person(row)

    def nearest(self, email: str) -> str | None:
        """Return the known address that is most like this one, of those that begin alike; None if none is like it."""
        key = address_key(email)
        begin = key[:_ALIKE]
        with self._database.read() as db:
            rows = db.rows(
                "SELECT email, email_key FROM contacts WHERE email_key >= :begin AND email_key < :beyond LIMIT :most",
                begin=begin,
                beyond=begin + chr(0x10FFFF),
                most=_MOST_ALIKE,
            )
        known = {row["email_key"]: str(row["email"]) for row in rows}
        found = get_close_matches(key, known, n=1, cutoff=_LIKENESS)
        return known[found[0]] if found else None

    def by_id(self, contact: int) -> Person | None:
        """Return a contact as last seen."""
        with self._database.look() as db:
            row = db.row("SELECT * FROM contacts WHERE id = :id", id=contact)
        return _person(row)

    def seen(self, contact: int, email: str) -> None:
        """Remember a contact; commits only if there is something new to remember."""
        known = self.by_id(contact)
        if known is not None and known.email == email:
            return
        with self._database.write() as db:
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

    def accept(self, contact: int, receipt: str | None) -> None:
        """Note that a person looked at a contact's receipt and wants to go on from there."""
        with self._database.write() as db:
            db.run(
                "INSERT INTO contacts (id, email, email_key, accepted) VALUES (:id, '', '', :receipt)"
                " ON CONFLICT (id) DO UPDATE SET accepted = excluded.accepted",
                id=contact,
                receipt=receipt,
            )


def _person(row: Row | None) -> Person | None:
    return None if row is None else Person(row["id"], row["email"])
