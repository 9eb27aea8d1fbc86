"""A late write over newer entries: what it took away is named, and given back exactly once."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from ccops.engine.errors import NothingLost
from ccops.engine.losses import Loss, losses_of, open_losses
from ccops.engine.settle import give_back, leave_lost, settle_as
from ccops.engine.undo import UndoOptions, undo_request
from ccops.operations.model import Change, Operation
from ccops.sandbox.faults import Fault
from tests.engine.conftest import ORIGIN, Bench, increase
from tests.engine.owner import late_and_sent_again, later, lost, the

ZONE = "America/New_York"


def seen(bench: Bench) -> list[Loss]:
    """Return what is lost, with a look at the contact."""
    return losses_of(bench.ledger, bench.ann, bench.crm.contact(bench.ann))


def told(losses: list[Loss]) -> list[tuple[int, list[int], list[tuple[str, str | None, str | None, Decimal | None]]]]:
    return [
        (
            loss.late.id,
            [entry.id for entry in loss.entries],
            [(each.field, each.left, each.put, each.amount) for each in loss.fields],
        )
        for loss in losses
    ]


def overwritten(bench: Bench) -> None:
    """e1 was sent again and e2 applied; then e1's first write arrives, and e2's ten credits are gone."""
    late_and_sent_again(bench)
    bench.kit.faults.deliver_late()
    assert bench.credits == "15"


def gone_over(bench: Bench) -> None:
    """The next occasion was parked, released by a person's word, and applied over the late write."""
    overwritten(bench)
    parked = the(bench.run("key:3"))
    settle_as(bench.applier, parked.id, "not-applied", "maria")
    assert (bench.run("key:3").status, bench.credits) == ("applied", "25")


E2_LOST = [(1, [2], [("credits", "25", "15", Decimal(10))])]


def test_a_late_write_is_named_with_what_it_took(bench: Bench) -> None:
    overwritten(bench)
    assert told(seen(bench)) == E2_LOST


def test_a_loss_is_still_known_after_an_entry_went_over_it(bench: Bench) -> None:
    gone_over(bench)
    assert told(seen(bench)) == told(list(open_losses(bench.ledger))) == E2_LOST


def test_what_was_lost_is_given_back_once(bench: Bench) -> None:
    gone_over(bench)
    outcome = give_back(bench.applier, 2, ZONE, "maria")
    assert (outcome.status, outcome.before, outcome.after) == ("applied", {"credits": "25"}, {"credits": "35"})
    assert (the(outcome).note, the(outcome).via) == ("e2, lost to a late write of e1", "settle")
    assert seen(bench) == list(open_losses(bench.ledger)) == []
    with pytest.raises(NothingLost, match="nothing of e2"):
        give_back(bench.applier, 2, ZONE, "maria")
    assert bench.credits == "35"


def test_what_was_lost_is_given_back_before_anything_else_was_sent(bench: Bench) -> None:
    overwritten(bench)
    assert (give_back(bench.applier, 2, ZONE, "maria").status, bench.credits) == ("applied", "25")
    assert seen(bench) == []
    assert (bench.run("key:3").status, bench.credits) == ("applied", "35")


def test_a_given_back_loss_that_is_undone_is_lost_again(bench: Bench) -> None:
    gone_over(bench)
    given = the(give_back(bench.applier, 2, ZONE, "maria"))
    run = bench.request("undo").run
    bench.applier.apply(undo_request(bench.ledger, given.id, {}, UndoOptions(), (run, ORIGIN)))
    assert (told(seen(bench)), bench.credits) == (E2_LOST, "25")


def test_a_loss_that_is_left_so_is_named_no_more(bench: Bench) -> None:
    gone_over(bench)
    assert leave_lost(bench.applier, 2, ZONE, "maria").reason == "lost to a late write, and left so"
    assert (seen(bench), bench.credits) == ([], "25")


