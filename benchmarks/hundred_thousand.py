"""A grant to a hundred thousand contacts, killed half-way and given again: `python -m benchmarks.hundred_thousand`.

All must have been granted once; what it holds in memory, and what a contact costs at the beginning and at the end, are
printed. The stand-in for Kit runs without limits on the same machine.
"""

import argparse
import os
import signal
import sqlite3
import time
from itertools import pairwise
from typing import Final

from benchmarks.stage import GRANT, KEY, Home, heading, home, kit

CONTACTS: Final = 100_000
WORDS: Final = (*GRANT, "--key", "k")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=CONTACTS, help=f"how many ({CONTACTS:,})")
    count = parser.parse_args().contacts
    print(heading(f"a grant to {count:,} contacts, killed half-way"))
    with kit(count) as at, home(at) as here:
        killed = kill_half_way(here, count)
        again = here.ccops(*WORDS)
        assert at.sum() == 10 * count, "everybody is granted, and nobody twice"
        assert entries(here) == count
        first, last = cost(here, 0, count // 10), cost(here, count - count // 10, count)
    print("| | |\n| --- | ---: |")
    print(f"| killed after | {killed:,} contacts |")
    print(f"| granted in all, each once | {count:,} |")
    print(f"| peak memory of the run that went on | {again.memory:.0f} MiB |")
    print(f"| seconds of the run that went on | {again.seconds:.0f} |")
    print(f"| a contact, the first tenth | {first:.1f} ms |")
    print(f"| a contact, the last tenth | {last:.1f} ms |")


def kill_half_way(here: Home, count: int) -> int:
    """Begin the grant, and kill it once half of the contacts have entries; return how many had."""
    run = here.start(*WORDS, credential=KEY)
    while entries(here) < count // 2:
        assert run.poll() is None, "it ended before"
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    return entries(here)


def entries(here: Home) -> int:
    """Count the entries that are applied."""
    with sqlite3.connect(f"file:{here.path / 'ledger.sqlite3'}?mode=ro", uri=True) as ledger:
        return int(ledger.execute("SELECT COUNT(*) FROM entries WHERE status = 'applied'").fetchone()[0])


def cost(here: Home, begin: int, end: int) -> float:
    """Return the milliseconds between the ends of two entries, the longest pauses (the kill) left out."""
    with sqlite3.connect(f"file:{here.path / 'ledger.sqlite3'}?mode=ro", uri=True) as ledger:
        sql = "SELECT julianday(ended_at) * 86400000 FROM entries ORDER BY ended_at LIMIT ? OFFSET ?"
        times: list[float] = [row[0] for row in ledger.execute(sql, (end - begin, begin))]
    steps = sorted(later - earlier for earlier, later in pairwise(times))
    kept = steps[: -max(len(steps) // 1000, 1)]
    return sum(kept) / len(kept)


if __name__ == "__main__":
    main()
