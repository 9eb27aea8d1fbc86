"""One request and what came of it, as data: nothing here touches the network."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from http.client import HTTPMessage

Kind = Literal["no-connection", "timed-out", "cut-off", "unreadable", "not-yet", "server", "busy"]
"""How a request can go wrong without Kit having decided it: `busy` is 429, `server` 5xx, `not-yet` 202."""

_LONGEST_NUMBER: Final = 9


class Unreadable(ValueError):  # noqa: N818 - reads as a state
    """An answer that is not what Kit's documentation promises; the text says why, without the connection's facts."""


@dataclass(frozen=True, slots=True)
class Call:
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
class Answer:
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
            raise Unreadable("its answer is no JSON") from None
        if not isinstance(value, dict):
            raise Unreadable("its answer is no JSON object")
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

    kind: Kind
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
