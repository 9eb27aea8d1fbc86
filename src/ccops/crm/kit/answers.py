"""Kit's JSON, read leniently: unknown keys are ignored, ids come as numbers or texts, much may be null."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from ccops.clock import parse_iso
from ccops.crm.base import Account, Contact, CustomField, HeldTag, Hook, KnownTag, SignedEndpoint, WebhookEndpoint
from ccops.crm.http.exchange import HttpAnswer, UnreadableAnswer
from ccops.crm.kit.credential import is_usable
from ccops.secret import Secret

T = TypeVar("T")
JsonObject = Mapping[str, Any]

_CLOCK_STEP = timedelta(seconds=1)
_LONGEST_ID = 18
_LONGEST_LIFE = 10 * 366 * 86_400
"""Seconds of ten years; what claims to last longer is not told in seconds."""


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """One page of a list."""

    rows: list[T]
    after: str | None
    """Cursor of the next page; None on the last."""
    total: int | None = None
    """How many rows the whole list has, if that was asked for and told."""


def page(answer: HttpAnswer, key: str, row: Callable[[JsonObject], T]) -> ListPage[T]:
    """Read one page of a list. A page that promises more but does not say where is unreadable, never the last."""
    rows = answer.json.get(key)
    if not isinstance(rows, list):
        raise UnreadableAnswer(f"its answer lacks the list of {key}")
    pagination = _object(answer.json.get("pagination") or {})
    cursor, total = None, number(pagination.get("total_count"))
    if pagination.get("has_next_page"):
        cursor = pagination.get("end_cursor")
        if not isinstance(cursor, str) or not cursor:
            raise UnreadableAnswer(f"its list of {key} goes on, but its answer does not say where")
    return ListPage([row(_object(item)) for item in rows], cursor, total)


def account(answer: HttpAnswer) -> Account:
    """Read `GET /v4/account`."""
    found = _part(answer, "account")
    zone = found.get("timezone")
    name = zone.get("name") if isinstance(zone, Mapping) else zone
    return Account(_id(found), _text(found.get("name")), _text(name) or None)


def one_contact(answer: HttpAnswer) -> Contact:
    """Read the contact of an answer."""
    return contact(_part(answer, "subscriber"))


def contact_of(answer: HttpAnswer, contact_id: int) -> Contact:
    """Read the contact that was asked for; raises Unreadable if the answer shows another one."""
    found = one_contact(answer)
    if found.id != contact_id:
        raise UnreadableAnswer(f"it answered for contact {found.id} instead of {contact_id}")
    return found


def one_tag(answer: HttpAnswer) -> KnownTag:
    """Read the tag of an answer."""
    return tag(_part(answer, "tag"))


def one_field(answer: HttpAnswer) -> CustomField:
    """Read the custom field of an answer."""
    return custom_field(_part(answer, "custom_field"))


def contact(row: JsonObject) -> Contact:
    """Read a contact."""
    return Contact(
        id=_id(row),
        email=_needed(row, "email_address"),
        state=_text(row.get("state")),
        fields=_fields(row.get("fields")),
        tagged_at=moment(row.get("tagged_at")),
    )


def tag(row: JsonObject) -> KnownTag:
    """Read a tag."""
    return KnownTag(_id(row), _text(row.get("name")))


def held_tag(row: JsonObject) -> HeldTag:
    """Read a tag that a contact carries; without its time it is unreadable, as the time makes the occasion."""
    since = moment(row.get("tagged_at"))
    if since is None:
        raise UnreadableAnswer("its answer does not say when the tag was added")
    return HeldTag(_id(row), _text(row.get("name")), since)


def custom_field(row: JsonObject) -> CustomField:
    """Read a custom field."""
    return CustomField(_id(row), _needed(row, "key"), _text(row.get("label")), _text(row.get("name")))


def one_hook(answer: HttpAnswer) -> Hook:
    """Read the unsigned webhook of an answer."""
    return hook(_part(answer, "webhook"))


def hook(row: JsonObject) -> Hook:
    """Read an unsigned webhook; its event may or may not have the prefix that a request needs."""
    event = _object(row.get("event") or {})
    tag_id = _id({"id": event["tag_id"]}) if event.get("tag_id") is not None else None
    name = _text(event.get("name")).removeprefix("subscriber.")
    return Hook(_id(row), Secret(_text(row.get("target_url"))), name, tag_id)


def one_endpoint(answer: HttpAnswer) -> WebhookEndpoint:
    """Read the signed webhook of an answer."""
    return endpoint(_part(answer, "webhook_endpoint"))


def endpoint(row: JsonObject) -> WebhookEndpoint:
    """Read a signed webhook."""
    return WebhookEndpoint(
        id=_id(row),
        url=_text(row.get("url")),
        name=_text(row.get("name")),
        events=tuple(texts(row.get("events"))),
        active=_text(row.get("status")) == "active",
        previous_until=moment(row.get("previous_secret_expires_at")),
    )


def endpoint_with_secret(answer: HttpAnswer) -> SignedEndpoint:
    """Read a signed webhook that was just made or given a new secret; without the secret it is unreadable."""
    found = _part(answer, "webhook_endpoint")
    return SignedEndpoint(endpoint(found), Secret(_needed(found, "secret")))


def written(answer: HttpAnswer, contact_id: int) -> Mapping[str, str | None]:
    """Return the fields that a write's answer echoes; raises Unreadable if it is no clear yes for this contact."""
    unwarned(answer)
    return contact_of(answer, contact_id).fields


