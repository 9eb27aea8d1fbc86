"""The text of a formula: which characters and words it may have, and how it becomes a syntax tree."""

import ast
import keyword
import re
from typing import Final

from ccops.errors import Misconfigured
from ccops.operations.numbers import MOST_DIGITS
from ccops.text import shorten

MOST_CHARACTERS: Final = 500

_TOKEN: Final = re.compile(
    r"[ \t\r\n]+"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)(?![\w.])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?![\w.])"
    r"|<=|>=|==|!=|\*(?!\*)|/(?!/)|[-+()<>,]"
)
_UNREADABLE: Final = re.compile(r"\*\*|//|[\w.]+|.", re.DOTALL)
_OUR_KEYWORDS: Final = frozenset({"if", "else"})


class FormulaFault(Misconfigured):
    """A formula can't be used: what is wrong, and `at` which character, counted from 1."""

    mend = (
        "a formula has + - * / ( ), min max round, numbers, keys of fields, today, "
        "and a choice like: credits - 3 if credits > 3 else 0"
    )

    def __init__(self, what: str, at: int = 1) -> None:
        self.what = what
        self.at = at
        super().__init__(f"{what} (character {at})")


def parse(text: str) -> ast.expr:
    """Check characters and words, and parse; the tree's columns count from 0 in `text`. Raises FormulaFault."""
    if len(text) > MOST_CHARACTERS:
        raise FormulaFault(f"a formula may have {MOST_CHARACTERS} characters, not {len(text)}", MOST_CHARACTERS + 1)
    if not text.strip():
        raise FormulaFault("the formula is empty")
    _check_tokens(text)
    return _tree(text)


def _check_tokens(text: str) -> None:
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            _refuse(text, position)
        elif token["number"]:
            _check_number(token["number"], position + 1)
        elif token["name"]:
            _check_name(token["name"], position + 1)
        position = token.end() if token else len(text)


def _refuse(text: str, position: int) -> None:
    found = _UNREADABLE.match(text, position)
    raise FormulaFault(f"a formula can't have {shorten(found[0] if found else '')}", position + 1)


def _check_number(number: str, at: int) -> None:
    if len(number.replace(".", "")) > MOST_DIGITS:
        raise FormulaFault(f"a number may have {MOST_DIGITS} digits", at)


def _check_name(name: str, at: int) -> None:
    # A field may well be called `class` or `from`, but the parser takes these words for its own.
    if keyword.iskeyword(name) and name not in _OUR_KEYWORDS:
        raise FormulaFault(f"a formula can't have the word \"{name}\"; a field of this name can't be used", at)


def _tree(text: str) -> ast.expr:
    # One line, and nothing in front of it, or the parser takes blanks for indentation.
    lead = len(text) - len(text.lstrip())
    line = re.sub(r"\s", " ", text[lead:])
    try:
        tree = ast.parse(line, mode="eval").body
    except SyntaxError as fault:
        raise FormulaFault("the formula can't be read from here on", lead + max(fault.offset or 1, 1)) from None
    except (ValueError, MemoryError, RecursionError):
        raise FormulaFault("the formula is nested too deep") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            node.col_offset += lead
            node.end_col_offset = (node.end_col_offset or 0) + lead
    return tree
