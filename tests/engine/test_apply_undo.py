"""Undo: an entry of its own that takes back what another really changed."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from ccops.engine.errors import NotUndoable
from ccops.engine.outcomes import Outcome
from ccops.engine.undo import UndoOptions, check_undoable, undo_request, undoable
from ccops.operations.model import Change, FieldRules, Operation
from ccops.sandbox.faults import Fault
from tests.engine.conftest import ORIGIN, Bench
from tests.engine.owner import later, receipt, receipt_of, the

GENTLE, FORCED = UndoOptions(), UndoOptions(force=True)
ACTIONS = [
    Change("credits", "increase", amount=Decimal(10)),
    Change("credits", "decrease", amount=Decimal(2)),
    Change("credits", "set", amount=Decimal(40)),
    Change("credits", "set", value="none left"),
    Change("credits", "multiply", amount=Decimal(3)),
    Change("credits", "top-up", amount=Decimal(25)),
    Change("credits", "append", value=" and more"),
    Change("credits", "copy", source="bonus"),
    Change("bonus", "add-days", amount=Decimal(30)),
    Change("credits", "stamp"),
    Change("credits", "formula", formula="max(credits * 2, 30)"),
]
BY_DIFFERENCE = [change for change in ACTIONS if change.action in {"increase", "decrease", "multiply", "top-up"}]
BY_VALUE = [change for change in ACTIONS if change not in BY_DIFFERENCE and change.field == "credits"]


def name(change: Change) -> str:
    return change.action


def apply(bench: Bench, *changes: Change, occasion: str = "key:1") -> Outcome:
    bench.operation = Operation("mixed", changes, "UTC")
    outcome = bench.run(occasion)
    assert outcome.status == "applied"
    return outcome


def undo(
    bench: Bench, entry: int, manner: UndoOptions = GENTLE, rules: Mapping[str, FieldRules] | None = None
) -> Outcome:
    check_undoable(bench.ledger, [entry])
    run = bench.request("undo").run
    return bench.applier.apply(undo_request(bench.ledger, entry, rules or {}, manner, (run, ORIGIN)))


def values(bench: Bench) -> dict[str, str | None]:
    held = bench.kit.field_values(bench.ann)
    return {key: held[key] or None for key in ("credits", "bonus")}


@pytest.fixture
def ann(bench: Bench) -> Bench:
    bench.kit.set_field(bench.ann, "bonus", "2026-01-31")
    return bench


@pytest.mark.parametrize("change", ACTIONS, ids=name)
def test_each_action_is_taken_back(ann: Bench, change: Change) -> None:
    before = values(ann)
    entry = the(apply(ann, change))
    assert values(ann) != before
    outcome = undo(ann, entry.id)
    assert (outcome.status, values(ann)) == ("applied", before)
    undone, by = ann.ledger.entries.get(entry.id), the(outcome)
    assert (undone.status, undone.undone_by, by.undoes) == ("undone", by.id, undone.id)
    assert receipt(ann) == receipt_of(ann, by)


@pytest.mark.parametrize("change", BY_DIFFERENCE, ids=name)
def test_what_was_moved_is_moved_back_from_the_present_value(ann: Bench, change: Change) -> None:
    entry = the(apply(ann, change))
    moved = Decimal((entry.after or {})["credits"] or 0) - 5
    ann.kit.set_field(ann.ann, "credits", "100")
    undo(ann, entry.id)
    assert Decimal(ann.credits or 0) == 100 - moved


@pytest.mark.parametrize("change", BY_VALUE, ids=name)
def test_what_was_replaced_is_put_back_only_if_it_is_still_what_we_wrote(ann: Bench, change: Change) -> None:
    entry = the(apply(ann, change))
    ann.kit.set_field(ann.ann, "credits", "77")
    refused = undo(ann, entry.id)
    assert (refused.status, the(refused).cause, ann.credits) == ("refused", "drift", "77")
    assert ann.ledger.entries.get(entry.id).status == "applied"
    forced = undo(ann, entry.id, FORCED)
    assert (forced.status, the(forced).id, ann.credits) == ("applied", the(refused).id, "5")


def test_all_fields_are_taken_back_or_none(ann: Bench) -> None:
    entry = the(apply(ann, ACTIONS[0], ACTIONS[8]))
    ann.kit.set_field(ann.ann, "bonus", "2027-01-01")
    assert undo(ann, entry.id).status == "refused"
    assert values(ann) == {"credits": "15", "bonus": "2027-01-01"}
    assert undo(ann, entry.id, FORCED).status == "applied"
    assert values(ann) == {"credits": "5", "bonus": "2026-01-31"}


def test_a_value_that_was_empty_is_emptied_again(bench: Bench) -> None:
    fay = bench.kit.contact_id("fay@example.org")
    bench.operation = Operation("stamp", (Change("credits", "stamp"),), "UTC")
    undo(bench, the(bench.run(who=fay)).id)
    assert not bench.kit.field_values(fay)["credits"]


def test_an_undo_keeps_within_the_fields_limits_unless_forced(bench: Bench) -> None:
    entry = the(apply(bench, ACTIONS[0]))
    bench.kit.set_field(bench.ann, "credits", "4")
    rules = {"credits": FieldRules(minimum=Decimal(0))}
    refused = undo(bench, entry.id, rules=rules)
    assert (refused.status, the(refused).cause, bench.credits) == ("refused", "limit", "4")
    assert (undo(bench, entry.id, FORCED, rules).status, bench.credits) == ("applied", "-6")


def test_an_entry_is_undone_once(bench: Bench) -> None:
    entry = the(apply(bench, ACTIONS[0]))
    by = the(undo(bench, entry.id))
    with pytest.raises(NotUndoable, match=f"e{entry.id} was undone already, by e{by.id}"):
        undo(bench, entry.id)
    request = undo_request(bench.ledger, entry.id, {}, GENTLE, (1, ORIGIN))
    assert (bench.applier.apply(request).status, bench.credits) == ("repeated", "5")


def test_an_undo_can_be_undone_and_that_too(bench: Bench) -> None:
    first = the(apply(bench, ACTIONS[0]))
    second = the(undo(bench, first.id))
    third = the(undo(bench, second.id))
    assert (bench.credits, bench.ledger.entries.get(second.id).status) == ("15", "undone")
    undo(bench, third.id)
    assert bench.credits == "5"


def test_an_undone_occasion_stays_used_up(bench: Bench) -> None:
    undo(bench, the(apply(bench, ACTIONS[0])).id)
    assert (bench.run().status, bench.credits) == ("repeated", "5")


def test_a_reopened_occasion_runs_again_once(bench: Bench) -> None:
    entry = the(apply(bench, ACTIONS[0]))
    undo(bench, entry.id, UndoOptions(reopen=True))
    again = bench.run()
    assert (again.status, bench.credits, the(again).id != entry.id) == ("applied", "15", True)
    assert (bench.run().status, bench.credits) == ("repeated", "15")
    undo(bench, the(again).id)
    assert (bench.run().status, bench.credits) == ("repeated", "5")


def test_a_reopened_period_may_be_run_by_another_occasion(bench: Bench) -> None:
    bench.operation = Operation("mixed", (ACTIONS[0],), "UTC")
    first = the(bench.run("key:1", period="month:2026-11"))
    undo(bench, first.id, UndoOptions(reopen=True))
    assert bench.run("key:2", period="month:2026-11").status == "applied"
    assert bench.run("key:1", period="month:2026-11").status == "refused"


def test_an_undone_period_stays_used_up(bench: Bench) -> None:
    bench.operation = Operation("mixed", (ACTIONS[0],), "UTC")
    undo(bench, the(bench.run("key:1", period="month:2026-11")).id)
    assert bench.run("key:2", period="month:2026-11").status == "refused"


def test_a_lost_undo_is_settled_and_counts_once(bench: Bench) -> None:
    entry = the(apply(bench, ACTIONS[0]))
    bench.kit.faults.add(Fault("reset", "PUT", when="after"))
    assert undo(bench, entry.id).status == "open"
    assert bench.ledger.entries.get(entry.id).status == "applied"
    later(bench)
    assert undo(bench, entry.id).status == "applied"
    assert (bench.credits, bench.ledger.entries.get(entry.id).status) == ("5", "undone")
    assert len(bench.kit.writes(bench.ann)) == 2


def test_what_was_not_applied_cannot_be_undone(bench: Bench) -> None:
    bench.kit.set_field(bench.ann, "credits", "abc")
    refused = the(bench.run())
    with pytest.raises(NotUndoable, match="refused"):
        check_undoable(bench.ledger, [refused.id])
    bench.kit.set_field(bench.ann, "credits", "5")
    bench.kit.faults.add(Fault("reset", "PUT"))
    with pytest.raises(NotUndoable):
        check_undoable(bench.ledger, [the(bench.run("key:2")).id])


def test_a_run_is_undone_newest_first_and_what_was_undone_is_passed_over(bench: Bench) -> None:
    request = bench.request("key:1")
    first = the(bench.applier.apply(request))
    second = the(bench.run("key:2", run=request.run))
    bench.run("key:3")
    assert [entry.id for entry in undoable(bench.ledger, request.run)] == [second.id, first.id]
    undo(bench, second.id)
    assert [entry.id for entry in undoable(bench.ledger, request.run)] == [first.id]
