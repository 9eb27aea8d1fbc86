"""Files for the tests of `ccops import`, and what came of them."""

import csv
from collections.abc import Callable
from pathlib import Path

from tests.cli.calls import Ended
from tests.cli.sites import Site

Call = Callable[..., Ended]
Write = Callable[..., str]

ANN, BOB, CY, GUS, HAL = (f"{name}@example.org" for name in ("ann", "bob", "cy", "gus", "hal"))
NOBODY = "nobody@example.org"


def credits_of(site: Site, *contacts: str) -> list[str | None]:
    return [site.credits(contact) for contact in contacts]


def outcomes(ended: Ended) -> dict[str, str]:
    """Return what was said of each contact, without times."""
    cells = (line.split("\t") for line in ended.out.splitlines())
    return {who: said.partition(", ")[0] for who, said, _ in cells}


def table(path: Path, delimiter: str = ",") -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream, delimiter=delimiter))
