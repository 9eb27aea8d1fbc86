"""One request and its answer, free of sockets."""

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

Payload = dict[str, Any]


class Headers(Protocol):
    """What a request's headers are asked."""

    def get(self, name: str, /) -> str | None:
        """Return a header's value."""
        ...


@dataclass(frozen=True)
class SandboxRequest:
    """A request as it came in; `target` is path and query."""

    method: str
    target: str
    headers: Headers = field(default_factory=dict[str, str])
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        """The decoded path, without the query."""
        return unquote(urlsplit(self.target).path)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; the last of several of one name counts."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @cached_property
    def json(self) -> Payload:
        """The body, which is an object or nothing. Raises ValueError."""
        read = json.loads(self.body) if self.body.strip() else {}
        if not isinstance(read, dict):
            raise ValueError("no object")  # noqa: TRY004 - one error for everything that can't be read
        return read

    def with_json(self, body: Payload) -> "SandboxRequest":
        """Return the same request with another body."""
        return SandboxRequest(self.method, self.target, self.headers, json.dumps(body).encode())


@dataclass(frozen=True)
class SandboxAnswer:
    """An answer before it is sent: a JSON object, or a plain text."""

    status: int
    json: Payload | None = None
    text: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def payload(self) -> bytes:
        """The body as it is sent."""
        return self.text.encode() if self.json is None else json.dumps(self.json, separators=(",", ":")).encode()

    @property
    def media_type(self) -> str:
        """The value of Content-Type."""
        return self.content_type if self.json is None else "application/json; charset=utf-8"


class SandboxRefused(Exception):  # noqa: N818 - an answer, not a mishap
    """Ends the handling of a request with Kit's error envelope; whatever was changed is rolled back."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.answer = refusal(status, text)


class NotFound(SandboxRefused):
    """The request names something that does not exist."""

    def __init__(self) -> None:
        super().__init__(404, "Not Found")


class Invalid(SandboxRefused):
    """The request is understood and can't be done."""

    def __init__(self, text: str) -> None:
        super().__init__(422, text)


def refusal(status: int, text: str) -> SandboxAnswer:
    """Return Kit's envelope for errors: texts only, no codes."""
    return SandboxAnswer(status, {"errors": [text]})


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked and answered, for looking at afterwards; it holds no headers, so no credential."""

    method: str
    route: str | None
    """The path with placeholders, as in Kit's OpenAPI document; None if Kit has no such path."""
    path: str
    query: Mapping[str, str]
    sent: bytes
    status: int | None
    """None if no answer left."""
    payload: bytes
    faulty: bool
    """Whether a fault made on purpose had its hand in it."""

    @property
    def asked(self) -> Any:
        """The request's body read as JSON, None if there was none."""
        return json.loads(self.sent) if self.sent.strip() else None

    @property
    def answered(self) -> Any:
        """The answer's body read as JSON, None if there was none."""
        return json.loads(self.payload) if self.payload else None


# ---- pages of a list by cursor (Kit API v4, "Pagination"); a cursor is the place of a row in the list's order

Cursor = tuple[int, ...]
PageRow = TypeVar("PageRow")

_USUAL, _MOST = 500, 1000
_HIGHEST = 2**63


@dataclass(frozen=True, slots=True)
class Window:
    """Which page of a list is wanted."""

    size: int
    after: Cursor | None = None
    before: Cursor | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[PageRow]):
    """The rows of a page with their places, and what lies around it."""

    rows: list[tuple[PageRow, Cursor]]
    has_previous: bool
    has_next: bool
    total: int | None


def window(query: Mapping[str, str], parts: int = 1) -> Window:
    """Read which page is wanted, of a list whose places have so many parts; a page over 1000 rows is refused."""
    after, before = (_place(query.get(name), parts) for name in ("after", "before"))
    if after and before:
        raise Invalid("Only one of `after` and `before` can be given")
    return Window(_size(query.get("per_page")), after, before, query.get("include_total_count") == "true")


def listing(name: str, rows: list[Payload], page: Page[Any], wanted: Window) -> Payload:
    """Return the answer for a page whose rows were made presentable."""
    places = [place for _, place in page.rows]
    around: Payload = {
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


def _cursor(place: Cursor) -> str:
    text = json.dumps(place, separators=(",", ":"))
    # Blanks make the base64 end in "=", as Kit's often does: a client that forgets to encode it is found out here.
    return b64encode((text + " " * (len(text) % 3 == 0)).encode()).decode()


def _place(cursor: str | None, parts: int) -> Cursor | None:
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
