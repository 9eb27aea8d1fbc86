"""What a POST of any other system asks for: which contact, which occasion, how much, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from ccops.operations.model import Operation
from ccops.operations.numbers import MOST_DIGITS, NotANumber, is_blank, is_within, parse_number, plain
from ccops.operations.occasions import KeyFault, for_post
from ccops.text import clean
from ccops.triggers.receiver.bodies import BARE, Data, parse_body, place
from ccops.triggers.receiver.refusals import (
    AmountUnusable,
    ContactsDisagree,
    ContactUnusable,
    KeyUnusable,
    NoContact,
    OccasionMissing,
)

ID_NAMES: Final = ("contactId", "contact_id", "ContactId", "Contact0Id", "Id", "id")
"""Where other systems put a contact's id, in the order in which they are looked at."""
_LONGEST_EMAIL: Final = 254
_MOST_ID: Final = 2**63 - 1
_LONGEST_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class Posted:
    """A POST that was read."""

    who: str
    key: str | None
    """What names the occasion; None if the sender named none."""
    fingerprint: str | None
    """Of a POST without a key: stands for its operation, contact and body."""
    amount: str | None
    reason: str | None
    amount_left_out: bool
    """It has an amount, but the operation does not take one."""


def read_post(content_type: str, body: bytes, operation: Operation, key_header: str = "") -> Posted:
    """Read the body of a POST to an operation. Raises TurnedAway."""
    data = parse_body(content_type, body)
    who = _contact(data, operation)
    key = _key(data, operation, key_header)
    amount = data.get("amount")
    return Posted(
        who=who,
        key=key,
        fingerprint=_fingerprint(operation.name, who, body) if key is None else None,
        amount=_amount(amount) if operation.amount_from_post else None,
        reason=_reason(data.get("reason")),
        amount_left_out=amount is not None and not operation.amount_from_post,
    )


# ---- the contact


def _contact(data: Data, operation: Operation) -> str:
    found = list(_contacts(data, operation))
    if not found:
        raise NoContact(operation.post.contact or f"email, {', '.join(ID_NAMES)}")
    first, who = found[0]
    for name, other in found[1:]:
        if other != who:
            raise ContactsDisagree(first, name)
    return who


def _contacts(data: Data, operation: Operation) -> Iterator[tuple[str, str]]:
    """Give each place that names a contact, and the contact; an e-mail address outdoes all ids."""
    path = operation.post.contact
    if path is not None:
        yield from ((path, _who(path, value)) for value in _given(place(data, path)))
        return
    emails = [("email", _email("email", value)) for value in _given(data.get("email"))]
    yield from emails
    if not emails:
        names = (BARE, *ID_NAMES)
        yield from ((name or "the number", _id(name, value)) for name in names for value in _given(data.get(name)))


def _given(value: Any) -> list[Any]:
    """List the values of a field that say anything; one that is given several times in a form has several."""
    values = value if isinstance(value, list) else [value]
    return [each for each in values if each is not None and not (isinstance(each, str) and is_blank(each))]


def _who(name: str, value: Any) -> str:
    return _email(name, value) if isinstance(value, str) and "@" in value else _id(name, value)


def _email(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ContactUnusable(name, str(value)[:100])
    # Senders forget that a plus sign in a form stands for a blank.
    email = value.strip().replace(" ", "+")
    local, at, domain = email.rpartition("@")
    if not (local and at and domain) or len(email) > _LONGEST_EMAIL or clean(email) != email:
        raise ContactUnusable(name, value)
    return email.lower()


def _id(name: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else str(value) if type(value) is int else ""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_ID)) and 0 < int(text) <= _MOST_ID):
        raise ContactUnusable(name or "the number", str(value)[:100])
    return str(int(text))


# ---- the occasion


def _key(data: Data, operation: Operation, header: str) -> str | None:
    path = operation.post.occasion
    if path is not None:
        named = _given(place(data, path))
        if not named:
            raise OccasionMissing(path)
        return _checked_key(named)
    if not is_blank(header):
        return _checked_key([header])
    named = _given(data.get("event_id"))
    return _checked_key(named) if named else None


def _checked_key(named: list[Any]) -> str:
    if len(named) != 1 or not isinstance(named[0], str | int) or isinstance(named[0], bool):
        raise KeyUnusable
    try:
        return for_post(str(named[0])).partition(":")[2]
    except KeyFault:
        raise KeyUnusable from None


def _fingerprint(operation: str, who: str, body: bytes) -> str:
    return sha256(b"\0".join([operation.encode(), who.encode(), body])).hexdigest()


# ---- how much, and why


def _amount(value: Any) -> str | None:
    """Read an amount as plain text without needless zeros, so that 10 and 10.00 are the same."""
    if value is None or (isinstance(value, str) and is_blank(value)):
        return None
    number = _number(value)
    if number is None or number <= 0 or not is_within(number, MOST_DIGITS):
        raise AmountUnusable(str(value)[:100])
    text = plain(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(value: Any) -> Decimal | None:
    if isinstance(value, str):
        try:
            return parse_number(value, Decimal(0))
        except NotANumber:
            return None
    return Decimal(value) if type(value) in {int, Decimal} else None


def _reason(value: Any) -> str | None:
    if not isinstance(value, str | int | Decimal) or is_blank(str(value)):
        return None
    return clean(str(value).strip())[:_LONGEST_REASON]
