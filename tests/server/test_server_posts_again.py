"""The same POST or webhook again, after what it did was taken back: whether it counts is asked of its entry."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ccops.engine.settle import settle_as
from ccops.engine.undo import UndoOptions, reopen, undo_request
from ccops.ledger.inbox import Ending
from ccops.sandbox.faults import Fault
from tests.engine.conftest import ORIGIN, RECEIPT
from tests.engine.owner import once
from tests.server.conftest import SECRET, Answered, Door, tag_added
from tests.server.test_server_posts import ANN, keyed

BEARER = {"Authorization": f"Bearer {SECRET}"}


def undo(door: Door, entry: int, *, reopens: bool = True) -> None:
    """Take an entry back, as `ccops undo` does in another process."""
    run = door.bench.request("undo").run
    request = undo_request(door.bench.ledger, entry, {}, UndoOptions(reopen=reopens), (run, ORIGIN))
    assert door.bench.applier.apply(request).status == "applied"


def wait_until(reached: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    waiting = threading.Event()
    while not reached():
        waiting.wait(0.01)


def look(door: Door, name: str = "i1") -> Answered:
    return door("GET", f"/entries/{name}", headers=BEARER)


# ---- taken back and reopened


@pytest.mark.parametrize("body", [keyed("invoice-7"), ANN], ids=["with a key", "without one"])
def test_a_post_whose_occasion_was_reopened_is_applied_again(door: Door, body: dict[str, object]) -> None:
    door.post(body)
    door.work()
    undo(door, 1)
    again = door.post(body)
    assert (again.status, again.body["state"], again.body["status"], again.body["entry"]) == (
        202, "waiting", "open", None,
    )  # fmt: skip
    assert door.work() == ["applied"]
    assert (door.bench.credits, look(door).body["entry"], look(door).body["status"]) == ("15", "e3", "applied")
    assert (door.post(body).body["status"], door.work(), door.bench.credits) == ("repeated", ["applied"], "15")


def test_a_post_that_was_taken_back_counts_no_more_unless_reopened(door: Door) -> None:
    door.post(keyed("1"))
    door.work()
    undo(door, 1, reopens=False)
    again = door.post(keyed("1"))
    assert (again.status, again.body["status"], door.bench.credits) == (200, "repeated", "5")
    assert again.body["reason"] == "taken back by e2; ccops undo e1 --reopen lets it run again"
    reopen(door.bench.ledger, 1)
    assert (door.post(keyed("1")).status, door.work(), door.bench.credits) == (202, ["applied"], "15")


def test_an_undo_that_was_taken_back_makes_the_post_repeated_again(door: Door) -> None:
    door.post(keyed("1"))
    door.work()
    undo(door, 1)
    undo(door, 2)
    again = door.post(keyed("1"))
    assert (again.status, again.body["status"], door.bench.credits) == (200, "repeated", "15")


def test_what_was_reopened_twice_counts_once_each_time(door: Door) -> None:
    for entry in (1, 3, 5):
        assert (door.post(keyed("1")).status, door.work()) == (202, ["applied"])
        undo(door, entry)
    door.post(keyed("1"))
    door.post(keyed("1"))
    door.work()
    assert door.bench.credits == "15"


def test_a_reopened_post_with_another_amount_stays_a_conflict(door: Door) -> None:
    door.change(amount_from_post=True)
    door.post(keyed("1", amount=3))
    door.work()
    undo(door, 1)
    assert door.post(keyed("1", amount=4)).status == 409
    assert door.post(keyed("1", amount=3)).status == 202


def test_the_entry_of_a_post_tells_that_it_was_taken_back(door: Door) -> None:
    door.post(keyed("1"))
    door.work()
    undo(door, 1)
    assert (look(door).body["status"], look(door).body["state"]) == ("undone", "done")


def test_a_webhook_of_a_reopened_tagging_is_looked_at_again(door: Door) -> None:
    door.change(after_run="keep-tag")
    door.bench.kit.tag(door.bench.ann, door.tag)
    event = tag_added(door.bench.ann, door.tag)
    door.deliver(event)
    assert (door.work(), door.bench.credits) == (["applied"], "15")
    assert (door.deliver(event).body["repeated"], door.work(), door.bench.credits) == (1, ["applied"], "15")
    undo(door, 1)
    assert door.deliver(event).body == {"accepted": 1, "repeated": 0, "passed_over": 0}
    assert (door.work(), door.bench.credits) == (["applied"], "15")


def test_an_event_settled_by_word_is_not_woken_by_its_webhook(door: Door) -> None:
    event = tag_added(door.bench.ann, door.tag)
    door.deliver(event)
    inbox, now = door.bench.ledger.inbox, door.bench.clock.now()
    inbox.park(door.events(), Ending("failed", "taken off before ccops saw it"), now)
    inbox.settle(door.events()[0], Ending("failed", "maria said that it was not applied"), now)
    assert (door.deliver(event).body["repeated"], door.work()) == (1, ["failed"])


def test_an_entry_that_a_person_took_as_applied_makes_its_post_repeated(door: Door) -> None:
    door.bench.run()
    door.bench.kit.faults.add(Fault("reset", "PUT", when="after"))
    door.post(keyed("1"))
    door.work()
    door.bench.kit.set_field(door.bench.ann, RECEIPT, "typed over")
    door.bench.clock.sleep(60)
    assert door.work() == ["parked"]
    settle_as(door.bench.applier, 2, "applied", "maria")
    again = door.post(keyed("1"))
    assert (again.status, again.body["status"], again.body["state"]) == (200, "repeated", "done")


# ---- who waits


def test_waiting_for_a_reopened_post_starts_a_try_of_its_own(door: Door) -> None:
    door.post(keyed("1"))
    door.work()
    undo(door, 1)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(door.post, keyed("1"), Prefer="wait=9")
        wait_until(lambda: door.events()[0].state == "waiting")
        door.work()
        door.event_signals.tell([1])
    assert (answer.result().status, answer.result().body["status"], door.bench.credits) == (200, "applied", "15")


def test_waiting_does_not_end_an_event_that_is_being_tried(door: Door) -> None:
    door.post({"email": "new@example.org", "event_id": "1"})
    assert door.work() == ["waiting"]
    contact = door.bench.kit.add_contact("new@example.org", credits="1")
    door.bench.clock.sleep(10)
    answers: list[Answered] = []

    def ask_meanwhile() -> None:
        answers.append(door.post({"email": "new@example.org", "event_id": "1"}, Prefer="wait=1"))

    once(door.bench, "after", "GET", ask_meanwhile)
    assert door.work() == ["applied"]
    assert [answer.status for answer in answers] == [202]
    assert door.bench.kit.field_values(contact)["credits"] == "11"
    assert (look(door).body["status"], look(door).body["state"]) == ("applied", "done")


def test_waiting_for_an_event_that_is_put_off_is_answered_with_the_reason(door: Door) -> None:
    body = {"email": "new@example.org", "event_id": "1"}
    door.post(body)
    door.work()
    answer = door.post(body, Prefer="wait=5")
    assert (answer.status, answer.body["status"], answer.body["reason"], answer.body["state"]) == (
        202, "failed", "no such contact in Kit", "waiting",
    )  # fmt: skip
    door.bench.kit.add_contact("new@example.org", credits="1")
    door.bench.clock.sleep(10)
    assert door.work() == ["applied"]


def test_only_a_post_whose_senders_all_wait_ends_by_an_answer(door: Door) -> None:
    """The first sender waits; the second is told that it is accepted, while the first try is on its way."""
    body = {"email": "new@example.org", "event_id": "1"}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(door.post, body, Prefer="wait=5")
        wait_until(lambda: bool(door.events()))
        assert door.post(body).status == 202
        assert door.work() == ["waiting"]
        door.event_signals.tell([1])
    assert (waiting.result().status, waiting.result().body["state"]) == (202, "waiting")


def test_who_has_waited_in_vain_is_not_told_failed_and_applied_later(door: Door) -> None:
    body = {"email": "new@example.org", "event_id": "1"}
    assert door.post(body, Prefer="wait=1").status == 202
    assert door.work() == ["waiting"]
    door.bench.kit.add_contact("new@example.org", credits="1")
    door.bench.clock.sleep(10)
    assert door.work() == ["applied"]


def test_after_a_restart_no_sender_waits_for_what_is_left(door: Door) -> None:
    body = {"email": "new@example.org", "event_id": "1"}
    with ThreadPoolExecutor(1) as pool:
        pool.submit(door.post, body, Prefer="wait=5")
        wait_until(lambda: bool(door.events()))
        door.bench.ledger.inbox.forget_awaiting()
        assert door.work() == ["waiting"]
        door.event_signals.tell([1])


def test_who_alone_waits_hears_that_there_is_no_such_contact(door: Door) -> None:
    body = {"email": "new@example.org", "event_id": "1"}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(door.post, body, Prefer="wait=9")
        wait_until(lambda: bool(door.events()))
        assert door.work() == ["missing"]
        door.event_signals.tell([1])
    assert (waiting.result().status, waiting.result().body["state"]) == (404, "done")
    contact = door.bench.kit.add_contact("new@example.org", credits="1")
    door.bench.clock.sleep(4000)
    assert (door.work(), door.bench.kit.field_values(contact)["credits"]) == (["missing"], "1")
    assert door.post(body).status == 202
    assert (door.work(), door.bench.kit.field_values(contact)["credits"]) == (["applied"], "11")
