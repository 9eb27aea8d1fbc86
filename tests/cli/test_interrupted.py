"""Runs that are stopped, or lose Kit, and the same command after that: it goes on, and each contact counts once."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from ccops.locks import Locks
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]

HASTY = Path(__file__).with_name("hasty.py")
ANN, BOB, HAL = CONTACTS = ("ann@example.org", "bob@example.org", "hal@example.org")
RUN = ("run", "payment-credit", *CONTACTS)
BEFORE, AFTER = ["5", "12", "0"], ["15", "22", "10"]
GOES_ON = "Going on with run r1 of "


@dataclass
class Child:
    """One call of ccops in a process of its own."""

    process: subprocess.Popen[str]

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def insist(self) -> None:
        """Ask to stop until it has: what comes too soon after the first signal counts as one with it."""
        while self.process.poll() is None:
            self.signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.3)

    def ended(self) -> Ended:
        out, err = self.process.communicate(timeout=120)
        return Ended(self.process.returncode, out, err)


@pytest.fixture
def start(environ: dict[str, str]) -> Iterator[Callable[..., Child]]:
    """Begin a call of ccops that wastes no time on waiting between repeated requests."""
    children = []

    def call(*words: str, **more: str) -> Child:
        process = subprocess.Popen(
            [sys.executable, str(HASTY), *words],
            env=environ | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(process)
        return Child(process)

    yield call
    for process in children:
        process.kill()
        process.communicate()


def at(kit: Sandbox, number: int, phase: str, method: str, act: Callable[[], None]) -> None:
    """Do something when Kit gets the n-th request of a method, before or after its effect, but before its answer."""
    requests = count(1)

    def observe(now: str, asked: str, _path: str) -> None:
        if (now, asked) == (phase, method) and next(requests) == number:
            act()

    kit.on_request = observe


def credits_of(site: Site) -> list[str | None]:
    return [site.credits(email) for email in CONTACTS]


def outcomes(ended: Ended) -> list[str]:
    """Return what was said of each contact, without times."""
    return [line.split("\t")[1].partition(", ")[0] for line in ended.out.splitlines()]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_asked_to_stop_a_run_finishes_the_contact_in_hand_and_the_same_command_goes_on(
    site: Site, ccops: Call, start: Callable[..., Child], number: int, status: int
) -> None:
    child = start(*RUN)
    at(site.kit, 2, "before", "PUT", lambda: child.signal(number))
    ended = child.ended()
    assert (ended.status, outcomes(ended)) == (status, ["credits 5 → 15", "credits 12 → 22"])
    assert ended.err.splitlines()[-1] == ("warning: 1 of 3 contacts was not reached; the same command goes on with it.")
    assert credits_of(site) == ["15", "22", "0"]
    again = ccops(*RUN)
    assert (again.status, outcomes(again)) == (0, ["already done", "already done", "credits 0 → 10"])
    assert again.err.startswith(GOES_ON)
    assert (credits_of(site), site.sent) == (AFTER, 3)
    assert {entry.run for entry in site.entries()} == {1}
    ccops(*RUN)
    assert credits_of(site) == ["25", "32", "20"], "once a run has ended, the same command is another run"


def test_asked_to_stop_at_the_last_contact_a_run_has_ended(
    site: Site, ccops: Call, start: Callable[..., Child]
) -> None:
    child = start(*RUN)
    at(site.kit, 3, "before", "PUT", lambda: child.signal(signal.SIGINT))
    assert child.ended().status == 0
    assert GOES_ON not in ccops(*RUN, "--dry-run").err
    assert ccops(*RUN).err.startswith("payment-credit, run r2")


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_second_signal_stops_at_once_and_nothing_counts_twice(
    site: Site, ccops: Call, start: Callable[..., Child], phase: str
) -> None:
    child = start(*RUN)
    at(site.kit, 2, phase, "PUT", child.insist)
    ended = child.ended()
    assert (ended.status, outcomes(ended)) == (130, ["credits 5 → 15"])
    assert ended.err == (
        f"Stopped at once. Nothing is lost: the same command goes on where it stopped.\n       ccops {' '.join(RUN)}\n"
    )
    assert site.statuses() == ["applied", "sending"]
    again = ccops(*RUN)
    assert (again.status, credits_of(site), site.statuses()) == (0, AFTER, ["applied"] * 3)
    assert again.err.startswith(GOES_ON)
    # Told to wait 0 seconds, ccops may send Bob's change again while the first is on its way: the same one.
    assert {write["credits"] for write in site.kit.writes(site.kit.contact_id(BOB))} == {"22"}


def test_at_a_terminal_it_is_said_why_a_run_does_not_end_at_once(site: Site, environ: dict[str, str]) -> None:
    main, side = os.openpty()
    child = subprocess.Popen([sys.executable, str(HASTY), *RUN], env=environ, stdin=side, stdout=side, stderr=side)
    os.close(side)
    at(site.kit, 1, "before", "PUT", lambda: os.kill(child.pid, signal.SIGINT))
    shown = b""
    with suppress(OSError):  # how Linux says that the last writer is gone
        while select.select([main], [], [], 120)[0]:
            shown += os.read(main, 4096)
    os.close(main)
    assert child.wait(120) == 130
    assert b"Stopping once the contact in hand is done (again to stop at once, safely too)." in shown


def test_the_contact_in_hand_waits_for_its_turn_in_the_rate_limit(site: Site, start: Callable[..., Child]) -> None:
    """The account and Ann take four requests; Bob's have to wait for the next minute when the signal comes."""
    child = start(*RUN, CCOPS_RATE="4")

    def waits() -> bool:
        pace = [path.read_bytes() for path in (site.home / "locks").glob("pace-*")]
        return bool(pace) and b'"queue": []' not in pace[0]

    wait_for(waits)
    child.signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        child.process.wait(0.5)
    child.insist()
    assert (child.ended().status, credits_of(site)) == (130, ["15", *BEFORE[1:]])


