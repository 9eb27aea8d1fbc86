"""What webhook endpoints are sent: batches of events, signed, and again until they are taken."""

import hashlib
import hmac
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from ccops.sandbox.sandbox import Sandbox
from ccops.sandbox.tables import FOREVER, DeliveryRow
from ccops.sandbox.webhook_delivery import judged
from tests.plain import Client, Hour
from tests.senders import Received, Receiver

ANN, GOLD = 4_300_000_001, 1041
PATH = "/v4/webhook_endpoints"
TAGGED, UNTAGGED = "subscriber.tag_added", "subscriber.tag_removed"

Timed = tuple[Sandbox, Client]


def create(client: Client, url: str, *events: str) -> str:
    """Make a webhook endpoint; return its secret."""
    made = client("POST", PATH, {"url": url, "events": events or [TAGGED]})
    secret: str = made.json()["webhook_endpoint"]["secret"]
    return secret


def digests(received: Received, *secrets: str) -> list[str]:
    """Return what the signature of a delivery has to hold for each secret."""
    at = re.match(r"t=(\d+)", received.headers["X-Kit-Signature"])
    assert at is not None
    message = at[1].encode() + b"." + received.body
    return [f"v1={hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()}" for secret in secrets]


def events(received: Received) -> list[dict[str, Any]]:
    return list(json.loads(received.body)["events"])


def test_a_tagging_is_one_signed_event(timed: Timed, receiver: Receiver) -> None:
    kit, client = timed
    secret = create(client, f"{receiver.url}/kit")
    tag = kit.add_tag("ccops: payment-credit")
    for _ in range(2):
        client("POST", f"/v4/tags/{tag}/subscribers/{ANN}")
    kit.await_deliveries()
    (received,) = receiver.received
    assert {name: received.headers[name] for name in ("Content-Type", "User-Agent", "X-Kit-Delivery")} == {
        "Content-Type": "application/json",
        "User-Agent": "Kit-Webhooks/2.0",
        "X-Kit-Delivery": "81",
    }
    assert received.headers["X-Kit-Signature"] == f"t=1795341600,{digests(received, secret)[0]}"
    (event,) = events(received)
    shown = client("GET", f"/v4/subscribers/{ANN}").json()["subscriber"]
    del shown["canceled_at"]
    assert json.loads(received.body)["delivery_id"] == 81
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event.pop("id"))
    assert event == {
        "type": TAGGED,
        "created": "2026-11-22T10:00:00Z",
        "data": {
            "subscriber": shown,
            "tag": {"id": tag, "name": "ccops: payment-credit", "created_at": "2026-11-22T10:00:00Z"},
        },
    }


