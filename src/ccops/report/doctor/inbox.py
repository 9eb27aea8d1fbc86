"""The inbox of `serve`: what came in from outside and has not come to its end."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ccops.ledger.events import TAKEN_OFF, Event
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
    """Give a finding for each POST, and one for all that tell of a tag of one contact: it may be the same tagging."""
    together: dict[tuple[object, ...], list[Event]] = {}
    for event in events:
        one = (event.operation, event.who) if event.is_hint else (event.id,)
        together.setdefault(one, []).append(event)
    for group in list(together.values())[:_MOST]:
        names, newest = " and ".join(f"i{event.id}" for event in group), group[-1]
        text = f"{names} for {clean(newest.who)}, {newest.operation}: {clean(newest.reason or '')}"
        yield wrong("inbox", text, _mend(group))
    if len(together) > _MOST:
        text = f"{count(len(together) - _MOST, 'more event')} of the inbox need you"
        yield wrong("inbox", text, "mend those above first")


def _mend(group: list[Event]) -> str:
    """Say how to serve events, and how to let them count for nothing; a sender's own second try counts once."""
    event = group[0]
    applied, nothing = (
        " && ".join(f"ccops settle i{each.id} --as {word}" for each in group) for word in ("applied", "not-applied")
    )
    if not event.is_hint:
        return f"{SEND_AGAIN}\nor, if it is to count for nothing: {nothing}"
    off = all((each.reason or "").startswith(TAKEN_OFF) for each in group)
    # A tag that may still be on is run as its own occasion, which counts once; by hand it would be another one.
    again = f"ccops run {event.operation} {clean(event.who)}" if off else f"ccops poll {event.operation}"
    return f"{again} && {applied}\nor, if it is to count for nothing: {nothing}"
