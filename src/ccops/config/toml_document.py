"""A TOML file as it was read: its text, what it says, and where it says it."""

import re
import tomllib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ccops.config.errors import FileFault
from ccops.text import clean

Keys = tuple[str | int, ...]
"""The way to a value from the top of the file; a number is a place in a list."""

_GAP: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BLANKS: Final = re.compile(r"[ \t]*")
_DOT: Final = re.compile(r"[ \t]*\.[ \t]*")
_LINE_KEY: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_SCALAR: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*"
    r"|[^\s,\]}#]+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class TableHeader:
    """A line such as `[operations.x]`; offsets are from its first bracket to behind its last."""

    keys: Keys
    start: int
    end: int

    @property
    def table(self) -> Keys:
        """The table that the keys below it are relative to."""
        return self.keys


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A statement `key = value` of its own line, with the header that it stands under."""

    keys: Keys
    header: TableHeader | None
    start: int
    value: int
    end: int

    @property
    def table(self) -> Keys:
        """The table that the line's key is relative to."""
        return self.header.keys if self.header else ()


class Layout:
    """All headers and statements of a text that tomllib accepts, in their order, and the line of each key."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.headers: list[TableHeader] = []
        self.pairs: list[KeyValue] = []
        self._starts: dict[Keys, int] = {}
        self._newlines = [found.start() for found in re.finditer("\n", text)]
        _Scan(self).run()

    def note(self, keys: Keys, start: int) -> None:
        """Remember where a key and the tables above it are first spoken of."""
        for length in range(1, len(keys) + 1):
            self._starts.setdefault(keys[:length], start)

    def line(self, keys: Keys) -> int:
        """Return the line (from 1) of a key, or of the nearest table around it that the text has."""
        while keys and keys not in self._starts:
            keys = keys[:-1]
        return self.line_at(self._starts.get(keys, 0))

    def line_at(self, offset: int) -> int:
        """Return the line (from 1) of an offset."""
        return bisect_left(self._newlines, offset) + 1


class _Scan:
    """One walk over a text, filling a layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.text = layout.text
        self.at = 0
        self.header: TableHeader | None = None
        self.lengths: Counter[Keys] = Counter()

    def run(self) -> None:
        while self.skip(_GAP) < len(self.text):
            if self.text[self.at] == "[":
                self.head()
            else:
                self.pair()

    def skip(self, pattern: re.Pattern[str]) -> int:
        if found := pattern.match(self.text, self.at):
            self.at = found.end()
        return self.at

    def take(self, pattern: re.Pattern[str]) -> str:
        start = self.at
        return self.text[start : self.skip(pattern)]

    def head(self) -> None:
        start = self.at
        bracket = "[[" if self.text.startswith("[[", start) else "["
        self.at += len(bracket)
        keys = self.dotted()
        self.at += len(bracket)
        self.header = TableHeader(self.resolve(keys, element=bracket == "[["), start, self.at)
        self.layout.headers.append(self.header)
        self.layout.note(self.header.keys, start)

    def resolve(self, keys: Keys, *, element: bool) -> Keys:
        """Put in which element of a list of tables (`[[…]]`) a header speaks of: the latest, or a new one."""
        done: Keys = ()
        for place, key in enumerate(keys):
            done += (key,)
            if element and place == len(keys) - 1:
                self.lengths[done] += 1
            if self.lengths[done]:
                done += (self.lengths[done] - 1,)
        return done

    def pair(self) -> None:
        start = self.at
        keys = (self.header.keys if self.header else ()) + self.dotted()
        self.layout.note(keys, start)
        self.at += 1
        value = self.skip(_BLANKS)
        self.value(keys)
        self.layout.pairs.append(KeyValue(keys, self.header, start, value, self.at))

    def dotted(self) -> Keys:
        """Take a key such as `a."b c".d` with the blanks around it."""
        self.skip(_BLANKS)
        keys: Keys = (_bare(self.take(_LINE_KEY)),)
        while self.take(_DOT):
            keys += (_bare(self.take(_LINE_KEY)),)
        self.skip(_BLANKS)
        return keys

    def value(self, keys: Keys) -> None:
        if self.text[self.at] == "[":
            self.array(keys)
        elif self.text[self.at] == "{":
            self.inline(keys)
        else:
            self.skip(_SCALAR)

    def array(self, keys: Keys) -> None:
        for place, _ in enumerate(self.elements("]")):
            self.layout.note((*keys, place), self.at)
            self.value((*keys, place))

    def inline(self, keys: Keys) -> None:
        for _ in self.elements("}"):
            start = self.at
            inner = keys + self.dotted()
            self.layout.note(inner, start)
            self.at += 1
            self.skip(_BLANKS)
            self.value(inner)

    def elements(self, close: str) -> Iterator[None]:
        """Stop at each element of a list or inline table; the caller takes it."""
        self.at += 1
        self.skip(_GAP)
        while self.text[self.at] != close:
            yield
            self.skip(_GAP)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(_GAP)
        self.at += 1


