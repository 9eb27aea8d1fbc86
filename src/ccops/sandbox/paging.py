"""Pages of a list by cursor (Kit API v4, "Pagination"); a cursor is the place of a row in the list's order."""

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ccops.sandbox.exchange import Invalid, Json

Place = tuple[int, ...]
Row = TypeVar("Row")

_USUAL, _MOST = 500, 1000
_HIGHEST = 2**63


@dataclass(frozen=True, slots=True)
class Window:
    """Which page of a list is wanted."""

    size: int
    after: Place | None = None
    before: Place | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows of a page with their places, and what lies around it."""

    rows: list[tuple[Row, Place]]
    has_previous: bool
    has_next: bool
    total: int | None


def window(query: Mapping[str, str], parts: int = 1) -> Window:
    """Read which page is wanted, of a list whose places have so many parts; a page over 1000 rows is refused."""
    after, before = (_place(query.get(name), parts) for name in ("after", "before"))
    if after and before:
        raise Invalid("Only one of `after` and `before` can be given")
    return Window(_size(query.get("per_page")), after, before, query.get("include_total_count") == "true")


def listing(name: str, rows: list[Json], page: Page[Any], wanted: Window) -> Json:
    """Return the answer for a page whose rows were made presentable."""
    places = [place for _, place in page.rows]
    around: Json = {
        "has_previous_page": page.has_previous,
        "has_next_page": page.has_next,
        "start_cursor": _cursor(places[0]) if places else None,
        "end_cursor": _cursor(places[-1]) if places else None,
        "per_page": wanted.size,
    }
    if page.total is not None:
        around["total_count"] = page.total
    return {name: rows, "pagination": around}


def _size(text: str | None) -> int:
    if not text:
        return _USUAL
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise Invalid(f"per_page must be between 1 and {_MOST}")
    return int(text)


def _cursor(place: Place) -> str:
    text = json.dumps(place, separators=(",", ":"))
    # Blanks make the base64 end in "=", as Kit's often does: a client that forgets to encode it is found out here.
    return b64encode((text + " " * (len(text) % 3 == 0)).encode()).decode()


def _place(cursor: str | None, parts: int) -> Place | None:
    if not cursor:
        return None
    try:
        place = json.loads(b64decode(cursor, validate=True))
    except (binascii.Error, ValueError):
        place = None
    if (
        isinstance(place, list)
        and len(place) == parts
        and all(type(part) is int and abs(part) < _HIGHEST for part in place)
    ):
        return tuple(place)
    raise Invalid("The cursor is invalid")
