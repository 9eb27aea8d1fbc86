"""`POST /operations/<operation>`: what any other system sends, and what it is answered."""

import pytest

from tests.triggers.conftest import OPERATION, SECRET, Door


def test_a_post_is_on_disk_before_it_is_accepted_and_applied_once(door: Door) -> None:
    answer = door.post({"email": "ann@example.org", "event_id": "invoice-7"})
    assert (answer.status, answer.headers["Location"], answer.body["state"]) == (202, "/entries/i1", "waiting")
    assert door.work() == ["applied"]
    assert door.bench.credits == "15"
    again = door.post({"email": "ann@example.org", "event_id": "invoice-7"})
    assert (again.status, again.body["status"], again.body["entry"]) == (200, "repeated", "e1")
    assert door.work() == ["applied"]
    assert door.bench.credits == "15"
