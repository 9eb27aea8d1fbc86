"""Undos of undos, at any depth, beside reruns of what was reopened: an occasion counts at most once at any time."""

from datetime import timedelta
from pathlib import Path

import pytest

from ccops.engine.apply import Applier
from ccops.engine.batch import BatchOptions
from ccops.engine.bootstrap import Carrier, count_as_done
from ccops.engine.errors import NotUndoable, RunAgain
from ccops.engine.outcomes import Outcome, claim_of
from ccops.engine.settle import finish_open, settle_as
from ccops.engine.undo import UndoOptions, check_undoable, reopen, undo_request
from ccops.errors import CredentialRefused
from ccops.ledger.errors import BroughtBack, ComingBack, OccasionTaken
from ccops.ledger.ledger import Ledger
from ccops.locks import Locks
from ccops.sandbox.faults import Fault
from tests.engine.conftest import ORIGIN, Bench, increase, new_ledger
from tests.engine.frail import Crash, Fate, FrailSqlite
from tests.engine.owner import later, the

MONTH = "month:2026-11"


def undo(bench: Bench, entry: int, *, reopened: bool = False) -> Outcome:
    """Ask for an undo as a command does that made its checks long ago."""
    run = bench.request("undo").run
    return bench.applier.apply(undo_request(bench.ledger, entry, {}, UndoOptions(reopen=reopened), (run, ORIGIN)))


def undone(bench: Bench, entry: int, *, reopened: bool = False) -> int:
    outcome = undo(bench, entry, reopened=reopened)
    assert outcome.status == "applied"
    return the(outcome).id


def begin_undo(bench: Bench, entry: int) -> None:
    """Claim an undo; before anything is sent, Kit refuses the key."""
    bench.kit.faults.add(Fault("status", "GET", "/v4/subscribers", status=401))
    with pytest.raises(CredentialRefused):
        undo(bench, entry)


def settle(bench: Bench) -> list[Outcome]:
    return list(finish_open(bench.applier, BatchOptions(bench.clock, lambda: False, lambda *_: None)))


def statuses(bench: Bench) -> list[str]:
    entries = bench.ledger.entries
    return [entries.get(number).status for number in range(1, entries.highest() + 1)]


def let_go(bench: Bench, entry: int) -> None:
    """Leave an undone entry as an older ccops did: its occasion open while an undo was about to bring it back."""
    with bench.ledger.database.write() as db:
        db.run("UPDATE entries SET reopened = 1 WHERE id = :id", id=entry)


# ---- what comes back, and reruns


def test_an_occasion_that_comes_back_does_not_run_beside(bench: Bench) -> None:
    """The same occasion again brings the undo of the undo to its end, and then was done before."""
    back = undone(bench, the(bench.run()).id, reopened=True)
    begin_undo(bench, back)
    assert (bench.run().status, bench.credits) == ("repeated", "15")
    settle(bench)
    assert (bench.credits, statuses(bench)) == ("15", ["applied", "undone", "applied"])


@pytest.mark.parametrize("occasion", [MONTH, "key:another"])
def test_a_month_that_comes_back_is_not_granted_beside(bench: Bench, occasion: str) -> None:
    back = undone(bench, the(bench.run(MONTH, period=MONTH)).id, reopened=True)
    begin_undo(bench, back)
    assert bench.run(occasion, period=MONTH).status in {"repeated", "refused"}
    settle(bench)
    assert bench.credits == "15"


def test_an_undo_is_refused_if_the_occasion_ran_again_since(bench: Bench) -> None:
    back = undone(bench, the(bench.run()).id, reopened=True)
    check_undoable(bench.ledger, [back])
    assert bench.run().status == "applied"
    refused = undo(bench, back)
    assert (refused.status, refused.contact, bench.credits) == ("refused", bench.ann, "15")
    assert "used again since, by e3" in (refused.reason or "")
    with pytest.raises(RunAgain, match="by e3"):
        check_undoable(bench.ledger, [back])


def test_an_undo_that_comes_back_is_not_done_beside(bench: Bench) -> None:
    """e3 has undone e2, e4 has undone e3; while e3 is brought back, e2 can't be undone by another one."""
    last = the(bench.run()).id
    for _ in range(3):
        last = undone(bench, last)
    begin_undo(bench, last)
    assert (undo(bench, 2).status, bench.credits) == ("repeated", "15")
    assert statuses(bench) == ["applied", "undone", "applied", "undone", "applied"]


