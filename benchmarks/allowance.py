"""How much of Kit's allowance a grant uses, and whether it ever trips over it: `python -m benchmarks.allowance`.

The stand-in for Kit counts requests in a rolling window as Kit does, only that the window is shorter: 120 requests in
so many seconds instead of in 60. Each process works as `ccops run --tagged` does; all share the pace as processes of
one home do.
"""

import argparse
import subprocess
import sys
import time
from typing import Final

from benchmarks.stage import Home, Kit, heading, home, kit

CONTACTS: Final = 1000
RATE: Final = 120
WINDOW: Final = 6.0


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=CONTACTS, help=f"how many ({CONTACTS})")
    parser.add_argument("--window", type=float, default=WINDOW, help=f"seconds of the window; Kit's is 60 ({WINDOW:g})")
    options = parser.parse_args()
    print(heading(f"a grant to {options.contacts:,} contacts, {RATE} requests in {options.window:g} s"))
    print("| processes | requests | seconds | at best | of the allowance | answered 429 |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for processes in (1, 3):
        with kit(options.contacts, rate=RATE, window=options.window) as at, home(at) as here:
            print(row(at, here, processes, options.window), flush=True)


def row(at: Kit, here: Home, processes: int, window: float) -> str:
    """Let processes grant at the same time, each for an occasion of its own, and write a line of the table."""
    time.sleep(window * 1.1)  # what setting up has used up is free again
    at.statuses()
    words = [sys.executable, "-m", "benchmarks.scaled", str(here.path), at.url, str(at.tag)]
    runs = [
        subprocess.Popen([*words, f"k{number}", str(RATE), str(window)], stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    ended = [run.communicate()[0].split() for run in runs]
    seconds = max(float(end) for _, end, _ in ended) - min(float(begin) for begin, _, _ in ended)
    requests, refused = at.counts().total(), at.statuses()[429]
    best = (requests - 1) // RATE * window  # the first window's worth may leave at once
    return f"| {processes} | {requests:,} | {seconds:.1f} | {best:.1f} | {best / seconds:.1%} | {refused} |"


if __name__ == "__main__":
    main()
