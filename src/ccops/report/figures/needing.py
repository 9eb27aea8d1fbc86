"""What needs a person: entries nobody can tell the end of, what was left half-way, and events of the inbox."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from ccops.ledger.events import TAKEN_OFF, Event
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.operations.model import Registry
from ccops.report.figures.model import Need, NeedKind
from ccops.report.words import entry_name

_PATIENCE: Final = timedelta(minutes=10)
"""So long `serve` may take over an event before somebody should look whether it runs."""

Name = Callable[[int], str | None]


def needs_of(
    ledger: Ledger, registry: Registry, now: datetime, settle_after: timedelta, name: Name
) -> tuple[Need, ...]:
    """List what needs a person: what only a person can decide first; of each kind the oldest first."""
    entries, events = ledger.entries.open(), ledger.inbox.unended()
    started = [entry for entry in entries if entry.status != "parked" and _is_due(entry, now, settle_after)]
    tagged = [entry for entry in ledger.entries.unreleased() if _is_due(entry, now, settle_after)]
    return (
        *(_parked(entry, name) for entry in entries if entry.status == "parked"),
        *(_in_inbox(event) for event in events if event.state == "parked"),
        *(_left(entry, "open", "begun, and its outcome is not known yet", name) for entry in started),
        *(_left(entry, "tags", f"{entry.status}, but its tags are not in order yet", name) for entry in tagged),
        *_waiting([event for event in events if event.state == "waiting" and _is_late(event, registry, now)]),
    )


def _is_due(entry: Entry, now: datetime, settle_after: timedelta) -> bool:
    """Tell whether an entry is old enough that nobody is at work on it any more."""
    return (entry.sent_at or entry.at) + settle_after <= now


def _is_late(event: Event, registry: Registry, now: datetime) -> bool:
    """Tell whether an event is overdue; one of a paused operation never is."""
    operation = registry.operations.get(event.operation)
    paused = operation is not None and operation.paused
    return not paused and max(event.received_at, event.not_before) + _PATIENCE < now


def _parked(entry: Entry, name: Name) -> Need:
    words = (f"ccops settle e{entry.id} --as applied", f"ccops settle e{entry.id} --as not-applied")
    return Need(
        "parked", entry_name(entry), _who(entry, name), entry.operation, entry.reason or "", entry.moment, words
    )


def _in_inbox(event: Event) -> Need:
    off = (event.reason or "").startswith(TAKEN_OFF)  # the doctor sees whether several tell of the same tagging
    mend = () if not event.is_hint else ("ccops doctor",) if off else (f"ccops poll {event.operation}",)
    return Need(
        "inbox", f"i{event.id}", event.who, event.operation, event.reason or "", event.ended_at or event.at, mend
    )


def _left(entry: Entry, kind: NeedKind, text: str, name: Name) -> Need:
    since = entry.sent_at or entry.at
    return Need(kind, entry_name(entry), _who(entry, name), entry.operation, text, since, ("ccops settle",))


def _waiting(events: list[Event]) -> Iterator[Need]:
    for event in events:
        text = "came in and waits; is serve running?"
        yield Need("waiting", f"i{event.id}", event.who, event.operation, text, event.received_at, ("ccops serve",))


def _who(entry: Entry, name: Name) -> str:
    return name(entry.contact) or str(entry.contact)
