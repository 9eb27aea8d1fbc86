"""What a contact's receipt says about who wrote last: this entry, an older one, another ledger, a ledger ahead."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.engine.errors import LedgerBehind, NeverSent, NothingToSettle, OtherLedger
from ccops.engine.settle import settle_as
from ccops.errors import ServiceUnreachable
from ccops.operations.model import Operation
from ccops.sandbox.faults import Fault
from tests.engine.conftest import RECEIPT, Bench, increase
from tests.engine.owner import copy_of, late_and_sent_again, later, lost, once, receipt, receipt_of, the


def test_a_late_write_over_another_entry_is_noticed_before_the_next(bench: Bench) -> None:
    late_and_sent_again(bench)
    bench.kit.faults.deliver_late()
    assert bench.credits == "15"
    outcome = bench.run("key:3")
    assert (outcome.status, bench.credits) == ("parked", "15")
    assert outcome.reason == "Kit shows a write of e1 that came late, over that of e2"


def test_settling_it_by_a_persons_word_opens_the_way_again(bench: Bench) -> None:
    late_and_sent_again(bench)
    bench.kit.faults.deliver_late()
    entry = the(bench.run("key:3"))
    assert bench.run("key:3").status == "parked"
    assert settle_as(bench.applier, entry.id, "not-applied", "maria").status == "failed"
    outcome = bench.run("key:3")
    assert (outcome.status, the(outcome).id, bench.credits) == ("applied", entry.id, "25")


def test_an_accepted_receipt_is_noticed_if_it_comes_back(bench: Bench) -> None:
    late_and_sent_again(bench)
    bench.kit.faults.deliver_late()
    accepted = receipt(bench)
    settle_as(bench.applier, the(bench.run("key:3")).id, "not-applied", "maria")
    assert bench.run("key:3").status == "applied"
    bench.kit.set_field(bench.ann, RECEIPT, accepted)
    assert bench.run("key:4").status == "parked"


def test_a_late_write_that_changes_nothing_needs_nobody(bench: Bench) -> None:
    lost(bench, Fault("late", "PUT"))
    later(bench)
    bench.run()
    bench.kit.faults.deliver_late()
    assert (bench.run("key:2").status, bench.credits) == ("applied", "25")


def test_a_late_write_over_a_hand_is_noticed(bench: Bench) -> None:
    bench.run("key:0")
    lost(bench, Fault("late", "PUT"))
    bench.kit.set_field(bench.ann, "credits", "40")
    later(bench)
    assert bench.run().after == {"credits": "50"}
    bench.kit.faults.deliver_late()
    assert (bench.run("key:2").status, bench.credits) == ("parked", "25")


def test_a_write_that_was_taken_as_lost_and_arrives_before_it_is_sent_again_is_applied(bench: Bench) -> None:
    entry = the(lost(bench, Fault("late", "PUT")))
    later(bench)

    def grow_old_and_break() -> None:
        bench.clock.sleep(11)
        bench.kit.faults.add(Fault("reset", "GET", times=None))

    once(bench, "after", "GET", grow_old_and_break)
    with pytest.raises(ServiceUnreachable):
        bench.applier.finish(entry.id)
    bench.kit.faults.clear()
    assert bench.ledger.entries.get(entry.id).status == "intended"
    bench.kit.faults.deliver_late()
    outcome = bench.run()
    assert (outcome.status, outcome.after, len(bench.kit.writes(bench.ann))) == ("applied", {"credits": "15"}, 1)


def test_the_late_write_of_an_entry_that_failed_needs_a_person_and_others_go_on(bench: Bench) -> None:
    entry = the(lost(bench, Fault("late", "PUT")))
    later(bench)
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    assert bench.run().status == "failed"
    bench.kit.faults.deliver_late()
    outcome = bench.run("key:2")
    assert (outcome.status, outcome.before, outcome.warnings) == (
        "applied",
        {"credits": "15"},
        (f"the write of e{entry.id} arrived late; it needs you: ccops settle",),
    )
    assert bench.ledger.entries.get(entry.id).reason == "it was failed, but its write arrived late: Kit shows it"
    assert settle_as(bench.applier, entry.id, "applied", "maria").status == "applied"
    assert bench.run().status == "repeated"


def test_a_late_write_of_another_amount_is_not_taken_for_the_one_asked_for_now(bench: Bench) -> None:
    lost(bench, Fault("late", "PUT"))
    later(bench)
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    assert bench.run().status == "failed"
    bench.kit.faults.deliver_late()
    bench.operation = increase(20)
    outcome = bench.run(asked="20")
    assert (outcome.status, bench.credits) == ("parked", "15")


def test_the_late_write_of_a_period_counts_although_another_occasion_has_begun_it(bench: Bench) -> None:
    lost(bench, Fault("late", "PUT"), period="month:2026-11")
    later(bench)
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    first = bench.run("key:1", period="month:2026-11")
    bench.kit.faults.deliver_late()
    second = bench.run("key:2", period="month:2026-11")
    assert (second.status, bench.credits) == ("refused", "15")
    assert second.reason == f"this period was done already, by e{the(first).id}, whose write came late"
    assert bench.ledger.entries.get(the(first).id).status == "parked"


def test_an_emptied_receipt_is_warned_of(bench: Bench) -> None:
    bench.run()
    bench.kit.set_field(bench.ann, RECEIPT, "")
    outcome = bench.run("key:2")
    assert (outcome.status, outcome.warnings) == ("applied", ("its receipt was emptied since e1",))


def test_a_text_that_is_no_receipt_needs_a_person(bench: Bench) -> None:
    bench.kit.set_field(bench.ann, RECEIPT, "ask Maria")
    outcome = bench.run()
    assert (outcome.status, bench.credits) == ("parked", "5")
    with pytest.raises(NeverSent, match="e1 was parked before anything was sent"):
        settle_as(bench.applier, the(outcome).id, "applied", "maria")
    settle_as(bench.applier, the(outcome).id, "not-applied", "maria")
    assert (bench.run().status, bench.credits) == ("applied", "15")


def test_only_a_parked_entry_is_settled_by_a_word(bench: Bench) -> None:
    entry = the(bench.run())
    with pytest.raises(NothingToSettle, match="e1 is applied"):
        settle_as(bench.applier, entry.id, "not-applied", "maria")


def test_the_receipt_of_another_ledger_stops_the_run(bench: Bench, open_bench: Callable[[str], Bench]) -> None:
    other = open_bench("other")
    other.run()
    with pytest.raises(OtherLedger, match="would count twice") as stopped:
        bench.run("key:2")
    assert stopped.value.mend == "ccops init --take-over"
    assert str(bench.ledger.database.path.parent) in str(stopped.value)
    assert other.ledger.identity.lineage.current in str(stopped.value)
    assert len(bench.kit.writes(bench.ann)) == 1


def test_a_ledger_that_is_an_older_copy_stops_the_run(bench: Bench, tmp_path: Path) -> None:
    bench.run()
    copy = copy_of(bench, tmp_path / "copy")
    bench.run("key:2")
    with pytest.raises(LedgerBehind, match="older copy"):
        copy.run("key:3")
    assert bench.credits == "25"
    copy.ledger.close()


def test_a_copy_made_between_claim_and_send_is_an_older_copy_too(bench: Bench, tmp_path: Path) -> None:
    bench.run("key:0")
    bench.kit.faults.add(Fault("status", "GET", status=404), Fault("status", "PUT", status=422))
    assert bench.run(who=bench.ann).status == "failed"
    copy = copy_of(bench, tmp_path / "copy")
    bench.kit.faults.clear()
    assert bench.run().status == "applied"
    with pytest.raises(LedgerBehind):
        copy.run("key:1")
    copy.ledger.close()


def test_a_copy_made_before_an_entry_was_sent_again_is_an_older_copy_too(bench: Bench, tmp_path: Path) -> None:
    lost(bench, Fault("late", "PUT"))
    copy = copy_of(bench, tmp_path / "copy")
    later(bench)
    bench.run()
    assert copy.run().status == "parked"
    copy.ledger.close()


def test_a_take_over_goes_on_where_the_lost_ledger_stopped(bench: Bench, open_bench: Callable[[str], Bench]) -> None:
    heir = open_bench("heir")
    bench.run()
    lost_ledger = bench.ledger.identity.lineage.current
    heir.ledger.identity.take_over(frozenset({lost_ledger}), 1)
    assert (heir.run("key:2").status, heir.credits) == ("applied", "25")
    assert heir.run("key:2").status == "repeated"
    with pytest.raises(OtherLedger):
        bench.run("key:3")


def test_a_late_write_of_the_ledger_that_was_taken_over_is_noticed(
    bench: Bench, open_bench: Callable[[str], Bench]
) -> None:
    heir = open_bench("heir")
    bench.run("key:0")
    lost(bench, Fault("late", "PUT"))
    heir.ledger.identity.take_over(frozenset({bench.ledger.identity.lineage.current}), 2)
    assert heir.run("key:2").status == "applied"
    bench.kit.faults.deliver_late()
    outcome = heir.run("key:3")
    assert (outcome.status, outcome.reason) == (
        "parked",
        f"Kit shows a change of the ledger that was taken over, though e{the(heir.run('key:2')).id} came after it",
    )


def test_an_operation_may_change_nothing_and_still_leaves_its_receipt(bench: Bench) -> None:
    bench.operation = Operation("nothing", (increase(0).changes[0],), "UTC")
    outcome = bench.run()
    assert (outcome.status, outcome.before, outcome.after) == ("applied", {"credits": "5"}, {"credits": "5"})
    assert receipt(bench) == receipt_of(bench, outcome.entry)


def test_a_hand_between_our_read_and_our_write_loses_its_change(bench: Bench) -> None:
    """The limit that is told of: Kit can't be asked to write only if the value is still what was read."""
    once(bench, "before", "PUT", lambda: bench.kit.set_field(bench.ann, "credits", "40"))
    outcome = bench.run()
    assert (outcome.status, outcome.before, bench.credits) == ("applied", {"credits": "5"}, "15")


def test_a_late_write_whose_receipt_was_emptied_is_not_counted_twice(bench: Bench) -> None:
    """Taken as lost, broken off before it was sent again; then it arrives, and somebody empties the receipt."""
    bench.run("key:0")
    entry = the(lost(bench, Fault("late", "PUT")))
    later(bench)
    once(bench, "after", "GET", lambda: bench.kit.faults.add(Fault("status", "PUT", status=429, times=None)))
    with pytest.raises(ServiceUnreachable):
        bench.applier.finish(entry.id)
    bench.kit.faults.clear()
    bench.kit.faults.deliver_late()
    bench.kit.set_field(bench.ann, RECEIPT, None)
    outcome = bench.run()
    assert (outcome.status, bench.credits) == ("parked", "25")
    assert "emptied since" in str(outcome.reason)


def test_a_write_that_was_rejected_is_no_reason_to_doubt(bench: Bench) -> None:
    bench.run("key:0")
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    assert bench.run().status == "failed"
    bench.kit.set_field(bench.ann, RECEIPT, None)
    outcome = bench.run()
    assert (outcome.status, bench.credits, the(outcome).sends) == ("applied", "25", 1)
