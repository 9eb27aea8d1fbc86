"""Signed events tell their own time, so that each is about one tagging and no other near it."""

from datetime import timedelta

import pytest

from ccops.clock import iso
from tests.server.conftest import Door, tag_added
from tests.server.test_server_hooks import poll, tagged


@pytest.mark.parametrize("seconds", [2, 300])
def test_another_tagging_of_a_signed_event_is_not_the_counted_one(door: Door, seconds: int) -> None:
    """The first was counted by a poll; the second is off before ccops sees it, so that a person has to decide."""
    contact = tagged(door)
    assert poll(door) == ["applied"]
    door.bench.clock.sleep(seconds)
    second = iso(door.bench.clock.now())
    tagged(door)
    door.bench.kit.untag(contact, door.tag)
    door.bench.clock.sleep(1)
    door.deliver(tag_added(contact, door.tag, "a1"), tag_added(contact, door.tag, "a2", second))
    assert door.work() == ["repeated", "waiting"]
    while door.work() == ["repeated", "waiting"]:
        door.bench.clock.sleep(60)
    event = door.events()[1]
    assert (event.state, event.reason) == ("parked", f"taken off before ccops saw it (event of {second})")
    assert door.bench.credits == "15"


def test_a_tagging_replaced_before_the_look_needs_a_person(door: Door) -> None:
    contact, first = tagged(door), iso(door.bench.clock.now())
    door.bench.kit.untag(contact, door.tag)
    door.bench.clock.sleep(60)
    second = iso(door.bench.clock.now())
    tagged(door)
    door.bench.clock.sleep(1)
    door.deliver(tag_added(contact, door.tag, "a1", first), tag_added(contact, door.tag, "a2", second))
    assert door.work() == ["waiting", "applied"]
    while door.work() == ["waiting", "applied"]:
        door.bench.clock.sleep(60)
    assert (door.events()[0].state, door.bench.credits) == ("parked", "15")


def test_an_event_told_late_is_about_the_tagging_that_is_on(door: Door) -> None:
    contact = tagged(door)
    door.bench.clock.sleep(30)
    late = iso(door.bench.clock.now() - timedelta(seconds=10))
    door.deliver(tag_added(contact, door.tag, created=late))
    assert door.work() == ["applied"]
