"""Formulas like `min(credits + 5, 120)`: our own allow-list over Python's syntax tree, counted in Decimal.

Nothing is ever handed to Python to run. Each node that is known becomes a small function here; all else is a fault.
"""

import ast
import keyword
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Final

from ccops.errors import Misconfigured
from ccops.operations.dates import parse_date, shift
from ccops.operations.numbers import (
    DIVISION,
    EXACT,
    MOST_DIGITS,
    MOST_DIGITS_BETWEEN,
    NotANumber,
    is_blank,
    is_within,
    parse_number,
    places,
    plain,
    to_places,
)
from ccops.operations.refusal import FormulaTooLong, FormulaUnworkable, NumberOrDateUnreadable
from ccops.text import shorten

FormulaValue = Decimal | date


class Empty(Decimal):
    """An empty field: 0 in every sum, but never taken for a date that is missing."""


def show(value: FormulaValue) -> str:
    """Write a value for a person."""
    if isinstance(value, Empty):
        return "an empty field"
    return plain(value) if isinstance(value, Decimal) else value.isoformat()


def _add(left: FormulaValue, right: FormulaValue) -> FormulaValue | None:
    if isinstance(left, Decimal):
        return EXACT.add(left, right) if isinstance(right, Decimal) else shift(right, left, "formula")
    return shift(left, right, "formula") if isinstance(right, Decimal) else None


def _subtract(left: FormulaValue, right: FormulaValue) -> FormulaValue | None:
    if isinstance(left, Decimal):
        return EXACT.subtract(left, right) if isinstance(right, Decimal) else None
    if isinstance(right, Decimal):
        # `today - joined_on` must not become a date because nobody filled in `joined_on`.
        return None if isinstance(right, Empty) else shift(left, EXACT.minus(right), "formula")
    return Decimal((left - right).days)


def _multiply(left: FormulaValue, right: FormulaValue) -> FormulaValue | None:
    return EXACT.multiply(left, right) if isinstance(left, Decimal) and isinstance(right, Decimal) else None


def _divide(left: FormulaValue, right: FormulaValue) -> FormulaValue | None:
    if not (isinstance(left, Decimal) and isinstance(right, Decimal)) or not right:
        return None
    # Only a division that comes out even ends within the digits; any other fills the whole context.
    exact = EXACT.divide(left, right)
    return exact if is_within(exact, MOST_DIGITS_BETWEEN) else DIVISION.divide(left, right)


SUMS: Final[Mapping[str, Callable[[FormulaValue, FormulaValue], FormulaValue | None]]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
}

