"""A wrong clock is noticed by the first read, and nothing is sent by it: it could count for the wrong month."""

from datetime import UTC, datetime, timedelta

import pytest

from ccops.engine.errors import ClockWrong
from ccops.engine.prepare import DRIFT
from ccops.engine.preview import Preview
from tests.engine.conftest import Bench


def wrong_by(bench: Bench, span: timedelta) -> None:
    """Let our clock go wrong."""
    right = bench.clock.moment
    bench.kit.settings.clock = lambda: right
    bench.clock.moment += span


@pytest.mark.parametrize("span", [timedelta(days=31), timedelta(days=-31), DRIFT + timedelta(seconds=2), -2 * DRIFT])
def test_a_wrong_clock_sends_nothing(bench: Bench, span: timedelta) -> None:
    wrong_by(bench, span)
    with pytest.raises(ClockWrong):
        bench.run()
    assert bench.credits == "5"
    assert {method for method, _ in bench.kit.counts} <= {"GET", "POST"}  # POST: the receipt field, made before


@pytest.mark.parametrize("span", [timedelta(), DRIFT, -DRIFT])
def test_a_clock_that_is_right_within_a_minute_is_right(bench: Bench, span: timedelta) -> None:
    wrong_by(bench, span)
    assert bench.run().status == "applied"


def test_both_times_are_named_and_what_mends_it(bench: Bench) -> None:
    wrong_by(bench, timedelta(days=31))
    with pytest.raises(ClockWrong) as caught:
        bench.run()
    said = "this machine's clock is ahead: it says 2026-12-23T10:00:00Z, while Kit's says 2026-11-22T10:00:01Z"
    assert str(caught.value).startswith(said)
    assert "NTP" in caught.value.mend


def test_what_a_wrong_clock_began_holds_no_period_and_is_taken_up_by_the_right_one(bench: Bench) -> None:
    right = bench.clock.moment
    wrong_by(bench, timedelta(days=31))
    with pytest.raises(ClockWrong):
        bench.run("month:2026-12", period="month:2026-12")
    bench.clock.moment = right
    assert bench.run("month:2026-11", period="month:2026-11").status == "applied"
    december = datetime(2026, 12, 1, 12, tzinfo=UTC)
    bench.clock.moment = december
    bench.kit.settings.clock = bench.clock.now
    outcome = bench.run("month:2026-12", period="month:2026-12")
    assert outcome.entry is not None
    assert (outcome.status, outcome.entry.id, bench.credits) == ("applied", 1, "25")


def test_a_dry_run_says_the_same(bench: Bench) -> None:
    wrong_by(bench, timedelta(days=-31))
    with pytest.raises(ClockWrong, match="clock is behind"):
        Preview(bench.ledger, bench.crm, bench.clock).look(bench.request())
