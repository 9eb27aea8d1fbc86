"""Answers requests: credential, rate limit, faults, the endpoint, the log. It knows no sockets."""

import contextlib
import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ccops.sandbox import oauth, routes
from ccops.sandbox.call import Call
from ccops.sandbox.courier import Courier
from ccops.sandbox.distort import TOO_MANY, Delivery, distorted
from ccops.sandbox.endpoints import bulk
from ccops.sandbox.exchange import Answer, Exchange, NotFound, Refused, Request, refusal
from ccops.sandbox.faults import Fault, Faults
from ccops.sandbox.limit import RollingLimit
from ccops.sandbox.log import Log
from ccops.sandbox.moment import micros
from ccops.sandbox.rows import PostponedRow
from ccops.sandbox.settings import Settings
from ccops.sandbox.store import Store
from ccops.sandbox.tables import FOREVER, PRESENT

_ENDPOINTS: Final = "/v4/webhook_endpoints"
_REFUSALS: Final = {401: refusal(401, "The access token is invalid"), 404: refusal(404, "Not Found")}


class Service:
    """A sandbox without its sockets."""

    def __init__(self, store: Store, settings: Settings, keep_exchanges: int | None) -> None:
        self.store = store
        self.settings = settings
        self.log = Log(keep_exchanges)
        self.faults = Faults(self.deliver_late)
        self.courier = Courier(store, settings, keep_exchanges)
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
            with self.changing(keep=keep) if _changes(request) else self.store.transaction(write=False):
                return self._call(request, now)
        except Refused as refused:
            return refused.answer

    @contextlib.contextmanager
    def changing(self, *, keep: bool = True) -> Iterator[None]:
        """Change the state inside the block; what webhooks want to know of it is delivered afterwards."""
        with self.store.transaction(keep=keep):
            yield
            news = self.store.hooks.take_news()
        if news:
            self.courier.wake()

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
        with self.changing():
            due = self.store.take_due(until)
            for row in due:
                self._belated(Request(row.method, row.target, body=row.body), now)
        return len(due)

    def _belated(self, request: Request, now: datetime) -> None:
        with contextlib.suppress(Refused):  # nobody is left to be told
            self._call(request, now, postponed=True)

    def _call(self, request: Request, now: datetime, *, postponed: bool = False) -> Answer:
        if request.path.startswith(oauth.PREFIX):
            return oauth.answer(request, self.store.grants, self.settings, micros(now))
        found = routes.find(request.method, request.path)
        if found is None:
            raise NotFound
        route, ids = found
        lists_at = micros(now) - int(self.settings.lag * 1_000_000) if self.settings.lag else PRESENT
        return route.endpoint(Call(request, ids, self.store, now, lists_at, self.settings, postponed))

    def _refused(self, request: Request) -> Answer | None:
        if request.path.startswith(oauth.PREFIX):
            return None  # it is where credentials come from
        credential = self._credential(request)
        if isinstance(credential, Answer):
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

    def _credential(self, request: Request) -> str | Answer:
        """Return the name by which requests of a credential are counted, or why it opens nothing."""
        key, only_tokens = request.headers.get("X-Kit-Api-Key"), bulk.is_meant(request.path)
        bearer = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        if key is not None:
            return "key" if _same(key, self.settings.key) and not only_tokens else _REFUSALS[401]
        return "token" if _same(bearer, self.settings.token) else self._granted(bearer)

    def _granted(self, token: str) -> str | Answer:
        now = micros(self.settings.clock())
        with self.store.transaction(write=False):
            why_not = oauth.why_not(token, self.store.grants, now)
            pair = self.store.grants.by_access(token)
        return refusal(401, why_not or "") if why_not or pair is None else f"family {pair.family}"

    def _take_down(self, request: Request, answer: Answer | None, fault: Fault | None) -> None:
        found = routes.find(request.method, request.path)
        route = found[0].template if found else None
        status, payload = (answer.status, answer.payload) if answer else (None, b"")
        self.log.add(
            Exchange(
                request.method, route, request.path, request.query, request.body, status, payload, fault is not None
            )
        )


def _changes(request: Request) -> bool:
    return request.method != "GET" or request.path == oauth.AUTHORIZE  # that one makes a code


def _same(given: str, ours: str) -> bool:
    return hmac.compare_digest(given.encode(), ours.encode())
