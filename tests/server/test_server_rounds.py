"""The receiver's own look for tags: whatever goes wrong in one round, the next one comes."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from ccops.app.poll import PollRounds, alone
from ccops.operations.model import Operation, OperationsFile, Tag
from tests.engine.conftest import Bench, increase

TAG = "ccops: payment-credit"


class Watch:
    """Rounds that are made one by one, and what they said."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.told: list[str] = []
        self.shown: list[str] = []
        self.stop = threading.Event()
        self.operations: list[Operation] = [increase(tag=Tag(bench.kit.add_tag(TAG), TAG))]
        self.rounds = PollRounds(
            bench.applier,
            self.registry,
            "maria",
            timedelta(hours=1),
            stop=self.stop,
            tell=self.told.append,
            show=lambda outcome: self.shown.append(outcome.status),
        )

    def registry(self) -> OperationsFile:
        return OperationsFile("America/New_York", {}, {each.name: each for each in self.operations})

    def round(self) -> list[str]:
        self.shown.clear()
        self.rounds.round()
        return list(self.shown)


@pytest.fixture
def watch(bench: Bench) -> Watch:
    bench.kit.tag(bench.ann, TAG)
    return Watch(bench)


def test_each_round_is_a_run_of_its_own_if_there_is_something_to_do(watch: Watch) -> None:
    runs = watch.bench.ledger.runs.highest()
    assert (watch.round(), watch.round()) == (["applied"], [])
    assert watch.bench.ledger.runs.highest() == runs + 1
    assert watch.bench.ledger.runs.get(runs + 1).ended_at is not None


def test_while_another_poll_is_at_work_it_leaves_the_tags_to_that(watch: Watch) -> None:
    with alone(watch.bench.ledger) as busy:
        assert busy is None
        assert watch.round() == []
    assert (watch.told, watch.round()) == ([], ["applied"])


def test_while_kit_is_away_that_is_told_and_the_next_round_finds_the_tag(watch: Watch) -> None:
    watch.bench.kit.stop()
    assert watch.round() == []
    watch.bench.kit.start()
    assert [line[:5] for line in watch.told] == ["poll:"]
    assert watch.round() == ["applied"]


def test_a_tag_that_is_gone_from_kit_is_told(watch: Watch) -> None:
    watch.operations = [increase(tag=Tag(4711, TAG))]
    assert watch.round() == []
    (told,) = watch.told
    assert told.startswith(f"poll: payment-credit: its trigger tag {TAG} (4711) is no longer in Kit.")
    assert told.endswith("(ccops tag unbind payment-credit && ccops tag create payment-credit)")


def test_a_tag_that_is_gone_stops_no_other_operation(watch: Watch) -> None:
    watch.operations.insert(0, replace(watch.operations[0], name="gone", tag=Tag(4711, "gone")))
    assert watch.round() == ["applied"]
    assert len(watch.told) == 1


def test_a_mistake_of_ours_is_told_and_the_next_round_comes(watch: Watch) -> None:
    watch.operations = [None]  # type: ignore[list-item]
    assert watch.round() == []
    assert watch.told == ["internal error in poll: AttributeError; the next round comes all the same"]
    watch.operations = [increase(tag=Tag(watch.bench.kit.add_tag(TAG), TAG))]
    assert watch.round() == ["applied"]


def test_when_it_is_stopped_what_that_broke_off_is_not_told(watch: Watch) -> None:
    watch.bench.kit.stop()
    watch.stop.set()
    assert (watch.round(), watch.told) == ([], [])
