"""Pictures: inline SVG that says what it shows; the numbers stand in a table beside each."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Final

from ccops.app.number_text import figure, short
from ccops.app.statistics import ZERO
from ccops.operations.numbers import EXACT
from ccops.report.markup import Markup, element, joined

WIDTH: Final = 360
"""Units; on a phone about as many pixels, so that the texts in a picture keep their size."""
_LINE: Final = 22
_LABELS: Final = 116
_NUMBERS: Final = 52
_HALF: Final = 80
_LEFT: Final = 44
_MOST_LABELS: Final = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: what it stands for, and how much that is."""

    name: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Pillar:
    """What went up and what went down in one place of a row."""

    name: str
    label: str
    up: Decimal
    down: Decimal


def bars(title: str, told: str, rows: Sequence[Bar], unit: str) -> Markup:
    """Draw bars beneath one another."""
    most = max((row.value for row in rows), default=ZERO) or Decimal(1)
    room = WIDTH - _LABELS - _NUMBERS
    drawn = []
    for place, row in zip(count(0, _LINE), rows, strict=False):
        length = _part(row.value, most, room)
        tip = element("title", f"{row.name}: {figure(row.value)} {unit}")
        drawn.append(_text(row.name, _LABELS - 8, place + 15, "end"))
        drawn.append(_rect(_LABELS, place + 3, max(length, 1), _LINE - 6, "bar", tip))
        drawn.append(_text(short(row.value), _LABELS + max(length, 1) + 6, place + 15, "start"))
    return _picture(title, told, _LINE * len(rows), joined(*drawn))


def pillars(title: str, told: str, row: Sequence[Pillar]) -> Markup:
    """Draw pillars side by side, up and down from a line; both directions have one scale."""
    most = max((max(each.up, each.down) for each in row), default=ZERO) or Decimal(1)
    up, down = any(each.up for each in row), any(each.down for each in row)
    base = 14 + (_HALF if up or not down else 0)
    height = base + (_HALF if down else 0) + 22
    wide = (WIDTH - _LEFT) / len(row)
    drawn = [_scale(base, base - _HALF, most, shown=up), _scale(base, base + _HALF, EXACT.minus(most), shown=down)]
    every = -(-len(row) // _MOST_LABELS)
    for place, each in enumerate(row):
        left = _LEFT + wide * place
        tip = element("title", f"{each.name}: +{figure(each.up)}, {figure(EXACT.minus(each.down))}")
        risen, fallen = _part(each.up, most, _HALF), _part(each.down, most, _HALF)
        drawn.append(_rect(left + wide * 0.15, base - risen, wide * 0.7, risen, "up", tip))
        drawn.append(_rect(left + wide * 0.15, base, wide * 0.7, fallen, "down", tip))
        if (len(row) - 1 - place) % every == 0:
            drawn.append(_text(each.label, left + wide / 2, height - 6, "middle"))
    line = element("line", x1=_at(_LEFT), x2=_at(WIDTH), y1=_at(base), y2=_at(base), class_="axis")
    return _picture(title, told, height, joined(*drawn, line, _text("0", _LEFT - 6, base + 4, "end")))


def _scale(base: float, at: float, value: Decimal, *, shown: bool) -> Markup:
    if not shown:
        return Markup()
    line = element("line", x1=_at(_LEFT), x2=_at(WIDTH), y1=_at(at), y2=_at(at), class_="grid")
    return joined(line, _text(short(value), _LEFT - 6, at + (4 if at < base else 2), "end"))


def _picture(title: str, told: str, height: float, drawing: Markup) -> Markup:
    # `title` and `desc` are what a screen reader says of it (https://www.w3.org/TR/svg-aam-1.0/).
    return element(
        "svg",
        element("title", title),
        element("desc", told),
        drawing,
        viewBox=f"0 0 {WIDTH} {_at(height)}",
        role="img",
        aria_label=f"{title}. {told}",
    )


def _rect(x: float, y: float, width: float, height: float, kind: str, tip: Markup) -> Markup:
    return element("rect", tip, x=_at(x), y=_at(y), width=_at(width), height=_at(height), class_=kind)


def _text(text: str, x: float, y: float, anchor: str) -> Markup:
    return element("text", text, x=_at(x), y=_at(y), text_anchor=anchor)


def _part(value: Decimal, most: Decimal, room: int) -> float:
    return float(EXACT.divide(value, most)) * room if value > 0 else 0.0


def _at(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
