"""The receiver as a whole, over real sockets, with its workers and its own poll."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from ccops.app.errors import CantListen, ServeAtWork
from ccops.clock import SystemClock
from ccops.config.webhook_secrets import Secrets
from ccops.engine.apply import Applier
from ccops.engine.errors import OtherLedger
from ccops.operations.model import Change, OperationsFile
from ccops.sandbox.faults import Fault
from ccops.server.service import ServedHome, ServeOptions, ServeReports, serving
from tests.engine.conftest import RECEIPT, Bench
from tests.server.conftest import OPERATION, SECRET, tag_added
from tests.server.served import Served, at_work

pytestmark = pytest.mark.slow

ANN = {"email": "ann@example.org"}


@pytest.fixture
def served(bench: Bench) -> Iterator[Served]:
    with at_work(bench) as served:
        yield served


# ---- waiting for the answer


def test_who_prefers_to_wait_is_answered_with_the_change(served: Served) -> None:
    first = served.post({**ANN, "event_id": "1"}, Prefer="wait=10")
    assert (first.status, first.body["status"], first.body["after"]) == (200, "applied", {"credits": "15"})
    again = served.post({**ANN, "event_id": "1"}, Prefer="respond-async, wait=10")
    assert (again.status, again.body["status"], again.body["entry"]) == (200, "repeated", "e1")


def test_a_shop_can_ask_whether_there_is_enough(served: Served) -> None:
    change = Change("credits", "decrease", amount=Decimal(3), minimum=Decimal(0))
    served.change(changes=(change,))
    answers = [served.post({**ANN, "event_id": number}, Prefer="wait=10") for number in (1, 2)]
    assert [answer.status for answer in answers] == [200, 409]
    assert answers[1].body["reason"] == "credits would be -1, below the minimum of 0"
    assert served.post({**ANN, "event_id": 2}, Prefer="wait=10").status == 409
    assert served.post({**ANN, "event_id": 2}).status == 200


def test_a_value_that_is_no_number_is_told_and_not_tried_again_behind_the_senders_back(served: Served) -> None:
    served.bench.kit.set_field(served.bench.ann, "credits", "lots")
    answer = served.post({**ANN, "event_id": "1"}, Prefer="wait=10")
    assert (answer.status, answer.body["status"], answer.body["state"]) == (409, "refused", "done")
    served.bench.kit.set_field(served.bench.ann, "credits", "20")
    assert served.post({**ANN, "event_id": "1"}, Prefer="wait=10").status == 200
    assert served.credits == "30"


@pytest.mark.parametrize("who", [{"email": "nobody@example.org"}, {"id": 424242}])
def test_a_contact_who_is_not_there_is_told(served: Served, who: dict[str, object]) -> None:
    answer = served.post({**who, "event_id": "1"}, Prefer="wait=10")
    assert (answer.status, answer.body["state"], answer.body["status"]) == (404, "done", "failed")


def test_what_takes_longer_is_accepted_and_applied_later(served: Served) -> None:
    served.bench.kit.faults.add(Fault("status", status=503, times=2))
    answer = served.post({**ANN, "event_id": "1"}, Prefer="wait=0")
    assert answer.status == 202
    served.wait_until(served.idle)
    assert served.credits == "15"


def test_who_waits_for_a_paused_operation_is_answered_at_once(served: Served) -> None:
    served.change(paused=True)
    assert served.post({**ANN, "event_id": "1"}, Prefer="wait=10").status == 202
    served.change(paused=False)
    served.wait_until(served.idle)
    assert served.credits == "15"


def test_those_who_wait_do_not_keep_others_out(served: Served) -> None:
    served.bench.kit.faults.add(Fault("hang", "GET", times=None))
    with ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(served.post, {**ANN, "event_id": key}, Prefer="wait=5") for key in range(30)]
        served.wait_until(lambda: served.bench.ledger.inbox.backlog().waiting == 30)
        assert served.call("GET", "/healthz").status == 200
        served.bench.kit.faults.clear()
        assert {answer.result().status for answer in waiting} <= {200, 202}
    served.wait_until(served.idle)
    assert served.credits == "305"


# ---- once, however it arrives


def test_a_tagging_told_a_hundred_times_in_twenty_threads_signed_twice_and_polled_is_one_change(bench: Bench) -> None:
    with at_work(bench, poll=timedelta(milliseconds=20)) as served, ThreadPoolExecutor(24) as pool:
        contact, event = bench.ann, tag_added(bench.ann, served.tag, created=served.clock.now().isoformat())
        bench.kit.tag(contact, served.tag)
        told = [pool.submit(served.hook, contact) for _ in range(100)]
        told += [pool.submit(served.deliver, event) for _ in range(2)]
        assert {answer.result().status for answer in told} <= {200, 202}
        served.wait_until(served.idle)
        assert served.told == []
    assert bench.credits == "15"
    assert len(bench.kit.writes(contact)) == 1
    assert bench.kit.tags_of(contact) == ["Member: Gold"]


def test_its_own_poll_finds_what_no_webhook_told_of(bench: Bench) -> None:
    bench.kit.tag(bench.ann, "ccops: payment-credit")
    with at_work(bench, poll=timedelta(hours=1)) as served:
        served.wait_until(lambda: bool(served.outcomes))
    assert [outcome.status for outcome in served.outcomes] == ["applied"]
    assert bench.credits == "15"


def test_what_waits_when_it_stops_is_taken_up_at_the_next_start(bench: Bench) -> None:
    with at_work(bench) as served:
        served.change(paused=True)
        served.post({**ANN, "event_id": "1"})
    assert bench.credits == "5"
    with at_work(bench) as served:
        served.wait_until(served.idle)
    assert bench.credits == "15"


# ---- trouble


def test_while_kit_is_away_events_wait_and_that_is_said(served: Served) -> None:
    served.bench.kit.stop()
    served.post({**ANN, "event_id": "1"})
    served.wait_until(lambda: bool(served.told))
    assert "goes on in" in served.told[0]
    answer = served.call("GET", "/entries/i1", headers={"X-Ccops-Key": SECRET})
    assert answer.body["state"] == "waiting"
    served.bench.kit.start()
    served.wait_until(served.idle)
    assert served.credits == "15"


def test_another_ledger_at_work_stops_it(bench: Bench) -> None:
    bench.kit.set_field(bench.ann, RECEIPT, "abcdefgh.7")

    def serve() -> None:
        with at_work(bench) as served:
            served.post({**ANN, "event_id": "1"})
            served.wait_until(served.stop.is_set)

    with pytest.raises(OtherLedger):
        serve()
    assert bench.credits == "5"


def test_a_field_that_is_gone_stops_nobody_else(served: Served) -> None:
    served.change(changes=(Change("points", "increase", amount=Decimal(1)),))
    served.post({**ANN, "event_id": "1"})
    served.wait_until(lambda: served.bench.ledger.inbox.unended()[0].tries > 0)
    event = served.bench.ledger.inbox.unended()[0]
    assert "points" in str(event.reason)
    served.change(changes=(Change("credits", "increase", amount=Decimal(10)),))
    assert served.post({"email": "bob@example.org", "event_id": "2"}, Prefer="wait=10").status == 200


def test_stopping_answers_who_waits(bench: Bench) -> None:
    with at_work(bench) as served, ThreadPoolExecutor(1) as pool:
        bench.kit.faults.add(Fault("hang", "GET", times=None))
        waiting = pool.submit(served.post, {**ANN, "event_id": "1"}, Prefer="wait=20")
        served.wait_until(lambda: not served.idle())
        bench.kit.faults.await_hanging(1)
        served.stop.set()
        stopping = threading.Timer(0.2, bench.kit.faults.clear)
        stopping.start()
    assert waiting.result().status in {200, 202}
    stopping.join()


def test_two_at_one_home_are_one_too_many(served: Served) -> None:
    with pytest.raises(ServeAtWork), at_work(served.bench):
        pass


def test_a_port_in_use_is_told(bench: Bench) -> None:
    applier = Applier(bench.ledger, bench.crm, SystemClock(), timedelta(0))
    voices = ServeReports(lambda _: None, lambda _: None, lambda _: None, lambda _, __: {})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        plan = ServeOptions("127.0.0.1", taken.getsockname()[1], "maria", None)
        entered = serving(ServedHome(applier, lambda: OperationsFile("UTC"), Secrets), plan, voices, threading.Event())
        with pytest.raises(CantListen, match="Address already in use"), entered:
            pass


# ---- bad company


def speak(served: Served, *pieces: bytes) -> bytes:
    """Say something over a plain socket, and return all that is answered until it is closed."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=100) as line:
        for piece in pieces:
            line.sendall(piece)
        heard = b""
        while more := line.recv(4096):
            heard += more
        return heard


