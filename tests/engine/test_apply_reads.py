"""What is read of a contact before anything is written, and how many requests a change costs."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ccops.engine.errors import FieldGone, ReceiptFieldGone
from ccops.engine.outcomes import FRESH
from ccops.errors import CredentialRefused, ServiceUnreachable
from ccops.operations.model import Change
from ccops.sandbox.faults import Fault
from tests.engine.conftest import RECEIPT, Bench
from tests.engine.owner import change_address, delete_field, later, lost, once, rename_field, requests_made, the

READ, WRITE = {"GET": 1}, {"GET": 1, "PUT": 1}


def test_a_change_of_a_known_contact_costs_one_read_and_one_write(bench: Bench) -> None:
    bench.run("key:1")
    bench.kit.forget()
    assert bench.run("key:2").status == "applied"
    assert requests_made(bench) == WRITE


def test_a_change_by_id_costs_one_read_and_one_write(bench: Bench) -> None:
    bench.kit.forget()
    bench.run(who=bench.ann)
    assert requests_made(bench) == WRITE


def test_an_unknown_address_costs_one_request_more(bench: Bench) -> None:
    bench.kit.forget()
    bench.run()
    assert requests_made(bench) == {"GET": 2, "PUT": 1}


def test_a_repeated_occasion_costs_at_most_one_read(bench: Bench) -> None:
    bench.run()
    bench.kit.forget()
    assert bench.run().status == "repeated"
    assert requests_made(bench) == READ
    bench.kit.forget()
    assert bench.run(who=bench.ann).status == "repeated"
    assert requests_made(bench) == {}


def test_a_settled_write_costs_one_read(bench: Bench) -> None:
    entry = the(lost(bench))
    later(bench)
    bench.kit.forget()
    assert bench.applier.finish(entry.id).status == "applied"
    assert requests_made(bench) == READ


def test_the_read_that_settles_serves_the_new_plan_too(bench: Bench) -> None:
    lost(bench, Fault("reset", "PUT"))
    later(bench)
    bench.kit.forget()
    assert bench.run().status == "applied"
    assert requests_made(bench) == WRITE


def test_a_refusal_costs_one_read(bench: Bench) -> None:
    change = replace(bench.operation.changes[0], maximum=Decimal(10))
    bench.operation = replace(bench.operation, changes=(change,))
    bench.kit.forget()
    assert bench.run(who=bench.ann).status == "refused"
    assert requests_made(bench) == READ


def test_a_field_that_is_gone_stops_the_run(bench: Bench) -> None:
    rename_field(bench, "credits", "Points")
    with pytest.raises(FieldGone, match=r'"credits".*payment-credit') as stopped:
        bench.run()
    assert stopped.value.mend == "ccops doctor --fix"
    assert bench.kit.writes(bench.ann) == []


def test_a_field_that_is_only_read_has_to_be_there_too(bench: Bench) -> None:
    bench.operation = replace(bench.operation, changes=(Change("credits", "copy", source="bonus"),))
    with pytest.raises(FieldGone, match='"bonus"'):
        bench.run()


def test_after_the_registry_was_mended_the_same_occasion_is_applied(bench: Bench) -> None:
    rename_field(bench, "credits", "Points")
    with pytest.raises(FieldGone):
        bench.run()
    bench.operation = replace(bench.operation, changes=(replace(bench.operation.changes[0], field="points"),))
    outcome = bench.run()
    assert (outcome.status, outcome.after, the(outcome).id) == ("applied", {"points": "15"}, 1)


def test_without_the_receipt_field_nothing_is_written(bench: Bench) -> None:
    delete_field(bench, RECEIPT)
    with pytest.raises(ReceiptFieldGone, match=RECEIPT) as stopped:
        bench.run()
    assert stopped.value.mend == "ccops init --yes"
    assert bench.kit.writes(bench.ann) == []


def test_with_a_receipt_field_made_anew_all_goes_on(bench: Bench) -> None:
    bench.run("key:0")
    delete_field(bench, RECEIPT)
    with pytest.raises(ReceiptFieldGone):
        bench.run()
    bench.ledger.identity.set_receipt_field(bench.crm.create_field("ccops receipt").key)
    assert (bench.run().status, bench.credits) == ("applied", "25")


def test_a_contact_that_does_not_exist_is_not_found(bench: Bench) -> None:
    for who in (4_000_000_000, "nobody@example.org", "no address at all"):
        outcome = bench.run(who=who)
        assert (outcome.status, outcome.reason) == ("failed", "no such contact in Kit")


def test_a_contact_deleted_before_the_read_fails_and_may_come_back(bench: Bench) -> None:
    bench.run("key:1")
    bench.kit.faults.add(Fault("status", "GET", f"/subscribers/{bench.ann}$", status=404))
    outcome = bench.run("key:2", bench.ann)
    assert (outcome.status, outcome.reason) == ("failed", "no longer in Kit")
    assert bench.run("key:2", bench.ann).status == "applied"


def test_a_contact_deleted_between_read_and_write_fails(bench: Bench) -> None:
    once(bench, "before", "PUT", lambda: bench.kit.delete_contact(bench.ann))
    outcome = bench.run()
    assert (outcome.status, outcome.reason) == ("failed", "no longer in Kit")
    assert bench.ledger.entries.sending(bench.ann) is None


def test_an_address_that_went_over_to_another_contact_is_looked_up_again(bench: Bench) -> None:
    bench.run("key:1")
    bob = bench.kit.contact_id("bob@example.org")
    change_address(bench, bench.ann, "ann.old@example.org")
    change_address(bench, bob, "ann@example.org")
    outcome = bench.run("key:2")
    assert (outcome.contact, outcome.before, bench.credits) == (bob, {"credits": "12"}, "15")
    bench.kit.forget()
    assert bench.run("key:3").contact == bob
    assert requests_made(bench) == WRITE


def test_a_remembered_contact_that_is_gone_is_looked_up_again(bench: Bench) -> None:
    bench.run("key:1")
    bench.kit.delete_contact(bench.ann)
    assert bench.run("key:2").status == "failed"
    again = bench.kit.add_contact("ann@example.org", credits="1")
    outcome = bench.run("key:2")
    assert (outcome.contact, outcome.after) == (again, {"credits": "11"})


def test_the_case_of_an_address_does_not_matter(bench: Bench) -> None:
    assert bench.run("key:1", "ANN@Example.org").contact == bench.ann
    assert bench.run("key:1", "ann@example.ORG").status == "repeated"


def test_a_read_that_grew_old_is_made_again_before_the_write(bench: Bench) -> None:
    """The first read is the one that checks the address; then the machine sleeps, and somebody changes the value."""
    bench.run("key:1")

    def sleep() -> None:
        bench.clock.sleep(FRESH.total_seconds() + 1)
        bench.kit.set_field(bench.ann, "credits", "40")

    once(bench, "after", "GET", sleep)
    bench.kit.forget()
    outcome = bench.run("key:2")
    assert (outcome.before, outcome.after) == ({"credits": "40"}, {"credits": "50"})
    assert requests_made(bench) == {"GET": 2, "PUT": 1}


def test_a_read_that_is_young_enough_is_used(bench: Bench) -> None:
    bench.run("key:1")
    once(bench, "after", "GET", lambda: bench.clock.sleep(FRESH.total_seconds()))
    bench.kit.forget()
    bench.run("key:2")
    assert requests_made(bench) == WRITE


def test_a_read_from_before_the_write_had_time_to_arrive_does_not_settle_it(bench: Bench) -> None:
    """The read that checks the address is asked for too early; at its answer it would be late enough."""
    lost(bench, Fault("late", "PUT"))
    bench.clock.sleep(59)

    def arrive() -> None:
        bench.clock.sleep(2)
        bench.kit.faults.deliver_late()

    once(bench, "after", "GET", arrive)
    assert (bench.run().status, bench.credits, len(bench.kit.writes(bench.ann))) == ("applied", "15", 1)


def test_a_failed_read_is_unknown_and_never_zero(bench: Bench) -> None:
    bench.kit.faults.add(Fault("garbage", "GET", f"/subscribers/{bench.ann}$", times=None))
    with pytest.raises(ServiceUnreachable):
        bench.run(who=bench.ann)
    bench.kit.faults.clear()
    assert bench.kit.writes(bench.ann) == []
    assert (bench.run(who=bench.ann).status, bench.credits) == ("applied", "15")


def test_a_refused_credential_leaves_the_entry_to_be_taken_up(bench: Bench) -> None:
    bench.kit.faults.add(Fault("status", "PUT", status=401))
    with pytest.raises(CredentialRefused):
        bench.run()
    assert bench.ledger.entries.sending(bench.ann) is None
    assert (bench.run().status, bench.credits, len(bench.kit.writes(bench.ann))) == ("applied", "15", 1)


def test_a_contact_in_any_state_is_read(bench: Bench) -> None:
    outcome = bench.run(who="di@example.org")
    assert (outcome.status, outcome.after) == ("applied", {"credits": "30"})


def test_an_entry_says_when_and_by_whom(bench: Bench) -> None:
    entry = the(bench.run())
    assert (entry.by, entry.via, entry.at, entry.ended_at) == ("maria", "run", bench.clock.now(), bench.clock.now())
    assert entry.sent_at == bench.clock.now()