def test_a_loss_that_the_contact_shows_can_be_left_so(bench: Bench) -> None:
    overwritten(bench)
    outcome = leave_lost(bench.applier, 2, ZONE, "maria")
    assert (outcome.before, outcome.after, seen(bench)) == ({"credits": "25"}, {"credits": "15"}, [])
    assert (bench.run("key:3").status, bench.credits, seen(bench)) == ("applied", "25", [])


def test_all_entries_behind_a_late_write_are_named_and_given_back_together(bench: Bench) -> None:
    late_and_sent_again(bench)
    bench.run("key:3")
    bench.kit.faults.deliver_late()
    assert told(seen(bench)) == [(1, [3, 2], [("credits", "35", "15", Decimal(20))])]
    assert (give_back(bench.applier, 2, ZONE, "maria").status, bench.credits, seen(bench)) == ("applied", "35", [])


def test_a_lost_undo_is_done_again(bench: Bench) -> None:
    lost(bench, Fault("late", "PUT"))
    later(bench)
    bench.run()
    run = bench.request("undo").run
    bench.applier.apply(undo_request(bench.ledger, 1, {}, UndoOptions(), (run, ORIGIN)))
    bench.kit.faults.deliver_late()
    assert told(seen(bench)) == [(1, [2], [("credits", "5", "15", Decimal(-10))])]
    assert (give_back(bench.applier, 2, ZONE, "maria").status, bench.credits, seen(bench)) == ("applied", "5", [])


def test_an_undo_that_was_lost_with_what_it_undid_is_no_loss(bench: Bench) -> None:
    late_and_sent_again(bench)
    run = bench.request("undo").run
    bench.applier.apply(undo_request(bench.ledger, 2, {}, UndoOptions(), (run, ORIGIN)))
    bench.kit.faults.deliver_late()
    assert (bench.credits, seen(bench)) == ("15", [])


def test_only_the_fields_that_the_late_write_touched_are_given_back(bench: Bench) -> None:
    bench.kit.add_field("Points")
    points = Change("points", "increase", amount=Decimal(1))
    lost(bench, Fault("late", "PUT"))
    later(bench)
    bench.run()
    bench.operation = Operation("both", (*increase().changes, points), ZONE)
    bench.run("key:2")
    bench.kit.faults.deliver_late()
    assert told(seen(bench)) == E2_LOST
    assert (give_back(bench.applier, 2, ZONE, "maria").status, bench.credits) == ("applied", "25")
    assert bench.kit.field_values(bench.ann)["points"] == "1"


def test_a_lost_text_is_put_back(bench: Bench) -> None:
    bench.kit.add_field("Plan")
    bench.operation = Operation("mark", (Change("plan", "set", value="silver"),), ZONE)
    lost(bench, Fault("late", "PUT"))
    later(bench)
    bench.run()
    bench.operation = Operation("mark", (Change("plan", "set", value="gold"),), ZONE)
    bench.run("key:2")
    bench.kit.faults.deliver_late()
    assert told(seen(bench)) == [(1, [2], [("plan", "gold", "silver", None)])]
    assert give_back(bench.applier, 2, ZONE, "maria").after == {"plan": "gold"}
    assert seen(bench) == []


def test_a_value_that_was_set_since_needs_nothing_back(bench: Bench) -> None:
    gone_over(bench)
    bench.operation = Operation("adjust", (Change("credits", "set", amount=Decimal(40)),), ZONE)
    assert (bench.run("key:4").status, seen(bench), list(open_losses(bench.ledger))) == ("applied", [], [])


def test_what_a_hand_spent_since_is_not_given_back(bench: Bench) -> None:
    overwritten(bench)
    bench.kit.set_field(bench.ann, "credits", "12")
    assert told(seen(bench)) == E2_LOST
    assert (give_back(bench.applier, 2, ZONE, "maria").after, seen(bench)) == ({"credits": "22"}, [])


def test_what_a_hand_gave_back_already_is_no_loss(bench: Bench) -> None:
    overwritten(bench)
    bench.kit.set_field(bench.ann, "credits", "25")
    assert seen(bench) == []


