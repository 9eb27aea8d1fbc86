"""Legacy webhooks: how they are kept, and the one unsigned POST for each event."""

import json
from typing import Any

import pytest
import requests

from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client
from tests.senders import Receiver

ANN, GOLD = 4_300_000_001, 1041
PATH = "/v4/webhooks"


def create(client: Client, url: str, name: str = "subscriber.tag_add", **params: Any) -> requests.Response:
    return client("POST", PATH, {"target_url": url, "event": {"name": name, **params}})


def test_a_webhook_is_made_listed_and_deleted(client: Client) -> None:
    made = create(client, "https://hooks.example.org/kit", tag_id=GOLD)
    kept = {"id": 31, "account_id": 9, "target_url": "https://hooks.example.org/kit"}
    assert (made.status_code, made.json()) == (
        201,
        {"webhook": {**kept, "event": {"name": "tag_add", "tag_id": GOLD, "initiator_value": None}}},
    )
    assert client.rows(PATH) == [{**kept, "event": {"name": "tag_add", "tag_id": GOLD}}]
    assert [client("DELETE", f"{PATH}/31").status_code for _ in range(2)] == [204, 404]
    assert client.rows(PATH) == []
    assert create(client, "https://hooks.example.org/kit", tag_id=GOLD).json()["webhook"]["id"] == 32


def test_the_same_webhook_twice_is_two(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    for _ in range(2):
        assert create(client, receiver.url, tag_id=kit.add_tag("New")).status_code == 201
    kit.tag(ANN, "New")
    kit.await_deliveries()
    assert len(client.rows(PATH, per_page=1)) == 1
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("subscriber.subscriber_activate", {}),
        ("subscriber.link_click", {"initiator_value": "https://example.org/offer"}),
        ("subscriber.course_complete", {"sequence_id": 4}),
        ("purchase.purchase_create", {}),
        ("custom_field.field_value_updated", {"custom_field_id": 3}),
    ],
)
def test_every_event_is_kept_with_its_parameter(client: Client, name: str, params: dict[str, Any]) -> None:
    made = create(client, "https://hooks.example.org/", name, **params)
    event = {"name": name.removeprefix("subscriber."), **params}
    assert made.json()["webhook"]["event"] == {"initiator_value": None, **event}
    assert client.rows(PATH)[0]["event"] == event


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "`event` and `target` parameters must be provided"),
        ({"target_url": "https://example.org/"}, "`event` and `target` parameters must be provided"),
        ({"event": {"name": "subscriber.tag_add"}}, "`event` and `target` parameters must be provided"),
        ({"target_url": "https://e.org", "event": "tag_add"}, "`event` and `target` parameters must be provided"),
        ({"target_url": "https://e.org", "event": {"name": "tag_add", "tag_id": 1}}, "Event name is invalid"),
        ({"target_url": "https://e.org", "event": {"name": ["x"]}}, "Event name is invalid"),
        (
            {"target_url": "https://e.org", "event": {"name": "subscriber.tag_add", "tag_id": None}},
            "The `tag_id` parameter must be provided",
        ),
        (
            {"target_url": "https://e.org", "event": {"name": "subscriber.tag_add", "tag_id": True}},
            "The `tag_id` parameter must be provided",
        ),
    ],
)
def test_a_webhook_without_what_it_needs_is_refused(client: Client, body: Any, complaint: str) -> None:
    answer = client("POST", PATH, body)
    assert (answer.status_code, answer.json()) == (422, {"errors": [complaint]})
    assert client.rows(PATH) == []


@pytest.mark.parametrize(
    "url", [5, "ftp://e.org", "https://", "http://e.org:x", "http://[1", "http://e.org/ü", "http://e.org/\r\nX: y"]
)
def test_a_webhook_needs_a_url_that_could_be_posted_to(client: Client, url: Any) -> None:
    assert create(client, url, tag_id=GOLD).json() == {"errors": ["Target url is invalid"]}


