"""Undos in one process, runs for the same occasions in another: each occasion counts once, in Kit and in the ledger."""

import signal
from collections import Counter
from itertools import count

import pytest

from ccops.ledger.model import Entry, Status
from tests.fire.conftest import Place

pytestmark = pytest.mark.slow

CONTACTS = [f"member{number}@example.org" for number in range(12)]
WAYS = {
    "payment": ("run", "payment-credit", *CONTACTS, "--key", "k"),
    "month": ("run", "monthly-grant", *CONTACTS),
}


@pytest.fixture
def members(place: Place) -> list[int]:
    return [place.kit.add_contact(email, credits="5") for email in CONTACTS]


def check(place: Place, members: list[int], counts: set[int]) -> None:
    """Demand of each contact that so many of its entries count as Kit shows, by all that undoes them."""
    entries = place.entries()
    for member in members:
        own = [entry for entry in entries if entry.contact == member and entry.status in {"applied", "undone"}]
        counting = [entry for entry in own if entry.undoes is None and not is_undone(entry, own)]
        assert len(counting) in counts
        assert place.kit.field_values(member)["credits"] == str(5 + 10 * len(counting))
        assert [entry.status for entry in own if entry.undoes is None].count(Status.APPLIED) == len(counting)


def is_undone(entry: Entry, entries: list[Entry]) -> bool:
    return any(undo.undoes == entry.id and not is_undone(undo, entries) for undo in entries)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", WAYS)
def test_undos_of_undos_beside_a_run_count_each_occasion_once(place: Place, members: list[int], way: str) -> None:
    run = WAYS[way]
    assert place.run(*run)[0] == 0
    assert place.run("undo", "--run", "r1", "--reopen")[0] == 0
    undos = [f"e{entry.id}" for entry in place.entries() if entry.undoes]
    assert len(undos) == len(CONTACTS)
    children = [place.start("undo", *reversed(undos)), place.start(*run)]
    said = ["".join(child.communicate(timeout=250)) for child in children]
    assert {child.returncode for child in children} <= {0, 1, 2}, said
    assert place.run("settle")[0] == 0
    check(place, members, {1})


@pytest.mark.timeout(600)
def test_an_undo_of_a_run_beside_the_same_run_counts_each_occasion_once(place: Place, members: list[int]) -> None:
    run = WAYS["payment"]
    assert place.run(*run)[0] == 0
    children = [place.start("undo", "--run", "r1", "--reopen"), *(place.start(*run) for _ in range(2))]
    said = ["".join(child.communicate(timeout=250)) for child in children]
    assert {child.returncode for child in children} == {0}, said
    check(place, members, {0, 1})
    assert place.run(*run)[0] == 0
    check(place, members, {1})


@pytest.mark.campaign  # the walks of tests/engine die at each commit too, and at each request
@pytest.mark.timeout(1500)
def test_an_undo_of_an_undo_killed_at_each_commit_counts_once_beside_a_rerun(place: Place) -> None:
    for number in count(1):
        email, key = f"contact{number}@example.org", ("--key", str(number))
        contact = place.kit.add_contact(email, credits="5")
        place.run("run", "payment-credit", email, *key)
        place.run("undo", f"e{place.entries()[-1].id}", "--reopen")
        child = place.start("undo", f"e{place.entries()[-1].id}", kill_at_commit=number)
        child.communicate(timeout=250)
        for words in (("run", "payment-credit", email, *key), ("settle",), ("run", "payment-credit", email, *key)):
            status, said = place.run(*words)
            assert status == 0, said
        check(place, [contact], {1})
        if child.returncode != -signal.SIGKILL:  # there are fewer commits than that: all were visited
            assert number > 5
            break
    assert Counter(entry.status for entry in place.entries())[Status.INTENDED] == 0
