"""Measures what a commit of the ledger costs with either journal of SQLite: `python -m benchmarks.commits`."""

import platform
import sqlite3
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ccops import __version__
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Origin
from ccops.ledger.store.connections import SqliteVersion

_COMMITS: Final = 400
_TURNS: Final = 5
_AFFECTED: Final[SqliteVersion] = (3, 40, 1)
_FIXED: Final[SqliteVersion] = (3, 51, 3)
_WAYS: Final[dict[str, SqliteVersion]] = {"WAL mode, as with a fixed SQLite": _FIXED, "rollback journal": _AFFECTED}
_NOW: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)


def main() -> None:
    """Make entries by each journal in turns, and print the table of `benchmarks/README.md`."""
    measured: dict[str, list[float]] = {name: [] for name in _WAYS}
    for _ in range(_TURNS):
        for name, build in _WAYS.items():
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
                measured[name].append(_commits(Path(folder), build))
    least = statistics.median(next(iter(measured.values())))
    print(f"ccops {__version__}, CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}\n")
    print("| journal | ms a commit | times WAL mode |\n| --- | ---: | ---: |")
    for name, times in measured.items():
        print(f"| {name} | {statistics.median(times):.2f} | {statistics.median(times) / least:.1f} |")


def _commits(folder: Path, build: SqliteVersion) -> float:
    """Return how many milliseconds it takes to make an entry."""
    ledger = Ledger.create(folder / "ledger.sqlite3", folder / "locks", build=build)
    ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
    started = ledger.runs.start("commits", "commits", "maria", _NOW, new=True)
    ledger.close()
    ledger = Ledger.open(folder / "ledger.sqlite3", folder / "locks", build=build)
    begun = time.perf_counter()
    for number in range(_COMMITS):
        claim = Claim("grant", "{}", number, f"key:{number}", started.run.id, Origin("maria", "run"), _NOW)
        ledger.entries.claim(claim)
    lasted = time.perf_counter() - begun
    ledger.close()
    return lasted / _COMMITS * 1000


if __name__ == "__main__":
    main()
