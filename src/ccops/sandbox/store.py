"""The state of a sandbox in SQLite. Nothing is overwritten, so lists can show the state of a while ago."""

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ccops.errors import Misconfigured
from ccops.sandbox.http import Page, Window
from ccops.sandbox.tables import (
    FOREVER,
    PRESENT,
    CodeRow,
    ContactRow,
    DeliveryRow,
    EndpointRow,
    FieldRow,
    HeldRow,
    MemberRow,
    Params,
    PostponedRow,
    TableListing,
    Tables,
    TagRow,
    TokenRow,
    WebhookRow,
    holds,
)

if TYPE_CHECKING:
    import sqlite3

MOST_EVENTS: Final = 100
"""At most so many events go into one delivery."""

HOOK_SCHEMA: Final = f"""
CREATE TABLE webhook (id INTEGER, since INTEGER, until INTEGER DEFAULT {FOREVER}, event TEXT, param TEXT,
    target_url TEXT);
CREATE TABLE webhook_endpoint (id INTEGER, since INTEGER, until INTEGER DEFAULT {FOREVER}, created_at INTEGER, url TEXT,
    name TEXT, description TEXT, status TEXT, events TEXT, secret TEXT, previous_secret TEXT, previous_until INTEGER);
CREATE TABLE waiting_event (id INTEGER PRIMARY KEY, endpoint_id INTEGER, type TEXT, body TEXT);
CREATE TABLE delivery (id INTEGER PRIMARY KEY, endpoint_id INTEGER, url TEXT, body TEXT, state TEXT, attempts INTEGER,
    due INTEGER);
CREATE INDEX due_deliveries ON delivery (due);
"""

_WEBHOOK: Final = "w.id, w.event, w.param, w.target_url"
_ENDPOINT: Final = (
    "e.id, e.created_at, e.url, e.name, e.description, e.status, e.events, e.secret, e.previous_secret,"
    " e.previous_until"
)
_DELIVERY: Final = "id, endpoint_id, url, body, state, attempts, due"


