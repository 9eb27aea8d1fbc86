"""Tables: a caption, titles with their scope, and rows whose first cell names them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ccops.report.html.markup import Markup, element, joined


@dataclass(frozen=True, slots=True)
class Column:
    """A column; numbers stand right."""

    title: str
    number: bool = False


def table(
    caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, name: str = "", kind: str = ""
) -> Markup:
    """Lay out a table in a frame of its own, which scrolls where the page is narrower; `kind` is a class."""
    named = {"id": name} if name else {}
    styled = {"class_": kind} if kind else {}
    body = joined(*(_row(columns, row) for row in rows))
    whole = element("table", element("caption", caption), _head(columns), element("tbody", body), **named, **styled)
    return element("div", whole, class_="frame", role="region", aria_label=caption, tabindex="0")


def _head(columns: Sequence[Column]) -> Markup:
    titles = (
        element("th", column.title, scope="col", **({"class_": "n"} if column.number else {})) for column in columns
    )
    return element("thead", element("tr", *titles))


def _row(columns: Sequence[Column], row: Sequence[str]) -> Markup:
    first, *others = row
    cells = (
        element("td", cell, class_="n") if column.number else element("td", cell)
        for column, cell in zip(columns[1:], others, strict=True)
    )
    return element("tr", element("th", first, scope="row"), *cells)
