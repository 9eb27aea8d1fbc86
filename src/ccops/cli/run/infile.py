"""Contacts in a file: a CSV with a column `email` or `id`, or one contact a line."""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from ccops.cli.contacts import NoContact, contact_of
from ccops.errors import Misconfigured
from ccops.text import address_key, clean, shorten

STDIN: Final = "-"
_COLUMNS: Final = ("id", "email", "email_address", "e-mail", "subscriber_id")
"""Headings under which contacts stand, the surest first; the last three are those of Kit's own exports."""
_MOST_FAULTS: Final = 10


class FileNotReadable(Misconfigured):
    """The file with the contacts can't be read."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{clean(name)} can't be read: {clean(reason)}. Nothing was sent.")


class NoColumn(Misconfigured):
    """A CSV has no column that names contacts."""

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        there = ", ".join(shorten(column) for column in columns[:8])
        super().__init__(
            f'{clean(name)} has no column "email" or "id"; its first line has {there}. Nothing was sent. Give one of '
            "its columns that heading."
        )


class BadLines(Misconfigured):
    """Lines of a file name no contact; all are told at once."""

    def __init__(self, name: str, faults: Sequence[tuple[int, str]], count: int) -> None:
        told = "\n".join(f"{clean(name)}, line {number}: {text}" for number, text in faults)
        more = f"\nand {count - len(faults):,} more lines" if count > len(faults) else ""
        super().__init__(f"{told}{more}\nNothing was sent.")


@dataclass(frozen=True, slots=True)
class InFile:
    """The contacts of a text that was read whole, or of a file that is read line by line."""

    name: str
    """As people know it."""
    path: Path | None
    text: str
    """What stood on stdin; a file is read anew each time."""
    count: int

    shows_each = False
    in_order = False
    widest = 0

    def contacts(self) -> Iterator[int | str]:
        """Give each contact once, however often it stands there."""
        known = set[str]()
        for _, word in _words(self.name, self.path, self.text):
            who = contact_of(word)
            key = address_key(str(who))
            if key not in known:
                known.add(key)
                yield who


def read(word: str) -> InFile:
    """Read a file, or stdin for `-`, and check all of it. Raises FileNotReadable, NoColumn, BadLines."""
    name = "stdin" if word == STDIN else word
    path = None if word == STDIN else Path(word)
    text = sys.stdin.read() if path is None else ""
    known, faults, count = set[str](), list[tuple[int, str]](), 0
    for number, found in _words(name, path, text):
        try:
            known.add(address_key(str(contact_of(found))))
        except NoContact:
            count += 1
            if len(faults) < _MOST_FAULTS:
                faults.append((number, f"{shorten(found)} is neither an e-mail address nor Kit's id of a contact"))
    if faults:
        raise BadLines(name, faults, count)
    return InFile(name, path, text, len(known))


def _words(name: str, path: Path | None, text: str) -> Iterator[tuple[int, str]]:
    """Give the words that should name contacts, with their lines; empty lines are passed over."""
    try:
        if path is None:
            yield from _cells(name, text.splitlines(keepends=True))
            return
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from _cells(name, stream)
    except OSError as error:
        raise FileNotReadable(name, error.strerror or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise FileNotReadable(name, "it is not UTF-8 text; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise FileNotReadable(name, f"it is no CSV ({error})") from error


def _cells(name: str, stream: Iterable[str]) -> Iterator[tuple[int, str]]:
    lines = _Numbered(iter(stream))
    first = next((line for line in lines if line.strip()), "")
    heads = next(csv.reader([first], delimiter=_delimiter(first)), [])
    heading = [head.strip().lower() for head in heads]
    columns = [heading.index(column) for column in _COLUMNS if column in heading]
    if columns:
        for row in csv.reader(lines, delimiter=_delimiter(first)):
            words = [row[column].strip() for column in columns if column < len(row)]
            if any(cell.strip() for cell in row):
                yield lines.number, next((word for word in words if word), "")
        return
    if len(heads) > 1:
        raise NoColumn(name, heads)
    for line in chain([first], lines):
        if line.strip() and not line.startswith("#"):
            yield lines.number, line.strip()


class _Numbered(Iterator[str]):
    """Lines that are counted as they are taken."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.number = 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        return line


def _delimiter(line: str) -> str:
    """Return what separates the columns: spreadsheets of many countries write semicolons, some write tabs."""
    return max(",;\t", key=line.count)