def _bare(key: str) -> str:
    if key[:1] not in {'"', "'"}:
        return key
    return next(iter(tomllib.loads(f"{key} = 0")))


# ---- A TOML file as it was read: its text, what it says, and where it says it

Data = dict[str, Any]

_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_HEADER: Final = re.compile(r"\[[^\[\]#]+\]")
_KEY: Final = re.compile(r"([A-Za-z0-9_.-]{1,64}) *=")
_TWICE: Final = ("Cannot declare", "Cannot overwrite", "Duplicate inline table key", "Cannot mutate")


class NotToml(Exception):  # noqa: N818 - never leaves the room: each file has its own exception
    """A text that is no TOML, with the line and the sentence for it."""

    def __init__(self, line: int, text: str) -> None:
        self.fault = FileFault(line, None, None, text)
        super().__init__(text)


@dataclass(slots=True)
class Document:
    """A text, its data, and the faults found in it so far."""

    text: str
    """Without a byte order mark."""
    data: Data
    layout: Layout
    faults: list[FileFault] = field(default_factory=list)

    def fault(self, keys: Keys, text: str) -> None:
        """Note what is wrong at a key; a fault of `[fields.x]` says so, one of an operation bears its name."""
        operation = str(keys[1]) if keys[0] == "operations" and len(keys) > 1 else None
        words = [key for key in keys if isinstance(key, str)]
        where = f"[fields.{words[1]}] " if keys[0] == "fields" and len(words) > 1 else ""
        self.faults.append(FileFault(self.layout.line(keys), operation, words[-1], where + text))


def parse_toml(text: str) -> Document:
    """Parse a text, numbers as Decimal, never float. Raises NotToml."""
    _, text = split_mark(text)
    try:
        text.encode()
        data = tomllib.loads(text, parse_float=_decimal)
        return Document(text, data, Layout(text))
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(str(error), text) from None
    except UnicodeEncodeError as error:
        raise NotToml(text.count("\n", 0, error.start) + 1, "a character here is no UTF-8") from None
    except RecursionError:
        raise NotToml(0, "lists or tables are nested too deeply") from None
    except ValueError:
        raise NotToml(0, "a number has thousands of digits, or a date does not exist") from None


def split_mark(text: str) -> tuple[str, str]:
    """Return the byte order mark at the beginning of a text, if it has one, and the rest."""
    rest = text.removeprefix("\ufeff")
    return text[: len(text) - len(rest)], rest


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent past all bounds; refused with the infinities
        return Decimal("inf")


def _not_toml(message: str, text: str) -> NotToml:
    place = _PLACE.search(message)
    last = text.rstrip().count("\n") + 1
    line = int(place[1]) if place and place[1] else last
    said = _PLACE.sub("", message)
    if said.startswith(_TWICE):
        return NotToml(line, f"{_named(text, line)} stands in the file a second time")
    return NotToml(line, f"this is not TOML ({said}); a text stands in quotes, a list in [ ]")


def _named(text: str, line: int) -> str:
    """Name the table or key of a line, and the line on which a table stood first."""
    lines = [each.strip() for each in text.split("\n")]
    if header := _HEADER.match(lines[line - 1]):
        first = next(number for number, each in enumerate(lines, 1) if each.startswith(header[0]))
        return clean(header[0]) + (f", first on line {first}," if first < line else "")
    if key := _KEY.match(lines[line - 1]):
        return f'"{clean(key[1])}"'
    return "this table or key"
