"""Waiting for something that another process holds: in silence for a moment, then said, with who holds it."""

import fcntl
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from ccops.text import clean

SILENT: Final = 3.0
"""Seconds after which a wait is said."""
LOOK_AGAIN: Final = 0.02
"""Seconds between two looks at a lock that somebody else has."""
_SHORTEST_PAUSE: Final = 0.0005
"""Of those who hold a lock for a moment only."""
_LONGEST_COMMAND: Final = 100
_STOPPED: Final = frozenset("Tt")
"""States of a process that does nothing until it is told to go on (proc(5))."""

Holder = Callable[[], str | None]
"""Says who holds what is waited for, or None if that can't be seen."""


class Waits:
    """How waits are timed, and who hears of the long ones."""

    def __init__(
        self,
        tell: Callable[[str], None] | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.tell = tell
        """Told once of each wait that takes long."""
        self.now, self.sleep = now, sleep

    def begin(self, what: str, holder: Holder) -> "Wait":
        """Begin to wait for something."""
        return Wait(self, what, holder)


class Wait:
    """One wait, from its begin."""

    def __init__(self, waits: Waits, what: str, holder: Holder) -> None:
        self._waits, self._what, self._holder = waits, what, holder
        self._since = waits.now()
        self._told = False

    @property
    def lasted(self) -> float:
        """Seconds since it began."""
        return self._waits.now() - self._since

    def pause(self, seconds: float = 0) -> None:
        """Say the wait if it has become a long one, then sleep before the next look."""
        if not self._told and self.lasted >= SILENT and self._waits.tell is not None:
            self._told = True
            self._waits.tell(f"waiting for {self._what}, which {self._holder() or 'another process'} holds")
        if seconds:
            self._waits.sleep(seconds)


PROCESS: Final = Waits()
"""The waits of this process; the command line lets them be told on stderr."""


def be_silent() -> None:
    """Tell of no more waits of this process."""
    PROCESS.tell = None


def lock_file(handle: int, what: str, waits: Waits = PROCESS) -> None:
    """Lock an open file, alone; waits for whoever has it. The lock goes when the file is closed."""
    wait, pause = waits.begin(what, partial(holder_of, handle)), _SHORTEST_PAUSE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait.pause(pause)
            pause = min(2 * pause, LOOK_AGAIN)
        else:
            return


def holder_of(handle_or_path: int | Path, kind: str = "FLOCK", at: int | None = None) -> str | None:
    """Name the process that has a file locked: its number, its command, and whether it is stopped.

    `at`: by a lock on this byte. None where the system can't say: outside Linux, or of another container.
    """
    try:
        file = os.stat(handle_or_path)  # noqa: PTH116 - of an open file too
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    inode = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    found = (_pid(line.split(), inode, kind, at) for line in lines)
    pid = next((pid for pid in found if pid not in {0, os.getpid()}), None)
    return None if pid is None else _named(pid)


def _pid(words: list[str], inode: str, kind: str, at: int | None) -> int:
    """Return the holder in a line of /proc/locks (proc_locks(5)) if it is about this lock, else 0."""
    if len(words) != 8 or words[1] != kind or words[5] != inode:  # noqa: PLR2004 - those that wait have one word more
        return 0
    first, last = int(words[6]), float("inf") if words[7] == "EOF" else int(words[7])
    return int(words[4]) if at is None or first <= at <= last else 0


def _named(pid: int) -> str:
    name = f"process {pid}"
    try:
        words = [
            word.decode(errors="replace") for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if word
        ]
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0].decode()
    except (OSError, IndexError):
        return name
    command = clean(" ".join(_short(words)))[:_LONGEST_COMMAND]
    stopped = f", stopped (to let it continue: kill -CONT {pid})" if state in _STOPPED else ""
    return f"{name} ({command}{stopped})" if command else name


def _short(words: list[str]) -> list[str]:
    """Leave out of a command how Python was called for it."""
    if Path(words[0]).name.startswith("python") and len(words) > 1:
        if words[1] == "-m":
            words = words[2:]
        elif not words[1].startswith("-"):
            words = words[1:]
    return [Path(words[0]).name, *words[1:]] if words else words
