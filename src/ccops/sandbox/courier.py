"""Carries to webhooks what waits in the state, one delivery after the other, on a thread of its own."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ccops.sandbox.moment import micros
from ccops.sandbox.retrying import given_up, judged
from ccops.sandbox.rows import DeliveryRow
from ccops.sandbox.settings import Settings
from ccops.sandbox.signature import signed_headers
from ccops.sandbox.store import Store

if TYPE_CHECKING:
    from ccops.sandbox.sending import Line

_GLANCE: Final = 0.1
"""Seconds between looks for what became due, or was left behind by another process that shares the state."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One try of a delivery."""

    delivery: int
    """The delivery's id; tries of one delivery share it."""
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    trouble: str
    """Why there is no status; empty if there is one."""


@dataclass(frozen=True, slots=True)
class _Parcel:
    delivery: DeliveryRow
    url: str
    secrets: tuple[str, ...]
    """Those that sign it; none for a legacy webhook."""
    copied: bool
    """Whether it is one copy more, whose outcome changes nothing."""


class Courier:
    """Delivers while it is started; what it does not get to waits in the state."""

    def __init__(self, store: Store, settings: Settings, keep: int | None) -> None:
        self._store = store
        self._settings = settings
        self._sent: deque[Sent] = deque(maxlen=keep)
        self._copies: deque[int] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._line: Line | None = None
        self._held = 0
        self._woken = self._idle = self._stopping = False

    def start(self) -> None:
        """Begin to deliver."""
        from ccops.sandbox.sending import Line

        if self._thread is None:
            self._line, self._woken, self._stopping = Line(), True, False
            self._thread = threading.Thread(target=self._run, args=(self._line,), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Break off what is being delivered, and return when the thread is done."""
        if self._thread and self._line:
            with self._changed:
                self._stopping = True
                self._changed.notify_all()
            self._line.cut()
            self._thread.join()
            self._thread = self._line = None

    def wake(self) -> None:
        """Look what there is to deliver."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def await_idle(self, timeout: float) -> None:
        """Wait until nothing is to be delivered at present. Raises TimeoutError."""
        self.wake()
        with self._changed:
            if not self._changed.wait_for(lambda: self._idle and not self._woken, timeout):
                raise TimeoutError

    @contextmanager
    def held(self) -> Iterator[None]:
        """Begin no delivery inside the block."""
        with self._changed:
            self._held += 1
        try:
            yield
        finally:
            with self._changed:
                self._held -= 1
            self.wake()

    def copy(self, delivery_id: int, times: int) -> None:
        """Deliver something so many times more."""
        with self._changed:
            self._copies.extend([delivery_id] * times)
        self.wake()

    def retry(self) -> int:
        """Try again at once what is to be tried again; return how many deliveries that are."""
        with self._store.transaction():
            count = self._store.hooks.hasten()
        self.wake()
        return count

    def sent(self) -> list[Sent]:
        """Return the last tries, oldest first."""
        with self._changed:
            return list(self._sent)

    def _run(self, line: "Line") -> None:
        while self._await_work():
            while not self._stopping and (parcel := self._next()):
                self._carry(parcel, line)

    def _await_work(self) -> bool:
        with self._changed:
            self._idle = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._woken or self._stopping, _GLANCE)
            self._woken = self._idle = False
            return not self._stopping

    def _next(self) -> _Parcel | None:
        with self._changed:
            if self._held:
                return None
        return self._copied() or self._claimed()

    def _copied(self) -> _Parcel | None:
        while self._copies:
            with self._store.transaction(write=False):
                parcel = self._addressed(self._store.hooks.delivery(self._copies.popleft()), copied=True)
            if parcel:
                return parcel
        return None

    def _claimed(self) -> _Parcel | None:
        now, hooks = micros(self._settings.clock()), self._store.hooks
        with self._store.transaction(write=False):
            if not hooks.has_work(now):
                return None
        with self._store.transaction():
            hooks.batch()
            while delivery := hooks.first_due(now):
                # Kept as a failed try until the answer is there: a process that dies meanwhile leaves nothing open.
                claimed = self._judged(delivery._replace(attempts=delivery.attempts + 1), None, None)
                parcel = self._addressed(claimed, copied=False)
                hooks.save_delivery(claimed if parcel else given_up(claimed))
                if parcel:
                    return parcel
        return None

    def _addressed(self, delivery: DeliveryRow, *, copied: bool) -> _Parcel | None:
        if delivery.endpoint_id is None:
            return _Parcel(delivery, delivery.url, (), copied)
        endpoint = self._store.hooks.endpoint(delivery.endpoint_id)
        if endpoint is None or endpoint.status != "active":
            return None
        return _Parcel(delivery, endpoint.url, endpoint.secrets(micros(self._settings.clock())), copied)

    def _carry(self, parcel: _Parcel, line: "Line") -> None:
        body, at = parcel.delivery.body.encode(), int(self._settings.clock().timestamp())
        headers = {"Content-Type": "application/json"}
        if parcel.secrets:
            headers = signed_headers(body, parcel.secrets, at, parcel.delivery.id)
        reply = line.post(parcel.url, headers, body, self._settings.patience)
        if not parcel.copied:
            with self._store.transaction():
                self._store.hooks.save_delivery(self._judged(parcel.delivery, reply.status, reply.retry_after))
        with self._changed:
            self._sent.append(Sent(parcel.delivery.id, parcel.url, headers, body, reply.status, reply.trouble))

    def _judged(self, delivery: DeliveryRow, status: int | None, retry_after: str | None) -> DeliveryRow:
        now = micros(self._settings.clock())
        return judged(delivery, status, retry_after, now, self._settings.retry_scale)
