"""Which run a command goes on with, which occasion that is for, and what is said about it."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from ccops.ledger.commands import RunCommand, Selection, text_of
from ccops.ledger.runs import Started
from ccops.operations.periods import period_key
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.moments import START, ZONE, InMidMonth
from tests.cli.sites import Site

Call = Callable[..., Ended]

ANN, BOB = "ann@example.org", "bob@example.org"
GRANT = ("run", "monthly-grant", ANN, BOB)
RUN = ("run", "payment-credit", ANN)
GOES_ON = "Going on with run r1 of "


def words(operation: str, *contacts: str, once_per: str | None = None) -> str:
    return text_of(RunCommand(operation, Selection(tuple(sorted(contacts))), once_per=once_per))


@contextmanager
def begun(site: Site, said: str, at: datetime) -> Iterator[Started]:
    """Begin a run as another process would; it is at work until the end, and never reports that."""
    ledger = site.ledger(readonly=False)
    started = ledger.runs.start(said, "a run", "cron", at)
    try:
        yield started
    finally:
        started.lock.drop()
        ledger.close()


def broken_off(site: Site, said: str, at: datetime) -> None:
    with begun(site, said, at):
        pass


def change(site: Site, statement: str) -> None:
    """Put the ledger into the state that a crash or a lost answer leaves."""
    database = sqlite3.connect(site.database)
    database.execute(statement)
    database.commit()
    database.close()


@pytest.fixture
def clock() -> InMidMonth:
    return InMidMonth()


@pytest.fixture(autouse=True)
def _one_time(kit: Sandbox, clock: InMidMonth) -> None:
    kit.settings.clock = clock.now


@pytest.fixture
def last_month() -> datetime:
    return START - timedelta(days=25)


def month(moment: datetime) -> str:
    return period_key("month", moment, ZONE)


def test_this_months_run_finishes_last_months_first(site: Site, ccops: Call, last_month: datetime) -> None:
    broken_off(site, words("monthly-grant", ANN, BOB, once_per="month"), last_month)
    before, now = month(last_month), month(START)
    ended = ccops(*GRANT)
    assert ended.status == 0
    assert ended.err.startswith(GOES_ON)
    assert "comes after it." in ended.err
    assert [(entry.run, entry.period) for entry in site.entries()] == [(1, before), (1, before), (2, now), (2, now)]
    assert (site.credits(ANN), site.credits(BOB)) == ("25", "32")
    again = ccops(*GRANT)
    assert (again.status, GOES_ON in again.err, site.credits(ANN)) == (0, False, "25")


def test_what_last_months_run_did_is_not_done_again(site: Site, ccops: Call, last_month: datetime) -> None:
    before = month(last_month)
    assert ccops("run", "monthly-grant", ANN, "--period", before.partition(":")[2]).status == 0
    with begun(site, words("monthly-grant", ANN, BOB, once_per="month"), last_month):
        pass
    assert ccops(*GRANT).status == 0
    assert (site.credits(ANN), site.credits(BOB)) == ("25", "32")


def test_a_dry_run_shows_both_months(site: Site, ccops: Call, last_month: datetime) -> None:
    broken_off(site, words("monthly-grant", ANN, once_per="month"), last_month)
    shown = ccops(*GRANT[:3], "--dry-run", "--json")
    periods = [json.loads(line)["occasion"] for line in shown.out.splitlines()]
    assert periods == [month(last_month), month(START)]


def test_if_last_months_run_is_broken_off_again_this_months_does_not_begin(
    site: Site, ccops: Call, last_month: datetime
) -> None:
    broken_off(site, words("monthly-grant", ANN, BOB, once_per="month"), last_month)
    site.kit.faults.add(Fault("status", "GET", f"/subscribers/{site.kit.contact_id(BOB)}", status=403))
    assert ccops(*GRANT).status == 4
    assert [entry.period for entry in site.entries()] == [month(last_month)]
    assert ccops(*GRANT).status == 0
    assert (site.credits(ANN), site.credits(BOB)) == ("25", "32")


def test_with_new_last_months_run_is_given_up(site: Site, ccops: Call, last_month: datetime) -> None:
    broken_off(site, words("monthly-grant", ANN, BOB, once_per="month"), last_month)
    assert ccops(*GRANT, "--new").status == 0
    assert {entry.run for entry in site.entries()} == {2}
    assert GOES_ON not in ccops(*GRANT).err, "the newest run of these words has ended"
    assert site.credits(ANN) == "15"


def test_a_resumed_run_with_nothing_left_to_do_says_so(site: Site, ccops: Call) -> None:
    assert ccops(*RUN).status == 0
    change(site, "UPDATE runs SET ended_at = NULL")
    again = ccops(*RUN, "--quiet")
    assert (again.status, again.out, site.credits()) == (0, "", "15")
    assert again.err == (
        "warning: r1, which this goes on with, had done all of it; nothing was sent. For another occasion: --new\n"
    )
    assert ccops(*RUN, "--quiet").err == ""
    assert site.credits() == "25"


def test_a_run_beside_one_of_the_same_words_says_so(site: Site, ccops: Call) -> None:
    at = datetime(2026, 1, 5, 10, tzinfo=UTC)
    with begun(site, words("payment-credit", ANN), at):
        beside = ccops(*RUN, "--quiet")
        assert "at work now" not in ccops(*RUN, "--new", "--quiet").err
    assert (beside.status, beside.err) == (
        0,
        "warning: run r1 of the same words is at work now (since 2026-01-05T10:00:00Z); this is a run of its own.\n",
    )


@pytest.mark.parametrize(
    "same",
    [
        ("run", "payment-credit", BOB, ANN, "--amount", "3.50"),
        ("run", "payment-credit", "ANN@example.org", BOB, "Ann@Example.org", "--amount", "3.5"),
    ],
)
def test_the_same_said_otherwise_is_the_same_command(site: Site, ccops: Call, same: tuple[str, ...]) -> None:
    site.kit.faults.add(Fault("status", "GET", f"/subscribers/{site.kit.contact_id(BOB)}", status=403))
    assert ccops("run", "payment-credit", ANN, BOB, "--amount", "3.5").status == 4
    again = ccops(*same)
    assert (again.status, again.err.startswith(GOES_ON), len(again.out.splitlines())) == (0, True, 2)
    assert [float(site.credits(email) or 0) for email in (ANN, BOB)] == [8.5, 15.5]


@pytest.mark.parametrize("words", [(*RUN, "--amount"), ("adjust", ANN, "credits", "--add")])
def test_an_amount_written_otherwise_is_the_same_occasion(site: Site, ccops: Call, words: tuple[str, ...]) -> None:
    said = [ccops(*words, amount, "--key", "K") for amount in ("10", "10.0", "010.00", "11")]
    assert [ended.status for ended in said[:3]] == [0, 0, 0]
    assert said[3].status != 0
    assert site.credits() == "15"


def test_a_run_at_work_is_not_undone(site: Site, ccops: Call) -> None:
    ccops(*RUN)
    with begun(site, "other words", START):
        refused = ccops("undo", "--run", "r2")
        assert (refused.status, refused.err) == (2, "error: r2 is still at work; wait for its end. Nothing was sent.\n")
    assert ccops("undo", "--run", "r1").status == 0
    assert site.credits() == "5"


@pytest.mark.parametrize(("status", "said"), [("sending", "open"), ("parked", "parked")])
def test_what_a_run_left_open_is_said_when_it_is_undone(site: Site, ccops: Call, status: str, said: str) -> None:
    ccops("run", "payment-credit", ANN, BOB)
    change(site, f"UPDATE entries SET status = '{status}' WHERE id = 2")
    for more in ("--dry-run", "--quiet"):
        undone = ccops("undo", "--run", "r1", more)
        assert (undone.status, f"warning: 1 entry of r1 is {said}: ccops settle\n" in undone.err) == (1, True)
    assert (site.credits(ANN), site.credits(BOB)) == ("5", "22")
