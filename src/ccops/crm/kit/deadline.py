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

    _Connection = urllib3.connection.HTTPConnection
else:
    _Connection = object

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

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        self._sock.settimeout(min(self._between, self._limits.remaining()))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimedResponse(HTTPResponse):
    """An answer, each wait for whose bytes lasts `between` seconds at most, and until the exchange's end."""

    def __init__(self, sock: socket.socket, between: float, *, method: str) -> None:
        super().__init__(sock, method=method)
        self.fp = io.BufferedReader(_TimedStream(self.fp.detach(), sock, between, _current.get()))


class Timed(_Connection):
    """Notes when the first byte of a request leaves; a proxy's CONNECT and the TLS handshake are none of it."""

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


def is_stale(connection: object) -> bool:
    """Tell whether a connection has been idle for so long that it is opened anew."""
    return time.monotonic() - getattr(connection, "used_at", 0.0) > IDLE_SECONDS
