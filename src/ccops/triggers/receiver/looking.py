"""`GET /entries/<id>`: how it went. `GET /healthz`: whether events can be taken."""

import re
import threading
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from ccops.clock import iso
from ccops.errors import CcopsError
from ccops.triggers.receiver.house import House
from ccops.triggers.receiver.http import Call, Reply
from ccops.triggers.receiver.refusals import NothingThere
from ccops.triggers.receiver.telling import event_object

_NAME: Final = re.compile(r"([ie])([0-9]{1,18})")
_HEALTH_HOLDS: Final = timedelta(seconds=2)
"""Anybody may ask how it is; not everybody's question shall cost a commit."""


def entry(house: House, call: Call, name: str) -> Reply:
    """Tell how an event (i17) or an entry (e4711) went, to who has the secret of its operation."""
    opened = house.opened(call)
    found = _NAME.fullmatch(name)
    if found is None:
        raise NothingThere
    kind, number = found[1], int(found[2])
    told = _event(house, number, opened) if kind == "i" else _entry(house, number, opened)
    return Reply(HTTPStatus.OK, told)


def _event(house: House, number: int, opened: frozenset[str]) -> dict[str, object]:
    event = house.ledger.inbox.find(number)
    if event is None or event.operation not in opened:
        raise NothingThere
    return event_object(house, event)


def _entry(house: House, number: int, opened: frozenset[str]) -> dict[str, object]:
    found = house.ledger.entries.find(number)
    if found is None or found.operation not in opened:
        raise NothingThere
    person = house.ledger.people.by_id(found.contact)
    return dict(house.show(found, None if person is None else person.email or None))


class Health:
    """Whether the inbox can be written to, and what is in it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._last: tuple[datetime, Reply] | None = None

    def __call__(self, house: House) -> Reply:
        """Answer 200 while events can be taken, else 503."""
        now = house.clock.now()
        with self._guard:
            if self._last is None or not timedelta(0) <= now - self._last[0] < _HEALTH_HOLDS:
                self._last = now, _health(house, now)
            return self._last[1]


def _health(house: House, now: datetime) -> Reply:
    inbox = house.ledger.inbox
    try:
        inbox.prove_writable(now)
        backlog = inbox.backlog()
    except CcopsError:
        return Reply(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "the inbox can't be written to"})
    oldest = None if backlog.oldest is None else iso(backlog.oldest)
    told = {"status": "ok", "waiting": backlog.waiting, "oldest": oldest, "parked": backlog.parked}
    return Reply(HTTPStatus.OK, told)
