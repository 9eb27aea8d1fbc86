"""The poll: every carrier of a trigger tag once, whatever Kit's lists show."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ccops.app.poll import alone, poll_round
from ccops.engine.batch import BatchOptions, work_off
from ccops.engine.outcomes import Outcome
from ccops.ledger.model import Origin
from ccops.operations.model import Tag
from tests.engine.conftest import Bench, StandingClock, increase

# The bench is the engine's: a ledger, a sandbox, and the applier between them.
from tests.engine.conftest import bench as bench  # noqa: PLC0414
from tests.engine.conftest import clock as clock  # noqa: PLC0414
from tests.engine.conftest import open_bench as open_bench  # noqa: PLC0414
from tests.engine.owner import once

LISTS = ("GET", "/v4/tags/{tag_id}/subscribers")


@pytest.fixture
def hour(clock: StandingClock) -> StandingClock:
    """Our clock, with which Kit's goes."""
    return clock


@pytest.fixture
def polled(bench: Bench) -> Bench:
    number = bench.kit.add_tag("ccops: payment-credit")
    bench.operation = increase(tag=Tag(number, "ccops: payment-credit"))
    return bench


def poll(bench: Bench) -> list[Outcome]:
    def begin() -> tuple[int, Origin]:
        return bench.request("poll", bench.ann).run, Origin("maria", "poll")

    tasks = poll_round(bench.applier, [bench.operation], begin)
    return list(work_off(tasks, BatchOptions(bench.clock, lambda: False, lambda *_: None)))


def tag(bench: Bench, contact: int) -> None:
    assert bench.operation.tag is not None
    bench.kit.tag(contact, bench.operation.tag.id)


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def test_a_tagging_counts_once_and_the_tag_comes_off(polled: Bench) -> None:
    tag(polled, polled.ann)
    assert states(poll(polled)) == ["applied"]
    assert states(poll(polled)) == []
    assert (polled.credits, polled.kit.tags_of(polled.ann)) == ("15", ["Member: Gold"])


def test_a_tag_added_again_counts_again(polled: Bench, hour: StandingClock) -> None:
    for _ in range(3):
        hour.moment += timedelta(minutes=1)
        tag(polled, polled.ann)
        assert states(poll(polled)) == ["applied"]
    assert polled.credits == "35"


def test_a_row_that_lags_behind_costs_no_request(polled: Bench, hour: StandingClock) -> None:
    tag(polled, polled.ann)
    hour.moment += timedelta(minutes=10)
    polled.kit.settings.lag = 300
    poll(polled)
    polled.kit.forget()
    assert states(poll(polled)) == ["repeated"]
    assert dict(polled.kit.counts) == {LISTS: 1}
    assert polled.credits == "15"


def test_an_idle_round_costs_one_request_and_no_run(polled: Bench) -> None:
    runs, polled_before = polled.ledger.runs.highest(), polled.kit
    polled_before.forget()
    assert poll(polled) == []
    assert dict(polled.kit.counts) == {LISTS: 1}
    assert polled.ledger.runs.highest() == runs


def test_contacts_in_every_state_are_found(polled: Bench) -> None:
    for state in ("active", "inactive", "bounced", "complained", "cancelled"):
        tag(polled, polled.kit.add_contact(f"{state}@example.org", state, credits="1"))
    assert states(poll(polled)) == ["applied"] * 5


def test_a_state_that_is_left_out_is_entered_and_keeps_its_tag(polled: Bench) -> None:
    polled.operation = replace(polled.operation, states=frozenset({"active"}))
    gone = polled.kit.add_contact("gone@example.org", "cancelled", credits="1")
    tag(polled, gone)
    for _ in range(2):
        (outcome,) = poll(polled)
        assert (outcome.status, outcome.reason) == (
            "left-out",
            "cancelled in Kit; payment-credit is for active",
        )
    assert polled.kit.tags_of(gone) == ["ccops: payment-credit"]
    polled.kit.set_state(gone, "active")
    assert states(poll(polled)) == ["applied"]
    assert polled.kit.field_values(gone)["credits"] == "11"


def test_a_paused_operation_lets_its_tags_wait(polled: Bench) -> None:
    tag(polled, polled.ann)
    running, polled.operation = polled.operation, replace(polled.operation, paused=True)
    assert poll(polled) == []
    polled.operation = running
    assert states(poll(polled)) == ["applied"]


