"""The state of a sandbox in SQLite. Nothing is overwritten, so lists can show the state of a while ago."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ccops.sandbox import hookstore
from ccops.sandbox.grantstore import GrantStore
from ccops.sandbox.hookstore import HookStore
from ccops.sandbox.paging import Page, Window
from ccops.sandbox.rows import ContactRow, FieldRow, HeldRow, MemberRow, PostponedRow, TagRow
from ccops.sandbox.tables import FOREVER, PRESENT, Listing, Tables, holds

if TYPE_CHECKING:
    import sqlite3

SCHEMA: Final = f"""
CREATE TABLE contact (id INTEGER, since INTEGER, until INTEGER DEFAULT {FOREVER}, created_at INTEGER, email TEXT,
    first_name TEXT, state TEXT, canceled_at INTEGER, field_values TEXT);
CREATE INDEX contact_versions ON contact (id, until);
CREATE INDEX contact_emails ON contact (email, until);
CREATE UNIQUE INDEX one_contact_an_email ON contact (email) WHERE until = {FOREVER};
CREATE TABLE tag (id INTEGER, since INTEGER, until INTEGER DEFAULT {FOREVER}, created_at INTEGER, name TEXT);
CREATE INDEX tag_versions ON tag (id, until);
CREATE TABLE tagging (id INTEGER PRIMARY KEY, since INTEGER, until INTEGER DEFAULT {FOREVER}, tag_id INTEGER,
    contact_id INTEGER);
