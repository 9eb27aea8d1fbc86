"""The rolling window: never too many, nearly all that is allowed, first come, first served."""

import heapq
import itertools
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.crm.http.rate_limit import LONGEST_HOLD, Quota, RequestWindow

RATE, WINDOW, SPAN = 12, 60.0, 61.0
TWELVE = Quota(RATE, SPAN)

gaps = st.lists(st.floats(0, 5) | st.just(0.0), min_size=30, max_size=80)
travels = st.lists(st.floats(0, SPAN - WINDOW), min_size=80, max_size=80)


def send_all(gaps: list[float], late: float = 0.0) -> list[float]:
    """When requests leave that come up after these gaps, each woken a little late."""
    schedule, now, sent = RequestWindow(), 1000.0, []
    for gap in gaps:
        now += gap
        schedule.tidy(now, SPAN)
        due = schedule.earliest(TWELVE)
        now = max(now, due + late if due > now else now)
        schedule.sent.append(now)
        sent.append(now)
    return sent


def most_in_a_window(times: list[float]) -> int:
    """The most times that any window of the service holds."""
    times = sorted(times)
    return max(bisect_left(times, start + WINDOW) - index for index, start in enumerate(times))


@given(gaps, travels)
def test_kit_never_sees_more_than_allowed_even_if_some_requests_travel_slowly(
    gaps: list[float], travels: list[float]
) -> None:
    arrived = [time + travel for time, travel in zip(send_all(gaps), travels, strict=False)]
    assert most_in_a_window(arrived) <= RATE


contacts = st.lists(st.tuples(st.floats(0, 30), st.floats(0, 20)), min_size=10, max_size=40)


@given(contacts)
def test_places_taken_in_pairs_and_used_later_keep_to_the_limit(contacts: list[tuple[float, float]]) -> None:
    """Each contact comes after a gap, takes two places, uses one at once and the other after a while."""
    schedule, sent, counter = RequestWindow(), list[float](), itertools.count()
    starts = itertools.accumulate((gap for gap, _ in contacts), initial=1000.0)
    events: list[tuple[float, int, float, float | None]] = [
        (start, next(counter), hold, None) for start, (_, hold) in zip(starts, contacts, strict=False)
    ]
    heapq.heapify(events)
    while events:
        now, number, hold, place = heapq.heappop(events)
        schedule.tidy(now, SPAN)
        if hold < 0:
            assert place is not None
            assert schedule.use(now, place) <= now
            sent.append(now)
            continue
        due = schedule.take(now, TWELVE, places=2, ticket=place)
        if due > now:
            heapq.heappush(events, (due, number, hold, due))
        else:
            heapq.heappush(events, (now, next(counter), -1.0, now))
            heapq.heappush(events, (now + hold, next(counter), -1.0, now))
    assert len(sent) == 2 * len(contacts)
    assert most_in_a_window(sent) <= RATE


@pytest.mark.parametrize("late", [0.0, 0.3])
def test_under_load_at_least_97_percent_of_the_allowance_are_used(late: float) -> None:
    sent = send_all([0.0] * RATE * 50, late)
    allowed = RATE * (sent[-1] - sent[0]) / WINDOW
    assert len(sent) / allowed >= 0.97


def test_those_who_wait_go_in_the_order_in_which_they_came() -> None:
    schedule, two = RequestWindow(sent=[1000.0, 1001.0]), Quota(2, SPAN)
    first, second = schedule.take(1002.0, two), schedule.take(1002.0, two)
    assert (first, second) == (1061.0, 1062.0)
    assert schedule.earliest(two, ticket=first) == 1061.0
    assert schedule.earliest(two, ticket=second) == 1062.0


def test_two_places_are_had_when_both_are_free() -> None:
    schedule, three = RequestWindow(sent=[1000.0, 1010.0]), Quota(3, SPAN)
    due = schedule.take(1020.0, three, places=2)
    assert (due, schedule.queue) == (1061.0, [1061.0, 1061.0])
    assert schedule.take(1061.0, three, places=2, ticket=due) == 1061.0
    assert (schedule.queue, schedule.sent) == ([], [1000.0, 1010.0, 1061.0, 1061.0])


def test_a_place_taken_before_counts_from_its_use() -> None:
    schedule = RequestWindow(sent=[1000.0, 1000.0])
    assert schedule.use(1003.0, 1000.0) <= 1003.0
    assert schedule.sent == [1000.0, 1003.0]


def test_a_place_taken_before_does_not_break_a_pause() -> None:
    schedule = RequestWindow(sent=[1000.0], until=1010.0)
    assert schedule.use(1003.0, 1000.0) == 1010.0
    assert schedule.sent == [1000.0]


def test_a_ticket_that_nobody_used_holds_nobody_up() -> None:
    schedule = RequestWindow(sent=[1000.0], queue=[1061.0])
    schedule.tidy(1063.0, SPAN)
    assert schedule.earliest(Quota(1, SPAN)) <= 1063.0


def test_a_clock_set_back_costs_one_window_at_most() -> None:
    schedule = RequestWindow(sent=[5000.0] * RATE, queue=[5061.0], until=9000.0)
    schedule.tidy(1000.0, SPAN)
    assert schedule.queue == []
    assert schedule.until == 1000.0 + LONGEST_HOLD
    schedule.until = 0.0
    assert schedule.earliest(TWELVE) == 1000.0 + SPAN


def test_pauses_double_while_they_follow_each_other_and_start_anew_after_peace() -> None:
    schedule, now, pauses = RequestWindow(), 1000.0, []
    for _ in range(7):
        schedule.hold(now, None)
        pauses.append(schedule.until - now)
        now = schedule.until + 1
    schedule.hold(now + 500, None)
    assert pauses == [2, 4, 8, 16, 32, 60, 60]
    assert schedule.until == now + 502


def test_many_workers_hearing_of_one_429_make_one_pause() -> None:
    schedule = RequestWindow()
    for _ in range(8):
        schedule.hold(1000.0, None)
    assert schedule.until == 1002.0


def test_what_the_service_asks_for_is_held_and_never_shortened() -> None:
    schedule = RequestWindow()
    schedule.hold(1000.0, 30)
    schedule.hold(1000.0, 5)
    schedule.hold(1000.0, None)
    assert schedule.earliest(TWELVE) == 1030.0


times = st.lists(st.floats(0, 1e11), max_size=9)


@given(times, times, st.floats(0, 1e11), st.floats(0, 60))
def test_a_schedule_survives_being_written_and_read(
    sent: list[float], queue: list[float], until: float, pause: float
) -> None:
    schedule = RequestWindow(sent, queue, until, pause)
    assert RequestWindow.from_line(schedule.to_line() + b"left over") == schedule


@given(st.binary())
def test_any_bytes_make_a_schedule(content: bytes) -> None:
    assert RequestWindow.from_line(content) == RequestWindow()


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        "[" * 9999,
        '{"sent": 5}',
        '{"until": "x"}',
        '{"sent": [null, "1", true, NaN, Infinity, -1, 1e300]}',
        '{"sent": [1' + "0" * 400 + "]}",
    ],
)
def test_damage_counts_as_nothing(line: str) -> None:
    assert RequestWindow.from_line(line.encode()) == RequestWindow()
