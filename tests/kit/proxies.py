"""What proxies of the tests do with all that comes."""

import contextlib
import socket


def pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, until no more does."""
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            sink.sendall(content)
        sink.shutdown(socket.SHUT_WR)
