"""A service that answers exactly as a test wants, byte for byte, and what a client needs to talk to it."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ccops.crm.http.exchange import HttpLimits
from ccops.crm.http.rate_limit import NoRateLimit, RateLimiter
from ccops.crm.kit.client import KitCrm
from ccops.secret import Secret

KEY = "kit_0123456789abcdef"
UNHURRIED = HttpLimits(connect=20, read=2, total=60)
"""No busy machine trips over these; a test in which something has to run out of time brings limits of its own."""

Step = Callable[[socket.socket], bool]
"""Answers a request; returns whether the connection stays."""


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Wire:
    """A server on loopback that answers one request after another as scripted; everything unscripted gets a 418."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.over = threading.Event()
        self._steps: list[Step] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._tls = tls
        self.port = self._listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def reply(self, status: int = 200, body: Any = None, **headers: str) -> "Wire":
        """Answer with JSON (or bytes as they are); `retry_after="7"` becomes a header."""
        content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"content-length": str(len(content))} | named
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in named.items())]
        return self.say("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content, stay=True)

    def say(self, content: bytes, *, stay: bool = False) -> "Wire":
        """Answer with these bytes, then close unless the connection is to stay."""

        def step(connection: socket.socket) -> bool:
            connection.sendall(content)
            return stay

        return self.then(step)

    def reset(self) -> "Wire":
        """Break the connection off instead of answering."""

        def step(connection: socket.socket) -> bool:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False

        return self.then(step)

    def drip(self, content: bytes, pace: float = 0.05) -> "Wire":
        """Answer byte by byte."""

        def step(connection: socket.socket) -> bool:
            for byte in content:
                connection.sendall(bytes([byte]))
                if self.over.wait(pace):
                    break
            return False

        return self.then(step)

    def hang(self) -> "Wire":
        """Say nothing until the test is over."""
        return self.then(lambda _: not self.over.wait())

    def then(self, step: Step) -> "Wire":
        """Answer the next request with a step."""
        self._steps.append(step)
        return self

    def close(self) -> None:
        """Stop listening and let go of all connections."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            connection = stack.enter_context(plain)
            if self._tls:
                connection = stack.enter_context(self._tls.wrap_socket(plain, server_side=True))
                self._open.append(connection)
            stream = stack.enter_context(connection.makefile("rb"))
            stays = True
            while stays and (asked := _read(stream.readline, stream.read, number)):
                self.asked.append(asked)
                if not self._steps:
                    self.reply(418)
                stays = self._steps.pop(0)(connection)


def _read(readline: Callable[[], bytes], read: Callable[[int], bytes], number: int) -> Asked | None:
    first = readline().decode("latin-1").split()
    if not first:
        return None
    lines = iter(lambda: readline().decode("latin-1").strip(), "")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Asked(first[0], first[1], headers, read(int(headers.get("content-length", 0))), number)


class FakeClock:
    """A clock that stands still except when someone sleeps."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 10, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the clock's moment."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


class NotingPacer(NoRateLimit):
    """Holds nobody back, and notes what it was told."""

    def __init__(self) -> None:
        self.waits = 0
        self.within: list[float | None] = []
        self.told: list[float | None] = []

    def wait(self, within: float | None = None) -> None:
        """Count."""
        self.within.append(within)
        self.waits += 1

    def slow_down(self, seconds: float | None) -> None:
        """Note."""
        self.told.append(seconds)


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A service without a script yet."""
    served = Wire()
    yield served
    served.close()


@pytest.fixture
def new_wire() -> type[Wire]:
    """The service, to be made otherwise than usual."""
    return Wire


@pytest.fixture
def clock() -> FakeClock:
    """A clock on which waiting takes no time."""
    return FakeClock()


@pytest.fixture
def pacer() -> NotingPacer:
    """A pacer that notes what it is told."""
    return NotingPacer()


Connect = Callable[..., KitCrm]


@pytest.fixture
def connect(clock: FakeClock, pacer: NotingPacer) -> Iterator[Connect]:
    """Make clients, and close them in the end."""
    with contextlib.ExitStack() as stack:

        def make(
            url: str,
            *,
            key: str = KEY,
            oauth: bool = False,
            limits: HttpLimits = UNHURRIED,
            paced_by: RateLimiter | None = None,
        ) -> KitCrm:
            return stack.enter_context(
                KitCrm(Secret(key), oauth=oauth, api_url=url, pacer=paced_by or pacer, clock=clock, limits=limits)
            )

        yield make


@pytest.fixture
def crm(wire: Wire, connect: Connect) -> KitCrm:
    """A client of the scripted service."""
    return connect(wire.url)
