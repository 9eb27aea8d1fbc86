"""What becomes of an accepted POST, and how its sender can look."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from ccops.engine.settle import SettleWord, settle_as, settle_event
from ccops.ledger.errors import NoEventToSettle
from ccops.operations.model import Change
from ccops.sandbox.faults import Fault
from tests.engine.conftest import RECEIPT
from tests.server.conftest import OPERATION, SECRET, Door
from tests.server.test_server_posts import keyed

# ---- what comes of it


def spend(door: Door, minimum: int = 0) -> None:
    change = Change("credits", "decrease", amount=Decimal(10), minimum=Decimal(minimum))
    door.change(changes=(change,))


def test_a_refusal_by_a_limit_is_an_answer_once_and_for_all(door: Door) -> None:
    spend(door)
    door.post(keyed("1"))
    assert door.work() == ["refused"]
    door.bench.kit.set_field(door.bench.ann, "credits", "50")
    again = door.post(keyed("1"))
    assert (again.status, again.body["status"], again.body["entry"]) == (200, "refused", "e1")
    assert door.work() == ["refused"]
    assert door.bench.credits == "50"


def test_the_same_post_again_adds_the_tags_of_a_refusal_that_were_lost(door: Door) -> None:
    spend(door)
    door.change(tags_if_refused=("needs: more credits",))
    door.bench.kit.faults.add(Fault("status", "POST", "/v4/tags/.*/subscribers", status=503, times=None))
    door.post(keyed("1"))
    assert door.work() == ["refused"]
    door.bench.kit.faults.clear()
    assert door.post(keyed("1")).status == 202
    assert door.work() == ["refused"]
    assert "needs: more credits" in door.bench.kit.tags_of(door.bench.ann)
    again = door.post(keyed("1"))
    assert (again.status, again.body["status"], again.body["entry"]) == (200, "refused", "e1")


def test_the_same_post_again_adds_the_tags_of_an_applied_entry_that_were_lost(door: Door) -> None:
    door.change(tags_if_applied=("thanks",))
    door.bench.kit.faults.add(Fault("status", "POST", "/v4/tags/.*/subscribers", status=503, times=None))
    door.post(keyed("1"))
    assert door.work() == ["applied"]
    door.bench.kit.faults.clear()
    assert door.post(keyed("1")).status == 202
    assert door.work() == ["repeated"]
    assert "thanks" in door.bench.kit.tags_of(door.bench.ann)
    assert (door.post(keyed("1")).status, door.bench.credits) == (200, "15")


def test_tags_of_a_refused_webhook_are_added_by_the_next_one(door: Door) -> None:
    spend(door)
    door.change(tags_if_refused=("needs: more credits",))
    door.bench.kit.tag(door.bench.ann, door.tag)
    door.bench.kit.faults.add(Fault("status", "POST", "/v4/tags/.*/subscribers", status=503, times=None))
    door.hook(door.bench.ann)
    assert door.work() == ["refused"]
    door.bench.kit.faults.clear()
    door.hook(door.bench.ann)
    door.work()
    assert door.bench.kit.tags_of(door.bench.ann) == ["needs: more credits", "Member: Gold"]


def test_a_period_counts_once_whatever_the_key(door: Door) -> None:
    door.change(once_per="month")
    door.post(keyed("1"))
    door.post(keyed("2"))
    assert door.work() == ["applied", "refused"]
    assert door.bench.credits == "15"


def test_a_value_that_is_no_number_is_tried_again_and_then_parked(door: Door) -> None:
    door.bench.kit.set_field(door.bench.ann, "credits", "lots")
    door.post(keyed("1"))
    for _ in range(8):
        assert door.work() == ["waiting"]
        door.bench.clock.sleep(1800)
    assert door.work() == ["parked"]
    event = door.events()[0]
    assert (event.entry, event.status) == (1, "refused")
    assert "lots" in str(event.reason)


def test_once_the_value_is_mended_the_next_try_applies_it(door: Door) -> None:
    door.bench.kit.set_field(door.bench.ann, "credits", "lots")
    door.post(keyed("1"))
    door.work()
    door.bench.kit.set_field(door.bench.ann, "credits", "20")
    door.bench.clock.sleep(10)
    assert door.work() == ["applied"]
    assert door.bench.credits == "30"


def test_a_parked_post_is_tried_again_when_it_is_sent_again(door: Door) -> None:
    door.bench.kit.set_field(door.bench.ann, "credits", "lots")
    door.post(keyed("1"))
    for _ in range(9):
        door.work()
        door.bench.clock.sleep(1800)
    door.bench.kit.set_field(door.bench.ann, "credits", "20")
    assert door.post(keyed("1")).status == 202
    assert door.work() == ["applied"]


def test_an_entry_that_needs_a_person_is_told_until_it_has_been_settled(door: Door) -> None:
    door.bench.run()
    door.bench.kit.set_field(door.bench.ann, RECEIPT, "no receipt")
    door.post(keyed("1"))
    assert door.work() == ["parked"]
    assert (door.post(keyed("1")).status, door.post(keyed("1")).body["status"]) == (202, "parked")
    settle_as(door.bench.applier, 2, "not-applied", "maria")
    assert door.post(keyed("1")).status == 202
    assert door.work() == ["applied"]
    assert door.bench.credits == "25"


def test_a_contact_who_is_made_a_little_later_is_found(door: Door) -> None:
    door.post({"email": "new@example.org", "event_id": "1"})
    assert door.work() == ["waiting"]
    contact = door.bench.kit.add_contact("new@example.org", credits="1")
    door.bench.clock.sleep(10)
    assert door.work() == ["applied"]
    assert door.bench.kit.field_values(contact)["credits"] == "11"


@pytest.mark.parametrize("who", [{"email": "nobody@example.org"}, {"id": 424242}])
def test_a_contact_who_never_comes_is_parked(door: Door, who: dict[str, object]) -> None:
    door.post({**who, "event_id": "1"})
    for _ in range(9):
        door.work()
        door.bench.clock.sleep(1800)
    event = door.events()[0]
    assert (event.state, event.status) == ("parked", "missing")


@pytest.mark.parametrize(
    ("word", "status", "told", "credited"), [("applied", 200, "repeated", "5"), ("not-applied", 202, "failed", "15")]
)
def test_a_parked_post_ends_by_a_persons_word(
    door: Door, word: SettleWord, status: int, told: str, credited: str
) -> None:
    door.post({"email": "new@example.org", "event_id": "1"})
    for _ in range(9):
        door.work()
        door.bench.clock.sleep(1800)
    event = settle_event(door.bench.applier, {}, 1, word, "maria")
    assert (event.state, event.reason) == ("done", f"maria said that it was {word.replace('-', ' ')}")
    contact = door.bench.kit.add_contact("new@example.org", credits="5")
    again = door.post({"email": "new@example.org", "event_id": "1"})
    assert (again.status, again.body["status"]) == (status, told)
    door.work()
    assert door.bench.kit.field_values(contact)["credits"] == credited
    with pytest.raises(NoEventToSettle):
        settle_event(door.bench.applier, {}, 1, word, "maria")


def test_a_contact_in_another_state_is_left_out_and_entered(door: Door) -> None:
    door.change(states=frozenset({"active"}))
    door.bench.kit.set_state(door.bench.ann, "cancelled")
    door.post(keyed("1"))
    assert door.work() == ["left-out"]
    entry = door.bench.ledger.entries.get(1)
    assert (entry.status, entry.cause) == ("refused", "state")
    door.bench.kit.set_state(door.bench.ann, "active")
    door.post(keyed("1"))
    assert door.work() == ["applied"]


def test_a_paused_operation_takes_posts_and_lets_them_wait(door: Door) -> None:
    door.change(paused=True)
    assert door.post(keyed("1")).status == 202
    assert door.work() == ["waiting"]
    door.change(paused=False)
    assert door.work() == ["applied"]


def test_an_operation_that_was_removed_meanwhile_leaves_its_events_to_a_person(door: Door) -> None:
    door.post(keyed("1"))
    del door.operations[OPERATION]
    assert door.work() == ["parked"]


def test_a_lost_answer_is_settled_before_it_counts_again(door: Door) -> None:
    door.bench.kit.faults.add(Fault("reset", "PUT", when="after"))
    door.post(keyed("1"))
    assert door.work() == ["waiting"]
    door.bench.clock.sleep(60)
    assert door.work() == ["applied"]
    assert door.bench.credits == "15"


def test_the_period_is_that_of_the_post_not_of_the_work(door: Door) -> None:
    door.change(once_per="day")
    door.post(keyed("1"))
    door.bench.clock.sleep(86_400)
    door.work()
    assert door.bench.ledger.entries.get(1).period == "day:2026-11-22"


# ---- looking


def test_the_location_tells_how_it_went(door: Door) -> None:
    place = door.post(keyed("1")).headers["Location"]
    bearer = {"Authorization": f"Bearer {SECRET}"}
    before = door("GET", place, headers=bearer)
    assert (before.status, before.body["status"], before.body["state"], before.body["entry"]) == (
        200, "open", "waiting", None,
    )  # fmt: skip
    door.work()
    after = door("GET", place, headers=bearer)
    assert after.body == {
        "entry": "e1",
        "run": "r1",
        "operation": OPERATION,
        "contact": {"id": door.bench.ann, "email": "ann@example.org"},
        "occasion": "post:1",
        "status": "applied",
        "before": {"credits": "5"},
        "after": {"credits": "15"},
        "reason": None,
        "note": None,
        "by": "maria",
        "via": "post",
        "undoes": None,
        "at": "2026-11-22T10:00:00Z",
        "event": "i1",
        "state": "done",
    }
    assert set(before.body) == set(after.body)
    assert door("GET", "/entries/e1", headers=bearer).body["status"] == "applied"


@pytest.mark.parametrize("name", ["i1", "e1"])
def test_looking_takes_the_secret_of_the_same_operation(door: Door, name: str) -> None:
    door.post(keyed("1"))
    door.work()
    assert door("GET", f"/entries/{name}").status == 401
    assert door("GET", f"/entries/{name}?key=wrong").status == 401
    door.secrets.operations["other"] = door.secrets.operations.pop(OPERATION)  # type: ignore[attr-defined, index]
    assert door("GET", f"/entries/{name}?key={SECRET}").status == 404


@pytest.mark.parametrize("name", ["i2", "e2", "1", "x", "i", "i1x", "i99999999999999999999", "i\u0661"])
def test_what_is_not_there_is_not_found(door: Door, name: str) -> None:
    door.post(keyed("1"))
    assert door("GET", f"/entries/{name}?key={SECRET}").status == 404


def test_health_tells_what_waits(door: Door) -> None:
    assert door("GET", "/healthz").body == {"status": "ok", "waiting": 0, "oldest": None, "parked": 0}
    door.post(keyed("1"))
    door.bench.clock.sleep(2)
    assert door("GET", "/healthz").body == {
        "status": "ok", "waiting": 1, "oldest": "2026-11-22T10:00:00Z", "parked": 0,
    }  # fmt: skip
    assert door("HEAD", "/healthz").status == 200


def test_a_ledger_that_cant_be_written_to_takes_nothing_and_says_so(door: Door) -> None:
    path = door.bench.ledger.database.path
    door.bench.ledger.close()
    path.rename(path.with_suffix(".away"))
    answer = door.post(keyed("1"))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert door("GET", "/healthz").status == 503
    path.with_suffix(".away").rename(path)
    door.bench.clock.sleep(timedelta(seconds=2).total_seconds())
    assert door.post(keyed("1")).status == 202
    assert door("GET", "/healthz").status == 200


def test_answers_are_json_that_nobody_keeps(door: Door) -> None:
    answer = door.post(keyed("1"))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert json.dumps(answer.body).isascii()
