"""Locks of the operating system, which die with their holder: no lease to run out, none to clean up after a crash."""

import errno
import fcntl
import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from ccops.ledger.errors import LedgerNotWritable

_SLOTS: Final = 16_384
"""So many that two times fifty contacts hardly ever share one."""
_CONTACTS: Final = "contacts"
_FILES: Final = 1024
_LOOK_AGAIN: Final = 0.02
"""Seconds between two looks at a lock that somebody else has."""


class Locks:
    """Named locks across threads and processes, as `flock` on small files of one folder."""

    def __init__(self, folder: Path) -> None:
        _allow_files()
        self._folder = folder
        self.stop: Callable[[], bool] | None = None
        """Whether the program was asked to stop; then nothing is begun for which a lock had to be waited for."""

    def contact(self, contact: int) -> AbstractContextManager[None]:
        """Hold a contact, from claim to release; waits for whoever has it. Not to be taken twice by one thread."""
        return self.wait(f"{_CONTACTS}/{contact % _SLOTS}")

    @contextmanager
    def contacts(self, contacts: Iterable[int]) -> Iterator[None]:
        """Hold several contacts; all who do so take them in one order, so that no two wait for each other."""
        with ExitStack() as held:
            for slot in sorted({contact % _SLOTS for contact in contacts}):
                held.enter_context(self.contact(slot))
            yield

    @contextmanager
    def wait(self, name: str) -> Iterator[None]:
        """Hold the lock `name`; waits for whoever has it. Raises KeyboardInterrupt when asked to stop meanwhile."""
        handle = self._open(name)
        try:
            while not _locked(handle, wait=self.stop is None):
                if self.stop is not None and self.stop():
                    raise KeyboardInterrupt
                time.sleep(_LOOK_AGAIN)
            yield
        finally:
            os.close(handle)

    def take(self, name: str) -> "Held | None":
        """Take the lock `name` if it is free; else None at once."""
        handle = self._open(name)
        if _locked(handle, wait=False):
            return Held(handle, self._folder / name)
        os.close(handle)
        return None

    def names(self, start: str) -> list[str]:
        """List the locks whose names begin so and whose files are there, held or not."""
        return sorted(path.name for path in self._folder.glob(f"{start}*"))

    def held_for(self, name: str) -> timedelta:
        """Return how long ago the holder of the lock `name` marked it; 0 if it is gone."""
        try:
            marked = (self._folder / name).stat().st_mtime
        except FileNotFoundError:
            return timedelta(0)
        return timedelta(seconds=max(time.time() - marked, 0))

    def once_in(self, name: str, span: timedelta) -> bool:
        """Tell whether it is time for what is done once in so long, by whoever of all processes asks first."""
        known = name in self.names(name)
        if known and self.held_for(name) < span:
            return False
        held = self.take(name)
        if held is None:
            return False
        held.mark()
        held.drop()
        return True

    def _open(self, name: str) -> int:
        try:
            return os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return self._open_first(name)
        except OSError as error:
            raise LedgerNotWritable(self._folder / name, error.strerror or type(error).__name__) from error

    def _open_first(self, name: str) -> int:
        """Make the folders that a lock of this name needs, and its file."""
        try:
            for folder in (self._folder, (self._folder / name).parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            return os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerNotWritable(self._folder / name, error.strerror or type(error).__name__) from error


def _allow_files() -> None:
    """Let the process hold as many files as two hundred contacts need; macOS gives 256 in all, unless asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _locked(handle: int, *, wait: bool) -> bool:
    """Lock an open file; False if somebody else has it and waiting is not asked for."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise
    return True


class Held:
    """A lock that is held until `drop`, or until the process ends."""

    def __init__(self, handle: int, path: Path) -> None:
        self._handle: int | None = handle
        self._path = path

    def mark(self) -> None:
        """Note the present moment as the begin of the work that is done under the lock."""
        os.utime(self._path)

    def drop(self, *, remove: bool = False) -> None:
        """Let go, once; with `remove`, of a name that nobody will ask for again, the file goes too."""
        if self._handle is None:
            return
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None