class HookStore(Tables):
    """The part of the state that webhooks are made of."""

    _news = False

    # Legacy webhooks

    def webhooks(self, at: int, window: Window) -> Page[WebhookRow]:
        """Page through the legacy webhooks as they were at a moment."""
        listing = TableListing(_WEBHOOK, "webhook w", ("w.id",), {"at": at}, [holds("w")])
        return self._page(listing, window, WebhookRow)

    def webhook(self, webhook_id: int) -> WebhookRow | None:
        """Return a legacy webhook as it is now."""
        sql = f"SELECT {_WEBHOOK} FROM webhook w WHERE w.id = :id AND {holds('w')}"
        row = self._db.execute(sql, {"id": webhook_id, "at": PRESENT}).fetchone()
        return WebhookRow(*row) if row else None

    def webhooks_for(self, event: str, param: str) -> list[WebhookRow]:
        """Return the legacy webhooks of an event and the value of its parameter, oldest first."""
        where = f"w.event = :event AND w.param = :param AND {holds('w')}"
        sql = f"SELECT {_WEBHOOK} FROM webhook w WHERE {where} ORDER BY w.id"
        rows = self._db.execute(sql, {"event": event, "param": param, "at": PRESENT})
        return [WebhookRow(*row) for row in rows]

    def new_webhook(self, event: str, param: str | None, target_url: str, now: int) -> WebhookRow:
        """Make a legacy webhook."""
        made = WebhookRow(self._new_id("webhook"), event, param, target_url)
        self._db.execute(
            "INSERT INTO webhook (id, event, param, target_url, since) VALUES (?, ?, ?, ?, ?)", (*made, now)
        )
        return made

    def end_webhook(self, webhook_id: int, now: int) -> None:
        """Delete a legacy webhook."""
        self._end("webhook", webhook_id, now)

    # Webhook endpoints

    def endpoints(self, at: int, status: str | None, window: Window) -> Page[EndpointRow]:
        """Page through the webhook endpoints, all or those of a status, as they were at a moment."""
        params: Params = {"at": at, "status": status}
        where = [holds("e"), "e.status = coalesce(:status, e.status)"]
        return self._page(TableListing(_ENDPOINT, "webhook_endpoint e", ("e.id",), params, where), window, EndpointRow)

    def endpoint(self, endpoint_id: int) -> EndpointRow | None:
        """Return a webhook endpoint as it is now."""
        sql = f"SELECT {_ENDPOINT} FROM webhook_endpoint e WHERE e.id = :id AND {holds('e')}"
        row = self._db.execute(sql, {"id": endpoint_id, "at": PRESENT}).fetchone()
        return EndpointRow(*row) if row else None

    def endpoints_for(self, event: str) -> list[int]:
        """Return the ids of the active webhook endpoints that want an event, oldest first."""
        sql = (
            f"SELECT e.id FROM webhook_endpoint e WHERE e.status = 'active' AND {holds('e')}"
            " AND :event IN (SELECT value FROM json_each(e.events)) ORDER BY e.id"
        )
        return [row[0] for row in self._db.execute(sql, {"event": event, "at": PRESENT})]

    def new_endpoint_id(self) -> int:
        """Return an id that no webhook endpoint ever had."""
        return self._new_id("webhook_endpoint")

    def save_endpoint(self, saved: EndpointRow, now: int) -> None:
        """Make this the present version of the webhook endpoint."""
        self._end("webhook_endpoint", saved.id, now)
        columns = _ENDPOINT.replace("e.", "")
        sql = f"INSERT INTO webhook_endpoint ({columns}, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._db.execute(sql, (*saved, now))

    def end_endpoint(self, endpoint_id: int, now: int) -> None:
        """Delete a webhook endpoint."""
        self._end("webhook_endpoint", endpoint_id, now)

    # Events and deliveries

    def take_news(self) -> bool:
        """Say whether something was added here that is to be delivered, since this was asked last."""
        news, self._news = self._news, False
        return news

    def add_event(self, endpoint_id: int, event: str, body: str) -> None:
        """Let an event wait to be delivered together with others of its type."""
        sql = "INSERT INTO waiting_event (endpoint_id, type, body) VALUES (?, ?, ?)"
        self._db.execute(sql, (endpoint_id, event, body))
        self._news = True

    def add_delivery(self, endpoint_id: int | None, url: str, body: str) -> None:
        """Let something wait to be delivered."""
        self.save_delivery(DeliveryRow(self._new_id("delivery"), endpoint_id, url, body, "pending", 0, 0))
        self._news = True

    def has_work(self, now: int) -> bool:
        """Say whether something is to be delivered."""
        sql = "SELECT EXISTS (SELECT 1 FROM waiting_event) OR EXISTS (SELECT 1 FROM delivery WHERE due <= ?)"
        return bool(self._db.execute(sql, (now,)).fetchone()[0])

    def batch(self) -> None:
        """Put the events that wait into deliveries, each of one type."""
        next_batch = "SELECT endpoint_id, type FROM waiting_event ORDER BY id LIMIT 1"
        while (found := self._db.execute(next_batch).fetchone()) is not None:
            sql = (
                f"SELECT id, body FROM waiting_event WHERE (endpoint_id, type) = (?, ?) ORDER BY id LIMIT {MOST_EVENTS}"
            )
            events = self._db.execute(sql, found).fetchall()
            self._db.executemany("DELETE FROM waiting_event WHERE id = ?", [(event_id,) for event_id, _ in events])
            body = {"delivery_id": self._new_id("delivery"), "events": [json.loads(text) for _, text in events]}
            self.add_delivery(found[0], "", json.dumps(body, separators=(",", ":")))

    def first_due(self, now: int) -> DeliveryRow | None:
        """Return the delivery that has been due for longest."""
        sql = f"SELECT {_DELIVERY} FROM delivery WHERE due <= ? ORDER BY due, id LIMIT 1"
        row = self._db.execute(sql, (now,)).fetchone()
        return DeliveryRow(*row) if row else None

    def delivery(self, delivery_id: int) -> DeliveryRow:
        """Return a delivery."""
        row = self._db.execute(f"SELECT {_DELIVERY} FROM delivery WHERE id = ?", (delivery_id,)).fetchone()
        return DeliveryRow(*row)

    def save_delivery(self, delivery: DeliveryRow) -> None:
        """Keep how a delivery stands."""
        self._db.execute(f"INSERT OR REPLACE INTO delivery ({_DELIVERY}) VALUES (?, ?, ?, ?, ?, ?, ?)", delivery)

    def hasten(self) -> int:
        """Let everything that is to be tried again be due now; return how many deliveries that are."""
        return self._db.execute("UPDATE delivery SET due = 0 WHERE state = 'retrying'").rowcount


# ---- codes and tokens of OAuth, in SQLite

GRANT_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS oauth_code (code TEXT PRIMARY KEY, client TEXT, redirect_uri TEXT, challenge TEXT,
    until INTEGER);
