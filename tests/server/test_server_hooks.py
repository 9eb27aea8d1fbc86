"""Kit's webhooks: hints that are looked up, so that each tagging counts once however often it is told."""

import json
from collections.abc import Iterable

import pytest

from ccops.app.poll import poll_round, tagging_request
from ccops.engine.batch import BatchOptions, work_off
from ccops.engine.errors import TagStillOn
from ccops.engine.settle import SettleWord, settle_event
from ccops.ledger.model import Entry, Origin
from ccops.sandbox.faults import Fault
from ccops.secret import Secret
from ccops.server.hooks import sign
from tests.server.conftest import KIT, OPERATION, SECRET, TAG, Door, tag_added

TAGS = ("GET", "/v4/subscribers/{subscriber_id}/tags")


def tagged(door: Door) -> int:
    """Add the trigger tag to Ann; return her id."""
    door.bench.kit.tag(door.bench.ann, door.tag)
    return door.bench.ann


def carries(door: Door) -> bool:
    return TAG in door.bench.kit.tags_of(door.bench.ann)


def poll(door: Door) -> list[str]:
    run = door.bench.request("poll").run
    tasks = poll_round(door.bench.applier, door.operations.values(), lambda: (run, Origin("maria", "poll")))
    return [
        outcome.status for outcome in work_off(tasks, BatchOptions(door.bench.clock, lambda: False, lambda *_: None))
    ]


def entries(door: Door) -> list[Entry]:
    found = (door.bench.ledger.entries.find(number) for number in range(1, 10))
    return [entry for entry in found if entry is not None]


def statuses(found: Iterable[Entry]) -> list[str]:
    return [entry.status for entry in found]


# ---- the legacy kind


def test_a_tagging_told_by_a_webhook_is_applied_and_the_tag_comes_off(door: Door) -> None:
    assert door.hook(tagged(door)).status == 202
    assert door.work() == ["applied"]
    assert door.bench.credits == "15"
    assert not carries(door)
    entry = entries(door)[0]
    assert (entry.occasion, entry.via) == (f"tag:{door.tag}@2026-11-22T10:00:00Z", "webhook")


def test_a_hundred_webhooks_of_one_tagging_cost_one_look(door: Door) -> None:
    contact = tagged(door)
    for _ in range(100):
        door.hook(contact)
    door.bench.kit.forget()
    assert door.work() == ["applied"] * 100
    assert door.bench.kit.counts[TAGS] == 1
    assert door.bench.credits == "15"


def test_a_webhook_that_comes_late_is_repeated(door: Door) -> None:
    door.hook(tagged(door))
    door.work()
    door.bench.clock.sleep(599)
    door.hook(door.bench.ann)
    assert door.work() == ["applied", "repeated"]
    assert door.events()[1].entry == 1
    assert door.bench.credits == "15"


def test_the_tag_added_again_counts_again(door: Door) -> None:
    door.hook(tagged(door))
    door.work()
    door.bench.clock.sleep(60)
    door.hook(tagged(door))
    assert door.work() == ["applied", "applied"]
    assert door.bench.credits == "25"


def test_the_body_is_not_believed(door: Door) -> None:
    """Whoever has the address can't run the operation for a contact who was not tagged."""
    door.hook(door.bench.ann)
    assert door.work() == ["waiting"]
    assert entries(door) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"nonsense", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b'{"a":' * 100_000, 400),
        (b"{}", 422),
        (b'{"subscriber": 5}', 422),
        (b'{"subscriber": {}}', 422),
        (b'{"subscriber": {"id": "x"}}', 422),
        (b'{"subscriber": {"id": -1}}', 422),
        (b'{"subscriber": {"id": 1e3}}', 422),
        (b'{"subscriber": {"id": true}}', 422),
        (b'{"subscriber": {"id": 99999999999999999999}}', 422),
    ],
)
def test_malformed_webhooks_are_turned_away(door: Door, body: bytes, status: int) -> None:
    assert door("POST", f"/kit/{OPERATION}/{SECRET}", body).status == status
    assert door.events() == []


def test_a_webhook_needs_its_secret_and_an_operation(door: Door) -> None:
    body = b'{"subscriber": {"id": 1}}'
    assert door("POST", f"/kit/{OPERATION}/wrong", body).status == 401
    assert door("POST", f"/kit/{OPERATION}/", body).status == 404
    assert door("POST", f"/kit/nobody/{SECRET}", body).status == 404


# ---- the signed kind


def test_a_signed_delivery_is_applied_and_its_repetition_counts_once(door: Door) -> None:
    event = tag_added(tagged(door), door.tag)
    first, second = door.deliver(event), door.deliver(event)
    assert (first.status, first.body) == (202, {"accepted": 1, "repeated": 0, "passed_over": 0})
    assert (second.status, second.body) == (200, {"accepted": 0, "repeated": 1, "passed_over": 0})
    assert door.work() == ["applied"]
    assert door.bench.credits == "15"


