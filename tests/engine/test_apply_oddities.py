"""Ways round the applier that once lost or doubled a credit, or gave something away for nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ccops.engine.batch import BatchOptions
from ccops.engine.errors import KeptFailing, RunAgain
from ccops.engine.outcomes import claim_of
from ccops.engine.settle import finish_open, settle_as
from ccops.engine.undo import UndoOptions, check_undoable, undo_request
from ccops.operations.model import Tag
from ccops.operations.occasion import for_tag
from ccops.sandbox.faults import Fault
from tests.engine.conftest import ORIGIN, Bench, increase

MONTH = "month:2026-11"


def undo(bench: Bench, entry: int, *, reopen: bool = False) -> int:
    run = bench.request(f"undo:{entry}", bench.ann).run
    request = undo_request(bench.ledger, entry, {}, UndoOptions(reopen=reopen), (run, ORIGIN))
    outcome = bench.applier.apply(request)
    assert outcome.status == "applied"
    assert outcome.entry is not None
    return outcome.entry.id


def settle(bench: Bench) -> None:
    list(finish_open(bench.applier, BatchOptions(bench.clock, lambda: False, lambda *_: None)))


def tagged(bench: Bench) -> str:
    number = bench.kit.add_tag("ccops: payment-credit")
    bench.kit.tag(bench.ann, number)
    bench.operation = increase(tag=Tag(number, "ccops: payment-credit"))
    (held,) = [held for held in bench.crm.tags_of(bench.ann) if held.id == number]
    return for_tag(number, held.tagged_at)


def test_an_undo_that_is_taken_back_closes_what_it_had_reopened(bench: Bench) -> None:
    first = bench.run(MONTH, period=MONTH)
    assert first.entry is not None
    undo(bench, undo(bench, first.entry.id, reopen=True))
    assert bench.run(MONTH, period=MONTH).status == "repeated"
    assert bench.credits == "15"


def test_an_entry_whose_undo_was_taken_back_can_be_undone_again(bench: Bench) -> None:
    first = bench.run()
    assert first.entry is not None
    undo(bench, undo(bench, first.entry.id))
    assert bench.ledger.entries.get(first.entry.id).status == "applied"
    undo(bench, first.entry.id)
    assert bench.credits == "5"


def test_an_undo_whose_occasion_ran_again_stays(bench: Bench) -> None:
    first = bench.run(MONTH, period=MONTH)
    assert first.entry is not None
    back = undo(bench, first.entry.id, reopen=True)
    assert bench.run(MONTH, period=MONTH).status == "applied"
    with pytest.raises(RunAgain):
        check_undoable(bench.ledger, [back])


def test_a_newer_tagging_outlives_the_settling_of_an_older_one(bench: Bench) -> None:
    """Killed between claim and read; meanwhile the tag came off and on again."""
    occasion = tagged(bench)
    bench.ledger.entries.claim(claim_of(bench.request(occasion, bench.ann), bench.ann, bench.clock.now()))
    assert bench.operation.tag is not None
    bench.kit.untag(bench.ann, bench.operation.tag.id)
    bench.clock.moment = bench.clock.now().replace(year=2027)
    bench.kit.tag(bench.ann, bench.operation.tag.id)
    settle(bench)
    assert bench.credits == "15"
    assert "ccops: payment-credit" in bench.kit.tags_of(bench.ann)


def test_a_person_who_says_applied_gets_the_tag_off(bench: Bench) -> None:
    occasion = tagged(bench)
    bench.kit.faults.add(Fault("partial", "PUT", "", keep=("credits",)))
    bench.run(occasion, bench.ann)
    bench.clock.sleep(60)
    parked = bench.run(occasion, bench.ann)
    assert parked.status == "parked"
    assert parked.entry is not None
    settle_as(bench.applier, parked.entry.id, "applied", "maria")
    assert bench.kit.tags_of(bench.ann) == ["Member: Gold"]


def test_an_undone_entry_gives_no_follow_up_tag_away(bench: Bench) -> None:
    bench.operation = increase(tags_if_applied=("access: replay",))
    bench.kit.faults.add(Fault("status", "POST", "/v4/tags", status=503, times=None))
    outcome = bench.run()
    bench.kit.faults.clear()
    assert outcome.entry is not None
    undo(bench, outcome.entry.id)
    settle(bench)
    assert bench.kit.tags_of(bench.ann) == ["Member: Gold"]
    assert not bench.ledger.entries.unreleased()


def test_a_send_of_the_future_is_settled_from_now_on(bench: Bench) -> None:
    """The clock was a year ahead at the send, and is right again."""
    now = bench.clock.moment
    bench.clock.moment = now + timedelta(days=365)
    bench.kit.faults.add(Fault("reset", "PUT", "", when="after"))
    assert bench.run().status == "open"
    bench.clock.moment = now
    outcome = bench.run()
    assert outcome.due == now + timedelta(seconds=60)
    bench.clock.sleep(60)
    assert bench.run().status == "applied"
    assert bench.credits == "15"


def test_a_begun_entry_that_is_left_out_now_is_not_open(bench: Bench) -> None:
    request = bench.request("key:left", bench.ann)
    bench.ledger.entries.claim(claim_of(request, bench.ann, bench.clock.now()))
    assert bench.applier.apply(replace(request, states=frozenset({"cancelled"}))).status == "left-out"
    assert bench.ledger.entries.open() == []
    assert bench.applier.apply(request).status == "applied"


def test_an_own_write_that_came_late_takes_the_tag_off_too(bench: Bench) -> None:
    """Lost, judged as not arrived, refused the connection; then the first write arrives after all."""
    occasion = tagged(bench)
    bench.kit.faults.add(Fault("late", "PUT", ""))
    entry = bench.run(occasion, bench.ann).entry
    assert entry is not None
    bench.clock.sleep(60)
    bench.kit.faults.add(Fault("status", "PUT", "", status=429, times=None))
    with pytest.raises(KeptFailing):
        bench.run(occasion, bench.ann)
    bench.kit.faults.clear()
    assert bench.kit.faults.deliver_late() == 1
    outcome = bench.run(occasion, bench.ann)
    assert outcome.status in {"applied", "parked"}
    if outcome.status == "parked":
        settle_as(bench.applier, entry.id, "applied", "maria")
    assert (bench.credits, bench.kit.tags_of(bench.ann)) == ("15", ["Member: Gold"])


def test_tags_that_still_resist_are_said_again(bench: Bench) -> None:
    bench.operation = increase(tags_if_applied=("thanks",))
    bench.kit.faults.add(Fault("status", "POST", "/v4/tags", status=503, times=None))
    assert bench.run().warnings
    again = bench.run()
    assert (again.status, len(again.warnings)) == ("repeated", 1)
    assert "ccops settle" in again.warnings[0]
