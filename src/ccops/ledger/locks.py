"""Locks of the operating system, which die with their holder: no lease to run out, none to clean up after a crash."""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from ccops.ledger.errors import LedgerNotWritable
from ccops.ledger.held import Contacts
from ccops.waits import LOOK_AGAIN, PROCESS, Wait, Waits, holder_of

_CONTACTS: Final = "contact"


class Locks:
    """Named locks across threads and processes, as `flock` on small files of one folder."""

    def __init__(self, folder: Path, waits: Waits = PROCESS) -> None:
        self._folder = folder
        self._waits = waits
        self._contacts = Contacts(folder / _CONTACTS, partial(self._open, _CONTACTS))
        self.stop: Callable[[], bool] | None = None
        """Whether the program was asked to stop; then nothing is begun for which a lock had to be waited for."""

    @contextmanager
    def contact(self, contact: int) -> Iterator[None]:
        """Hold a contact, from claim to release; waits for whoever has it. Not to be taken twice by one thread.

        Raises KeyboardInterrupt when asked to stop meanwhile.
        """
        with self._contacts.joined() as file:
            wait = None
            while not file.take(contact):
                wait = wait or self._waits.begin(f"contact {contact}", partial(file.holder_of, contact))
                self._pause(wait)
            try:
                yield
            finally:
                file.let_go(contact)

    @contextmanager
    def contacts(self, contacts: Iterable[int]) -> Iterator[None]:
        """Hold several contacts; all who do so take them in one order, so that no two wait for each other."""
        with ExitStack() as held:
            for contact in sorted(set(contacts)):
                held.enter_context(self.contact(contact))
            yield

    @contextmanager
    def wait(self, name: str) -> Iterator[None]:
        """Hold the lock `name`; waits for whoever has it. Raises KeyboardInterrupt when asked to stop meanwhile."""
        handle = self._open(name)
        try:
            wait = None
            while not _locked(handle):
                wait = wait or self._waits.begin(f"the lock {self._folder / name}", partial(holder_of, handle))
                self._pause(wait)
            yield
        finally:
            os.close(handle)

    def take(self, name: str) -> "Held | None":
        """Take the lock `name` if it is free; else None at once."""
        handle = self._open(name)
        if _locked(handle):
            return Held(handle, self._folder / name)
        os.close(handle)
        return None

    def share(self, name: str) -> "Held":
        """Take the lock `name` together with others who share it; waits for a holder who has it alone."""
        handle = self._open(name)
        try:
            wait = self._waits.begin(f"the lock {self._folder / name}", partial(holder_of, handle))
            while not _locked(handle, fcntl.LOCK_SH):
                self._pause(wait)
        except BaseException:
            os.close(handle)
            raise
        return Held(handle, self._folder / name)

    def holder_of(self, name: str) -> str | None:
        """Name the process that holds the lock `name`, as far as the system tells."""
        return holder_of(self._folder / name)

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

    def _pause(self, wait: Wait) -> None:
        """Wait before the next look at a lock that somebody else has."""
        if self.stop is not None and self.stop():
            raise KeyboardInterrupt
        wait.pause(LOOK_AGAIN)

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


def _locked(handle: int, how: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file; False if somebody else has it."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
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
        now = time.time()  # the clock that `held_for` reads; a file server may have another
        os.utime(self._path, (now, now))

    def drop(self, *, remove: bool = False) -> None:
        """Let go, once; with `remove`, of a name that nobody will ask for again, the file goes too."""
        if self._handle is None:
            return
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None
