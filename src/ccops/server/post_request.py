"""What a POST of any other system asks for: which contact, which occasion, how much, and why."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from ccops.operations.model import Operation
from ccops.operations.numbers import BLANKS, MOST_DIGITS, NotANumber, is_blank, is_within, parse_number, plain
from ccops.operations.occasion import KeyFault, is_placeholder, new_key
from ccops.server.bodies import BARE, BodyData, is_legible, made_legible, place
from ccops.server.refusal import (
    AmountAmbiguous,
    BodyUnreadable,
    ContactsDisagree,
    ContactUnusable,
    IdBesideAddress,
    KeyUnusable,
    OccasionMissing,
    PlaceholderLeft,
    PostAmountMissing,
    PostAmountUnusable,
    PostWithoutContact,
)
from ccops.text import address_key, clean, tidy

_PLACE: Final = "amount"
_TWO_WAYS: Final = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}|[0-9]+(?:[.,][0-9]+)*,[0-9]+(?:[.,][0-9]+)*")
"""A point between thousands or before decimals (1.000), or a comma, which only a known sign explains (1,000, 2,5)."""
_WITH_SIGN: Final[Mapping[str, re.Pattern[str]]] = {
    sign: re.compile(rf"(?:[0-9]+|[0-9]{{1,3}}(?:\{other}[0-9]{{3}})+)(?:\{sign}[0-9]+)?")
    for sign, other in ((".", ","), (",", "."))
}


def read_amount(data: BodyData, operation: Operation) -> str | None:
    """Return the amount as plain text without needless zeros, so that 10 and 10.00 are the same; None if there is none.

    Raises AmountMissing if its place is there and empty: the sender meant to say how much, so that the operation's own
    amount would be wrong.
    """
    if _PLACE not in data:
        return None
    value = data[_PLACE]
    if value is None or (isinstance(value, str) and is_blank(value)):
        raise PostAmountMissing
    number = _of_text(value.strip(BLANKS), operation) if isinstance(value, str) else _of_number(value)
    if number is None or number <= 0 or not is_within(number, MOST_DIGITS):
        raise PostAmountUnusable(str(value)[:100])
    text = plain(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _of_number(value: Any) -> Decimal | None:
    """Take a number of JSON: its decimals follow a point, so that 1.000 is 1."""
    return Decimal(value) if type(value) in {int, Decimal} else None


def _of_text(text: str, operation: Operation) -> Decimal | None:
    if is_placeholder(text):
        raise PlaceholderLeft(_PLACE, text)
    sign = operation.post.decimal
    if sign is None:
        if len(text) <= 2 * MOST_DIGITS and _TWO_WAYS.fullmatch(text):
            raise AmountAmbiguous(text, operation.name)
    elif _WITH_SIGN[sign].fullmatch(text):
        text = text.replace("," if sign == "." else ".", "").replace(sign, ".")
    else:
        return None
    try:
        return parse_number(text, Decimal(0))
    except NotANumber:
        return None


# ---- E-mail addresses in a body: the places that name the contact, and values anywhere that are an address

_ADDRESS_NAMES: Final = (
    "emailaddress|emailadresse|emailaddr|emails|email|mailaddress|mailadresse|mail|courriel|correoelectronico|correo"
)
_AFTER: Final = "address|value|text"
"""Of a name such as `emails.0.value`."""
_PEOPLE: Final = """
attendee attendees billing billto buyer client contact contacts customer customers donor guest invitee lead learner
login main member my participant patient patron payer people person personal primary purchaser recipient registrant
respondent shopper student subscriber supporter user users your
"""
_AROUND: Final = """
address addresses attributes body charge checkout custom data details event field fields form inf info input invoice
item items lineitems object order payload payment profile properties purchase receipt record resource response result
sale session signup subscription transaction value values wp
"""
_BEFORE: Final = "|".join(sorted((*_PEOPLE.split(), *_AROUND.split()), key=len, reverse=True))
_NAMES_CONTACT: Final = re.compile(f"(?:{_BEFORE})*(?:{_ADDRESS_NAMES})(?:{_AFTER})?")
"""A whole path without its dots. With any other word in it, such as `payee.email`, it may be another person's."""
_MAIL: Final = re.compile(r"mail|courriel|correo|[^\x00-\x7f]", re.IGNORECASE)
"""What the end of such a path has in it, or letters that may look so: nearly none has."""
_SECOND: Final = re.compile(r".*\D(?:[2-9]|[1-9]\d+)", re.DOTALL)
"""The end of a name such as `email2`: not the contact's first address."""
_MOST_STEPS: Final = 12
_LONGEST_NAME: Final = 200

_LOCAL: Final = r"[^\s@<>()\[\]{},;:\"'\\/|=&?]"
_DOMAIN: Final = re.compile(
    r"(?:[^\W_](?:[\w-]{0,62})\.){1,10}(?:xn--[a-z0-9-]{1,59}|[^\W\d_]{2,63})(?![\w-])", re.IGNORECASE
)
_LAST: Final = re.compile(_LOCAL)
_ADDRESS: Final = re.compile(rf"{_LOCAL}{{1,64}}@{_DOMAIN.pattern}", re.IGNORECASE)
_IN_BRACKETS: Final = re.compile(rf"[^<>@]{{0,200}}<\s*(?:mailto:)?{_ADDRESS.pattern}\s*>", re.IGNORECASE)
_STRUCTURED: Final = ("{", "[", "<")
_MARKS: Final = "<>()[]'\"."


@dataclass(frozen=True, slots=True)
class FoundValue:
    """A value, and where it is as a dotted path."""

    place: str
    value: Any


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a body says of addresses."""

    named: tuple[FoundValue, ...]
    """Values in the places that are known to hold the contact's address; they may be none."""
    other: FoundValue | None
    """The first address in any other place."""


