"""A grant beside a plain script that promises nothing: `python -m benchmarks.against_plain`.

Both grant 10 credits to all carriers of a tag, in turns over fresh stand-ins for Kit without limits; once with answers
that come at once, once with answers that take 30 ms. The script reads and writes each contact, and so does ccops where
others may write the field too; where nobody else does (`sole_writer`), the list tells it what a read would, as of the
second grant. What is compared is the whole process, start-up included.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.stage import GRANT, Took, heading, home, kit, took

CONTACTS: Final = 2000
ROUNDS: Final = 3
_SCRIPT: Final = "plain script"
PLAIN: Final = Path(__file__).with_name("plain.py")
WAYS: Final = {"reads and writes each": False, "nobody else writes the field": True}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=CONTACTS, help=f"how many ({CONTACTS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each is run ({ROUNDS})")
    options = parser.parse_args()
    print(heading(f"a grant to {options.contacts:,} contacts, median of {options.rounds} rounds"))
    print("| an answer takes | who | s | of processor | contacts a second | times the plain script |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    for latency in (0.0, 0.030):
        rounds = [dict(one_round(options.contacts, latency)) for _ in range(options.rounds)]
        for who in rounds[0]:
            seconds = statistics.median(each[who].seconds for each in rounds)
            processor = statistics.median(each[who].processor for each in rounds)
            ratio = statistics.median(each[who].seconds / each[_SCRIPT].seconds for each in rounds)
            speed = options.contacts / seconds
            row = f"| {latency * 1000:.0f} ms | {who} | {seconds:.1f} | {processor:.1f} | {speed:.0f} | {ratio:.2f} |"
            print(row, flush=True)


def one_round(contacts: int, latency: float) -> Iterator[tuple[str, Took]]:
    """Let each grant once to contacts of its own."""
    with kit(contacts, latency=latency) as at:
        yield _SCRIPT, took([sys.executable, str(PLAIN), at.url, "sandbox-key", str(at.tag)], {})
        assert at.sum() == 10 * contacts
    for way, sole_writer in WAYS.items():
        with kit(contacts, latency=latency) as at, home(at, sole_writer=sole_writer) as here:
            if sole_writer:
                here.ccops(*GRANT, "--key", "the month before")
            before = at.sum()
            yield f"ccops, {way}", here.ccops(*GRANT, "--key", "month")
            assert at.sum() == before + 10 * contacts


if __name__ == "__main__":
    main()