def test_events_of_one_type_go_together_up_to_a_hundred(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    create(client, receiver.url, TAGGED, UNTAGGED)
    with kit.holding_deliveries():
        for number in range(101):
            kit.tag(ANN, f"Tag {number}")
        kit.untag(ANN, "Tag 0")
        kit.await_deliveries()
        assert receiver.received == []
    kit.await_deliveries()
    batches = [events(received) for received in receiver.received]
    assert [(len(batch), {event["type"] for event in batch}) for batch in batches] == [
        (100, {TAGGED}),
        (1, {TAGGED}),
        (1, {UNTAGGED}),
    ]
    assert len({event["id"] for batch in batches for event in batch}) == 102
    assert [event["data"]["tag"]["name"] for event in batches[0]] == [f"Tag {number}" for number in range(100)]


def test_each_endpoint_gets_what_it_wants_while_it_is_active(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    create(client, f"{receiver.url}/both", TAGGED, UNTAGGED)
    create(client, f"{receiver.url}/removed", UNTAGGED)
    create(client, f"{receiver.url}/other", "tag.created")
    kit.tag(ANN, "New")
    kit.untag(ANN, "New")
    kit.await_deliveries()
    assert sorted(each.path for each in receiver.received) == ["/both", "/both", "/removed"]
    client("PATCH", f"{PATH}/51", {"status": "disabled"})
    kit.tag(ANN, "New")
    client("PATCH", f"{PATH}/51", {"status": "active", "events": [UNTAGGED], "url": f"{receiver.url}/moved"})
    client("DELETE", f"{PATH}/52")
    kit.untag(ANN, "New")
    kit.await_deliveries()
    assert [each.path for each in receiver.received[3:]] == ["/moved"]


def test_what_waits_for_an_endpoint_that_is_gone_is_given_up(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    create(client, receiver.url)
    kit.settings.retry_scale = 0.000001
    receiver.answers.append(500)
    with kit.holding_deliveries():
        kit.tag(ANN, "New")
        client("PATCH", f"{PATH}/51", {"status": "disabled"})
    kit.await_deliveries()
    client("DELETE", f"{PATH}/51")
    assert kit.retry_deliveries() == 0
    assert (receiver.received, kit.deliveries) == ([], [])


def test_both_secrets_sign_while_one_takes_the_others_place(timed: Timed, hour: Hour, receiver: Receiver) -> None:
    kit, client = timed
    old = create(client, receiver.url)
    new = client("POST", f"{PATH}/51/rotate_secret").json()["webhook_endpoint"]["secret"]
    kit.tag(ANN, "One")
    kit.await_deliveries()
    hour.pass_by(24 * 3600)
    kit.tag(ANN, "Two")
    kit.await_deliveries()
    during, after = receiver.received
    assert during.headers["X-Kit-Signature"].split(",")[1:] == digests(during, new, old)
    assert after.headers["X-Kit-Signature"].split(",")[1:] == digests(after, new)


def test_a_revoked_secret_signs_no_more(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    create(client, receiver.url)
    new = client("POST", f"{PATH}/51/rotate_secret").json()["webhook_endpoint"]["secret"]
    client("POST", f"{PATH}/51/revoke_previous_secret")
    kit.tag(ANN, "New")
    kit.await_deliveries()
    (received,) = receiver.received
    assert received.headers["X-Kit-Signature"].split(",")[1:] == digests(received, new)


@pytest.mark.parametrize("answer", [500, 404, 302, None])
def test_what_was_not_taken_is_sent_again_on_request_whole_and_signed_anew(
    timed: Timed, hour: Hour, receiver: Receiver, answer: int | None
) -> None:
    kit, client = timed
    kit.settings.patience = 60 if answer else 0.05
    secret = create(client, receiver.url)
    receiver.answers.append(answer)
    kit.tag(ANN, "New")
    kit.await_deliveries()
    assert receiver.arrived.acquire(timeout=60), (
        "what the sandbox gave up may come late, and must not pass for the next"
    )
    hour.pass_by(60)
    kit.settings.patience = 60
    assert kit.retry_deliveries() == 1
    kit.await_deliveries()
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["X-Kit-Delivery"] == second.headers["X-Kit-Delivery"] == "81"
    assert second.headers["X-Kit-Signature"] == f"t=1795341660,{digests(second, secret)[0]}"
    assert [(sent.delivery, sent.status) for sent in kit.deliveries] == [(81, answer), (81, 204)]
    assert kit.retry_deliveries() == 0


def test_a_receiver_that_is_gone_for_good_is_left_alone(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    create(client, receiver.url)
    receiver.answers.append(410)
    kit.tag(ANN, "New")
    kit.await_deliveries()
    assert kit.retry_deliveries() == 0


def test_the_waits_between_tries_can_be_shortened(timed: Timed, hour: Hour, receiver: Receiver) -> None:
    kit, client = timed
    kit.settings.retry_scale = 0.5
    create(client, receiver.url)
    receiver.answers.extend([500, (503, {"Retry-After": "10"})])
    kit.tag(ANN, "New")
    for wait, seen in ((0, 1), (14.9, 1), (0.1, 2), (4.9, 2), (0.1, 3), (1_000_000, 3)):
        hour.pass_by(wait)
        kit.await_deliveries()
        assert len(receiver.received) == seen
    assert [sent.status for sent in kit.deliveries] == [500, 503, 204]


def test_a_delivery_that_is_due_needs_no_further_event(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    kit.settings.retry_scale = 0.0001
    create(client, receiver.url)
    receiver.answers.append(500)
    kit.tag(ANN, "New")
    assert [receiver.arrived.acquire(timeout=60) for _ in range(2)] == [True, True]


def _after_try(number: int, status: int | None = 500, retry_after: str | None = None) -> tuple[str, float]:
    delivery = DeliveryRow(81, 51, "", "{}", "pending", number, 0)
    after = judged(delivery, status, retry_after, 0, 1)
    return after.state, after.due if after.due == FOREVER else after.due / 1_000_000


def test_eight_tries_are_spread_over_41_hours() -> None:
    waits = [_after_try(number)[1] for number in range(1, 8)]
    assert waits == [30, 120, 900, 3600, 14_400, 43_200, 86_400]
    assert 41 < sum(waits) / 3600 < 42
    assert _after_try(8) == ("failed", FOREVER)


@pytest.mark.parametrize(
    ("status", "retry_after", "wait"),
    [
        (503, "5", 5),
        (429, "0", 1),
        (503, "999999", 86_400),
        (500, "5", 30),
        (503, "soon", 30),
        (503, None, 30),
        (None, None, 30),
    ],
)
def test_a_busy_receivers_wish_is_honoured(status: int | None, retry_after: str | None, wait: float) -> None:
    assert _after_try(1, status, retry_after) == ("retrying", wait)


def test_a_delivery_can_be_repeated_although_it_was_taken(timed: Timed, hour: Hour, receiver: Receiver) -> None:
    kit, client = timed
    secret = create(client, receiver.url)
    kit.tag(ANN, "One")
    kit.await_deliveries()
    kit.tag(ANN, "Two")
    kit.await_deliveries()
    hour.pass_by(60)
    kit.deliver_again(0)
    kit.await_deliveries()
    first, _, again = receiver.received
    assert (again.body, again.headers["X-Kit-Delivery"]) == (first.body, "81")
    assert again.headers["X-Kit-Signature"] == f"t=1795341660,{digests(again, secret)[0]}"
    client("DELETE", f"{PATH}/51")
    kit.deliver_again(1, times=2)
    kit.await_deliveries()
    assert len(receiver.received) == 3


def test_a_delivery_can_be_forged_for_any_moment(timed: Timed) -> None:
    kit, _ = timed
    headers = kit.signed(b"{}", "whsec_new", "whsec_old", at=1_000, delivery=7)
    forged = Received("/", headers, b"{}")
    assert headers == {
        "Content-Type": "application/json",
        "User-Agent": "Kit-Webhooks/2.0",
        "X-Kit-Delivery": "7",
        "X-Kit-Signature": ",".join(["t=1000", *digests(forged, "whsec_new", "whsec_old")]),
    }
    assert kit.signed(b"", "x")["X-Kit-Signature"].startswith("t=1795341600,v1=")


def test_a_silent_receiver_keeps_neither_requests_nor_the_end_waiting(receiver: Receiver) -> None:
    with Sandbox() as kit:
        client = Client(kit)
        create(client, receiver.url)
        kit.settings.patience = 60
        receiver.answers.append(None)
        assert client("POST", f"/v4/tags/{kit.add_tag('New')}/subscribers/{ANN}").status_code == 201
        assert receiver.arrived.acquire(timeout=60)
        with pytest.raises(TimeoutError):
            kit.await_deliveries(0.01)
        client.session.close()
        before, started = threading.active_count(), time.monotonic()
        kit.stop()
        assert time.monotonic() - started < kit.settings.patience / 2
        assert threading.active_count() < before
        assert [sent.status for sent in kit.deliveries] == [None]
        kit.start()
        assert kit.retry_deliveries() == 1
        kit.await_deliveries()
        assert [sent.status for sent in kit.deliveries] == [None, 204]


def test_what_happens_while_it_is_stopped_is_delivered_later(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    create(client, receiver.url)
    kit.stop()
    kit.tag(ANN, "New")
    with pytest.raises(TimeoutError):
        kit.await_deliveries(0.01)
    kit.start()
    kit.await_deliveries()
    assert len(receiver.received) == 1


_TAG = """
import sys
from pathlib import Path
from ccops.sandbox.sandbox import Sandbox
sandbox = Sandbox(Path(sys.argv[1]))
for number in range(5):
    sandbox.tag(4300000001, f"Tag {number}")
sandbox.close()
"""


def test_sandboxes_that_share_a_file_deliver_for_each_other_once(tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with Sandbox(path) as one, Sandbox(path) as other:
        client = Client(one)
        create(client, receiver.url)
        client.session.close()
        with one.holding_deliveries():
            subprocess.run([sys.executable, "-W", "error", "-c", _TAG, str(path)], check=True)
            other.await_deliveries()
        one.await_deliveries()
        assert [sent.status for sent in one.deliveries] == []
        names = [event["data"]["tag"]["name"] for received in receiver.received for event in events(received)]
        assert names == [f"Tag {number}" for number in range(5)]


def test_one_that_only_looks_on_finds_what_another_left_behind(tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with Sandbox(path) as kit:
        client = Client(kit)
        create(client, receiver.url)
        client.session.close()
        subprocess.run([sys.executable, "-W", "error", "-c", _TAG, str(path)], check=True)
        assert receiver.arrived.acquire(timeout=60)


def test_other_processes_can_look_at_deliveries_and_ask_for_them(
    kit: Sandbox, client: Client, receiver: Receiver
) -> None:
    create(client, receiver.url)
    receiver.answers.append(500)
    kit.tag(ANN, "New")
    kit.await_deliveries()
    controls = f"{kit.url}/_sandbox/deliveries"
    assert requests.get(controls, timeout=60).json() == {
        "deliveries": [{"delivery": 81, "url": receiver.url, "status": 500, "trouble": ""}]
    }
    assert requests.post(controls, timeout=60).json() == {"retried": 1}
    kit.await_deliveries()
    assert len(receiver.received) == 2
