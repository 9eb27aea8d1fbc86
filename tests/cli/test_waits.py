"""Waiting for what another process holds is said: what it is, who has it, and whether that one is stopped."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ccops.config.home import file_lock, folder_lock
from ccops.locks import SILENT, Locks, Waits, holder_of
from tests.cli.calls import Ended
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

Start = Callable[..., "subprocess.Popen[str]"]
RUN = ("run", "payment-credit", "ann@example.org")

HOLDS = """
import os, signal, sys
from pathlib import Path
from ccops.locks import Locks

with Locks(Path(sys.argv[1])).contact(int(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def start(environ: dict[str, str]) -> Iterator[Start]:
    children = []

    def begin(*words: str) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, *words],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield begin
    for child in children:
        child.kill()
        child.communicate()


def first_warning(child: "subprocess.Popen[str]") -> str:
    assert child.stderr is not None
    return next((line for line in child.stderr if line.startswith("warning: waiting for ")), "")


def test_contact_of_a_stopped_process_is_waited_for_aloud(site: Site, start: Start) -> None:
    holder = start("-c", HOLDS, str(site.home / "locks"), str(site.ann))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGSTOP)
    os.waitpid(holder.pid, os.WUNTRACED)
    child = start("-m", "ccops", *RUN)
    said = first_warning(child)
    assert f"waiting for contact {site.ann}, which process {holder.pid} (" in said
    assert f"stopped (to let it continue: kill -CONT {holder.pid})" in said
    holder.send_signal(signal.SIGCONT)
    holder.kill()
    child.communicate(timeout=120)
    assert (child.returncode, site.credits()) == (0, "15")


def test_ledger_that_another_program_writes_to_is_waited_for_aloud(site: Site, start: Start) -> None:
    with closing(sqlite3.connect(site.database, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        child = start("-m", "ccops", *RUN)
        assert f"waiting for the ledger {site.database}, which process {os.getpid()} (" in first_warning(child)
        database.execute("ROLLBACK")
    child.communicate(timeout=120)
    assert (child.returncode, site.credits()) == (0, "15")


@pytest.mark.parametrize("lock", ["start", "folder"])
def test_other_locks_are_waited_for_aloud(site: Site, start: Start, lock: str) -> None:
    held, words = {
        "start": (Locks(site.home / "locks").wait("start"), RUN),
        "folder": (folder_lock(site.home), ("op", "pause", "payment-credit")),
    }[lock]
    with held:
        child = start("-m", "ccops", *words)
        assert f", which process {os.getpid()} (" in first_warning(child)
    child.communicate(timeout=120)
    assert child.returncode == 0


def test_tag_made_twice_at_once_is_made_and_bound_once(site: Site, start: Start) -> None:
    with file_lock(site.home / "locks" / "tag-create"):
        children = [start("-m", "ccops", "tag", "create", "payment-credit") for _ in range(3)]
        assert all(first_warning(child) for child in children), "all have seen that there is no tag yet"
    said = ["".join(child.communicate(timeout=120)) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], said
    assert site.sent == 1
    assert all("it starts payment-credit." in text for text in said)
    assert site.registry.read_text().count("tag = {") == 1


# ---- one wait


class Time:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.told: list[str] = []
        self.waits = Waits(self.told.append, lambda: self.seconds, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_wait_is_said_once_and_not_before_its_time() -> None:
    time = Time()
    wait = time.waits.begin("contact 7", lambda: "process 12")
    wait.pause(SILENT - 0.5)
    wait.pause(1)
    assert time.told == []
    wait.pause(1)
    wait.pause(100)
    assert time.told == ["waiting for contact 7, which process 12 holds"]


def test_unknown_holder_is_another_process() -> None:
    time = Time()
    wait = time.waits.begin("contact 7", lambda: None)
    wait.pause(SILENT)
    wait.pause()
    assert time.told == ["waiting for contact 7, which another process holds"]


def test_file_that_nobody_holds_has_no_holder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert holder_of(tmp_path / "file") is None
    assert holder_of(tmp_path / "missing") is None


@pytest.mark.usefixtures("site")
def test_holder_of_serve_is_named(ccops: Callable[..., Ended], start: Start) -> None:
    child = start("-m", "ccops", "serve", "--listen", "127.0.0.1:0", "--poll", "0")
    assert child.stdout is not None
    assert child.stdout.readline()
    ended = ccops("serve", "--listen", "127.0.0.1:0", "--poll", "0")
    assert (ended.status, f"process {child.pid} (ccops serve --listen" in ended.err) == (5, True), ended.err