def test_stopped_at_once_it_says_how_to_go_on(site: Site, environ: dict[str, str]) -> None:
    main, side = os.openpty()
    asked, answered = threading.Event(), threading.Event()

    def hold() -> None:
        asked.set()
        answered.wait(120)

    at(site.kit, 2, "before", "PUT", hold)
    child = subprocess.Popen([sys.executable, str(HASTY), *RUN], env=environ, stdin=side, stdout=side, stderr=side)
    os.close(side)
    shown = ""
    assert asked.wait(120)
    os.kill(child.pid, signal.SIGINT)
    for wanted, number in (("Stopping once", signal.SIGINT), ("ccops run", 0)):
        while wanted not in shown:
            assert select.select([main], [], [], 120)[0], shown
            shown += os.read(main, 4096).decode()
        os.kill(child.pid, number)
    assert child.wait(120) == 130
    answered.set()
    assert (site.credits(ANN), site.credits(HAL)) == ("15", "0")
    assert "Nothing is lost: the same command goes on where it stopped." in shown
    os.close(main)


def wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_new_starts_another_run(site: Site, ccops: Call, start: Callable[..., Child]) -> None:
    child = start(*RUN)
    at(site.kit, 2, "before", "PUT", lambda: child.signal(signal.SIGINT))
    child.ended()
    anew = ccops(*RUN, "--new")
    assert (anew.status, GOES_ON in anew.err) == (0, False)
    assert credits_of(site) == ["25", "32", "10"]
    assert {entry.run for entry in site.entries()} == {1, 2}


def test_when_kit_goes_down_the_same_command_goes_on_later(
    site: Site, ccops: Call, start: Callable[..., Child]
) -> None:
    kit = site.kit
    going_down = threading.Thread(target=kit.stop)

    def go_down() -> None:
        going_down.start()
        port = int(kit.url.rpartition(":")[2])
        with suppress(ConnectionError):
            while True:
                socket.create_connection(("127.0.0.1", port)).close()

    child = start(*RUN)
    at(kit, 2, "after", "PUT", go_down)
    ended = child.ended()
    going_down.join()
    assert (ended.status, outcomes(ended)[:1]) == (4, ["credits 5 → 15"])
    assert "Nothing is lost: the same command later goes on." in ended.err
    assert start(*RUN).ended().status == 4
    kit.on_request = lambda *_: None
    kit.start()
    again = ccops(*RUN)
    assert (again.status, credits_of(site), site.statuses()) == (0, AFTER, ["applied"] * 3)
    assert again.err.startswith(GOES_ON)


@pytest.mark.parametrize("which", [1, 2, 3])
def test_when_the_key_is_refused_midway_nobody_is_granted_twice(site: Site, ccops: Call, which: int) -> None:
    key = site.kit.settings.key

    def change_the_key() -> None:
        site.kit.settings.key = "another"

    at(site.kit, which, "after", "PUT", change_the_key)
    ended = ccops(*RUN)
    site.kit.on_request = lambda *_: None
    assert ended.status == (0 if which == len(CONTACTS) else 3)
    site.kit.settings.key = key
    again = ccops(*RUN) if ended.status else ended
    assert (again.status, credits_of(site), site.statuses()) == (0, AFTER, ["applied"] * 3)


def test_when_kit_rejects_a_read_midway_nobody_is_granted_twice(site: Site, ccops: Call) -> None:
    """The contact stays open and the others go on, so the run has not ended."""
    site.kit.faults.add(Fault("status", "GET", f"/subscribers/{site.kit.contact_id(BOB)}", status=403))
    ended = ccops(*RUN)
    first, rejected, *_ = outcomes(ended)
    assert (ended.status, first) == (4, "credits 5 → 15")
    assert rejected.startswith("open: Kit refused it (403)")
    again = ccops(*RUN)
    assert (again.status, credits_of(site)) == (0, AFTER)
    assert again.err.startswith(GOES_ON)