def test_the_period_is_that_of_the_tagging(polled: Bench, hour: StandingClock) -> None:
    """Tagged on the last evening of October in New York, worked off in November: October's."""
    polled.operation = replace(polled.operation, once_per="month")
    hour.moment = datetime(2026, 11, 1, 3, 59, tzinfo=UTC)
    tag(polled, polled.ann)
    hour.moment += timedelta(days=3)
    (outcome,) = poll(polled)
    assert outcome.entry is not None
    assert outcome.entry.period == "month:2026-10"


def test_a_second_tagging_in_a_period_is_answered_by_a_refusal(polled: Bench, hour: StandingClock) -> None:
    polled.operation = replace(polled.operation, once_per="month")
    tag(polled, polled.ann)
    poll(polled)
    hour.moment += timedelta(days=1)
    tag(polled, polled.ann)
    (outcome,) = poll(polled)
    assert (outcome.status, outcome.reason) == ("refused", "this month was done already, by e1")
    assert (polled.credits, polled.kit.tags_of(polled.ann)) == ("15", ["Member: Gold"])


def test_only_one_poll_of_a_home_is_at_work(bench: Bench) -> None:
    ledger = bench.ledger
    with alone(ledger) as first, alone(ledger) as second:
        assert first is None
        assert second is not None
        assert second.since < timedelta(seconds=30)
    with alone(ledger) as again:
        assert again is None


def test_a_contact_deleted_before_the_work_fails_and_the_others_go_on(polled: Bench, hour: StandingClock) -> None:
    gone = polled.kit.add_contact("gone@example.org", credits="1")
    tag(polled, gone)
    tag(polled, polled.ann)
    polled.kit.settings.lag = 60
    hour.moment += timedelta(minutes=2)
    polled.kit.delete_contact(gone)
    assert sorted(states(poll(polled))) == ["applied", "failed"]


# ---- tags that come off and go on again while a poll is at work


def tag_again(bench: Bench) -> None:
    """Take the tag off Ann and add it again, a while later."""
    assert bench.operation.tag is not None
    bench.kit.untag(bench.ann, bench.operation.tag.id)
    bench.clock.sleep(3)
    tag(bench, bench.ann)


def carries(bench: Bench) -> bool:
    return "ccops: payment-credit" in bench.kit.tags_of(bench.ann)


@pytest.mark.parametrize(("phase", "method"), [("before", "GET"), ("before", "PUT"), ("after", "PUT")])
@pytest.mark.parametrize("more", [{}, {"tags_if_applied": ("thanks",)}])
def test_a_tagging_newer_than_the_list_counts_too(
    polled: Bench, phase: str, method: str, more: dict[str, object]
) -> None:
    polled.operation = replace(polled.operation, **more)  # type: ignore[arg-type]
    tag(polled, polled.ann)
    once(polled, phase, method, lambda: tag_again(polled))
    assert (states(poll(polled)), carries(polled)) == (["applied"], True)
    assert (states(poll(polled)), carries(polled)) == (["applied"], False)
    assert polled.credits == "25"


def test_a_tagging_that_a_lagging_list_does_not_show_counts_too(polled: Bench, hour: StandingClock) -> None:
    tag(polled, polled.ann)
    hour.moment += timedelta(minutes=6)
    tag_again(polled)
    polled.kit.settings.lag = 300
    assert (states(poll(polled)), carries(polled)) == (["applied"], True)
    hour.moment += timedelta(minutes=6)
    assert (states(poll(polled)), carries(polled)) == (["applied"], False)
    assert polled.credits == "25"


def test_a_refused_tagging_leaves_a_newer_one_on(polled: Bench) -> None:
    polled.operation = replace(polled.operation, changes=(replace(polled.operation.changes[0], maximum=Decimal(9)),))
    tag(polled, polled.ann)
    once(polled, "before", "GET", lambda: tag_again(polled))
    assert (states(poll(polled)), carries(polled)) == (["refused"], True)
    assert (states(poll(polled)), carries(polled)) == (["refused"], False)


def test_a_look_that_took_too_long_is_made_again(polled: Bench) -> None:
    tag(polled, polled.ann)
    looks: list[str] = []

    def observe(phase: str, method: str, path: str) -> None:
        if (phase, method) == ("before", "GET") and path.endswith(f"{polled.ann}/tags"):
            looks.append(path)
            polled.clock.sleep(60 if len(looks) == 1 else 0)

    polled.kit.on_request = observe
    assert (states(poll(polled)), carries(polled), len(looks)) == (["applied"], False, 2)


@pytest.fixture(autouse=True)
def _no_tag_is_lost(bench: Bench) -> Iterator[None]:
    """Whatever a test did: no entry is left half-way."""
    yield
    assert [entry.status for entry in bench.ledger.entries.open()] == []
