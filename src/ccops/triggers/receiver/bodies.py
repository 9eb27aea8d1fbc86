"""The body of a POST as data: a form, JSON, or one bare number, whatever the sender says that it is."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from email import policy
from email.message import Message
from email.parser import BytesParser
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from ccops.triggers.receiver.refusals import Unreadable

Data = Mapping[str, Any]
"""The fields by name: texts, and in JSON numbers, objects and lists too. A field of a form that is given several times
with different values is a list."""

BARE: Final = ""
"""The name under which a bare number stands."""

_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "windows-1252"})
_NUMBER: Final = re.compile(r'"?([0-9]{1,19})"?')
_MOST_FIELDS: Final = 1000


def parse_body(content_type: str, body: bytes) -> Data:
    """Read a body; an empty one has no fields. Raises Unreadable.

    Senders are careless about the type they name (curl calls JSON a form), so that it only decides where the body
    itself leaves it open.
    """
    said = _said(content_type)
    if said.get_content_type() == "multipart/form-data":
        return _joined(_multipart(content_type, body))
    text = _decoded(body, str(said.get_param("charset", "utf-8"))).strip().removeprefix("\ufeff")
    if number := _NUMBER.fullmatch(text):
        return {BARE: number[1]}
    if text.startswith(("{", "[")) or said.get_content_type().endswith("json"):
        return _json(text)
    return _joined(_form(text))


def place(data: Data, path: str) -> Any:
    """Return what stands at a dotted path, such as `data.object.id` or `items.0.email`; None if nothing does."""
    if path in data:
        return data[path]
    here: Any = data
    for step in path.split("."):
        if isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and step.isascii() and step.isdigit():
            here = dict(enumerate(here)).get(int(step[:6]))
        else:
            return None
    return here


def _said(content_type: str) -> Message:
    message = Message()
    message["content-type"] = content_type.replace("\r", " ").replace("\n", " ") or "text/plain"
    return message


def _decoded(body: bytes, charset: str) -> str:
    if charset.strip().lower() not in _CHARSETS:
        raise Unreadable(f"its charset {charset[:20]} is not known; send UTF-8")
    try:
        return body.decode(charset.strip())
    except UnicodeDecodeError:
        raise Unreadable(f"it is not {charset}") from None


def _json(text: str) -> Data:
    if not text:
        return {}
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, ArithmeticError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("it is JSON, but no object")
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are no JSON


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a key twice: readers differ on which one counts (RFC 8259)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("one of its keys is there twice")
    return found


def _form(text: str) -> Iterable[tuple[str, str]]:
    if text and "=" not in text:
        raise Unreadable("it is neither a form, nor JSON, nor a number")
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:  # too many fields, or %-codes that are no UTF-8
        raise Unreadable("it is not a form in UTF-8") from None


def _multipart(content_type: str, body: bytes) -> Iterable[tuple[str, str]]:
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    if not message.is_multipart() or message.defects:
        raise Unreadable("it is not a form in parts")
    for part in list(message.iter_parts())[:_MOST_FIELDS]:
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and isinstance(content, bytes) and part.get_filename() is None:
            yield name, _decoded(content, "utf-8")


def _joined(pairs: Iterable[tuple[str, str]]) -> Data:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        known = values.setdefault(name, [])
        known.extend([value] if value not in known else [])
    return {name: several[0] if len(several) == 1 else several for name, several in values.items()}
