"""Tags added and taken off, by whatever way, and the webhooks that want to know of it."""

import json
import uuid
from typing import Final

from ccops.sandbox.endpoints import subscribers, tags
from ccops.sandbox.exchange import Json
from ccops.sandbox.moment import shown
from ccops.sandbox.rows import ContactRow, TagRow
from ccops.sandbox.store import Store

_ADDED: Final = ("subscriber.tag_add", "subscriber.tag_added")
_REMOVED: Final = ("subscriber.tag_remove", "subscriber.tag_removed")
"""The event's name for legacy webhooks, and for webhook endpoints."""


def add(store: Store, tag: TagRow, contact: ContactRow, now: int) -> int | None:
    """Tag a contact; return since when it carries the tag, None if it did not: only then it is an event."""
    since = store.tagged_at(tag.id, contact.id)
    if since is None:
        store.add_tagging(tag.id, contact.id, now)
        _announce(store, tag, contact, now, *_ADDED)
    return since


def remove(store: Store, tag: TagRow, contact: ContactRow, now: int) -> None:
    """Take a tag off; if it was there, that is an event."""
    if store.end_tagging(tag.id, contact.id, now):
        _announce(store, tag, contact, now, *_REMOVED)


def _announce(store: Store, tag: TagRow, contact: ContactRow, now: int, legacy: str, event: str) -> None:
    subscriber = subscribers.presented(contact, store.fields())
    for webhook in store.hooks.webhooks_for(legacy, str(tag.id)):
        store.hooks.add_delivery(None, webhook.target_url, _text({"subscriber": subscriber}))
    data = {"subscriber": subscriber, "tag": tags.presented(tag)}
    body = _text({"id": str(uuid.uuid4()), "type": event, "created": shown(now), "data": data})
    for endpoint_id in store.hooks.endpoints_for(event):
        store.hooks.add_event(endpoint_id, event, body)


def _text(body: Json) -> str:
    return json.dumps(body, separators=(",", ":"))
