"""What becomes of a write whose answer was lost, over real HTTP."""

from datetime import timedelta

import pytest

from ccops.engine.batch import BatchOptions
from ccops.engine.errors import KeptFailing
from ccops.engine.settle import finish_open
from ccops.sandbox.faults import Fault
from tests.engine.conftest import RECEIPT, Bench
from tests.engine.owner import delete_field, later, lost, receipt, receipt_of, rename_field, the

HALF_ANSWERS = [
    Fault("reset", "PUT", when="after"),
    Fault("half", "PUT"),
    Fault("garbage", "PUT", when="after"),
    Fault("status", "PUT", status=503, when="after"),
    Fault("status", "PUT", status=500, when="after"),
    Fault("warnings", "PUT"),
    Fault("accepted", "PUT"),
    Fault("stale_echo", "PUT"),
    Fault("redirect", "PUT", when="after"),
]
NO_EFFECT = [
    Fault("reset", "PUT"),
    Fault("garbage", "PUT"),
    Fault("status", "PUT", status=502),
    Fault("warnings", "PUT", when="before"),
    Fault("accepted", "PUT", when="before"),
    Fault("redirect", "PUT"),
]


@pytest.mark.parametrize("fault", HALF_ANSWERS, ids=lambda fault: f"{fault.kind} {fault.status or ''}")
def test_a_write_whose_answer_was_lost_is_found_applied(bench: Bench, fault: Fault) -> None:
    entry = the(lost(bench, fault))
    assert bench.credits == "15"
    later(bench)
    outcome = bench.run()
    assert (outcome.status, the(outcome).id, outcome.after) == ("applied", entry.id, {"credits": "15"})
    assert len(bench.kit.writes(bench.ann)) == 1


@pytest.mark.parametrize("fault", NO_EFFECT, ids=lambda fault: f"{fault.kind} {fault.status or ''}")
def test_a_write_that_was_lost_on_the_way_is_sent_again(bench: Bench, fault: Fault) -> None:
    entry = the(lost(bench, fault))
    assert bench.credits == "5"
    later(bench)
    outcome = bench.run()
    assert (outcome.status, the(outcome).id, bench.credits) == ("applied", entry.id, "15")
    assert len(bench.kit.writes(bench.ann)) == 1


def test_with_a_receipt_from_before_a_lost_write_is_told_from_a_hand_that_changed_the_value(bench: Bench) -> None:
    bench.run("key:0")
    lost(bench, Fault("reset", "PUT"))
    bench.kit.set_field(bench.ann, "credits", "40")
    later(bench)
    assert bench.run().before == {"credits": "40"}
    assert bench.credits == "50"


def test_without_a_receipt_from_before_it_is_not_and_a_person_is_asked(bench: Bench) -> None:
    lost(bench, Fault("reset", "PUT"))
    bench.kit.set_field(bench.ann, "credits", "40")
    later(bench)
    outcome = bench.run()
    assert (outcome.status, bench.credits) == ("parked", "40")
    assert "the values are not those from before" in str(outcome.reason)


def test_a_contact_is_put_aside_until_its_write_had_time_to_arrive(bench: Bench) -> None:
    entry = the(lost(bench))
    bench.kit.forget()
    outcome = bench.run()
    assert (outcome.status, outcome.due) == ("open", bench.clock.now() + timedelta(seconds=60))
    assert the(outcome).id == entry.id
    assert ("PUT", "/v4/subscribers/{id}") not in bench.kit.counts


def test_a_run_waits_for_what_it_put_aside(bench: Bench) -> None:
    lost(bench, Fault("reset", "PUT"))
    waited: list[tuple[int, float]] = []
    manners = BatchOptions(bench.clock, lambda: False, lambda count, seconds: waited.append((count, seconds)))
    (outcome,) = finish_open(bench.applier, manners)
    assert (outcome.status, bench.credits, waited) == ("applied", "15", [(1, 60.0)])


def test_another_entry_waits_for_the_one_whose_write_is_under_way(bench: Bench) -> None:
    lost(bench)
    outcome = bench.run("key:2")
    assert (outcome.status, the(outcome).status) == ("open", "intended")
    assert outcome.due == bench.clock.now() + timedelta(seconds=60)


