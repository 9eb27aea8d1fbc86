"""`POST /operations/<operation>`: any other system runs an operation."""

import re
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from ccops.engine.release import needs_release
from ccops.ledger.events import Arrival, Event
from ccops.operations.model import Operation
from ccops.triggers.receiver.bodies import parse_body, without_secret
from ccops.triggers.receiver.house import House, given_secrets, opens
from ccops.triggers.receiver.http import Call, Reply
from ccops.triggers.receiver.posting import Posted, is_ping, read_post
from ccops.triggers.receiver.refusals import IdOfAnother, KeyTaken, KeyUnusable
from ccops.triggers.receiver.telling import outcome_reply, place_of

LONGEST_WAIT: Final = 30.0
"""Seconds that a sender may wait for the answer, whatever it prefers."""
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*([0-9]{1,6})(?![0-9])", re.IGNORECASE)
_PING: Final = "this only tests the address, so nothing was done"


def receive(house: House, call: Call, name: str) -> Reply:
    """Take a POST into the inbox, and answer how it went if the sender waits for that."""
    operation = house.operation(name)
    house.demand_secret(name, given_secrets(call))
    query = without_secret(call.raw_query)
    data = parse_body(call.header("content-type"), call.body, query)
    if is_ping(data, operation):
        return Reply(HTTPStatus.OK, {"status": "ping", "notes": [_PING]})
    sent = call.body + (b"\0" + query.encode("latin-1", "replace") if query else b"")
    posted = read_post(data, sent, operation, call.header("idempotency-key"))
    _check_id(house, operation, posted)
    if posted.key is not None and opens([posted.key], house.secrets().accepted(name)):
        raise KeyUnusable
    seconds = 0.0 if operation.paused else wanted_wait(call.header("prefer"))
    event, done_before = _accept(house, operation, posted, awaited=seconds > 0)
    if seconds and event.state == "waiting":
        event = _wait(house, event, seconds)
    reply = outcome_reply(house, event, done_before=done_before)
    if done_before and not seconds and reply.status is HTTPStatus.CONFLICT:
        reply = replace(reply, status=HTTPStatus.OK)  # who does not wait for the outcome hears that it was done before
    notes = _notes(operation, posted)
    return replace(reply, body={**reply.body, "notes": notes}) if notes else reply


def check(house: House, call: Call, name: str) -> None:
    """Demand that an address is right, with the secret if it has one. Raises OperationUnknown and SecretWrong."""
    house.operation(name)
    given = given_secrets(call)
    if given:
        house.demand_secret(name, given)


def wanted_wait(prefer: str) -> float:
    """Return how many seconds a `Prefer` header wants to wait for the outcome (RFC 7240); 0 if it does not."""
    found = _WAIT.search(prefer)
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


def _accept(house: House, operation: Operation, posted: Posted, *, awaited: bool) -> tuple[Event, bool]:
    """Put a POST on disk, or find the one that it repeats; True if that was done before. Raises KeyTaken."""
    now = house.clock.now()
    arrival = Arrival(
        kind="post",
        operation=operation.name,
        who=posted.who,
        at=now,
        received_at=now,
        key=posted.key,
        fingerprint=posted.fingerprint,
        window=operation.repeat_window,
        amount=posted.amount,
        note=posted.reason,
        awaited=awaited,
    )
    accepted = house.ledger.inbox.accept([arrival])[0]
    event = accepted.event
    if not accepted.new:
        if not _is_same_contact(house, event.who, posted.who):
            raise KeyTaken("contact", place_of(event))
        if event.amount != posted.amount:
            raise KeyTaken("amount", place_of(event))
        if event.state != "waiting":
            event = house.ledger.inbox.again(event, now, awaited=awaited, unfinished=_has_tags_left(house, event))
    if event.state == "waiting":
        house.board.ring()
    return event, event.state != "waiting"


def _check_id(house: House, operation: Operation, posted: Posted) -> None:
    """Demand that an id beside the address is not known as another contact's. Raises IdOfAnother.

    Most such ids are the other system's own, and no contact has them. An address that is new to the ledger may be the
    contact's new one; but then nothing here can tell, and a wrong credit is worse than a question.
    """
    for name, number in posted.ids_beside:
        person = house.ledger.people.by_id(int(number))
        if person is not None and person.email and not house.ledger.people.had(person.id, posted.who):
            raise IdOfAnother(name, posted.place, operation.name)


def _is_same_contact(house: House, one: str, other: str) -> bool:
    """Compare contacts as they were named: by ids, or by addresses, of which the ledger has seen all on one contact."""
    people = house.ledger.people
    if one == other or (one.isdigit() and other.isdigit()):
        return one == other
    if one.isdigit() or other.isdigit():
        number, email = (one, other) if one.isdigit() else (other, one)
        return people.had(int(number), email)
    first, second = people.by_email(one), people.by_email(other)
    return first is not None and second is not None and first.id == second.id


def _has_tags_left(house: House, event: Event) -> bool:
    """Tell whether the tags of an event's entry are not in order yet, so that another try has something to do."""
    entry = None if event.entry is None else house.ledger.entries.find(event.entry)
    if entry is None or entry.released or entry.status not in {"applied", "refused"}:
        return False
    return needs_release(entry)


def _wait(house: House, event: Event, seconds: float) -> Event:
    """Return an event once it has come to an end, or as it stands when no try can end it in this time.

    To wait changes nothing: only what works the event off ends it, and what is told is read when that is settled.
    """
    until = house.clock.now() + timedelta(seconds=seconds)
    with house.board.watching(event.id) as watch:
        while watch is not None:
            event = house.ledger.inbox.find(event.id) or event
            left = (until - house.clock.now()).total_seconds()
            if event.state != "waiting" or left <= 0 or event.not_before > until or not watch.wait(left):
                break
        return house.ledger.inbox.stop_awaiting(event)


def _notes(operation: Operation, posted: Posted) -> list[str]:
    """Say what the sender may not have expected."""
    notes = []
    if posted.key is None:
        minutes = f"{operation.repeat_window / 60:g} minutes"
        notes.append(
            f"no Idempotency-Key or event_id was given: the same POST again within {minutes} of the first "
            "counts as the same occasion"
        )
    if posted.amount_left_out:
        notes.append(f"amount was left out of account: {operation.name} has its own (amount_from_post)")
    return notes
