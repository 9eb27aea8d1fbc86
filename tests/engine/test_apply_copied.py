"""A receipt that stands on another contact than its own: copied by an import or a merge, or a newer copy's at work."""

from pathlib import Path

import pytest

from ccops.engine.bootstrap import unknown_to
from ccops.engine.errors import LedgerBehind
from ccops.engine.preview import Preview
from ccops.engine.reconcile import Comparing
from ccops.engine.settle import settle_as
from tests.engine.conftest import RECEIPT, Bench
from tests.engine.owner import change_address, copy_of, later, receipt, receipt_of, the


def bob(bench: Bench) -> int:
    return bench.kit.contact_id("bob@example.org")


def copied(bench: Bench) -> None:
    """Serve Bob, and let an import put his receipt on Ann too."""
    outcome = bench.run("key:1", bob(bench))
    bench.kit.set_field(bench.ann, RECEIPT, receipt_of(bench, outcome.entry))


REASON = "its receipt is that of e1, a change of bob@example.org; Kit's import or a merge may have copied it"
DOUBT = ", or a newer copy of this ledger is at work elsewhere"


def test_contact_with_a_copied_receipt_is_parked_and_others_go_on(bench: Bench) -> None:
    copied(bench)
    outcome = bench.run("key:2")
    assert (outcome.status, outcome.reason, bench.credits) == ("parked", REASON + DOUBT, "5")
    assert bench.run("key:2", bob(bench)).status == "applied"
    assert bench.run("key:2", bench.kit.contact_id("cy@example.org")).status in {"applied", "refused"}


def test_settling_a_copied_receipt_opens_the_way_again(bench: Bench) -> None:
    copied(bench)
    entry = the(bench.run("key:2"))
    assert settle_as(bench.applier, entry.id, "not-applied", "maria").status == "failed"
    assert (bench.run("key:2").status, bench.run("key:3").status, bench.credits) == ("applied", "applied", "25")


def test_dry_run_and_comparison_say_the_same_of_a_copied_receipt(bench: Bench) -> None:
    assert bench.run("key:0").status == "applied"
    copied_from = the(bench.run("key:1", bob(bench)))
    bench.kit.set_field(bench.ann, RECEIPT, receipt_of(bench, copied_from))
    looked = Preview(bench.ledger, bench.crm, bench.clock).look(bench.request("key:2"))
    assert (looked.status, looked.reason) == ("parked", REASON.replace("e1", "e2"))
    bench.kit.set_field(bench.ann, "credits", "24")
    comparing = Comparing(bench.ledger, bench.crm, bench.clock, "credits")
    (found,) = comparing.differences(bench.crm.contacts(), lambda: False, lambda: None)
    assert (found.kind, found.reason) == ("unclear", REASON.replace("e1", "e2") + DOUBT)


def test_receipt_and_values_of_a_merged_contact_are_parked(bench: Bench) -> None:
    """The other contact is gone, and its fields are on the one that is left."""
    assert bench.run("key:0").status == "applied"
    bench.run("key:1", bob(bench))
    for key, value in bench.kit.field_values(bob(bench)).items():
        bench.kit.set_field(bench.ann, key, value)
    bench.kit.delete_contact(bob(bench))
    assert bench.run("key:2").status == "parked"


def test_receipts_that_changed_places_are_parked_both(bench: Bench) -> None:
    first, second = the(bench.run("key:1")), the(bench.run("key:1", bob(bench)))
    bench.kit.set_field(bench.ann, RECEIPT, receipt_of(bench, second))
    bench.kit.set_field(bob(bench), RECEIPT, receipt_of(bench, first))
    assert [bench.run("key:2", who).status for who in (bench.ann, bob(bench))] == ["parked", "parked"]
    assert bench.credits == "15"


def test_copied_receipt_stays_one_after_a_change_by_hand(bench: Bench) -> None:
    """This ledger has written to the contact since the entry whose receipt it shows."""
    entry = the(bench.run("key:1", bob(bench)))
    assert bench.run("key:1").status == "applied"
    bench.kit.set_field(bench.ann, RECEIPT, receipt_of(bench, entry))
    bench.kit.set_field(bench.ann, "credits", "99")
    assert (bench.run("key:2").status, bench.credits) == ("parked", "99")


@pytest.mark.parametrize("send", ["2", "0"])
def test_send_that_was_never_made_is_an_older_copys(bench: Bench, send: str) -> None:
    copied(bench)
    bench.kit.set_field(bench.ann, RECEIPT, f"{receipt(bench)}.{send}")
    with pytest.raises(LedgerBehind):
        bench.run("key:2")
    assert bench.credits == "5"


def test_older_copy_that_gave_a_number_to_another_contact_writes_nothing(bench: Bench, tmp_path: Path) -> None:
    """Nothing tells it from a copied receipt for certain; a receipt that it lacks does, and stops it."""
    assert bench.run("key:1").status == "applied"
    copy = copy_of(bench, tmp_path / "copy")
    assert bench.run("key:2").status == "applied"
    assert copy.run("key:2", bob(bench)).status == "applied"
    outcome = copy.run("key:3")
    assert (outcome.status, bench.credits) == ("parked", "25")
    assert str(outcome.reason).endswith(DOUBT)
    for key in ("key:4", "key:5"):
        assert bench.run(key).status == "applied"
    with pytest.raises(LedgerBehind, match="older copy"):
        copy.run("key:6")
    assert bench.credits == "45"
    copy.ledger.close()


def test_older_copy_is_known_by_the_receipt_of_the_entrys_own_contact(bench: Bench, tmp_path: Path) -> None:
    """Both contacts were written to by the newer copy; the older one had given one of its numbers away as well."""
    copy = copy_of(bench, tmp_path / "copy")
    assert copy.run("key:1", bob(bench)).status == "applied"
    assert bench.run("key:1").status == "applied"  # e1 in both
    bench.kit.set_field(bob(bench), RECEIPT, "")  # as the newer copy would find it empty of its own
    later(bench)
    assert bench.run("key:2", bob(bench)).status == "applied"
    with pytest.raises(LedgerBehind):
        copy.run("key:2")
    copy.ledger.close()


def test_take_over_counts_what_looks_copied_with_the_newer_copys(bench: Bench, tmp_path: Path) -> None:
    copy = copy_of(bench, tmp_path / "copy")
    bench.run("key:1")
    bench.run("key:2", bob(bench))
    cy = bench.kit.add_contact("new@example.org", credits="0")
    assert copy.run("key:1", cy).status == "applied"
    unknown = unknown_to(copy.ledger, copy.crm)
    assert (unknown.contacts, unknown.highest, unknown.copied) == (2, 2, ())
    copy.ledger.close()


def test_copied_receipts_are_no_reason_to_take_over(bench: Bench) -> None:
    copied(bench)
    change_address(bench, bench.ann, "zoe@example.org")
    unknown = unknown_to(bench.ledger, bench.crm)
    assert unknown.contacts == 0
    assert [(carrier.email, entry.id) for carrier, entry in unknown.copied] == [("zoe@example.org", 1)]
