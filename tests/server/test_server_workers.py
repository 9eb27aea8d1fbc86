"""The threads behind the inbox, with work that is made to fail."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccops.clock import SystemClock
from ccops.engine.errors import ClockWrong
from ccops.errors import CredentialRefused, Misconfigured, ServiceUnreachable
from ccops.ledger.errors import LedgerBusy
from ccops.ledger.inbox import Arrival, Ending, Event
from ccops.ledger.ledger import Ledger
from ccops.server.worker import EventSignals, Workers

pytestmark = pytest.mark.slow


class Halting(SystemClock):
    """The machine's clock, which a test may halt."""

    def __init__(self) -> None:
        super().__init__()
        self.halted: datetime | None = None

    def now(self) -> datetime:
        return self.halted or super().now()


class Site:
    """An inbox with workers, and what they were seen to do."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.inbox = ledger.inbox
        self.event_signals = EventSignals(2)
        self.stop = threading.Event()
        self.clock = Halting()
        self.do: Callable[[Sequence[Event]], None] = self.end
        self.told: list[str] = []
        self.failed: list[str] = []
        self.failing_to_note: Exception | None = None
        self.paused: frozenset[str] = frozenset()
        self.workers = Workers(
            self.inbox,
            self.event_signals,
            self.clock,
            work=lambda batch: self.do(batch),  # noqa: PLW0108 - tests put another in its place
            failed=self._fail,
            paused=lambda: self.paused,
            stop=self.stop,
            tell=self.told.append,
        )

    def now(self) -> datetime:
        return self.clock.now()

    def end(self, batch: Sequence[Event]) -> None:
        self.inbox.end(batch, Ending("applied"), self.now())

    def _fail(self, batch: Sequence[Event], reason: str) -> None:
        if self.failing_to_note is not None:
            raise self.failing_to_note
        self.failed.append(reason)
        self.inbox.park(batch, Ending("failed", reason), self.now())

    def put(self, *whos: str) -> None:
        arrivals = [Arrival("post", "grant", who, self.now(), self.now(), f"{who}-{n}") for n, who in enumerate(whos)]
        self.inbox.accept(arrivals)
        self.event_signals.ring()

    def await_idle(self) -> None:
        self.wait_until(lambda: self.inbox.backlog().waiting == 0)

    def wait_until(self, reached: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(6000):
            if reached():
                return
            pause.wait(0.01)
        raise TimeoutError(self.told)


@pytest.fixture
def resting(tmp_path: Path) -> Iterator[Site]:
    """A site whose workers have not been started yet."""
    ledger = Ledger.create(tmp_path / "ledger.sqlite3", tmp_path / "locks")
    ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
    site = Site(ledger)
    yield site
    site.stop.set()
    site.workers.join()
    ledger.close()


@pytest.fixture
def site(resting: Site) -> Site:
    resting.workers.start()
    return resting


def failing(site: Site, error: Exception, times: int = 1) -> Callable[[Sequence[Event]], None]:
    left = [error] * times

    def work(batch: Sequence[Event]) -> None:
        with suppress(IndexError):  # threads ask at the same time
            raise left.pop()
        site.end(batch)

    return work


def test_a_contact_is_in_one_hand_at_a_time(site: Site) -> None:
    in_hand: list[str] = []
    clashes: list[str] = []

    def work(batch: Sequence[Event]) -> None:
        who = batch[0].who
        clashes.extend([who] if who in in_hand else [])
        in_hand.append(who)
        threading.Event().wait(0.002)
        in_hand.remove(who)
        site.end(batch)

    site.do = work
    site.put(*["1", "2", "3"] * 20)
    site.await_idle()
    assert clashes == []


@pytest.mark.parametrize(
    "error",
    [
        ServiceUnreachable("Kit is away"),
        CredentialRefused("no"),
        LedgerBusy(Path("x")),
        ClockWrong(datetime(2026, 11, 22, tzinfo=UTC), timedelta(days=31)),
    ],
)
def test_trouble_from_outside_is_told_and_costs_no_event_a_try(site: Site, error: Exception) -> None:
    site.do = failing(site, error)
    site.put("1")
    site.await_idle()
    event = site.inbox.find(1)
    assert event is not None
    assert (event.state, event.tries) == ("done", 0)
    assert site.told == [f"{error} (goes on in 2 s)"]


def test_trouble_that_all_threads_meet_is_told_once(site: Site) -> None:
    together = threading.Barrier(4, timeout=60)

    def work(_: Sequence[Event]) -> None:
        together.wait()
        raise ServiceUnreachable("Kit is away")

    site.do = work
    site.clock.halted = site.now()
    site.put("1", "2", "3", "4")
    site.wait_until(lambda: all(event.reason for event in site.inbox.unended()))
    site.do = site.end
    site.clock.halted = None
    site.await_idle()
    assert site.told == ["Kit is away (goes on in 2 s)"]


def test_trouble_of_one_event_is_its_own(site: Site) -> None:
    site.do = failing(site, Misconfigured("this field is gone"))
    site.put("1", "2")
    site.await_idle()
    assert (site.failed, site.told) == (["this field is gone"], [])


def test_a_mistake_of_ours_is_told_and_stops_nobody(site: Site) -> None:
    site.do = failing(site, ZeroDivisionError("secret"))
    site.put("1", "2")
    site.await_idle()
    assert site.failed == ["internal error (ZeroDivisionError)"]
    assert len(site.told) == 1
    assert "secret" not in site.told[0]


def test_a_contact_for_which_kit_always_fails_stops_no_other(site: Site) -> None:
    def work(batch: Sequence[Event]) -> None:
        if batch[0].who == "1":
            raise ServiceUnreachable("it answered 500")
        site.end(batch)

    site.do = work
    site.put("1")
    site.wait_until(lambda: site.told == ["it answered 500 (goes on in 2 s)"])
    site.put("2", "3")
    site.wait_until(lambda: site.inbox.backlog().waiting == 1)
    site.wait_until(lambda: site.failed == ["it answered 500"])
    site.put("2", "3")
    site.await_idle()
    assert site.inbox.backlog().parked == 1


def test_a_ledger_that_is_away_for_a_while_is_told_and_waited_for(site: Site, tmp_path: Path) -> None:
    path, away = tmp_path / "ledger.sqlite3", tmp_path / "away.sqlite3"
    site.ledger.close()
    path.rename(away)
    site.event_signals.ring()
    site.wait_until(lambda: bool(site.told))
    away.rename(path)
    site.put("1")
    site.await_idle()
    assert all("goes on in" in line for line in site.told)


def test_trouble_in_noting_a_failure_does_not_end_a_thread(site: Site) -> None:
    site.do = failing(site, Misconfigured("this field is gone"), times=2)
    site.failing_to_note = ZeroDivisionError("secret")
    site.put("1")
    site.wait_until(lambda: bool(site.told))
    site.failing_to_note = None
    site.await_idle()
    assert site.told[0] == "internal error: ZeroDivisionError at the inbox"


def test_what_is_in_hand_is_finished_when_it_stops(site: Site) -> None:
    begun, go = threading.Event(), threading.Event()

    def work(batch: Sequence[Event]) -> None:
        begun.set()
        go.wait(60)
        site.end(batch)

    site.do = work
    site.put("1", "1", "1")
    assert begun.wait(60)
    site.stop.set()
    go.set()
    site.workers.join()
    assert site.inbox.backlog().waiting == 2


def test_a_paused_operation_waits_until_it_is_resumed(resting: Site) -> None:
    site = resting
    site.paused = frozenset({"grant"})
    site.workers.start()  # only now: a look that was under way when it was paused would still take the event
    site.put("1")
    threading.Event().wait(0.1)
    assert site.inbox.backlog().waiting == 1
    site.paused = frozenset()
    site.await_idle()


def test_only_so_many_may_watch_and_each_hears_of_its_own(site: Site) -> None:
    with (
        site.event_signals.watching(1) as first,
        site.event_signals.watching(2) as second,
        site.event_signals.watching(3) as third,
    ):
        assert first is not None
        assert second is not None
        assert third is None
        site.event_signals.tell([1])
        assert (first.wait(0), second.wait(0), first.wait(0)) == (True, False, False)
    with site.event_signals.watching(3) as again:
        assert again is not None
