"""A grant beside a plain script that promises nothing: `python -m benchmarks.against_plain`.

Both grant 10 credits to all carriers of a tag, reading and writing each contact, in turns over fresh stand-ins for Kit
without limits; once with answers that come at once, once with answers that take 30 ms. What is compared is the whole
process, start-up included.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import Final

from benchmarks.stage import GRANT, Took, heading, home, kit, took

CONTACTS: Final = 1000
ROUNDS: Final = 3
PLAIN: Final = Path(__file__).with_name("plain.py")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=CONTACTS, help=f"how many ({CONTACTS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each is run ({ROUNDS})")
    options = parser.parse_args()
    print(heading(f"a grant to {options.contacts:,} contacts, median of {options.rounds} rounds"))
    print("| an answer takes | plain script, s | ccops, s | contacts a second | times the plain script |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for latency in (0.0, 0.030):
        pairs = [both(options.contacts, latency) for _ in range(options.rounds)]
        plain, ours = (statistics.median(took.seconds for took in side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(ours.seconds / plain.seconds for plain, ours in pairs)
        speed = options.contacts / ours
        print(f"| {latency * 1000:.0f} ms | {plain:.1f} | {ours:.1f} | {speed:.0f} | {ratio:.2f} |", flush=True)


def both(contacts: int, latency: float) -> tuple[Took, Took]:
    """Let each grant once to contacts of its own."""
    with kit(contacts, latency=latency) as at:
        plain = took([sys.executable, str(PLAIN), at.url, "sandbox-key", str(at.tag)], {})
        assert at.sum() == 10 * contacts
    with kit(contacts, latency=latency) as at, home(at) as here:
        ours = here.ccops(*GRANT, "--key", "k")
        assert at.sum() == 10 * contacts
    return plain, ours


if __name__ == "__main__":
    main()
