"""The calls of Kit's API v4 that ccops makes, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from ccops.crm.base import TAG_ADD, TAG_ADDED, StateFilter
from ccops.crm.http.exchange import HttpCall

PAGE_SIZE: Final = "1000"
"""The most that Kit gives at once (API v4, "Pagination")."""


def account() -> HttpCall:
    """Who the credential belongs to."""
    return HttpCall("GET", "/v4/account")


def contact(contact_id: int) -> HttpCall:
    """One contact in any state."""
    return HttpCall("GET", f"/v4/subscribers/{contact_id}", names=f"contact {contact_id}")


def contact_by_email(email: str) -> HttpCall:
    """A list of at most one contact; without `status=all` Kit hides everybody who is not active."""
    return HttpCall("GET", "/v4/subscribers", (("email_address", email), ("status", "all")))


def contacts(state: StateFilter) -> HttpCall:
    """First page of the contacts."""
    return _list("/v4/subscribers", state)


def carriers(tag_id: int, state: StateFilter) -> HttpCall:
    """First page of the contacts that carry a tag."""
    return _list(f"/v4/tags/{tag_id}/subscribers", state, names=f"tag {tag_id}")


def fields() -> HttpCall:
    """First page of the custom fields."""
    return _list("/v4/custom_fields")


def tags() -> HttpCall:
    """First page of the tags."""
    return _list("/v4/tags")


def tags_of(contact_id: int) -> HttpCall:
    """First page of the tags that a contact carries."""
    return _list(f"/v4/subscribers/{contact_id}/tags", names=f"contact {contact_id}")


def create_field(label: str) -> HttpCall:
    """Make a custom field; 200 instead of 201 if its label exists."""
    return HttpCall("POST", "/v4/custom_fields", body={"label": label})


def create_tag(name: str) -> HttpCall:
    """Make a tag; 200 instead of 201 if its name exists."""
    return HttpCall("POST", "/v4/tags", body={"name": name})


def write(contact_id: int, values: Mapping[str, str]) -> HttpCall:
    """Set custom fields; Kit leaves those alone that are not named."""
    return HttpCall(
        "PUT", f"/v4/subscribers/{contact_id}", body={"fields": dict(values)}, names=f"contact {contact_id}"
    )


def add_tag(contact_id: int, tag_id: int) -> HttpCall:
    """Add a tag; 200 instead of 201 if the contact has it."""
    return _tagging("POST", contact_id, tag_id, body={})


def remove_tag(contact_id: int, tag_id: int) -> HttpCall:
    """Take a tag off."""
    return _tagging("DELETE", contact_id, tag_id)


def write_many(values: Mapping[tuple[int, int], str]) -> HttpCall:
    """Set custom fields of many contacts, by ids of contact and field; nobody is to be called back."""
    rows = [
        {"subscriber_id": contact_id, "subscriber_custom_field_id": field_id, "value": value}
        for (contact_id, field_id), value in values.items()
    ]
    return HttpCall(
        "POST", "/v4/bulk/custom_fields/subscribers", body={"custom_field_values": rows, "callback_url": None}
    )


def remove_tag_of_many(tag_id: int, contacts: Iterable[int]) -> HttpCall:
    """Take a tag off many contacts; Kit's description forgot the body, which is the one of the tagging."""
    rows = [{"tag_id": tag_id, "subscriber_id": contact_id} for contact_id in contacts]
    return HttpCall("DELETE", "/v4/bulk/tags/subscribers", body={"taggings": rows})


def hooks() -> HttpCall:
    """First page of the unsigned webhooks (API v4, "List webhooks")."""
    return _list("/v4/webhooks")


def create_hook(url: str, tag_id: int) -> HttpCall:
    """Make an unsigned webhook for the adding of a tag; here the event has a prefix that Kit's answers drop."""
    event = {"name": f"subscriber.{TAG_ADD}", "tag_id": tag_id}
    return HttpCall("POST", "/v4/webhooks", body={"target_url": url, "event": event})


def delete_hook(hook_id: int) -> HttpCall:
    """Remove an unsigned webhook."""
    return HttpCall("DELETE", f"/v4/webhooks/{hook_id}", names=f"webhook {hook_id}")


def signed() -> HttpCall:
    """First page of the signed webhooks (API v4, "List webhook endpoints")."""
    return _list("/v4/webhook_endpoints")


def signed_by_id(endpoint_id: int) -> HttpCall:
    """One signed webhook."""
    return _signed("GET", endpoint_id)


def create_signed(url: str, name: str) -> HttpCall:
    """Make a signed webhook for the adding of tags."""
    return HttpCall("POST", "/v4/webhook_endpoints", body={"url": url, "name": name, "events": [TAG_ADDED]})


def change_signed(endpoint_id: int, url: str) -> HttpCall:
    """Let a signed webhook send to this URL, for the adding of tags alone, and be active."""
    return _signed("PATCH", endpoint_id, body={"url": url, "events": [TAG_ADDED], "status": "active"})


def delete_signed(endpoint_id: int) -> HttpCall:
    """Remove a signed webhook."""
    return _signed("DELETE", endpoint_id)


def rotate_secret(endpoint_id: int, *, force: bool) -> HttpCall:
    """Make a new signing secret; 409 while an earlier rotation's time runs, unless forced."""
    return _signed("POST", endpoint_id, "/rotate_secret", body={"force": True} if force else {})


def revoke_previous_secret(endpoint_id: int) -> HttpCall:
    """Let the signing secret before the last rotation end."""
    return _signed("POST", endpoint_id, "/revoke_previous_secret", body={})


def _signed(method: str, endpoint_id: int, action: str = "", body: Mapping[str, Any] | None = None) -> HttpCall:
    path = f"/v4/webhook_endpoints/{endpoint_id}{action}"
    return HttpCall(method, path, body=body, names=f"webhook endpoint {endpoint_id}")


def _tagging(method: str, contact_id: int, tag_id: int, body: Mapping[str, str] | None = None) -> HttpCall:
    path = f"/v4/tags/{tag_id}/subscribers/{contact_id}"
    return HttpCall(method, path, body=body, names=f"contact {contact_id} or no tag {tag_id}")


def counted(first: HttpCall) -> HttpCall:
    """First page of a list, with the number of its rows in all; Kit asks for that on no other page."""
    return replace(first, query=(*first.query, ("include_total_count", "true")))


def _list(path: str, state: StateFilter | None = None, *, names: str = "") -> HttpCall:
    status = () if state is None else (("status", state),)
    return HttpCall("GET", path, (*status, ("per_page", PAGE_SIZE)), names=names)
