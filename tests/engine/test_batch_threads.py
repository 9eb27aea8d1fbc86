"""A few threads for many jobs: all of them done once, failures raised once what is in hand has ended."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from ccops.engine.batch import gravest, spread
from ccops.errors import CcopsError, CredentialRefused, LedgerUnusable, ServiceUnreachable


def never() -> bool:
    return False


def jobs(count: int, do: Callable[[int], int]) -> Iterator[Callable[[], int]]:
    return (partial(do, number) for number in range(count))


@pytest.mark.parametrize("workers", [1, 4])
def test_each_job_is_done_once(workers: int) -> None:
    assert sorted(spread(jobs(200, lambda number: number), workers, never)) == list(range(200))


def test_one_worker_does_jobs_in_their_order_and_takes_none_before_its_turn() -> None:
    seen: list[str] = []

    def source() -> Iterator[Callable[[], None]]:
        for number in range(3):
            seen.append(f"taken {number}")
            yield partial(seen.append, f"done {number}")

    list(spread(source(), 1, never))
    assert seen == ["taken 0", "done 0", "taken 1", "done 1", "taken 2", "done 2"]


def test_several_are_under_way_at_once_and_few_are_taken_ahead() -> None:
    together, taken, most = threading.Barrier(4, timeout=10), 0, 0

    def source() -> Iterator[Callable[[], int]]:
        nonlocal taken
        for _ in range(40):
            taken += 1
            yield together.wait

    for done, _ in enumerate(spread(source(), 4, never), 1):
        most = max(most, taken - done)
    assert most <= 8


@pytest.mark.parametrize("workers", [1, 3])
def test_asked_to_stop_no_more_is_begun_and_what_is_in_hand_is_given(workers: int) -> None:
    asked = threading.Event()

    def do(number: int) -> int:
        asked.set()
        return number

    done = list(spread(jobs(1000, do), workers, asked.is_set))
    assert 1 <= len(done) <= 2 * workers


def test_a_failure_is_raised_after_what_was_in_hand() -> None:
    begun = threading.Barrier(3, timeout=10)

    def do(number: int) -> int:
        if number < 3:
            begun.wait()
        if number == 1:
            raise ServiceUnreachable("away")
        return number

    given: list[int] = []
    with pytest.raises(ServiceUnreachable):
        given.extend(spread(jobs(1000, do), 3, never))
    assert {0, 2} <= set(given)
    assert len(given) < 1000


def test_a_source_that_fails_lets_what_was_taken_end() -> None:
    def source() -> Iterator[Callable[[], int]]:
        yield from jobs(5, lambda number: number)
        raise ServiceUnreachable("no next page")

    given: list[int] = []
    with pytest.raises(ServiceUnreachable, match="no next page"):
        given.extend(spread(source(), 4, never))
    assert sorted(given) == list(range(5))


@pytest.mark.parametrize("workers", [1, 4])
def test_who_would_have_to_wait_for_a_lock_when_asked_to_stop_is_not_done(workers: int) -> None:
    asked = threading.Event()

    def do(_number: int) -> int:
        asked.set()
        raise KeyboardInterrupt

    assert list(spread(jobs(10, do), workers, asked.is_set)) == []


@pytest.mark.parametrize("workers", [1, 4])
def test_an_interrupt_that_nobody_asked_for_is_passed_on(workers: int) -> None:
    def do(_number: int) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(spread(jobs(1, do), workers, never))


def test_no_thread_is_left_when_nobody_wants_more() -> None:
    source = spread(jobs(1000, lambda number: number), 4, never)
    next(source)
    assert isinstance(source, Iterator)
    getattr(source, "close")()  # noqa: B009 - a generator's, which the type does not promise
    mine = [thread for thread in threading.enumerate() if thread.name.startswith("crew-")]
    for thread in mine:
        thread.join(60)
    assert not any(thread.is_alive() for thread in mine)


def test_the_gravest_failure_speaks_for_all() -> None:
    bug, ledger, key = ZeroDivisionError(), LedgerUnusable("full"), CredentialRefused("no")
    away, more = ServiceUnreachable("away"), CcopsError("odd")
    assert gravest([away, key, ledger, bug]) is bug
    assert gravest([away, key, ledger]) is ledger
    assert gravest([away, key]) is key
    assert gravest([more, away]) is more