CREATE INDEX taggings_of_tag ON tagging (tag_id, since, id);
CREATE INDEX taggings_of_contact ON tagging (contact_id, until);
CREATE UNIQUE INDEX one_tagging_a_pair ON tagging (contact_id, tag_id) WHERE until = {FOREVER};
CREATE TABLE custom_field (id INTEGER, since INTEGER, until INTEGER DEFAULT {FOREVER}, key TEXT, name TEXT, label TEXT);
CREATE INDEX custom_field_versions ON custom_field (id, until);
CREATE UNIQUE INDEX one_custom_field_a_key ON custom_field (key) WHERE until = {FOREVER};
CREATE TABLE postponed (id INTEGER PRIMARY KEY, due INTEGER, method TEXT, target TEXT, body BLOB);
CREATE TABLE written (id INTEGER PRIMARY KEY, contact_id INTEGER, field_values TEXT);
CREATE INDEX written_to ON written (contact_id);
{hookstore.SCHEMA}"""

_CONTACT: Final = "c.id, c.since, c.created_at, c.email, c.first_name, c.state, c.canceled_at, c.field_values"
_ORDERS: Final = {"id": ("c.id",), "updated_at": ("c.since", "c.id"), "cancelled_at": ("c.canceled_at", "c.id")}
_FILTERS: Final = {
    "status": "c.state = :status",
    "emails": "c.email IN (SELECT value FROM json_each(:emails))",
    "created_after": "c.created_at > :created_after",
    "created_before": "c.created_at < :created_before",
    "updated_after": "c.since > :updated_after",
    "updated_before": "c.since < :updated_before",
    "tagged_after": "g.since > :tagged_after",
    "tagged_before": "g.since < :tagged_before",
}

Filters = Mapping[str, str | int]


class Store(Tables):
    """The state behind one connection; every call belongs into a `transaction`."""

    def __init__(self, connection: "sqlite3.Connection") -> None:
        super().__init__(connection)
        self._lock = threading.Lock()
        self.hooks = HookStore(connection)
        """Webhooks and what they are to deliver; its calls belong into a `transaction` too."""
        self.grants = GrantStore(connection)
        """Who was let in by OAuth; its calls belong into a `transaction` too."""

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self, *, write: bool = True, keep: bool = True) -> Iterator[None]:
        """Do all or nothing, alone among threads and processes; without `keep` nothing in any case."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield
                self._db.execute("COMMIT" if keep else "ROLLBACK")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    # Contacts

    def contact(self, contact_id: int) -> ContactRow | None:
        """Return a contact as it is now."""
        return self._contact("c.id = :value", contact_id)

    def contact_of(self, email: str) -> ContactRow | None:
        """Return the contact that has an address now."""
        return self._contact("c.email = :value", email)

    def _contact(self, condition: str, value: str | int) -> ContactRow | None:
        sql = f"SELECT {_CONTACT} FROM contact c WHERE {condition} AND {holds('c')}"
        row = self._db.execute(sql, {"value": value, "at": PRESENT}).fetchone()
        return ContactRow(*row) if row else None

    def contacts(self, at: int, filters: Filters, window: Window, *, order: str, descending: bool) -> Page[ContactRow]:
        """Page through the contacts as they were at a moment."""
        where = [holds("c"), *(_FILTERS[name] for name in filters)]
        listing = Listing(_CONTACT, "contact c", _ORDERS[order], {"at": at, **filters}, where, descending)
        return self._page(listing, window, ContactRow)

    def new_contact_id(self) -> int:
        """Return an id that no contact ever had."""
        return self._new_id("contact")

    def save_contact(self, contact: ContactRow, now: int) -> None:
        """Make this the present version of the contact."""
        self._end("contact", contact.id, now)
        new = contact._replace(since=now)
        columns = "id, since, created_at, email, first_name, state, canceled_at, field_values"
        self._db.execute(f"INSERT INTO contact ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", new)

    def end_contact(self, contact_id: int, now: int) -> None:
        """Delete a contact and its taggings."""
        self._end("contact", contact_id, now)
        self._db.execute(f"UPDATE tagging SET until = ? WHERE contact_id = ? AND until = {FOREVER}", (now, contact_id))

    # Tags

    def tags(self, at: int, window: Window) -> Page[TagRow]:
        """Page through the tags as they were at a moment."""
        return self._page(
            Listing("t.id, t.created_at, t.name", "tag t", ("t.id",), {"at": at}, [holds("t")]), window, TagRow
        )

    def tag(self, tag_id: int) -> TagRow | None:
        """Return a tag as it is now."""
        return self._tag("t.id = :value", tag_id)

    def tag_named(self, name: str) -> TagRow | None:
        """Return the tag of a name, in any case of letters."""
        return self._tag("fold(t.name) = fold(:value)", name)

    def _tag(self, condition: str, value: str | int) -> TagRow | None:
        sql = f"SELECT t.id, t.created_at, t.name FROM tag t WHERE {condition} AND {holds('t')}"
        row = self._db.execute(sql, {"value": value, "at": PRESENT}).fetchone()
        return TagRow(*row) if row else None

    def new_tag(self, name: str, now: int) -> TagRow:
        """Make a tag."""
        return self._save_tag(TagRow(self._new_id("tag"), now, name), now)

    def rename_tag(self, tag: TagRow, name: str, now: int) -> TagRow:
        """Give a tag another name."""
        self._end("tag", tag.id, now)
        return self._save_tag(tag._replace(name=name), now)

    def _save_tag(self, tag: TagRow, now: int) -> TagRow:
        self._db.execute("INSERT INTO tag (id, created_at, name, since) VALUES (?, ?, ?, ?)", (*tag, now))
        return tag

    # Taggings

    def members(self, tag_id: int, at: int, filters: Filters, window: Window) -> Page[MemberRow]:
        """Page through the contacts that carried a tag at a moment, newest tagging first."""
        where = ["g.tag_id = :tag", holds("g", "c"), *(_FILTERS[name] for name in filters)]
        source = "tagging g JOIN contact c ON c.id = g.contact_id"
        params = {"tag": tag_id, "at": at, **filters}
        listing = Listing(f"{_CONTACT}, g.since", source, ("g.since", "g.id"), params, where)
        return self._page(listing, window, lambda *row: MemberRow(ContactRow(*row[:-1]), row[-1]))

    def held(self, contact_id: int, window: Window) -> Page[HeldRow]:
        """Page through the tags that a contact carries now, newest tagging first."""
        source = "tagging g JOIN tag t ON t.id = g.tag_id"
        where = ["g.contact_id = :contact", holds("g", "t")]
        params = {"contact": contact_id, "at": PRESENT}
        return self._page(Listing("t.id, t.name, g.since", source, ("g.id",), params, where), window, HeldRow)

    def tagged_at(self, tag_id: int, contact_id: int) -> int | None:
        """Return since when a contact carries a tag, None if it does not."""
        sql = f"SELECT since FROM tagging WHERE tag_id = ? AND contact_id = ? AND until = {FOREVER}"
        row = self._db.execute(sql, (tag_id, contact_id)).fetchone()
        return row[0] if row else None

    def add_tagging(self, tag_id: int, contact_id: int, now: int) -> None:
        """Tag a contact that does not carry the tag."""
        self._db.execute("INSERT INTO tagging (tag_id, contact_id, since) VALUES (?, ?, ?)", (tag_id, contact_id, now))

    def end_tagging(self, tag_id: int, contact_id: int, now: int) -> bool:
        """Take a tag off, if it is there; return whether it was."""
        sql = f"UPDATE tagging SET until = ? WHERE tag_id = ? AND contact_id = ? AND until = {FOREVER}"
        return self._db.execute(sql, (now, tag_id, contact_id)).rowcount > 0

    # Custom fields

    def field_page(self, at: int, window: Window) -> Page[FieldRow]:
        """Page through the custom fields as they were at a moment."""
        return self._page(
            Listing("f.id, f.key, f.name, f.label", "custom_field f", ("f.id",), {"at": at}, [holds("f")]),
            window,
            FieldRow,
        )

    def fields(self, at: int = PRESENT) -> list[FieldRow]:
        """Return all custom fields as they were at a moment, oldest first."""
        sql = f"SELECT f.id, f.key, f.name, f.label FROM custom_field f WHERE {holds('f')} ORDER BY f.id"
        return [FieldRow(*row) for row in self._db.execute(sql, {"at": at})]

    def new_field_id(self) -> int:
        """Return an id that no custom field ever had."""
        return self._new_id("custom_field")

    def save_field(self, saved: FieldRow, now: int) -> None:
        """Make this the present version of a custom field."""
        self._end("custom_field", saved.id, now)
        self._db.execute("INSERT INTO custom_field (id, key, name, label, since) VALUES (?, ?, ?, ?, ?)", (*saved, now))

    def end_field(self, field_id: int, now: int) -> None:
        """Delete a custom field; its id comes never back, so its values are gone too."""
        self._end("custom_field", field_id, now)

    # What comes later, and what came

    def postpone(self, request: PostponedRow, due: int) -> None:
        """Keep a request whose effect is to come."""
        self._db.execute("INSERT INTO postponed (method, target, body, due) VALUES (?, ?, ?, ?)", (*request, due))

    def has_due(self, now: int) -> bool:
        """Say whether a postponed request is due; belongs outside a transaction."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM postponed WHERE due <= ?", (now,)).fetchone() is not None

    def take_due(self, now: int) -> list[PostponedRow]:
        """Take out the postponed requests that are due, oldest first."""
        rows = self._db.execute("SELECT method, target, body FROM postponed WHERE due <= ? ORDER BY id", (now,))
        due = [PostponedRow(*row) for row in rows]
        self._db.execute("DELETE FROM postponed WHERE due <= ?", (now,))
        return due

    def log_written(self, contact_id: int, values: Mapping[str, str | None]) -> None:
        """Remember what a request wrote into a contact's fields."""
        sql = "INSERT INTO written (contact_id, field_values) VALUES (?, ?)"
        self._db.execute(sql, (contact_id, json.dumps(values)))

    def written(self, contact_id: int) -> list[dict[str, str | None]]:
        """Return what requests wrote into a contact's fields, in order."""
        rows = self._db.execute("SELECT field_values FROM written WHERE contact_id = ? ORDER BY id", (contact_id,))
        return [json.loads(text) for (text,) in rows]
