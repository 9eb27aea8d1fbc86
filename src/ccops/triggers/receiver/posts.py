"""`POST /operations/<operation>`: any other system runs an operation."""

import re
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from ccops.ledger.events import Arrival, Event
from ccops.operations.model import Operation
from ccops.triggers.clerk import is_mendable
from ccops.triggers.receiver.house import House, given_secrets, opens
from ccops.triggers.receiver.http import Call, Reply
from ccops.triggers.receiver.posting import Posted, read_post
from ccops.triggers.receiver.refusals import KeyTaken, KeyUnusable
from ccops.triggers.receiver.telling import outcome_reply, place_of

LONGEST_WAIT: Final = 30.0
"""Seconds that a sender may wait for the answer, whatever it prefers."""
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*([0-9]{1,6})(?![0-9])", re.IGNORECASE)
_ANSWERED: Final = frozenset({"refused", "left-out", "missing"})
"""What a sender that waits is told as the end, though a sender that does not would have it tried again."""


def receive(house: House, call: Call, name: str) -> Reply:
    """Take a POST into the inbox, and answer how it went if the sender waits for that."""
    operation = house.operation(name)
    house.demand_secret(name, given_secrets(call))
    posted = read_post(call.header("content-type"), call.body, operation, call.header("idempotency-key"))
    if posted.key is not None and opens([posted.key], house.secrets().accepted(name)):
        raise KeyUnusable
    event, done_before = _accept(house, operation, posted)
    seconds = wanted_wait(call.header("prefer"))
    if seconds and event.state == "waiting" and not operation.paused:
        event = _wait(house, event, seconds)
    reply = outcome_reply(house, event)
    if done_before and not seconds and reply.status is HTTPStatus.CONFLICT:
        reply = replace(reply, status=HTTPStatus.OK)  # who does not wait for the outcome hears that it was done before
    if done_before and event.status == "applied":
        reply = replace(reply, body={**reply.body, "status": "repeated"})
    notes = _notes(operation, posted)
    return replace(reply, body={**reply.body, "notes": notes}) if notes else reply


def wanted_wait(prefer: str) -> float:
    """Return how many seconds a `Prefer` header wants to wait for the outcome (RFC 7240); 0 if it does not."""
    found = _WAIT.search(prefer)
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


def _accept(house: House, operation: Operation, posted: Posted) -> tuple[Event, bool]:
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
    )
    accepted = house.ledger.inbox.accept([arrival])[0]
    event = accepted.event
    if not accepted.new:
        if not _is_same_contact(house, event.who, posted.who):
            raise KeyTaken("contact", place_of(event))
        if event.amount != posted.amount:
            raise KeyTaken("amount", place_of(event))
        if event.state != "waiting" and not _is_settled(house, event):
            event = house.ledger.inbox.again(event, now)
    if event.state == "waiting":
        house.board.ring()
    return event, event.state != "waiting"


def _is_same_contact(house: House, one: str, other: str) -> bool:
    """Compare contacts as they were named: two ids, two addresses, or one of each that the ledger has seen together."""
    if one == other or one.isdigit() == other.isdigit():
        return one == other
    number, email = (one, other) if one.isdigit() else (other, one)
    person = house.ledger.people.by_id(int(number))
    return person is not None and person.email.lower() == email


def _is_settled(house: House, event: Event) -> bool:
    """Whether another try could not come to another end."""
    entry = None if event.entry is None else house.ledger.entries.find(event.entry)
    if entry is None:
        return event.status == "applied"  # by a person's word
    if event.status == "parked":
        return entry.status == "parked"
    return event.status in {"applied", "repeated"} or (event.status == "refused" and not is_mendable(entry))


def _wait(house: House, event: Event, seconds: float) -> Event:
    """Return an event once it has come to an end, or as it stands when the time is over."""
    until = house.clock.now() + timedelta(seconds=seconds)
    with house.board.watching(event.id) as watch:
        while watch is not None:
            event = house.ledger.inbox.find(event.id) or event
            if event.state == "waiting" and event.tries and event.status in _ANSWERED:
                event = house.ledger.inbox.close(event, house.clock.now())
            left = (until - house.clock.now()).total_seconds()
            if event.state != "waiting" or left <= 0 or not watch.wait(left):
                break
        return house.ledger.inbox.find(event.id) or event


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
