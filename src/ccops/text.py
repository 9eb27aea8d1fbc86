"""Text from outside, made safe for people's eyes."""

import unicodedata
from typing import Final

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean(text: str) -> str:
    r"""Replace what a terminal would act on (controls, escapes, direction overrides) by visible codes like `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _UNSAFE else char for char in text
    )


def address_key(email: str) -> str:
    """Return what two spellings of one e-mail address share: case alone is no difference, ß and ss are one."""
    return email.lower()


def same_address(one: str, other: str) -> bool:
    """Say whether two texts are one e-mail address."""
    return address_key(one) == address_key(other)


LONGEST_QUOTE: Final = 40
"""Characters of a value that an error message quotes, unless it says otherwise."""


def shorten(text: str, limit: int = LONGEST_QUOTE) -> str:
    """Quote a value for an error message: cleaned, at most `limit` characters, and said to be cut if it was."""
    cleaned = clean(text[: limit + 1])
    return f'"{cleaned}"' if len(text) <= limit else f'"{clean(text[:limit])}…" ({len(text)} characters)'
