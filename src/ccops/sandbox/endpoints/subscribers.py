"""Contacts, which Kit calls subscribers."""

import json
from typing import Final

from ccops.sandbox.call import STATES, Call, address
from ccops.sandbox.exchange import Answer, Invalid, Json
from ccops.sandbox.moment import shown
from ccops.sandbox.paging import listing, window
from ccops.sandbox.rows import ContactRow, FieldRow, PostponedRow
from ccops.sandbox.store import Filters

MOST_AT_ONCE: Final = 10
"""More fields than these in one request are written a moment later, and the answer is 202."""

A_MOMENT: Final = 2_000_000
"""How much later, in microseconds."""

_MOST: Final = 140
_SORTS: Final = ("id", "updated_at", "cancelled_at")


def presented(contact: ContactRow, fields: list[FieldRow], *, slim: bool = False) -> Json:
    """Return a contact as Kit shows it: all fields of the account by key, null if unset."""
    row: Json = {
        "id": contact.id,
        "first_name": contact.first_name,
        "email_address": contact.email,
        "state": contact.state,
        "created_at": shown(contact.created_at),
    }
    if not slim:
        values = contact.values
        row["fields"] = {field.key: values.get(str(field.id)) for field in fields}
    return row


def index(call: Call) -> Answer:
    """List contacts, newest id first; only the active ones unless asked otherwise."""
    if call.query.get("include"):
        raise Invalid("The sandbox does not know the include param")
    filters = _filters(call)
    order, direction = call.query.get("sort_field") or "id", call.query.get("sort_order") or "desc"
    if order not in _SORTS or direction not in ("asc", "desc"):
        raise Invalid("The sort_field or sort_order param is invalid")
    if order == "cancelled_at" and filters.get("status") != "cancelled":
        raise Invalid("The status param must be `cancelled` if sort_field is `cancelled_at`")
    wanted = window(call.query, parts=1 if order == "id" else 2)
    page = call.store.contacts(call.lists_at, filters, wanted, order=order, descending=direction == "desc")
    fields, slim = call.store.fields(call.lists_at), call.query.get("slim") == "true"
    rows = [presented(contact, fields, slim=slim) for contact, _ in page.rows]
    return Answer(200, listing("subscribers", rows, page, wanted))


def show(call: Call) -> Answer:
    """Show one contact in any state, as it is now."""
    contact = call.contact()
    canceled = shown(contact.canceled_at) if contact.canceled_at else None
    return Answer(200, {"subscriber": {**presented(contact, call.store.fields()), "canceled_at": canceled}})


def create(call: Call) -> Answer:
    """Make a contact. One that exists only gets the first name: Kit's text promises no more."""
    email, state = address(call.json.get("email_address")), call.json.get("state") or "active"
    if state not in STATES:
        raise Invalid("State is invalid")
    known = call.store.contact_of(email)
    if known:
        return _written(call, _renamed(call, known), {}, 200)
    new_id, now = call.store.new_contact_id(), call.moment
    contact = ContactRow(new_id, now, now, email, None, state, now if state == "cancelled" else None, "{}")
    return _written(call, _renamed(call, contact), _sent_fields(call), 201)


def update(call: Call) -> Answer:
    """Change what is sent and nothing else; unknown fields are left out with a warning."""
    contact = _renamed(call, call.contact())
    if call.json.get("email_address") is not None:
        contact = contact._replace(email=address(call.json["email_address"]))
        holder = call.store.contact_of(contact.email)
        if holder and holder.id != contact.id:
            raise Invalid("Email address has already been taken")
    return _written(call, contact, _sent_fields(call), 200)


def unsubscribe(call: Call) -> Answer:
    """Cancel a contact for good; fields and tags stay."""
    contact = call.contact()
    if contact.state != "cancelled":
        cancelled = contact._replace(state="cancelled", canceled_at=call.moment)
        call.store.save_contact(cancelled, call.moment)
    return Answer(204)


def _filters(call: Call) -> Filters:
    filters = call.filters("created_after", "created_before", "updated_after", "updated_before")
    if call.query.get("email_address"):
        filters["emails"] = json.dumps([address(part) for part in call.query["email_address"].split(",")])
    return filters


def _renamed(call: Call, contact: ContactRow) -> ContactRow:
    if "first_name" not in call.json:
        return contact
    name = call.json["first_name"]
    if not isinstance(name, str | None):
        raise Invalid("First name is invalid")
    return contact._replace(first_name=name)


def _sent_fields(call: Call) -> dict[str, str | None]:
    sent = call.json.get("fields") or {}
    if not isinstance(sent, dict) or any(isinstance(value, dict | list) for value in sent.values()):
        raise Invalid("Fields are invalid")
    if len(sent) > _MOST:
        raise Invalid(f"At most {_MOST} custom fields can be written at a time")
    return {key: value if isinstance(value, str | None) else json.dumps(value) for key, value in sent.items()}


def _written(call: Call, contact: ContactRow, sent: dict[str, str | None], status: int) -> Answer:
    fields = call.store.fields()
    ids = {field.key: field.id for field in fields if field.key in sent}
    later = len(sent) > MOST_AT_ONCE and not call.postponed
    if later:
        belated = PostponedRow("PUT", f"/v4/subscribers/{contact.id}", json.dumps({"fields": sent}).encode())
        call.store.postpone(belated, call.moment + A_MOMENT)
    else:
        contact = contact.with_values({ids[key]: sent[key] for key in ids})
    if contact != call.store.contact(contact.id):
        call.store.save_contact(contact, call.moment)
    if ids and call.request.method == "PUT" and not later:
        call.store.log_written(contact.id, {key: sent[key] for key in ids})
    row = presented(contact, fields)
    if later:
        row["fields"] |= dict.fromkeys(ids)
    unknown = [f'The custom field "{key}" does not exist and was ignored' for key in sent if key not in ids]
    return Answer(202 if later else status, {"subscriber": row, **({"warnings": unknown} if unknown else {})})