_COMPARISONS: Final[Mapping[str, Callable[[FormulaValue, FormulaValue], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def compare(sign: str, left: FormulaValue, right: FormulaValue) -> bool | None:
    """Compare two numbers or two dates."""
    if isinstance(left, Decimal) is not isinstance(right, Decimal):
        return None
    return _COMPARISONS[sign](left, right)


def pick(name: str, left: FormulaValue, right: FormulaValue) -> FormulaValue | None:
    """Return the smaller (`min`) or greater (`max`) of two numbers or two dates."""
    ordered = compare("<=" if name == "min" else ">=", left, right)
    if ordered is None:
        return None
    chosen = left if ordered else right
    return Decimal(chosen) if isinstance(chosen, Empty) else chosen


# ---- the text of a formula: which characters and words it may have, and how it becomes a syntax tree

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


# ---- formulas like `min(credits + 5, 120)`: our own allow-list over Python's syntax tree, counted in Decimal
#
# Nothing is ever handed to Python to run. Each node that is known becomes a small function here; all else is a fault.

MOST_DEPTH: Final = 25
"""How deep a formula may be nested; a sum of 26 numbers is 25 deep."""

MOST_PLACES: Final = 10
"""Places that `round` can be asked for."""

TODAY: Final = "today"
_FUNCTIONS: Final = ("min", "max", "round")
_SIGNS: Final[Mapping[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


@dataclass(slots=True)
class _Scope:
    """One evaluation: what names stand for, and the most places that any number read had."""

    values: Mapping[str, str | None]
    today: date
    places: int = 0

    def read(self, name: str) -> FormulaValue:
        text = self.values[name]
        if text is None or is_blank(text):
            return Empty(0)
        day = parse_date(text)
        return self._number(name, text) if day is None else day

    def _number(self, name: str, text: str) -> Decimal:
        try:
            number = parse_number(text, Decimal(0))
        except NotANumber as fault:
            raise NumberOrDateUnreadable(name, fault) from None
        self.places = max(self.places, places(number))
        return number


_Work = Callable[[_Scope], FormulaValue]
_Test = Callable[[_Scope], bool]


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was found good, the fields that it reads, and the most places that its own numbers have."""

    text: str
    fields: frozenset[str]
    places: int
    _work: _Work = field(repr=False, compare=False)

    def evaluate(self, values: Mapping[str, str | None], today: date, decimals: int | None = None) -> FormulaValue:
        """Work it out: a number or a date. An empty field counts as 0. Raises Unplannable.

        A number is rounded to `decimals`; if None, to the most places of the numbers that took part, so that a third
        of 10 credits is 3 credits, and `round(credits / 3, 2)` is 3.33.
        """
        scope = _Scope(values, today)
        result = self._work(scope)
        if not isinstance(result, Decimal):
            return result
        if decimals is None:
            decimals = min(places(result), max(self.places, scope.places))
        if decimals > MOST_DIGITS:
            raise FormulaTooLong(self.text, MOST_DIGITS)
        return to_places(result, decimals)


@lru_cache(maxsize=256)
def compile_formula(text: str) -> Formula:
    """Check a formula and make it ready. Raises FormulaFault, which says what is wrong and where."""
    builder = _Builder(text)
    work = builder.build(parse(text), 0)
    return Formula(text, frozenset(builder.fields), builder.places, work)


class _Builder:
    """Turns a syntax tree into functions, and notes what they will read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields: set[str] = set()
        self.places = 0

    def build(self, node: ast.expr, depth: int) -> _Work:
        if depth > MOST_DEPTH:
            raise FormulaFault(f"the formula is nested more than {MOST_DEPTH} deep", node.col_offset + 1)
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Name():
                return self._name(node)
            case ast.UnaryOp(op=ast.USub()):
                return self._minus(node, depth + 1)
            case ast.BinOp():
                return self._sum(node, depth + 1)
            case ast.IfExp(test=ast.Compare() as test):
                return self._choice(node, test, depth + 1)
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self._call(node, name, depth + 1)
        raise self._not_known(node)

    def _not_known(self, node: ast.expr) -> FormulaFault:
        return FormulaFault(_hint(node), node.col_offset + 1)

    def _literal(self, node: ast.Constant) -> _Work:
        # The source text, never the value: the parser has made a float of 0.1 already.
        number = Decimal(self.text[node.col_offset : node.end_col_offset])
        self.places = max(self.places, places(number))
        return lambda _: number

    def _name(self, node: ast.Name) -> _Work:
        name = node.id
        if name in _FUNCTIONS:
            raise FormulaFault(f'"{name}" needs its ( ); a field of this name can\'t be used', node.col_offset + 1)
        if name == TODAY:
            return lambda scope: scope.today
        self.fields.add(name)
        return lambda scope: scope.read(name)

    def _minus(self, node: ast.UnaryOp, depth: int) -> _Work:
        operand = self.build(node.operand, depth)

        def work(scope: _Scope) -> FormulaValue:
            value = operand(scope)
            return self._bounded(EXACT.minus(value) if isinstance(value, Decimal) else None, f"-({show(value)})")

        return work

    def _sum(self, node: ast.BinOp, depth: int) -> _Work:
        sign = self._sign(node, node.op)
        left, right = self.build(node.left, depth), self.build(node.right, depth)

        def work(scope: _Scope) -> FormulaValue:
            one, other = left(scope), right(scope)
            return self._bounded(SUMS[sign](one, other), f"{show(one)} {sign} {show(other)}")

        return work

    def _sign(self, node: ast.expr, op: ast.operator | ast.cmpop) -> str:
        if type(op) not in _SIGNS:
            raise self._not_known(node)
        return _SIGNS[type(op)]

    def _choice(self, node: ast.IfExp, test: ast.Compare, depth: int) -> _Work:
        holds = self._test(test, depth)
        then, otherwise = self.build(node.body, depth), self.build(node.orelse, depth)
        return lambda scope: then(scope) if holds(scope) else otherwise(scope)

    def _test(self, node: ast.Compare, depth: int) -> _Test:
        signs = [self._sign(node, op) for op in node.ops]
        sides = [self.build(side, depth) for side in (node.left, *node.comparators)]

        def holds(scope: _Scope) -> bool:
            seen = [side(scope) for side in sides]
            return all(self._compared(sign, *pair) for sign, pair in zip(signs, pairwise(seen), strict=True))

        return holds

    def _compared(self, sign: str, left: FormulaValue, right: FormulaValue) -> bool:
        holds = compare(sign, left, right)
        if holds is None:
            raise FormulaUnworkable(self.text, f"{show(left)} {sign} {show(right)}")
        return holds

    def _call(self, node: ast.Call, name: str, depth: int) -> _Work:
        if name == "round":
            return self._round(node, depth)
        if name not in _FUNCTIONS:
            raise FormulaFault(f'a formula has no function "{name}", only {", ".join(_FUNCTIONS)}', node.col_offset + 1)
        if len(node.args) < 2:  # noqa: PLR2004 - of fewer than two there is nothing to pick
            raise FormulaFault(f'"{name}" needs two values or more', node.col_offset + 1)
        return self._pick(name, [self.build(argument, depth) for argument in node.args])

    def _pick(self, name: str, candidates: list[_Work]) -> _Work:
        def work(scope: _Scope) -> FormulaValue:
            chosen, *rest = [candidate(scope) for candidate in candidates]
            for other in rest:
                chosen = self._bounded(pick(name, chosen, other), f"{name}({show(chosen)}, {show(other)})")
            return chosen

        return work

    def _round(self, node: ast.Call, depth: int) -> _Work:
        value, count = self._rounded(node)
        self.places = max(self.places, count)
        operand = self.build(value, depth)

        def work(scope: _Scope) -> FormulaValue:
            number = operand(scope)
            rounded = to_places(number, count) if isinstance(number, Decimal) else None
            return self._bounded(rounded, f"round({show(number)})")

        return work

    def _rounded(self, node: ast.Call) -> tuple[ast.expr, int]:
        match node.args:
            case [value]:
                return value, 0
            case [value, ast.Constant(value=int(count))] if count <= MOST_PLACES:
                return value, count
        what = f'"round" needs a value and, if you like, how many places: 0 to {MOST_PLACES}'
        raise FormulaFault(what, node.col_offset + 1)

    def _bounded(self, result: FormulaValue | None, expression: str) -> FormulaValue:
        if result is None:
            raise FormulaUnworkable(self.text, expression)
        if isinstance(result, Decimal) and not is_within(result, MOST_DIGITS_BETWEEN):
            raise FormulaTooLong(self.text, MOST_DIGITS_BETWEEN)
        return result


def _hint(node: ast.expr) -> str:
    match node:
        case ast.Compare():
            return "a comparison belongs between if and else"
        case ast.IfExp():
            return "after if a comparison is needed, such as credits > 3"
        case ast.UnaryOp():
            return "a + needs something on its left"
    return "a formula can't have this"
