"""One connection of the receiver: waitress's, patient with no one who is slow, and polite to whom it turns away."""

import contextlib
import socket
from typing import Final

from waitress.channel import HTTPChannel

_PIECE: Final = 65_536


class Connection(HTTPChannel):
    """A connection whose time runs from the start of a request, and that hears its sender out before it closes.

    What is closed with unread bytes is reset by the operating system, and the sender would never see the answer that
    says why. Those bytes are read and forgotten, until the sender is done or its time is up.
    """

    _answered = False
    _hearing_out = False

    def handle_read(self) -> None:
        """Read what there is; a request that drips in is no sign of life."""
        if self._hearing_out:
            self._hear()
            return
        began = self.last_activity if self.request is not None else None
        super().handle_read()
        if began is not None and self.request is not None:
            self.last_activity = began

    def handle_write(self) -> None:
        """Send what there is; a connection that is closed behind its answer hears its sender out."""
        self._answered = self.close_when_flushed
        super().handle_write()

    def handle_close(self) -> None:
        """Close, or begin to."""
        if self._answered and not self._hearing_out and self.connected and self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
                self._hearing_out, self.will_close = True, False
                return
        super().handle_close()

    def _hear(self) -> None:
        try:
            more = self.recv(_PIECE)
        except OSError:
            more = b""
        if not more:
            super().handle_close()
