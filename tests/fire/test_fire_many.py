"""Real runs over lists, many contacts in one request or several at a time: killed anywhere, or side by side."""

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from ccops.sandbox.faults import Fault
from tests.fire.conftest import Place
from tests.fire.crowds import FIRST, STEP, TAG, Crowd, grant

KILLED = -signal.SIGKILL
MANY_PATH = "/v4/bulk/custom_fields/subscribers"
MANY = ("POST", MANY_PATH)
WAYS = ["token", pytest.param("key", marks=pytest.mark.campaign)]
"""At each gate only the newer way, which is the shorter one too."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]  # dozens of processes, one after the other


def crowd_of(place: Place, way: str, count: int = 3) -> Crowd:
    crowd = Crowd(place, count)
    place.token = way == "token"
    return crowd


def again(place: Place, *words: str) -> None:
    status, said = place.run(*words)
    assert status == 0, said


@pytest.mark.parametrize("way", WAYS)
def test_killed_before_each_commit_all_count_once(place: Place, way: str) -> None:
    crowd = crowd_of(place, way)
    for number in range(1, 100):
        words = grant(f"round-{number}")
        child = place.start(*words, kill_at_commit=number)
        child.communicate(timeout=250)
        again(place, *words)
        crowd.check(1 + number)
        if child.returncode != KILLED:  # there are fewer commits than that: all were visited
            assert number > 5
            assert (place.kit.counts[MANY] > 0) == place.token
            return
    pytest.fail("it made more commits than a run can")


@pytest.mark.parametrize("phase", [pytest.param("before", marks=pytest.mark.campaign), "after"])
@pytest.mark.parametrize("way", WAYS)
def test_killed_at_each_request_all_count_once(place: Place, way: str, phase: str) -> None:
    """`before`: the request has left and still takes effect; `after`: it took effect, the answer is lost."""
    crowd = crowd_of(place, way)
    for number in range(1, 100):
        words = grant(f"round-{number}")
        child = place.start(*words)
        asked = count(1 - number)

        def kill(now: str, _method: str, _path: str, pid: int = child.pid, asked: Iterator[int] = asked) -> None:
            if now == phase and next(asked) == 0:
                os.kill(pid, signal.SIGKILL)

        place.kit.on_request = kill
        child.communicate(timeout=250)
        place.kit.on_request = lambda *_: None
        again(place, *words)
        crowd.check(1 + number)
        if child.returncode != KILLED:
            assert number > 3
            return
    pytest.fail("it made more requests than a run can")


def test_processes_of_both_ways_over_the_same_contacts_add_up(place: Place) -> None:
    crowd = Crowd(place, 20)
    with_token = replace(place, token=True)
    month = ("run", "monthly-grant", "--tagged", TAG)
    children = [
        with_token.start(*grant("invoice-1")),
        place.start(*grant("invoice-2")),
        with_token.start(*month),
        place.start(*month),
    ]
    said = ["".join(child.communicate(timeout=250)) for child in children]
    assert [child.returncode for child in children] == [0] * 4, said
    crowd.check(4)
    # Beside one another, each may have found all contacts just written by others; alone, it writes many at once.
    assert with_token.run(*grant("invoice-3"))[0] == 0
    crowd.check(5)
    assert place.kit.counts[MANY] > 0


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(6))
def test_a_large_run_under_random_faults_and_kills_counts_once_or_asks_a_person(place: Place, seed: int) -> None:
    chance = random.Random(seed)
    crowd = crowd_of(place, "token", 200)
    for number in range(3):
        until_ended(place, grant(f"round-{number}"), chance)
        place.kit.faults.deliver_late()
    place.kit.faults.clear()
    again_with = replace(place, token=False)  # who reads each contact notices what came late and alone
    status, said = again_with.run("run", "probe", "--tagged", TAG, "--key", "probe")
    assert status in {0, 1}, said
    assert place.kit.counts[MANY] > 0
    parked = [contact for contact in crowd.ids if not adds_up(crowd, contact)]
    assert len(parked) < crowd.count, "nothing went well"


def until_ended(place: Place, words: tuple[str, ...], chance: random.Random) -> None:
    """Give a command, with a fault or a kill each time, until it has reported its end."""
    for _ in range(4):
        place.kit.faults.add(*(fault(chance) for _ in range(2)))
        child = place.start(*words)
        asked = count(1 - chance.randrange(1, 60))

        def kill(phase: str, _method: str, _path: str, pid: int = child.pid, asked: Iterator[int] = asked) -> None:
            if phase == "after" and next(asked) == 0:
                os.kill(pid, signal.SIGKILL)

        place.kit.on_request = kill
        child.communicate(timeout=250)
        place.kit.on_request = lambda *_: None
        if child.returncode in {0, 1}:
            return
    place.kit.faults.clear()
    status, said = place.run(*words)
    assert status in {0, 1}, said


def fault(chance: random.Random) -> Fault:
    """Make up a fault of a request for many."""
    skip = chance.randrange(3)
    kinds = (
        Fault("reset", "POST", MANY_PATH, skip=skip),
        Fault("reset", "POST", MANY_PATH, skip=skip, when="after"),
        Fault("part", "POST", MANY_PATH, skip=skip),
        Fault("part", "POST", MANY_PATH, skip=skip, rows=chance.randrange(1, 100), status=200),
        Fault("late_part", "POST", MANY_PATH, skip=skip),
        Fault("late_part", "POST", MANY_PATH, skip=skip, rows=chance.randrange(1, 100)),
        Fault("accepted", "POST", MANY_PATH, skip=skip),
        Fault("status", "POST", MANY_PATH, skip=skip, status=429, retry_after=1),
        Fault("status", "POST", MANY_PATH, skip=skip, status=503),
    )
    return chance.choice(kinds)


def adds_up(crowd: Crowd, contact: int) -> bool:
    """Tell whether a contact's credits are what its entries say; if not, one of them must need a person."""
    entries = crowd.entries_of(contact)
    occasions = Counter((entry.operation, entry.occasion) for entry in entries)
    assert set(occasions.values()) == {1}
    statuses = {entry.status for entry in entries}
    assert statuses <= {"applied", "parked"}
    if "parked" in statuses:
        return False
    assert [entry.status for entry in entries] == ["applied"] * 5
    assert crowd.place.kit.field_values(contact)["credits"] == str(FIRST + 4 * STEP + 1)
    return True
