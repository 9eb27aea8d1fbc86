"""What a field shows against what the ledger wrote last: told by a read, whatever moves meanwhile."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ccops.engine.apply import adopt
from ccops.engine.errors import ClockWrong
from ccops.engine.outcomes import Adoption
from ccops.engine.reconcile import Comparing, Difference, adoption_of
from tests.engine.conftest import ORIGIN, Bench
from tests.engine.owner import copy_of, late_and_sent_again, once


def compared(bench: Bench) -> list[Difference]:
    """Compare the credits of all, with nobody to stop it."""
    comparing = Comparing(bench.ledger, bench.crm, bench.clock, "credits")
    found = list(comparing.differences(bench.crm.contacts(), lambda: False, lambda: None))
    assert comparing.counts.whole
    return found


def adoption(bench: Bench) -> Adoption:
    """Ask that what a hand did to Ann's credits becomes an entry, in a run of its own."""
    (found,) = compared(bench)
    return adoption_of(found, "credits", "UTC", (bench.request().run, ORIGIN))


def test_a_change_by_ccops_itself_during_the_look_is_no_hand(bench: Bench) -> None:
    bench.run()
    bench.kit.set_field(bench.ann, "credits", "40")
    once(bench, "before", "GET", lambda: bench.run("key:2"))
    assert compared(bench) == []
    assert bench.credits == "50"


def test_a_late_write_is_no_hand(bench: Bench) -> None:
    late_and_sent_again(bench)
    bench.kit.faults.deliver_late()
    (found,) = compared(bench)
    assert (found.kept, found.found, found.kind) == ("25", "15", "lost")
    assert found.reason == "a late write of e1 changed credits from 25 to 15; lost: e2 (+10): ccops settle e2 --as lost"


def test_what_a_lost_ledger_wrote_is_told_and_can_be_adopted(bench: Bench, tmp_path: Path) -> None:
    bench.run()
    backup = copy_of(bench, tmp_path / "backup")
    bench.run("key:2")
    backup.ledger.identity.take_over(frozenset({bench.ledger.identity.lineage.current}), 2)
    (found,) = compared(backup)
    assert (found.kept, found.found, found.kind) == ("15", "25", "by-hand")
    assert found.reason == "changed by the ledger that was taken over"
    assert adopt(backup.applier, adoption(backup)).status == "applied"
    assert (compared(backup), backup.run("key:3").status, backup.credits) == ([], "applied", "35")
    backup.ledger.close()


def test_what_ccops_wrote_since_it_was_compared_is_not_adopted_over(bench: Bench) -> None:
    bench.run()
    bench.kit.set_field(bench.ann, "credits", "40")
    asked = adoption(bench)
    bench.run("key:2")
    outcome = adopt(bench.applier, asked)
    assert (outcome.status, outcome.entry) == ("refused", None)
    assert bench.applier.ledger.fields.last("credits", [bench.ann])[bench.ann].after == {"credits": "50"}


def test_an_adoption_counts_once_in_its_run(bench: Bench) -> None:
    bench.run()
    bench.kit.set_field(bench.ann, "credits", "40")
    asked = adoption(bench)
    first = adopt(bench.applier, asked)
    assert first.entry is not None
    assert first.entry.was_adopted
    again = adopt(bench.applier, replace(asked, last=first.entry.id))
    assert (again.status, again.entry) == ("repeated", first.entry)


def test_a_wrong_clock_adopts_nothing(bench: Bench) -> None:
    bench.run()
    bench.kit.set_field(bench.ann, "credits", "40")
    asked, there = adoption(bench), bench.clock.now()
    bench.kit.settings.clock = lambda: there + timedelta(hours=1)
    bench.crm.contact(bench.ann)
    with pytest.raises(ClockWrong):
        adopt(bench.applier, asked)
    assert compared(bench)[0].kept == "15"
