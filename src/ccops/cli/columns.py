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

_TALLEST: Final = 3
"""Lines of a wrapped cell above which it is easier to read beneath the others."""

_FEW: Final = 3
"""One in so many rows may stick out of its columns before another column has to go beneath the others."""

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

    At most one column may wrap. Nothing is cut: a cell that nothing else makes room for is followed by a new line, and
    only where even that does not help, lines are longer than `width`.
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
        below = [row[beneath]] if beneath is not None and text_of(row[beneath]) else []
        for place, pieces in enumerate(cells):
            if len(pieces) > _TALLEST:
                below.append(row[shown[place]])
                cells[place] = [""]
        yield from _lines(sides, cells, width)
        for part in below:
            yield from ((_BENEATH, piece) for piece in _pieces(part, max(width - len(_BENEATH), _ROOM_TO_WRAP)))
        if remark is not None:
            yield from _remarked(remark, [side for side, _ in sides], width)


def _lines(sides: Sequence[tuple[int, bool]], cells: Sequence[list[Part]], width: int) -> Iterator[Line]:
    """Lay a row out; after a cell that is wider than its column, the others go on below, each in its own column."""
    empty: list[list[Part]] = [[] for _ in cells]
    line, start = list(empty), 0
    for place, (pieces, (room, _)) in enumerate(zip(cells, sides, strict=True)):
        taken = width_of(text_of(pieces[0])) if len(pieces) == 1 else 0
        if taken > room and start and start + taken > width:
            yield from _side_by_side(sides, line)
            yield (_BENEATH, *pieces)
            line = list(empty)
        else:
            line[place] = pieces
        if taken > room and any(line):
            yield from _side_by_side(sides, line)
            line = list(empty)
        start += room + len(_GAP)
    yield from _side_by_side(sides, line)


def _side_by_side(sides: Sequence[tuple[int, bool]], cells: Sequence[list[Part]]) -> Iterator[Line]:
    if any(text_of(piece) for pieces in cells for piece in pieces):
        yield from (_padded(sides, pieces) for pieces in zip_longest(*cells, fillvalue=""))


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
    cells = [[width_of(text_of(row[place])) for row in rows] for place in range(len(columns))]
    widths = [max(width_of(column.title), *taken) for column, taken in zip(columns, cells, strict=True)]
    wrapping = next((place for place, column in enumerate(columns) if column.wraps), None)
    if wrapping is None:
        return _narrowed(columns, cells, widths, width), None
    natural = widths[wrapping]
    needed = min(natural, _ROOM_TO_WRAP)
    widths[wrapping] = needed
    narrowed = _narrowed(columns, cells, widths, width)
    room = width - sum(narrowed) + needed - len(_GAP) * (len(columns) - 1)
    sticking_out = sum(_sticks_out(row, narrowed, wrapping) for row in zip(*cells, strict=True))
    widths[wrapping] = -len(_GAP)  # as if the column were not there
    alone = _narrowed(columns, cells, widths, width)
    if room >= needed and (alone != widths or sticking_out * _FEW <= len(rows)):
        narrowed[wrapping] = min(natural, room)
        return narrowed, None
    return alone, wrapping


def _sticks_out(row: Sequence[int], widths: Sequence[int], wrapping: int) -> bool:
    return any(taken > widths[place] for place, taken in enumerate(row) if place != wrapping)


def _narrowed(
    columns: Sequence[Column], cells: Sequence[Sequence[int]], widths: Sequence[int], width: int
) -> list[int]:
    """Make columns narrower for `width`, down to a title: the few cells that stick out then take more lines."""
    narrowed = list(widths)
    while sum(narrowed) + len(_GAP) * (len(columns) - 1) > width:
        smaller = {
            place: max((each for each in (width_of(column.title), *taken) if each < narrowed[place]), default=0)
            for place, (column, taken) in enumerate(zip(columns, cells, strict=True))
            if not (column.wraps or column.right) and narrowed[place] > width_of(column.title)
        }
        if not smaller:
            break
        widest = max(smaller, key=narrowed.__getitem__)
        narrowed[widest] = smaller[widest]
    return narrowed


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
