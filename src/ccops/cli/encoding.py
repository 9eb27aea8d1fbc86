"""In which encoding a text was saved, as its first bytes tell."""

import codecs
from typing import Final

SAMPLE: Final = 1 << 12
"""So many bytes tell."""
UTF_8: Final = "utf-8-sig"
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SHARE: Final = 8
"""If more than one byte of so many is zero, the text is UTF-16: every Latin letter, digit and comma has one there."""


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text that begins with these bytes: UTF-16 or UTF-32 if they say so, else UTF-8."""
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        return marked
    first, second = head[::2].count(0), head[1::2].count(0)
    if max(first, second) * _SHARE <= len(head):
        return UTF_8
    return "utf-16-be" if first > second else "utf-16-le"
