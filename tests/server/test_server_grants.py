"""An operation that counts once in a period, and that nobody was granted in the present one, is told of in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ccops.app.poll import reminders
from ccops.app.run_commands import ends_soon, late_grants, warnings_near_end
from ccops.operations.model import Operation, Period
from ccops.operations.periods import period_key
from tests.engine.conftest import Bench, increase

GRANT = increase(once_per="month")
GRANT_IT = "ccops run payment-credit …"
END = datetime(2026, 12, 1, 5, tzinfo=UTC)
"""Of November, in New York."""


def granted(bench: Bench, moment: datetime) -> None:
    """Let the grant come at a moment."""
    bench.clock.moment = moment
    period = period_key("month", moment, GRANT.timezone)
    bench.operation = GRANT
    assert bench.run(period, period=period).status == "applied"


@pytest.fixture
def october(bench: Bench) -> Bench:
    granted(bench, datetime(2026, 10, 2, 12, tzinfo=UTC))
    return bench


@pytest.mark.parametrize(
    ("once_per", "last"),
    [
        ("month", datetime(2026, 11, 28, 5, tzinfo=UTC)),
        ("week", datetime(2026, 11, 29, 12, 12, tzinfo=UTC)),
        ("day", datetime(2026, 11, 22, 4, 0, tzinfo=UTC)),
        ("year", datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_the_last_tenth_of_a_period_is_its_end(once_per: Period, last: datetime) -> None:
    operation = replace(GRANT, once_per=once_per)
    assert ends_soon(operation, last)
    assert not ends_soon(operation, last - timedelta(days=5 if once_per in {"month", "year"} else 1, hours=12))


def test_what_counts_once_for_ever_or_is_paused_has_no_end() -> None:
    others: list[Operation] = [increase(), replace(GRANT, once_per="ever"), replace(GRANT, paused=True)]
    assert not any(ends_soon(each, END - timedelta(hours=1)) for each in others)


def test_nobody_granted_near_the_end_is_warned_about(october: Bench) -> None:
    now = END - timedelta(days=2, hours=1)
    assert warnings_near_end(october.ledger, [GRANT], now) == [
        f"payment-credit: nobody has November 2026 yet; last run 2 Oct; the time for it ends in 2 days: {GRANT_IT}"
    ]
    assert warnings_near_end(october.ledger, [GRANT], now - timedelta(days=9)) == []


def test_the_doctor_knows_it_before(october: Bench) -> None:
    late = list(late_grants(october.ledger, [GRANT], datetime(2026, 11, 3, tzinfo=UTC)))
    assert [(each.period, each.near_end) for each in late] == [("month:2026-11", False)]
    assert not list(late_grants(october.ledger, [GRANT], datetime(2026, 11, 2, 12, tzinfo=UTC)))


def test_a_grant_that_was_late_last_time_is_warned_about_before_the_end(bench: Bench) -> None:
    granted(bench, datetime(2026, 10, 31, 20, tzinfo=UTC))
    assert len(warnings_near_end(bench.ledger, [GRANT], END - timedelta(days=1))) == 1


def test_one_grant_in_the_period_is_enough(october: Bench) -> None:
    granted(october, datetime(2026, 11, 2, 12, tzinfo=UTC))
    assert warnings_near_end(october.ledger, [GRANT], END - timedelta(hours=1)) == []


def test_a_grant_that_never_came_before_is_not_missed(bench: Bench) -> None:
    assert warnings_near_end(bench.ledger, [GRANT], END - timedelta(hours=1)) == []


def test_it_is_said_once_a_day_at_most(october: Bench) -> None:
    now = END - timedelta(hours=30)
    said = [len(reminders(october.ledger, [GRANT], now)) for _ in range(3)]
    assert said == [1, 0, 0]
