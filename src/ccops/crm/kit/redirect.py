"""Takes in the browser that Kit sends back: a listener on this machine, for one answer and a page that says so."""

import socket
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from ccops.crm.kit.login_errors import NobodyCame
from ccops.crm.oauth import Attempt, Denied, NoCode, OtherLogin, RedirectTaken
from ccops.secret import Secret

_PORT: Final = 80
_SILENCE: Final = 5.0
"""Seconds after which a browser that opened a connection and says nothing is left alone."""
_GLANCE: Final = 0.05
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>ccops</title>
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem;
color-scheme: light dark }}</style>
<h1>{title}</h1><p>{text}</p></html>
"""
_WELCOME: Final = ("Thank you", "ccops has the answer. Close this window and go back to the terminal.")
_REFUSED: Final = ("Not let in", "ccops was not let in. Close this window and go back to the terminal.")
_NOT_THIS: Final = ("Not this page", "This page belongs to another login. Use the address that the terminal shows.")
_NOTHING: Final = ("Nothing here", "ccops waits for an answer from Kit at another address.")


class Redirect:
    """Listens while it is open, as a context manager. Raises RedirectTaken when made."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._came = threading.Event()
        self._code: Secret | None = None
        self._denied: Denied | None = None
        parts = urlsplit(attempt.redirect)
        self._path = parts.path or "/"
        host = "127.0.0.1" if parts.hostname in {None, "localhost"} else str(parts.hostname)
        try:
            self._server = _Server(host, parts.port or _PORT, self)
        except OSError as error:
            raise RedirectTaken(f"{host}:{parts.port or _PORT}", error.strerror or str(error)) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_GLANCE,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float) -> Secret:
        """Return the code once the browser has brought it. Raises Denied and NobodyCame."""
        if not self._came.wait(seconds):
            raise NobodyCame(seconds)
        if self._denied:
            raise self._denied
        assert self._code is not None  # noqa: S101 - one of the two has come
        return self._code

    def take(self, path: str, query: Mapping[str, str]) -> tuple[int, tuple[str, str]]:
        """Take what a browser asks for; return status and page. What is not ours changes nothing."""
        if path != self._path:
            return HTTPStatus.NOT_FOUND, _NOTHING
        try:
            self._code = self._code or self._attempt.code_of(query)
        except (OtherLogin, NoCode):
            return HTTPStatus.BAD_REQUEST, _NOT_THIS
        except Denied as denied:
            self._denied = denied
            return HTTPStatus.OK, _REFUSED
        return HTTPStatus.OK, _WELCOME

    def answered(self) -> None:
        """Note that the browser has its page; if it brought the answer, whoever waits goes on."""
        if self._code or self._denied:
            self._came.set()


class _Server(ThreadingHTTPServer):
    """One thread a connection: browsers open some ahead and say nothing on them."""

    daemon_threads = True

    def __init__(self, host: str, port: int, redirect: Redirect) -> None:
        self.redirect = redirect
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own would ask the name service for the host's name
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that went away is none of the person's business."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SILENCE

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        status, (title, text) = self.server.redirect.take(parts.path, dict(parse_qsl(parts.query)))
        try:
            self._show(status, title, text)
        finally:
            self.server.redirect.answered()

    def _show(self, status: int, title: str, text: str) -> None:
        page = _PAGE.format(title=title, text=text).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(page))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep quiet: the address holds the code."""

    def version_string(self) -> str:
        """Tell no versions."""
        return "ccops"
