"""Speaks HTTP for a sandbox, on loopback, and mistreats connections when a fault asks for it."""

import contextlib
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import format_datetime
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

from ccops.sandbox.distortion import Delivery, Transmission
from ccops.sandbox.http import SandboxAnswer, SandboxRequest
from ccops.sandbox.service import PREFIX, Service, answer_control
from ccops.sandbox.store import PortTaken

HOST: Final = "127.0.0.1"
_GLANCE: Final = 0.01
"""Seconds between looks whether to stop: what a test waits for at its end."""


class Listener:
    """A listening socket with its threads, until `close`."""

    def __init__(self, service: Service, port: int) -> None:
        try:
            self._server = _Server(service, port)
        except OSError as error:
            raise PortTaken(port, error.strerror or str(error)) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_GLANCE,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, break all connections and wait until their threads are done."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server.disconnect()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: Service, port: int) -> None:
        self.service = service
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own would ask the name service for the host's name
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def disconnect(self) -> None:
        self.service.faults.release()
        with self._changed:
            for connection in self._connections:
                _end(connection)
            self._changed.wait_for(lambda: not self._connections, timeout=5)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client went away, which is its right

    def _serve(self) -> None:
        request = self._request()
        if request is None:
            self.close_connection = True
        elif request.path.startswith(PREFIX):
            self.send_whole(Delivery(answer_control(self.server.service, request)))
        else:
            delivery = self.server.service.handle(request)
            _MANNERS[delivery.manner](self, delivery)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep quiet: what was asked stands in the sandbox's log."""

    def _request(self) -> SandboxRequest | None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return None
        body = self.rfile.read(int(length))
        return SandboxRequest(self.command, self.path, self.headers, body) if len(body) == int(length) else None

    def send_whole(self, delivery: Delivery) -> None:
        self.wfile.write(self._bytes(delivery.answer))

    def send_half(self, delivery: Delivery) -> None:
        whole = self._bytes(delivery.answer)
        body = len(delivery.answer.payload) if delivery.answer else 0
        # Without a body, half of the first line: clients take half a head for a whole one.
        self.wfile.write(whole[: len(whole) - (body + 1) // 2] if body else whole[: whole.index(b"\r") // 2])
        self.close_connection = True

    def drip(self, delivery: Delivery) -> None:
        whole = self._bytes(delivery.answer)
        with self.server.service.faults.held() as gate:
            for at in range(len(whole)):
                self.wfile.write(whole[at : at + 1])
                if gate.wait(delivery.pace):
                    self.close_connection = True
                    return

    def hang(self, _delivery: Delivery) -> None:
        with self.server.service.faults.held() as gate:
            while not gate.wait(_GLANCE) and not self._deserted():
                pass
        self.close_connection = True

    def reset(self, _delivery: Delivery) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())  # at once: an ordinary close says goodbye first
        self.close_connection = True

    def _deserted(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _bytes(self, answer: SandboxAnswer | None) -> bytes:
        # In one piece: head and body in two would cost a kept-alive client 40 ms a request.
        if answer is None:
            return b""
        phrase = responses.get(answer.status, "Unknown")  # proxies invent statuses of their own, such as 520
        now = self.server.service.settings.clock().astimezone(UTC)
        lines = [f"HTTP/1.1 {answer.status} {phrase}", f"Date: {format_datetime(now, usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if answer.status != HTTPStatus.NO_CONTENT:
            lines += [f"Content-Type: {answer.media_type}", f"Content-Length: {len(answer.payload)}"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.payload


_MANNERS: Final[Mapping[Transmission, Callable[[_Handler, Delivery], None]]] = {
    "whole": _Handler.send_whole,
    "half": _Handler.send_half,
    "drip": _Handler.drip,
    "hang": _Handler.hang,
    "reset": _Handler.reset,
}


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be gone already
        connection.shutdown(socket.SHUT_RDWR)
