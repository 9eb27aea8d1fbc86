"""Many contacts in one request (Kit API v4, "Bulk & async processing").

Up to 100 rows are worked off at once; more are answered 202 and worked off a moment later. Nobody is called back. What
was done is answered in reversed order, and a failure has forgotten the id that leads nowhere, as Kit's examples show.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

from ccops.sandbox.api import A_MOMENT, EndpointCall, tag_contact, untag_contact
from ccops.sandbox.http import Invalid, Payload, SandboxAnswer
from ccops.sandbox.tables import ContactRow, PostponedRow, TagRow, shown

MOST_AT_ONCE: Final = 100
LISTS: Final = ("custom_field_values", "taggings")
"""Where in the body the rows are."""

_NOBODY: Final = "Subscriber does not exist"


def is_meant(path: str) -> bool:
    """Say whether a path is one of these, which Kit opens to access tokens alone."""
    return path.startswith("/v4/bulk/")


def write_values(call: EndpointCall) -> SandboxAnswer:
    """Set custom fields of contacts, both named by id; of two rows for the same field of a contact the last counts."""
    rows = _rows(call, "custom_field_values", "No custom field values included for processing")
    return _later(call, rows) or _values_written(call, rows)


def tag(call: EndpointCall) -> SandboxAnswer:
    """Tag contacts; the answer's rows don't say with which tag."""
    rows = _rows(call, "taggings", "No taggings included for processing")

    def add(tag: TagRow, contact: ContactRow) -> Payload:
        since = tag_contact(call.store, tag, contact, call.moment)
        return {
            "id": contact.id,
            "first_name": contact.first_name,
            "email_address": contact.email,
            "created_at": shown(contact.created_at),
            "tagged_at": shown(since or call.moment),
        }

    def tagged() -> SandboxAnswer:
        done, failures = _each_tagging(call, rows, add)
        return SandboxAnswer(200, {"subscribers": done, "failures": failures})

    return _later(call, rows) or tagged()


def untag(call: EndpointCall) -> SandboxAnswer:
    """Take tags off contacts; one that is not there is no failure, as it is none of a single request."""
    rows = _rows(call, "taggings", "No taggings included for processing")

    def remove(tag: TagRow, contact: ContactRow) -> Payload:
        untag_contact(call.store, tag, contact, call.moment)
        return {}

    return _later(call, rows) or SandboxAnswer(200, {"failures": _each_tagging(call, rows, remove)[1]})


def _rows(call: EndpointCall, name: str, none: str) -> list[Payload]:
    rows = call.json.get(name)
    if not isinstance(rows, list) or not rows:
        raise Invalid(none)
    if not all(isinstance(row, dict) for row in rows):
        raise Invalid(f"{name} must be objects")
    return rows


def _later(call: EndpointCall, rows: list[Payload]) -> SandboxAnswer | None:
    if len(rows) <= MOST_AT_ONCE or call.postponed:
        return None
    request = call.request
    call.store.postpone(PostponedRow(request.method, request.target, request.body), call.moment + A_MOMENT)
    return SandboxAnswer(202, {})


def _values_written(call: EndpointCall, rows: list[Payload]) -> SandboxAnswer:
    fields = {field.id: field.key for field in call.store.fields()}
    done: list[Payload] = []
    failures: list[Payload] = []
    changes: defaultdict[int, dict[int, str | None]] = defaultdict(dict)
    for row in rows:
        contact, field, value = row.get("subscriber_id"), row.get("subscriber_custom_field_id"), row.get("value")
        told: Payload = {"subscriber_id": contact, "subscriber_custom_field_id": field, "value": _text(value)}
        if _contact(call, contact) is None:
            failures.append(_failure(_NOBODY, "custom_field_value", told | {"subscriber_id": None}))
        elif field not in fields:
            failures.append(_failure("Custom field does not exist", "custom_field_value", told))
        else:
            changes[told["subscriber_id"]][field] = _text(value)
            done.append(told)
    for contact_id, values in changes.items():
        _save(call, contact_id, values, fields)
    return SandboxAnswer(200, {"custom_field_values": done[::-1], "failures": failures[::-1]})


def _save(call: EndpointCall, contact_id: int, values: Mapping[int, str | None], keys: Mapping[int, str]) -> None:
    contact = _contact(call, contact_id)
    if contact is not None:
        changed = contact.with_values(values)
        if changed != contact:
            call.store.save_contact(changed, call.moment)
        call.store.log_written(contact_id, {keys[field]: value for field, value in values.items()})


def _each_tagging(
    call: EndpointCall, rows: list[Payload], change: Callable[[TagRow, ContactRow], Payload]
) -> tuple[list[Payload], list[Payload]]:
    """Change one tagging after another; return what is to be said of them, and the failures."""
    done: list[Payload] = []
    failures: list[Payload] = []
    for row in rows:
        told: Payload = {"tag_id": row.get("tag_id"), "subscriber_id": row.get("subscriber_id")}
        contact, tag = _contact(call, told["subscriber_id"]), _tag(call, told["tag_id"])
        if contact is None:
            failures.append(_failure(_NOBODY, "tagging", told | {"subscriber_id": None}))
        elif tag is None:
            failures.append(_failure("Tag does not exist", "tagging", told | {"tag_id": None}))
        else:
            done.append(change(tag, contact))
    return done[::-1], failures[::-1]


def _failure(why: str, name: str, about: Payload) -> Payload:
    return {"errors": [why], name: about}


def _contact(call: EndpointCall, contact_id: Any) -> ContactRow | None:
    return call.store.contact(contact_id) if _is_id(contact_id) else None


def _tag(call: EndpointCall, tag_id: Any) -> TagRow | None:
    return call.store.tag(tag_id) if _is_id(tag_id) else None


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value < 10**18  # as in a path


def _text(value: Any) -> str:
    """Return a value as it is kept; an empty one is shown as an empty text, as Kit's description knows no null here."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
