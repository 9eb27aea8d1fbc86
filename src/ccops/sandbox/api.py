"""What an endpoint is given, and what all endpoints read from requests in the same way."""

import contextlib
import json
import re
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from ccops.clock import parse_iso
from ccops.sandbox.http import Invalid, NotFound, Payload, SandboxAnswer, SandboxRequest, Window, listing, window
from ccops.sandbox.store import Filters, Store
from ccops.sandbox.tables import PRESENT, ContactRow, FieldRow, PostponedRow, SandboxSettings, TagRow, micros, shown

STATES: Final = ("active", "inactive", "bounced", "complained", "cancelled")

_URL: Final = re.compile(r"https?://[!-~]+")
_EMAIL: Final = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")


@dataclass(frozen=True, slots=True)
class EndpointCall:
    """A request on its way through an endpoint, inside a transaction of the store."""

    request: SandboxRequest
    ids: tuple[int, ...]
    """The ids in the path, in order."""
    store: Store
    now: datetime
    lists_at: int
    """The moment whose state lists show; PRESENT if they don't lag."""
    settings: SandboxSettings
    postponed: bool = False
    """Whether this is the belated effect of a request that was answered before."""

    @property
    def moment(self) -> int:
        """The present moment, as the store counts."""
        return micros(self.now)

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters."""
        return self.request.query

    @property
    def json(self) -> Payload:
        """The body."""
        return self.request.json

    def contact(self, place: int = 0) -> ContactRow:
        """Return the contact whose id stands in the path. Raises NotFound."""
        found = self.store.contact(self.ids[place])
        if found is None:
            raise NotFound
        return found

    def tag(self) -> TagRow:
        """Return the tag whose id comes first in the path. Raises NotFound."""
        found = self.store.tag(self.ids[0])
        if found is None:
            raise NotFound
        return found

    def field(self) -> FieldRow:
        """Return the custom field whose id stands in the path. Raises NotFound."""
        for found in self.store.fields():
            if found.id == self.ids[0]:
                return found
        raise NotFound

    def text(self, name: str, blank: str) -> str:
        """Return a text that must be in the body, trimmed; raises Invalid with the given complaint."""
        value = self.json.get(name)
        if not isinstance(value, str) or not value.strip():
            raise Invalid(blank)
        return value.strip()

    def filters(self, *moments: str) -> dict[str, str | int]:
        """Read the filters `status` and the named moments from the query; without a status only active contacts."""
        read: dict[str, str | int] = {name: _moment(name, self.query[name]) for name in moments if self.query.get(name)}
        status = self.query.get("status") or "active"
        if status not in (*STATES, "all"):
            raise Invalid(f"The status must be one of {', '.join(STATES)}, all")
        return read if status == "all" else {**read, "status": status}


EndpointFunction = Callable[[EndpointCall], SandboxAnswer]


def address(value: object) -> str:
    """Return an e-mail address in the form that is kept: lower case. Raises Invalid."""
    if not isinstance(value, str) or not _EMAIL.fullmatch(value.strip()):
        raise Invalid("Email address is invalid")
    return value.strip().lower()


def web_address(value: object, name: str) -> str:
    """Return a URL that could be posted to. Raises Invalid, naming the parameter.

    Kit refuses private and loopback addresses. Here any may be kept, for a rehearsal's receivers are on loopback; and
    only to such is anything ever delivered.
    """
    if isinstance(value, str) and _URL.fullmatch(value):
        with contextlib.suppress(ValueError):
            place = urlsplit(value)
            if place.hostname and place.port != 0:  # reading a port that is none raises too
                return value
    raise Invalid(f"{name} is invalid")


def _moment(name: str, text: str) -> int:
    try:
        return micros(parse_iso(text))
    except ValueError:
        raise Invalid(f"The {name} param is not a date") from None


# ---- the account

ACCOUNT_ID: Final = 9
_OWNER = "owner@example.org"
_TIMEZONE = "America/New_York"


def show_account(call: EndpointCall) -> SandboxAnswer:
    """Describe the account that the credential opens; the cheapest check of a credential."""
    offset = call.now.astimezone(ZoneInfo(_TIMEZONE)).strftime("%z")
    account = {
        "id": ACCOUNT_ID,
        "name": "Ann's Studio",
        "plan_type": "creator",
        "primary_email_address": _OWNER,
        "created_at": "2024-05-01T08:00:00Z",
        "timezone": {
            "name": _TIMEZONE,
            "friendly_name": "Eastern Time (US & Canada)",
            "utc_offset": f"{offset[:3]}:{offset[3:]}",
        },
        "sending_addresses": [
            {
                "email_address": _OWNER,
                "from_name": "Ann",
                "status": "confirmed",
                "is_default": True,
                "is_verified": True,
                "is_dmarc_configured": True,
            }
        ],
    }
    return SandboxAnswer(200, {"user": {"id": 7, "email": _OWNER}, "account": account})


# ---- custom fields

_BLANK_LABEL = "Label can't be blank"


def list_fields(call: EndpointCall) -> SandboxAnswer:
    """List the custom fields, newest first."""
    wanted = window(call.query)
    page = call.store.field_page(call.lists_at, wanted)
    return SandboxAnswer(200, listing("custom_fields", [_present_field(field) for field, _ in page.rows], page, wanted))


def create_field(call: EndpointCall) -> SandboxAnswer:
    """Make a custom field, or return the one that has the label."""
    label, fields = call.text("label", _BLANK_LABEL), call.store.fields()
    known = _labelled(label, fields)
    if known is None and len(fields) >= call.settings.most_fields:
        raise Invalid(f"You can have at most {call.settings.most_fields} custom fields")
    return SandboxAnswer(
        200 if known else 201,
        {"custom_field": _present_field(known or create_field_row(call.store, label, call.moment))},
    )


def rename_field(call: EndpointCall) -> SandboxAnswer:
    """Give a field another label: its key changes too, its name and the contacts' values stay."""
    field, label, fields = call.field(), call.text("label", _BLANK_LABEL), call.store.fields()
    holder = _labelled(label, fields)
    if holder and holder.id != field.id:
        raise Invalid("Label has already been taken")
    others = {other.key for other in fields if other.id != field.id}
    renamed = field._replace(label=label, key=_unique_key(label, others))
    call.store.save_field(renamed, call.moment)
    return SandboxAnswer(200, {"custom_field": _present_field(renamed)})


