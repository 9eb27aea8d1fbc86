"""The inbox: on disk before anybody hears of it, each event once, and never lost on its way."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccops.errors import LedgerUnusable
from ccops.ledger.inbox import Accepted, Arrival, Backlog, Ending, Event, Grouped, Inbox
from ccops.ledger.ledger import Ledger

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
DONE = Ending("applied")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger.create(tmp_path / "ledger.sqlite3", tmp_path / "locks")
    ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
    yield ledger
    ledger.close()


@pytest.fixture
def inbox(ledger: Ledger) -> Inbox:
    return ledger.inbox


def post(key: str | None = None, who: str = "5", at: datetime = NOW, **more: object) -> Arrival:
    return Arrival("post", "grant", who, at, at, key, **more)  # type: ignore[arg-type]


def hint(who: str = "5", operation: str = "grant", at: datetime = NOW, key: str | None = None) -> Arrival:
    return Arrival("legacy" if key is None else "kit", operation, who, at, at, key)


def put(inbox: Inbox, *arrivals: Arrival) -> list[Event]:
    return [accepted.event for accepted in inbox.accept(arrivals)]


def ids(events: list[Event]) -> list[int]:
    return [event.id for event in events]


# ---- in


def test_the_same_key_is_the_same_event(inbox: Inbox) -> None:
    first, second = inbox.accept([post("a")])[0], inbox.accept([post("a", at=LATER)])[0]
    assert (first.new, second.new) == (True, False)
    assert first.event == second.event


def test_keys_of_posts_and_of_kit_are_apart_and_so_are_those_of_operations(inbox: Inbox) -> None:
    other = Arrival("post", "other", "5", NOW, NOW, "a")
    assert [accepted.new for accepted in inbox.accept([post("a"), hint(key="a"), other])] == [True] * 3


def test_a_legacy_webhook_is_always_new(inbox: Inbox) -> None:
    assert [accepted.new for accepted in inbox.accept([hint(), hint()])] == [True, True]


def test_the_same_fingerprint_is_the_same_event_within_the_window_of_the_first(inbox: Inbox) -> None:
    moments = [NOW + timedelta(seconds=seconds) for seconds in (0, 400, 599, 600, 1199)]
    arrivals = [post(at=moment, fingerprint="f", window=600) for moment in moments]
    assert [accepted.new for accepted in inbox.accept(arrivals)] == [True, False, False, True, False]


def test_a_post_without_a_key_is_given_one_of_its_own(inbox: Inbox) -> None:
    keys = [event.key or "" for event in put(inbox, *[post(fingerprint="f", window=0)] * 20)]
    assert len(set(keys)) == 20
    assert all(key.startswith("2026-11-22T10:00:00Z ") for key in keys)


def test_many_threads_accept_each_event_once(inbox: Inbox) -> None:
    def send(number: int) -> Accepted:
        return inbox.accept([post(str(number % 50))])[0]

    with ThreadPoolExecutor(20) as pool:
        accepted = list(pool.map(send, range(1000)))
    assert sum(each.new for each in accepted) == 50
    assert inbox.backlog().waiting == 50


def test_an_event_that_cant_be_stored_is_not_accepted(inbox: Inbox, ledger: Ledger) -> None:
    path = ledger.database.path
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE events")
    other.close()
    with pytest.raises(LedgerUnusable):
        inbox.accept([post("a")])


# ---- group commit


def test_callers_of_one_group_get_their_own_results() -> None:
    sizes: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def commit(items: list[int]) -> list[int]:
        sizes.append(len(items))
        begun.set()
        go.wait(60)
        return [-item for item in items]

    grouped = Grouped[int, int](commit)  # type: ignore[arg-type]
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(grouped, [0])
        begun.wait(60)
        others = [pool.submit(grouped, [number, number + 100]) for number in range(1, 6)]
        while len(grouped._queue) < 5:
            begun.wait(0.001)
        go.set()
        assert first.result() == [0]
        assert [other.result() for other in others] == [[-number, -number - 100] for number in range(1, 6)]
    assert sizes == [1, 10]


def test_what_goes_wrong_in_a_group_is_told_to_all_and_the_next_group_is_not_harmed() -> None:
    fails = [True]

    def commit(items: list[int]) -> list[int]:
        if fails.pop():
            raise OSError
        return items

    grouped = Grouped[int, int](commit)  # type: ignore[arg-type]
    with pytest.raises(OSError):  # noqa: PT011 - it is the one from above
        grouped([1])
    fails.append(False)
    assert grouped([2]) == [2]


# ---- work


def test_what_is_due_comes_in_its_order_one_post_at_a_time(inbox: Inbox) -> None:
    put(inbox, post("a"), post("b"))
    assert ids(inbox.due(NOW)) == [1]
    inbox.end(inbox.due(NOW), DONE, NOW)
    assert ids(inbox.due(NOW)) == [2]
    inbox.end(inbox.due(NOW), DONE, NOW)
    assert inbox.due(NOW) == []


def test_all_hints_at_a_contact_come_together(inbox: Inbox) -> None:
    put(inbox, hint(), hint("6"), hint(operation="other"), hint(key="k"), post("a"))
    assert [ids(inbox.due(NOW, besides=who)) for who in ([], ["5"])] == [[1, 4], [2]]


def test_contacts_in_hand_and_paused_operations_are_passed_over(inbox: Inbox) -> None:
    put(inbox, post("a", "5"), post("b", "6"), Arrival("post", "other", "7", NOW, NOW, "c"))
    assert ids(inbox.due(NOW, besides=["5"])) == [2]
    assert ids(inbox.due(NOW, paused=["grant"])) == [3]
    assert ids(inbox.due(NOW, besides=["5", "6"], paused=["other"])) == []


def test_what_is_put_off_waits(inbox: Inbox) -> None:
    put(inbox, post("a"))
    inbox.put_off(inbox.due(NOW), Ending("failed", "why"), LATER)
    assert (inbox.due(NOW), inbox.next_due()) == ([], LATER)
    event = inbox.due(LATER)[0]
    assert (event.tries, event.status, event.reason) == (1, "failed", "why")
    inbox.put_off([event], Ending("open"), LATER, counts=False)
    assert inbox.due(LATER)[0].tries == 1


def test_nothing_waits_for_a_paused_operation(inbox: Inbox) -> None:
    put(inbox, post("a"))
    assert inbox.next_due(["grant"]) is None


def test_an_event_that_was_ended_stays_as_it_ended(inbox: Inbox) -> None:
    event = put(inbox, post("a"))[0]
    inbox.end([event], DONE, NOW)
    inbox.put_off([event], Ending("failed"), LATER)
    inbox.park([event], Ending("failed"), LATER)
    found = inbox.find(event.id)
    assert found is not None
    assert (found.state, found.status, found.ended_at) == ("done", "applied", NOW)


def test_a_sender_who_asks_again_has_an_ended_event_tried_again(inbox: Inbox) -> None:
    event = put(inbox, post("a"))[0]
    inbox.park([event], Ending("failed", "why"), NOW)
    again = inbox.again(event, LATER)
    assert (again.state, again.tries, again.not_before, again.ended_at) == ("waiting", 0, LATER, None)


def test_an_answer_ends_an_event_only_if_all_who_sent_it_wait(inbox: Inbox) -> None:
    waits, relies = put(inbox, replace(post("a"), awaited=True), replace(post("b"), awaited=True))
    put(inbox, post("b"))
    for event in (waits, relies):
        inbox.answer_or_put_off(event, Ending("missing"), LATER, NOW)
    assert [(each.state, each.tries) for each in map(inbox.find, (waits.id, relies.id)) if each] == [
        ("done", 1), ("waiting", 1),
    ]  # fmt: skip


def test_a_sender_who_no_longer_waits_has_the_event_tried_again(inbox: Inbox) -> None:
    event = put(inbox, replace(post("a"), awaited=True))[0]
    assert inbox.stop_awaiting(event).state == "waiting"
    inbox.answer_or_put_off(event, Ending("missing"), LATER, NOW)
    assert inbox.due(NOW) == []
    assert ids(inbox.due(LATER)) == [event.id]


def test_the_backlog_counts_what_has_not_ended(inbox: Inbox) -> None:
    assert inbox.backlog() == Backlog(0, 0, None)
    events = put(inbox, post("a"), post("b", at=LATER), post("c", at=LATER))
    inbox.park(events[:1], Ending("failed"), NOW)
    assert inbox.backlog() == Backlog(2, 1, LATER)
    assert ids(inbox.unended()) == [1, 2, 3]


def test_it_can_be_proved_that_it_can_be_written_to(inbox: Inbox, ledger: Ledger) -> None:
    inbox.prove_writable(NOW)
    inbox.prove_writable(LATER)
    reader = Ledger.open(ledger.database.path, ledger.database.path.parent / "locks", readonly=True)
    with pytest.raises(LedgerUnusable):
        reader.inbox.prove_writable(NOW)
    reader.close()
