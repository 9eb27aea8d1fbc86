"""`POST /operations/<operation>`: any other system runs an operation."""

import re
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from ccops.engine.tags import needs_release
from ccops.ledger.inbox import Arrival, Event
from ccops.operations.model import Operation
from ccops.server.bodies import parse_body, without_secret
from ccops.server.post_request import Posted, is_ping, read_post
from ccops.server.refusal import IdOfAnother, KeyTaken, KeyUnusable
from ccops.server.requests import ServerCall, ServerReply, Services, given_secrets, opens
from ccops.server.status import outcome_reply, place_of

LONGEST_WAIT: Final = 30.0
"""Seconds that a sender may wait for the answer, whatever it prefers."""
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*([0-9]{1,6})(?![0-9])", re.IGNORECASE)
_PING: Final = "this only tests the address, so nothing was done"


def receive_post(services: Services, call: ServerCall, name: str) -> ServerReply:
    """Take a POST into the inbox, and answer how it went if the sender waits for that."""
    operation = services.operation(name)
    services.demand_secret(name, given_secrets(call))
    query = without_secret(call.raw_query)
    data = parse_body(call.header("content-type"), call.body, query)
    if is_ping(data, operation):
        return ServerReply(HTTPStatus.OK, {"status": "ping", "notes": [_PING]})
    sent = call.body + (b"\0" + query.encode("latin-1", "replace") if query else b"")
    posted = read_post(data, sent, operation, call.header("idempotency-key"))
    _check_id(services, operation, posted)
    if posted.key is not None and opens([posted.key], services.secrets().accepted(name)):
        raise KeyUnusable
    seconds = 0.0 if operation.paused else wanted_wait(call.header("prefer"))
    event, done_before = _accept(services, operation, posted, awaited=seconds > 0)
    if seconds and event.state == "waiting":
        event = _wait(services, event, seconds)
    reply = outcome_reply(services, event, done_before=done_before)
    if done_before and not seconds and reply.status is HTTPStatus.CONFLICT:
        reply = replace(reply, status=HTTPStatus.OK)  # who does not wait for the outcome hears that it was done before
    notes = _notes(operation, posted)
    return replace(reply, body={**reply.body, "notes": notes}) if notes else reply


def check_post(services: Services, call: ServerCall, name: str) -> None:
    """Demand that an address is right, with the secret if it has one. Raises OperationUnknown and SecretWrong."""
    services.operation(name)
    given = given_secrets(call)
    if given:
        services.demand_secret(name, given)


def wanted_wait(prefer: str) -> float:
    """Return how many seconds a `Prefer` header wants to wait for the outcome (RFC 7240); 0 if it does not."""
    found = _WAIT.search(prefer)
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


def _accept(services: Services, operation: Operation, posted: Posted, *, awaited: bool) -> tuple[Event, bool]:
    """Put a POST on disk, or find the one that it repeats; True if that was done before. Raises KeyTaken."""
    now = services.clock.now()
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
    accepted = services.ledger.inbox.accept([arrival])[0]
    event = accepted.event
    if not accepted.new:
        if not _is_same_contact(services, event.who, posted.who):
            raise KeyTaken("contact", place_of(event))
        if event.amount != posted.amount:
            raise KeyTaken("amount", place_of(event))
        if event.state != "waiting":
            event = services.ledger.inbox.again(event, now, awaited=awaited, unfinished=_has_tags_left(services, event))
    if event.state == "waiting":
        services.event_signals.ring()
    return event, event.state != "waiting"


def _check_id(services: Services, operation: Operation, posted: Posted) -> None:
    """Demand that an id beside the address is not known as another contact's. Raises IdOfAnother.

    Most such ids are the other system's own, and no contact has them. An address that is new to the ledger may be the
    contact's new one; but then nothing here can tell, and a wrong credit is worse than a question.
    """
    for name, number in posted.ids_beside:
        person = services.ledger.people.by_id(int(number))
        if person is not None and person.email and not services.ledger.people.had(person.id, posted.who):
            raise IdOfAnother(name, posted.place, operation.name)


def _is_same_contact(services: Services, one: str, other: str) -> bool:
    """Compare contacts as they were named: by ids, or by addresses, of which the ledger has seen all on one contact."""
    people = services.ledger.people
    if one == other or (one.isdigit() and other.isdigit()):
        return one == other
    if one.isdigit() or other.isdigit():
        number, email = (one, other) if one.isdigit() else (other, one)
        return people.had(int(number), email)
    first, second = people.by_email(one), people.by_email(other)
    return first is not None and second is not None and first.id == second.id


def _has_tags_left(services: Services, event: Event) -> bool:
    """Tell whether the tags of an event's entry are not in order yet, so that another try has something to do."""
    entry = None if event.entry is None else services.ledger.entries.find(event.entry)
    if entry is None or entry.released or entry.status not in {"applied", "refused"}:
        return False
    return needs_release(entry)


def _wait(services: Services, event: Event, seconds: float) -> Event:
    """Return an event once it has come to an end, or as it stands when no try can end it in this time.

    To wait changes nothing: only what works the event off ends it, and what is told is read when that is settled.
    """
    until = services.clock.now() + timedelta(seconds=seconds)
    with services.event_signals.watching(event.id) as watch:
        while watch is not None:
            event = services.ledger.inbox.find(event.id) or event
            left = (until - services.clock.now()).total_seconds()
            if event.state != "waiting" or left <= 0 or event.not_before > until or not watch.wait(left):
                break
        return services.ledger.inbox.stop_awaiting(event)


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
