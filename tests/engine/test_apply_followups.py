"""Tags that an operation adds once it is applied or refused, and what an undo does with them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ccops.clock import iso
from ccops.engine.batch import BatchOptions
from ccops.engine.settle import finish_open
from ccops.engine.undo import UndoOptions, undo_request
from ccops.operations.model import AfterRun, Change, Tag
from ccops.operations.occasion import for_tag
from ccops.sandbox.faults import Fault
from tests.engine.conftest import ORIGIN, Bench, increase

THANKS, MORE = "thanks", "needs: more credits"


@pytest.fixture
def following(bench: Bench) -> Bench:
    bench.operation = increase(tags_if_applied=(THANKS,), tags_if_refused=(MORE,))
    return bench


def tags(bench: Bench) -> set[str]:
    return set(bench.kit.tags_of(bench.ann)) - {"Member: Gold"}


def spend(bench: Bench, amount: int) -> None:
    change = Change("credits", "decrease", amount=Decimal(amount), minimum=Decimal(0))
    bench.operation = replace(bench.operation, changes=(change,))


def undo(bench: Bench, entry: int) -> None:
    request = bench.request(f"undo:{entry}", bench.ann)
    bench.applier.apply(undo_request(bench.ledger, entry, {}, UndoOptions(), (request.run, ORIGIN)))


def test_an_applied_entry_adds_its_tags(following: Bench) -> None:
    outcome = following.run()
    assert tags(following) == {THANKS}
    assert outcome.entry is not None
    assert outcome.entry.released


def test_a_refusal_by_a_limit_adds_the_other_tags(following: Bench) -> None:
    spend(following, 6)
    assert following.run().status == "refused"
    assert tags(following) == {MORE}


def test_a_value_that_is_no_number_adds_none(following: Bench) -> None:
    following.kit.set_field(following.ann, "credits", "abc")
    assert following.run().status == "refused"
    assert tags(following) == set()


def test_an_undo_takes_off_what_the_entry_added(following: Bench) -> None:
    outcome = following.run()
    assert outcome.entry is not None
    undo(following, outcome.entry.id)
    assert (tags(following), following.credits) == (set(), "5")


def test_an_undo_leaves_a_tag_that_was_there_before(following: Bench) -> None:
    following.kit.tag(following.ann, following.kit.add_tag(THANKS))
    outcome = following.run()
    assert outcome.entry is not None
    assert outcome.entry.followups == ()
    undo(following, outcome.entry.id)
    assert tags(following) == {THANKS}


def test_tags_that_could_not_be_added_are_added_by_the_next_settle(following: Bench) -> None:
    following.kit.faults.add(Fault("status", "POST", "/v4/tags/.*/subscribers", status=503, times=None))
    outcome = following.run()
    assert outcome.status == "applied"
    assert outcome.warnings
    assert tags(following) == set()
    following.kit.faults.clear()
    list(finish_open(following.applier, BatchOptions(following.clock, lambda: False, lambda *_: None)))
    assert (tags(following), following.credits) == ({THANKS}, "15")
    assert not following.ledger.entries.unreleased()


ADDING = "/v4/tags/.*/subscribers"


def settle(bench: Bench) -> list[str]:
    manners = BatchOptions(bench.clock, lambda: False, lambda *_: None)
    return [outcome.status for outcome in finish_open(bench.applier, manners)]


@pytest.mark.parametrize("occasion", ["post:1", "key:1"])
def test_tags_of_a_refusal_that_could_not_be_added_are_added_by_settle(following: Bench, occasion: str) -> None:
    spend(following, 6)
    following.kit.faults.add(Fault("status", "POST", ADDING, status=503, times=None))
    outcome = following.run(occasion)
    assert (outcome.status, tags(following)) == ("refused", set())
    assert "(ccops settle does it)" in outcome.warnings[0]
    assert [entry.id for entry in following.ledger.entries.unreleased()] == [1]
    following.kit.faults.clear()
    assert (settle(following), tags(following)) == (["refused"], {MORE})
    assert (settle(following), following.ledger.entries.unreleased()) == ([], [])


def test_tags_of_a_period_refused_are_added_by_settle(following: Bench) -> None:
    following.run("key:1", period="month:2026-11")
    following.kit.faults.add(Fault("status", "POST", ADDING, status=503, times=None))
    assert following.run("post:2", period="month:2026-11").status == "refused"
    following.kit.faults.clear()
    settle(following)
    assert tags(following) == {THANKS, MORE}


def test_a_refusal_without_tags_or_of_a_faulty_value_leaves_nothing_to_settle(following: Bench) -> None:
    following.kit.set_field(following.ann, "credits", "abc")
    assert following.run("post:1").status == "refused"
    following.operation = replace(following.operation, tags_if_refused=())
    spend(following, 6)
    following.kit.set_field(following.ann, "credits", "5")
    assert following.run("post:2").status == "refused"
    assert following.ledger.entries.unreleased() == []


def test_a_refused_trigger_tag_that_could_not_come_off_comes_off_by_settle(bench: Bench) -> None:
    occasion = tagged(bench)
    spend(bench, 6)
    bench.kit.faults.add(Fault("status", "DELETE", status=503, times=None))
    assert bench.run(occasion, bench.ann).status == "refused"
    bench.kit.faults.clear()
    assert (settle(bench), tags(bench)) == (["refused"], set())


def test_a_refused_trigger_tag_that_is_kept_leaves_nothing_to_settle(bench: Bench) -> None:
    occasion = tagged(bench, after_run="keep-tag")
    spend(bench, 6)
    assert bench.run(occasion, bench.ann).status == "refused"
    assert bench.ledger.entries.unreleased() == []


def test_follow_up_tags_that_an_undo_could_not_take_off_come_off_by_settle(following: Bench) -> None:
    following.run()
    following.clock.sleep(60)
    following.kit.faults.add(Fault("status", "DELETE", status=503, times=None))
    undo(following, 1)
    assert (tags(following), following.credits) == ({THANKS}, "5")
    following.kit.faults.clear()
    settle(following)
    assert (tags(following), following.ledger.entries.unreleased()) == (set(), [])


def test_a_refused_undo_takes_no_follow_up_tag_off(following: Bench) -> None:
    following.run()
    following.kit.set_field(following.ann, "credits", "abc")
    request = following.request("undo:1", following.ann)
    undoing = undo_request(following.ledger, 1, {}, UndoOptions(), (request.run, ORIGIN))
    assert following.applier.apply(undoing).status == "refused"
    settle(following)
    assert tags(following) == {THANKS}


def test_an_undo_that_was_taken_back_leaves_the_tags_to_the_entry(following: Bench) -> None:
    """The undo could not take them off; by now what it had taken back is in force again."""
    following.run()
    following.clock.sleep(60)
    following.kit.faults.add(Fault("status", "DELETE", status=503, times=None))
    undo(following, 1)
    undo(following, 2)
    following.kit.faults.clear()
    settle(following)
    assert (tags(following), following.credits) == ({THANKS}, "15")


def test_a_tag_added_before_a_crash_still_counts_as_ours(following: Bench) -> None:
    """The note of what is to be added is committed first: seen again, the tag is there, and yet it is ours."""
    following.kit.faults.add(Fault("reset", "POST", "/v4/tags/.*/subscribers", when="after", times=None))
    outcome = following.run()
    following.kit.faults.clear()
    assert tags(following) == {THANKS}
    following.run()
    assert outcome.entry is not None
    undo(following, outcome.entry.id)
    assert tags(following) == set()


def tagged(bench: Bench, after_run: AfterRun = "remove-tag") -> str:
    number = bench.kit.add_tag("ccops: payment-credit")
    bench.kit.tag(bench.ann, number)
    bench.operation = increase(tag=Tag(number, "ccops: payment-credit"), after_run=after_run)
    (held,) = [held for held in bench.crm.tags_of(bench.ann) if held.id == number]
    return for_tag(number, held.tagged_at)


def test_the_trigger_tag_comes_off(bench: Bench) -> None:
    bench.run(tagged(bench), bench.ann)
    assert tags(bench) == set()


def test_the_trigger_tag_stays_where_it_is_kept(bench: Bench) -> None:
    bench.run(tagged(bench, after_run="keep-tag"), bench.ann)
    assert tags(bench) == {"ccops: payment-credit"}


def test_the_trigger_tag_of_a_refused_value_stays(bench: Bench) -> None:
    bench.kit.set_field(bench.ann, "credits", "abc")
    occasion = tagged(bench)
    assert bench.run(occasion, bench.ann).status == "refused"
    assert tags(bench) == {"ccops: payment-credit"}
    bench.kit.set_field(bench.ann, "credits", "7")
    assert bench.run(occasion, bench.ann).status == "applied"
    assert (tags(bench), bench.credits) == (set(), "17")


def test_a_limit_answers_the_tagging(bench: Bench) -> None:
    occasion = tagged(bench)
    change = replace(bench.operation.changes[0], maximum=Decimal(10))
    bench.operation = replace(bench.operation, changes=(change,))
    assert bench.run(occasion, bench.ann).status == "refused"
    assert tags(bench) == set()
    bench.kit.set_field(bench.ann, "credits", "0")
    assert bench.run(occasion, bench.ann).status == "repeated"
    assert bench.credits == "0"


def test_a_newer_tagging_is_left_alone(bench: Bench) -> None:
    """Applied, but the tag could not be taken off; meanwhile the automation added it anew."""
    occasion = tagged(bench)
    bench.kit.faults.add(Fault("status", "DELETE", "", status=503, times=None))
    bench.run(occasion, bench.ann)
    bench.kit.faults.clear()
    number = bench.operation.tag.id if bench.operation.tag else 0
    bench.kit.untag(bench.ann, number)
    later = bench.clock.moment = bench.clock.now().replace(year=2027)
    bench.kit.tag(bench.ann, number)
    assert bench.run(occasion, bench.ann).status == "repeated"
    assert tags(bench) == {"ccops: payment-credit"}
    assert iso(later) in for_tag(number, later)
    assert bench.run(for_tag(number, later), bench.ann).status == "applied"
    assert (tags(bench), bench.credits) == (set(), "25")
