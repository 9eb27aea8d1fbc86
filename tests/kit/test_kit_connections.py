"""What happens on the wire: time limits that a drip can't outwit, kept connections, bounded answers."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ccops import __version__
from ccops.crm.base import NotSent, OutcomeUnknown
from ccops.crm.http import transport
from ccops.crm.http.exchange import HttpCall, HttpLimits, Trouble
from ccops.crm.http.transport import Http
from ccops.crm.kit.errors import KitUnreachable

if TYPE_CHECKING:
    from ccops.crm.kit.client import KitCrm
    from tests.kit.conftest import Connect, Wire

pytestmark = pytest.mark.slow

ACCOUNT = {"account": {"id": 9, "name": "Ann's Studio"}}
BODY = json.dumps(ACCOUNT).encode()
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"

DRIPS = {
    "in the status line": (b"", WHOLE),
    "in the headers": (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 1000),
    "in the body": (WHOLE[: -len(BODY)], BODY),
    "in a body without an announced end": (ENDLESS, BODY * 9),
    "in chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 50),
    "in interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 9),
}


@pytest.mark.parametrize(("at_once", "slowly"), DRIPS.values(), ids=DRIPS)
def test_an_answer_that_drips_ends_at_the_time_limit(
    at_once: bytes, slowly: bytes, wire: Wire, connect: Connect
) -> None:
    """No wait for a byte is ever too long; the last byte would come after seconds, or never."""

    def step(connection: socket.socket) -> bool:
        connection.sendall(at_once)
        for byte in slowly:
            connection.sendall(bytes([byte]))
            if wire.over.wait(0.1):
                break
        return False

    wire.then(step)
    crm = connect(wire.url, limits=HttpLimits(connect=20, read=60, total=1))
    with pytest.raises(OutcomeUnknown, match=r"no whole answer within .* 1 s in all"):
        crm.write(5, {"credits": "15"})


def test_a_service_that_says_nothing_is_left_after_the_silence_allowed(wire: Wire, connect: Connect) -> None:
    """Were the silence not limited, the test would last an hour."""
    wire.hang()
    crm = connect(wire.url, limits=HttpLimits(connect=20, read=0.25, total=3600))
    with pytest.raises(OutcomeUnknown, match=r"no whole answer within 0\.25 s of silence"):
        crm.write(5, {"credits": "15"})


def test_a_connection_that_is_not_taken_up_was_never_used(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        crm = connect(f"http://127.0.0.1:{address[1]}", limits=HttpLimits(connect=0.2, read=0.2, total=0.5))
        with pytest.raises(NotSent, match=r"no connection within 0\.2 s"):
            crm.write(5, {"credits": "15"})
        for filler in fillers:
            filler.close()


def test_one_connection_serves_many_requests(wire: Wire, crm: KitCrm) -> None:
    for _ in range(100):
        wire.reply(200, ACCOUNT)
    for _ in range(100):
        crm.account()
    assert wire.connections == 1


def test_a_connection_is_kept_after_refusals_too(wire: Wire, crm: KitCrm) -> None:
    wire.reply(404, {"errors": ["Not Found"]}).reply(429, b"Retry later")
    wire.reply(404, {"errors": ["Not Found"]})
    assert crm.contact(5) is None
    assert crm.contact(6) is None
    assert wire.connections == 1


def test_threads_share_the_client_but_not_their_answers(wire: Wire, crm: KitCrm) -> None:
    def step(connection: socket.socket) -> bool:
        number = wire.asked[-1].target.rpartition("/")[2]
        body = json.dumps({"subscriber": {"id": int(number), "email_address": "a@x.org"}}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        return True

    lock = threading.Lock()
    seen: list[tuple[int, int]] = []

    def work(numbers: range) -> None:
        for number in numbers:
            with lock:
                wire.then(step)
                contact = crm.contact(number)
                assert contact is not None
                seen.append((number, contact.id))

    threads = [threading.Thread(target=work, args=(range(start, start + 10),)) for start in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 30
    assert all(asked == got for asked, got in seen)


def test_a_connection_closed_meanwhile_is_noticed_before_a_write_is_sent(wire: Wire, crm: KitCrm) -> None:
    closed = threading.Event()

    def step(connection: socket.socket) -> bool:
        connection.sendall(WHOLE)
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()
        return False

    wire.then(step).reply(200, {"subscriber": {"id": 5, "email_address": "a@x.org", "fields": {"credits": "15"}}})
    crm.account()
    assert closed.wait(60)
    assert crm.write(5, {"credits": "15"}) == {"credits": "15"}
    assert [asked.method for asked in wire.asked] == ["GET", "PUT"]
    assert wire.connections == 2


def test_a_connection_closed_under_a_write_is_not_made_anew_for_it(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, ACCOUNT).say(b"")
    crm.account()
    with pytest.raises(OutcomeUnknown, match="broke before its answer was whole"):
        crm.write(5, {"credits": "15"})
    assert [asked.method for asked in wire.asked] == ["GET", "PUT"]


def test_a_connection_idle_for_long_is_not_trusted_with_a_write(
    wire: Wire, crm: KitCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "IDLE_SECONDS", 0)
    wire.reply(200, ACCOUNT).reply(200, ACCOUNT)
    crm.account()
    crm.account()
    assert wire.connections == 2


def test_a_request_after_a_slow_one_has_its_full_time_again(wire: Wire, crm: KitCrm) -> None:
    def slow(connection: socket.socket) -> bool:
        connection.sendall(WHOLE[:20])
        wire.over.wait(0.2)
        connection.sendall(WHOLE[20:-1])
        wire.over.wait(0.2)
        connection.sendall(WHOLE[-1:])
        return True

    wire.then(slow).then(slow)
    assert [crm.account().id, crm.account().id] == [9, 9]
    assert (len(wire.asked), wire.connections) == (2, 1)


def test_a_zipped_answer_is_read(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, gzip.compress(BODY), content_encoding="gzip")
    assert crm.account().id == 9


@pytest.mark.parametrize("zipped", [False, True])
def test_an_answer_too_long_to_be_one_is_not_read_to_its_end(zipped: bool, wire: Wire, connect: Connect) -> None:
    crm = connect(wire.url, limits=HttpLimits(answer_bytes=100_000))
    for _ in range(6):
        if zipped:
            wire.reply(200, gzip.compress(b" " * 50_000_000), content_encoding="gzip")
        else:
            wire.reply(200, b" " * 200_000)
    with pytest.raises(KitUnreachable, match="its answer is longer than 100000 bytes"):
        crm.account()


def test_a_request_says_who_asks_and_what_for(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, ACCOUNT)
    crm.account()
    headers = wire.asked[0].headers
    assert {name: headers[name] for name in ("user-agent", "accept", "accept-encoding")} == {
        "user-agent": f"ccops/{__version__}",
        "accept": "application/json",
        "accept-encoding": "gzip",
    }


@pytest.mark.parametrize("broken", ["\r\n", "\n", "\r"])
def test_no_header_is_two(broken: str, wire: Wire) -> None:
    http = Http(api_url=wire.url, limits=HttpLimits())
    got = http.send(HttpCall("GET", "/v4/account"), ("X-Kit-Api-Key", f"kit{broken}X-Other: 1"))
    assert isinstance(got, Trouble)
    assert (got.left, wire.asked) == (False, [])


def test_cookies_are_not_sent_back(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, ACCOUNT, set_cookie="a=b; Path=/").reply(200, ACCOUNT)
    crm.account()
    crm.account()
    assert "cookie" not in wire.asked[1].headers


def test_the_time_of_the_latest_answer_is_known(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, ACCOUNT).reply(200, ACCOUNT, date="Sun, 01 Mar 2026 09:00:00 GMT").reply(200, ACCOUNT)
    seen = [(crm.account(), crm.server_date)[1] for _ in range(3)]
    nine = datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert seen == [None, nine, nine]


def test_the_http_library_is_loaded_only_by_those_who_need_it() -> None:
    code = "import sys, ccops.crm.kit.client; print({'requests', 'urllib3', 'http.client'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_a_host_with_a_path_before_the_api_is_kept(wire: Wire, connect: Connect) -> None:
    wire.reply(200, ACCOUNT)
    connect(f"{wire.url}/kit/").account()
    assert wire.asked[0].target == "/kit/v4/account"


def test_what_comes_after_an_interim_answer_is_nobody_else_s(wire: Wire, crm: KitCrm) -> None:
    """A status below 200 is not the last word: the connection on which the last word still comes is used no more."""
    wire.say(b"HTTP/1.1 103 Early Hints\r\n\r\n", stay=True).reply(200, ACCOUNT)
    assert crm.account().id == 9
    assert (len(wire.asked), wire.connections) == (2, 2)
