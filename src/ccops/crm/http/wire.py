"""One exchange on a kept connection: the bytes of a request go out, and its answer comes in whole.

urllib3 makes the connections, with TLS and proxies, and keeps them; http.client reads the answers. urllib3's own
requests and responses are left out: what they can do more (streams, redirects, repetitions) is not wanted here, and
with it a request takes about 1.7 times the processor's time (0.5 instead of 0.3 ms, measured on loopback).
"""

import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPMessage, HTTPResponse, IncompleteRead
from typing import TYPE_CHECKING, Any, Final, cast

import urllib3
import urllib3.connection
from urllib3.exceptions import ProxyError

from ccops.crm.http.deadline import Timed, TimedResponse, is_stale
from ccops.crm.http.exchange import HttpLimits, UnreadableAnswer

if TYPE_CHECKING:
    _Connection = urllib3.connection.HTTPConnection
    _Pool = urllib3.HTTPConnectionPool
else:
    _Pool = object

_GZIP: Final = 16 + zlib.MAX_WBITS
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
"""Of these, no body is read, even if one is announced and comes."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it goes out; `target` is a path, or a whole URL for a proxy that forwards."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def to_bytes(self) -> bytes:
        """Return all of it as it leaves. Raises ValueError if a line of it would be two."""
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{key}: {value}" for key, value in self.headers.items())]
        head = "\r\n".join(lines)
        if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
            raise ValueError("a line break within a header")
        return head.encode("latin-1") + b"\r\n\r\n" + self.body


class Pool(_Pool):
    """Connections to one host; may be used by many threads at once."""

    _distrusted = 0.0

    def exchange(self, message: Message, limits: HttpLimits) -> tuple[int, HTTPMessage, bytes]:
        """Send a request and return status, headers and body of its answer. Raises Unreadable, and what sockets do."""
        connection = self._get_conn()
        kept = False
        try:
            if connection.is_closed:
                self._connect(connection, message.target, limits)
            self._send(connection, message)
            answer = TimedResponse(connection.sock, limits.read, method=message.method)
            with answer:
                answer.begin()
                content = _whole(answer, limits.answer_bytes)
            kept = not answer.will_close and _is_all(answer)
            return answer.status, answer.headers, content
        finally:
            if not kept:
                connection.close()
            self._put_conn(connection)

    def distrust(self) -> None:
        """Use none again of the connections there are: an answer on one of them was not for its request."""
        self._distrusted = time.monotonic()

    def forwarded(self, headers: Mapping[str, str], root: str) -> dict[str, str]:
        """Return headers with those for a proxy that is to forward the request; a tunnel has its own."""
        return {**headers, **self.proxy_headers} if _is_url(root) else dict(headers)

    def _connect(self, connection: "_Connection", target: str, limits: HttpLimits) -> None:
        connection.timeout = limits.connect
        try:
            if self.proxy is not None and not _is_url(target):
                self._prepare_proxy(connection)
            else:
                connection.connect()
        except (OSError, urllib3.exceptions.HTTPError) as error:
            if connection.proxy is not None and not connection.has_connected_to_proxy:
                raise ProxyError("no way through the proxy", error) from error
            raise

    def _send(self, connection: "_Connection", message: Message) -> None:
        # Whoever closes a connection early may have answered before.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.send(message.to_bytes())

    def _get_conn(self, timeout: float | None = None) -> "_Connection":
        """Hand out none that was idle for long, or is distrusted; urllib3 sorts out those closed by the other side."""
        connection = cast("_Connection", super()._get_conn(timeout))
        if is_stale(connection, self._distrusted):
            connection.close()
        return connection


class _HttpConnection(Timed, urllib3.connection.HTTPConnection):
    pass


class _HttpsConnection(Timed, urllib3.connection.HTTPSConnection):
    pass


class _HttpPool(Pool, urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(Pool, urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


POOLS: Final[Mapping[str, Any]] = {"http": _HttpPool, "https": _HttpsPool}
"""What a pool manager makes its pools of."""


def pools_like(kinds: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make pools of ours of those with connections of their own, as they lead through a SOCKS proxy."""
    return {scheme: type("Pool", (Pool, kind), {"ConnectionCls": _timed(kind)}) for scheme, kind in kinds.items()}


def _timed(kind: Any) -> type:
    return type("Connection", (Timed, kind.ConnectionCls), {})


def _is_url(target: str) -> bool:
    """Whether a target is a whole URL, as a proxy needs it that is to forward the request."""
    return target.startswith("http")


def _is_all(answer: TimedResponse) -> bool:
    """Whether nothing comes behind an answer that a later request could take for its own."""
    if answer.status < HTTPStatus.OK or answer.has_more:  # an interim answer is followed by another one
        return False
    return answer.status not in _BODILESS or answer.headers.get("Content-Length", "0") == "0"


def _whole(answer: HTTPResponse, most: int) -> bytes:
    """Return the body, unpacked; raises Unreadable, or IncompleteRead if the connection broke before its end."""
    if len(set(answer.headers.get_all("Content-Length", ()))) > 1:
        raise UnreadableAnswer("its answer claims to have two lengths")
    content = answer.read(most + 1)
    if len(content) > most:
        raise _too_long(most)
    if answer.length:
        raise IncompleteRead(content, answer.length)
    coding = answer.headers.get("Content-Encoding", "").strip().lower()
    if not content or coding in {"", "identity"}:
        return content
    if coding != "gzip":
        raise UnreadableAnswer("its answer is packed in a way that was not asked for")
    return _unpacked(content, most)


def _unpacked(content: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(content, most + 1)
    except zlib.error:
        raise UnreadableAnswer("its answer can't be unpacked") from None
    if len(plain) > most:
        raise _too_long(most)
    if not unpacker.eof:
        raise UnreadableAnswer("its answer ends before its packing does")
    return plain


def _too_long(most: int) -> UnreadableAnswer:
    return UnreadableAnswer(f"its answer is longer than {most} bytes")
