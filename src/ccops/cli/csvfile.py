"""Tables and lists that people hand over, in a file or on stdin: read row by row, as often as needed."""

import csv
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Final

from ccops.errors import Misconfigured
from ccops.text import clean, shorten

STDIN: Final = "-"
_MOST_FAULTS: Final = 20
_MOST_HEADINGS: Final = 8
_BLOCK: Final = 1 << 16


class FileNotReadable(Misconfigured):
    """A file that was handed over can't be read."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{clean(name)} can't be read: {clean(reason)}. Nothing was sent.")


class BadLines(Misconfigured):
    """Lines of a file can't be used; all are told at once."""

    def __init__(self, name: str, faults: "Faults") -> None:
        self.mend = faults.mend
        told = [f"{clean(name)}, line {line}: {text}" if line else text for line, text in faults.first]
        more = faults.count - len(faults.first)
        told += [f"and {more:,} more like {'this' if more == 1 else 'these'}"] if more else []
        super().__init__("\n".join([*told, "Nothing was sent."]))


@dataclass(slots=True)
class Faults:
    """What is wrong with a file; the first faults are kept, the others counted."""

    first: list[tuple[int, str]] = field(default_factory=list)
    """With their lines; 0: it is in no line."""
    count: int = 0
    mend: str = ""

    def add(self, line: int, text: str, mend: str = "") -> None:
        """Note a fault, and what mends it."""
        self.count += 1
        self.mend = self.mend or mend
        if len(self.first) < _MOST_FAULTS:
            self.first.append((line, text))

    def check(self, name: str) -> None:
        """Raise BadLines if there are any."""
        if self.count:
            raise BadLines(name, self)


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or what came through a pipe, which is kept in a file without a name."""

    name: str
    """As people know it."""
    mark: str
    """By which the same is known again: the path of a file, a hash of what came through a pipe."""
    path: Path | None = None
    kept: IO[bytes] | None = None

    def lines(self) -> Iterator[str]:
        """Read the text from its beginning, with its line ends. Raises OSError, UnicodeDecodeError."""
        if self.kept is not None:
            os.lseek(self.kept.fileno(), 0, os.SEEK_SET)
        opened = self.path if self.kept is None else os.dup(self.kept.fileno())
        assert opened is not None  # noqa: S101 - it is one or the other
        with open(opened, encoding="utf-8-sig", newline="") as stream:  # noqa: PTH123 - a descriptor has no path
            yield from stream


def source_of(word: str, resources: ExitStack) -> Source:
    """Return what a word on the command line stands for; `-` is stdin. Raises FileNotReadable."""
    path = Path(word)
    try:
        if word == STDIN:
            if sys.stdin is None:
                raise FileNotReadable("stdin", "it is closed")
            return _kept("stdin", sys.stdin.buffer, resources)
        if path.exists() and not path.is_file() and not path.is_dir():  # what a shell makes of <(…) is read only once
            with path.open("rb") as stream:
                return _kept(word, stream, resources)
    except OSError as error:
        raise FileNotReadable(word, error.strerror or type(error).__name__) from error
    return Source(word, str(path.absolute()), path)


def _kept(name: str, stream: IO[bytes], resources: ExitStack) -> Source:
    kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the command
    resources.callback(kept.close)
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
        kept.write(block)
    kept.flush()
    return Source(name, digest.hexdigest(), kept=kept)


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table, and the line on which it begins."""

    line: int
    cells: Sequence[str]
    delimiter: str


def records(source: Source) -> Iterator[Record]:
    """Give the rows of a table, its heading first; empty rows are passed over. Raises FileNotReadable."""
    lines = _Numbered(source)
    line = 0
    try:
        first = next((text for text in lines if text.strip()), "")
        delimiter = _delimiter(first)
        line = lines.number
        # Strict: a quotation mark that is never closed would swallow all rows behind it.
        for cells in csv.reader(chain([first], lines), delimiter=delimiter, strict=True):
            if any(cell.strip() for cell in cells):
                yield Record(line, cells, delimiter)
            line = lines.number + 1
    except OSError as error:
        raise FileNotReadable(source.name, error.strerror or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise FileNotReadable(source.name, "it is not UTF-8 text; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise FileNotReadable(source.name, f"line {line} is no line of a CSV ({error})") from error


def headings_text(headings: Sequence[str]) -> str:
    """Quote the headings of a table for an error message, the first of them."""
    more = len(headings) - _MOST_HEADINGS
    return ", ".join(map(shorten, headings[:_MOST_HEADINGS])) + (f" and {more} more" if more > 0 else "")


class _Numbered(Iterator[str]):
    """Lines that are counted as they are taken."""

    def __init__(self, source: Source) -> None:
        self._lines = source.lines()
        self.number = 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        return line


def _delimiter(line: str) -> str:
    """Return what separates the columns: spreadsheets of many countries write semicolons, some write tabs."""
    return max(",;\t", key=line.count)
