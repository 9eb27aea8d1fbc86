"""The sandbox as one thing: start it, stop it, look at what was asked of it."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ccops.sandbox import examples as example_contacts
from ccops.sandbox.deliveries import Deliveries
from ccops.sandbox.exchange import Exchange
from ccops.sandbox.faults import Faults
from ccops.sandbox.hands import Hands
from ccops.sandbox.service import Service
from ccops.sandbox.settings import Observer, Settings
from ccops.sandbox.store import Store

if TYPE_CHECKING:
    from ccops.sandbox.listener import Listener


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _nobody(_phase: str, _method: str, _path: str) -> None:
    """Observe nothing."""


class Sandbox(Hands, Deliveries):
    """A stand-in for Kit on loopback; as a context manager it runs inside the block.

    The state is in memory, or in the file `path`, which sandboxes of several processes may share at the same time.
    `rate` requests a credential are let through in any `window` seconds, 0: all; each process counts for itself.
    `lag`: lists show the state of so many seconds ago. `clock` returns aware datetimes. `examples`: a new state
    begins with example contacts. `keep_exchanges`: how many exchanges are kept for looking at, None: all.
    Raises StateUnusable; `start` raises PortTaken.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        port: int = 0,
        key: str = "sandbox-key",
        token: str = "sandbox-token",  # noqa: S107 - opens nothing but a sandbox
        rate: int = 0,
        window: float = 60.0,
        lag: float = 0.0,
        clock: Callable[[], datetime] = _utc_now,
        examples: bool = True,
        keep_exchanges: int | None = 100,
    ) -> None:
        from ccops.sandbox.statefile import open_state

        def fill(store: Store) -> None:
            if examples:
                example_contacts.fill(store, clock())

        self.settings = Settings(key, token, rate, window, lag, clock, _nobody)
        """Key, token, rate, window, lag, clock, and how webhooks are delivered; may be changed while it runs."""
        super().__init__(Service(open_state(path, fill), self.settings, keep_exchanges))
        self._port = port
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Where it listens; the port is known from the first `start` on, and stays."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> Self:
        """Listen, and deliver what webhooks wait for; after a stop, on the same port again."""
        from ccops.sandbox.listener import Listener

        self._listener = self._listener or Listener(self._service, self._port)
        self._port = self._listener.port
        self._service.courier.start()
        return self

    def stop(self) -> None:
        """Break all connections, stop listening and delivering; the state can be looked at, and `start` goes on."""
        self._service.courier.stop()
        if self._listener:
            self._listener.close()
            self._listener = None

    def close(self) -> None:
        """Stop for good and let go of the state."""
        self.stop()
        self._service.store.close()

    def serve_forever(self, stop: threading.Event | None = None) -> None:
        """Start, and return when `stop` is set or on Ctrl-C; then all is closed."""
        with self, contextlib.suppress(KeyboardInterrupt):
            (stop or threading.Event()).wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def faults(self) -> Faults:
        """What is to go wrong, and on which requests."""
        return self._service.faults

    @property
    def on_request(self) -> Observer:
        """Called with "before" or "after" (the effect, but not yet the answer), method and path of each request."""
        return self.settings.observer

    @on_request.setter
    def on_request(self, observer: Observer) -> None:
        self.settings.observer = observer

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How often each method and route, like `("PUT", "/v4/subscribers/{id}")`, was asked for."""
        return self._service.log.counts()

    @property
    def statuses(self) -> Counter[int | None]:
        """How often each status was answered; None stands for no answer."""
        return self._service.log.statuses()

    @property
    def exchanges(self) -> list[Exchange]:
        """The last exchanges, oldest first."""
        return self._service.log.exchanges()

    def forget(self) -> None:
        """Start counting and collecting exchanges anew."""
        self._service.log.forget()
