"""What other systems do besides sending payments: looks, tests of the address, data in it, and ids of their own."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from ccops.ledger.inbox import Arrival
from ccops.operations.model import PostPlaces
from tests.engine.conftest import Bench
from tests.server.conftest import OPERATION, SECRET, Answered, Door
from tests.server.served import Served, at_work

PLACE = f"/operations/{OPERATION}"
WITH_SECRET = f"{PLACE}?key={quote(SECRET)}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def served(bench: Bench) -> Iterator[Served]:
    with at_work(bench) as served:
        yield served


def send(door: Door, body: bytes = b"", query: str = "") -> Answered:
    return door("POST", f"{WITH_SECRET}{query}", body, FORM)


# ---- looks and tests


@pytest.mark.parametrize("path", [PLACE, WITH_SECRET, f"/kit/{OPERATION}/{SECRET}", "/kit"])
def test_a_look_with_head_is_answered_and_does_nothing(door: Door, path: str) -> None:
    answer = door("HEAD", f"{path}{'&' if '?' in path else '?'}email=ann@example.org")
    assert (answer.status, answer.body, door.events()) == (200, {}, [])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PLACE}?key=wrong", 401),
        (f"/kit/{OPERATION}/wrong", 401),
        ("/operations/none", 404),
        (f"/kit/none/{SECRET}", 404),
        ("/none", 404),
        ("/entries/i1", 401),
    ],
)
def test_a_look_tells_that_an_address_is_wrong(door: Door, path: str, status: int) -> None:
    assert door("HEAD", path).status == status


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", [WITH_SECRET, PLACE, f"/kit/{OPERATION}/{SECRET}", "/kit"])
def test_every_other_method_has_the_same_answer(door: Door, method: str, path: str) -> None:
    answer = door(method, path, b"email=ann@example.org")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert answer.body == {"error": "this address takes POST only"}
    assert door.events() == []


def test_a_method_that_its_sender_made_up_is_not_logged(door: Door) -> None:
    door(SECRET, PLACE)
    assert SECRET not in str(door.log)


@pytest.mark.parametrize(
    "body",
    [
        b"webhook_id=12",
        b'{"webhook_id": 12}',
        b'{"event": "ping"}',
        b'{"type": "Ping", "id": 7}',
        b'{"event_type": "ping", "data": {"sent_at": 7}}',
    ],
)
@pytest.mark.parametrize("places", [PostPlaces(), PostPlaces("billing.email", "id")])
def test_a_test_of_the_address_is_answered_and_applies_nothing(door: Door, body: bytes, places: PostPlaces) -> None:
    door.change(post=places)
    answer = send(door, body)
    assert (answer.status, answer.body["status"], door.events()) == (200, "ping", [])
    assert door("POST", PLACE, body).status == 401


@pytest.mark.parametrize(
    "body",
    [
        b"webhook_id=12&email=ann@example.org",
        b'{"event": "ping", "customer": {"email": "ann@example.org"}}',
        b"webhook_id=12&id=%d",
    ],
)
def test_a_payment_is_never_taken_for_a_test(door: Door, body: bytes) -> None:
    assert send(door, body.replace(b"%d", str(door.bench.ann).encode())).status == 202
    assert door.work() == ["applied"]


def test_a_payment_whose_contact_is_elsewhere_is_never_taken_for_a_test(door: Door) -> None:
    door.change(post=PostPlaces("who"))
    assert send(door, b"webhook_id=12&who=ann@example.org").status == 202


# ---- data in the address


def test_data_in_the_address_is_read(door: Door) -> None:
    assert send(door, query="&email=ann@example.org&event_id=7&reason=Invoice+7").status == 202
    assert door.work() == ["applied"]
    entry = door.bench.ledger.entries.get(1)
    assert (entry.occasion, entry.note) == ("post:7", "Invoice 7")


def test_the_secret_in_the_address_is_no_data(door: Door) -> None:
    door.change(post=PostPlaces(occasion="key"))
    answer = send(door, query="&email=ann@example.org")
    assert answer.status == 422
    assert SECRET not in str(answer.body)


def test_an_id_in_the_body_does_not_outdo_an_address_in_the_address(door: Door) -> None:
    assert send(door, b"id=5", "&who=bob@example.org").status == 422
    assert send(door, b"id=5", "&email=ann@example.org").status == 202
    assert door.events()[0].who == "ann@example.org"


def test_the_same_body_with_other_data_in_the_address_is_another_occasion(door: Door) -> None:
    for number in (1, 2, 2):
        send(door, b"email=ann@example.org", f"&product={number}")
    assert len(door.events()) == 2


def test_another_place_for_the_secret_makes_no_other_occasion(door: Door) -> None:
    send(door, b"email=ann@example.org")
    door("POST", PLACE, b"email=ann@example.org", FORM | {"X-Ccops-Key": SECRET})
    assert len(door.events()) == 1


# ---- ids of their own


def test_an_id_that_exists_in_kit_is_outdone_by_an_address(door: Door) -> None:
    bob = door.bench.kit.contact_id("bob@example.org")
    for number, name in enumerate(["Email", "Contact0Email", "E-Mail", "email_address", "billing[email]"]):
        send(door, f"contactId={bob}&{name}=ann@example.org&event_id={number}".encode())
    assert door.work() == ["applied"] * 5
    assert {door.bench.ledger.entries.get(number).contact for number in range(1, 6)} == {door.bench.ann}


def test_an_id_that_the_ledger_knows_as_another_contact_is_turned_away(door: Door) -> None:
    bob = door.bench.kit.contact_id("bob@example.org")
    send(door, b"email=bob@example.org&event_id=1")
    door.work()
    answer = send(door, f"contactId={bob}&email=ann@example.org&event_id=2".encode())
    assert answer.status == 422
    assert "the contact with the id in contactId does not have the e-mail address in email" in answer.body["error"]
    assert "bob" not in answer.body["error"]
    assert send(door, f"contactId={bob}&email=bob@example.org&event_id=3".encode()).status == 202
    door.change(post=PostPlaces("email"))
    assert send(door, f"contactId={bob}&email=ann@example.org&event_id=2".encode()).status == 202


def test_a_blank_amount_uses_no_key_up(door: Door) -> None:
    door.change(amount_from_post=True)
    for wrong in ("", "1.000", "[Amount]"):
        assert send(door, f"email=ann@example.org&event_id=7&amount={wrong}".encode()).status == 422
    assert send(door, b"email=ann@example.org&event_id=7&amount=3").status == 202
    door.work()
    assert door.bench.credits == "8"


def test_a_placeholder_is_no_key_for_all_payments(door: Door) -> None:
    answers = [
        send(door, b"email=ann@example.org&event_id=[Invoice number]"),
        door.post({"email": "ann@example.org"}, Idempotency_Key="{{invoice}}"),
    ]
    assert [answer.status for answer in answers] == [422, 422]
    assert "[Invoice number]" in answers[0].body["error"]
    assert door.events() == []


def test_a_key_that_was_accepted_before_is_still_worked_off(door: Door) -> None:
    now = door.bench.clock.now()
    arrival = Arrival("post", OPERATION, "ann@example.org", now, received_at=now, key="[Invoice number]")
    door.bench.ledger.inbox.accept([arrival])
    assert door.work() == ["applied"]
    answer = door("GET", "/entries/i1", headers={"X-Ccops-Key": SECRET})
    assert (answer.status, answer.body["occasion"]) == (200, "post:[Invoice number]")


# ---- on a socket


def test_a_shop_can_look_test_and_pay(served: Served) -> None:
    assert served.call("HEAD", WITH_SECRET).status == 200
    assert served.call("POST", WITH_SECRET, b"webhook_id=12", FORM).body["status"] == "ping"
    assert served.call("PUT", WITH_SECRET, b"x").headers["Allow"] == "POST"
    paid = served.call("POST", f"{WITH_SECRET}&email=ann@example.org&event_id=7", b"", {"Prefer": "wait=10"})
    assert (paid.status, paid.body["after"]) == (200, {"credits": "15"})
    body, head = b"email=ann@example.org&event_id=8&name=M%FCller", {"Prefer": "wait=10"}
    latin = {"Content-Type": "application/x-www-form-urlencoded; charset=windows-1252"}
    assert served.call("POST", WITH_SECRET, body, head | latin).body["after"] == {"credits": "25"}
