"""Being asked to stop: Ctrl-C (INT) and what a system sends before it shuts down (TERM)."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from ccops.cli.exits import INTERRUPTED, TERMINATED

_Handler = Callable[[int, FrameType | None], None]
_STDERR: Final = 2
_FINISHING: Final = (
    "Stopping once the contact in hand is done (again to stop at once, safely too).\n"
    "If Kit's allowance is used up, that may take a minute."
)
_STATUS: Final = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}


class Stop:
    """Whether the program was asked to stop, for work that finishes what it has in hand."""

    def __init__(self) -> None:
        self.event = threading.Event()
        """Set once asked; a `SystemClock` made with it ends its waits early."""
        self.status: int | None = None
        """The exit status then: 130 or 143."""
        self.insisted = False
        """Whether it was asked once more, and did not finish what it had in hand."""

    def ask(self, number: int, _frame: FrameType | None = None) -> None:
        """Note the first request; a second one ends the program at once, which is safe too."""
        status = _STATUS[signal.Signals(number)]
        if self.event.is_set():
            self.insisted = True
            _tell("")
            sys.exit(status)
        self.status = status
        self.event.set()
        _tell(_FINISHING)


def _tell(text: str) -> None:
    """Write a line below the terminal's ^C, past Python's streams, which may be busy just now."""
    if os.isatty(_STDERR):
        os.write(_STDERR, f"\n{text}\n".encode() if text else b"\n")


@contextmanager
def finishing(stop: Stop) -> Iterator[None]:
    """Let the body finish the contact in hand when asked to stop, instead of breaking it off."""
    with _handled({signal.SIGINT: stop.ask, signal.SIGTERM: stop.ask}):
        yield


@contextmanager
def terminable() -> Iterator[None]:
    """Unwind on TERM as on Ctrl-C, so that locks and files are left in order; ends with status 143."""
    with _handled({signal.SIGTERM: lambda _number, _frame: sys.exit(TERMINATED)}):
        yield


def heed_no_more() -> None:
    """Let no signal change how the program ends: what was asked is done, and its exit status has to say so.

    Broken off now, the same command would count again, although 130 and 143 promise that it goes on.
    """
    if threading.current_thread() is threading.main_thread():
        for number in _STATUS:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def _handled(handlers: dict[signal.Signals, _Handler]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not signal.SIG_IGN:  # nothing is to be heeded any more
                signal.signal(number, handler)
