"""Tables and lists that people hand over, in a file or on stdin: read row by row, as often as needed."""

import codecs
import csv
import hashlib
import os
import re
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final

from ccops.errors import Misconfigured
from ccops.text import clean, shorten, tidy

DELIMITER_SAMPLE: Final = 20
"""So many lines tell."""
_USUAL: Final = ",;\t"
"""Spreadsheets of many countries write semicolons, some write tabs."""
_DECLARED: Final = re.compile(r"\"?sep=([^\w\"])\"?[\s,;]*", re.IGNORECASE)


def declared(line: str) -> str | None:
    """Return the delimiter that a line such as `sep=;`, which Excel reads, declares; None for any other line."""
    found = _DECLARED.fullmatch(line.strip("\ufeff\r\n"))
    return found[1] if found else None


def delimiter_of(lines: Sequence[str]) -> str:
    """Return the delimiter of a table that begins with these lines.

    It is the one by which the heading has several cells, and most of the rows below have as many; of what stands in
    quotation marks nothing is counted.
    """
    return max(_USUAL, key=lambda each: _fit(lines, each))


def _fit(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    """Say how many rows have as many cells as the heading, and how many it has; (0, 0) if it has no two."""
    heading, *rows = [*_widths(lines, delimiter)] or [0]
    return (rows.count(heading), heading) if heading > 1 else (0, 0)


def _widths(lines: Sequence[str], delimiter: str) -> Iterator[int]:
    try:
        for cells in csv.reader(lines, delimiter=delimiter, strict=True):
            if cells:
                yield len(cells)
    except csv.Error:  # by this delimiter it is no table, or the lines end in the midst of a cell
        return


# ---- in which encoding a text was saved, as its first bytes tell

ENCODING_SAMPLE: Final = 1 << 12
"""So many bytes tell."""
UTF_8: Final = "utf-8-sig"
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SHARE: Final = 8
"""If more than one byte of so many is zero, the text is UTF-16: every Latin letter, digit and comma has one there."""


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text that begins with these bytes: UTF-16 or UTF-32 if they say so, else UTF-8."""
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        return marked
    first, second = head[::2].count(0), head[1::2].count(0)
    if max(first, second) * _SHARE <= len(head):
        return UTF_8
    return "utf-16-be" if first > second else "utf-16-le"


# ---- tables and lists that people hand over, in a file or on stdin: read row by row, as often as needed

STDIN: Final = "-"
_MOST_FAULTS: Final = 20
_MOST_HEADINGS: Final = 8
_BLOCK: Final = 1 << 16
_NO_TEXT: Final = {
    True: "it is not UTF-8 text; save it as CSV in UTF-8",
    False: "it begins as UTF-16 text, but does not go on as such; save it as CSV in UTF-8",
}
"""By whether it was taken for UTF-8."""


class FileNotReadable(Misconfigured):
    """A file that was handed over can't be read."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{clean(name)} can't be read: {clean(reason)}. Nothing was sent.")


class BadLines(Misconfigured):
    """Lines of a file can't be used; all are told at once."""

    def __init__(self, name: str, faults: "CsvFaults") -> None:
        self.mend = faults.mend
        told = [f"{clean(name)}, line {line}: {text}" if line else text for line, text in faults.first]
        more = faults.count - len(faults.first)
        told += [f"and {more:,} more like {'this' if more == 1 else 'these'}"] if more else []
        super().__init__("\n".join([*told, "Nothing was sent."]))


@dataclass(slots=True)
class CsvFaults:
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


@dataclass(slots=True)
class CsvSource:
    """A file, or what came through a pipe, which is kept in a file without a name."""

    name: str
    """As people know it."""
    mark: str
    """By which the same is known again: the path of a file, a hash of what came through a pipe."""
    path: Path | None = None
    kept: IO[bytes] | None = None
    encoding: str = UTF_8
    """That of the text, once it was read."""

    def lines(self) -> Iterator[str]:
        """Read the text from its beginning, with its line ends. Raises OSError, UnicodeError."""
        with self._opened() as stream:
            self.encoding = encoding_of(stream.read(ENCODING_SAMPLE))
        with TextIOWrapper(self._opened(), encoding=self.encoding, newline="") as text:
            yield from text

    def _opened(self) -> IO[bytes]:
        if self.kept is not None:
            os.lseek(self.kept.fileno(), 0, os.SEEK_SET)
        opened = self.path if self.kept is None else os.dup(self.kept.fileno())
        assert opened is not None  # noqa: S101 - it is one or the other
        return open(opened, "rb")  # noqa: PTH123 - a descriptor has no path; the caller closes it


def source_of(word: str, resources: ExitStack) -> CsvSource:
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
    return CsvSource(word, str(path.absolute()), path)


def _kept(name: str, stream: IO[bytes], resources: ExitStack) -> CsvSource:
    kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the command
    resources.callback(kept.close)
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
        kept.write(block)
    kept.flush()
    return CsvSource(name, digest.hexdigest(), kept=kept)


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table, and the line on which it begins."""

    line: int
    cells: Sequence[str]
    delimiter: str
    declares: bool = False
    """Whether a line such as `sep=;` above the heading says what the delimiter is."""

    def cell(self, place: int) -> str:
        """Return what stands in a column, without what no eye can see around it; a short row ends in empty cells."""
        return tidy(self.cells[place]) if place < len(self.cells) else ""


def records(source: CsvSource) -> Iterator[Record]:
    """Give the rows of a table, its heading first; empty rows are passed over. Raises FileNotReadable."""
    lines = _Numbered(source)
    line = 0
    try:
        first = _filled(lines)
        said = declared(first)
        first = first if said is None else _filled(lines)
        delimiter = said or delimiter_of([first, *lines.peek(DELIMITER_SAMPLE)])
        line = lines.number
        # Strict: a quotation mark that is never closed would swallow all rows behind it.
        for cells in csv.reader(chain([first], lines), delimiter=delimiter, strict=True):
            if any(tidy(cell) for cell in cells):
                yield Record(line, cells, delimiter, said is not None)
            line = lines.number + 1
    except OSError as error:
        raise FileNotReadable(source.name, error.strerror or type(error).__name__) from error
    except UnicodeError as error:
        raise FileNotReadable(source.name, _NO_TEXT[source.encoding == UTF_8]) from error
    except csv.Error as error:
        raise FileNotReadable(source.name, f"line {line} is no line of a CSV ({error})") from error


def _filled(lines: Iterator[str]) -> str:
    """Return the next line that is not empty."""
    return next((text for text in lines if tidy(text)), "")


def headings_text(headings: Sequence[str]) -> str:
    """Quote the headings of a table for an error message, the first of them."""
    more = len(headings) - _MOST_HEADINGS
    return ", ".join(map(shorten, headings[:_MOST_HEADINGS])) + (f" and {more} more" if more > 0 else "")


class _Numbered(Iterator[str]):
    """Lines that are counted as they are taken."""

    def __init__(self, source: CsvSource) -> None:
        self._lines = source.lines()
        self._ahead = deque[str]()
        self.number = 0

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self.number += 1
        return line

    def peek(self, count: int) -> list[str]:
        """Return the next lines without taking them."""
        self._ahead.extend(islice(self._lines, count - len(self._ahead)))
        return list(self._ahead)