def find_addresses(data: BodyData) -> Addresses:
    """Look through a whole body, however deep it is."""
    named: list[FoundValue] = []
    other: FoundValue | None = None
    for path, value, is_named in _leaves(data):
        if is_named:
            named.append(FoundValue(_shown(path), value))
        elif other is None and isinstance(value, str) and holds_address(value):
            other = FoundValue(_shown(path), value)
    return Addresses(tuple(named), other)


def holds_address(text: str) -> bool:
    """Tell whether a text is an e-mail address, a list of some, or data with one in it; a sentence is none of them."""
    if "@" not in text:
        return False
    value = text.strip()
    if value.startswith(_STRUCTURED) and _has_address(value):
        return True
    words = re.split(r"[\s,;]+", value)
    return all(_is_address(word) for word in words if word) or _IN_BRACKETS.fullmatch(value) is not None


def _is_address(word: str) -> bool:
    return _ADDRESS.fullmatch(word.strip(_MARKS).removeprefix("mailto:")) is not None


def _has_address(text: str) -> bool:
    at = text.find("@", 1)
    while at > 0:
        if _LAST.match(text[at - 1]) and _DOMAIN.match(text, at + 1):
            return True
        at = text.find("@", at + 1)
    return False


# ---- paths


@dataclass(frozen=True, slots=True)
class _Path:
    """A place as its last step and the way to it; a whole way is written out only where it is asked for."""

    before: "_Path | None"
    step: str | int
    """A name, or the number of a list's element."""
    depth: int

    def steps(self) -> list[str | int]:
        """Return the way from the outside in."""
        here: _Path | None = self
        steps = []
        while here is not None:
            steps.append(here.step)
            here = here.before
        return steps[::-1]


def _leaves(data: BodyData) -> Iterator[tuple[_Path, str | int | Decimal, bool]]:
    """Give each text and number of a body, and whether it is named as the contact's address.

    Without recursion, since a body may be deeper than Python's stack. The elements of a list have its name.
    """
    waiting: list[_Within] = [_Within(None, iter(data.items()))]
    while waiting:
        within = waiting[-1]
        step, value = next(within.items, (None, None))
        if step is None:
            waiting.pop()
            continue
        path = _Path(within.path, step, len(waiting))
        if isinstance(value, dict):
            waiting.append(_Within(path, iter(value.items())))
        elif isinstance(value, list):
            named = within.named if isinstance(step, int) else _names_contact(path)
            waiting.append(_Within(path, enumerate(value), named))
        elif isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            yield path, value, within.named if isinstance(step, int) else _names_contact(path)


@dataclass(frozen=True, slots=True)
class _Within:
    """A table or list of which the rest is still to be looked at."""

    path: _Path | None
    items: Iterator[tuple[str | int, Any]]
    named: bool = False


def _names_contact(path: _Path) -> bool:
    """Tell whether a place is known to hold the contact's address, in whatever way its name is spelled."""
    if path.depth > _MOST_STEPS:
        return False
    steps = [step for step in path.steps() if isinstance(step, str) and not step.isdigit()]
    if not _MAIL.search("".join(steps[-2:])) or sum(map(len, steps)) > _LONGEST_NAME or _SECOND.fullmatch(steps[-1]):
        return False
    return _NAMES_CONTACT.fullmatch("".join(map(_letters, steps))) is not None


def _letters(name: str) -> str:
    """Drop case, punctuation and digits: `Contact0Email`, `contact-email` and `CONTACT_EMAIL` are one name."""
    return "".join(char for char in unicodedata.normalize("NFKC", name).casefold() if char.isalpha())


def _shown(path: _Path) -> str:
    """Write a place as `post = { contact = … }` takes it; a list at its end stands for all that is in it."""
    steps = path.steps()
    while len(steps) > 1 and isinstance(steps[-1], int):
        steps.pop()
    return ".".join(map(str, steps[:_MOST_STEPS]))


# ---- what a POST of any other system asks for: which contact, which occasion, how much, and why

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


def read_post(data: BodyData, sent: bytes, operation: Operation, key_header: str = "") -> Posted:
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


def is_ping(data: BodyData, operation: Operation) -> bool:
    """Tell whether a body names no contact and only tests the address, as WooCommerce's `webhook_id=12` does."""
    events = [data.get(name) for name in _EVENT_NAMES]
    if not any(isinstance(name, str) and name.strip().casefold() == "ping" for name in events) and (
        "webhook_id" not in data or any(_given(data.get(name)) for name in ID_NAMES)
    ):
        return False
    path = operation.post.contact
    return not find_addresses(data).named and not (path is not None and _given(place(data, path)))


# ---- the contact


def _contact(data: BodyData, operation: Operation) -> tuple[str, str, _Ids]:
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
        raise PostWithoutContact(f"email, {', '.join(ID_NAMES)}", other, operation.name)
    return (*_the_one([(name or _THE_NUMBER, _id(name, value)) for name, value in ids], operation.name), ())


def _the_one(given: Sequence[tuple[str, str]], operation: str, path: str = "") -> tuple[str, str]:
    """Return the contact that all places name, and the first place. Raises NoContact and ContactsDisagree."""
    if not given:
        raise PostWithoutContact(path)
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
        raise BodyUnreadable(f"{name} is not in the charset that was declared, or not in UTF-8 if none was")
    if isinstance(value, str) and is_placeholder(value):
        raise PlaceholderLeft(name, value)


# ---- the occasion


def _key(data: BodyData, operation: Operation, header: str) -> str | None:
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
