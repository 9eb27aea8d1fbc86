"""Webhooks of both kinds, the events that wait for them and the deliveries, in SQLite."""

import json
from typing import Final

from ccops.sandbox.paging import Page, Window
from ccops.sandbox.rows import DeliveryRow, EndpointRow, WebhookRow
from ccops.sandbox.tables import FOREVER, PRESENT, Listing, Params, Tables, holds

MOST_EVENTS: Final = 100
"""At most so many events go into one delivery."""

SCHEMA: Final = f"""
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
        listing = Listing(_WEBHOOK, "webhook w", ("w.id",), {"at": at}, [holds("w")])
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
        return self._page(Listing(_ENDPOINT, "webhook_endpoint e", ("e.id",), params, where), window, EndpointRow)

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
