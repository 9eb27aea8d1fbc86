"""One request and what came of it, as data: nothing here touches the network."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from http.client import HTTPMessage

TroubleKind = Literal["no-connection", "timed-out", "cut-off", "unreadable", "not-yet", "server", "busy"]
"""How a request can go wrong without Kit having decided it: `busy` is 429, `server` 5xx, `not-yet` 202."""

_LONGEST_NUMBER: Final = 9


class UnreadableAnswer(ValueError):  # noqa: N818 - reads as a state
    """An answer that is not what Kit's documentation promises; the text says why, without the connection's facts."""


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request that is to be made."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    names: str = ""
    """What the path names ("contact 5"), so that a 404 can say what is missing."""

    @property
    def target(self) -> str:
        """Path and query as they stand in the request line; `+` and `=` are encoded (a cursor ends with `=`)."""
        return f"{self.path}?{urlencode(self.query, errors='replace', quote_via=quote)}" if self.query else self.path

    @property
    def payload(self) -> bytes | None:
        """The body as JSON in ASCII."""
        return None if self.body is None else json.dumps(dict(self.body)).encode()


@dataclass(frozen=True)
class HttpAnswer:
    """A whole answer, whatever its status."""

    status: int
    headers: "HTTPMessage | Mapping[str, str]" = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)
    unsure_for: float | None = None
    """Seconds since an earlier attempt at the same call that may have arrived too; None if there was none."""

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises Unreadable."""
        try:
            value = json.loads(self.content, parse_float=str)
        except (ValueError, RecursionError):
            raise UnreadableAnswer("its answer is no JSON") from None
        if not isinstance(value, dict):
            raise UnreadableAnswer("its answer is no JSON object")
        return value

    @cached_property
    def date(self) -> datetime | None:
        """When Kit says it answered."""
        return http_date(self.headers.get("Date", ""))

    def retry_after(self, now: datetime) -> float | None:
        """Seconds that the service asks to wait, given as a number or a date; None if it asks for nothing readable."""
        text = self.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER:
            return float(text)
        until = http_date(text)
        return max((until - (self.date or now)).total_seconds(), 0.0) if until else None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request without a decided answer."""

    kind: TroubleKind
    what: str
    """What happened, to be read after "Kit: "; holds no text of a library, as those quote headers."""
    left: bool = True
    """Whether any part of the request may have left; if not, it had no effect."""
    retry_after: float | None = None

    @property
    def no_effect(self) -> bool:
        """Whether the request certainly changed nothing."""
        return not self.left or self.kind == "busy"


@lru_cache(maxsize=16)  # many answers bear the same second
def http_date(text: str) -> datetime | None:
    """Read a date as HTTP headers write it; None if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


# ---- how long and how much one request may take


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits of a request in seconds and bytes; `patience` limits a call with all its repetitions."""

    connect: float = 5.0
    """For a connection to one address of the host."""
    read: float = 20.0
    """Between two pieces of an answer."""
    total: float = 30.0
    """From the start to the last byte, however the answer drips in."""
    answer_bytes: int = 20_000_000
    patience: float = 300.0
    """No repetition starts later than this after the first attempt."""


DEFAULT_LIMITS = HttpLimits()


# ---- whether and when a request is repeated: pure decisions, so that none of them needs a test that waits

TROUBLE_ATTEMPTS: Final = 6
BUSY_ATTEMPTS: Final = 8
LONGEST_REQUESTED: Final = 300.0
"""Seconds. Whoever is asked to wait longer gives up at once and says so."""

_TROUBLE_FIRST, _TROUBLE_LONGEST = 1.0, 30.0
_BUSY_FIRST, _BUSY_LONGEST = 2.0, 60.0


def next_wait(attempt: int, kind: TroubleKind, retry_after: float | None, random: float) -> float | None:
    """Return the seconds to wait after the failed attempt number `attempt` (from 1), or None to give up.

    `random` lies in [0, 1). Trouble waits anywhere between nothing and the doubled limit (full jitter), so that many
    workers don't come back at once. A 429 waits at least half of its limit: Kit's window lasts 60 s (API v4, "Rate
    limits"), and coming back too early only prolongs it. What the service asks for is never undercut.
    """
    if attempt >= (BUSY_ATTEMPTS if kind == "busy" else TROUBLE_ATTEMPTS):
        return None
    if retry_after is not None:
        return retry_after + random if retry_after <= LONGEST_REQUESTED else None
    if kind == "busy":
        return _doubled(_BUSY_FIRST, _BUSY_LONGEST, attempt) * (1 + random) / 2
    return _doubled(_TROUBLE_FIRST, _TROUBLE_LONGEST, attempt) * random


def _doubled(first: float, longest: float, attempt: int) -> float:
    return min(longest, first * 2.0 ** (attempt - 1))


# ---- by how much this machine's clock differs from Kit's, as far as one answer can tell

_WHOLE_SECOND: Final = timedelta(seconds=1)
"""The `Date` of an answer leaves out what is less (RFC 9110, 5.6.7)."""


def least_ahead(sent: datetime, received: datetime, date: datetime) -> timedelta:
    """Return the least by which a clock is ahead of the one that wrote `date`; less than 0: it is behind.

    The answer was dated some time between the two moments of ours, however long it was on its way: as long as that
    can explain all, a clock is not wrong.
    """
    least = min(sent, received) - date - _WHOLE_SECOND
    most = max(sent, received) - date
    return max(least, timedelta()) or min(most, timedelta())
