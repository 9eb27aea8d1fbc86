"""Answers requests: credential, rate limit, faults, the endpoint, the log. It knows no sockets."""

import contextlib
import hmac
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from ccops.sandbox import oauth
from ccops.sandbox.api import EndpointCall
from ccops.sandbox.bulk_api import is_meant
from ccops.sandbox.distortion import TOO_MANY, Delivery, distorted
from ccops.sandbox.faults import Fault, Faults
from ccops.sandbox.http import Exchange, NotFound, Payload, SandboxAnswer, SandboxRefused, SandboxRequest, refusal
from ccops.sandbox.routes import find
from ccops.sandbox.store import Store
from ccops.sandbox.tables import FOREVER, PRESENT, PostponedRow, SandboxSettings, micros
from ccops.sandbox.webhook_delivery import Deliverer, DeliveryTry


class RollingLimit:
    """Counts the requests that were let through; a refused one does not count."""

    def __init__(self) -> None:
        self._passed: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admits(self, credential: str, now: datetime, rate: int, window: float) -> bool:
        """Say whether one more request fits into the last `window` seconds; `rate` 0 means no limit."""
        if not rate:
            return True
        with self._lock:
            passed = self._passed[credential]
            while passed and passed[0] <= now - timedelta(seconds=window):
                passed.popleft()
            if len(passed) >= rate:
                return False
            passed.append(now)
            return True


# ---- what was asked of a sandbox


class Log:
    """Counts all exchanges and keeps the last `keep` of them, or all if `keep` is None."""

    def __init__(self, keep: int | None) -> None:
        self._lock = threading.Lock()
        self._exchanges: deque[Exchange] = deque(maxlen=keep)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._statuses: Counter[int | None] = Counter()

    def add(self, exchange: Exchange) -> None:
        """Take down an exchange."""
        with self._lock:
            self._exchanges.append(exchange)
            self._counts[exchange.method, exchange.route or exchange.path] += 1
            self._statuses[exchange.status] += 1

    def counts(self) -> Counter[tuple[str, str]]:
        """Return how often each method and route was asked for."""
        with self._lock:
            return self._counts.copy()

    def statuses(self) -> Counter[int | None]:
        """Return how often each status was answered; None stands for no answer."""
        with self._lock:
            return self._statuses.copy()

    def exchanges(self) -> list[Exchange]:
        """Return the exchanges that were kept, oldest first."""
        with self._lock:
            return list(self._exchanges)

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._exchanges.clear()
            self._counts.clear()
            self._statuses.clear()


# ---- answers requests: credential, rate limit, faults, the endpoint, the log. It knows no sockets

_ENDPOINTS: Final = "/v4/webhook_endpoints"
_REFUSALS: Final = {401: refusal(401, "The access token is invalid"), 404: refusal(404, "Not Found")}


