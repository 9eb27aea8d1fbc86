"""What the benchmarks of many contacts share: a stand-in for Kit in a process of its own, and homes that work on it."""

import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ccops import __version__
from ccops.sandbox.api import create_field_row
from ccops.sandbox.sandbox import Sandbox
from ccops.sandbox.tables import FOREVER, ContactRow, micros

if TYPE_CHECKING:
    from collections import Counter

CCOPS: Final = (sys.executable, "-m", "ccops")
TAG: Final = "Members"
KEY: Final = {"KIT_API_KEY": "sandbox-key"}
TOKEN: Final = {"KIT_ACCESS_TOKEN": "sandbox-token"}
GRANT: Final = ("run", "grant", "--tagged", TAG, "--quiet")
_OPERATIONS: Final = """\
timezone = "UTC"

[fields.credits]
sole_writer = {ours}

[operations.grant]
field = "credits"
action = "increase"
amount = 10

[operations.bought]
field = "credits"
action = "increase"
amount = 10
tag = {{ id = {tag}, name = "ccops: bought" }}
"""


@dataclass(frozen=True)
class Kit:
    """The stand-in: where it is, and the wire to its process."""

    url: str
    tag: int
    """Which all contacts carry."""
    trigger: int
    """The tag of the operation `bought`, which nobody carries until `buy`."""
    _wire: Connection

    def ask(self, what: str) -> Any:
        """Let its process do something, and return what that came to."""
        self._wire.send(what)
        return self._wire.recv()

    def counts(self) -> "Counter[tuple[str, str]]":
        """Return how often each route was asked for since the last look."""
        counts: Counter[tuple[str, str]] = self.ask("counts")
        return counts

    def statuses(self) -> "Counter[int]":
        """Return how often each status was answered since the last look at the counts."""
        statuses: Counter[int] = self.ask("statuses")
        return statuses

    def buy(self) -> None:
        """Let all contacts buy something: an automation adds the trigger tag."""
        self.ask("buy")

    def sum(self) -> int:
        """Return the credits of all contacts together."""
        total: int = self.ask("sum")
        return total


@contextmanager
def kit(contacts: int, *, rate: int = 0, window: float = 60.0, latency: float = 0.0) -> Iterator[Kit]:
    """Run a stand-in with so many contacts, all of whom carry the tag and have 0 credits."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, contacts, rate, window, latency), daemon=True)
    process.start()
    try:
        url, tag, trigger = ours.recv()
        yield Kit(url, tag, trigger, ours)
    finally:
        process.terminate()
        process.join()


def _serve(wire: Connection, contacts: int, rate: int, window: float, latency: float) -> None:
    sandbox = Sandbox(rate=rate, window=window, examples=False, keep_exchanges=0)
    if latency:
        sandbox.on_request = lambda phase, _method, _path: time.sleep(latency) if phase == "before" else None
    tag, trigger = _fill(sandbox, contacts)
    with sandbox:
        wire.send((sandbox.url, tag, trigger))
        while True:
            match wire.recv():
                case "counts":
                    wire.send(sandbox.counts)
                case "statuses":
                    wire.send(sandbox.statuses)
                    sandbox.forget()
                case "buy":
                    wire.send(_tag_all(sandbox, trigger))
                case "sum":
                    wire.send(_sum(sandbox))


def _fill(sandbox: Sandbox, contacts: int) -> tuple[int, int]:
    store, now = sandbox._service.store, micros(datetime(2026, 1, 1, tzinfo=UTC))  # noqa: SLF001 - by HTTP it takes hours
    with store.transaction():
        field = create_field_row(store, "Credits", now).id
        tag = store.new_tag(TAG, now)
        for number in range(contacts):
            contact, email = store.new_contact_id(), f"c{number:06}@example.org"
            blank = ContactRow(contact, now, now, email, None, "active", None, "{}")
            store.save_contact(blank.with_values({field: "0"}), now)
            store.add_tagging(tag.id, contact, now)
        trigger = store.new_tag("ccops: bought", now)
    return tag.id, trigger.id


def _tag_all(sandbox: Sandbox, tag: int) -> int:
    store, now = sandbox._service.store, micros(datetime.now(UTC))  # noqa: SLF001 - as it was filled
    with store.transaction():
        sql = "INSERT INTO tagging (tag_id, contact_id, since) SELECT ?, id, ? FROM contact WHERE until = ?"
        return store._db.execute(sql, (tag, now, FOREVER)).rowcount  # noqa: SLF001 - the same


def _sum(sandbox: Sandbox) -> int:
    store = sandbox._service.store  # noqa: SLF001 - by HTTP it takes a page a thousand
    with store.transaction(write=False):
        field = next(field for field in store.fields() if field.key == "credits")
        sql = (
            f"SELECT SUM(CAST(json_extract(field_values, '$.\"{field.id}\"') AS INTEGER)) FROM contact WHERE until = ?"
        )
        return int(store._db.execute(sql, (FOREVER,)).fetchone()[0])  # noqa: SLF001 - the same


@dataclass(frozen=True)
class Home:
    """A home of ccops, and the environment that leads to it."""

    path: Path
    environ: Mapping[str, str]

    def ccops(self, *words: str, credential: Mapping[str, str] = KEY) -> "Took":
        """Run ccops, and return how long it took."""
        return took([*CCOPS, *words], {**self.environ, **credential})

    def start(self, *words: str, credential: Mapping[str, str] = KEY) -> "subprocess.Popen[bytes]":
        """Begin a run of ccops."""
        return subprocess.Popen([*CCOPS, *words], env={**self.environ, **credential}, stdout=subprocess.DEVNULL)


@contextmanager
def home(at: Kit, *, sole_writer: bool = False, rate: int = 0) -> Iterator[Home]:
    """Make a home for a stand-in. Python keeps what it compiles, whatever this machine says, as it does for users."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "CCOPS_", "PYTHON"))}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "home"
        environ = kept | {"CCOPS_HOME": str(path), "KIT_API_URL": at.url, "CCOPS_RATE": str(rate)}
        made = Home(path, environ)
        made.ccops("init", "--yes")
        (path / "operations.toml").write_text(_OPERATIONS.format(ours=str(sole_writer).lower(), tag=at.trigger))
        at.statuses()
        yield made


_LAUNCH: Final = """
import json, os, subprocess, sys, time
begun = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
took = time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss
print(json.dumps([os.waitstatus_to_exitcode(status), *took]))
"""
"""A small process that starts what is measured: Linux counts the memory of who starts a process as the peak of it."""


@dataclass(frozen=True)
class Took:
    """What a process took."""

    seconds: float
    processor: float
    """Seconds of all cores."""
    memory: float
    """Peak, in MiB."""


def took(words: Sequence[str], environ: Mapping[str, str], *, fine: frozenset[int] = frozenset({0})) -> Took:
    """Run a process to its end, and measure it as the system does."""
    launched = subprocess.run(
        [sys.executable, "-c", _LAUNCH, *words], env=environ, stdout=subprocess.PIPE, text=True, check=True
    )
    status, seconds, processor, memory = json.loads(launched.stdout)
    if status not in fine:
        sys.exit(f"{' '.join(words)} ended with {status}")
    return Took(seconds, processor, memory / (2**20 if sys.platform == "darwin" else 2**10))


def heading(what: str) -> str:
    """Say what was measured, on what, and when."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    on = f"CPython {platform.python_version()}, {platform.system()}, {cores} cores"
    return f"ccops {__version__}, {on}, {datetime.now(UTC):%d %b %Y}: {what}\n"
