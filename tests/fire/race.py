"""SQLite's WAL-reset race, as hard as it can be had: writers through our ledger beside another program's checkpoints.

`python -m tests.fire.race [SECONDS]` runs it by itself and says what came of it. With a fixed version of SQLite as a
second word, the ledger takes the SQLite that is here for that one.
"""

import multiprocessing
import os
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Origin
from ccops.ledger.queries import Filter
from ccops.ledger.store.connections import BUILD, SqliteVersion

SECONDS: Final = "CCOPS_RACE_SECONDS"
"""The environment variable that says how long it goes on; ten minutes without it."""
WRITERS: Final = 2
_NOW: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Raced:
    """What came of a race."""

    acknowledged: int
    missing: int
    checkpoints: int
    fault: str | None

    def __str__(self) -> str:
        return (
            f"SQLite {sqlite3.sqlite_version}: {self.acknowledged:,} commits acknowledged, {self.missing:,} missing, "
            f"{self.checkpoints:,} checkpoints beside them, file {self.fault or 'ok'}"
        )


def race(folder: Path, seconds: float, build: SqliteVersion = BUILD) -> Raced:
    """Let two processes write and one checkpoint for so many seconds, then look for every commit."""
    ledger = Ledger.create(folder / "ledger.sqlite3", folder / "locks", build=build)
    ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
    started = ledger.runs.start("race", "race", "maria", _NOW, new=True)
    ledger.close()
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    writers = [
        context.Process(target=_write, args=(folder, started.run.id, number, stop, build)) for number in range(WRITERS)
    ]
    checkpointer = context.Process(target=_checkpoint, args=(folder, stop))
    for child in (*writers, checkpointer):
        child.start()
    stop.wait(seconds)
    stop.set()
    for child in (*writers, checkpointer):
        child.join()
    assert [child.exitcode for child in writers] == [0] * WRITERS
    return _counted(folder, ledger)


def _write(folder: Path, run: int, number: int, stop: Event, build: SqliteVersion) -> None:
    """Make entries, and note each once its commit was acknowledged."""
    ledger = Ledger.open(folder / "ledger.sqlite3", folder / "locks", build=build)
    with (folder / f"acknowledged-{number}").open("w", encoding="ascii") as noted:
        count = 0
        while not stop.is_set():
            count += 1
            occasion = f"key:{number}-{count}"
            ledger.entries.claim(Claim("grant", "{}", number, occasion, run, Origin("maria", "run"), _NOW))
            noted.write(f"{occasion}\n")
    ledger.close()


def _checkpoint(folder: Path, stop: Event) -> None:
    """Do what Litestream does, and the shell of SQLite, without a pause between."""
    count, database = 0, sqlite3.connect(folder / "ledger.sqlite3", isolation_level=None, timeout=0)
    while not stop.is_set():
        for how in ("PASSIVE", "RESTART", "TRUNCATE"):
            try:
                database.execute(f"PRAGMA wal_checkpoint({how})").fetchall()
            except sqlite3.OperationalError:  # it is busy just now
                continue
            count += 1
    database.close()
    (folder / "checkpoints").write_text(str(count), encoding="ascii")


def _counted(folder: Path, ledger: Ledger) -> Raced:
    acknowledged = {
        line for number in range(WRITERS) for line in (folder / f"acknowledged-{number}").read_text().splitlines()
    }
    there = {entry.occasion for entry, _ in ledger.history.each(Filter(limit=None))}
    fault = ledger.database.integrity()
    ledger.close()
    checkpoints = int((folder / "checkpoints").read_text(encoding="ascii"))
    return Raced(len(acknowledged), len(acknowledged - there), checkpoints, fault)


def seconds_asked() -> float:
    """Return how long a race is to go on."""
    return float(os.environ.get(SECONDS, "600"))


if __name__ == "__main__":
    words = sys.argv[1:]
    lasting = float(words[0]) if words else seconds_asked()
    taken_for = tuple(map(int, words[1].split("."))) if len(words) > 1 else BUILD
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        result = race(Path(name), lasting, taken_for)
    print(f"{result}, {time.monotonic() - begun:.0f} s")  # noqa: T201
    sys.exit(result.missing != 0 or result.fault is not None)