def test_an_event_told_again_under_another_id_counts_once(door: Door) -> None:
    contact = tagged(door)
    door.deliver(tag_added(contact, door.tag, "a"))
    door.work()
    door.deliver(tag_added(contact, door.tag, "b"))
    assert door.work() == ["applied", "repeated"]


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_replayed_delivery_is_turned_away(door: Door, seconds: int) -> None:
    event = tag_added(tagged(door), door.tag)
    made_at = door.bench.clock.now()
    door.bench.clock.sleep(-seconds)
    assert door.deliver(event, at=made_at).status == 401
    assert door.events() == []


def test_a_forged_delivery_is_turned_away_unread(door: Door) -> None:
    assert door.deliver(tag_added(door.bench.ann, door.tag), secret=Secret("whsec_guess")).status == 401
    assert door("POST", "/kit", b"{").status == 401
    assert door("POST", "/kit", b'{"events": []}', {"X-Kit-Signature": "t=1,v1=ab"}).status == 401


def test_only_taggings_with_bound_tags_are_taken(door: Door) -> None:
    ann, tag = tagged(door), door.tag
    removed = {**tag_added(ann, tag), "type": "subscriber.tag_removed"}
    without = {**tag_added(ann, tag), "data": {}}
    answer = door.deliver(tag_added(ann, tag + 1), removed, without, "text", None, tag_added(ann, tag, "z"))
    assert answer.body == {"accepted": 1, "repeated": 0, "passed_over": 5}


def test_a_delivery_without_anything_for_us_is_fine(door: Door) -> None:
    assert door.deliver().status == 200
    assert door.deliver(tag_added(door.bench.ann, 4711)).status == 200


@pytest.mark.parametrize("number", [None, "", "x" * 300])
def test_an_event_without_a_usable_id_is_told_apart_by_what_it_says(door: Door, number: object) -> None:
    event = {**tag_added(tagged(door), door.tag), "id": number}
    door.deliver(event)
    assert door.deliver(event).body["repeated"] == 1


@pytest.mark.parametrize(
    "created",
    [
        "2026-11-22T10:00:00.123+00:00",
        1795341600,
        "nonsense",
        None,
        1e300,
        "0001-01-01T00:00:00Z",
        True,
        "9999-12-31T23:59:59Z",
    ],
)
def test_the_time_of_an_event_is_read_leniently(door: Door, created: object) -> None:
    door.hook(tagged(door))
    door.work()
    door.deliver(tag_added(door.bench.ann, door.tag, created=created))
    assert door.work() == ["applied", "repeated"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"events": 5}', b'{"delivery_id": 1}', b"\xff\xfe"])
def test_a_signed_body_that_is_no_delivery_is_malformed(door: Door, body: bytes) -> None:
    header = {"X-Kit-Signature": sign(body, KIT, door.bench.clock.now())}
    assert door("POST", "/kit", body, header).status == 400


def test_a_hundred_events_in_one_delivery_redelivered_after_a_crash_are_a_hundred_changes(door: Door) -> None:
    kit, tag = door.bench.kit, door.tag
    contacts = [kit.add_contact(f"member{number}@example.org", credits="5") for number in range(100)]
    for contact in contacts:
        kit.tag(contact, tag)
    events = [tag_added(contact, tag, str(contact)) for contact in contacts]
    assert door.deliver(*events).body["accepted"] == 100
    for _ in range(37):
        door.event_worker.work(door.bench.ledger.inbox.due(door.bench.clock.now()))
    # The process dies: the 38th was applied, which it had no time to note in the inbox.
    who = int(door.bench.ledger.inbox.due(door.bench.clock.now())[0].who)
    run, operation = door.bench.request("serve").run, door.operations[OPERATION]
    door.bench.applier.apply(tagging_request(operation, who, door.bench.clock.now(), run, Origin("maria", "webhook")))
    assert door.deliver(*events).body == {"accepted": 0, "repeated": 100, "passed_over": 0}
    assert set(door.work()) == {"applied", "repeated"}
    assert {kit.field_values(contact)["credits"] for contact in contacts} == {"15"}
    assert not any(kit.tags_of(contact) for contact in contacts)


# ---- webhook, repeated webhook, signed webhook and poll together


def test_however_a_tagging_is_told_it_counts_once(door: Door) -> None:
    contact = tagged(door)
    door.hook(contact)
    door.deliver(tag_added(contact, door.tag))
    assert poll(door) == ["applied"]
    assert door.work() == ["repeated", "repeated"]
    door.hook(contact)
    door.deliver(tag_added(contact, door.tag, "again"))
    assert set(door.work()) == {"repeated"}
    assert poll(door) == []
    assert (statuses(entries(door)), door.bench.credits) == (["applied"], "15")


def test_after_a_lagging_list_showed_a_removed_tag_nothing_counts_twice(door: Door) -> None:
    door.hook(tagged(door))
    door.work()
    door.bench.kit.settings.lag = 300
    door.bench.clock.sleep(100)
    assert set(poll(door)) <= {"repeated"}
    assert door.bench.credits == "15"


# ---- what can happen between event and work


