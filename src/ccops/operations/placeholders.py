"""Placeholders: merge fields such as `[Invoice number]` that a sender should have replaced with a value."""

import re
from typing import Final

_LONGEST: Final = 400
"""Characters that are looked at; no key and no address is as long."""
_MOST_DIGITS: Final = 3
"""Digits in the name of a merge field, as in `{Name:1.3}`. Ids, such as a GUID in braces, have more."""

_MARKED: Final = re.compile(
    r"\{\{.*?\}\}|\$\{[^{}]*\}|\*\|.*?\|\*|%%[^%]*[^\W\d_][^%]*%%|\{%.*?%\}|<%.*?%>|<\?.*?\?>|\[\[.*?\]\]", re.DOTALL
)
"""Marks that stand around nothing but a placeholder, wherever they are in a text."""
_BRACKETED: Final = re.compile(r"\[([^\[\]]+)\]|\{([^{}]+)\}|<([^<>]+)>|~([^~]+)~|%(?![0-9A-Fa-f]{2})([^\W\d]\w+)%")
"""Marks that real values may have too: what is between them, and around them, decides."""
_FIELD_NAME: Final = re.compile(r"\s*[!$=%#.]?\s*[^\W\d][^@]*")
_PERCENT: Final = re.compile(r"%[^\W\d][^%]*%")
_WORD: Final = re.compile(
    r"(?<![^\W_])(?:(?i:null|undefined)|None|NaN|\[object Object\])(?![^\W_])",
)
"""What programs write for no value, as in `invoice-undefined`."""
_NOTHING: Final = frozenset(
    {"null", "undefined", "none", "nan", "nil", "(null)", "(none)", "n/a", "#n/a", "[object object]"}
)


def is_placeholder(text: str) -> bool:
    """Tell whether a text is a placeholder, or has nothing besides one that could tell two occasions apart.

    A key that differs each time has a number: `invoice-[Number]` is the same for all, `order-1042 [gift]` is not.
    In an address, words such as `null` may be a name.
    """
    value = text[:_LONGEST].strip()
    if value.casefold() in _NOTHING or _MARKED.search(value) or _PERCENT.fullmatch(value):
        return True
    rest = _BRACKETED.sub(lambda found: "" if _names_field(found) else found[0], value)
    if "@" not in value:
        rest = _WORD.sub("", rest)
    return rest != value and not any(char.isdigit() for char in rest)


def _names_field(found: re.Match[str]) -> bool:
    name = next(group for group in found.groups() if group is not None)
    return _FIELD_NAME.fullmatch(name) is not None and sum(char.isdigit() for char in name) <= _MOST_DIGITS