def test_an_undo_of_what_never_counted_is_refused(bench: Bench) -> None:
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    assert undo(bench, the(bench.run()).id).reason == "e1 is failed: there is nothing to undo"
    assert (statuses(bench), bench.credits) == (["failed"], "5")


def test_a_lost_undo_of_an_undo_keeps_its_occasion(bench: Bench) -> None:
    back = undone(bench, the(bench.run()).id, reopened=True)
    bench.kit.faults.add(Fault("reset", "PUT", when="after"))
    assert undo(bench, back).status == "open"
    waiting = bench.run()
    assert (waiting.status, waiting.due) == ("open", bench.clock.now() + timedelta(seconds=60))
    later(bench)
    assert (bench.run().status, bench.credits) == ("repeated", "15")


def test_a_failed_undo_of_an_undo_lets_its_occasion_go(bench: Bench) -> None:
    back = undone(bench, the(bench.run()).id, reopened=True)
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    assert undo(bench, back).status == "failed"
    assert (bench.run().status, bench.credits) == ("applied", "15")
    assert undo(bench, back).status == "refused"
    assert bench.credits == "15"


def test_a_rerun_that_failed_gives_way_to_what_comes_back(bench: Bench) -> None:
    back = undone(bench, the(bench.run()).id, reopened=True)
    bench.kit.faults.add(Fault("status", "PUT", status=422))
    assert bench.run().status == "failed"
    undone(bench, back)
    assert (bench.run().status, bench.credits) == ("repeated", "15")
    assert statuses(bench) == ["applied", "undone", "failed", "applied"]


def test_an_occasion_is_not_reopened_while_its_entry_comes_back(bench: Bench) -> None:
    first = the(bench.run()).id
    begin_undo(bench, undone(bench, first))
    with pytest.raises(ComingBack, match="e3 brings e1 back"):
        reopen(bench.ledger, first)
    settle(bench)
    with pytest.raises(BroughtBack):
        reopen(bench.ledger, first)
    assert (bench.run().status, bench.credits) == ("repeated", "15")


def test_an_undo_that_needs_a_person_keeps_its_occasion(bench: Bench) -> None:
    back = undone(bench, the(bench.run()).id, reopened=True)
    bench.kit.faults.add(Fault("partial", "PUT", keep=("credits",)))
    assert undo(bench, back).status == "open"
    later(bench)
    settle(bench)
    parked = bench.run()
    assert (parked.status, the(parked).id) == ("parked", 3)
    settle_as(bench.applier, 3, "applied", "maria")
    assert (bench.run().status, bench.credits) == ("repeated", "15")


# ---- chains


@pytest.mark.parametrize("depth", range(1, 7))
def test_a_chain_of_undos_counts_by_its_whole_length(bench: Bench, depth: int) -> None:
    last = first = the(bench.run()).id
    for _ in range(depth):
        last = undone(bench, last)
    counts = depth % 2 == 0
    assert bench.credits == ("15" if counts else "5")
    assert statuses(bench) == [("undone", "applied")[(depth - at) % 2 == 0] for at in range(depth + 1)]
    entry = bench.ledger.entries.get(first)
    assert (entry.undone_by, entry.reopened) == (None if counts else 2, False)
    assert (bench.run().status, bench.credits) == ("repeated", "15" if counts else "5")
    if counts:
        with pytest.raises(BroughtBack):
            reopen(bench.ledger, first)
        return
    with pytest.raises(NotUndoable, match="e1 was undone already, by e2"):
        check_undoable(bench.ledger, [first])
    reopen(bench.ledger, first)
    assert (bench.run().status, bench.run().status, bench.credits) == ("applied", "repeated", "15")


def test_the_last_undo_of_a_chain_may_reopen_the_occasion(bench: Bench) -> None:
    last = the(bench.run()).id
    for reopened in (False, False, True):
        last = undone(bench, last, reopened=reopened)
    assert (bench.run().status, bench.credits) == ("applied", "15")


def test_an_entry_is_not_undone_by_two_undos_at_once(bench: Bench) -> None:
    """e2 is brought back only if no other undo of e1 counts."""
    first = the(bench.run()).id
    third = undone(bench, undone(bench, first))
    undone(bench, first)
    assert (undo(bench, third).status, bench.credits) == ("refused", "5")


# ---- late writes, and what older versions left


