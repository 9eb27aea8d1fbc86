"""One request and its answer, free of sockets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

Json = dict[str, Any]


class Headers(Protocol):
    """What a request's headers are asked."""

    def get(self, name: str, /) -> str | None:
        """Return a header's value."""
        ...


@dataclass(frozen=True)
class Request:
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
    def json(self) -> Json:
        """The body, which is an object or nothing. Raises ValueError."""
        read = json.loads(self.body) if self.body.strip() else {}
        if not isinstance(read, dict):
            raise ValueError("no object")  # noqa: TRY004 - one error for everything that can't be read
        return read

    def with_json(self, body: Json) -> "Request":
        """Return the same request with another body."""
        return Request(self.method, self.target, self.headers, json.dumps(body).encode())


@dataclass(frozen=True)
class Answer:
    """An answer before it is sent: a JSON object, or a plain text."""

    status: int
    json: Json | None = None
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


class Refused(Exception):  # noqa: N818 - an answer, not a mishap
    """Ends the handling of a request with Kit's error envelope; whatever was changed is rolled back."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.answer = refusal(status, text)


class NotFound(Refused):
    """The request names something that does not exist."""

    def __init__(self) -> None:
        super().__init__(404, "Not Found")


class Invalid(Refused):
    """The request is understood and can't be done."""

    def __init__(self, text: str) -> None:
        super().__init__(422, text)


def refusal(status: int, text: str) -> Answer:
    """Return Kit's envelope for errors: texts only, no codes."""
    return Answer(status, {"errors": [text]})


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
