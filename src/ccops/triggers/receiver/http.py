"""What comes in and goes out over HTTP, as plain data between WSGI and the places that answer."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qsl

from ccops.triggers.receiver.refusals import TooLarge, Unreadable

MOST_BYTES: Final = 1_000_000
"""Of a body. 100 events of Kit, each with a contact of 140 fields, are well below."""


class Stream(Protocol):
    """Where a body is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    raw_query: str = field(repr=False)
    """The query as it was sent, each character a byte."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Return a header by its name in lower case; empty if it is not there."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; its body is a JSON object."""

    status: HTTPStatus
    body: Mapping[str, object]
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def line(self) -> str:
        """The status as it stands in the first line."""
        return f"{self.status.value} {self.status.phrase}"

    def content(self) -> bytes:
        """Write the body."""
        return json.dumps(self.body).encode() + b"\n"


def call_of(environ: Mapping[str, object]) -> Call:
    """Read a request from WSGI's environment. Raises TooLarge and Unreadable."""
    method = _text(environ, "REQUEST_METHOD")
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if isinstance(value, str) and (name.startswith("HTTP_") or name == "CONTENT_TYPE")
    }
    body = _body(environ, headers) if method == "POST" else b""
    return Call(method, _path(environ), _query(environ), _text(environ, "QUERY_STRING"), headers, body)


def _path(environ: Mapping[str, object]) -> str:
    # WSGI hands the bytes of a path over as if they were Latin-1 (PEP 3333).
    return _text(environ, "PATH_INFO").encode("latin-1", "replace").decode("utf-8", "replace")


def _query(environ: Mapping[str, object]) -> dict[str, str]:
    try:
        return dict(parse_qsl(_text(environ, "QUERY_STRING"), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise Unreadable("its address has too many parameters") from None


def _body(environ: Mapping[str, object], headers: Mapping[str, str]) -> bytes:
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise Unreadable(f"it is packed ({encoding[:20]}); send it plain")
    stream: Stream = environ["wsgi.input"]  # type: ignore[assignment] # PEP 3333 promises a stream
    body = b"".join(_pieces(stream, MOST_BYTES + 1))
    if len(body) > MOST_BYTES:
        raise TooLarge(MOST_BYTES)
    return body


def _pieces(stream: Stream, left: int) -> Iterable[bytes]:
    """Read up to so many bytes; a stream may give them in parts."""
    while left > 0 and (piece := stream.read(left)):
        left -= len(piece)
        yield piece


def _text(environ: Mapping[str, object], name: str) -> str:
    value = environ.get(name, "")
    return value if isinstance(value, str) else ""