def test_a_tag_that_kit_shows_late_is_waited_for(door: Door) -> None:
    door.hook(door.bench.ann)
    assert door.work() == ["waiting"]
    tagged(door)
    door.bench.clock.sleep(5)
    assert door.work() == ["applied"]


def test_a_tag_taken_off_before_the_work_is_left_to_a_person(door: Door) -> None:
    door.hook(tagged(door))
    door.bench.kit.untag(door.bench.ann, door.tag)
    looks = 0
    while door.work() == ["waiting"]:
        looks += 1
        door.bench.clock.sleep(60)
    event = door.events()[0]
    assert (event.state, event.reason) == ("parked", "taken off before ccops saw it (event of 2026-11-22T10:00:00Z)")
    assert looks == 10
    assert entries(door) == []


def test_a_tag_taken_off_long_after_its_last_tagging_is_not_taken_for_that_one(door: Door) -> None:
    door.hook(tagged(door))
    door.work()
    door.bench.clock.sleep(601)
    door.hook(door.bench.ann)
    assert door.work() == ["applied", "waiting"]


def test_a_tag_taken_off_and_added_again_between_write_and_untag_counts_again(door: Door) -> None:
    contact = tagged(door)
    door.hook(contact)

    def meanwhile(phase: str, method: str, _path: str) -> None:
        if (phase, method) == ("after", "PUT"):
            door.bench.kit.on_request = lambda *_: None
            door.bench.kit.untag(contact, door.tag)
            door.bench.clock.sleep(1)
            door.bench.kit.tag(contact, door.tag)

    # The removal after the write fails, so that it is made up for when the tagging is seen to be another.
    door.bench.kit.faults.add(Fault("status", "DELETE", status=503, times=None))
    door.bench.kit.on_request = meanwhile
    assert door.work() == ["applied"]
    door.bench.kit.faults.clear()
    door.hook(contact)
    assert door.work() == ["applied", "applied"]
    assert (door.bench.credits, carries(door)) == ("25", False)


def test_a_contact_deleted_before_the_work_is_left_to_a_person(door: Door) -> None:
    door.hook(tagged(door))
    door.bench.kit.delete_contact(door.bench.ann)
    for _ in range(9):
        door.work()
        door.bench.clock.sleep(1800)
    event = door.events()[0]
    assert (event.state, event.status, event.reason) == ("parked", "missing", "no such contact in Kit")


@pytest.mark.parametrize("state", ["inactive", "bounced", "complained", "cancelled"])
def test_a_contact_in_another_state_is_left_out_with_its_tag(door: Door, state: str) -> None:
    door.change(states=frozenset({"active"}))
    door.hook(tagged(door))
    door.bench.kit.set_state(door.bench.ann, state)
    assert door.work() == ["left-out"]
    assert (entries(door)[0].cause, carries(door)) == ("state", True)


def test_by_default_the_state_does_not_matter(door: Door) -> None:
    door.hook(tagged(door))
    door.bench.kit.set_state(door.bench.ann, "cancelled")
    assert door.work() == ["applied"]


def test_an_unbound_tag_leaves_its_events_to_a_person(door: Door) -> None:
    door.hook(tagged(door))
    door.change(tag=None)
    assert door.work() == ["parked"]


def test_an_entry_that_was_begun_and_lost_its_tag_is_brought_to_its_end(door: Door) -> None:
    door.bench.kit.faults.add(Fault("reset", "PUT", when="after"))
    door.hook(tagged(door))
    assert door.work() == ["waiting"]
    door.bench.kit.untag(door.bench.ann, door.tag)
    door.bench.clock.sleep(60)
    assert door.work() == ["applied"]
    assert door.bench.credits == "15"


def test_a_payload_of_kit_with_all_its_fields_is_taken(door: Door) -> None:
    body = {
        "subscriber": {
            "id": tagged(door),
            "first_name": "Ann",
            "email_address": "ann@example.org",
            "state": "active",
            "created_at": "2026-01-01T00:00:00Z",
            "fields": {"points": "12"},
        }
    }
    assert door("POST", f"/kit/{OPERATION}/{SECRET}/", json.dumps(body).encode()).status == 202


def test_of_a_hint_whose_tag_is_still_on_no_word_is_taken(door: Door) -> None:
    """Said to be applied, it would be counted all the same, by the next look for tags."""
    contact = tagged(door)
    door.bench.kit.set_field(contact, "credits", "abc")
    door.hook(contact)
    for _ in range(9):
        door.work()
        door.bench.clock.sleep(1800)
    assert door.events()[0].state == "parked"
    door.bench.kit.set_field(contact, "credits", "5")
    words: tuple[SettleWord, ...] = ("applied", "not-applied")
    for word in words:
        with pytest.raises(TagStillOn, match="still has the tag"):
            settle_event(door.bench.applier, door.operations, 1, word, "maria")
    assert poll(door) == ["applied"]
    assert settle_event(door.bench.applier, door.operations, 1, "applied", "maria").state == "done"
    assert (poll(door), door.bench.credits) == ([], "15")
