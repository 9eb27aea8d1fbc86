"""The sandbox as one thing: start it, stop it, look at what was asked of it."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from ccops.sandbox.admin import Admin, Deliveries
from ccops.sandbox.api import create_field_row
from ccops.sandbox.faults import Faults
from ccops.sandbox.http import Exchange
from ccops.sandbox.service import Service
from ccops.sandbox.store import Store
from ccops.sandbox.tables import ContactRow, Observer, SandboxSettings, micros

if TYPE_CHECKING:
    from ccops.sandbox.listener import Listener

TAG: Final = "Member: Gold"


class _Example(NamedTuple):
    name: str
    credits: str | None
    gold: bool
    state: str = "active"


_CONTACTS: Final = (
    _Example("Ann", "5", gold=True),
    _Example("Bob", "12", gold=True),
    _Example("Cy", "abc", gold=True),
    _Example("Di", "20", gold=True, state="cancelled"),
    _Example("Ed", "3", gold=False, state="bounced"),
    _Example("Fay", None, gold=True),
    _Example("Gus", "118", gold=True),
    _Example("Hal", "0", gold=False),
)


def fill_examples(store: Store, now: datetime) -> None:
    """Put the example contacts into an empty state, as if they had been there for months."""
    joined = micros(now - timedelta(days=90))
    tagged = micros(now - timedelta(days=60))
    field_id = create_field_row(store, "Credits", joined).id
    tag = store.new_tag(TAG, joined)
    for example in _CONTACTS:
        contact_id, email = store.new_contact_id(), f"{example.name.lower()}@example.org"
        canceled_at = tagged if example.state == "cancelled" else None
        contact = ContactRow(contact_id, joined, joined, email, example.name, example.state, canceled_at, "{}")
        store.save_contact(contact.with_values({field_id: example.credits}), joined)
        if example.gold:
            store.add_tagging(tag.id, contact_id, tagged)


# ---- the sandbox as one thing: start it, stop it, look at what was asked of it


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _nobody(_phase: str, _method: str, _path: str) -> None:
    """Observe nothing."""


class Sandbox(Admin, Deliveries):
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
        from ccops.sandbox.state_file import open_state

        def fill(store: Store) -> None:
            if examples:
                fill_examples(store, clock())

        self.settings = SandboxSettings(key, token, rate, window, lag, clock, _nobody)
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
        self._service.deliverer.start()
        return self

    def stop(self) -> None:
        """Break all connections, stop listening and delivering; the state can be looked at, and `start` goes on."""
        self._service.deliverer.stop()
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
