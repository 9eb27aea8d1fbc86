"""How an event went, as the object that is sent back."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, cast

from ccops.clock import iso
from ccops.engine.telling import of_old, outcome_of
from ccops.ledger.events import Event, EventStatus
from ccops.ledger.model import Entry
from ccops.operations.occasions import for_post
from ccops.triggers.receiver.house import House
from ccops.triggers.receiver.http import Reply

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


def event_object(house: House, event: Event) -> dict[str, object]:
    """Tell how an event went: the object of its change, as `--json` prints it, and where it stands in the inbox."""
    return _object(house, event, _entry_of(house, event))


def outcome_reply(house: House, event: Event, *, done_before: bool = False) -> Reply:
    """Answer with how an event went; 202 as long as that is not known. `done_before`: it was when it was sent again."""
    entry = _entry_of(house, event)
    status, told = status_now(event, entry), _object(house, event, entry)
    if done_before and status in {"applied", "repeated"}:
        told["status"] = "repeated"
        told["reason"] = told["reason"] if entry is None else of_old(entry) or told["reason"]
    code = HTTPStatus.ACCEPTED if event.state != "done" else _STATUS.get(status, HTTPStatus.ACCEPTED)
    return Reply(code, told, (("Location", place_of(event)),))


def status_now(event: Event, entry: Entry | None) -> EventStatus | None:
    """Return how an event stands: an entry goes on after the event's end, so that it is asked, if there is one."""
    if entry is None or not _asks_entry(event):
        return event.status
    return cast("EventStatus", outcome_of(entry, None).status)


def _object(house: House, event: Event, entry: Entry | None) -> dict[str, object]:
    if entry is None:
        told = _without_entry(event)
    else:
        person = house.ledger.people.by_id(entry.contact)
        told = dict(house.show(entry, None if person is None else person.email or None))
    return {**told, **_own(event), "event": event_name(event), "state": event.state}


def _entry_of(house: House, event: Event) -> Entry | None:
    return None if event.entry is None else house.ledger.entries.find(event.entry)


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
