"""What people look at costs the same in a ledger of a million entries: no question goes through all of them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Status
from ccops.ledger.queries import Filter
from tests.engine.conftest import new_ledger

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SHORT = {
    "SCAN runs",  # from the newest on, as many as are wanted
    "SCAN newest",
    "SCAN last",  # of at most a thousand entries
    "SCAN theirs",  # of the contacts that are asked about
    "SCAN CONSTANT ROW",  # the one contact that is asked about, and what was found of it
    "SCAN wanted",
    "SCAN parts LEFT-JOIN",
    "SCAN entries USING INDEX entries_undone",  # indexes of few entries
    "SCAN entries USING INDEX entries_unreleased",
    "SCAN entries USING INDEX entries_unreleased_refusals",
}

QUESTIONS: dict[str, Callable[[Ledger], object]] = {
    "history of a contact": lambda ledger: ledger.history.entries(Filter(contact=7)),
    "history of a contact, all at once": lambda ledger: ledger.history.entries(
        Filter(contact=7, operation="grant", statuses=(Status.REFUSED,), run=1, since=NOW)
    ),
    "history of a contact's operation": lambda ledger: ledger.history.entries(Filter(contact=7, operation="grant")),
    "history of a run": lambda ledger: ledger.history.entries(Filter(run=1, operation="grant")),
    "history of an operation": lambda ledger: ledger.history.entries(Filter(operation="grant")),
    "history since a moment": lambda ledger: ledger.history.entries(Filter(since=NOW)),
    "history of an operation since a moment": lambda ledger: ledger.history.entries(
        Filter(operation="grant", since=NOW, statuses=(Status.APPLIED,))
    ),
    "history of what is open": lambda ledger: ledger.history.entries(
        Filter(statuses=(Status.INTENDED, Status.SENDING))
    ),
    "history of what was refused": lambda ledger: ledger.history.entries(
        Filter(statuses=(Status.REFUSED,), left_out=False)
    ),
    "history of what was undone": lambda ledger: ledger.history.entries(Filter(statuses=(Status.UNDONE,))),
    "history of an operation's failures": lambda ledger: ledger.history.entries(
        Filter(operation="grant", statuses=(Status.FAILED,))
    ),
    "history as it goes on": lambda ledger: ledger.history.changed_since(7, NOW, [1, 2]),
    "how earlier runs left an entry": lambda ledger: ledger.history.tries_of(7),
    "runs": lambda ledger: list(ledger.history.runs()),
    "the last run of an operation": lambda ledger: ledger.history.last_run_of("grant"),
    "whether an operation is known": lambda ledger: ledger.history.knows("grant"),
    "the contact that had an address": lambda ledger: ledger.people.by_email("ann@example.org"),
    "all that had an address": lambda ledger: ledger.people.former_owners("ann@example.org"),
    "the addresses that a contact had": lambda ledger: ledger.people.former(7),
    "balance of a contact": lambda ledger: ledger.history.written(7),
    "what a field of contacts was written last": lambda ledger: ledger.fields.last("credits", [7, 8, 9]),
    "what was sent to a contact": lambda ledger: ledger.history.sent(7),
    "whether a field of a contact is under way": lambda ledger: ledger.fields.unsure("credits", 7),
    "an address": lambda ledger: ledger.people.by_email("ann@example.org"),
    "who holds what an entry gave up": lambda ledger: ledger.entries.taken_by(7),
    "who holds what an undo would bring back": lambda ledger: ledger.entries.taken_for_undo(7),
    "receipts of a contact": lambda ledger: ledger.entries.standing(7),
    "what a contact is sent": lambda ledger: ledger.entries.sending(7),
    "taggings of a contact": lambda ledger: ledger.entries.of_occasions("grant", 7, "tag:1@2026", "tag:1@2027"),
    "what is open": lambda ledger: ledger.entries.open(),
    "whose tags are not in order": lambda ledger: ledger.entries.unreleased(),
    "events for a contact": lambda ledger: ledger.inbox.of_contact(["7", "ann@example.org"]),
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = new_ledger(tmp_path)
    yield made
    made.close()


def plans(ledger: Ledger, ask: Callable[[Ledger], object]) -> list[str]:
    """Return how the database goes about each statement of a question."""
    asked: list[str] = []
    with ledger.database.read():
        connection = ledger.database._reader().connection
    connection.set_trace_callback(asked.append)
    ask(ledger)
    connection.set_trace_callback(None)
    selects = [statement for statement in asked if statement.startswith("SELECT")]
    assert selects
    return [row["detail"] for each in selects for row in connection.execute(f"EXPLAIN QUERY PLAN {each}")]


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_goes_through_a_whole_table(ledger: Ledger, question: str) -> None:
    steps = plans(ledger, QUESTIONS[question])
    walked = [step for step in steps if step.startswith("SCAN") and step not in SHORT]
    assert not walked, steps


@pytest.mark.parametrize("wanted", [Filter(), Filter(statuses=(Status.APPLIED,))], ids=["all", "applied"])
def test_a_plain_listing_reads_from_the_newest_on_and_stops(ledger: Ledger, wanted: Filter) -> None:
    """Without an index, but without sorting either, so that the limit ends it."""
    steps = plans(ledger, lambda each: each.history.entries(wanted))
    assert steps[0] == "SCAN entries"
    assert not [step for step in steps if "TEMP B-TREE" in step]


@pytest.mark.parametrize("wanted", [Filter(contact=7, operation="grant", run=1), Filter(contact=7, since=NOW)])
def test_a_contact_outdoes_every_other_condition(ledger: Ledger, wanted: Filter) -> None:
    steps = plans(ledger, lambda each: each.history.entries(wanted))
    assert steps[0].startswith("SEARCH entries USING INDEX entries_of_contact (contact=?"), steps


def test_what_may_still_come_late_is_looked_for_among_few(ledger: Ledger) -> None:
    """It is asked before each write, and a contact may have thousands of entries."""
    steps = plans(ledger, QUESTIONS["receipts of a contact"])
    assert steps.count("SEARCH entries USING INDEX entries_loose (contact=?)") == 2, steps


def test_what_went_over_a_late_write_is_asked_of_few_contacts(ledger: Ledger) -> None:
    steps = plans(ledger, lambda each: each.fields.overwritten([7, 8]))
    assert [step for step in steps if " entries " in step] == [
        "SEARCH entries USING INDEX entries_of_contact (contact=? AND turn>?)"
    ]