def test_only_a_tagging_that_really_happened_is_delivered(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    tag = kit.add_tag("ccops: payment-credit")
    create(client, f"{receiver.url}/kit/payment-credit/s3cret?a=b", tag_id=tag)
    path = f"/v4/tags/{tag}/subscribers"
    assert client("POST", f"{path}/{ANN}").status_code == 201
    assert client("POST", f"{path}/{ANN}").status_code == 200
    assert client("POST", path, {"email_address": "ann@example.org"}).status_code == 200
    kit.tag(ANN, tag)
    kit.tag(ANN, "Another tag")
    client("DELETE", f"{path}/{ANN}")
    kit.await_deliveries()
    (received,) = receiver.received
    assert received.path == "/kit/payment-credit/s3cret?a=b"
    shown = client("GET", f"/v4/subscribers/{ANN}").json()["subscriber"]
    del shown["canceled_at"]
    assert json.loads(received.body) == {"subscriber": shown}
    assert received.headers["Content-Type"] == "application/json"
    assert not [name for name in received.headers if name.startswith("X-Kit")]


def test_a_tag_taken_off_is_delivered_if_it_was_there(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    create(client, receiver.url, "subscriber.tag_remove", tag_id=GOLD)
    for _ in range(2):
        client("DELETE", f"/v4/tags/{GOLD}/subscribers/{ANN}")
        kit.untag(kit.contact_id("bob@example.org"), GOLD)
    kit.await_deliveries()
    assert sorted(json.loads(each.body)["subscriber"]["first_name"] for each in receiver.received) == ["Ann", "Bob"]


@pytest.mark.parametrize("answer", [500, 404, 302, None])
def test_nothing_is_delivered_twice_whatever_the_answer(
    kit: Sandbox, client: Client, receiver: Receiver, answer: int | None
) -> None:
    kit.settings.patience = 60 if answer else 0.05
    kit.settings.retry_scale = 0.000001
    create(client, receiver.url, tag_id=kit.add_tag("New"))
    receiver.answers.append(answer)
    kit.tag(ANN, "New")
    kit.await_deliveries()
    assert receiver.arrived.acquire(timeout=60), "what the sandbox gave up may come late"
    assert kit.retry_deliveries() == 0
    kit.await_deliveries()
    (sent,) = kit.deliveries
    assert (sent.status, sent.trouble) == (answer, "" if answer else "timed out")
    assert len(receiver.received) == 1


def test_a_receiver_that_is_away_holds_nothing_up(kit: Sandbox, client: Client) -> None:
    with Receiver() as gone:
        create(client, gone.url, tag_id=kit.add_tag("New"))
    assert client("POST", f"/v4/tags/{kit.add_tag('New')}/subscribers/{ANN}").status_code == 201
    kit.await_deliveries()
    (sent,) = kit.deliveries
    assert sent.status is None
    assert "refused" in sent.trouble


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/",
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "http://127.0.0.1@example.org/",
        "http://0/",
    ],
)
def test_nothing_ever_leaves_the_machine(kit: Sandbox, client: Client, url: str) -> None:
    assert create(client, url, tag_id=kit.add_tag("New")).status_code == 201
    kit.tag(ANN, "New")
    kit.await_deliveries()
    assert [(sent.status, sent.trouble) for sent in kit.deliveries] == [
        (None, "not sent: the sandbox delivers to http:// on loopback only")
    ]


def test_what_was_delivered_can_be_delivered_again(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    create(client, receiver.url, tag_id=kit.add_tag("New"))
    kit.tag(ANN, "New")
    kit.await_deliveries()
    kit.deliver_again(0, times=99)
    kit.await_deliveries()
    assert len(receiver.received) == 100
    assert {each.body for each in receiver.received} == {receiver.received[0].body}
    assert [sent.status for sent in kit.deliveries] == [204] * 100
    with pytest.raises(IndexError):
        kit.deliver_again(100)


def test_lists_of_webhooks_lag_as_all_lists_do() -> None:
    with Sandbox() as kit:
        kit.settings.lag = 30
        client = Client(kit)
        create(client, "https://hooks.example.org/", tag_id=GOLD)
        assert client.rows(PATH) == []
        client.session.close()


def test_a_request_that_has_no_effect_is_no_event(kit: Sandbox, client: Client, receiver: Receiver) -> None:
    tag = kit.add_tag("New")
    create(client, receiver.url, tag_id=tag)
    kit.faults.add(Fault("half", when="before"), Fault("late", status=503))
    with pytest.raises(requests.RequestException):
        client("POST", f"/v4/tags/{tag}/subscribers/{ANN}")
    assert client("POST", f"/v4/tags/{tag}/subscribers/{ANN}").status_code == 503
    kit.await_deliveries()
    assert receiver.received == []
    kit.faults.deliver_late()
    kit.await_deliveries()
    assert len(receiver.received) == 1