def test_other_words_are_another_run(site: Site, ccops: Call, start: Callable[..., Child]) -> None:
    child = start(*RUN)
    at(site.kit, 2, "before", "PUT", lambda: child.signal(signal.SIGINT))
    child.ended()
    site.kit.on_request = lambda *_: None
    other_ways = (
        ("run", "payment-credit", ANN, BOB),
        ("run", "unlock-replay", *CONTACTS),
        (*RUN, "--amount", "10"),
        (*RUN, "--once-per", "day"),
        ("adjust", ANN, "credits", "--add", "10"),
    )
    for words in other_ways:
        assert GOES_ON not in ccops(*words).err
    assert ccops(*RUN).err.startswith(GOES_ON)


def test_a_run_that_is_alive_is_not_taken_up(site: Site, start: Callable[..., Child]) -> None:
    child, held, let_go = start(*RUN), threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        let_go.wait(120)

    at(site.kit, 3, "before", "PUT", hold)
    assert held.wait(120)
    site.kit.on_request = lambda *_: None
    other = start(*RUN)
    wait_for(lambda: site.credits(BOB) == "32")
    let_go.set()
    ended = [child.ended(), other.ended()]
    assert [(each.status, GOES_ON in each.err) for each in ended] == [(0, False)] * 2
    assert (credits_of(site), {entry.run for entry in site.entries()}) == (["25", "32", "20"], {1, 2})


def test_octobers_run_does_not_take_up_septembers(site: Site, ccops: Call, start: Callable[..., Child]) -> None:
    grant = ("run", "monthly-grant", *CONTACTS)
    child = start(*grant, "--period", "2026-09")
    at(site.kit, 2, "before", "PUT", lambda: child.signal(signal.SIGTERM))
    assert child.ended().status == 143
    october = ccops(*grant, "--period", "2026-10")
    assert (october.status, GOES_ON in october.err) == (0, False)
    assert credits_of(site) == ["25", "32", "10"]
    september = ccops(*grant, "--period", "2026-09")
    assert (september.status, september.err.startswith(GOES_ON)) == (0, True)
    assert credits_of(site) == ["25", "32", "20"]


def test_an_undo_that_was_broken_off_goes_on(site: Site, ccops: Call, start: Callable[..., Child]) -> None:
    ccops(*RUN)
    child = start("undo", "e1", "e2", "e3")
    at(site.kit, 2, "before", "PUT", lambda: child.signal(signal.SIGINT))
    assert child.ended().status == 130
    assert ccops("undo", "e1").status == 2, "another command is told that e1 was undone"
    again = ccops("undo", "e1", "e2", "e3")
    assert (again.status, outcomes(again)) == (0, ["already done", "already done", "credits 10 → 0"])
    assert (credits_of(site), site.sent) == (BEFORE, 6)


def test_the_same_adjustment_again_within_minutes_asks(site: Site, terminal: Call) -> None:
    adjust = ("adjust", ANN, "credits", "--add", "10")
    assert terminal(*adjust).status == 0
    no = terminal(*adjust, answers=["n"])
    assert (no.status, site.credits()) == (0, "15")
    assert "The same was done just now (run r1). Do it once more? [y/N] Nothing was sent.\n" in no.out
    assert terminal(*adjust, answers=["y"]).status == 0
    assert terminal(*adjust, "--yes").status == 0
    assert terminal(*adjust, "--key", "mail-7").status == 0
    assert site.credits() == "45"


def test_asked_to_stop_while_another_process_has_the_contact_nothing_is_begun(
    site: Site, start: Callable[..., Child]
) -> None:
    """A process that hangs may have it for long; whoever presses Ctrl-C meanwhile must not be credited after all."""
    with Locks(site.home / "locks").contact(site.ann):
        child = start("run", "payment-credit", ANN)
        _until(lambda: (site.home / "locks" / "run-1").exists() and site.kit.counts.total() > 0)
        time.sleep(0.2)
        child.signal(signal.SIGINT)
        assert child.ended().status == 130
    assert (site.credits(), site.entries()) == ("5", [])


def _until(holds: Callable[[], bool]) -> None:
    given_up = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < given_up, "it did not happen in time"
        time.sleep(0.05)


AT_ITS_END = """
import os, signal, sqlite3, sys
from ccops.cli.app import main

number, open_database = signal.Signals[sys.argv.pop(1)], sqlite3.connect

def watched(*args, **options):
    connection = open_database(*args, **options)
    connection.set_trace_callback(look)
    return connection

def look(statement):
    if statement.startswith("UPDATE runs SET ended_at"):
        os.kill(os.getpid(), number)

sqlite3.connect = watched
main()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_at_the_very_end_does_not_deny_what_is_done(site: Site, environ: dict[str, str], name: str) -> None:
    """Told 130 or 143, a script would give the same command again, and it would count as another occasion."""
    command = [sys.executable, "-c", AT_ITS_END, name, "run", "payment-credit", ANN]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert site.credits(ANN) == "15"