CREATE TABLE IF NOT EXISTS oauth_token (access TEXT PRIMARY KEY, refresh TEXT UNIQUE, client TEXT, family INTEGER,
    until INTEGER, state TEXT)
"""

_PAIR: Final = "access, refresh, client, family, until, state"


class GrantStore(Tables):
    """The part of the state that lets programs in; every call belongs into a `transaction`."""

    def add_code(self, client: str, redirect_uri: str, challenge: str, until: int) -> str:
        """Make a code that can be swapped for tokens once."""
        code = secrets.token_urlsafe(24)
        self._db.execute(
            "INSERT INTO oauth_code VALUES (?, ?, ?, ?, ?)", (code, client, redirect_uri, challenge, until)
        )
        return code

    def take_code(self, code: str) -> CodeRow | None:
        """Take a code out, so that it can't be used again; None if there is none."""
        sql = "DELETE FROM oauth_code WHERE code = ? RETURNING client, redirect_uri, challenge, until"
        row = self._db.execute(sql, (code,)).fetchone()
        return CodeRow(*row) if row else None

    def add_tokens(self, client: str, until: int, family: int | None = None) -> TokenRow:
        """Make a pair of tokens; those that descend from one code are a family."""
        if family is None:
            family = self._db.execute("SELECT coalesce(max(family), 0) + 1 FROM oauth_token").fetchone()[0]
        made = TokenRow(secrets.token_urlsafe(32), secrets.token_urlsafe(32), client, family, until, "live")
        self._db.execute(f"INSERT INTO oauth_token ({_PAIR}) VALUES (?, ?, ?, ?, ?, ?)", made)
        return made

    def by_access(self, token: str) -> TokenRow | None:
        """Return the pair of an access token."""
        return self._pair("access", token)

    def by_refresh(self, token: str) -> TokenRow | None:
        """Return the pair of a refresh token."""
        return self._pair("refresh", token)

    def _pair(self, column: str, token: str) -> TokenRow | None:
        row = self._db.execute(f"SELECT {_PAIR} FROM oauth_token WHERE {column} = ?", (token,)).fetchone()
        return TokenRow(*row) if row else None

    def end_pair(self, pair: TokenRow, state: str) -> None:
        """Let a pair count no more: "spent" when it was refreshed, "revoked" when it was given back."""
        self._db.execute("UPDATE oauth_token SET state = ? WHERE access = ?", (state, pair.access))

    def expire_all(self) -> None:
        """Let the time of all access tokens be over."""
        self._db.execute("UPDATE oauth_token SET until = 0")

    def states(self) -> list[str]:
        """Return how all pairs stand, oldest first."""
        return [state for (state,) in self._db.execute("SELECT state FROM oauth_token ORDER BY rowid")]


# ---- the state of a sandbox in SQLite. Nothing is overwritten, so lists can show the state of a while ago

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
{HOOK_SCHEMA}"""

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
        listing = TableListing(_CONTACT, "contact c", _ORDERS[order], {"at": at, **filters}, where, descending)
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
            TableListing("t.id, t.created_at, t.name", "tag t", ("t.id",), {"at": at}, [holds("t")]), window, TagRow
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
        listing = TableListing(f"{_CONTACT}, g.since", source, ("g.since", "g.id"), params, where)
        return self._page(listing, window, lambda *row: MemberRow(ContactRow(*row[:-1]), row[-1]))

    def held(self, contact_id: int, window: Window) -> Page[HeldRow]:
        """Page through the tags that a contact carries now, newest tagging first."""
        source = "tagging g JOIN tag t ON t.id = g.tag_id"
        where = ["g.contact_id = :contact", holds("g", "t")]
        params = {"contact": contact_id, "at": PRESENT}
        return self._page(TableListing("t.id, t.name, g.since", source, ("g.id",), params, where), window, HeldRow)

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
            TableListing("f.id, f.key, f.name, f.label", "custom_field f", ("f.id",), {"at": at}, [holds("f")]),
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


# ---- what can go wrong when a sandbox is started


class PortTaken(Misconfigured):
    """Another program listens where the sandbox was to."""

    def __init__(self, port: int, why: str) -> None:
        super().__init__(f"The sandbox can't listen on port {port}: {why}.")
        self.mend = "ccops sandbox --port 0   (any free port)"


class StateUnusable(Misconfigured):
    """The file that is to hold the sandbox's contacts can't be used."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"The sandbox can't keep its contacts in {path}: {why}.")
        self.mend = f"Move {path} away; the sandbox then starts anew with its example contacts."
