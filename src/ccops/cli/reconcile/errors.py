"""What is wrong with the command line of `ccops reconcile`."""

import shlex
from typing import Literal

from ccops.errors import Misconfigured
from ccops.text import clean

Way = Literal["adopt", "restore"]
"""Which of two values is to hold: Kit's, or the ledger's."""


class OneWay(Misconfigured):
    """Both values can't hold."""

    def __init__(self, field: str) -> None:
        self.mend = f"{command_of(field, 'adopt')}\n{command_of(field, 'restore')}"
        super().__init__(
            "give one of --adopt (Kit's values are to hold) and --restore (what ccops wrote last is). Nothing was sent."
        )


class Unasked(Misconfigured):
    """Every contact that differs, and nobody is there to be asked."""

    def __init__(self, field: str, way: Way) -> None:
        self.mend = f"{command_of(field, way)} --dry-run\n{command_of(field, way)} --yes"
        super().__init__(
            f"--{way} is for every contact that was changed by hand, and nobody is here to be asked. Nothing was sent."
        )


def command_of(field: str, way: Way | None = None) -> str:
    """Write the command so that it can be copied."""
    return clean(" ".join(["ccops", "reconcile", shlex.quote(field), *([f"--{way}"] if way else [])]))
