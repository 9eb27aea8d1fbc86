"""E-mail addresses in a body: the places that name the contact, and values anywhere that are an address."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ccops.triggers.receiver.bodies import Data

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
class Found:
    """A value, and where it is as a dotted path."""

    place: str
    value: Any


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a body says of addresses."""

    named: tuple[Found, ...]
    """Values in the places that are known to hold the contact's address; they may be none."""
    other: Found | None
    """The first address in any other place."""


def find_addresses(data: Data) -> Addresses:
    """Look through a whole body, however deep it is."""
    named: list[Found] = []
    other: Found | None = None
    for path, value, is_named in _leaves(data):
        if is_named:
            named.append(Found(_shown(path), value))
        elif other is None and isinstance(value, str) and holds_address(value):
            other = Found(_shown(path), value)
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


def _leaves(data: Data) -> Iterator[tuple[_Path, str | int | Decimal, bool]]:
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
