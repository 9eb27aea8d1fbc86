"""`POST /operations/<operation>`: what any other system sends, what it is answered, and what comes of it."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from ccops.operations.model import OperationsFile
from ccops.server.app import Receiver
from ccops.server.posts import wanted_wait
from tests.engine.owner import change_address
from tests.server.conftest import OPERATION, SECRET, Door

ANN = {"email": "ann@example.org"}


def keyed(key: str, **more: object) -> dict[str, object]:
    return {**ANN, "event_id": key, **more}


# ---- accepted, done, done before


def test_a_post_is_on_disk_before_it_is_accepted_and_applied_once(door: Door) -> None:
    answer = door.post(keyed("invoice-7"))
    assert (answer.status, answer.headers["Location"], answer.body["state"]) == (202, "/entries/i1", "waiting")
    assert door.work() == ["applied"]
    again = door.post(keyed("invoice-7"))
    assert (again.status, again.body["status"], again.body["entry"]) == (200, "repeated", "e1")
    assert door.work() == ["applied"]
    assert door.bench.credits == "15"


def test_the_entry_tells_who_asked_and_why(door: Door) -> None:
    door.post(keyed("invoice-7", reason="Invoice 7"))
    door.work()
    entry = door.bench.ledger.entries.get(1)
    assert (entry.occasion, entry.via, entry.note, entry.by) == ("post:invoice-7", "post", "Invoice 7", "maria")


def test_a_post_that_still_waits_is_accepted_again_as_the_same(door: Door) -> None:
    assert [door.post(keyed("1")).headers["Location"] for _ in range(3)] == ["/entries/i1"] * 3
    door.work()
    assert door.bench.credits == "15"


def test_the_key_may_stand_in_the_header(door: Door) -> None:
    door.post(ANN, Idempotency_Key="invoice-7")
    door.post(keyed("invoice-7"))
    assert door.work() == ["applied"]


def test_two_keys_are_two_occasions(door: Door) -> None:
    door.post(keyed("1"))
    door.post(keyed("2"))
    door.work()
    assert door.bench.credits == "25"


def test_the_same_key_counts_apart_for_each_operation(door: Door) -> None:
    door.operations["other"] = replace(door.operations[OPERATION], name="other", tag=None)
    door.secrets.operations["other"] = door.secrets.operations[OPERATION]  # type: ignore[index]
    door.post(keyed("1"))
    door.post(keyed("1"), operation="other")
    door.work()
    assert door.bench.credits == "25"


def test_the_same_key_with_another_contact_or_amount_is_a_conflict(door: Door) -> None:
    door.change(amount_from_post=True)
    door.post(keyed("1", amount=3))
    assert door.post({"email": "bob@example.org", "event_id": "1", "amount": 3}).status == 409
    assert door.post(keyed("1", amount=4)).status == 409
    assert door.post(keyed("1")).status == 409
    assert door.post(keyed("1", amount="3.00")).status == 202
    door.work()
    assert door.post(keyed("1", amount=4)).status == 409
    assert door.bench.credits == "8"


def test_a_contact_named_by_id_is_the_one_that_was_named_by_address(door: Door) -> None:
    door.post(keyed("1"))
    door.work()
    assert door.post({"id": door.bench.ann, "event_id": "1"}).status == 200
    assert door.post({"id": door.bench.ann + 1, "event_id": "1"}).status == 409


# ---- without a key


def test_without_a_key_the_same_body_counts_once_within_the_window_and_that_is_said(door: Door) -> None:
    first = door.post(ANN)
    assert "10 minutes" in first.body["notes"][0]
    door.bench.clock.sleep(599)
    assert door.post(ANN).headers["Location"] == first.headers["Location"]
    door.work()
    assert door.bench.credits == "15"


def test_the_window_counts_from_the_first(door: Door) -> None:
    for _ in range(3):
        door.post(ANN)
        door.bench.clock.sleep(300)
    assert len(door.events()) == 2
    door.work()
    assert door.bench.credits == "25"


def test_another_body_is_another_occasion(door: Door) -> None:
    door.post(ANN)
    door.post({**ANN, "product": 2})
    door.work()
    assert door.bench.credits == "25"


def test_without_a_window_each_post_counts(door: Door) -> None:
    door.change(repeat_window=0)
    door.post(ANN)
    door.post(ANN)
    door.work()
    assert door.bench.credits == "25"


# ---- who prefers to wait


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=10", 10),
        ("respond-async, wait=5", 5),
        ("return=minimal; wait=5", 5),
        ("Wait = 7", 7),
        ("wait=99999", 30),
        ("wait=0", 0),
        ("", 0),
        ("await=5", 0),
        ("wait=x", 0),
        ("wait=-1", 0),
        ("wait=12345678", 0),
    ],
)
def test_how_long_a_sender_wants_to_wait(prefer: str, seconds: float) -> None:
    assert wanted_wait(prefer) == seconds


# ---- the secret


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"Authorization": f"Bearer {SECRET}"}),
        ("", {"Authorization": f"bearer   {SECRET} "}),
        ("", {"X-Ccops-Key": SECRET}),
        (f"?key={quote(SECRET)}", {}),
        (f"?a=1&key={quote(SECRET)}", {"Authorization": "Basic abc"}),
    ],
)
def test_the_secret_is_accepted_in_three_places(door: Door, query: str, headers: dict[str, str]) -> None:
    assert door("POST", f"/operations/{OPERATION}{query}", b"email=ann@example.org", headers).status == 202


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("", {"Authorization": "Bearer"}),
        ("", {"Authorization": "Bearer wrong"}),
        ("", {"Authorization": SECRET}),
        ("", {"Authorization": f"Basic {SECRET}"}),
        ("", {"X-Ccops-Key": "wr\xf6ng"}),
        ("?key=", {}),
        (f"?key={SECRET[:-1]}", {}),
        (f"?Key={SECRET}", {}),
    ],
)
def test_without_the_secret_nothing_is_accepted(door: Door, query: str, headers: dict[str, str]) -> None:
    answer = door("POST", f"/operations/{OPERATION}{query}", b"email=ann@example.org", headers)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert door.events() == []


def test_the_secret_is_no_key(door: Door) -> None:
    answer = door.post(keyed(SECRET))
    assert answer.status == 422
    assert SECRET not in str(answer.body)


def test_no_secret_stands_in_the_log_or_an_answer(door: Door) -> None:
    calls = [
        ("POST", f"/operations/{OPERATION}?key={SECRET}"),
        ("POST", f"/operations/{SECRET}"),
        ("POST", f"/operations/{OPERATION}/{SECRET}"),
        ("POST", f"/kit/{OPERATION}/{SECRET}"),
        ("POST", f"/kit/{OPERATION}/{SECRET}/more"),
        ("POST", f"/kit/{SECRET}/{OPERATION}"),
        ("GET", f"/entries/{SECRET}?key={SECRET}"),
        ("PUT", f"/kit/{OPERATION}/{SECRET}"),
        ("GET", f"/kit/{OPERATION}/{SECRET}"),
        ("GET", f"/{SECRET}"),
    ]
    answers = [door(method, path, b"email=x") for method, path in calls]
    assert len(door.log) == len(calls)
    assert SECRET not in str(door.log)
    assert not any(SECRET in str(answer) for answer in answers if "called" not in str(answer.body))


# ---- malformed


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 422), (b"{", 400), (b"\xff", 400), (b"name=ann", 422), (b"x" * 1_000_001, 413), (b"1" * 999_999, 400)],
)
def test_malformed_bodies_are_turned_away(door: Door, body: bytes, status: int) -> None:
    assert door.post(body).status == status
    assert door.events() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/operations/nobody", 404),
        ("POST", "/operations/n%C3%B6body", 404),
        ("POST", "/operations/", 404),
        ("POST", "/operations", 404),
        ("POST", "/", 404),
        ("POST", "", 404),
        ("GET", f"/operations/{OPERATION}", 405),
        ("DELETE", f"/operations/{OPERATION}", 405),
        ("POST", "/healthz", 405),
        ("POST", "/entries/i1", 405),
        ("GET", "/kit", 405),
    ],
)
def test_other_places_and_methods(door: Door, method: str, path: str, status: int) -> None:
    assert door(method, path).status == status


def test_a_packed_body_is_turned_away(door: Door) -> None:
    assert door.post(b"\x1f\x8b", Content_Encoding="gzip").status == 400


def test_a_mistake_of_ours_is_answered_and_logged_without_what_was_sent(door: Door) -> None:
    def broken() -> OperationsFile:
        raise ZeroDivisionError(SECRET)

    app = Receiver(replace(door.app._services, registry=broken), door.log.append)
    answer = replace(door, app=app).post(keyed("1"))
    assert (answer.status, answer.headers["Retry-After"]) == (500, "30")
    assert "internal error: ZeroDivisionError" in str(door.log)
    assert SECRET not in str(answer) + str(door.log)


def test_an_address_with_countless_parameters_is_turned_away(door: Door) -> None:
    assert door("GET", "/healthz?" + "&".join(["a=1"] * 101)).status == 400


# ---- amounts


def test_the_amount_of_the_post_counts_if_the_operation_takes_one(door: Door) -> None:
    door.change(amount_from_post=True)
    door.post(keyed("1", amount="2.50"))
    door.work()
    assert door.bench.credits == "7.5"
    assert door.bench.ledger.entries.get(1).asked == "2.5"


def test_an_amount_that_is_not_taken_changes_nothing_and_is_said(door: Door) -> None:
    answer = door.post(keyed("1", amount=4900))
    assert "amount was left out of account" in answer.body["notes"][0]
    door.work()
    assert door.bench.credits == "15"


@pytest.mark.parametrize("amount", [0, -1, "x", [], True])
def test_an_amount_has_to_be_above_zero(door: Door, amount: object) -> None:
    door.change(amount_from_post=True)
    assert door.post(keyed("1", amount=amount)).status == 422


def test_new_address_of_a_contact_repeats_the_post_of_its_old_one(door: Door) -> None:
    door.post(keyed("1"))
    door.work()
    change_address(door.bench, door.bench.ann, "zoe@example.org")
    assert door.bench.applier.read(door.bench.ann).contact is not None
    for who in ({"email": "zoe@example.org"}, {"email": "ann@example.org"}, {"id": door.bench.ann}):
        again = door.post({"event_id": "1", **who})
        assert (again.status, again.body["status"]) == (200, "repeated")
    newcomer = door.bench.kit.add_contact("ann@example.org", credits="0")
    assert door.bench.run("key:2").contact == newcomer
    assert door.post({"event_id": "1", "email": "bob@example.org"}).status == 409


def test_post_by_an_old_address_says_which_one_is_right(door: Door) -> None:
    door.post(keyed("1"))
    door.work()
    change_address(door.bench, door.bench.ann, "zoe@example.org")
    name = door.post(keyed("2")).body["event"]
    door.work()
    told = door("GET", f"/entries/{name}", headers={"X-Ccops-Key": SECRET}).body
    assert told["reason"] == "ann@example.org is now zoe@example.org in Kit"
    assert door.bench.credits == "15"
    newcomer = door.bench.kit.add_contact("ann@example.org", credits="0")
    door.bench.clock.sleep(1800)
    assert door.work()[-1] == "applied"
    assert (door.bench.credits, door.bench.kit.field_values(newcomer)["credits"]) == ("15", "10")
