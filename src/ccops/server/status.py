"""`GET /entries/<id>`: how it went. `GET /healthz`: whether events can be taken."""

import re
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, cast

from ccops.clock import iso
from ccops.engine.outcomes import of_old, outcome_of
from ccops.errors import CcopsError
from ccops.ledger.inbox import Event, EventStatus
from ccops.ledger.model import Entry
from ccops.operations.occasion import for_post
from ccops.server.refusal import NothingThere
from ccops.server.requests import ServerCall, ServerReply, Services

_STATUS: Final[Mapping[EventStatus | None, HTTPStatus]] = {
    "applied": HTTPStatus.OK,
    "repeated": HTTPStatus.OK,
    "refused": HTTPStatus.CONFLICT,
    "left-out": HTTPStatus.CONFLICT,
    "missing": HTTPStatus.NOT_FOUND,
}


def event_name(event: Event) -> str:
    """Write an event's id: i17."""
    return f"i{event.id}"


def place_of(event: Event) -> str:
    """Return where it is told how an event went."""
    return f"/entries/{event_name(event)}"


def event_object(services: Services, event: Event) -> dict[str, object]:
    """Tell how an event went: the object of its change, as `--json` prints it, and where it stands in the inbox."""
    return _object(services, event, _entry_of(services, event))


def outcome_reply(services: Services, event: Event, *, done_before: bool = False) -> ServerReply:
    """Answer with how an event went; 202 as long as that is not known. `done_before`: it was when it was sent again."""
    entry = _entry_of(services, event)
    status, told = status_now(event, entry), _object(services, event, entry)
    if done_before and status in {"applied", "repeated"}:
        told["status"] = "repeated"
        told["reason"] = told["reason"] if entry is None else of_old(entry) or told["reason"]
    code = HTTPStatus.ACCEPTED if event.state != "done" else _STATUS.get(status, HTTPStatus.ACCEPTED)
    return ServerReply(code, told, (("Location", place_of(event)),))


def status_now(event: Event, entry: Entry | None) -> EventStatus | None:
    """Return how an event stands: an entry goes on after the event's end, so that it is asked, if there is one."""
    if entry is None or not _asks_entry(event):
        return event.status
    return cast("EventStatus", outcome_of(entry, None).status)


def _object(services: Services, event: Event, entry: Entry | None) -> dict[str, object]:
    if entry is None:
        told = _without_entry(event)
    else:
        person = services.ledger.people.by_id(entry.contact)
        told = dict(services.show(entry, None if person is None else person.email or None))
    return {**told, **_own(event), "event": event_name(event), "state": event.state}


def _entry_of(services: Services, event: Event) -> Entry | None:
    return None if event.entry is None else services.ledger.entries.find(event.entry)


def _asks_entry(event: Event) -> bool:
    """Tell whether an event's end was that of its entry; else its own try tells what the entry does not."""
    return event.entry is not None and event.status in {"applied", "parked"}


def _own(event: Event) -> dict[str, object]:
    """Tell of an event's own try where that is not what its entry tells."""
    if _asks_entry(event):
        return {}
    why = {} if event.reason is None else {"reason": event.reason}
    return {"status": "failed" if event.status == "missing" else event.status or "open", **why}


def _without_entry(event: Event) -> dict[str, object]:
    is_id = event.who.isdigit()
    return {
        "entry": None,
        "run": None,
        "operation": event.operation,
        "contact": {"id": int(event.who) if is_id else None, "email": None if is_id else event.who},
        "occasion": for_post(event.key) if event.kind == "post" and event.key else None,
        "status": event.status or "open",
        "before": None,
        "after": None,
        "reason": event.reason,
        "note": event.note,
        "by": None,
        "via": "webhook" if event.is_hint else "post",
        "undoes": None,
        "at": iso(event.ended_at or event.received_at),
    }


# ---- `GET /entries/<id>`: how it went. `GET /healthz`: whether events can be taken

_NAME: Final = re.compile(r"([ie])([0-9]{1,18})")
_HEALTH_HOLDS: Final = timedelta(seconds=2)
"""Anybody may ask how it is; not everybody's question shall cost a commit."""


def show_entry(services: Services, call: ServerCall, name: str) -> ServerReply:
    """Tell how an event (i17) or an entry (e4711) went, to who has the secret of its operation."""
    opened = services.opened(call)
    found = _NAME.fullmatch(name)
    if found is None:
        raise NothingThere
    kind, number = found[1], int(found[2])
    told = _event(services, number, opened) if kind == "i" else _entry(services, number, opened)
    return ServerReply(HTTPStatus.OK, told)


def _event(services: Services, number: int, opened: frozenset[str]) -> dict[str, object]:
    event = services.ledger.inbox.find(number)
    if event is None or event.operation not in opened:
        raise NothingThere
    return event_object(services, event)


def _entry(services: Services, number: int, opened: frozenset[str]) -> dict[str, object]:
    found = services.ledger.entries.find(number)
    if found is None or found.operation not in opened:
        raise NothingThere
    person = services.ledger.people.by_id(found.contact)
    return dict(services.show(found, None if person is None else person.email or None))


class Health:
    """Whether the inbox can be written to, and what is in it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._last: tuple[datetime, ServerReply] | None = None

    def __call__(self, services: Services) -> ServerReply:
        """Answer 200 while events can be taken, else 503."""
        now = services.clock.now()
        with self._guard:
            if self._last is None or not timedelta(0) <= now - self._last[0] < _HEALTH_HOLDS:
                self._last = now, _health(services, now)
            return self._last[1]


def _health(services: Services, now: datetime) -> ServerReply:
    inbox = services.ledger.inbox
    try:
        inbox.prove_writable(now)
        backlog = inbox.backlog()
    except CcopsError:
        return ServerReply(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "the inbox can't be written to"})
    oldest = None if backlog.oldest is None else iso(backlog.oldest)
    told = {"status": "ok", "waiting": backlog.waiting, "oldest": oldest, "parked": backlog.parked}
    return ServerReply(HTTPStatus.OK, told)
