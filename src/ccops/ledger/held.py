"""Which contacts are held: bytes of one small file, locked by the operating system, which lets go when a process dies.

A contact that is met for the first time costs no file of its own, and no two contacts share a lock. But such a lock is
a whole process's, and closing the file anywhere in it lets go of all: so a process opens the file once, for all its
threads and ledgers, and tells their turns apart itself.
"""

import errno
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ccops.waits import holder_of

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


class Contacts:
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
