"""Rows in columns: aligned and wrapped for a terminal, tab-separated and whole for a pipe."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from ccops.cli.styles import Line, Part, Styled, cleaned, like, text_of, width_of

_GAP: Final = "  "
_BENEATH: Final = "    "
_ROOM_TO_WRAP: Final = 24
"""Cells below which a wrapping column is unreadable beside the others and goes beneath them."""

Row = Sequence[Part]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, whether its text may wrap (else it stays whole), and whether it stands right."""

    title: str
    wraps: bool = False
    right: bool = False


def layout(columns: Sequence[Column], rows: Sequence[Row], width: int | None) -> Iterator[Line]:
    """Lay rows out in `width` cells under a line of titles; for a pipe (None) as bare tab-separated lines.

    At most one column may wrap. Nothing is cut: where even wrapping does not help, lines are longer than `width`.
    """
    tidy = [[cleaned(part) for part in row] for row in rows]
    if width is None:
        return (("\t".join(map(text_of, row)),) for row in tidy)
    return _aligned(columns, tidy, width) if tidy else iter(())


def _aligned(columns: Sequence[Column], rows: Sequence[Row], width: int) -> Iterator[Line]:
    widths, beneath = _measure(columns, rows, width)
    shown = [place for place in range(len(columns)) if place != beneath]
    sides = [(widths[place], columns[place].right) for place in shown]
    titles = _padded(sides, [columns[place].title for place in shown])
    yield (Styled("".join(map(text_of, titles)), "bold"),)
    for row in rows:
        cells = [_pieces(row[place], widths[place] if columns[place].wraps else None) for place in shown]
        for pieces in zip_longest(*cells, fillvalue=""):
            yield _padded(sides, pieces)
        if beneath is not None and text_of(row[beneath]):
            yield from ((_BENEATH, piece) for piece in _pieces(row[beneath], max(width - 4, _ROOM_TO_WRAP)))


def _measure(columns: Sequence[Column], rows: Sequence[Row], width: int) -> tuple[list[int], int | None]:
    """Return the columns' widths, and the one that has to go beneath the others for want of room."""
    widths = [
        max(width_of(column.title), *(width_of(text_of(row[place])) for row in rows))
        for place, column in enumerate(columns)
    ]
    for place, column in enumerate(columns):
        if column.wraps:
            room = width - sum(widths) + widths[place] - len(_GAP) * (len(columns) - 1)
            if room < min(widths[place], _ROOM_TO_WRAP):
                return widths, place
            widths[place] = min(widths[place], room)
    return widths, None


def _padded(sides: Sequence[tuple[int, bool]], cells: Sequence[Part]) -> Line:
    """Put cells of one line side by side, without blanks at its end."""
    last = max((place for place, cell in enumerate(cells) if text_of(cell)), default=0)
    parts: list[Part] = []
    for place, ((width, right), cell) in enumerate(zip(sides, cells, strict=True)):
        if place <= last:
            fill = " " * (width - width_of(text_of(cell)))
            parts += [_GAP] if place else []
            parts += [fill, cell] if right else [cell, fill if place < last else ""]
    return tuple(parts)


def _pieces(part: Part, width: int | None) -> list[Part]:
    """Break a text between words into lines; a longer word (an address, an id) stays whole."""
    text = text_of(part)
    if width is None or width_of(text) <= width:
        return [part]
    narrow = max(width * len(text) // width_of(text), 1)
    lines = textwrap.wrap(text, narrow, break_long_words=False, break_on_hyphens=False)
    return [like(part, line) for line in lines]
