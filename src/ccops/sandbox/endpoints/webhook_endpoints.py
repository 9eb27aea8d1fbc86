"""Webhook endpoints: one URL for several events, signed (Kit calls them Webhooks 2.0)."""

import json
import secrets
from typing import Final

from ccops.sandbox.call import Call, web_address
from ccops.sandbox.exchange import Answer, Invalid, Json, NotFound, Refused
from ccops.sandbox.moment import shown
from ccops.sandbox.paging import listing, window
from ccops.sandbox.rows import EndpointRow

_OF_SUBSCRIBERS: Final = (
    "created activated unsubscribed bounced complained subscribed_to_form added_to_sequence sequence_completed"
    " tag_added tag_removed custom_field_value_updated"
)
_OTHERS: Final = (
    "tag.created tag.deleted custom_field.created custom_field.deleted sequence.created sequence.deleted"
    " sequence.published sequence.disabled broadcast.created broadcast.sent broadcast.deleted post.published"
)
_EVENTS: Final = frozenset([*(f"subscriber.{name}" for name in _OF_SUBSCRIBERS.split()), *_OTHERS.split()])
"""Whatever else there may be is planned at most, and refused."""

_STATUSES: Final = ("active", "disabled")
_ROTATION: Final = 24 * 3600 * 1_000_000
"""How long the previous secret counts, in microseconds; as in the example of Kit's documentation."""
_LONGEST: Final = 255


def index(call: Call) -> Answer:
    """List the webhook endpoints, newest first."""
    wanted, status = window(call.query), call.query.get("status") or None
    if status is not None:
        _status(status)
    page = call.store.hooks.endpoints(call.lists_at, status, wanted)
    return Answer(200, listing("webhook_endpoints", [_presented(call, row) for row, _ in page.rows], page, wanted))


def create(call: Call) -> Answer:
    """Make a webhook endpoint; the answer holds its secret."""
    now, url, events = call.moment, web_address(call.json.get("url"), "Url"), _events(call.json.get("events"))
    name, description = (_short(call.json.get(key) or "", key) for key in ("name", "description"))
    new_id = call.store.hooks.new_endpoint_id()
    made = EndpointRow(new_id, now, url, name, description, "active", events, _new_secret(), "", 0)
    return _saved(call, made, 201, with_secret=True)


def show(call: Call) -> Answer:
    """Show a webhook endpoint, without its secret."""
    return Answer(200, {"webhook_endpoint": _presented(call, _found(call))})


def update(call: Call) -> Answer:
    """Change what is sent; a list of events replaces the one before."""
    row, sent = _found(call), call.json
    row = row._replace(
        url=web_address(sent["url"], "Url") if "url" in sent else row.url,
        events=_events(sent["events"]) if "events" in sent else row.events,
        status=_status(sent["status"]) if "status" in sent else row.status,
        name=_short(sent["name"], "name") if "name" in sent else row.name,
        description=_short(sent["description"], "description") if "description" in sent else row.description,
    )
    return _saved(call, row, 200)


def delete(call: Call) -> Answer:
    """Delete a webhook endpoint; what waits for it is not delivered any more."""
    call.store.hooks.end_endpoint(_found(call).id, call.moment)
    return Answer(204)


def rotate_secret(call: Call) -> Answer:
    """Make a new secret, which the answer holds; for a while the previous one signs too."""
    row = _found(call)
    if row.rotating(call.moment) and call.json.get("force") is not True:
        raise Refused(409, "The previous signing secret is still within its rotation window.")
    until = call.moment + _ROTATION
    rotated = row._replace(secret=_new_secret(), previous_secret=row.secret, previous_until=until)
    return _saved(call, rotated, 200, with_secret=True)


def revoke_previous_secret(call: Call) -> Answer:
    """Let the previous secret sign no more."""
    return _saved(call, _found(call)._replace(previous_secret="", previous_until=0), 200)


def _found(call: Call) -> EndpointRow:
    row = call.store.hooks.endpoint(call.ids[0])
    if row is None:
        raise NotFound
    return row


def _saved(call: Call, row: EndpointRow, status: int, *, with_secret: bool = False) -> Answer:
    call.store.hooks.save_endpoint(row, call.moment)
    secret = {"secret": row.secret} if with_secret else {}
    return Answer(status, {"webhook_endpoint": {**_presented(call, row), **secret}})


def _presented(call: Call, row: EndpointRow) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "url": row.url,
        "events": json.loads(row.events),
        "status": row.status,
        "source": "api",
        "description": row.description,
        "created_by_app": None,
        "created_at": shown(row.created_at),
        "previous_secret_expires_at": shown(row.previous_until) if row.rotating(call.moment) else None,
    }


def _events(value: object) -> str:
    if not isinstance(value, list) or not value:
        raise Invalid("Events can't be blank")
    for event in value:
        if not isinstance(event, str) or event not in _EVENTS:
            raise Invalid(f"Event type {event} is not available")
    return json.dumps(list(dict.fromkeys(value)))


def _status(value: object) -> str:
    if value not in _STATUSES:
        raise Invalid(f"The status must be one of {', '.join(_STATUSES)}")
    return str(value)


def _short(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise Invalid(f"{name.capitalize()} must be a text of at most {_LONGEST} characters")
    return value


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
