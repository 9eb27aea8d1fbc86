"""What comes in and goes out over HTTP, as plain data between WSGI and the places that answer."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qsl

from ccops.clock import Clock
from ccops.config.webhook_secrets import Secrets
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.operations.model import Operation, OperationsFile
from ccops.secret import Secret
from ccops.server.refusal import BodyUnreadable, OperationUnknown, SecretWrong, TooLarge
from ccops.server.worker import EventSignals

MOST_BYTES: Final = 1_000_000
"""Of a body. 100 events of Kit, each with a contact of 140 fields, are well below."""


class Stream(Protocol):
    """Where a body is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""
        ...


@dataclass(frozen=True, slots=True)
class ServerCall:
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
class ServerReply:
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


def call_of(environ: Mapping[str, object]) -> ServerCall:
    """Read a request from WSGI's environment. Raises TooLarge and Unreadable."""
    method = _text(environ, "REQUEST_METHOD")
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if isinstance(value, str) and (name.startswith("HTTP_") or name == "CONTENT_TYPE")
    }
    body = _body(environ, headers) if method == "POST" else b""
    return ServerCall(method, _path(environ), _query(environ), _text(environ, "QUERY_STRING"), headers, body)


def _path(environ: Mapping[str, object]) -> str:
    # WSGI hands the bytes of a path over as if they were Latin-1 (PEP 3333).
    return _text(environ, "PATH_INFO").encode("latin-1", "replace").decode("utf-8", "replace")


def _query(environ: Mapping[str, object]) -> dict[str, str]:
    try:
        return dict(parse_qsl(_text(environ, "QUERY_STRING"), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise BodyUnreadable("its address has too many parameters") from None


def _body(environ: Mapping[str, object], headers: Mapping[str, str]) -> bytes:
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise BodyUnreadable(f"it is packed ({encoding[:20]}); send it plain")
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


# ---- what all places of the receiver work with

Show = Callable[[Entry, str | None], Mapping[str, object]]
"""Makes the object of a change, as `--json` prints it, of an entry and its contact's address."""

_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Services:
    """Dependencies shared by all request handlers."""

    ledger: Ledger
    registry: Callable[[], OperationsFile]
    secrets: Callable[[], Secrets]
    clock: Clock
    event_signals: EventSignals
    show: Show

    def operation(self, name: str) -> Operation:
        """Return the operation of this name. Raises OperationUnknown."""
        operation = self.registry().operations.get(name)
        if operation is None:
            raise OperationUnknown(name)
        return operation

    def demand_secret(self, operation: str, given: Sequence[str]) -> None:
        """Demand that one of the texts is a secret of the operation. Raises SecretWrong."""
        if not opens(given, self.secrets().accepted(operation)):
            raise SecretWrong

    def opened(self, call: ServerCall) -> frozenset[str]:
        """Return the operations that a call's secret opens. Raises SecretWrong if there is none."""
        given, operations = given_secrets(call), self.secrets().operations
        opened = frozenset([name for name, accepted in operations.items() if opens(given, accepted)])
        if not opened:
            raise SecretWrong
        return opened


def given_secrets(call: ServerCall) -> list[str]:
    """Return what stands in the places of the secret: `Authorization: Bearer`, `X-Ccops-Key`, `?key=`."""
    authorization = call.header("authorization").strip()
    bearer = authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
    return [text for text in (bearer, call.header("x-ccops-key").strip(), call.query.get("key", "").strip()) if text]


def opens(given: Sequence[str], accepted: Sequence[Secret]) -> bool:
    """Tell whether a text is one of the secrets; all are compared to the end, so that the time taken tells nothing."""
    return any([secret.equals(text) for secret in accepted for text in given])  # noqa: C419 - that would stop early
