"""What a POST of any other system asks for: which contact, which occasion, how much, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from ccops.operations.model import Operation
from ccops.operations.numbers import is_blank
from ccops.operations.occasions import KeyFault, new_key
from ccops.operations.placeholders import is_placeholder
from ccops.text import address_key, clean, tidy
from ccops.triggers.receiver.addresses import find_addresses
from ccops.triggers.receiver.amounts import read_amount
from ccops.triggers.receiver.bodies import BARE, Data, place
from ccops.triggers.receiver.charsets import is_legible, made_legible
from ccops.triggers.receiver.refusals import (
    ContactsDisagree,
    ContactUnusable,
    IdBesideAddress,
    KeyUnusable,
    NoContact,
    OccasionMissing,
    PlaceholderLeft,
    Unreadable,
)

ID_NAMES: Final = ("contactId", "contact_id", "ContactId", "Contact0Id", "Id", "id")
"""Where other systems put a contact's id, in the order in which they are looked at."""
_EVENT_NAMES: Final = ("event", "event_type", "event_name", "type", "action", "topic", "trigger")
_THE_NUMBER: Final = "the number"
_LONGEST_EMAIL: Final = 254
_MOST_ID: Final = 2**63 - 1
_LONGEST_REASON: Final = 200

_Ids = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Posted:
    """A POST that was read."""

    who: str
    place: str
    """Where it names the contact."""
    ids_beside: _Ids
    """Ids that stand beside an address, with their places: the other system's own, or Kit's."""
    key: str | None
    """What names the occasion; None if the sender named none."""
    fingerprint: str | None
    """Of a POST without a key: stands for its operation, contact and body."""
    amount: str | None
    reason: str | None
    amount_left_out: bool
    """It has an amount, but the operation does not take one."""


def read_post(data: Data, sent: bytes, operation: Operation, key_header: str = "") -> Posted:
    """Read what a POST to an operation asks for; `sent` is all that it consists of. Raises TurnedAway."""
    place_of_it, who, ids = _contact(data, operation)
    key = _key(data, operation, key_header)
    taken = operation.amount_from_post
    return Posted(
        who=who,
        place=place_of_it,
        ids_beside=ids,
        key=key,
        fingerprint=_fingerprint(operation.name, who, sent) if key is None else None,
        amount=read_amount(data, operation) if taken else None,
        reason=_reason(data.get("reason")),
        amount_left_out=data.get("amount") is not None and not taken,
    )


def is_ping(data: Data, operation: Operation) -> bool:
    """Tell whether a body names no contact and only tests the address, as WooCommerce's `webhook_id=12` does."""
    events = [data.get(name) for name in _EVENT_NAMES]
    if not any(isinstance(name, str) and name.strip().casefold() == "ping" for name in events) and (
        "webhook_id" not in data or any(_given(data.get(name)) for name in ID_NAMES)
    ):
        return False
    path = operation.post.contact
    return not find_addresses(data).named and not (path is not None and _given(place(data, path)))


# ---- the contact


def _contact(data: Data, operation: Operation) -> tuple[str, str, _Ids]:
    """Return where the contact is named, who it is, and the ids that stand beside an address. Raises TurnedAway."""
    path = operation.post.contact
    if path is not None:
        given = [(path, _who(path, value)) for value in _given(place(data, path))]
        return (*_the_one(given, operation.name, path), ())
    addresses = find_addresses(data)
    named = [(found.place, _email(found.place, found.value)) for found in addresses.named if _given(found.value)]
    ids = [(name, value) for name in (BARE, *ID_NAMES) for value in _given(data.get(name))]
    if named:
        beside = tuple((name, number) for name, value in ids if (number := _as_id(value)) is not None)
        return (*_the_one(named, operation.name), beside)
    if ids and addresses.other:
        raise IdBesideAddress(ids[0][0] or _THE_NUMBER, addresses.other.place, operation.name)
    if not ids:
        other = None if addresses.other is None else addresses.other.place
        raise NoContact(f"email, {', '.join(ID_NAMES)}", other, operation.name)
    return (*_the_one([(name or _THE_NUMBER, _id(name, value)) for name, value in ids], operation.name), ())


def _the_one(given: Sequence[tuple[str, str]], operation: str, path: str = "") -> tuple[str, str]:
    """Return the contact that all places name, and the first place. Raises NoContact and ContactsDisagree."""
    if not given:
        raise NoContact(path)
    first, who = given[0]
    for name, other in given[1:]:
        if other != who:
            raise ContactsDisagree(first, name, operation)
    return first, who


def _given(value: Any) -> list[Any]:
    """List the values of a field that say anything; one that is given several times in a form has several."""
    values = value if isinstance(value, list) else [value]
    return [each for each in values if each is not None and not (isinstance(each, str) and is_blank(each))]


def _who(name: str, value: Any) -> str:
    return _email(name, value) if isinstance(value, str) and "@" in value else _id(name, value)


def _email(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ContactUnusable(name, str(value)[:100])
    _check_text(name, value)
    # Senders forget that a plus sign in a form stands for a blank.
    email = tidy(value).replace(" ", "+")
    local, at, domain = email.rpartition("@")
    if not (local and at and domain) or len(email) > _LONGEST_EMAIL or clean(email) != email:
        raise ContactUnusable(name, value)
    return address_key(email)


def _id(name: str, value: Any) -> str:
    number = _as_id(value)
    if number is None:
        _check_text(name or _THE_NUMBER, value)
        raise ContactUnusable(name or _THE_NUMBER, str(value)[:100])
    return number


def _as_id(value: Any) -> str | None:
    """Return an id as plain digits; None if it can't be one of Kit."""
    text = value.strip() if isinstance(value, str) else str(value) if type(value) is int else ""
    is_one = text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_ID)) and 0 < int(text) <= _MOST_ID
    return str(int(text)) if is_one else None


def _check_text(name: str, value: Any) -> None:
    """Demand that a needed text was decoded, and is a value. Raises Unreadable and PlaceholderLeft."""
    if isinstance(value, str) and not is_legible(value):
        raise Unreadable(f"{name} is not in the charset that was declared, or not in UTF-8 if none was")
    if isinstance(value, str) and is_placeholder(value):
        raise PlaceholderLeft(name, value)


# ---- the occasion


def _key(data: Data, operation: Operation, header: str) -> str | None:
    path = operation.post.occasion
    if path is not None:
        named = _given(place(data, path))
        if not named:
            raise OccasionMissing(path)
        return _checked_key(path, named)
    if not is_blank(header):
        return _checked_key("Idempotency-Key", [header])
    named = _given(data.get("event_id"))
    return _checked_key("event_id", named) if named else None


def _checked_key(name: str, named: list[Any]) -> str:
    if len(named) != 1 or not isinstance(named[0], str | int) or isinstance(named[0], bool):
        raise KeyUnusable
    _check_text(name, named[0])
    try:
        return new_key(str(named[0]))
    except KeyFault:
        raise KeyUnusable from None


def _fingerprint(operation: str, who: str, body: bytes) -> str:
    return sha256(b"\0".join([operation.encode(), who.encode(), body])).hexdigest()


# ---- why


def _reason(value: Any) -> str | None:
    if not isinstance(value, str | int | Decimal) or is_blank(str(value)):
        return None
    return clean(made_legible(str(value).strip()))[:_LONGEST_REASON]
