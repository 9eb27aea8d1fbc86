"""Answers requests: credential, rate limit, faults, the endpoint, the log. It knows no sockets."""

import contextlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ccops.sandbox import routes
from ccops.sandbox.call import Call
from ccops.sandbox.distort import TOO_MANY, Delivery, distorted
from ccops.sandbox.exchange import Answer, Exchange, NotFound, Refused, Request, refusal
from ccops.sandbox.faults import Fault, Faults
from ccops.sandbox.limit import RollingLimit
from ccops.sandbox.log import Log
from ccops.sandbox.moment import micros
from ccops.sandbox.rows import PostponedRow
from ccops.sandbox.store import FOREVER, PRESENT, Store

Observer = Callable[[str, str, str], None]


@dataclass(slots=True)
class Settings:
    """How a sandbox behaves; may be changed while it runs."""

    key: str
    token: str
    rate: int
    window: float
    lag: float
    clock: Callable[[], datetime]
    observer: Observer


class Service:
    """A sandbox without its sockets."""

    def __init__(self, store: Store, settings: Settings, keep_exchanges: int | None) -> None:
        self.store = store
        self.settings = settings
        self.log = Log(keep_exchanges)
        self.faults = Faults(self.deliver_late)
        self._limit = RollingLimit()

    def handle(self, request: Request) -> Delivery:
        """Answer a request, or let a fault have its way with it."""
        self.settings.observer("before", request.method, request.path)
        refused = self._refused(request)
        fault = None if refused else self.faults.pick(request.method, request.path)
        delivery = distorted(fault, request, self) if fault else Delivery(refused or self.perform(request))
        self._take_down(request, delivery.answer, fault)
        self.settings.observer("after", request.method, request.path)
        return delivery

    def perform(self, request: Request, *, keep: bool = True) -> Answer:
        """Do what a request asks for, in one transaction; without `keep` the state stays as it was."""
        now = self.settings.clock()
        self.catch_up(micros(now))
        try:
            with self.store.transaction(write=request.method != "GET", keep=keep):
                return self._call(request, now)
        except Refused as refused:
            return refused.answer

    def postpone(self, request: Request, delay: float | None) -> None:
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
        with self.store.transaction():
            due = self.store.take_due(until)
            for row in due:
                self._belated(Request(row.method, row.target, body=row.body), now)
        return len(due)

    def _belated(self, request: Request, now: datetime) -> None:
        with contextlib.suppress(Refused):  # nobody is left to be told
            self._call(request, now, postponed=True)

    def _call(self, request: Request, now: datetime, *, postponed: bool = False) -> Answer:
        found = routes.find(request.method, request.path)
        if found is None:
            raise NotFound
        route, ids = found
        lists_at = micros(now) - int(self.settings.lag * 1_000_000) if self.settings.lag else PRESENT
        return route.endpoint(Call(request, ids, self.store, now, lists_at, postponed))

    def _refused(self, request: Request) -> Answer | None:
        credential = self._credential(request)
        if credential is None:
            return refusal(401, "The access token is invalid")
        settings = self.settings
        if not self._limit.admits(credential, settings.clock(), settings.rate, settings.window):
            return TOO_MANY
        try:
            request.json  # noqa: B018 - reads it
        except ValueError:
            return refusal(400, "The body is not a JSON object")
        return None

    def _credential(self, request: Request) -> str | None:
        key = request.headers.get("X-Kit-Api-Key")
        bearer = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        if key is not None:
            return "key" if _same(key, self.settings.key) else None
        return "token" if _same(bearer, self.settings.token) else None

    def _take_down(self, request: Request, answer: Answer | None, fault: Fault | None) -> None:
        found = routes.find(request.method, request.path)
        route = found[0].template if found else None
        status, payload = (answer.status, answer.payload) if answer else (None, b"")
        self.log.add(
            Exchange(
                request.method, route, request.path, request.query, request.body, status, payload, fault is not None
            )
        )


def _same(given: str, ours: str) -> bool:
    return hmac.compare_digest(given.encode(), ours.encode())
