"""How long `ccops report` takes over a large ledger, and how large its page is: `python benchmarks/report.py`.

The ledger is written straight into its tables, since a real one of this size takes months. Kit is asked for nothing.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from ccops import __version__
from ccops.ledger.ledger import Ledger
from ccops.ledger.store.rows import pack, stamp
from ccops.operations.model import Change, Operation, to_json

ENTRIES: Final = 100_000
CONTACTS: Final = 5_000
PARKED: Final = 0.0003
"""The part of all writes of which nobody can tell whether they arrived."""
ZONE: Final = "America/New_York"
OPERATIONS: Final = (("monthly-grant", 10), ("payment-credit", 25), ("unlock-replay", -3), ("unlock-course", -12))
NAMES: Final = ("id", "run", "operation", "copy", "contact", "occasion", "status", "cause", "reason", "by", "via",
                "before", "after", "turn", "at", "ended_at", "undoes", "released")  # fmt: skip
INSERT: Final = (
    f"INSERT INTO entries ({', '.join(map(json.dumps, NAMES))}) VALUES ({', '.join(f':{name}' for name in NAMES)})"
)
Line = dict[str, str | int | None]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES, help=f"how many the ledger has ({ENTRIES})")
    parser.add_argument("--keep", type=Path, help="keep the page under this name, to be looked at")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        set_up(home, options.entries)
        page = options.keep or Path(folder) / "report.html"
        shown = measure(home, ())
        written = measure(home, ("--html", str(page), "--yes"))
        size, file = page.stat().st_size / 1e6, (home / "ledger.sqlite3").stat().st_size / 1e6
    machine = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}"
    print(f"ccops {__version__}, {machine}, {os.cpu_count()} cores, {datetime.now(UTC):%d %b %Y}: ", end="")
    print(f"{options.entries} entries over 12 months, {file:.0f} MB\n")
    print("| | seconds | of processor | peak memory, MB | page, MB |\n| --- | ---: | ---: | ---: | ---: |")
    print(f"| `ccops report` | {shown.row()} | |")
    print(f"| `ccops report --html FILE` | {written.row()} | {size:.2f} |")


class Taken(NamedTuple):
    """What a call took: seconds by the clock and of the processor, and megabytes at most."""

    clock: float
    processor: float
    memory: float

    def row(self) -> str:
        """Write its cells."""
        return f"{self.clock:.1f} | {self.processor:.1f} | {self.memory:.0f}"


def measure(home: Path, words: tuple[str, ...]) -> Taken:
    """Make a report, and return what that took."""
    started = time.perf_counter()
    environ = os.environ | {"CCOPS_HOME": str(home)}
    command = [sys.executable, "-m", "ccops", "report", *words]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit("the report was not made")
    kilo = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Taken(time.perf_counter() - started, used.ru_utime + used.ru_stime, kilo / 1000)


def set_up(home: Path, entries: int) -> None:
    """Make a home whose ledger has so many entries, always the same ones."""
    home.mkdir(mode=0o700)
    (home / "operations.toml").write_text(f'timezone = "{ZONE}"\n')
    ledger = Ledger.create(home / "ledger.sqlite3", home / "locks")
    ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
    run = ledger.runs.start("bench", "bench", "maria", datetime.now(UTC))
    ledger.runs.stop(run, 0, datetime.now(UTC), ended=True)
    with ledger.database.write() as db:
        for number, (name, by) in enumerate(OPERATIONS, 1):
            change = Change("credits", "increase" if by > 0 else "decrease")
            db.run("INSERT INTO copies VALUES (:id, :text)", id=number, text=to_json(Operation(name, (change,), ZONE)))
        for contact in range(1, CONTACTS + 1):
            email = f"member.{contact}@example.org"
            db.run("INSERT INTO contacts VALUES (:id, :email, :email, NULL)", id=contact, email=email)
        for line in lines(entries):
            db.run(INSERT, **line)
    ledger.close()


def lines(entries: int) -> Iterator[Line]:
    """Give entries over the last year: grants, spendings, refusals, and some that need a person."""
    dice, now = random.Random(7), datetime.now(UTC)
    have: dict[int, int] = {}
    turns: dict[int, int] = {}
    for number in range(1, entries + 1):
        contact, which = dice.randrange(1, CONTACTS + 1), dice.choices(range(4), (5, 2, 4, 1))[0]
        name, by = OPERATIONS[which]
        moment = stamp(now - timedelta(days=364) * (1 - number / entries) - timedelta(minutes=5))
        value = have.get(contact, 0)
        line: Line = dict.fromkeys(NAMES)
        line |= {"id": number, "run": 1, "operation": name, "copy": which + 1, "by": "maria", "via": "run"}
        line |= {"contact": contact, "occasion": f"key:{number}", "at": moment, "ended_at": moment, "released": 1}
        if value + by < 0:
            reason = f"credits would become {value + by}, which is below the minimum of 0"
            yield line | {"status": "refused", "cause": "limit", "reason": reason}
            continue
        turns[contact] = turns.get(contact, 0) + 1
        line |= moved(value, value + by) | {"turn": turns[contact]}
        if dice.random() < PARKED:
            yield line | {"status": "parked", "reason": "nobody can tell"}
        else:
            have[contact] = value + by
            yield line | {"status": "applied"}


def moved(before: int, after: int) -> Line:
    """Return what an entry changed."""
    return {"before": pack({"credits": str(before)}), "after": pack({"credits": str(after)})}


if __name__ == "__main__":
    main()