def head(**headers: str) -> bytes:
    lines = [
        f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "x", "Connection": "close", **headers}.items()
    ]
    return "\r\n".join([f"POST /operations/{OPERATION} HTTP/1.1", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (head(Content_Length="2000000") + b"x" * 2_000_000, 413),
        (head(Transfer_Encoding="chunked") + b"fffff\r\n" + b"x" * 1_048_575 + b"\r\n", 413),
        (head(X_Much="x" * 20_000), 431),
        (head(Content_Length="-5"), 400),
        (head(Content_Length="5", Transfer_Encoding="gzip"), 501),
        (head(Transfer_Encoding="chunked") + b"zz\r\n", 400),
        (b"NONSENSE\r\n\r\n", 400),
        (b"POST / HTTP/9.9\r\nConnection: close\r\n\r\n", 404),
        (b"POST /%ff%00 HTTP/1.0\r\n\r\n", 404),
        (head(Content_Length="2") + b"{}", 401),
    ],
)
def test_bad_requests_get_the_right_status_and_nothing_is_lost(served: Served, said: bytes, status: int) -> None:
    assert speak(served, said).split(b" ")[1] == str(status).encode()
    assert served.call("GET", "/healthz").body["waiting"] == 0


def test_a_body_in_pieces_is_read_whole(served: Served) -> None:
    body = b"email=ann%40example.org&event_id=1"
    pieces = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:])]
    assert b" 202 " in speak(served, head(Transfer_Encoding="chunked", X_Ccops_Key=SECRET), *pieces, b"0\r\n\r\n")