@pytest.mark.parametrize("when", ["before", "after"])
def test_another_entry_settles_and_finishes_the_first_one_first(bench: Bench, when: str) -> None:
    first = the(lost(bench, Fault("reset", "PUT", when="after" if when == "after" else "before")))
    later(bench)
    second = bench.run("key:2")
    assert (second.before, second.after) == ({"credits": "15"}, {"credits": "25"})
    assert bench.ledger.entries.get(first.id).status == "applied"
    assert bench.run().status == "repeated"


def test_what_arrives_in_part_needs_a_person(bench: Bench) -> None:
    lost(bench, Fault("partial", "PUT", keep=("credits",)))
    later(bench)
    outcome = bench.run()
    assert outcome.status == "parked"
    assert outcome.reason == "the answer was lost, the receipt is empty, and the values are not those from before"


def test_a_receipt_without_its_values_needs_a_person(bench: Bench) -> None:
    lost(bench, Fault("partial", "PUT", keep=(RECEIPT,)))
    later(bench)
    outcome = bench.run()
    assert outcome.status == "parked"
    assert outcome.reason == "the receipt of this entry was written, but credits is as it was before"


def test_a_write_with_unknown_field_is_settled_by_a_person(bench: Bench) -> None:
    """Kit writes the fields that it has and warns of the other: renamed between our read and our write."""
    bench.run("key:0")
    entry = the(lost(bench, Fault("reset", "PUT")))
    rename_field(bench, "credits", "Points")
    later(bench)
    outcome = bench.run()
    assert outcome.status == "parked"
    assert outcome.reason == 'the field "credits" is not in Kit any more, so nobody can tell'
    assert the(outcome).id == entry.id


def test_without_the_receipt_field_nobody_can_tell(bench: Bench) -> None:
    lost(bench)
    delete_field(bench, RECEIPT)
    later(bench)
    assert bench.run().reason == f'the field "{RECEIPT}" is not in Kit any more, so nobody can tell'


def test_a_receipt_that_changed_meanwhile_needs_a_person(bench: Bench) -> None:
    bench.run("key:0")
    lost(bench)
    bench.kit.set_field(bench.ann, RECEIPT, None)
    later(bench)
    assert bench.run().status == "parked"


def test_a_contact_that_is_gone_is_settled_as_failed(bench: Bench) -> None:
    entry = the(lost(bench, Fault("reset", "PUT")))
    bench.kit.delete_contact(bench.ann)
    later(bench)
    outcome = bench.applier.finish(entry.id)
    assert (outcome.status, outcome.reason) == ("failed", "the contact is no longer in Kit")


def test_a_resent_write_carries_a_receipt_of_its_own(bench: Bench) -> None:
    first = receipt_of(bench, the(lost(bench, Fault("late", "PUT"))))
    later(bench)
    second = receipt_of(bench, bench.run().entry)
    assert (receipt(bench), second) == (second, f"{first}.2")


def test_429_on_a_write_waits_for_nothing_and_goes_on(bench: Bench) -> None:
    bench.kit.faults.add(Fault("status", "PUT", status=429, times=2))
    outcome = bench.run()
    assert (outcome.status, bench.credits) == ("applied", "15")
    assert receipt(bench) == bench.ledger.identity.lineage.receipt(the(outcome).id)


def test_a_kit_that_keeps_refusing_the_pace_stops_the_run_and_loses_nothing(bench: Bench) -> None:
    bench.kit.faults.add(Fault("status", "PUT", status=429, times=None))
    with pytest.raises(KeptFailing, match="the same command later goes on"):
        bench.run()
    bench.kit.faults.clear()
    outcome = bench.run()
    assert (outcome.status, bench.credits, len(bench.kit.writes(bench.ann))) == ("applied", "15", 1)


def test_a_write_that_is_rejected_fails_and_may_be_tried_again(bench: Bench) -> None:
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    failed = bench.run()
    assert (failed.status, bench.credits) == ("failed", "5")
    outcome = bench.run()
    assert (outcome.status, the(outcome).id, bench.credits) == ("applied", the(failed).id, "15")
