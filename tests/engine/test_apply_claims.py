"""Which occasions give the right to a change: once each, once a period, and what may be tried again."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ccops.engine.outcomes import Outcome
from ccops.errors import ServiceUnreachable
from ccops.operations.model import Operation, Tag
from ccops.operations.occasion import for_tag
from ccops.sandbox.faults import Fault
from tests.engine.conftest import Bench, increase
from tests.engine.owner import later, lost, requests_made, the

MONTH = "month:2026-11"


def up_to(maximum: int, amount: int = 10) -> Operation:
    """Return the operation with a limit."""
    operation = increase(amount)
    return replace(operation, changes=(replace(operation.changes[0], maximum=Decimal(maximum)),))


def break_off(bench: Bench, occasion: str = "key:1", **more: object) -> None:
    """Begin an entry and break off before anything is sent."""
    bench.kit.faults.add(Fault("reset", "GET", times=None))
    with pytest.raises(ServiceUnreachable):
        bench.run(occasion, bench.ann, **more)
    bench.kit.faults.clear()


def test_the_same_occasion_with_another_amount_is_refused_naming_the_entry(bench: Bench) -> None:
    bench.run(asked="10")
    outcome = bench.run(asked="20")
    assert (outcome.status, outcome.reason) == ("refused", "this occasion was used for another amount (10), by e1")
    assert bench.credits == "15"


@pytest.mark.parametrize("asked", [None, "10"])
def test_no_amount_and_an_amount_are_not_the_same(bench: Bench, asked: str | None) -> None:
    bench.run(asked=asked)
    assert bench.run(asked="20" if asked else "10").status == "refused"


def test_an_entry_that_was_begun_is_not_taken_up_with_another_amount(bench: Bench) -> None:
    break_off(bench, asked="10")
    assert bench.run(asked="20").status == "refused"
    assert bench.run(asked="10").status == "applied"


def test_a_lost_entry_is_not_taken_up_with_another_amount(bench: Bench) -> None:
    lost(bench, asked="10")
    later(bench)
    assert bench.run(asked="20").status == "refused"


def test_the_same_occasion_of_another_operation_is_an_occasion_of_its_own(bench: Bench) -> None:
    bench.run()
    bench.operation = replace(bench.operation, name="welcome-credit")
    assert (bench.run().status, bench.credits) == ("applied", "25")


def test_the_same_occasion_of_another_contact_is_an_occasion_of_its_own(bench: Bench) -> None:
    bench.run()
    assert bench.run(who="bob@example.org").after == {"credits": "22"}


def test_a_period_counts_once_whatever_starts_the_operation(bench: Bench) -> None:
    first = bench.run("key:1", period=MONTH)
    second = bench.run("run:7", period=MONTH)
    assert (second.status, second.reason) == ("refused", f"this month was done already, by e{the(first).id}")
    assert bench.credits == "15"


def test_the_same_occasion_in_the_same_period_is_repeated(bench: Bench) -> None:
    bench.run(MONTH, period=MONTH)
    assert bench.run(MONTH, period=MONTH).status == "repeated"


def test_another_period_counts_anew(bench: Bench) -> None:
    bench.run("key:1", period=MONTH)
    assert bench.run("key:2", period="month:2026-12").after == {"credits": "25"}


def test_a_period_is_held_by_what_is_open_and_by_what_needs_a_person(bench: Bench) -> None:
    lost(bench, Fault("partial", "PUT", keep=("credits",)), period=MONTH)
    assert bench.run("key:2", period=MONTH).status == "refused"
    later(bench)
    assert bench.run(period=MONTH).status == "parked"
    assert bench.run("key:2", period=MONTH).status == "refused"


def test_a_period_is_not_held_by_what_was_refused_or_failed(bench: Bench) -> None:
    bench.operation = up_to(10)
    assert bench.run("key:1", period=MONTH).status == "refused"
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    bench.operation = increase()
    assert bench.run("key:2", period=MONTH).status == "failed"
    assert bench.run("key:3", period=MONTH).status == "applied"
    assert {bench.run(key, period=MONTH).status for key in ("key:1", "key:2")} == {"refused"}
    assert bench.credits == "15"


def test_a_refused_occasion_is_tried_again_as_the_same_entry_with_the_operation_of_today(bench: Bench) -> None:
    bench.operation = up_to(10)
    refused = bench.run()
    assert (refused.status, refused.entry and refused.entry.cause) == ("refused", "limit")
    bench.operation = up_to(30, 20)
    outcome = bench.run(asked="20")
    assert (outcome.status, the(outcome).id, bench.credits) == ("applied", the(refused).id, "25")
    assert (the(outcome).asked, the(outcome).cause, the(outcome).reason) == ("20", None, None)


def test_a_failed_occasion_is_tried_again_as_the_same_entry(bench: Bench) -> None:
    bench.kit.set_field(bench.ann, "credits", "abc")
    refused = bench.run()
    assert refused.status == "refused"
    bench.kit.set_field(bench.ann, "credits", "7")
    outcome = bench.run()
    assert (outcome.status, the(outcome).id, outcome.after) == ("applied", the(refused).id, {"credits": "17"})


def test_an_entry_that_was_begun_keeps_its_operation_though_the_registry_was_edited(bench: Bench) -> None:
    break_off(bench)
    bench.operation = increase(1000)
    assert bench.run().after == {"credits": "15"}


def test_an_entry_that_was_lost_keeps_its_operation_though_the_registry_was_edited(bench: Bench) -> None:
    lost(bench, Fault("reset", "PUT"))
    later(bench)
    bench.operation = increase(1000)
    assert bench.run().after == {"credits": "15"}


def test_what_is_taken_up_counts_to_the_run_that_takes_it_up(bench: Bench) -> None:
    break_off(bench)
    request = bench.request()
    entry = the(bench.applier.apply(request))
    assert (entry.run, entry.status) == (request.run, "applied")


def test_what_needs_a_person_is_said_again(bench: Bench) -> None:
    lost(bench, Fault("partial", "PUT", keep=("credits",)))
    later(bench)
    first, second = bench.run(), bench.run()
    assert (first.status, second.status, second.reason) == ("parked", "parked", first.reason)
    bench.kit.forget()
    bench.run(who=bench.ann)
    assert requests_made(bench) == {}


def tagging(bench: Bench) -> str:
    """Tag Ann, and return the occasion of it."""
    number = bench.kit.tag(bench.ann, "credit")
    bench.operation = replace(bench.operation, tag=Tag(number, "credit"))
    (held,) = [held for held in bench.crm.tags_of(bench.ann) if held.id == number]
    return for_tag(number, held.tagged_at)


def run_tagged(bench: Bench, occasion: str) -> Outcome:
    return bench.run(occasion, bench.ann, period=MONTH)


def test_a_tagging_in_a_period_that_is_done_is_answered_and_its_tag_comes_off(bench: Bench) -> None:
    occasion = tagging(bench)
    bench.run("key:1", period=MONTH)
    assert run_tagged(bench, occasion).status == "refused"
    assert "credit" not in bench.kit.tags_of(bench.ann)
    assert run_tagged(bench, occasion).status == "repeated"
    assert bench.credits == "15"


def test_a_post_that_met_a_limit_stays_answered(bench: Bench) -> None:
    bench.operation = up_to(10)
    assert bench.run("post:evt_1").status == "refused"
    bench.operation = increase()
    outcome = bench.run("post:evt_1")
    assert (outcome.status, bench.credits) == ("repeated", "5")
    assert outcome.reason
