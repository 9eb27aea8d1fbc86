"""A SOCKS proxy, which needs connections of its own: the same is held to as without it."""

from __future__ import annotations

import contextlib
import socket
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING

import pytest

from ccops.crm.base import NotSent, OutcomeUnknown
from ccops.crm.http.exchange import HttpLimits
from tests.kit.proxies import pass_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kit.conftest import Connect, Wire

WRITTEN = {"subscriber": {"id": 5, "email_address": "a@x.org", "fields": {"credits": "15"}}}


@pytest.fixture
def proxy(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingTCPServer]:
    """A proxy by which every name leads to the scripted service."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.read(self.rfile.read(2)[1])
            self.wfile.write(b"\x05\x00")
            self.rfile.read(self.rfile.read(5)[4] + 2)
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", wire.port)) as way:
                self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))
                threading.Thread(target=pass_on, args=(way, self.connection), daemon=True).start()
                pass_on(self.connection, way)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        monkeypatch.setenv("http_proxy", f"socks5h://127.0.0.1:{server.server_address[1]}")
        yield server
        server.shutdown()


@pytest.mark.usefixtures("proxy")
def test_requests_go_through_it_on_one_connection(wire: Wire, connect: Connect) -> None:
    wire.reply(200, WRITTEN).reply(200, WRITTEN)
    crm = connect("http://kit.example")
    assert [crm.write(5, {"credits": "15"}) for _ in range(2)] == [{"credits": "15"}] * 2
    assert (wire.asked[1].headers["host"], wire.asked[1].target) == ("kit.example", "/v4/subscribers/5")
    assert wire.connections == 1


@pytest.mark.usefixtures("proxy")
def test_a_write_that_left_through_it_is_unknown_and_has_a_time_limit(wire: Wire, connect: Connect) -> None:
    wire.hang()
    with pytest.raises(OutcomeUnknown, match=r"no whole answer within .* 0\.5 s in all"):
        connect("http://kit.example", limits=HttpLimits(connect=20, read=60, total=0.5)).write(5, {"credits": "15"})
    assert len(wire.asked) == 1


def test_one_that_is_not_there_was_sent_nothing(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5h://127.0.0.1:9")
    with pytest.raises(NotSent, match="no connection could be made"):
        connect("http://kit.example").write(5, {"credits": "15"})
