"""A dry run says what the real run then does: in every state that the model of the protocol knows, for each request."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ccops.engine.outcomes import Outcome
from ccops.errors import CcopsError
from tests.engine.conftest import RECEIPT
from tests.engine.frail import Effect
from tests.engine.test_apply_model import IN_ROWS, PROBE, SCENARIOS, _late
from tests.engine.test_apply_model import walker as walker  # noqa: PLC0414
from tests.engine.walks import STEP, Ask, Scenario, State, Step, Walker

pytestmark = pytest.mark.slow

HARD = ("one period", "by hand", "undo and reopen", "an undo comes back beside a rerun")
"""What is walked every time; the rest is in a campaign."""


@pytest.mark.parametrize("scenario", HARD)
def test_dry_run_and_run_come_to_one_verdict_in_every_state(walker: Walker, scenario: str) -> None:
    assert compare(walker, SCENARIOS[scenario], troubles=1, by_hand=False) > 100


@pytest.mark.campaign
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_dry_run_and_run_come_to_one_verdict_after_two_troubles(walker: Walker, scenario: str) -> None:
    assert compare(walker, SCENARIOS[scenario], troubles=2) > 100


@pytest.mark.campaign
@pytest.mark.parametrize("scenario", IN_ROWS)
def test_dry_run_and_run_come_to_one_verdict_where_rows_came_apart(walker: Walker, scenario: str) -> None:
    assert compare(walker, IN_ROWS[scenario], troubles=1) > 100


def compare(walker: Walker, scenario: Scenario, troubles: int, *, by_hand: bool = True) -> int:
    """Compare every request in every state, at once and later; return how many verdicts there were."""
    seen, verdicts = set[str](), 0

    def check(step: Step) -> None:
        nonlocal verdicts
        calm = replace(step.after, troubles=0, kit=replace(step.after.kit, hands=()))
        for state in (calm, *_late(calm), *(touched(calm) if by_hand else ())):
            for at in (state, replace(state, moment=state.moment + STEP)):
                if at.key not in seen:
                    seen.add(at.key)
                    asks = {**scenario.asks, "probe": PROBE}
                    verdicts += sum(agree(walker, at, name, ask) for name, ask in asks.items())

    for _ in walker.ends(scenario, troubles, check):
        pass
    return verdicts


def touched(state: State) -> Iterator[State]:
    """Somebody changes the contact by hand once no run is at work: empties the receipt, changes the value, or both."""
    values = [(RECEIPT, ""), ("credits", "50000")]
    for acts in (values[:1], values[1:], values):
        yield replace(state, kit=state.kit.after(Effect("by hand", tuple(acts))), story=(*state.story, str(acts)))


def agree(walker: Walker, state: State, name: str, ask: Ask) -> bool:
    """Demand that the run ends as the dry run said; False where the dry run leaves open what a write under way does."""
    told = walker.foresee(state, ask)
    if isinstance(told, Outcome) and told.status == "open":
        return False
    try:
        done: Outcome | type[CcopsError] | None = walker.ask(state, name, ask).outcome
    except CcopsError as error:
        done = type(error)
    if done is None:  # there is nothing to undo, which is said before anything is asked for
        return False
    assert verdict(told) == verdict(done), state.story
    return True


def verdict(said: Outcome | type[CcopsError]) -> object:
    if not isinstance(said, Outcome):
        return said
    if said.status in {"previewed", "applied"}:
        return "applied", said.before, said.after
    return said.status, said.reason
