"""Charsets: text from bytes as the sender declares it, without losing a POST for bytes that don't matter."""

import codecs
import re
from collections.abc import Sequence
from typing import Final

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
