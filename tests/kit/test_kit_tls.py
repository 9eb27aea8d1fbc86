"""TLS: always verified, and held to the same time limits."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from ccops.crm.base import NotSent, OutcomeUnknown
from ccops.crm.http.exchange import HttpLimits
from ccops.crm.kit.errors import KitUnreachable
from tests.kit.proxies import pass_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kit.conftest import Connect, Wire

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="makes its certificate with openssl")

ACCOUNT = {"account": {"id": 9, "name": "Ann's Studio"}}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost and kit.example that signs itself, with its key, in one file."""
    place = tmp_path_factory.mktemp("tls") / "localhost.pem"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:kit.example"]
    output = ["-keyout", "-", "-out", "-"]
    made = subprocess.run(
        [str(OPENSSL), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name, *output],
        capture_output=True,
        check=True,
        text=True,
    )
    place.write_text(made.stdout)
    return place


@pytest.fixture
def wire(certificate: Path, new_wire: type[Wire]) -> Iterator[Wire]:
    """A service behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    served = new_wire(context)
    yield served
    served.close()


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificate."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))


def test_a_certificate_nobody_vouches_for_ends_it_before_the_key_leaves(wire: Wire, connect: Connect) -> None:
    crm = connect(wire.url)
    with pytest.raises(NotSent, match="its certificate is not valid: self-signed certificate"):
        crm.write(5, {"credits": "15"})
    with pytest.raises(KitUnreachable):
        crm.account()
    assert wire.asked == []


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_not_valid(wire: Wire, connect: Connect) -> None:
    with pytest.raises(NotSent, match="its certificate is not valid: IP address mismatch"):
        connect(f"https://127.0.0.1:{wire.port}").write(5, {"credits": "15"})
    assert wire.asked == []


@pytest.mark.usefixtures("trusted")
def test_a_trusted_service_is_used_over_one_connection(wire: Wire, connect: Connect) -> None:
    wire.reply(200, ACCOUNT).reply(200, ACCOUNT)
    crm = connect(wire.url)
    assert [crm.account().id, crm.account().id] == [9, 9]
    assert wire.connections == 1


@pytest.mark.usefixtures("trusted")
def test_a_drip_inside_tls_ends_at_the_time_limit(wire: Wire, connect: Connect) -> None:
    wire.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000)
    with pytest.raises(OutcomeUnknown, match="no whole answer"):
        connect(wire.url, limits=HttpLimits(connect=20, read=60, total=3)).write(5, {"credits": "15"})


def test_a_handshake_that_never_ends_was_no_request(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        crm = connect(
            f"https://127.0.0.1:{silent.getsockname()[1]}", limits=HttpLimits(connect=0.2, read=0.2, total=0.5)
        )
        with pytest.raises(NotSent, match=r"no connection within 0\.2 s"):
            crm.write(5, {"credits": "15"})


def answer_in_plain(listener: socket.socket) -> None:
    """Answer whatever comes as a server without TLS would."""
    with listener.accept()[0] as connection:
        connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")
        connection.recv(65_536)


def test_a_service_without_tls_was_sent_nothing(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        answering = threading.Thread(target=answer_in_plain, args=(plain,))
        answering.start()
        with pytest.raises(NotSent, match="its TLS is not usable"):
            connect(f"https://127.0.0.1:{plain.getsockname()[1]}").write(5, {"credits": "15"})
        answering.join()


class Tunnel:
    """A proxy that asks for a password and passes on what it is given, to the one service that it knows."""

    def __init__(self, port: int) -> None:
        self.heads: list[bytes] = []
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://ann:hunter2@127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += near.recv(1)
            self.heads.append(head)
            far = socket.create_connection(("127.0.0.1", self._to))
            near.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=pass_on, args=(one, other), daemon=True).start()


@pytest.mark.usefixtures("trusted")
def test_a_proxy_passes_on_what_it_cannot_read_over_one_connection(
    wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is the proxy's alone, the key Kit's alone."""
    tunnel = Tunnel(wire.port)
    monkeypatch.setenv("https_proxy", tunnel.url)
    wire.reply(200, ACCOUNT).reply(200, ACCOUNT)
    crm = connect("https://kit.example")
    assert [crm.account().id, crm.account().id] == [9, 9]
    assert (len(tunnel.heads), wire.connections) == (1, 1)
    assert b"Proxy-Authorization: Basic " in tunnel.heads[0]
    assert b"kit_" not in tunnel.heads[0]
    assert [(asked.target, asked.headers["host"]) for asked in wire.asked] == [("/v4/account", "kit.example")] * 2
    assert "proxy-authorization" not in wire.asked[0].headers
