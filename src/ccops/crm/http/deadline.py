"""Connections on which a whole exchange has a time limit, also against an answer that drips in byte by byte.

The time-outs of sockets count from byte to byte, so a slow answer never trips them. Here each wait for bytes lasts
until the exchange's end at most. Looking up the host's name is the one step that can't be limited.
"""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import urllib3.connection
    from _typeshed import WriteableBuffer

    _TimedConnection = urllib3.connection.HTTPConnection
else:
    _TimedConnection = object

IDLE_SECONDS: Final = 30.0
"""A connection unused for longer is opened anew: a router may have dropped it without a word, and a write sent into
the void would have to be settled."""


@dataclass(slots=True)
class Flight:
    """One exchange under way in this thread."""

    ends: float
    """By the monotonic clock."""
    left: bool = False
    """Whether any part of the request may have left."""

    def remaining(self) -> float:
        """Return the seconds left; raises TimeoutError if there are none."""
        seconds = self.ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the exchange has used up its time")
        return seconds


_current: ContextVar[Flight] = ContextVar("flight")


@contextmanager
def flight(seconds: float) -> Iterator[Flight]:
    """Limit what this thread exchanges inside the block."""
    started = Flight(time.monotonic() + seconds)
    token = _current.set(started)
    try:
        yield started
    finally:
        _current.reset(token)


class _TimedStream(io.RawIOBase):
    """The bytes of a socket, each wait for them cut to what is left of the exchange."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, between: float, limits: Flight) -> None:
        self._raw, self._sock, self._between, self._limits = raw, sock, between, limits
        self.over = False
        """Whether nothing more is to be waited for."""

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        if self.over:
            return 0
        self._sock.settimeout(min(self._between, self._limits.remaining()))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Buffer(io.BufferedReader):
    """What has come in; on closing, it notes whether anything of it was not taken."""

    def __init__(self, stream: _TimedStream) -> None:
        super().__init__(stream)
        self._stream = stream
        self.untaken = False

    def close(self) -> None:
        if not self.closed:
            self._stream.over = True
            self.untaken = bool(self.peek())
        super().close()


class TimedResponse(HTTPResponse):
    """An answer, each wait for whose bytes lasts `between` seconds at most, and until the exchange's end.

    Without `between`, as a proxy's answer to CONNECT is read, it is the time-out that the socket has.
    """

    def __init__(self, sock: socket.socket, between: float | None = None, *, method: str | None = None) -> None:
        super().__init__(sock, method=method)
        between = between or sock.gettimeout() or float("inf")
        self._buffer = _Buffer(_TimedStream(self.fp.detach(), sock, between, _current.get()))
        self.fp = self._buffer

    @property
    def has_more(self) -> bool:
        """Whether bytes came in that were no part of the answer; known once it is closed."""
        return self._buffer.untaken


class Timed(_TimedConnection):
    """Notes when the first byte of a request leaves; a proxy's CONNECT and the TLS handshake are none of it."""

    response_class = TimedResponse
    used_at = 0.0
    _connecting = False

    def connect(self) -> None:
        """Open the connection."""
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        """Send bytes, for as long as the exchange may last."""
        if self.sock is None:
            self.connect()
        if not self._connecting:
            self.used_at = time.monotonic()
            self.sock.settimeout(_current.get().remaining())
            _current.get().left = True
        super().send(data)


def is_stale(connection: object, distrusted: float) -> bool:
    """Tell whether a connection is to be opened anew: idle for long, or not used since a moment (both monotonic)."""
    used_at = getattr(connection, "used_at", 0.0)
    return used_at <= distrusted or time.monotonic() - used_at > IDLE_SECONDS
