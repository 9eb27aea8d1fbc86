"""A poll over many carriers, killed at random and given again: each tagging counts once, and no tag is left."""

import os
import random
import signal
import time
from itertools import count

import pytest

from ccops.engine.batch import WORKERS
from ccops.sandbox.sandbox import Sandbox
from tests.fire.conftest import Place

pytestmark = pytest.mark.slow

TAG = "ccops: payment-credit"


def members(place: Place, count: int) -> list[int]:
    """Make contacts that carry the trigger tag of payment-credit."""
    number = place.kit.add_tag(TAG)
    registry = place.path / "operations.toml"
    binding = f'[operations.payment-credit]\ntag = {{ id = {number}, name = "{TAG}" }}'
    registry.write_text(registry.read_text().replace("[operations.payment-credit]", binding))
    found = [place.kit.add_contact(f"member{n}@example.org", credits="5") for n in range(count)]
    for contact in found:
        place.kit.tag(contact, number)
    return found


def asked(kit: Sandbox) -> int:
    return sum(kit.counts.values())


def poll_killed(place: Place, after: int) -> bool:
    """Poll, and kill the process as it makes so many requests; False if it ended before."""
    child = place.start("poll")
    asked = count(1)

    def kill(phase: str, _method: str, _path: str) -> None:
        if phase == "after" and next(asked) == after:
            os.kill(child.pid, signal.SIGKILL)

    place.kit.on_request = kill
    child.communicate(timeout=250)
    place.kit.on_request = lambda *_: None
    # The request that was under way is answered, and counted, after its sender has died.
    time.sleep(0.05)
    return child.returncode == -signal.SIGKILL


def killed_at_random(place: Place, count: int, kills: int) -> None:
    contacts = members(place, count)
    account = 1  # asked once for a credential that is new to the ledger
    chance = random.Random(count)
    for _ in range(kills):
        assert poll_killed(place, chance.randrange(2, 3 * count // kills))
    status, said = place.run("poll")
    assert status == 0, said
    assert {place.kit.field_values(contact)["credits"] for contact in contacts} == {"15"}
    assert [len(place.kit.writes(contact)) for contact in contacts] == [1] * count
    assert not any(TAG in place.kit.tags_of(contact) for contact in contacts)
    entries = place.entries(count + 1)
    assert [entry.status for entry in entries] == ["applied"] * count
    assert all(entry.released for entry in entries)
    unkilled = account + 1 + 4 * count
    assert asked(place.kit) <= unkilled + kills * (1 + 2 * WORKERS)  # a page, and two for each contact in hand


def test_a_poll_killed_at_random_counts_each_tagging_once(place: Place) -> None:
    killed_at_random(place, count=120, kills=5)


@pytest.mark.campaign
def test_a_poll_over_1000_carriers_killed_ten_times_counts_each_tagging_once(place: Place) -> None:
    killed_at_random(place, count=1000, kills=10)
