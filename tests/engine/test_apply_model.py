"""A model of all that can happen to two entries on one contact, walked state by state to every end.

The applier and the ledger are the real ones; the CRM and the moments of death are made up. A trouble is a crash before
or after any commit or request, an answer that is lost, a write that comes late or in part, a refusal, or somebody who
changes the contact by hand. Every way in which a number of troubles can fall upon the requests is gone.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from ccops.engine.errors import NotUndoable
from ccops.engine.outcomes import Request
from ccops.engine.settle import SettleWord
from ccops.engine.undo import UndoOptions, undo_request
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.operations.model import Change, Operation, Tag
from ccops.operations.occasion import for_tag
from tests.engine.conftest import ORIGIN, RECEIPT
from tests.engine.frail import ANN, Kit
from tests.engine.oracle import (
    AMOUNTS,
    Broken,
    check_end,
    check_noticed,
    check_step,
    counted,
    mine,
    takes_off,
    unfounded,
)
from tests.engine.walks import START, Ask, Scenario, State, Walker

pytestmark = pytest.mark.slow

MEMORY: Final = Path("/dev/shm")


def increase(name: str, amount: int, **more: object) -> Operation:
    change = replace(Change("credits", "increase", amount=Decimal(amount)), **more)  # type: ignore[arg-type]
    return Operation(name, (change,), "UTC")


def asking(operation: Operation, occasion: str = "key:1", who: int | str = ANN, period: str | None = None) -> Ask:
    return lambda _ledger: Request(operation, who, occasion, 1, ORIGIN, period=period)


def undoing(entry: int, *, reopen: bool = False) -> Ask:
    """Undo an entry as a command does that looked long ago whether it can be undone."""
    return lambda ledger: undo_request(ledger, entry, {}, UndoOptions(reopen=reopen), (1, ORIGIN))


def undoing_undo_of(entry: int) -> Ask:
    """Undo what has undone an entry, if anything has; the newest, if several have."""

    def ask(ledger: Ledger) -> Request:
        undos = [each for each in ledger.entries.of_run(1) if each.undoes == entry]
        if not undos or undos[-1].status != "applied":
            raise NotUndoable(ledger.entries.get(entry))
        return undo_request(ledger, undos[-1].id, {}, UndoOptions(), (1, ORIGIN))

    return ask


A: Final = increase("a", AMOUNTS["a"])
A_UP_TO_50: Final = increase("a", AMOUNTS["a"], maximum=Decimal(50))
A_BY_TAG: Final = replace(A, tag=Tag(1, "credit"))
B: Final = replace(
    increase("b", AMOUNTS["b"]),
    changes=(*increase("b", AMOUNTS["b"]).changes, Change("points", "increase", amount=Decimal(100))),
)
EARLIER: Final = asking(increase("earlier", 1))
PROBE: Final = asking(increase("probe", AMOUNTS["probe"]))

NEW: Final = Kit((("credits", "5"), ("points", "0"), (RECEIPT, None)))
"""A contact that has no receipt yet."""
KNOWN: Final = Kit((("credits", "4"), ("points", "0"), (RECEIPT, None)))
"""A contact that the request before, `EARLIER`, gives a receipt."""
HANDS: Final = ("credits=50000", "credits=5", f"{RECEIPT}=")
MONTH: Final = "month:2026-11"

SCENARIOS: Final = {
    "two operations": Scenario({"a": asking(A), "b": asking(B)}, KNOWN, (EARLIER,)),
    "two operations, new contact": Scenario({"a": asking(A), "b": asking(B)}, NEW),
    "by hand": Scenario({"a": asking(A), "b": asking(B)}, replace(KNOWN, hands=HANDS), (EARLIER,)),
    "by hand, new contact": Scenario({"a": asking(A), "b": asking(B)}, replace(NEW, hands=HANDS)),
    "by address": Scenario({"a": asking(A, who="ann@example.org"), "b": asking(B, who="ann@example.org")}, NEW),
    "a limit": Scenario({"a": asking(A_UP_TO_50), "b": asking(B)}, replace(KNOWN, hands=HANDS), (EARLIER,)),
    "one period": Scenario(
        {"a": asking(A, "key:1", period=MONTH), "a again": asking(A, "key:2", period=MONTH)}, KNOWN, (EARLIER,)
    ),
    "undo": Scenario({"undo": undoing(2), "b": asking(B)}, KNOWN, (EARLIER, asking(A))),
    "undo and reopen": Scenario({"undo": undoing(2, reopen=True), "a": asking(A)}, KNOWN, (EARLIER, asking(A))),
    "an undo comes back beside a rerun": Scenario(
        {"back": undoing(3), "a": asking(A)}, KNOWN, (EARLIER, asking(A), undoing(2, reopen=True))
    ),
    "an undo of three undos beside a rerun": Scenario(
        {"back": undoing(5), "a": asking(A)},
        KNOWN,
        (EARLIER, asking(A), undoing(2, reopen=True), undoing(3), undoing(4)),
    ),
    "a period comes back beside a rerun": Scenario(
        {"back": undoing(3), "a again": asking(A, "key:2", period=MONTH)},
        KNOWN,
        (EARLIER, asking(A, period=MONTH), undoing(2, reopen=True)),
    ),
    "a chain of undos beside a rerun": Scenario(
        {"undo": undoing(2, reopen=True), "back": undoing_undo_of(2), "again": undoing_undo_of(3), "a": asking(A)},
        KNOWN,
        (EARLIER, asking(A)),
        once=frozenset({"undo", "back", "again", "a"}),
    ),
    "a tag": Scenario(
        {"a": asking(A_BY_TAG, for_tag(1, START)), "b": asking(B)}, replace(KNOWN, tagged=START), (EARLIER,)
    ),
}

OUR_A: Final = increase("a", AMOUNTS["a"], sole_writer=True)
OUR_B: Final = increase("b", AMOUNTS["b"], sole_writer=True)
OUR_A_UP_TO_50: Final = increase("a", AMOUNTS["a"], sole_writer=True, maximum=Decimal(50))
OUR_A_BY_TAG: Final = replace(OUR_A, tag=Tag(1, "credit"))
OUR_WIDE_A: Final = replace(
    OUR_A, changes=(*OUR_A.changes, Change("points", "increase", amount=Decimal(100), sole_writer=True))
)
BOTH: Final = frozenset({"a", "b"})

IN_ROWS: Final = {
    "two operations": Scenario({"a": asking(OUR_A), "b": asking(OUR_B)}, KNOWN, (EARLIER,), BOTH),
    "by list and by id": Scenario({"a": asking(OUR_A), "b": asking(OUR_B)}, KNOWN, (EARLIER,), frozenset({"a"})),
    "one period": Scenario(
        {"a": asking(OUR_A, "key:1", period=MONTH), "a again": asking(OUR_A, "key:2", period=MONTH)},
        KNOWN,
        (EARLIER,),
        frozenset({"a", "a again"}),
    ),
    "an undo comes back beside a rerun": Scenario(
        {"back": undoing(3), "a": asking(OUR_A)},
        KNOWN,
        (EARLIER, asking(OUR_A), undoing(2, reopen=True)),
        frozenset({"a"}),
    ),
    "a limit": Scenario({"a": asking(OUR_A_UP_TO_50), "b": asking(OUR_B)}, KNOWN, (EARLIER,), BOTH),
    "a tag": Scenario(
        {"a": asking(OUR_A_BY_TAG, for_tag(1, START)), "b": asking(OUR_B)},
        replace(KNOWN, tagged=START),
        (EARLIER,),
        BOTH,
    ),
    "two fields": Scenario({"a": asking(OUR_WIDE_A), "b": asking(OUR_B)}, KNOWN, (EARLIER,), BOTH),
    "by hand, against the promise": Scenario(
        {"a": asking(OUR_A), "b": asking(OUR_B)}, replace(KNOWN, hands=HANDS), (EARLIER,), BOTH
    ),
}
"""What goes by a list of contacts whose field nobody else writes: values and receipt leave as rows of their own."""

IN_ROWS_AT_EACH_GATE: Final = (
    "two operations",
    "by list and by id",
    "one period",
    "an undo comes back beside a rerun",
)

TWICE: Final = ("one period",)
"""What is walked with two troubles every time; the rest is in a campaign."""


@pytest.fixture
def walker() -> Iterator[Walker]:
    """A walker whose ledgers are in memory, if the machine has a place for that: durability is not what it tests."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Walker(Path(folder))


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name not in TWICE])
def test_with_one_trouble_each_occasion_counts_once(walker: Walker, scenario: str) -> None:
    assert walk(walker, SCENARIOS[scenario], troubles=1) >= 20
    assert walker.states > 50


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", TWICE)
def test_with_two_troubles_each_occasion_counts_once(walker: Walker, scenario: str) -> None:
    assert walk(walker, SCENARIOS[scenario], troubles=2) > 100
    assert walker.states > 500


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name not in TWICE])
def test_with_any_two_troubles_each_occasion_counts_once(walker: Walker, scenario: str) -> None:
    walk(walker, SCENARIOS[scenario], troubles=2)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", ["two operations", "one period", "undo and reopen"])
