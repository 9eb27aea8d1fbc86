"""The body of a POST as data: a form, JSON, or one bare number, whatever the sender says that it is."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl, unquote_plus

from ccops.triggers.receiver.charsets import best_charset, decode, find_charset, is_like_ascii
from ccops.triggers.receiver.form_names import nested, steps_of
from ccops.triggers.receiver.refusals import Unreadable

Data = Mapping[str, Any]
"""The fields by name: texts, and in JSON numbers, objects and lists too. A field of a form that is given several times
with different values is a list."""

BARE: Final = ""
"""The name under which a bare number stands."""

_NUMBER: Final = re.compile(r'"?([0-9]{1,19})"?')
_MOST_FIELDS: Final = 1000
_BOM: Final = b"\xef\xbb\xbf"
_CHARSET_FIELDS: Final = ("_charset_", "charset")
"""Where forms of browsers, and PayPal, say what their charset is."""
_NO_DATA: Final = "key"
"""The parameter of an address that holds the secret."""


def parse_body(content_type: str, body: bytes, query: str = "") -> Data:
    """Read a body, and what the address says besides it; both empty have no fields. Raises Unreadable.

    Senders are careless about the type they name (curl calls JSON a form), so that it only decides where the body
    itself leaves it open. Bytes that can't be decoded leave marks in their field (`charsets`), since few fields matter.
    """
    said, asked = _said(content_type), _pairs(query.encode("latin-1", "replace"))
    if said.get_content_type() == "multipart/form-data":
        return nested([*_decoded(asked, ["utf-8"]), *_multipart(content_type, body)])
    declared = _declared(said)
    text = decode(body, declared or "utf-8").strip().removeprefix("\ufeff")
    if number := _NUMBER.fullmatch(text):
        return {BARE: number[1], **nested(_decoded(asked, ["utf-8"]))}
    if text.startswith(("{", "[")) or said.get_content_type().endswith("json"):
        return _with_query(_json(text), nested(_decoded(asked, ["utf-8"])))
    return nested([*_decoded(asked, ["utf-8"]), *_form(body, text, declared)])


def without_secret(query: str) -> str:
    """Return what an address says behind its `?`, without the secret."""
    parts = query.split("&")
    return "&".join([part for part in parts if part and unquote_plus(part.partition("=")[0]) != _NO_DATA])


def place(data: Data, path: str) -> Any:
    """Return what stands at a dotted path, such as `data.object.id` or `items.0.email`; None if nothing does.

    Brackets, as forms have them, are the same: `items[0][email]`; `items[][email]` is that of every item.
    """
    if path in data:
        return data[path]
    return _at(data, [step for part in path.split(".") for step in steps_of(part)])


def _at(here: Any, steps: Sequence[str]) -> Any:
    for number, step in enumerate(steps):
        if isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and step == "":
            return [_at(each, steps[number + 1 :]) for each in here]
        elif isinstance(here, list) and step.isascii() and step.isdigit():
            here = dict(enumerate(here)).get(int(step[:6]))
        else:
            return None
    return here


def _said(content_type: str) -> Message:
    message = Message()
    message["content-type"] = content_type.replace("\r", " ").replace("\n", " ") or "text/plain"
    return message


def _declared(said: Message) -> str | None:
    """Return the charset that a header names; None if it names none. Raises Unreadable."""
    name = said.get_param("charset")
    if name is None:
        return None
    charset = find_charset(str(name))
    if charset is None:
        raise Unreadable(f"its charset {str(name)[:20]} is not known; send UTF-8")
    return charset


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


def _with_query(data: Data, asked: Data) -> Data:
    """Put what the address says beside what the body says; a name that both have has the values of both."""
    joined = dict(data)
    for name, value in asked.items():
        known = joined.get(name)
        if name not in joined:
            joined[name] = value
        elif str(known) != value:
            joined[name] = [value, *(known if isinstance(known, list) else [known])]
    return joined


def _form(body: bytes, text: str, declared: str | None) -> Iterable[tuple[str, str]]:
    if text and "=" not in text:
        raise Unreadable("it is neither a form, nor JSON, nor a number")
    if declared is not None and not is_like_ascii(declared):
        body, declared = text.encode("utf-8", "replace"), "utf-8"
    pairs = _pairs(body.strip().removeprefix(_BOM))
    return _decoded(pairs, [*filter(None, [declared]), *_named_within(pairs), "utf-8"])


def _pairs(form: bytes) -> list[tuple[bytes, bytes]]:
    """Split a form into names and values as bytes: which charset they are in may be said in one of them."""
    try:
        found = parse_qsl(form.decode("latin-1"), True, encoding="latin-1", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Unreadable(f"it is a form of more than {_MOST_FIELDS} fields") from None
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found]


def _named_within(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[str]:
    """Give the charsets that a form's own fields name."""
    values = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    for name in _CHARSET_FIELDS:
        charset = find_charset(values.get(name, ""))
        if charset is not None and is_like_ascii(charset):
            yield charset


def _decoded(pairs: Sequence[tuple[bytes, bytes]], charsets: Sequence[str]) -> list[tuple[str, str]]:
    charset = best_charset([text for pair in pairs for text in pair], charsets)
    return [(decode(name, charset), decode(value, charset)) for name, value in pairs]


def _multipart(content_type: str, body: bytes) -> Iterator[tuple[str, str]]:
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    if not message.is_multipart() or message.defects:
        raise Unreadable("it is not a form in parts")
    parts = list(_parts(message))
    named = [(name.encode("utf-8", "replace"), content) for name, content, _ in parts]
    charsets = [*filter(None, [_charset(message)]), *_named_within(named), "utf-8"]
    common = best_charset([content for _, content, charset in parts if charset is None], charsets)
    for name, content, charset in parts:
        yield name, decode(content, charset or common)


def _parts(message: EmailMessage) -> Iterator[tuple[str, bytes, str | None]]:
    """Give name, content and charset of each part that is a field; files are none."""
    for part in list(message.iter_parts())[:_MOST_FIELDS]:
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and isinstance(content, bytes) and part.get_filename() is None:
            yield name, content, _charset(part)


def _charset(part: Message) -> str | None:
    """Return the charset that the head of a part names, if it is known."""
    return find_charset(str(part.get_param("charset", "")))