def test_a_late_entry_that_counts_after_all_took_the_newer_one_away(bench: Bench) -> None:
    """e1 failed though its write was on its way, e2 was applied; then e1 comes late, and a person says it counts."""
    bench.operation = increase(20)
    lost(bench, Fault("late", "PUT"))
    later(bench)
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    assert bench.run().status == "failed"
    bench.operation = increase(10)
    bench.clock.sleep(1)
    bench.run("key:2")
    bench.kit.faults.deliver_late()
    assert (bench.run("key:3").status, bench.credits) == ("parked", "25")
    settle_as(bench.applier, 1, "applied", "maria")
    assert told(seen(bench)) == [(1, [2], [("credits", "15", "5", Decimal(10))])]
    assert (give_back(bench.applier, 2, ZONE, "maria").status, bench.credits, seen(bench)) == ("applied", "35", [])


def test_a_late_entry_that_does_not_count_is_taken_out_again(bench: Bench) -> None:
    bench.operation = increase(20)
    lost(bench, Fault("late", "PUT"))
    later(bench)
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    bench.run()
    bench.operation = increase(10)
    bench.run("key:2")
    bench.kit.faults.deliver_late()
    assert told(seen(bench)) == [(1, [], [("credits", "15", "25", Decimal(-10))])]
    assert (give_back(bench.applier, 2, ZONE, "maria").status, bench.credits, seen(bench)) == ("applied", "15", [])


def test_a_late_write_over_a_hand_names_what_the_hand_lost(bench: Bench) -> None:
    bench.run("key:0")
    lost(bench, Fault("late", "PUT"))
    bench.kit.set_field(bench.ann, "credits", "40")
    later(bench)
    bench.run()
    bench.kit.faults.deliver_late()
    assert told(seen(bench)) == [(2, [], [("credits", "50", "25", Decimal(25))])]


def test_a_persons_word_is_no_late_write(bench: Bench) -> None:
    """e2 was parked and taken as applied, though a hand had spent of it: nothing came late."""
    bench.run()
    lost_of_two = bench.request("key:2")
    bench.kit.faults.add(Fault("reset", "PUT"))
    bench.applier.apply(lost_of_two)
    bench.kit.set_field(bench.ann, "ccops_receipt", "typed over")
    bench.kit.set_field(bench.ann, "credits", "17")
    later(bench)
    parked = the(bench.applier.apply(lost_of_two))
    receipt = bench.ledger.identity.lineage.receipt(1)
    bench.kit.set_field(bench.ann, "ccops_receipt", receipt)
    settle_as(bench.applier, parked.id, "applied", "maria")
    assert (bench.run("key:3").status, bench.credits, seen(bench)) == ("applied", "27", [])


def test_a_hand_and_a_healthy_past_are_no_losses(bench: Bench) -> None:
    for number in range(3):
        bench.run(f"key:{number}")
    bench.kit.set_field(bench.ann, "credits", "7")
    bench.run("key:4")
    bench.kit.faults.add(Fault("reset", "PUT", when="after"))
    bench.run("key:5")
    later(bench)
    bench.run("key:5")
    assert seen(bench) == list(open_losses(bench.ledger)) == []
    with pytest.raises(NothingLost):
        give_back(bench.applier, 1, ZONE, "maria")


def test_giving_back_goes_on_after_its_answer_was_lost(bench: Bench) -> None:
    gone_over(bench)
    bench.kit.faults.add(Fault("reset", "PUT", when="after"))
    assert give_back(bench.applier, 2, ZONE, "maria").status == "open"
    later(bench)
    assert bench.run("key:5").status == "applied"
    assert (bench.credits, seen(bench)) == ("45", [])


def test_two_who_give_back_at_once_give_it_once(bench: Bench) -> None:
    gone_over(bench)

    def give(by: str) -> str:
        try:
            return give_back(bench.applier, 2, ZONE, by).status
        except NothingLost:
            return "nothing lost"

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(give, ["ann", "bob", "maria", "zoe"]))
    assert (given.count("applied"), bench.credits) == (1, "35")