def test_a_late_rerun_overtakes_what_was_only_begun_to_come_back(bench: Bench) -> None:
    back = undone(bench, the(bench.run()).id, reopened=True)
    bench.kit.faults.add(Fault("late", "PUT"), Fault("status", "PUT", status=422))
    assert bench.run().status == "open"
    later(bench)
    assert bench.run().status == "failed"
    assert bench.kit.faults.deliver_late() == 1
    refused = undo(bench, back)
    assert (refused.status, the(refused).cause, bench.credits) == ("refused", "overtaken", "15")
    settle_as(bench.applier, 3, "applied", "maria")
    assert (bench.run().status, bench.credits) == ("repeated", "15")


def test_a_late_write_of_a_number_given_up_overtakes_its_rerun(bench: Bench) -> None:
    bench.kit.faults.add(Fault("late", "PUT"), Fault("status", "PUT", status=422))
    bench.run()
    later(bench)
    assert bench.run().status == "failed"
    bench.ledger.identity.take_over(frozenset(), 5)
    assert bench.kit.faults.deliver_late() == 1
    refused = bench.run()
    assert (refused.status, bench.credits) == ("refused", "15")
    settle_as(bench.applier, 1, "applied", "maria")
    assert (bench.run().status, bench.credits) == ("repeated", "15")


def test_an_undo_begun_by_an_older_version_is_overtaken_at_its_send(bench: Bench) -> None:
    first = the(bench.run()).id
    begin_undo(bench, undone(bench, first, reopened=True))
    let_go(bench, first)
    assert bench.run().status == "applied"
    (refused,) = settle(bench)
    assert (refused.status, the(refused).cause, bench.credits) == ("refused", "overtaken", "15")
    assert statuses(bench) == ["undone", "applied", "refused", "applied"]


def test_an_undo_sent_by_an_older_version_needs_a_person_if_overtaken(bench: Bench) -> None:
    first = the(bench.run()).id
    back = undone(bench, first, reopened=True)
    bench.kit.faults.add(Fault("reset", "PUT", when="after"))
    undo(bench, back)
    let_go(bench, first)
    bench.ledger.entries.claim(claim_of(bench.request(), bench.ann, bench.clock.now()))
    with bench.ledger.database.write() as db:
        db.run("UPDATE entries SET status = 'applied' WHERE id = 4")
    later(bench)
    settle(bench)
    assert statuses(bench) == ["undone", "applied", "parked", "applied"]
    with pytest.raises(OccasionTaken, match="e3 can't count beside e4"):
        settle_as(bench.applier, 3, "applied", "maria")
    settle_as(bench.applier, 3, "not-applied", "maria")
    assert statuses(bench) == ["undone", "applied", "failed", "applied"]


# ---- what is looked up in the transaction that needs it


def test_follow_up_tags_noted_after_the_request_come_off(bench: Bench) -> None:
    bench.operation = increase(tags_if_applied=("access: replay",))
    bench.kit.faults.add(Fault("status", "POST", "/v4/tags", status=503, times=None))
    first = the(bench.run()).id
    bench.kit.faults.clear()
    request = undo_request(bench.ledger, first, {}, UndoOptions(), (bench.request("undo").run, ORIGIN))
    bench.run()
    assert "access: replay" in bench.kit.tags_of(bench.ann)
    assert bench.applier.apply(request).status == "applied"
    assert bench.kit.tags_of(bench.ann) == ["Member: Gold"]


@pytest.mark.parametrize("commit", range(4))
def test_a_take_over_that_dies_leaves_no_grant_to_be_sent(bench: Bench, tmp_path: Path, commit: int) -> None:
    """What is counted as done by a person's word is begun and done in one commit."""
    new_ledger(tmp_path / "other").close()
    fate = Fate((0,) * commit + (2,), troubles=1)
    ledger = Ledger(FrailSqlite(tmp_path / "other" / "ledger.sqlite3", fate), Locks(tmp_path / "other" / "locks"))
    grant = increase(once_per="month")
    with pytest.raises(Crash):
        count_as_done(ledger, [grant], [Carrier(bench.ann, "ann@example.org", "")], "maria", bench.clock.now())
    list(
        finish_open(
            Applier(ledger, bench.crm, bench.clock, timedelta(0)), BatchOptions(bench.clock, bool, lambda *_: None)
        )
    )
    assert bench.credits == "5"
    ledger.close()
