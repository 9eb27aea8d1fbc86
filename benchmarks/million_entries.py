"""What a ledger of a million entries costs its daily work: `python -m benchmarks.million_entries`.

The same commands on an empty ledger and on one with a million entries of 50,000 other contacts, in turns. What is
compared is the whole process.
"""

import argparse
import sqlite3
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.stage import GRANT, TAG, Home, Took, heading, home, kit

ENTRIES: Final = 1_000_000
STRANGERS: Final = 50_000
CONTACTS: Final = 1000
ROUNDS: Final = 5


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES, help=f"how many ({ENTRIES:,})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each command is run ({ROUNDS})")
    options = parser.parse_args()
    print(heading(f"a ledger with {options.entries:,} entries beside an empty one, median of {options.rounds} rounds"))
    print("| | empty, s | full, s | times the empty one |\n| --- | ---: | ---: | ---: |")
    with kit(CONTACTS) as one, kit(CONTACTS) as other, home(one) as empty, home(other) as full:
        size = fill(full, options.entries)
        for name, do in COMMANDS.items():
            pairs = [(do(empty, number), do(full, number)) for number in range(options.rounds)]
            a, b = (statistics.median(took.seconds for took in side) for side in zip(*pairs, strict=True))
            ratio = statistics.median(full.processor / empty.processor for empty, full in pairs)
            print(f"| {name} | {a:.2f} | {b:.2f} | {b / a:.2f} ({ratio:.2f} of processor) |", flush=True)
    print(f"\nThe file has {size / options.entries:.0f} bytes an entry.")


def _one(here: Home, number: int) -> Took:
    return here.ccops("run", "grant", "c000007@example.org", "--key", f"one{number}", "--quiet")


def _history(here: Home, _number: int) -> Took:
    return here.ccops("history", "c000007@example.org")


def _many(here: Home, number: int) -> Took:
    return here.ccops(*GRANT, "--key", f"many{number}")


COMMANDS: Final[dict[str, Callable[[Home, int], Took]]] = {
    "`ccops run grant` on one contact": _one,
    "`ccops history CONTACT`": _history,
    f"`ccops run grant --tagged {TAG}`, 1,000 contacts": _many,
}


def fill(here: Home, count: int) -> int:
    """Enter so many grants of other contacts, as they stand after a run; return the bytes that they take."""
    here.ccops("run", "grant", "c000000@example.org", "--key", "first", "--quiet")
    path, begin = here.path / "ledger.sqlite3", datetime(2024, 1, 1, tzinfo=UTC)
    with sqlite3.connect(path) as ledger:
        row = ledger.execute("SELECT * FROM entries").fetchone()
        names = [column[1] for column in ledger.execute("PRAGMA table_info(entries)")]
        model = dict(zip(names, row, strict=True))
        ledger.executemany(
            "INSERT INTO contacts (id, email, email_key) VALUES (?, ?, ?)",
            ((1000 + n, f"s{n}@example.org", f"s{n}@example.org") for n in range(STRANGERS)),
        )
        listed = ", ".join(f'"{name}"' for name in names)
        places = ", ".join(f":{name}" for name in names)
        ledger.executemany(
            f"INSERT INTO entries ({listed}) VALUES ({places})",
            (_entry(model, number, begin + timedelta(seconds=60 * number)) for number in range(count)),
        )
    ledger.close()
    with sqlite3.connect(path) as ledger:
        ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.close()
    return path.stat().st_size


def _entry(model: dict[str, object], number: int, at: datetime) -> dict[str, object]:
    turn, stamp = number // STRANGERS + 1, at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return model | {
        "id": number + 10,
        "contact": 1000 + number % STRANGERS,
        "occasion": f"key:{turn}",
        "turn": turn,
        "before": f'{{"credits":"{10 * turn - 10}"}}',
        "after": f'{{"credits":"{10 * turn}"}}',
        "at": stamp,
        "sent_at": stamp,
        "ended_at": stamp,
    }


if __name__ == "__main__":
    main()
