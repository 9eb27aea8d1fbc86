"""Posts to receivers of webhooks, on loopback only."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_ENOUGH: Final = 65_536
"""How much of an answer's body is read, in bytes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered, or why there is no answer."""

    status: int | None = None
    retry_after: str | None = None
    trouble: str = ""


class Line:
    """One request at a time, which another thread can cut."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def cut(self) -> None:
        """Break off the request in hand, and any to come."""
        with self._lock:
            self._is_cut = True
            if self._socket:
                with contextlib.suppress(OSError):  # it may be gone already
                    self._socket.shutdown(socket.SHUT_RDWR)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, patience: float) -> Reply:
        """Post a body and return what came of it; `patience` is in seconds of silence."""
        place = urlsplit(url)
        if place.scheme != "http" or not _is_loopback(place.hostname or ""):
            return Reply(trouble="not sent: the sandbox delivers to http:// on loopback only")
        connection = HTTPConnection(place.hostname or "", place.port, timeout=patience)
        target = (place.path or "/") + (f"?{place.query}" if place.query else "")
        try:
            with self._connected(connection):
                connection.request("POST", target, body, dict(headers))
                answer = connection.getresponse()
                answer.read(_ENOUGH)
                return Reply(answer.status, answer.getheader("Retry-After"))
        except (OSError, HTTPException) as error:
            return Reply(trouble=str(error) or type(error).__name__)
        finally:
            connection.close()

    @contextlib.contextmanager
    def _connected(self, connection: HTTPConnection) -> Iterator[None]:
        connection.connect()
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError
            self._socket = connection.sock
        try:
            yield
        finally:
            with self._lock:
                self._socket = None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
