"""What the tests of the command line share."""

import io
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """What a call left: its exit status and what it printed."""

    status: int
    out: str
    err: str


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def told(text: str) -> str:
    """Return an error as it stands on stderr of a pipe."""
    return f"error: {text}\n".replace("\n", "\n       ").removesuffix("       ")