def delete_field(call: EndpointCall) -> SandboxAnswer:
    """Delete a field with all its values."""
    call.store.end_field(call.field().id, call.moment)
    return SandboxAnswer(204)


def create_field_row(store: Store, label: str, now: int) -> FieldRow:
    """Make a custom field of a label that no other has."""
    key, new_id = _unique_key(label, {field.key for field in store.fields()}), store.new_field_id()
    field = FieldRow(new_id, key, f"ck_field_{new_id}_{key}", label)
    store.save_field(field, now)
    return field


def _unique_key(label: str, taken: set[str]) -> str:
    # ASCII, lower case, words joined by "_" (Kit API v4, "Create a custom field").
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "field"
    numbered = (f"{key}_{number}" for number in count(2))
    return next(unique for unique in chain([key], numbered) if unique not in taken)


def _labelled(label: str, fields: list[FieldRow]) -> FieldRow | None:
    return next((field for field in fields if field.label.casefold() == label.casefold()), None)


def _present_field(field: FieldRow) -> Payload:
    return {"id": field.id, "name": field.name, "key": field.key, "label": field.label}


# ---- contacts, which Kit calls subscribers

MOST_AT_ONCE: Final = 10
"""More fields than these in one request are written a moment later, and the answer is 202."""

A_MOMENT: Final = 2_000_000
"""How much later, in microseconds."""

_MOST: Final = 140
_SORTS: Final = ("id", "updated_at", "cancelled_at")


