"""How long is waited, and when it is enough."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ccops.server.worker import NEAR, look_again_at, pause_after, retry_at

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def waits() -> list[float]:
    """Return the seconds after the event at which a tag that stays away is looked for."""
    seconds, now = [], NOW
    while (again := look_again_at(NOW, now)) is not None:
        now = again
        seconds.append((now - NOW).total_seconds())
    return seconds


def test_a_tag_that_is_not_there_is_looked_for_for_ten_minutes() -> None:
    assert waits() == [5, 10, 20, 40, 80, 160, 280, 400, 520, 600]


@given(st.integers(0, 599_999))
def test_a_look_lies_ahead_and_never_behind_the_ten_minutes(milliseconds: int) -> None:
    now = NOW + timedelta(milliseconds=milliseconds)
    again = look_again_at(NOW, now)
    assert again is not None
    assert now < again <= NOW + NEAR + timedelta(seconds=1)


def test_an_event_found_late_is_given_up_at_once() -> None:
    assert look_again_at(NOW - timedelta(days=1), NOW) is None


def test_failures_are_tried_again_for_an_hour_and_then_left_to_a_person() -> None:
    until = [retry_at(tries, NOW) for tries in range(9)]
    moments = [moment for moment in until if moment is not None]
    assert until[8] is None
    assert moments == sorted(moments)
    assert timedelta(hours=1) < sum(((moment - NOW) for moment in moments), timedelta()) < timedelta(hours=2)


def test_the_first_tries_outlast_the_lag_of_kits_lists() -> None:
    assert sum(((retry_at(tries, NOW) or NOW) - NOW for tries in range(5)), timedelta()) > timedelta(minutes=5)


def test_while_kit_is_away_all_rests_longer_and_longer_up_to_five_minutes() -> None:
    assert [pause_after(failures).total_seconds() for failures in (0, 1, 2, 7, 8, 1000)] == [2, 4, 8, 256, 300, 300]
