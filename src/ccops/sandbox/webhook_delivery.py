"""Carries to webhooks what waits in the state, one delivery after the other, on a thread of its own."""

import contextlib
import hashlib
import hmac
import socket
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from ccops.sandbox.store import Store
from ccops.sandbox.tables import FOREVER, DeliveryRow, SandboxSettings, micros

_ENOUGH: Final = 65_536
"""How much of an answer's body is read, in bytes."""


@dataclass(frozen=True, slots=True)
class DeliveryReply:
    """What a receiver answered, or why there is no answer."""

    status: int | None = None
    retry_after: str | None = None
    trouble: str = ""


class DeliveryLine:
    """One request at a time, which another thread can cut."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def cut(self) -> None:
        """Break off the request in hand, and any to come."""
        with self._lock:
            self._is_cut = True
            if self._socket:
                with contextlib.suppress(OSError):  # it may be gone already
                    self._socket.shutdown(socket.SHUT_RDWR)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, patience: float) -> DeliveryReply:
        """Post a body and return what came of it; `patience` is in seconds of silence."""
        place = urlsplit(url)
        if place.scheme != "http" or not _is_loopback(place.hostname or ""):
            return DeliveryReply(trouble="not sent: the sandbox delivers to http:// on loopback only")
        connection = HTTPConnection(place.hostname or "", place.port, timeout=patience)
        target = (place.path or "/") + (f"?{place.query}" if place.query else "")
        try:
            with self._connected(connection):
                connection.request("POST", target, body, dict(headers))
                answer = connection.getresponse()
                answer.read(_ENOUGH)
                return DeliveryReply(answer.status, answer.getheader("Retry-After"))
        except (OSError, HTTPException) as error:
            return DeliveryReply(trouble=str(error) or type(error).__name__)
        finally:
            connection.close()

    @contextlib.contextmanager
    def _connected(self, connection: HTTPConnection) -> Iterator[None]:
        connection.connect()
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError
            self._socket = connection.sock
        try:
            yield
        finally:
            with self._lock:
                self._socket = None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# ---- how deliveries to webhook endpoints are signed (Kit API v4, "Webhook endpoints")


def signed_headers(body: bytes, secrets: Iterable[str], at: int, delivery_id: int) -> dict[str, str]:
    """Return the headers of a delivery that is signed at a moment (seconds since 1970), once with each secret."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Kit-Webhooks/2.0",
        "X-Kit-Delivery": str(delivery_id),
        "X-Kit-Signature": ",".join([f"t={at}", *(f"v1={_digest(body, secret, at)}" for secret in secrets)]),
    }


def _digest(body: bytes, secret: str, at: int) -> str:
    return hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()


# ---- what becomes of a delivery after a try

_WAITS: Final = (30, 120, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
"""Seconds after each failed try but the last (Kit API v4, "Webhook endpoints")."""

_GONE: Final = 410
_BUSY: Final = (429, 503)
_LONGEST: Final = 24 * 3600


def judged(delivery: DeliveryRow, status: int | None, retry_after: str | None, now: int, scale: float) -> DeliveryRow:
    """Return how a delivery stands after a try that got this answer, None for none; legacy ones are tried once."""
    if status is not None and 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls successful
        return delivery._replace(state="delivered", due=FOREVER)
    if delivery.endpoint_id is None or status == _GONE or delivery.attempts > len(_WAITS):
        return given_up(delivery)
    wait = _wished(retry_after) if status in _BUSY else None
    wait = wait or _WAITS[delivery.attempts - 1]
    return delivery._replace(state="retrying", due=now + int(wait * scale * 1_000_000) if scale else FOREVER)


def given_up(delivery: DeliveryRow) -> DeliveryRow:
    """Return a delivery as one that is not tried again."""
    return delivery._replace(state="failed", due=FOREVER)


def _wished(retry_after: str | None) -> int | None:
    if retry_after is None or not retry_after.isdecimal():
        return None
    return min(max(int(retry_after), 1), _LONGEST)


# ---- carries to webhooks what waits in the state, one delivery after the other, on a thread of its own

_GLANCE: Final = 0.1
"""Seconds between looks for what became due, or was left behind by another process that shares the state."""


@dataclass(frozen=True, slots=True)
class DeliveryTry:
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
class _QueuedDelivery:
    delivery: DeliveryRow
    url: str
    secrets: tuple[str, ...]
    """Those that sign it; none for a legacy webhook."""
    copied: bool
    """Whether it is one copy more, whose outcome changes nothing."""


class Deliverer:
    """Delivers while it is started; what it does not get to waits in the state."""

    def __init__(self, store: Store, settings: SandboxSettings, keep: int | None) -> None:
        self._store = store
        self._settings = settings
        self._sent: deque[DeliveryTry] = deque(maxlen=keep)
        self._copies: deque[int] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._line: DeliveryLine | None = None
        self._held = 0
        self._woken = self._idle = self._stopping = False

    def start(self) -> None:
        """Begin to deliver."""
        if self._thread is None:
            self._line, self._woken, self._stopping = DeliveryLine(), True, False
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

    def sent(self) -> list[DeliveryTry]:
        """Return the last tries, oldest first."""
        with self._changed:
            return list(self._sent)

    def _run(self, line: "DeliveryLine") -> None:
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

    def _next(self) -> _QueuedDelivery | None:
        with self._changed:
            if self._held:
                return None
        return self._copied() or self._claimed()

    def _copied(self) -> _QueuedDelivery | None:
        while self._copies:
            with self._store.transaction(write=False):
                parcel = self._addressed(self._store.hooks.delivery(self._copies.popleft()), copied=True)
            if parcel:
                return parcel
        return None

    def _claimed(self) -> _QueuedDelivery | None:
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

    def _addressed(self, delivery: DeliveryRow, *, copied: bool) -> _QueuedDelivery | None:
        if delivery.endpoint_id is None:
            return _QueuedDelivery(delivery, delivery.url, (), copied)
        endpoint = self._store.hooks.endpoint(delivery.endpoint_id)
        if endpoint is None or endpoint.status != "active":
            return None
        return _QueuedDelivery(delivery, endpoint.url, endpoint.secrets(micros(self._settings.clock())), copied)

    def _carry(self, parcel: _QueuedDelivery, line: "DeliveryLine") -> None:
        body, at = parcel.delivery.body.encode(), int(self._settings.clock().timestamp())
        headers = {"Content-Type": "application/json"}
        if parcel.secrets:
            headers = signed_headers(body, parcel.secrets, at, parcel.delivery.id)
        reply = line.post(parcel.url, headers, body, self._settings.patience)
        if not parcel.copied:
            with self._store.transaction():
                self._store.hooks.save_delivery(self._judged(parcel.delivery, reply.status, reply.retry_after))
        with self._changed:
            self._sent.append(DeliveryTry(parcel.delivery.id, parcel.url, headers, body, reply.status, reply.trouble))

    def _judged(self, delivery: DeliveryRow, status: int | None, retry_after: str | None) -> DeliveryRow:
        now = micros(self._settings.clock())
        return judged(delivery, status, retry_after, now, self._settings.retry_scale)
