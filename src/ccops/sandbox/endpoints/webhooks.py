"""Legacy webhooks: one URL for one event, unsigned."""

import json
from collections.abc import Mapping
from typing import Any, Final

from ccops.sandbox.call import Call, web_address
from ccops.sandbox.endpoints.account import ACCOUNT_ID
from ccops.sandbox.exchange import Answer, Invalid, Json, NotFound
from ccops.sandbox.paging import listing, window
from ccops.sandbox.rows import WebhookRow

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


def index(call: Call) -> Answer:
    """List the webhooks, newest first."""
    wanted = window(call.query)
    page = call.store.hooks.webhooks(call.lists_at, wanted)
    return Answer(200, listing("webhooks", [_presented(row) for row, _ in page.rows], page, wanted))


def create(call: Call) -> Answer:
    """Make a webhook; the same twice makes two, since nothing says otherwise."""
    target, event = call.json.get("target_url"), call.json.get("event")
    if not target or not isinstance(event, dict) or not event.get("name"):
        raise Invalid("`event` and `target` parameters must be provided")
    url, name = web_address(target, "Target url"), event["name"]
    if not isinstance(name, str) or name not in _PARAMS:
        raise Invalid("Event name is invalid")
    made = call.store.hooks.new_webhook(name, _param(event, _PARAMS[name]), url, call.moment)
    row = _presented(made)
    row["event"].setdefault("initiator_value", None)  # only this answer has it always, says the OpenAPI document
    return Answer(201, {"webhook": row})


def delete(call: Call) -> Answer:
    """Delete a webhook."""
    known = call.store.hooks.webhook(call.ids[0])
    if known is None:
        raise NotFound
    call.store.hooks.end_webhook(known.id, call.moment)
    return Answer(204)


def _param(event: Mapping[str, Any], name: str | None) -> str | None:
    if name is None:
        return None
    value = event.get(name)
    if type(value) is not (str if name == "initiator_value" else int):
        raise Invalid(f"The `{name}` parameter must be provided")
    return json.dumps(value)


def _presented(row: WebhookRow) -> Json:
    event = {"name": row.event.removeprefix("subscriber.")}
    param = _PARAMS[row.event]
    if param and row.param:
        event[param] = json.loads(row.param)
    return {"id": row.id, "account_id": ACCOUNT_ID, "event": event, "target_url": row.target_url}
