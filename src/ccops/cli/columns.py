"""Rows in columns: aligned and wrapped for a terminal, tab-separated and whole for a pipe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from ccops.cli.styles import Line, Part, Styled, cleaned, fold, like, text_of, width_of

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


@dataclass(frozen=True, slots=True)
class Remark:
    """What stands under a row on a terminal: a text from a column on, and one in the last column if there is room."""

    column: int
    text: Part
    last: Part = ""


def layout(
    columns: Sequence[Column], rows: Sequence[Row], width: int | None, remarks: Sequence[Remark] = ()
) -> Iterator[Line]:
    """Lay rows out in `width` cells under a line of titles; for a pipe (None) as bare tab-separated lines.

    At most one column may wrap. Nothing is cut: where even wrapping does not help, lines are longer than `width`.
    `remarks` are one for each row, or none at all; a pipe does not get them.
    """
    tidy = [[cleaned(part) for part in row] for row in rows]
    if width is None:
        return (("\t".join(map(text_of, row)),) for row in tidy)
    return _aligned(columns, tidy, width, remarks) if tidy else iter(())


def _aligned(columns: Sequence[Column], rows: Sequence[Row], width: int, remarks: Sequence[Remark]) -> Iterator[Line]:
    widths, beneath = _measure(columns, rows, width)
    shown = [place for place in range(len(columns)) if place != beneath]
    sides = [(widths[place], columns[place].right) for place in shown]
    titles = _padded(sides, [columns[place].title for place in shown])
    yield (Styled("".join(map(text_of, titles)), "bold"),)
    for row, remark in zip_longest(rows, remarks):
        cells = [_pieces(row[place], widths[place] if columns[place].wraps else None) for place in shown]
        for pieces in zip_longest(*cells, fillvalue=""):
            yield _padded(sides, pieces)
        if beneath is not None and text_of(row[beneath]):
            yield from ((_BENEATH, piece) for piece in _pieces(row[beneath], max(width - 4, _ROOM_TO_WRAP)))
        if remark is not None:
            yield from _remarked(remark, [side for side, _ in sides], width)


def _remarked(remark: Remark, widths: Sequence[int], width: int) -> Iterator[Line]:
    """Put a remark under its row; its last part goes on a line of its own where the last column is taken."""
    indent, place = (sum(widths[:column]) + len(_GAP) * column for column in (remark.column, len(widths) - 1))
    text, last = cleaned(remark.text), cleaned(remark.last)
    pieces = _pieces(text, max(width - indent, _ROOM_TO_WRAP)) if text_of(text) else []
    fill = place - indent - sum(width_of(text_of(piece)) for piece in pieces)
    beside = len(pieces) <= 1 and fill >= min(len(pieces), 1) * len(_GAP) and place + width_of(text_of(last)) <= width
    if text_of(last) and beside:
        yield (" " * indent, *pieces, " " * fill, last)
        return
    yield from ((" " * indent, piece) for piece in [*pieces, *([last] if text_of(last) else [])])


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
    return [part] if width is None else [like(part, line) for line in fold(text_of(part), width)]