def unwarned(answer: HttpAnswer) -> None:
    """Raise Unreadable if an answer warns that something was ignored."""
    warnings = texts(answer.json.get("warnings"))
    if warnings:
        raise UnreadableAnswer(f"it warned: {'; '.join(warnings)}")


def was_added(answer: HttpAnswer, contact_id: int) -> bool:
    """Say whether a tagging is ours: new (201), or made by an earlier attempt whose answer was lost."""
    since = contact_of(answer, contact_id).tagged_at
    return answer.status == HTTPStatus.CREATED or (
        answer.unsure_for is not None and since is not None and is_newer(since, answer.date, answer.unsure_for)
    )


def removed(answer: HttpAnswer) -> None:
    """Read that a tag is off: 204, or 200 with nothing or an object; raises Unreadable for anything else."""
    if answer.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
        raise UnreadableAnswer(f"it answered {answer.status}")
    if answer.status == HTTPStatus.OK and answer.content:
        _ = answer.json


def tokens(answer: HttpAnswer) -> tuple[Secret, Secret, int | None]:
    """Read access token, refresh token and the seconds that the first lasts, if they are told."""
    access, refresh = _needed(answer.json, "access_token"), _needed(answer.json, "refresh_token")
    if not (is_usable(access) and is_usable(refresh)):
        raise UnreadableAnswer("its answer has a token that can be none")
    seconds = answer.json.get("expires_in")
    told = isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds <= _LONGEST_LIFE
    return Secret(access), Secret(refresh), seconds if told else None


def error_code(answer: HttpAnswer) -> str:
    """Return the code of an OAuth error (RFC 6749, 5.2), empty if there is none."""
    try:
        return _text(answer.json.get("error"))
    except UnreadableAnswer:
        return ""


def is_newer(since: datetime, now: datetime | None, seconds: float) -> bool:
    """Say whether something happened within the last seconds, by Kit's own clock, which shows whole seconds."""
    return now is not None and since >= now - timedelta(seconds=seconds) - _CLOCK_STEP


def error_texts(answer: HttpAnswer) -> list[str]:
    """Return what Kit says is wrong, in any of its forms; the start of a plain text if that is all there is."""
    try:
        body = answer.json
    except UnreadableAnswer:
        plain = answer.content[:200].decode(errors="replace").strip()
        return [] if not plain or plain.startswith("<") else [plain]
    return texts([body.get("errors"), body.get("error"), body.get("error_description")])[:10]


def texts(value: Any) -> list[str]:
    """Flatten a text, or lists of them (Kit nests lists at times), to the texts that are not empty."""
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [] if value is None or value == "" else [_text(value)]


def number(value: Any) -> int | None:
    """Read a number without a sign, written as one or as a text; None if it is none, or longer than any id."""
    text = _text(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID else None


def field_value(value: Any) -> str | None:
    """Read the value of a custom field; None if it is not set."""
    return None if value is None else _text(value)


def moment(value: Any) -> datetime | None:
    """Read a time in any usual form, to the second (all that Kit promises); None if it is none."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC)
        return parse_iso(str(value).strip().replace(" UTC", "Z")).replace(microsecond=0)
    except (ValueError, OverflowError, OSError):
        return None


def _part(answer: HttpAnswer, key: str) -> JsonObject:
    if key not in answer.json:
        raise UnreadableAnswer(f"its answer lacks the {key}")
    return _object(answer.json[key])


def _object(value: Any) -> JsonObject:
    if not isinstance(value, Mapping):
        raise UnreadableAnswer("its answer has something else where an object belongs")
    return value


def _id(row: JsonObject) -> int:
    value = number(row.get("id"))
    if value is None:
        raise UnreadableAnswer("its answer has an id that is no number")
    return value


def _needed(row: JsonObject, key: str) -> str:
    value = _text(row.get(key))
    if not value:
        raise UnreadableAnswer(f"its answer lacks {key}")
    return value


def _fields(value: Any) -> dict[str, str | None]:
    return {_text(key): field_value(item) for key, item in _object(value or {}).items()}


def _text(value: Any) -> str:
    """Return a text that can be stored: a lone surrogate is replaced, anything else than a text is written as JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