def test_with_three_troubles_each_occasion_counts_once(walker: Walker, scenario: str) -> None:
    walk(walker, SCENARIOS[scenario], troubles=3)


@pytest.mark.parametrize("scenario", IN_ROWS_AT_EACH_GATE)
def test_in_rows_with_one_trouble_each_occasion_counts_once(walker: Walker, scenario: str) -> None:
    assert walk(walker, IN_ROWS[scenario], troubles=1) > 20
    assert walker.states > 50


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", [name for name in IN_ROWS if name not in IN_ROWS_AT_EACH_GATE])
def test_in_rows_with_any_one_trouble_each_occasion_counts_once(walker: Walker, scenario: str) -> None:
    walk(walker, IN_ROWS[scenario], troubles=1)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("scenario", IN_ROWS)
def test_in_rows_with_two_troubles_each_occasion_counts_once(walker: Walker, scenario: str) -> None:
    walk(walker, IN_ROWS[scenario], troubles=2)


def walk(walker: Walker, scenario: Scenario, troubles: int) -> int:
    """Go every way of a scenario and judge its ends, those that are alike once; return how many there were."""
    number, judged = 0, set[str]()
    for end in walker.ends(scenario, troubles, check_step):
        number += 1
        calm = replace(end, troubles=0, kit=replace(end.kit, hands=()))
        check_end(calm)
        for state in _late(calm):
            if state.key not in judged:
                judged.add(state.key)
                _judge(walker, scenario, state)
    return number


