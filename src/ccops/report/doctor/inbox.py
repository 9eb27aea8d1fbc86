"""The inbox of `serve`: what came in from outside and has not come to its end."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ccops.ledger.events import Event
from ccops.ledger.ledger import Ledger
from ccops.report.doctor.finding import Finding, wrong
from ccops.report.doctor.patient import Patient
from ccops.report.doctor.wording import count, day
from ccops.report.words import SEND_AGAIN
from ccops.text import clean

_PATIENCE: Final = timedelta(minutes=10)
"""So long `serve` may take over an event before somebody should look whether it runs."""
_MOST: Final = 5


def look(patient: Patient, ledger: Ledger) -> Iterator[Finding]:
    """Look for events that have waited for long, and for those that need a person."""
    events = ledger.inbox.unended()
    waiting = [event for event in events if event.state == "waiting" and _is_late(event, patient)]
    if waiting:
        oldest = day(min(event.received_at for event in waiting), patient.timezone, patient.now)
        wait = "waits" if len(waiting) == 1 else "wait"
        text = f"{count(len(waiting), 'event')} {wait} since {oldest}; is serve running?"
        yield wrong("inbox", text, "ccops serve")
    yield from _parked([event for event in events if event.state == "parked"])


def _is_late(event: Event, patient: Patient) -> bool:
    """Tell whether an event is overdue; one to be tried again later is not, nor is one of a paused operation."""
    operations = getattr(patient.registry, "operations", {})
    paused = event.operation in operations and operations[event.operation].paused
    return not paused and max(event.received_at, event.not_before) + _PATIENCE < patient.now


def _parked(events: list[Event]) -> Iterator[Finding]:
    for event in events[:_MOST]:
        text = f"i{event.id} for {clean(event.who)}, {event.operation}: {clean(event.reason or '')}"
        yield wrong("inbox", text, _mend(event))
    if len(events) > _MOST:
        yield wrong(
            "inbox", f"{count(len(events) - _MOST, 'more event')} of the inbox need you", "mend those above first"
        )


def _mend(event: Event) -> str:
    """Say how to serve an event, and how to let it count for nothing; a sender's own second try counts once."""
    settle = f"ccops settle i{event.id} --as"
    again = f"ccops run {event.operation} {clean(event.who)} && {settle} applied" if event.is_hint else SEND_AGAIN
    return f"{again}\nor, if it is to count for nothing: {settle} not-applied"
