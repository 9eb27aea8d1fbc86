"""How many requests a contact costs, counted by the stand-in for Kit: `python -m benchmarks.requests_a_contact`."""

import argparse
from collections.abc import Mapping
from typing import Final

from benchmarks.stage import GRANT, KEY, TOKEN, Home, Kit, heading, home, kit

CONTACTS: Final = 2000
_OF_A_CONTACT: Final = ("{id}", "{subscriber_id}", "bulk/")
"""Marks routes that are asked for contacts; all others are pages, and looks that a whole run needs once."""


def main() -> None:
    """Count and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=CONTACTS, help=f"how many ({CONTACTS})")
    count = parser.parse_args().contacts
    print(heading(f"requests, of {count:,} contacts"))
    print("| | in all | pages and the like | a contact |\n| --- | ---: | ---: | ---: |")
    with kit(count) as at, home(at) as here:
        table = Table(at, here, count)
        table.granted("grant by a new ledger", "1", KEY)
        table.granted("grant, others write the field too", "2", KEY)
        table.granted("the same again", "2", KEY)
        table.polled("poll, others write the field too", KEY)
    with kit(count) as at, home(at, sole_writer=True) as here:
        here.ccops(*GRANT, "--key", "1")
        table = Table(at, here, count)
        table.granted("grant, nobody else writes the field", "2", KEY)
        table.polled("poll, nobody else writes the field", KEY)
        table.granted("grant, the same with an access token", "3", TOKEN)
        table.polled("poll, the same with an access token", TOKEN)


class Table:
    """Runs, and a line for each."""

    def __init__(self, at: Kit, here: Home, count: int) -> None:
        self._at, self._here, self._count = at, here, count

    def granted(self, name: str, key: str, credential: Mapping[str, str]) -> None:
        """Count a grant to all."""
        self._at.statuses()
        self._here.ccops(*GRANT, "--key", key, credential=credential)
        self._show(name)

    def polled(self, name: str, credential: Mapping[str, str]) -> None:
        """Count a look for the tag that all of them carry."""
        self._at.buy()
        self._at.statuses()
        self._here.ccops("poll", "--quiet", credential=credential)
        self._show(name)

    def _show(self, name: str) -> None:
        counts = self._at.counts()
        theirs = sum(n for (_, route), n in counts.items() if route and any(mark in route for mark in _OF_A_CONTACT))
        print(f"| {name} | {counts.total():,} | {counts.total() - theirs} | {theirs / self._count:.3f} |", flush=True)


if __name__ == "__main__":
    main()
