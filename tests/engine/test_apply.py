"""One contact on its way through the applier, over real HTTP."""

from tests.engine.conftest import RECEIPT, Bench


def test_an_operation_is_applied_with_its_receipt(bench: Bench) -> None:
    outcome = bench.run()
    assert (outcome.status, outcome.before, outcome.after) == ("applied", {"credits": "5"}, {"credits": "15"})
    assert outcome.entry is not None
    assert bench.kit.field_values(bench.ann)[RECEIPT] == bench.ledger.identity.lineage.receipt(outcome.entry.id)


def test_the_same_occasion_counts_once(bench: Bench) -> None:
    first, second = bench.run(), bench.run()
    assert second.status == "repeated"
    assert second.entry == first.entry
    assert bench.credits == "15"