class Service:
    """A sandbox without its sockets."""

    def __init__(self, store: Store, settings: SandboxSettings, keep_exchanges: int | None) -> None:
        self.store = store
        self.settings = settings
        self.log = Log(keep_exchanges)
        self.faults = Faults(self.deliver_late)
        self.deliverer = Deliverer(store, settings, keep_exchanges)
        self._limit = RollingLimit()

    def handle(self, request: SandboxRequest) -> Delivery:
        """Answer a request, or let a fault have its way with it."""
        self.settings.observer("before", request.method, request.path)
        refused = self._refused(request)
        fault = None if refused else self.faults.pick(request.method, request.path)
        delivery = distorted(fault, request, self) if fault else Delivery(refused or self.perform(request))
        self._take_down(request, delivery.answer, fault)
        self.settings.observer("after", request.method, request.path)
        return delivery

    def perform(self, request: SandboxRequest, *, keep: bool = True) -> SandboxAnswer:
        """Do what a request asks for, in one transaction; without `keep` the state stays as it was."""
        now = self.settings.clock()
        self.catch_up(micros(now))
        try:
            with self.changing(keep=keep) if _changes(request) else self.store.transaction(write=False):
                return self._call(request, now)
        except SandboxRefused as refused:
            return refused.answer

    @contextlib.contextmanager
    def changing(self, *, keep: bool = True) -> Iterator[None]:
        """Change the state inside the block; what webhooks want to know of it is delivered afterwards."""
        with self.store.transaction(keep=keep):
            yield
            news = self.store.hooks.take_news()
        if news:
            self.deliverer.wake()

    def postpone(self, request: SandboxRequest, delay: float | None) -> None:
        """Do what a request asks for in so many seconds, or when `deliver_late` is called."""
        due = FOREVER if delay is None else micros(self.settings.clock()) + int(delay * 1_000_000)
        with self.store.transaction():
            self.store.postpone(PostponedRow(request.method, request.target, request.body), due)

    def deliver_late(self) -> int:
        """Do all that is postponed, whether due or not; return how many requests that were."""
        return self.catch_up(FOREVER)

    def catch_up(self, until: int | None = None) -> int:
        """Do what was postponed and is due by now, or by then."""
        now = self.settings.clock()
        until = micros(now) if until is None else until
        if not self.store.has_due(until):
            return 0
        with self.changing():
            due = self.store.take_due(until)
            for row in due:
                self._belated(SandboxRequest(row.method, row.target, body=row.body), now)
        return len(due)

    def _belated(self, request: SandboxRequest, now: datetime) -> None:
        with contextlib.suppress(SandboxRefused):  # nobody is left to be told
            self._call(request, now, postponed=True)

    def _call(self, request: SandboxRequest, now: datetime, *, postponed: bool = False) -> SandboxAnswer:
        if request.path.startswith(oauth.PREFIX):
            return oauth.answer(request, self.store.grants, self.settings, micros(now))
        found = find(request.method, request.path)
        if found is None:
            raise NotFound
        route, ids = found
        lists_at = micros(now) - int(self.settings.lag * 1_000_000) if self.settings.lag else PRESENT
        return route.endpoint(EndpointCall(request, ids, self.store, now, lists_at, self.settings, postponed))

    def _refused(self, request: SandboxRequest) -> SandboxAnswer | None:
        if request.path.startswith(oauth.PREFIX):
            return None  # it is where credentials come from
        credential = self._credential(request)
        if isinstance(credential, SandboxAnswer):
            return credential
        settings = self.settings
        if not self._limit.admits(credential, settings.clock(), settings.rate, settings.window):
            return TOO_MANY
        if request.path.startswith(_ENDPOINTS) and settings.webhook_endpoints != "on":
            return _REFUSALS[settings.webhook_endpoints]
        try:
            request.json  # noqa: B018 - reads it
        except ValueError:
            return refusal(400, "The body is not a JSON object")
        return None

    def _credential(self, request: SandboxRequest) -> str | SandboxAnswer:
        """Return the name by which requests of a credential are counted, or why it opens nothing."""
        key, only_tokens = request.headers.get("X-Kit-Api-Key"), is_meant(request.path)
        bearer = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        if key is not None:
            return "key" if _same(key, self.settings.key) and not only_tokens else _REFUSALS[401]
        return "token" if _same(bearer, self.settings.token) else self._granted(bearer)

    def _granted(self, token: str) -> str | SandboxAnswer:
        now = micros(self.settings.clock())
        with self.store.transaction(write=False):
            why_not = oauth.why_not(token, self.store.grants, now)
            pair = self.store.grants.by_access(token)
        return refusal(401, why_not or "") if why_not or pair is None else f"family {pair.family}"

    def _take_down(self, request: SandboxRequest, answer: SandboxAnswer | None, fault: Fault | None) -> None:
        found = find(request.method, request.path)
        route = found[0].template if found else None
        status, payload = (answer.status, answer.payload) if answer else (None, b"")
        self.log.add(
            Exchange(
                request.method, route, request.path, request.query, request.body, status, payload, fault is not None
            )
        )


def _changes(request: SandboxRequest) -> bool:
    return request.method != "GET" or request.path == oauth.AUTHORIZE  # that one makes a code


def _same(given: str, ours: str) -> bool:
    return hmac.compare_digest(given.encode(), ours.encode())


# ---- controls of a sandbox for other processes, under `/_sandbox`; Kit has nothing like it

PREFIX = "/_sandbox/"


def answer_control(service: Service, request: SandboxRequest) -> SandboxAnswer:
    """Do what is asked: set or clear faults, release what hangs, deliver what is late, show what went in and out."""
    control = _CONTROLS.get((request.method, request.path.removeprefix(PREFIX)))
    if control is None:
        return refusal(404, "Not Found")
    try:
        result = control(service, request)
    except (TypeError, ValueError) as error:
        return refusal(422, str(error))
    return SandboxAnswer(204) if result is None else SandboxAnswer(200, result)


def _add_fault(service: Service, request: SandboxRequest) -> None:
    options: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in request.json.items()
    }
    service.faults.add(Fault(**options))


def _requests(service: Service, _: SandboxRequest) -> Payload:
    counts = {f"{method} {route}": count for (method, route), count in service.log.counts().items()}
    return {"counts": counts, "statuses": {str(status): count for status, count in service.log.statuses().items()}}


def _deliveries(service: Service, _: SandboxRequest) -> Payload:
    return {"deliveries": [_shown(sent) for sent in service.deliverer.sent()]}


def _shown(sent: DeliveryTry) -> Payload:
    return {"delivery": sent.delivery, "url": sent.url, "status": sent.status, "trouble": sent.trouble}


_CONTROLS: Final[Mapping[tuple[str, str], Callable[[Service, SandboxRequest], Payload | None]]] = {
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): lambda service, _: service.faults.clear(),
    ("POST", "release"): lambda service, _: service.faults.release(),
    ("POST", "late"): lambda service, _: {"delivered": service.faults.deliver_late()},
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): lambda service, _: service.log.forget(),
    ("GET", "deliveries"): _deliveries,
    ("POST", "deliveries"): lambda service, _: {"retried": service.deliverer.retry()},
}
