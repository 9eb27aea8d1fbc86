"""One call to Kit with its repetitions: what an answer means, and which troubles are worth another attempt."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Literal, NoReturn, Protocol, TypeVar

from ccops.clock import Clock
from ccops.crm.base import NotSent, OutcomeUnknown, RateLimited, Rejected
from ccops.crm.kit import answers
from ccops.crm.kit.access import Access
from ccops.crm.kit.credential import header
from ccops.crm.kit.drift import least_ahead
from ccops.crm.kit.errors import Interrupted, KeyRefused, KitUnreachable, NoSuch, RedirectRefused
from ccops.crm.kit.exchange import Answer, Call, Trouble, Unreadable
from ccops.crm.kit.limits import Limits
from ccops.crm.kit.login_errors import Aged, NotRenewed
from ccops.crm.kit.pacing import Pacer
from ccops.crm.kit.retry import next_wait
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

    def send(self, call: Call, credential: tuple[str, str] | None) -> Answer | Trouble:
        """Send it with the header of a credential; return the whole answer, or what went wrong."""
        ...

    def distrust(self) -> None:
        """Send nothing more on the connections there are."""
        ...


class Calls:
    """Makes calls: waits for the pacer, sends, reads the answer, repeats what may be repeated."""

    def __init__(self, sender: Sender, access: Access, *, pacer: Pacer, clock: Clock, limits: Limits) -> None:
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
        self, call: Call, read: Callable[[Answer], T], repeat: Repeat = "read", *, within: float | None = None
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
        call: Call,
        secret: Secret,
        read: Callable[[Answer], T],
        sent_at: datetime,
        unsure_since: datetime | None,
    ) -> T | Trouble:
        got = self._sender.send(call, header(secret, oauth=self._access.oauth))
        if isinstance(got, Answer):
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
        except Unreadable as error:
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

    def _judged(self, answer: Answer, call: Call) -> Answer | Trouble:
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

    def _refuse(self, answer: Answer, call: Call) -> NoReturn:
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
