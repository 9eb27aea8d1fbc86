"""Whether and when a request is repeated."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.crm.http.exchange import BUSY_ATTEMPTS, LONGEST_REQUESTED, TROUBLE_ATTEMPTS, TroubleKind, next_wait

KINDS: tuple[TroubleKind, ...] = get_args(TroubleKind)
TROUBLES = [kind for kind in KINDS if kind != "busy"]
chances = st.floats(0, 1, exclude_max=True)


def waits(kind: TroubleKind, chance: float) -> list[float | None]:
    """All waits of a call whose attempts all fail, up to the end."""
    found: list[float | None] = []
    while not found or found[-1] is not None:
        found.append(next_wait(len(found) + 1, kind, None, chance))
    return found


@pytest.mark.parametrize("kind", TROUBLES)
def test_trouble_is_repeated_after_doubled_waits_and_then_given_up(kind: TroubleKind) -> None:
    assert waits(kind, 0.5) == [0.5, 1, 2, 4, 8, None]
    assert len(waits(kind, 0.5)) == TROUBLE_ATTEMPTS


def test_a_429_is_waited_out_for_longer_than_the_window_of_60_seconds() -> None:
    shortest = waits("busy", 0)
    assert shortest == [1, 2, 4, 8, 16, 30, 30, None]
    assert len(shortest) == BUSY_ATTEMPTS


@given(st.integers(1, 30), st.sampled_from(KINDS), st.none() | st.floats(0, 10_000), chances)
def test_no_wait_is_negative_or_longer_than_the_longest(
    attempt: int, kind: TroubleKind, asked: float | None, chance: float
) -> None:
    wait = next_wait(attempt, kind, asked, chance)
    assert wait is None or 0 <= wait <= LONGEST_REQUESTED + 1


@given(st.integers(1, TROUBLE_ATTEMPTS - 1), st.sampled_from(KINDS), st.floats(0, LONGEST_REQUESTED), chances)
def test_what_the_service_asks_for_is_never_undercut(
    attempt: int, kind: TroubleKind, asked: float, chance: float
) -> None:
    wait = next_wait(attempt, kind, asked, chance)
    assert wait is not None
    assert asked <= wait <= asked + 1


def test_whoever_is_asked_to_wait_for_hours_gives_up_at_once() -> None:
    assert next_wait(1, "busy", 7200, 0.5) is None