def present_subscriber(contact: ContactRow, fields: list[FieldRow], *, slim: bool = False) -> Payload:
    """Return a contact as Kit shows it: all fields of the account by key, null if unset."""
    row: Payload = {
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


def list_subscribers(call: EndpointCall) -> SandboxAnswer:
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
    rows = [present_subscriber(contact, fields, slim=slim) for contact, _ in page.rows]
    return SandboxAnswer(200, listing("subscribers", rows, page, wanted))


def show_subscriber(call: EndpointCall) -> SandboxAnswer:
    """Show one contact in any state, as it is now."""
    contact = call.contact()
    canceled = shown(contact.canceled_at) if contact.canceled_at else None
    return SandboxAnswer(
        200, {"subscriber": {**present_subscriber(contact, call.store.fields()), "canceled_at": canceled}}
    )


def create_subscriber(call: EndpointCall) -> SandboxAnswer:
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


def update_subscriber(call: EndpointCall) -> SandboxAnswer:
    """Change what is sent and nothing else; unknown fields are left out with a warning."""
    contact = _renamed(call, call.contact())
    if call.json.get("email_address") is not None:
        contact = contact._replace(email=address(call.json["email_address"]))
        holder = call.store.contact_of(contact.email)
        if holder and holder.id != contact.id:
            raise Invalid("Email address has already been taken")
    return _written(call, contact, _sent_fields(call), 200)


def unsubscribe(call: EndpointCall) -> SandboxAnswer:
    """Cancel a contact for good; fields and tags stay."""
    contact = call.contact()
    if contact.state != "cancelled":
        cancelled = contact._replace(state="cancelled", canceled_at=call.moment)
        call.store.save_contact(cancelled, call.moment)
    return SandboxAnswer(204)


def _filters(call: EndpointCall) -> Filters:
    filters = call.filters("created_after", "created_before", "updated_after", "updated_before")
    if call.query.get("email_address"):
        filters["emails"] = json.dumps([address(part) for part in call.query["email_address"].split(",")])
    return filters


def _renamed(call: EndpointCall, contact: ContactRow) -> ContactRow:
    if "first_name" not in call.json:
        return contact
    name = call.json["first_name"]
    if not isinstance(name, str | None):
        raise Invalid("First name is invalid")
    return contact._replace(first_name=name)


def _sent_fields(call: EndpointCall) -> dict[str, str | None]:
    sent = call.json.get("fields") or {}
    if not isinstance(sent, dict) or any(isinstance(value, dict | list) for value in sent.values()):
        raise Invalid("Fields are invalid")
    if len(sent) > _MOST:
        raise Invalid(f"At most {_MOST} custom fields can be written at a time")
    return {key: value if isinstance(value, str | None) else json.dumps(value) for key, value in sent.items()}


def _written(call: EndpointCall, contact: ContactRow, sent: dict[str, str | None], status: int) -> SandboxAnswer:
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
    row = present_subscriber(contact, fields)
    if later:
        row["fields"] |= dict.fromkeys(ids)
    unknown = [f'The custom field "{key}" does not exist and was ignored' for key in sent if key not in ids]
    return SandboxAnswer(202 if later else status, {"subscriber": row, **({"warnings": unknown} if unknown else {})})


# ---- tags themselves; who carries them is in `members`

_BLANK_NAME = "Name can't be blank"


def present_tag(tag: TagRow) -> Payload:
    """Return a tag as Kit shows it."""
    return {"id": tag.id, "name": tag.name, "created_at": shown(tag.created_at)}


def list_tags(call: EndpointCall) -> SandboxAnswer:
    """List the tags, newest first."""
    wanted = window(call.query)
    page = call.store.tags(call.lists_at, wanted)
    return SandboxAnswer(200, listing("tags", [present_tag(tag) for tag, _ in page.rows], page, wanted))


def create_tag(call: EndpointCall) -> SandboxAnswer:
    """Make a tag, or return the one that has the name in any case of letters."""
    name = call.text("name", _BLANK_NAME)
    known, most = call.store.tag_named(name), call.settings.most_tags
    if known is None and most is not None and len(call.store.tags(PRESENT, Window(size=most)).rows) >= most:
        raise Invalid(f"You can have at most {most} tags")
    tag = known or call.store.new_tag(name, call.moment)
    return SandboxAnswer(200 if known else 201, {"tag": present_tag(tag)})


def rename_tag(call: EndpointCall) -> SandboxAnswer:
    """Give a tag another name; id and members stay."""
    tag, name = call.tag(), call.text("name", _BLANK_NAME)
    taken = call.store.tag_named(name)
    if taken and taken.id != tag.id:
        raise Invalid("Name has already been taken")
    return SandboxAnswer(200, {"tag": present_tag(call.store.rename_tag(tag, name, call.moment))})


# ---- tags added and taken off, by whatever way, and the webhooks that want to know of it

_ADDED: Final = ("subscriber.tag_add", "subscriber.tag_added")
_REMOVED: Final = ("subscriber.tag_remove", "subscriber.tag_removed")
"""The event's name for legacy webhooks, and for webhook endpoints."""


def tag_contact(store: Store, tag: TagRow, contact: ContactRow, now: int) -> int | None:
    """Tag a contact; return since when it carries the tag, None if it did not: only then it is an event."""
    since = store.tagged_at(tag.id, contact.id)
    if since is None:
        store.add_tagging(tag.id, contact.id, now)
        _announce(store, tag, contact, now, *_ADDED)
    return since


def untag_contact(store: Store, tag: TagRow, contact: ContactRow, now: int) -> None:
    """Take a tag off; if it was there, that is an event."""
    if store.end_tagging(tag.id, contact.id, now):
        _announce(store, tag, contact, now, *_REMOVED)


def _announce(store: Store, tag: TagRow, contact: ContactRow, now: int, legacy: str, event: str) -> None:
    subscriber = present_subscriber(contact, store.fields())
    for webhook in store.hooks.webhooks_for(legacy, str(tag.id)):
        store.hooks.add_delivery(None, webhook.target_url, _text({"subscriber": subscriber}))
    data = {"subscriber": subscriber, "tag": present_tag(tag)}
    body = _text({"id": str(uuid.uuid4()), "type": event, "created": shown(now), "data": data})
    for endpoint_id in store.hooks.endpoints_for(event):
        store.hooks.add_event(endpoint_id, event, body)


def _text(body: Payload) -> str:
    return json.dumps(body, separators=(",", ":"))


# ---- who carries which tag


def list_members(call: EndpointCall) -> SandboxAnswer:
    """List the contacts that carry a tag, newest tagging first."""
    tag, wanted = call.tag(), window(call.query, parts=2)
    filters = call.filters("created_after", "created_before", "tagged_after", "tagged_before")
    page = call.store.members(tag.id, call.lists_at, filters, wanted)
    fields, slim = call.store.fields(call.lists_at), call.query.get("slim") == "true"
    rows = [_member(row.contact, row.tagged_at, fields, slim=slim) for row, _ in page.rows]
    return SandboxAnswer(200, listing("subscribers", rows, page, wanted))


def add_member(call: EndpointCall) -> SandboxAnswer:
    """Tag the contact of an id; 200 instead of 201 says that it carried the tag already."""
    return _added(call, call.tag(), call.contact(1))


def add_member_by_email(call: EndpointCall) -> SandboxAnswer:
    """Tag the contact that has an address; nobody is created."""
    tag = call.tag()
    return _added(call, tag, _contact_of(call, call.json.get("email_address"), "tag subscriber"))


def remove_member(call: EndpointCall) -> SandboxAnswer:
    """Take a tag off the contact of an id, if it is there."""
    return _removed(call, call.tag(), call.contact(1))


def remove_member_by_email(call: EndpointCall) -> SandboxAnswer:
    """Take a tag off the contact that has an address, given in the query or the body."""
    tag, email = call.tag(), call.query.get("email_address") or call.json.get("email_address")
    return _removed(call, tag, _contact_of(call, email, "remove tag from subscriber"))


def list_held_tags(call: EndpointCall) -> SandboxAnswer:
    """List the tags of a contact. It is never behind, as Kit's own tests expect."""
    contact, wanted = call.contact(), window(call.query)
    page = call.store.held(contact.id, wanted)
    rows: list[Payload] = [{"id": tag.id, "name": tag.name, "tagged_at": shown(tag.tagged_at)} for tag, _ in page.rows]
    return SandboxAnswer(200, listing("tags", rows, page, wanted))


def _added(call: EndpointCall, tag: TagRow, contact: ContactRow) -> SandboxAnswer:
    since = tag_contact(call.store, tag, contact, call.moment)
    member = _member(contact, since or call.moment, call.store.fields(), slim=False)
    return SandboxAnswer(201 if since is None else 200, {"subscriber": member})


def _removed(call: EndpointCall, tag: TagRow, contact: ContactRow) -> SandboxAnswer:
    untag_contact(call.store, tag, contact, call.moment)
    return SandboxAnswer(204)


def _contact_of(call: EndpointCall, email: object, purpose: str) -> ContactRow:
    if email in (None, ""):
        raise Invalid(f"Either subscriber id or email address is required to {purpose}")
    contact = call.store.contact_of(address(email))
    if contact is None:
        raise NotFound
    return contact


def _member(contact: ContactRow, tagged_at: int, fields: list[FieldRow], *, slim: bool) -> Payload:
    return {**present_subscriber(contact, fields, slim=slim), "tagged_at": shown(tagged_at)}
