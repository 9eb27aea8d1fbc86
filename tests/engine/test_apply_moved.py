"""A contact whose address changed in Kit: every address it had leads to it, and whoever has one now is served."""

from dataclasses import replace

import pytest

from ccops.engine.preview import Preview
from ccops.ledger.model import Person
from tests.engine.conftest import Bench, increase
from tests.engine.owner import change_address

ANN, ZOE = "ann@example.org", "zoe@example.org"


def moved(bench: Bench) -> None:
    """Serve Ann, then let her have another address, which ccops sees by a read."""
    assert bench.run("key:1").status == "applied"
    change_address(bench, bench.ann, ZOE)
    assert bench.run("key:2", who=bench.ann).status == "applied"


def test_old_address_still_leads_to_its_contact(bench: Bench) -> None:
    moved(bench)
    assert bench.ledger.people.by_email("ANN@example.org") == Person(bench.ann, ZOE)
    assert bench.ledger.people.former(bench.ann) == (ANN,)


def test_run_by_an_old_address_says_which_one_is_right(bench: Bench) -> None:
    moved(bench)
    outcome = bench.run("key:3")
    assert (outcome.status, outcome.who, outcome.moved_to) == ("failed", ANN, ZOE)
    assert outcome.reason == f"{ANN} is now {ZOE} in Kit"
    assert bench.credits == "25"


def test_dry_run_says_the_same_of_an_old_address(bench: Bench) -> None:
    moved(bench)
    looked = Preview(bench.ledger, bench.crm, bench.clock).look(bench.request("key:3"))
    assert looked == bench.run("key:3")


def test_address_that_changed_unseen_is_noticed_by_the_run(bench: Bench) -> None:
    assert bench.run("key:1").status == "applied"
    change_address(bench, bench.ann, ZOE)
    assert bench.run("key:3").reason == f"{ANN} is now {ZOE} in Kit"
    assert bench.run("key:3", who=ZOE).status == "applied"


@pytest.mark.parametrize("met", [True, False])
def test_list_that_lags_turns_no_change_of_address_round(bench: Bench, met: bool) -> None:
    if met:
        assert bench.run("key:1").status == "applied"
    bench.kit.settings.lag = 300
    bench.clock.sleep(1)
    change_address(bench, bench.ann, ZOE)
    assert bench.run("key:3").reason == f"{ANN} is now {ZOE} in Kit"
    assert bench.ledger.people.by_email(ANN) == Person(bench.ann, ZOE)
    assert bench.run("key:3", who=ANN).status == "failed"
    assert bench.credits == ("15" if met else "5")


def test_whoever_took_an_old_address_over_gets_the_credits(bench: Bench) -> None:
    moved(bench)
    newcomer = bench.kit.add_contact(ANN, credits="0")
    outcome = bench.run("key:3")
    assert (outcome.status, outcome.contact) == ("applied", newcomer)
    assert (bench.credits, bench.kit.field_values(newcomer)["credits"]) == ("25", "10")
    assert bench.ledger.people.by_email(ANN) == Person(newcomer, ANN)


def test_newcomer_that_no_list_shows_yet_costs_the_old_owner_nothing(bench: Bench) -> None:
    moved(bench)
    bench.kit.settings.lag = 300
    bench.clock.sleep(301)
    newcomer = bench.kit.add_contact(ANN, credits="0")
    assert bench.run("key:3").status == "failed"
    assert bench.credits == "25"
    bench.clock.sleep(301)
    assert bench.run("key:3").contact == newcomer


def test_address_that_came_back_is_the_present_one_again(bench: Bench) -> None:
    moved(bench)
    change_address(bench, bench.ann, ANN)
    assert bench.run("key:3").status == "applied"
    assert bench.ledger.people.by_email(ZOE) == Person(bench.ann, ANN)
    assert bench.ledger.people.former(bench.ann) == (ZOE,)


def test_row_of_a_list_does_not_take_a_new_address_back(bench: Bench) -> None:
    """For a contact left out by its state, and for one whose row is as good as a read otherwise."""
    change = replace(bench.operation.changes[0], sole_writer=True)
    bench.operation = increase(changes=(change,))
    assert bench.run("key:1").status == "applied"
    row = bench.crm.contact(bench.ann)
    change_address(bench, bench.ann, ZOE)
    bench.applier.read(bench.ann)
    assert bench.run("key:2", who=bench.ann, row=row, states=frozenset({"bounced"})).status == "left-out"
    assert bench.run("key:3", who=bench.ann, row=row).email == ZOE
    assert bench.ledger.people.by_id(bench.ann) == Person(bench.ann, ZOE)
