"""The body of a POST as data: a form, JSON, or one bare number, whatever the sender says that it is."""

import codecs
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl, unquote_plus

from ccops.server.refusal import BodyUnreadable

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:.+ -]{0,39}")
_NOT_TAKEN: Final = frozenset({"utf-7", "punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined"})
"""Encodings of Python that are no charset of a text, or in which one text has several spellings."""
_ASCII: Final = "".join(map(chr, range(0x20, 0x7F)))
_LOST: Final = re.compile("[\udc80-\udcff]")
"""What stands for a byte that the charset does not have."""
_OFFSET: Final = 0xDC00


def find_charset(name: str) -> str | None:
    """Return Python's name of a charset; None if it is unknown, or not one to read a body with."""
    if not _NAME.fullmatch(name.strip()):
        return None
    try:
        found = codecs.lookup(name.strip()).name
        "a".encode(found)  # which fails for what isn't text, such as rot13
    except (LookupError, ValueError):
        return None
    return None if found.replace("_", "-") in _NOT_TAKEN else found


def decode(content: bytes, charset: str) -> str:
    """Decode a text; bytes that the charset does not have stay in it as marks, which `is_legible` finds."""
    try:
        return content.decode(charset, "surrogateescape")
    except UnicodeDecodeError:  # a charset of several bytes a character, cut short
        return content.decode("ascii", "surrogateescape")


def best_charset(contents: Sequence[bytes], charsets: Sequence[str]) -> str:
    """Return the first charset in which all texts can be read, or else the first."""
    for charset in charsets:
        if all(is_legible(decode(content, charset)) for content in contents):
            return charset
    return charsets[0]


def is_like_ascii(charset: str) -> bool:
    """Tell whether ASCII's characters are the same bytes in a charset, as they are not in UTF-16."""
    return _ASCII.encode(charset, "replace") == _ASCII.encode()


def is_legible(text: str) -> bool:
    """Tell whether all bytes of a text could be decoded."""
    return _LOST.search(text) is None


def made_legible(text: str) -> str:
    """Return a text for people: bytes that could not be decoded are read as windows-1252, the likeliest."""
    return _LOST.sub(lambda found: _guessed(ord(found[0]) - _OFFSET), text)


def _guessed(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return "\ufffd"


# ---- names in forms that stand for nested data: `customer[email]`, `items[0][email]`, `line_items[][id]`

_FORM_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_STEP: Final = re.compile(r"\[([^\[\]]*)\]")
_MOST_STEPS: Final = 20
_LONGEST: Final = 1000

PathSteps = tuple[str, ...]


def steps_of(name: str) -> PathSteps:
    """Split a name: `items[0][email]` has the steps `items`, `0`, `email`; a name without brackets is one step."""
    found = _FORM_NAME.fullmatch(name) if len(name) <= _LONGEST and "[][]" not in name else None
    steps = (found[1], *_STEP.findall(found[2])) if found else (name,)
    return steps if len(steps) <= _MOST_STEPS else (name,)


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Build nested data from a form's names and values; a value given twice counts once, different ones are a list.

    A name whose place is taken by another kind of value keeps its brackets, so that nothing is lost.
    """
    data: dict[str, Any] = {}
    for name, value in pairs:
        if not _put(data, steps_of(name), value):
            _add(data, name, value)
    return data


def _put(data: dict[str, Any], steps: PathSteps, value: str) -> bool:
    """Put a value in its place; False if something else is in the way."""
    here: Any = data
    for number, (step, after) in enumerate(itertools.pairwise(steps)):
        kind = dict if after else list
        if step == "":
            here = _last_of(here, steps[number + 1 :])
        elif isinstance(here.setdefault(step, kind()), kind):
            here = here[step]
        else:
            return False
    if isinstance(here, list):
        here.append(value)
    else:
        last = steps[-1]
        within = here.get(last)
        _add(within if isinstance(within, dict) else here, "" if isinstance(within, dict) else last, value)
    return True


def _last_of(items: list[Any], steps: PathSteps) -> Any:
    """Return the element that a name of `items[][name]` belongs to: the last, unless that has the name already."""
    if not items or not isinstance(items[-1], dict) or _has(items[-1], steps):
        items.append({})
    return items[-1]


def _has(here: Any, steps: PathSteps) -> bool:
    for step in steps:
        if not isinstance(here, dict) or step not in here:
            return False
        here = here[step]
    return not isinstance(here, list)


def _add(data: dict[str, Any], name: str, value: str) -> None:
    known = data.get(name)
    if known is None:
        data[name] = value
    elif isinstance(known, list):
        if value not in known:
            known.append(value)
    elif known != value:
        data[name] = [known, value]


# ---- the body of a POST as data: a form, JSON, or one bare number, whatever the sender says that it is

BodyData = Mapping[str, Any]
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


def parse_body(content_type: str, body: bytes, query: str = "") -> BodyData:
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


def place(data: BodyData, path: str) -> Any:
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
        raise BodyUnreadable(f"its charset {str(name)[:20]} is not known; send UTF-8")
    return charset


def _json(text: str) -> BodyData:
    if not text:
        return {}
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, ArithmeticError, RecursionError):
        raise BodyUnreadable("it is not JSON") from None
    if not isinstance(value, dict):
        raise BodyUnreadable("it is JSON, but no object")
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are no JSON


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a key twice: readers differ on which one counts (RFC 8259)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BodyUnreadable("one of its keys is there twice")
    return found


def _with_query(data: BodyData, asked: BodyData) -> BodyData:
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
        raise BodyUnreadable("it is neither a form, nor JSON, nor a number")
    if declared is not None and not is_like_ascii(declared):
        body, declared = text.encode("utf-8", "replace"), "utf-8"
    pairs = _pairs(body.strip().removeprefix(_BOM))
    return _decoded(pairs, [*filter(None, [declared]), *_named_within(pairs), "utf-8"])


def _pairs(form: bytes) -> list[tuple[bytes, bytes]]:
    """Split a form into names and values as bytes: which charset they are in may be said in one of them."""
    try:
        found = parse_qsl(form.decode("latin-1"), True, encoding="latin-1", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BodyUnreadable(f"it is a form of more than {_MOST_FIELDS} fields") from None
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
        raise BodyUnreadable("it is not a form in parts")
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
