"""Webhook endpoints: one URL for several events, signed (Kit calls them Webhooks 2.0)."""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from ccops.sandbox.api import ACCOUNT_ID, EndpointCall, web_address
from ccops.sandbox.http import Invalid, NotFound, Payload, SandboxAnswer, SandboxRefused, listing, window
from ccops.sandbox.tables import EndpointRow, WebhookRow, shown

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


def list_endpoints(call: EndpointCall) -> SandboxAnswer:
    """List the webhook endpoints, newest first."""
    wanted, status = window(call.query), call.query.get("status") or None
    if status is not None:
        _status(status)
    page = call.store.hooks.endpoints(call.lists_at, status, wanted)
    return SandboxAnswer(
        200, listing("webhook_endpoints", [_present_endpoint(call, row) for row, _ in page.rows], page, wanted)
    )


def create_endpoint(call: EndpointCall) -> SandboxAnswer:
    """Make a webhook endpoint; the answer holds its secret."""
    now, url, events = call.moment, web_address(call.json.get("url"), "Url"), _events(call.json.get("events"))
    name, description = (_short(call.json.get(key) or "", key) for key in ("name", "description"))
    new_id = call.store.hooks.new_endpoint_id()
    made = EndpointRow(new_id, now, url, name, description, "active", events, _new_secret(), "", 0)
    return _saved(call, made, 201, with_secret=True)


def show_endpoint(call: EndpointCall) -> SandboxAnswer:
    """Show a webhook endpoint, without its secret."""
    return SandboxAnswer(200, {"webhook_endpoint": _present_endpoint(call, _found(call))})


def update_endpoint(call: EndpointCall) -> SandboxAnswer:
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


def delete_endpoint(call: EndpointCall) -> SandboxAnswer:
    """Delete a webhook endpoint; what waits for it is not delivered any more."""
    call.store.hooks.end_endpoint(_found(call).id, call.moment)
    return SandboxAnswer(204)


def rotate_secret(call: EndpointCall) -> SandboxAnswer:
    """Make a new secret, which the answer holds; for a while the previous one signs too."""
    row = _found(call)
    if row.rotating(call.moment) and call.json.get("force") is not True:
        raise SandboxRefused(409, "The previous signing secret is still within its rotation window.")
    until = call.moment + _ROTATION
    rotated = row._replace(secret=_new_secret(), previous_secret=row.secret, previous_until=until)
    return _saved(call, rotated, 200, with_secret=True)


def revoke_previous_secret(call: EndpointCall) -> SandboxAnswer:
    """Let the previous secret sign no more."""
    return _saved(call, _found(call)._replace(previous_secret="", previous_until=0), 200)


def _found(call: EndpointCall) -> EndpointRow:
    row = call.store.hooks.endpoint(call.ids[0])
    if row is None:
        raise NotFound
    return row


def _saved(call: EndpointCall, row: EndpointRow, status: int, *, with_secret: bool = False) -> SandboxAnswer:
    call.store.hooks.save_endpoint(row, call.moment)
    secret = {"secret": row.secret} if with_secret else {}
    return SandboxAnswer(status, {"webhook_endpoint": {**_present_endpoint(call, row), **secret}})


def _present_endpoint(call: EndpointCall, row: EndpointRow) -> Payload:
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


# ---- legacy webhooks: one URL for one event, unsigned

_PARAMS: Final[Mapping[str, str | None]] = {
    "subscriber.subscriber_activate": None,
    "subscriber.subscriber_unsubscribe": None,
    "subscriber.subscriber_bounce": None,
    "subscriber.subscriber_complain": None,
    "subscriber.form_subscribe": "form_id",
    "subscriber.course_subscribe": "sequence_id",
    "subscriber.course_complete": "sequence_id",
    "subscriber.link_click": "initiator_value",
    "subscriber.product_purchase": "product_id",
    "subscriber.tag_add": "tag_id",
    "subscriber.tag_remove": "tag_id",
    "purchase.purchase_create": None,
    "custom_field.field_created": None,
    "custom_field.field_deleted": None,
    "custom_field.field_value_updated": "custom_field_id",
}
"""Each event with the parameter that it needs (Kit API v4, "Create a webhook")."""


def list_webhooks(call: EndpointCall) -> SandboxAnswer:
    """List the webhooks, newest first."""
    wanted = window(call.query)
    page = call.store.hooks.webhooks(call.lists_at, wanted)
    return SandboxAnswer(200, listing("webhooks", [_present_webhook(row) for row, _ in page.rows], page, wanted))


def create_webhook(call: EndpointCall) -> SandboxAnswer:
    """Make a webhook; the same twice makes two, since nothing says otherwise."""
    target, event = call.json.get("target_url"), call.json.get("event")
    if not target or not isinstance(event, dict) or not event.get("name"):
        raise Invalid("`event` and `target` parameters must be provided")
    url, name = web_address(target, "Target url"), event["name"]
    if not isinstance(name, str) or name not in _PARAMS:
        raise Invalid("Event name is invalid")
    made = call.store.hooks.new_webhook(name, _param(event, _PARAMS[name]), url, call.moment)
    row = _present_webhook(made)
    row["event"].setdefault("initiator_value", None)  # only this answer has it always, says the OpenAPI document
    return SandboxAnswer(201, {"webhook": row})


def delete_webhook(call: EndpointCall) -> SandboxAnswer:
    """Delete a webhook."""
    known = call.store.hooks.webhook(call.ids[0])
    if known is None:
        raise NotFound
    call.store.hooks.end_webhook(known.id, call.moment)
    return SandboxAnswer(204)


def _param(event: Mapping[str, Any], name: str | None) -> str | None:
    if name is None:
        return None
    value = event.get(name)
    if type(value) is not (str if name == "initiator_value" else int):
        raise Invalid(f"The `{name}` parameter must be provided")
    return json.dumps(value)


def _present_webhook(row: WebhookRow) -> Payload:
    event = {"name": row.event.removeprefix("subscriber.")}
    param = _PARAMS[row.event]
    if param and row.param:
        event[param] = json.loads(row.param)
    return {"id": row.id, "account_id": ACCOUNT_ID, "event": event, "target_url": row.target_url}
