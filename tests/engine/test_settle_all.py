"""However many entries are open or need a person, each is brought to its end, or told."""

from collections import Counter
from datetime import timedelta

import pytest

from ccops.engine.batch import BatchOptions
from ccops.engine.settle import finish_open, parked
from ccops.ledger.inbox import Arrival, Ending
from ccops.ledger.model import Claim, Entry
from ccops.operations.model import to_json
from tests.engine.conftest import ORIGIN, Bench

pytestmark = pytest.mark.slow

MANY = 1_203
NOBODY = 9_000_000
"""Contacts from here on are not in Kit."""


def begun(bench: Bench) -> list[Entry]:
    """Begin entries of contacts that Kit does not have, as a run does that dies before it has read any."""
    run, now = bench.request("many").run, bench.clock.now()
    claims = (
        Claim("payment-credit", to_json(bench.operation), NOBODY + number, "key:1", run, ORIGIN, now)
        for number in range(MANY)
    )
    with bench.ledger.at_once():
        entries = [bench.ledger.entries.claim(claim).entry for claim in claims]
    return [entry for entry in entries if entry is not None]


def test_all_open_entries_come_to_their_end(bench: Bench) -> None:
    begun(bench)
    outcomes = finish_open(bench.applier, BatchOptions(bench.clock, lambda: False, lambda *_: None, workers=4))
    assert Counter(outcome.status for outcome in outcomes) == {"failed": MANY}
    assert bench.ledger.entries.open() == []


def test_all_entries_that_need_a_person_are_told(bench: Bench) -> None:
    entries = begun(bench)
    with bench.ledger.at_once():
        for entry in entries:
            bench.ledger.entries.park(entry, "nobody can tell", bench.clock.now())
    assert len(parked(bench.ledger)) == MANY


def test_open_entries_do_not_hide_those_that_need_a_person(bench: Bench) -> None:
    entries = begun(bench)
    bench.ledger.entries.park(entries[-1], "nobody can tell", bench.clock.now())
    assert [outcome.entry for outcome in parked(bench.ledger)] == [bench.ledger.entries.get(entries[-1].id)]


def test_all_entries_whose_tags_are_left_are_found(bench: Bench) -> None:
    entries = begun(bench)
    with bench.ledger.at_once():
        for entry in entries:
            bench.ledger.entries.confirm(entry, bench.clock.now(), released=False)
    assert len(bench.ledger.entries.unreleased()) == MANY


def test_all_events_that_have_not_ended_are_told(bench: Bench) -> None:
    now, inbox = bench.clock.now(), bench.ledger.inbox
    arrivals = [Arrival("post", "payment-credit", "ann@example.org", now, now, str(key)) for key in range(MANY)]
    accepted = inbox.accept(arrivals)
    inbox.end([accepted[0].event], Ending("applied"), now)
    inbox.park([accepted[-1].event], Ending("failed", "no such contact in Kit"), now + timedelta(hours=1))
    assert Counter(event.state for event in inbox.unended()) == {"waiting": MANY - 2, "parked": 1}
