"""What separates the columns of a table."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Final

SAMPLE: Final = 20
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
