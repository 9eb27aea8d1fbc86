"""Text from outside, made safe for people's eyes."""

import re
import unicodedata
from typing import Final

_FORMULAS: Final = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""The last four are the first, as wide as a Chinese character."""
_NUMBER: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
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


def csv_safe(text: str) -> str:
    """Make a text safe as a cell of CSV: a spreadsheet shows it, and never runs it as a formula.

    What would begin a formula gets an apostrophe before it, as https://owasp.org/www-community/attacks/CSV_Injection
    advises; a plain number stays one.
    """
    shown = clean(text)
    begins = shown.lstrip()[:1] in _FORMULAS if shown else False
    return f"'{shown}" if begins and not _NUMBER.fullmatch(shown) else shown


def from_safe_csv(cell: str) -> str:
    """Return the text of a cell that `csv_safe` may have made, where that held nothing to clean."""
    return cell[1:] if cell.startswith("'") and csv_safe(cell[1:]) == cell else cell


LONGEST_QUOTE: Final = 40
"""Characters of a value that an error message quotes, unless it says otherwise."""


def shorten(text: str, limit: int = LONGEST_QUOTE) -> str:
    """Quote a value for an error message: cleaned, at most `limit` characters, and said to be cut if it was."""
    cleaned = clean(text[: limit + 1])
    return f'"{cleaned}"' if len(text) <= limit else f'"{clean(text[:limit])}…" ({len(text)} characters)'
