"""A TOML file as it was read: its text, what it says, and where it says it."""

import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ccops.registry.faults import Fault
from ccops.registry.lines import Keys, Layout
from ccops.text import clean

Data = dict[str, Any]

_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_HEADER: Final = re.compile(r"\[[^\[\]#]+\]")
_KEY: Final = re.compile(r"([A-Za-z0-9_.-]{1,64}) *=")
_TWICE: Final = ("Cannot declare", "Cannot overwrite", "Duplicate inline table key", "Cannot mutate")


class NotToml(Exception):  # noqa: N818 - never leaves the room: each file has its own exception
    """A text that is no TOML, with the line and the sentence for it."""

    def __init__(self, line: int, text: str) -> None:
        self.fault = Fault(line, None, None, text)
        super().__init__(text)


@dataclass(slots=True)
class Document:
    """A text, its data, and the faults found in it so far."""

    text: str
    """Without a byte order mark."""
    data: Data
    layout: Layout
    faults: list[Fault] = field(default_factory=list)

    def fault(self, keys: Keys, text: str) -> None:
        """Note what is wrong at a key; a fault of `[fields.x]` says so, one of an operation bears its name."""
        operation = str(keys[1]) if keys[0] == "operations" and len(keys) > 1 else None
        words = [key for key in keys if isinstance(key, str)]
        where = f"[fields.{words[1]}] " if keys[0] == "fields" and len(words) > 1 else ""
        self.faults.append(Fault(self.layout.line(keys), operation, words[-1], where + text))


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
