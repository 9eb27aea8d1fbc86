"""Waiting for something that another process holds: in silence for a moment, then said, with who holds it."""

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from ccops.errors import LedgerNotWritable
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


# ---- which contacts are held: bytes of one small file, locked by the operating system, which lets go when a process
# dies
#
# A contact that is met for the first time costs no file of its own, and no two contacts share a lock. But such a lock
# is a whole process's, and closing the file anywhere in it lets go of all: so a process opens the file once, for all
# its threads and ledgers, and tells their turns apart itself.

_guard: Final = threading.Lock()
_files: Final[dict[str, "_File"]] = {}
_held: Final[set[tuple[str, int]]] = set()
"""What threads of this process hold, whichever file was there when they took it."""


class _File:
    """The open file, while anybody uses it."""

    def __init__(self, name: str, handle: int) -> None:
        self.name = name
        self.handle = handle
        self.users = 0

    @property
    def is_there(self) -> bool:
        """Whether other processes find this file where it was opened, and no other one or none."""
        try:
            return os.path.samestat(os.stat(self.name), os.fstat(self.handle))  # noqa: PTH116 - asked for each contact
        except OSError:
            return False

    def take(self, contact: int) -> bool:
        """Take a contact if it is free."""
        with _guard:
            if (self.name, contact) in _held or not _locked(self.handle, contact):
                return False
            _held.add((self.name, contact))
            return True

    def holder_of(self, contact: int) -> str | None:
        """Name the other process that has a contact, as far as the system tells."""
        return holder_of(self.handle, "POSIX", contact)

    def let_go(self, contact: int) -> None:
        """Let go of a contact that this thread has taken."""
        with _guard:
            _held.discard((self.name, contact))
            fcntl.lockf(self.handle, fcntl.LOCK_UN, 1, contact)


class ContactLocks:
    """The contacts of one ledger; those that were made for the same file stand for the same contacts."""

    def __init__(self, path: Path, open_file: Callable[[], int]) -> None:
        self._name = os.path.realpath(path)
        self._open_file = open_file

    @contextmanager
    def joined(self) -> Iterator[_File]:
        """Use the file, which is open until the last user leaves; by then, whatever was taken was let go."""
        file = self._join()
        try:
            yield file
        finally:
            self._leave(file)

    def _join(self) -> _File:
        with _guard:
            file = _files.get(self._name)
            if file is None or not file.is_there:
                file = _files[self._name] = _File(self._name, self._open_file())
            file.users += 1
            return file

    def _leave(self, file: _File) -> None:
        with _guard:
            file.users -= 1
            if not file.users:
                os.close(file.handle)
                if _files.get(self._name) is file:
                    del _files[self._name]


def _locked(handle: int, contact: int) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, contact)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise
    return True


# ---- locks of the operating system, which die with their holder: no lease to run out, none to clean up after a crash

_CONTACTS: Final = "contact"


class Locks:
    """Named locks across threads and processes, as `flock` on small files of one folder."""

    def __init__(self, folder: Path, waits: Waits = PROCESS) -> None:
        self._folder = folder
        self._waits = waits
        self._contacts = ContactLocks(folder / _CONTACTS, partial(self._open, _CONTACTS))
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
            while not _locked_file(handle):
                wait = wait or self._waits.begin(f"the lock {self._folder / name}", partial(holder_of, handle))
                self._pause(wait)
            yield
        finally:
            os.close(handle)

    def take(self, name: str) -> "HeldLock | None":
        """Take the lock `name` if it is free; else None at once."""
        handle = self._open(name)
        if _locked_file(handle):
            return HeldLock(handle, self._folder / name)
        os.close(handle)
        return None

    def share(self, name: str) -> "HeldLock":
        """Take the lock `name` together with others who share it; waits for a holder who has it alone."""
        handle = self._open(name)
        try:
            wait = self._waits.begin(f"the lock {self._folder / name}", partial(holder_of, handle))
            while not _locked_file(handle, fcntl.LOCK_SH):
                self._pause(wait)
        except BaseException:
            os.close(handle)
            raise
        return HeldLock(handle, self._folder / name)

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


def _locked_file(handle: int, how: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file; False if somebody else has it."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise
    return True


class HeldLock:
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
