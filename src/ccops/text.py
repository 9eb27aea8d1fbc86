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


def tidy(text: str) -> str:
    """Return a text with its letters composed, and without blanks and invisible characters around it.

    Spreadsheets, web pages and macOS add what no eye can see: no-break and zero-width spaces, and an ä of two
    characters. Two texts that look the same have to be the same for every look-up.
    """
    if text.isascii():
        return text.strip()
    composed = unicodedata.normalize("NFC", text)
    start, end = 0, len(composed)
    while start < end and _is_unseen(composed[start]):
        start += 1
    while start < end and _is_unseen(composed[end - 1]):
        end -= 1
    return composed[start:end]


def folded(text: str) -> str:
    """Return what all spellings of a name share: case is no difference, nor is what `tidy` evens out."""
    return unicodedata.normalize("NFC", tidy(text).casefold())


def _is_unseen(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Cf"


def address_key(email: str) -> str:
    """Return what two spellings of one e-mail address share: neither case nor composed letters are a difference."""
    return unicodedata.normalize("NFC", email).lower()


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


def text_fault(text: str, longest: int) -> str | None:
    """Say why a text from outside can't be kept as one, in words that follow its name; None if it can."""
    if not is_unicode(text):
        return "is not UTF-8 text"
    if "\0" in text:
        return "has a zero byte in it"
    return f"is too long: {len(text):,} characters, of {longest:,} at most" if len(text) > longest else None


def is_unicode(text: str) -> bool:
    """Tell whether a text holds characters only, not the bytes of another encoding that Python could not read."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
