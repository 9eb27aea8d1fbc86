"""Which contacts are held: bytes of one small file, locked by the operating system, which lets go when a process dies.

A contact that is met for the first time costs no file of its own, and no two contacts share a lock. But such a lock is
a whole process's, and closing the file anywhere in it lets go of all: so a process opens the file once, for all its
threads and ledgers, and tells their turns apart itself.
"""

import errno
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

_guard: Final = threading.Lock()
_files: Final[dict[str, "_File"]] = {}


class _File:
    """The open file, and what threads of this process hold and use it for."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.held: set[int] = set()
        self.users = 0


class Contacts:
    """The contacts of one ledger; those that were made for the same file stand for the same contacts."""

    def __init__(self, path: Path, open_file: Callable[[], int]) -> None:
        self._name = os.path.realpath(path)
        self._open_file = open_file

    def join(self) -> None:
        """Begin to use the file, which is open until the last user leaves."""
        with _guard:
            file = _files.get(self._name)
            if file is None:
                file = _files[self._name] = _File(self._open_file())
            file.users += 1

    def leave(self) -> None:
        """Use the file no more; whatever was taken was let go before."""
        with _guard:
            file = _files[self._name]
            file.users -= 1
            if not file.users:
                del _files[self._name]
                os.close(file.handle)

    def take(self, contact: int) -> bool:
        """Take a contact if it is free."""
        with _guard:
            file = _files[self._name]
            if contact in file.held or not _locked(file.handle, contact):
                return False
            file.held.add(contact)
            return True

    def let_go(self, contact: int) -> None:
        """Let go of a contact that this thread has taken."""
        with _guard:
            file = _files[self._name]
            file.held.discard(contact)
            fcntl.lockf(file.handle, fcntl.LOCK_UN, 1, contact)


def _locked(handle: int, contact: int) -> bool:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, contact)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise
    return True