def _late(state: State) -> Iterator[State]:
    """What is still under way never arrives, or one of it arrives now, or all of it does."""
    yield replace(state, kit=replace(state.kit, under_way=()))
    for which in range(len(state.kit.under_way)):
        kit = replace(state.kit.arrival(which), under_way=())
        yield replace(state, kit=kit, story=(*state.story, f"a late write arrives ({which})"))
    if len(state.kit.under_way) > 1:
        kit = state.kit
        while kit.under_way:
            kit = kit.arrival(0)
        yield replace(state, kit=kit, story=(*state.story, "all late writes arrive"))


def _judge(walker: Walker, scenario: Scenario, state: State) -> None:
    """Ask again for what was done, then for something else; then let a person say what nobody else can."""
    state = _again(walker, scenario, state)
    state = walker.ask(state, "probe", PROBE).after
    check_end(state)
    check_noticed(state)
    _settle(walker, scenario, state)


def _again(walker: Walker, scenario: Scenario, state: State) -> State:
    done = {
        (entry.operation, entry.occasion)
        for entry in mine(state)
        if entry.status in {"applied", "undone"} and not entry.reopened
    }
    for name, ask in scenario.asks.items():
        step = walker.ask(state, name, ask)
        if step.outcome is None or (step.outcome.operation, step.outcome.occasion) in done:
            check_step(step)
            assert not step.written
            state = step.after
            _check_tag(state)
    return state


def _check_tag(state: State) -> None:
    """A tagging whose operation was applied is off once it is seen again; a newer one stays."""
    if any(entry.occasion.startswith("tag:") and entry.status == "applied" for entry in state.entries):
        assert state.kit.tagged != START
        assert set(state.kit.untagged) <= {START}


def _settle(walker: Walker, scenario: Scenario, state: State) -> None:
    """Any parked entry can be settled by the truth; then all goes on, and nothing else goes wrong."""
    gone = unfounded(state)
    while parked := [entry for entry in state.entries if entry.status == "parked"]:
        state = walker.settle(state, parked[0].id, _truth(parked[0], state))
    for name, ask in {**scenario.repeatable, "probe": PROBE}.items():
        step = walker.ask(state, name, ask)
        check_step(step)
        state = step.after
    left = {entry.status for entry in state.entries if not _may_stay_failed(entry, scenario)}
    if not left <= {"applied", "undone", "refused"}:
        raise Broken("a person's word did not end it", state)
    assert unfounded(state) <= gone


def _may_stay_failed(entry: Entry, scenario: Scenario) -> bool:
    """Whether nothing tries a failure again: it gave way to what came back, or what it would bring back ran again."""
    return entry.status == "failed" and (entry.reopened or entry.undoes is not None or bool(scenario.once))


def _truth(entry: Entry, state: State) -> SettleWord:
    """What a person sees who looks at the credits."""
    done = [other for other in mine(state) if other.status == "applied" and other.undoes is None]
    others = [other for other in done if other.operation == entry.operation]
    seen = counted(dict(state.kit.fields)["credits"], entry.operation)
    if not entry.sends:
        return "not-applied"
    if takes_off(entry, state):
        return "not-applied" if seen else "applied"
    return "applied" if seen > len(others) else "not-applied"
