"""Being asked to stop: Ctrl-C (INT) and what a system sends before it shuts down (TERM)."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

from ccops.cli.exit_status import INTERRUPTED, TERMINATED

_Handler = Callable[[int, FrameType | None], None]
_STDERR: Final = 2
_FINISHING: Final = (
    "Stopping once the contact in hand is done (again to stop at once, safely too).\n"
    "If Kit's allowance is used up, that may take a minute."
)
_STATUS: Final = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
_LOST: Final[dict[type[BaseException], signal.Signals]] = {KeyboardInterrupt: signal.SIGINT, SystemExit: signal.SIGTERM}
_IN_A_MOMENT: Final = 0.05
"""Seconds by which a finalizer has ended."""


class StopRequest:
    """Whether the program was asked to stop, for work that finishes what it has in hand."""

    def __init__(self) -> None:
        self.event = threading.Event()
        """Set once asked; a `SystemClock` made with it ends its waits early."""
        self.status: int | None = None
        """The exit status then: 130 or 143."""
        self.insisted = False
        """Whether it was asked once more, and did not finish what it had in hand."""
        self.broken_off = False
        """Whether it was asked while there was nothing to finish first."""

    def break_off(self, number: int, _frame: FrameType | None = None) -> NoReturn:
        """End the program at once, where it stands.

        What is raised here can get lost: in a finalizer or a callback, Python only reports it. So it is noted first,
        and `heed` raises it again wherever something would begin or be recorded.
        """
        self.status = _STATUS[signal.Signals(number)]
        self.broken_off = True
        self.event.set()
        self.heed()
        raise AssertionError

    def heed(self) -> None:
        """End the program if that was asked and got lost. Raises KeyboardInterrupt and SystemExit."""
        if self.broken_off:
            raise KeyboardInterrupt if self.status == INTERRUPTED else SystemExit(self.status)

    def forget(self) -> None:
        """Take it that nothing was asked: stopped is how this command ends."""
        self.broken_off, self.status = False, None

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
def finishing(stop: StopRequest) -> Iterator[None]:
    """Let the body finish the contact in hand when asked to stop, instead of breaking it off."""
    stop.heed()
    with _handled({signal.SIGINT: stop.ask, signal.SIGTERM: stop.ask}):
        yield


@contextmanager
def terminable(stop: StopRequest) -> Iterator[None]:
    """Unwind on TERM as on Ctrl-C, so that locks and files are left in order; ends with status 143 or 130."""
    with _handled({signal.SIGINT: stop.break_off, signal.SIGTERM: stop.break_off}), _asked_again():
        yield


@contextmanager
def _asked_again() -> Iterator[None]:
    """Ask once more in a moment if being asked to end got lost where Python can only report it, and don't report it."""
    before = sys.unraisablehook

    def heed(lost: "sys.UnraisableHookArgs") -> None:
        number = _LOST.get(lost.exc_type)
        if number is None:
            before(lost)
            return
        again = threading.Timer(_IN_A_MOMENT, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    sys.unraisablehook = heed
    try:
        yield
    finally:
        sys.unraisablehook = before


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
