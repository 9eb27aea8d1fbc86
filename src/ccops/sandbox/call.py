"""What an endpoint is given, and what all endpoints read from requests in the same way."""

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from ccops.clock import parse_iso
from ccops.sandbox.exchange import Answer, Invalid, Json, NotFound, Request
from ccops.sandbox.moment import micros
from ccops.sandbox.rows import ContactRow, FieldRow, TagRow
from ccops.sandbox.settings import Settings
from ccops.sandbox.store import Store

STATES: Final = ("active", "inactive", "bounced", "complained", "cancelled")

_URL: Final = re.compile(r"https?://[!-~]+")
_EMAIL: Final = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way through an endpoint, inside a transaction of the store."""

    request: Request
    ids: tuple[int, ...]
    """The ids in the path, in order."""
    store: Store
    now: datetime
    lists_at: int
    """The moment whose state lists show; PRESENT if they don't lag."""
    settings: Settings
    postponed: bool = False
    """Whether this is the belated effect of a request that was answered before."""

    @property
    def moment(self) -> int:
        """The present moment, as the store counts."""
        return micros(self.now)

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters."""
        return self.request.query

    @property
    def json(self) -> Json:
        """The body."""
        return self.request.json

    def contact(self, place: int = 0) -> ContactRow:
        """Return the contact whose id stands in the path. Raises NotFound."""
        found = self.store.contact(self.ids[place])
        if found is None:
            raise NotFound
        return found

    def tag(self) -> TagRow:
        """Return the tag whose id comes first in the path. Raises NotFound."""
        found = self.store.tag(self.ids[0])
        if found is None:
            raise NotFound
        return found

    def field(self) -> FieldRow:
        """Return the custom field whose id stands in the path. Raises NotFound."""
        for found in self.store.fields():
            if found.id == self.ids[0]:
                return found
        raise NotFound

    def text(self, name: str, blank: str) -> str:
        """Return a text that must be in the body, trimmed; raises Invalid with the given complaint."""
        value = self.json.get(name)
        if not isinstance(value, str) or not value.strip():
            raise Invalid(blank)
        return value.strip()

    def filters(self, *moments: str) -> dict[str, str | int]:
        """Read the filters `status` and the named moments from the query; without a status only active contacts."""
        read: dict[str, str | int] = {name: _moment(name, self.query[name]) for name in moments if self.query.get(name)}
        status = self.query.get("status") or "active"
        if status not in (*STATES, "all"):
            raise Invalid(f"The status must be one of {', '.join(STATES)}, all")
        return read if status == "all" else {**read, "status": status}


Endpoint = Callable[[Call], Answer]


def address(value: object) -> str:
    """Return an e-mail address in the form that is kept: lower case. Raises Invalid."""
    if not isinstance(value, str) or not _EMAIL.fullmatch(value.strip()):
        raise Invalid("Email address is invalid")
    return value.strip().lower()


def web_address(value: object, name: str) -> str:
    """Return a URL that could be posted to. Raises Invalid, naming the parameter.

    Kit refuses private and loopback addresses. Here any may be kept, for a rehearsal's receivers are on loopback; and
    only to such is anything ever delivered.
    """
    if isinstance(value, str) and _URL.fullmatch(value):
        with contextlib.suppress(ValueError):
            place = urlsplit(value)
            if place.hostname and place.port != 0:  # reading a port that is none raises too
                return value
    raise Invalid(f"{name} is invalid")


def _moment(name: str, text: str) -> int:
    try:
        return micros(parse_iso(text))
    except ValueError:
        raise Invalid(f"The {name} param is not a date") from None