def test_one_connection_serves_many_posts(served: Served) -> None:
    line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    statuses = []
    for key in range(10):
        line.request(
            "POST", f"/operations/{OPERATION}", f"id={served.bench.ann}&event_id={key}", {"X-Ccops-Key": SECRET}
        )
        answer = line.getresponse()
        answer.read()
        statuses.append(answer.status)
    line.close()
    assert statuses == [202] * 10


def test_no_answer_names_the_server_software_in_detail(served: Served) -> None:
    assert served.call("GET", "/healthz").headers["Server"] == "ccops"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> Iterator[Served]:
    from ccops.server import listener
    from ccops.server import listener as server

    real: Callable[..., listener.Server] = listener.Server
    monkeypatch.setattr(server, "Server", lambda *words: real(*words, patience=2))
    with at_work(bench) as served:
        yield served


@pytest.mark.parametrize("beginning", [b"POST /opera", head(Content_Length="100") + b"email="])
def test_a_request_that_drips_in_is_cut_off_while_others_are_served(impatient: Served, beginning: bytes) -> None:
    """Every piece comes in time, the whole never does (slow loris)."""
    over, cut_off = threading.Event(), [threading.Event() for _ in range(50)]

    def drip(end: threading.Event) -> None:
        with socket.create_connection(("127.0.0.1", impatient.port), timeout=100) as line:
            with suppress(OSError):
                line.sendall(beginning)
                while not over.wait(0.2):
                    line.sendall(b"x")
            end.set()

    with ThreadPoolExecutor(len(cut_off)) as pool:
        for end in cut_off:
            pool.submit(drip, end)
        assert impatient.post({**ANN, "event_id": "1"}, Prefer="wait=60").status == 200
        try:
            impatient.wait_until(lambda: all(end.is_set() for end in cut_off))
        finally:
            over.set()
