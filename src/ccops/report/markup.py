"""HTML put together from elements; the one place where text becomes markup, and is escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from ccops.text import clean

_VOID: Final = frozenset({"meta", "input", "rect", "line"})


class Markup(str):
    """Text that is HTML already; all other text is escaped before it goes into a page."""

    __slots__ = ()


def text_of(child: str) -> str:
    """Return a child as it stands in a page: markup as it is, text cleaned and escaped."""
    return child if isinstance(child, Markup) else escape(clean(child))


def joined(*children: str) -> Markup:
    """Put children side by side."""
    return Markup("".join(map(text_of, children)))


def element(name: str, /, *children: str, **attributes: str) -> Markup:
    """Make an element; `class_` stands for the attribute `class`, `aria_label` for `aria-label`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(clean(value))}"' for key, value in attributes.items()
    )
    if name in _VOID and not children:
        return Markup(f"<{name}{written}>" if name in {"meta", "input"} else f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def raw(name: str, content: str, /, **attributes: str) -> Markup:
    """Make an element of our own script or style, whose text is not to be escaped."""
    return element(name, Markup(content), **attributes)


# ---- tables: a caption, titles with their scope, and rows whose first cell names them


@dataclass(frozen=True, slots=True)
class HtmlColumn:
    """A column; numbers stand right."""

    title: str
    number: bool = False


def table(
    caption: str, columns: Sequence[HtmlColumn], rows: Iterable[Sequence[str]], *, name: str = "", kind: str = ""
) -> Markup:
    """Lay out a table in a frame of its own, which scrolls where the page is narrower; `kind` is a class."""
    named = {"id": name} if name else {}
    styled = {"class_": kind} if kind else {}
    body = joined(*(_row(columns, row) for row in rows))
    whole = element("table", element("caption", caption), _head(columns), element("tbody", body), **named, **styled)
    return element("div", whole, class_="frame", role="region", aria_label=caption, tabindex="0")


def _head(columns: Sequence[HtmlColumn]) -> Markup:
    titles = (
        element("th", column.title, scope="col", **({"class_": "n"} if column.number else {})) for column in columns
    )
    return element("thead", element("tr", *titles))


def _row(columns: Sequence[HtmlColumn], row: Sequence[str]) -> Markup:
    first, *others = row
    cells = (
        element("td", cell, class_="n") if column.number else element("td", cell)
        for column, cell in zip(columns[1:], others, strict=True)
    )
    return element("tr", element("th", first, scope="row"), *cells)
