"""Contacts as last seen, so that a known address needs no look-up in the CRM."""

from difflib import get_close_matches
from typing import Final

from ccops.ledger.model import Person
from ccops.ledger.sqlite import Row, Sqlite, Transaction
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


class People:
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
