"""The receiver on a socket: waitress, with limits on how much and how slowly anybody may send."""

import contextlib
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from ccops.server.requests import MOST_BYTES

if TYPE_CHECKING:
    from ccops.server.app import Receiver

_PIECE: Final = 65_536


class Connection(HTTPChannel):
    """A connection whose time runs from the start of a request, and that hears its sender out before it closes.

    What is closed with unread bytes is reset by the operating system, and the sender would never see the answer that
    says why. Those bytes are read and forgotten, until the sender is done or its time is up.
    """

    _answered = False
    _hearing_out = False

    def handle_read(self) -> None:
        """Read what there is; a request that drips in is no sign of life."""
        if self._hearing_out:
            self._hear()
            return
        began = self.last_activity if self.request is not None else None
        super().handle_read()
        if began is not None and self.request is not None:
            self.last_activity = began

    def handle_write(self) -> None:
        """Send what there is; a connection that is closed behind its answer hears its sender out."""
        self._answered = self.close_when_flushed
        super().handle_write()

    def handle_close(self) -> None:
        """Close, or begin to."""
        if self._answered and not self._hearing_out and self.connected and self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
                self._hearing_out, self.will_close = True, False
                return
        super().handle_close()

    def _hear(self) -> None:
        try:
            more = self.recv(_PIECE)
        except OSError:
            more = b""
        if not more:
            super().handle_close()


# ---- the receiver on a socket: waitress, with limits on how much and how slowly anybody may send

THREADS: Final = 16
MOST_WAITERS: Final = 10
"""Senders that may wait for an outcome at once; the other threads go on accepting."""
PATIENCE: Final = 20
"""Seconds that a request may take to arrive, and a connection may idle."""
_MOST_HEADER_BYTES: Final = 16_384
_MOST_CONNECTIONS: Final = 500
_MOST_IN_MEMORY: Final = 65_536
"""Bytes of a body that arrives; the rest of a longer one is kept in a temporary file."""
_LAST_ANSWERS: Final = 10.0
"""Seconds that requests in hand have for their answers when the receiver stops."""
_TICK: Final = 0.2


class Server:
    """Serves a receiver in threads of its own from `start` to `stop`. Raises OSError when it can't listen."""

    def __init__(self, receiver: "Receiver", host: str, port: int, *, patience: int = PATIENCE) -> None:
        # Its log tells addresses as they were sent, with the secrets in them; the receiver keeps a log of its own.
        logging.getLogger("waitress").setLevel(logging.CRITICAL + 1)
        listening = socket.create_server((host, port), family=_family(host))
        self.port: int = listening.getsockname()[1]
        """Where it listens."""
        self._connections: dict[int, Any] = {}
        # Any, since the stubs lack half of what it has.
        self._server: Any = TcpWSGIServer(
            receiver,
            map=self._connections,
            _sock=listening,
            adj=_settings(listening, patience),
            sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
            bind_socket=False,
        )
        self._server.channel_class = Connection
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="receiver")

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections, answer what has arrived, and close."""
        self._stopping.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._turn()
        self._close_down()

    def _turn(self) -> None:
        self._server.asyncore.loop(timeout=_TICK, use_poll=True, map=self._connections, count=1)

    def _close_down(self) -> None:
        self._server.accepting = False
        self._server.del_channel(self._connections)
        self._server.socket.close()
        until = time.monotonic() + _LAST_ANSWERS
        while any(map(_is_busy, self._channels())) and time.monotonic() < until:
            self._turn()
        self._server.task_dispatcher.shutdown(timeout=1)
        for channel in self._channels():
            channel.handle_close()
        self._server.trigger.close()

    def _channels(self) -> list[Connection]:
        return list(self._server.active_channels.values())


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _settings(listening: socket.socket, patience: int) -> Adjustments:
    return Adjustments(
        sockets=[listening],
        threads=THREADS,
        ident="ccops",
        max_request_body_size=MOST_BYTES + 1,
        max_request_header_size=_MOST_HEADER_BYTES,
        inbuf_overflow=_MOST_IN_MEMORY,
        connection_limit=_MOST_CONNECTIONS,
        asyncore_use_poll=True,
        channel_timeout=patience,
        cleanup_interval=max(1, patience // 4),
        log_socket_errors=False,
    )


def _is_busy(channel: Connection) -> bool:
    """Whether a request has arrived whose answer has not left yet."""
    return bool(channel.requests or channel.total_outbufs_len)
