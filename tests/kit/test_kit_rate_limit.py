"""Sharing the allowance: among threads, pacers and real processes, through damage and set clocks."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ccops.clock import SystemClock
from ccops.crm.http.rate_limit import HeldBack, Interrupted, NoRateLimit, PaceUnusable, SharedRateLimiter
from ccops.errors import LedgerUnusable, ServiceUnreachable

if TYPE_CHECKING:
    from tests.kit.conftest import FakeClock

WINDOW, SPAN = 60.0, 61.0


@pytest.fixture
def pace(tmp_path: Path) -> Path:
    """The file that is shared."""
    return tmp_path / "pace"


def seconds_for(pacer: SharedRateLimiter, clock: FakeClock, requests: int) -> float:
    """How long so many requests take."""
    started = clock.now()
    for _ in range(requests):
        pacer.wait()
    return (clock.now() - started).total_seconds()


def test_the_allowance_is_used_at_once_and_then_as_it_comes_back(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 120, WINDOW, clock)
    assert seconds_for(pacer, clock, 120) == 0
    assert seconds_for(pacer, clock, 1) == pytest.approx(SPAN, abs=0.01)
    assert seconds_for(pacer, clock, 120 * 10) == pytest.approx(10 * SPAN, abs=0.1)


def test_two_pacers_of_one_home_share_one_allowance(pace: Path, clock: FakeClock) -> None:
    one, other = SharedRateLimiter(pace, 10, WINDOW, clock), SharedRateLimiter(pace, 10, WINDOW, clock)
    assert seconds_for(one, clock, 6) + seconds_for(other, clock, 4) == 0
    assert seconds_for(other, clock, 1) == pytest.approx(SPAN, abs=0.01)


def test_the_allowance_outlives_the_process(pace: Path, clock: FakeClock) -> None:
    seconds_for(SharedRateLimiter(pace, 10, WINDOW, clock), clock, 10)
    assert seconds_for(SharedRateLimiter(pace, 10, WINDOW, clock), clock, 1) == pytest.approx(SPAN, abs=0.01)


def test_a_429_holds_back_every_process(pace: Path, clock: FakeClock) -> None:
    SharedRateLimiter(pace, 10, WINDOW, clock).slow_down(7)
    assert seconds_for(SharedRateLimiter(pace, 10, WINDOW, clock), clock, 1) == pytest.approx(7, abs=0.01)


def test_a_rate_of_0_paces_nothing_and_makes_no_file(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 0, WINDOW, clock)
    pacer.slow_down(60)
    pacer.reserve(2)
    assert seconds_for(pacer, clock, 1000) == 0
    assert not pace.exists()


def test_reserved_requests_leave_together(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 10, WINDOW, clock)
    seconds_for(pacer, clock, 5)
    clock.sleep(10)
    seconds_for(pacer, clock, 4)
    pacer.reserve(2)
    assert clock.slept[-1] == pytest.approx(SPAN - 10, abs=0.01)
    assert seconds_for(pacer, clock, 2) == 0


def test_a_reserved_place_that_was_not_used_serves_the_next_request(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 3, WINDOW, clock)
    pacer.reserve(2)
    pacer.wait()
    pacer.reserve(2)
    assert clock.slept == []
    pacer.reserve(3)
    assert clock.slept == [pytest.approx(SPAN)]


def test_a_reserved_place_counts_from_its_use(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 2, WINDOW, clock)
    pacer.reserve(2)
    clock.sleep(30)
    assert seconds_for(pacer, clock, 2) == 0
    assert seconds_for(pacer, clock, 1) == pytest.approx(SPAN, abs=0.01)


def test_a_place_reserved_long_ago_is_none(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 2, WINDOW, clock)
    pacer.reserve(2)
    clock.sleep(SPAN + 1)
    seconds_for(SharedRateLimiter(pace, 2, WINDOW, clock), clock, 2)
    assert seconds_for(pacer, clock, 1) == pytest.approx(SPAN, abs=0.01)


def test_more_than_the_allowance_cannot_be_reserved(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 1, WINDOW, clock)
    pacer.reserve(2)
    assert clock.slept == []


def test_a_reserved_request_keeps_to_a_pause(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 10, WINDOW, clock)
    pacer.reserve(2)
    pacer.slow_down(7)
    assert seconds_for(pacer, clock, 2) == pytest.approx(7, abs=0.01)


def test_a_short_hold_is_waited_for_and_a_long_one_given_up_at_once(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 10, WINDOW, clock)
    pacer.slow_down(4)
    pacer.wait(within=5)
    assert clock.slept == [pytest.approx(4, abs=0.01)]
    pacer.slow_down(6)
    with pytest.raises(HeldBack, match="held back for 6 s more"):
        pacer.wait(within=5)
    assert len(clock.slept) == 1
    assert '"queue": []' in pace.read_text()


def test_an_allowance_used_up_is_given_up_just_so(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 1, WINDOW, clock)
    pacer.wait()
    with pytest.raises(HeldBack):
        pacer.wait(within=5)
    assert clock.slept == []


@pytest.mark.timeout(300)
def test_the_limit_is_measured_by_a_clock_that_nobody_sets(pace: Path, clock: FakeClock) -> None:
    def set_back(seconds: float) -> None:  # noqa: ARG001 - a sleep that the clock does not show
        time.sleep(0.02)
        clock.moment -= timedelta(seconds=1)

    clock.sleep = set_back  # type: ignore[method-assign]
    pacer = SharedRateLimiter(pace, 10, WINDOW, clock)
    pacer.slow_down(0.5)
    with pytest.raises(HeldBack):
        pacer.wait(within=0.51)


def test_a_reservation_waits_for_a_hold_even_if_no_place_is_missing(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 10, WINDOW, clock)
    pacer.reserve(2)
    pacer.slow_down(7)
    pacer.reserve(2)
    assert clock.slept == [pytest.approx(7, abs=0.01)]
    assert seconds_for(pacer, clock, 2) == 0


def test_a_reservation_that_lacks_no_place_does_not_queue(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 2, WINDOW, clock)
    pacer.reserve(2)
    pacer.reserve(2)
    assert clock.slept == []


def test_no_pacing_is_no_pacing() -> None:
    NoRateLimit().reserve(2)
    NoRateLimit().slow_down(60)
    NoRateLimit().wait()


@pytest.mark.parametrize("content", [b"", b"\0" * 500, b"{", b'{"sent": [1e400]}', b"\xff" * 2_000_000])
def test_a_damaged_file_is_begun_anew(content: bytes, pace: Path, clock: FakeClock) -> None:
    pace.write_bytes(content)
    pacer = SharedRateLimiter(pace, 10, WINDOW, clock)
    assert seconds_for(pacer, clock, 10) == 0
    assert seconds_for(pacer, clock, 1) == pytest.approx(SPAN, abs=0.01)
    assert pace.stat().st_size < 1000


def test_the_file_belongs_to_its_owner_alone(tmp_path: Path, clock: FakeClock) -> None:
    pace = tmp_path / "locks" / "pace"
    SharedRateLimiter(pace, 10, WINDOW, clock).wait()
    assert (pace.stat().st_mode & 0o777, pace.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("place", ["missing/folder/pace", "."])
def test_a_file_that_cannot_be_used_is_said(place: str, tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(PaceUnusable, match=r"can't be used: (No such file|Is a directory)") as caught:
        SharedRateLimiter(tmp_path / place, 10, WINDOW, clock).wait()
    assert isinstance(caught.value, LedgerUnusable)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1), timedelta(seconds=-20)])
def test_a_clock_that_is_set_costs_one_window_at_most(step: timedelta, pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 10, WINDOW, clock)
    seconds_for(pacer, clock, 10)
    clock.moment += step
    assert seconds_for(pacer, clock, 1) <= SPAN + 0.01


def test_a_clock_set_back_while_someone_waits_costs_one_window_at_most(pace: Path, clock: FakeClock) -> None:
    pacer = SharedRateLimiter(pace, 10, WINDOW, clock)
    seconds_for(pacer, clock, 10)
    sleep = clock.sleep

    def set_back(seconds: float) -> None:
        clock.moment -= timedelta(hours=1)
        clock.sleep = sleep  # type: ignore[method-assign] # only the first sleep is disturbed
        sleep(seconds)

    clock.sleep = set_back  # type: ignore[method-assign]
    pacer.wait()
    assert sum(clock.slept) <= 2 * SPAN + 0.1


def test_whoever_is_asked_to_stop_does_not_wait_for_a_turn(pace: Path) -> None:
    stop = threading.Event()
    stop.set()
    pacer = SharedRateLimiter(pace, 1, WINDOW, SystemClock(stop))
    pacer.wait()
    with pytest.raises(Interrupted) as caught:
        pacer.wait()
    assert isinstance(caught.value, ServiceUnreachable)
    assert '"queue": []' in pace.read_text()


class Noting(SystemClock):
    """Remembers for each thread when it looked last: a pacer lets a request go at the moment at which it last looked.

    A busy machine may go on with the thread much later; that is not the pacer's doing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.here = threading.local()

    def now(self) -> datetime:
        """Look at the clock."""
        self.here.looked = super().now()
        looked: datetime = self.here.looked
        return looked


