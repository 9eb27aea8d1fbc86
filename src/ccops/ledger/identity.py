"""Whose ledger it is: its id, its account, its receipt field, and the tags that it has counted by."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

from ccops.clock import iso, parse_iso
from ccops.ledger.claims import restate
from ccops.ledger.errors import TagMoved, WrongAccount
from ccops.ledger.store.sqlite import Row, Sqlite, Transaction
from ccops.operations.occasion import refusal_uses_it_up
from ccops.text import folded

if TYPE_CHECKING:
    from ccops.operations.refusal import Cause

_GIVEN_UP: Final = "given up when this ledger took over from another"


def give_up_old_numbers(db: Transaction) -> None:
    """See to it that no entry begun so far is ever sent again: its occasion begins a new entry, of a new number.

    The other ledger may have sent an entry of the same number: with its receipt on the contact, nobody could tell
    afterwards whether ours has arrived.
    """
    rows = db.rows("SELECT * FROM entries WHERE reopened = 0 AND status IN ('intended', 'failed', 'refused')")
    for row in filter(_may_be_sent, rows):
        db.run(
            "UPDATE entries SET reopened = 1, reason = COALESCE(reason, :reason),"
            " status = CASE status WHEN 'intended' THEN 'failed' ELSE status END WHERE id = :id",
            reason=_GIVEN_UP,
            id=row["id"],
        )
        restate(db, row["undoes"])  # an undo holds nothing any more that it would have brought back


def first_new_number(db: Transaction, highest_entry: int) -> int:
    """Let the numbers of entries and runs go on behind those of the other ledger; return the first, which stays unused.

    For people: an "e12" or "r3" in an old mail must not name something new. Unused, so that two take-overs in a row
    don't begin at the same number.
    """
    first = max(highest_entry, db.last_number("entries")) + 1
    db.count_on("entries", first)
    db.count_on("runs", highest_entry)
    return first


def _may_be_sent(row: Row) -> bool:
    return row["status"] != "refused" or not refusal_uses_it_up(row["occasion"], cast("Cause", row["cause"]))


# ---- whose ledger it is: its id, its account, its receipt field, and the tags that it has counted by

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Lineage:
    """The ids that receipts of this ledger carry: its own, newest last, and those of others that are accepted."""

    own: tuple[tuple[str, int], ...]
    """Id and the first entry that carries it."""
    accepted: frozenset[str]

    @property
    def current(self) -> str:
        """The id that new receipts carry."""
        return self.own[-1][0]

    def of(self, entry: int) -> str:
        """Return the id that the receipts of an entry of this ledger carry."""
        return next(name for name, first in reversed(self.own) if first <= entry)

    def receipt(self, entry: int, send: int = 1) -> str:
        """Return the receipt of an entry of this ledger; of a second send another, since the first may arrive late."""
        return f"{self.of(entry)}.{entry}" + (f".{send}" if send > 1 else "")


class Identity:
    """The identity of one ledger, made once and kept."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def found(self, account: int, name: str, receipt_field: str) -> None:
        """Give a new ledger its account, receipt field and id."""
        with self._database.write() as db:
            for key, value in (
                ("account", str(account)),
                ("account_name", name),
                ("receipt_field", receipt_field),
                ("salt", secrets.token_hex(16)),
            ):
                db.run(
                    "INSERT INTO identity (name, value) VALUES (:key, :value) ON CONFLICT DO NOTHING",
                    key=key,
                    value=value,
                )
            if db.row("SELECT ledger FROM lineage WHERE first_entry IS NOT NULL") is None:
                db.run("INSERT INTO lineage (ledger, first_entry) VALUES (:id, 1)", id=_new_id())

    @cached_property
    def account(self) -> tuple[int, str]:
        """The account's id and name."""
        return int(self._value("account")), self._value("account_name")

    @cached_property
    def receipt_field(self) -> str:
        """The key of the field that holds the receipt."""
        return self._value("receipt_field")

    @cached_property
    def salt(self) -> str:
        """What credentials are hashed with before they are remembered."""
        return self._value("salt")

    @cached_property
    def lineage(self) -> Lineage:
        """The ids that receipts of this ledger carry."""
        with self._database.read() as db:
            rows = db.rows("SELECT ledger, first_entry FROM lineage ORDER BY first_entry")
        return Lineage(
            tuple((row["ledger"], row["first_entry"]) for row in rows if row["first_entry"] is not None),
            frozenset(row["ledger"] for row in rows if row["first_entry"] is None),
        )

    def set_receipt_field(self, key: str) -> None:
        """Name another field as the receipt field, after it was renamed or made anew in the CRM."""
        with self._database.write() as db:
            db.run("UPDATE identity SET value = :key WHERE name = 'receipt_field'", key=key)
        self.__dict__.pop("receipt_field", None)

    def take_over(self, ledgers: frozenset[str], highest_entry: int) -> None:
        """Accept the receipts of other ledgers, carry a new id from here on, and count on behind their entries.

        A new id, since a restored ledger lacks entries whose receipts carry the old one.
        """
        known = {name for name, _ in self.lineage.own}
        with self._database.write() as db:
            for ledger in sorted(ledgers - known):
                db.run("INSERT INTO lineage (ledger) VALUES (:id) ON CONFLICT DO NOTHING", id=ledger)
            give_up_old_numbers(db)
            first = first_new_number(db, highest_entry)
            db.run("INSERT INTO lineage (ledger, first_entry) VALUES (:id, :entry)", id=_new_id(), entry=first)
        self.__dict__.pop("lineage", None)

    @property
    def last_backup(self) -> datetime | None:
        """When the last backup was made; None: never."""
        text = self._value("last_backup")
        return parse_iso(text) if text else None

    def note_backup(self, at: datetime) -> None:
        """Note that a backup was made."""
        with self._database.write() as db:
            db.run(
                "INSERT INTO identity (name, value) VALUES ('last_backup', :at)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                at=iso(at),
            )

    def knows(self, credential_hash: str) -> bool:
        """Whether this credential was seen to open the ledger's account."""
        with self._database.read() as db:
            return db.row("SELECT hash FROM credentials WHERE hash = :hash", hash=credential_hash) is not None

    def check_account(self, account: int, name: str) -> None:
        """Raise WrongAccount unless it is the ledger's account."""
        if account != self.account[0]:
            raise WrongAccount(self.account, (account, name))

    def remember(self, credential_hash: str) -> None:
        """Remember that a credential was seen to open the ledger's account."""
        with self._database.write() as db:
            db.run("INSERT INTO credentials (hash) VALUES (:hash) ON CONFLICT DO NOTHING", hash=credential_hash)

    def check_tag(self, tag: int, name: str, operation: str) -> None:
        """Remember which operation a tag is counted by. Raises TagMoved if it was another."""
        with self._database.read() as db:
            row = db.row("SELECT operation FROM tags WHERE tag = :tag", tag=tag)
        if row is not None and row["operation"] != operation:
            raise TagMoved(name, row["operation"], operation)
        if row is None:
            with self._database.write() as db:
                db.run(
                    "INSERT INTO tags (tag, name, operation) VALUES (:tag, :name, :operation) ON CONFLICT DO NOTHING",
                    tag=tag,
                    name=name,
                    operation=operation,
                )

    def counted_as(self, tag: int) -> str | None:
        """Return the name of the operation that a tag is counted by."""
        with self._database.read() as db:
            row = db.row("SELECT operation FROM tags WHERE tag = :tag", tag=tag)
        return None if row is None else str(row["operation"])

    def tags_counted_as(self, operation: str) -> list[int]:
        """Return the tags that are counted by an operation."""
        with self._database.read() as db:
            rows = db.rows("SELECT tag FROM tags WHERE operation = :operation ORDER BY tag", operation=operation)
        return [row["tag"] for row in rows]

    def forget_tag(self, tag: int) -> None:
        """Forget which operation a tag was counted by, once it is unbound."""
        with self._database.write() as db:
            db.run("DELETE FROM tags WHERE tag = :tag", tag=tag)

    def followup_tag(self, name: str) -> int | None:
        """Return the tag that the name of a follow-up tag stood for when it was last used."""
        with self._database.read() as db:
            row = db.row("SELECT tag FROM followup_tags WHERE name_key = :key", key=folded(name))
        return None if row is None else int(row["tag"])

    def note_followup_tag(self, name: str, tag: int) -> None:
        """Remember which tag the name of a follow-up tag stands for, so that it is known once it is renamed."""
        with self._database.write() as db:
            db.run(
                "INSERT INTO followup_tags (name_key, tag) VALUES (:key, :tag)"
                " ON CONFLICT (name_key) DO UPDATE SET tag = excluded.tag",
                key=folded(name),
                tag=tag,
            )

    def _value(self, name: str) -> str:
        with self._database.read() as db:
            row = db.row("SELECT value FROM identity WHERE name = :name", name=name)
        return "" if row is None else str(row["value"])


def _new_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
