"""One call to Kit with its repetitions: what an answer means, and which troubles are worth another attempt."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Generic, Literal, NoReturn, Protocol, TypeVar

from ccops.clock import Clock
from ccops.crm.base import NotSent, OutcomeUnknown, RateLimited, Rejected
from ccops.crm.http.exchange import HttpAnswer, HttpCall, HttpLimits, Trouble, UnreadableAnswer, least_ahead, next_wait
from ccops.crm.http.rate_limit import Interrupted, RateLimiter
from ccops.crm.kit import answers, endpoints
from ccops.crm.kit.answers import JsonObject, ListPage
from ccops.crm.kit.credential import Access, header
from ccops.crm.kit.errors import Aged, KeyRefused, KitUnreachable, NoSuch, NotRenewed, RedirectRefused
from ccops.secret import Secret

T = TypeVar("T")

Repeat = Literal["read", "always", "if-unsent", "never"]
"""When trouble leads to another attempt. `read` and `always` repeat on any (the latter for writes that may safely
arrive twice), `if-unsent` only while no attempt can have had an effect."""

_ABOUT_CREDENTIAL: Final = re.compile(
    r"token|api.?key|credential|authori[sz]|authenticat|permission|scope", re.IGNORECASE
)


class Sender(Protocol):
    """What sends one request once."""

    host: str

    def send(self, call: HttpCall, credential: tuple[str, str] | None) -> HttpAnswer | Trouble:
        """Send it with the header of a credential; return the whole answer, or what went wrong."""
        ...

    def distrust(self) -> None:
        """Send nothing more on the connections there are."""
        ...


class Calls:
    """Makes calls: waits for the pacer, sends, reads the answer, repeats what may be repeated."""

    def __init__(self, sender: Sender, access: Access, *, pacer: RateLimiter, clock: Clock, limits: HttpLimits) -> None:
        self._sender, self._access = sender, access
        self._pacer, self._clock, self._limits = pacer, clock, limits
        self.date: datetime | None = None
        """When Kit gave its latest answer, by its own clock."""
        self.ahead: timedelta | None = None
        """By how much this machine's clock is ahead of Kit's, by the latest answer that did what was asked."""
        self.has_written = False
        """Whether a request that changes something has left, whatever came of it."""

    @property
    def host(self) -> str:
        """The host that is asked."""
        return self._sender.host

    def ask(
        self, call: HttpCall, read: Callable[[HttpAnswer], T], repeat: Repeat = "read", *, within: float | None = None
    ) -> T:
        """Make a call and return its answer as `read` understands it; `within` limits each wait for its turn, in s.

        Raises KeyRefused, RedirectRefused, NoSuch, Rejected; a read KitUnreachable, a write NotSent (RateLimited,
        HeldBack) or OutcomeUnknown.
        """
        started, unsure_since, attempt, renewed = self._clock.now(), None, 0, False
        while True:
            secret = self._ready(within, renewed_since=started if renewed else None, unsure=unsure_since is not None)
            attempt, sent_at = attempt + 1, self._clock.now()
            self.has_written = self.has_written or repeat != "read"
            try:
                got = self._attempt(call, secret, read, sent_at, unsure_since)
            except KeyRefused as refused:  # which had no effect, so it may be sent again, once
                if renewed or not self._another(secret, refused, unsure=unsure_since is not None):
                    raise
                renewed = True
                continue
            if not isinstance(got, Trouble):
                return got
            if repeat != "read" and unsure_since is None and not got.no_effect:
                unsure_since = sent_at
            wait = self._wait(got, attempt, started) if _repeats(repeat, got) else None
            if wait is None:
                self._give_up(got, attempt, repeat, unsure=unsure_since is not None)
            self._clock.sleep(wait)

    def _attempt(
        self,
        call: HttpCall,
        secret: Secret,
        read: Callable[[HttpAnswer], T],
        sent_at: datetime,
        unsure_since: datetime | None,
    ) -> T | Trouble:
        got = self._sender.send(call, header(secret, oauth=self._access.oauth))
        if isinstance(got, HttpAnswer):
            self.date = got.date or self.date
            got = self._judged(got, call)
        if isinstance(got, Trouble):
            return got
        if got.date is not None:  # whoever refuses or fails in Kit's place may have a clock of its own
            self.ahead = least_ahead(sent_at, self._clock.now(), got.date)
        if unsure_since is not None:
            got = replace(got, unsure_for=(self._clock.now() - unsure_since).total_seconds())
        try:
            return read(got)
        except UnreadableAnswer as error:
            self._sender.distrust()  # it may be the answer to another request, and the one to this still come
            return Trouble("unreadable", self._access.hide(str(error)))

    def _ready(self, within: float | None, *, renewed_since: datetime | None, unsure: bool) -> Secret:
        """Wait for the turn of a request, and return what it is to carry. Raises Aged, and what `ask` raises."""
        with _unknown_if(unsure):
            secret = self._access.present(hasty=within is not None)
            if within is not None and renewed_since is not None:
                passed = (self._clock.now() - renewed_since).total_seconds()
                if passed > within:
                    raise Aged(passed)
            self._pacer.wait(within)
        return secret

    def _another(self, secret: Secret, refused: KeyRefused, *, unsure: bool) -> bool:
        with _unknown_if(unsure):
            return self._access.another(secret, refused.texts)

    def _judged(self, answer: HttpAnswer, call: HttpCall) -> HttpAnswer | Trouble:
        """Return an answer worth reading, or the trouble it stands for; raise what is decided."""
        status = answer.status
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            asked = answer.retry_after(self._clock.now())
            self._pacer.slow_down(asked)
            return Trouble("busy", "it asks to come back later (429)", retry_after=asked)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Trouble("server", f"it answered {status}", retry_after=answer.retry_after(self._clock.now()))
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            self._refuse(answer, call)
        if status == HTTPStatus.ACCEPTED:
            return Trouble("not-yet", "it answered 202: not done yet")
        if status < HTTPStatus.OK:
            return Trouble("unreadable", f"it answered {status}")
        return answer

    def _refuse(self, answer: HttpAnswer, call: HttpCall) -> NoReturn:
        if answer.status < HTTPStatus.BAD_REQUEST:
            place = self._access.hide(answer.headers.get("Location", ""))
            raise RedirectRefused(self._sender.host, answer.status, place)
        if answer.status == HTTPStatus.NOT_FOUND and call.names:
            raise NoSuch(call.names)
        texts = [self._access.hide(text) for text in answers.error_texts(answer)]
        if answer.status == HTTPStatus.UNAUTHORIZED or (
            answer.status == HTTPStatus.FORBIDDEN and _ABOUT_CREDENTIAL.search(" ".join(texts))
        ):
            raise KeyRefused(texts, oauth=self._access.oauth)
        raise Rejected(answer.status, texts)

    def _wait(self, trouble: Trouble, attempt: int, started: datetime) -> float | None:
        chance = random.random()  # noqa: S311 - it spreads attempts in time, nothing more
        wait = next_wait(attempt, trouble.kind, trouble.retry_after, chance)
        passed = (self._clock.now() - started).total_seconds()
        return wait if wait is not None and passed + wait <= self._limits.patience else None

    def _give_up(self, trouble: Trouble, attempts: int, repeat: Repeat, *, unsure: bool) -> NoReturn:
        what = f"Kit ({self._sender.host}): {trouble.what}"
        if repeat == "read":
            raise KitUnreachable(self._sender.host, trouble.what, attempts)
        if unsure:
            raise OutcomeUnknown(what)
        if trouble.kind == "busy":
            raise RateLimited(what, trouble.retry_after)
        raise NotSent(what)


@contextmanager
def _unknown_if(unsure: bool) -> Iterator[None]:
    """Once an earlier attempt may have arrived, "not sent" is no longer the whole truth."""
    try:
        yield
    except (Interrupted, NotRenewed) as error:
        if unsure:
            raise OutcomeUnknown(str(error)) from error
        raise


def _repeats(repeat: Repeat, trouble: Trouble) -> bool:
    return repeat in ("read", "always") or (repeat == "if-unsent" and trouble.no_effect)


# ---- lists of Kit's, page by page


class Numbered(Protocol):
    """A row with an id."""

    @property
    def id(self) -> int:
        """Its number, never given to another one."""
        ...


ListRow = TypeVar("ListRow", bound=Numbered)


class Rows(Iterator[ListRow], Generic[ListRow]):
    """All pages of a list, each row once; raises KitUnreachable if the pages go in a circle."""

    def __init__(self, calls: Calls, first: HttpCall, key: str, row: Callable[[JsonObject], ListRow]) -> None:
        self._calls, self._first, self._key, self._row = calls, first, key, row
        self._head: ListPage[ListRow] | None = None
        self._total: int | None = None
        self._begun = False
        self._rows = self._all()

    def __next__(self) -> ListRow:
        self._begun = True
        return next(self._rows)

    @property
    def total(self) -> int | None:
        """How many rows there are in all; asked for, with the first page, if no row was taken before."""
        if not self._begun and self._head is None:
            self._head = self._page(endpoints.counted(self._first))
            self._total = self._head.total
        return self._total

    def _all(self) -> Iterator[ListRow]:
        known, cursors = set[int](), set[str]()
        page, self._head = self._head or self._page(self._first), None
        while True:
            for found in page.rows:
                if found.id not in known:
                    known.add(found.id)
                    yield found
            if page.after is None:
                return
            if page.after in cursors:
                raise KitUnreachable(self._calls.host, f"its list of {self._key} goes in a circle", 1)
            cursors.add(page.after)
            page = self._page(replace(self._first, query=(*self._first.query, ("after", page.after))))

    def _page(self, call: HttpCall) -> ListPage[ListRow]:
        return self._calls.ask(call, lambda answer: answers.page(answer, self._key, self._row))
