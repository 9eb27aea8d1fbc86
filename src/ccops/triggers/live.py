"""Files of the home as they are now: edited while ccops serves, and kept as they last were while they have mistakes."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from ccops.errors import CcopsError

Value = TypeVar("Value")


class Live(Generic[Value]):
    """What a file says, read again whenever it has changed.

    `load` raises a CcopsError for a file with mistakes: at the start that is the caller's, later `tell` hears of it,
    once, and the last good state goes on to hold.
    """

    def __init__(self, path: Path, load: Callable[[], Value], tell: Callable[[CcopsError], None]) -> None:
        self._path, self._load, self._tell = path, load, tell
        self._guard = threading.Lock()
        self._seen = self._look()
        self._value = load()

    def __call__(self) -> Value:
        """Return what the file says now, or what it last said while it was in order."""
        with self._guard:
            look = self._look()
            if look != self._seen:
                # Taken before the file is read: a change meanwhile is seen next time.
                self._seen = look
                self._reload()
            return self._value

    def _reload(self) -> None:
        try:
            self._value = self._load()
        except CcopsError as error:
            self._tell(error)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
