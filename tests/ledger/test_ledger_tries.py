"""What a later run tries again stays in the list of the run before, as it came out there."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Entry, Origin, Via
from ccops.ledger.queries import Filter
from tests.engine.conftest import new_ledger

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
CLAIM = Claim("pay", "{}", 7, "key:1", 1, Origin("maria", "run", "first"), NOW)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = new_ledger(tmp_path)
    for number in range(3):
        made.runs.start(str(number), "a run", "maria", NOW)
    yield made
    made.close()


def tried(ledger: Ledger, run: int, via: Via = "run") -> Entry:
    """Claim the occasion in a run, a minute later for each."""
    claim = replace(CLAIM, run=run, origin=Origin("maria", via, f"of r{run}"), at=NOW + timedelta(minutes=run))
    entry = ledger.entries.claim(claim).entry
    assert entry is not None
    return entry


def refused(ledger: Ledger, run: int, via: Via = "run") -> None:
    reason = f'credits is "r{run}", not a number'
    ledger.entries.refuse(tried(ledger, run, via), "number", reason, NOW + timedelta(minutes=run))


def listed(ledger: Ledger, run: int, **more: object) -> list[tuple[int, int, str, str | None, str | None]]:
    found = ledger.history.entries(Filter(run=run, **more))  # type: ignore[arg-type]
    return [(entry.id, entry.run, entry.status, entry.reason, entry.note) for entry, _ in found]


def test_each_run_lists_what_it_was_refused(ledger: Ledger) -> None:
    refused(ledger, 1)
    refused(ledger, 2)
    entry = ledger.entries.send(tried(ledger, 3), {"credits": "5"}, {"credits": "15"}, None, None, NOW)
    ledger.entries.confirm(entry, NOW, released=True)
    assert listed(ledger, 1) == [(1, 1, "refused", 'credits is "r1", not a number', "of r1")]
    assert listed(ledger, 2) == [(1, 2, "refused", 'credits is "r2", not a number', "of r2")]
    assert listed(ledger, 3) == [(1, 3, "applied", None, "of r3")]
    assert [each.counts for each in ledger.history.runs()] == [{"applied": 1}, {"refused": 1}, {"refused": 1}]
    assert [(each.run, each.before) for each in ledger.history.tries_of(1)] == [(1, None), (2, None)]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"statuses": ("refused",)}, 1),
        ({"statuses": ("applied",)}, 0),
        ({"contact": 7, "operation": "pay"}, 1),
        ({"contact": 8}, 0),
        ({"operation": "grant"}, 0),
        ({"left_out": True}, 0),
        ({"since": NOW + timedelta(minutes=1)}, 1),
        ({"since": NOW + timedelta(minutes=2)}, 0),
        ({"limit": None}, 1),
    ],
)
def test_a_list_of_tries_is_chosen_from_like_any(ledger: Ledger, more: dict[str, object], found: int) -> None:
    refused(ledger, 1)
    refused(ledger, 2)
    assert len(listed(ledger, 1, **more)) == found


def test_tries_stand_among_the_entries_that_stayed(ledger: Ledger) -> None:
    refused(ledger, 1)
    for contact in (8, 9):
        ledger.entries.claim(replace(CLAIM, contact=contact))
    refused(ledger, 2)
    assert [entry for entry, *_ in listed(ledger, 1)] == [3, 2, 1]
    assert [entry for entry, *_ in listed(ledger, 1, limit=2)] == [3, 2]


def test_the_same_run_once_more_keeps_nothing_twice(ledger: Ledger) -> None:
    for run in (1, 1, 2, 1, 2):
        refused(ledger, run)
    assert (listed(ledger, 1)[0][3], len(listed(ledger, 1)), len(listed(ledger, 2))) == (
        'credits is "r1", not a number',
        1,
        1,
    )


def test_what_looks_for_tags_again_and_again_keeps_no_tries(ledger: Ledger) -> None:
    refused(ledger, 1, "poll")
    refused(ledger, 2, "poll")
    assert listed(ledger, 1) == []