def test_threads_share_the_allowance(pace: Path) -> None:
    clock = Noting()
    pacer, sent = SharedRateLimiter(pace, 20, 0.5, clock, margin=0.1), list[float]()

    def work() -> None:
        for _ in range(10):
            pacer.wait()
            sent.append(clock.here.looked.timestamp())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 40
    assert most_in_a_window(sent, 0.5) <= 20


PROCESS = """
import sys, time
from pathlib import Path
from ccops.crm.http.rate_limit import SharedRateLimiter
from tests.kit.test_kit_rate_limit import Noting

clock = Noting()
pacer = SharedRateLimiter(Path(sys.argv[1]), 30, 1.0, clock, margin=0.1)
print("ready", flush=True)
most, ends = map(float, sys.stdin.readline().split())
while most and time.time() < ends:
    pacer.wait()
    print(clock.here.looked.timestamp(), flush=True)
    most -= 1
    time.sleep(0.01)  # the request
"""
TOP = Path(__file__).parents[2]


def sent_by_three(pace: Path, most: float, seconds: float) -> list[list[float]]:
    """When each of three processes was let go, as often as they may or until so many seconds have passed."""
    words = [sys.executable, "-c", PROCESS, str(pace)]
    workers = [
        subprocess.Popen(words, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    ends = time.time() + seconds
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(f"{most} {ends}\n")
        worker.stdin.flush()
    shares = [[float(line) for line in worker.communicate()[0].split()] for worker in workers]
    return [[moment for moment in share if moment < ends] for share in shares]


def test_processes_share_the_allowance(pace: Path) -> None:
    shares = sent_by_three(pace, most=30, seconds=200)
    assert [len(share) for share in shares] == [30, 30, 30]
    assert most_in_a_window([*chain(*shares)], 1.0) <= 30


@pytest.mark.campaign
def test_processes_share_the_allowance_fairly_and_use_it_up(pace: Path) -> None:
    """Three windows with a margin of 0.1 s: 30 requests from 0 s, 30 from 1.1 s, 30 from 2.2 s on.

    It takes a machine that has time for them: nobody can use what is there while being asleep.
    """
    shares = sent_by_three(pace, most=90, seconds=2.7)
    assert sum(map(len, shares)) >= 0.97 * 90
    assert most_in_a_window([*chain(*shares)], 1.0) <= 30
    assert min(map(len, shares)) >= 15


def most_in_a_window(sent: list[float], window: float) -> int:
    """The most requests that any window held."""
    return max(sum(start <= moment < start + window for moment in sent) for start in sent)
