"""The ledger: whole, and nothing left lying in it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from ccops.app.doctor.findings import Examined, Finding, count, day, size, told, well, wrong
from ccops.app.phrases import SEND_AGAIN
from ccops.app.run_commands import command_of, late_grants
from ccops.crm.base import Crm
from ccops.engine.losses import Loss, losses_of, open_losses
from ccops.errors import CcopsError
from ccops.ledger.errors import LedgerDamaged
from ccops.ledger.inbox import TAKEN_OFF, Event
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.ledger.store.connections import is_affected, text_of
from ccops.operations.model import Operation, Tag
from ccops.operations.occasion import for_tag
from ccops.text import clean, shorten

_REMEMBERED: Final = timedelta(days=30)
"""A run broken off longer ago will not be given again: its command is history."""
_ONE_BUILD: Final = "call ccops with one Python only on this machine, the one that has the newer SQLite"
_AGAIN: Final = "give the same command again: it goes on with this run"
_MOST_ENTRIES: Final = 5


def check_ledger(ledger: Ledger) -> Iterator[Finding]:
    """Read the whole file."""
    database = ledger.database
    fault = database.integrity()
    if fault is not None:
        yield from told("ledger", LedgerDamaged(database.path, fault))
        return
    entries = count(ledger.history.count(), "entry", "entries")
    account = clean(ledger.identity.account[1])
    yield well("ledger", f"{entries} of {account}, {size(database.path.stat().st_size)}, whole")


def journal(patient: Examined, ledger: Ledger) -> Iterator[Finding]:
    """Look at which builds of SQLite write to the file, and whether its journal mode is safe with all of them."""
    wal, ours, builds = ledger.database.journal
    lately = {build: last for build, last in builds.items() if _is_lately(last, patient)}
    unsafe = sorted(build for build in {ours, *lately} if is_affected(build))
    if wal and unsafe:
        text = f"it is in WAL mode, in which SQLite {text_of(unsafe[0])} can lose what was written"
        yield wrong("ledger", text, "ccops doctor --fix" if ours in unsafe else _ONE_BUILD)
        return
    others = [f"{text_of(build)} on {last}" for build, last in sorted(lately.items()) if build != ours]
    too = f"; written to by SQLite {', '.join(others)} too" if others else ""
    yield well("ledger", f"SQLite {text_of(ours)}, {'WAL mode' if wal else 'rollback journal'}{too}")


def _is_lately(last: str, patient: Examined) -> bool:
    return patient.now.date() - date.fromisoformat(last) <= _REMEMBERED


def runs(patient: Examined, ledger: Ledger) -> Iterator[Finding]:
    """Look for runs that were broken off."""
    operations = {} if isinstance(patient.registry, CcopsError) else patient.registry.operations
    found = [run for run in ledger.runs.unfinished() if patient.now - run.started_at < _REMEMBERED]
    for run in found:
        when = day(run.started_at, patient.timezone, patient.now)
        text = f"r{run.id} ({clean(run.title)}, {when}, by {clean(run.by)}) never reported its end"
        yield wrong("runs", text, command_of(run, operations) or _AGAIN)
    if not found:
        yield well("runs", "all reported their end")


def open_entries(patient: Examined, ledger: Ledger) -> Iterator[Finding]:
    """Look for changes that were begun and not ended, and for those that need a person."""
    entries = ledger.entries.open()
    begun = [entry for entry in entries if entry.status != "parked"]
    due = [entry for entry in begun if is_due(entry, patient)]
    tagged = [entry for entry in ledger.entries.unreleased() if is_due(entry, patient)]
    if due:
        yield wrong("open", f"{count(len(due), 'change')} begun and not ended: {_named(due)}", "ccops settle")
    if tagged:
        text = f"{count(len(tagged), 'change')} ended, tags not in order yet: {_named(tagged)}"
        yield wrong("open", text, "ccops settle")
    if not due and not tagged:
        yield well("open", f"{count(len(begun), 'change')} under way now" if begun else "nothing was left half-way")
    yield from _parked(ledger, [entry for entry in entries if entry.status == "parked"])


def is_due(entry: Entry, patient: Examined) -> bool:
    """Tell whether an entry is old enough that nobody is at work on it any more."""
    return (entry.sent_at or entry.at) + patient.settle_after <= patient.now


def _parked(ledger: Ledger, parked: list[Entry]) -> Iterator[Finding]:
    for entry in parked[:_MOST_ENTRIES]:
        person = ledger.people.by_id(entry.contact)
        who = person.email if person is not None and person.email else f"contact {entry.contact}"
        text = f"e{entry.id} {clean(who)}, {entry.operation}: {clean(entry.reason or '')}"
        yield wrong("parked", text, _by_word(entry))
    if len(parked) > _MOST_ENTRIES:
        yield wrong("parked", f"{len(parked) - _MOST_ENTRIES:,} more", "ccops settle")


def _by_word(entry: Entry) -> str:
    """Write the command that settles an entry, if there is but one: what was never sent can't have been applied."""
    return f"ccops settle e{entry.id} --as not-applied" if entry.turn is None else "ccops settle"


def _named(entries: list[Entry]) -> str:
    more = f" and {len(entries) - _MOST_ENTRIES:,} more" if len(entries) > _MOST_ENTRIES else ""
    return ", ".join(f"e{entry.id}" for entry in entries[:_MOST_ENTRIES]) + more


# ---- the inbox of `serve`: what came in from outside and has not come to its end

_PATIENCE: Final = timedelta(minutes=10)
"""So long `serve` may take over an event before somebody should look whether it runs."""
_MOST_EVENTS: Final = 5


def check_inbox(patient: Examined, ledger: Ledger) -> Iterator[Finding]:
    """Look for events that have waited for long, and for those that need a person."""
    events = ledger.inbox.unended()
    waiting = [event for event in events if event.state == "waiting" and _is_late(event, patient)]
    if waiting:
        oldest = day(min(event.received_at for event in waiting), patient.timezone, patient.now)
        wait = "waits" if len(waiting) == 1 else "wait"
        text = f"{count(len(waiting), 'event')} {wait} since {oldest}; is serve running?"
        yield wrong("inbox", text, "ccops serve")
    yield from _parked_event([event for event in events if event.state == "parked"])


def _is_late(event: Event, patient: Examined) -> bool:
    """Tell whether an event is overdue; one to be tried again later is not, nor is one of a paused operation."""
    operations = getattr(patient.registry, "operations", {})
    paused = event.operation in operations and operations[event.operation].paused
    return not paused and max(event.received_at, event.not_before) + _PATIENCE < patient.now


def _parked_event(events: list[Event]) -> Iterator[Finding]:
    """Give a finding for each POST, and one for all that tell of a tag of one contact: it may be the same tagging."""
    together: dict[tuple[object, ...], list[Event]] = {}
    for event in events:
        one = (event.operation, event.who) if event.is_hint else (event.id,)
        together.setdefault(one, []).append(event)
    for group in list(together.values())[:_MOST_EVENTS]:
        names, newest = " and ".join(f"i{event.id}" for event in group), group[-1]
        text = f"{names} for {clean(newest.who)}, {newest.operation}: {clean(newest.reason or '')}"
        yield wrong("inbox", text, _mend(group))
    if len(together) > _MOST_EVENTS:
        text = f"{count(len(together) - _MOST_EVENTS, 'more event')} of the inbox need you"
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


# ---- changes that a late write took away, and that nothing has given back

_MOST_LOSSES: Final = 5


def check_losses(ledger: Ledger, crm: Crm | None) -> Iterator[Finding]:
    """Tell what is lost; contacts at which an entry was stopped are read, if Kit can be asked."""
    found = {loss.last.id: loss for loss in open_losses(ledger)}
    found |= {loss.last.id: loss for loss in _at_stopped(ledger, crm)} if crm is not None else {}
    for loss in list(found.values())[:_MOST_LOSSES]:
        person = ledger.people.by_id(loss.last.contact)
        who = person.email if person is not None and person.email else f"contact {loss.last.contact}"
        yield wrong("lost", f"{clean(who)}: {loss.text}", loss.command)
    if len(found) > _MOST_LOSSES:
        yield wrong("lost", f"{count(len(found) - _MOST_LOSSES, 'more change')} lost to late writes", "ccops settle")


def _at_stopped(ledger: Ledger, crm: Crm) -> Iterator[Loss]:
    """Give what the contacts show at which an entry was stopped before anything was sent."""
    stopped = [entry.contact for entry in ledger.entries.open() if entry.status == "parked" and entry.turn is None]
    for number in list(dict.fromkeys(stopped))[:_MOST_LOSSES]:
        contact = crm.contact(number)
        if contact is not None:
            yield from losses_of(ledger, number, contact)


# ---- contacts that carry a trigger tag and were not served: a grant that somebody waits for


def check_waiting(patient: Examined, crm: Crm, operations: list[Operation]) -> Iterator[Finding]:
    """Count who waits, by operation; a tagging that the ledger has answered does not."""
    looked, found = 0, list[Finding]()
    for operation in operations:
        if operation.tag is not None:
            looked += 1
            found += _waiting(patient, crm, operation, operation.tag)
    yield from found or ([well("waiting", "nobody who carries a trigger tag")] if looked else [])


def _waiting(patient: Examined, crm: Crm, operation: Operation, tag: Tag) -> Iterator[Finding]:
    since = [
        contact.tagged_at
        for contact in crm.carriers(tag.id)
        if contact.tagged_at is not None
        and contact.state in operation.states
        and not _answered(patient.ledger, operation, contact.id, for_tag(tag.id, contact.tagged_at))
    ]
    if since:
        yield _told(patient, operation, tag, since)


def _told(patient: Examined, operation: Operation, tag: Tag, since: list[datetime]) -> Finding:
    carry = "carries" if len(since) == 1 else "carry"
    oldest = day(min(since), patient.timezone, patient.now)
    text = f"{count(len(since), 'contact')} {carry} {shorten(tag.name)} since {oldest}"
    if operation.paused:
        return well("waiting", f"{text}; {operation.name} is paused")
    return wrong("waiting", f"{text}; is serve running?", f"ccops poll {operation.name}")


def _answered(ledger: Ledger | CcopsError, operation: Operation, contact: int, occasion: str) -> bool:
    if isinstance(ledger, CcopsError):
        return False
    return ledger.history.is_answered(operation.name, contact, occasion, kept=operation.after_run == "keep-tag")


# ---- grants that come once in a period, and have not come in the present one


def check_periods(patient: Examined, ledger: Ledger, operations: list[Operation]) -> Iterator[Finding]:
    """Find the operations that nobody was granted in time."""
    found = [wrong("grant", late.said(patient.now), late.mend) for late in late_grants(ledger, operations, patient.now)]
    periodical = any(operation.once_per for operation in operations)
    yield from found or ([well("grant", "no period was left out")] if periodical else [])


# ---- whether the ledger would survive the loss of its disk

OFTEN: Final = timedelta(days=7)
"""So much work may be lost."""
_MEND: Final = "ccops backup ~/ccops-backup.tar.gz"


def check_backup(patient: Examined, ledger: Ledger) -> Iterator[Finding]:
    """Look when the last backup was made; a home for rehearsals needs none."""
    last, entries = ledger.identity.last_backup, ledger.history.count()
    if last is not None and patient.now - last <= OFTEN:
        yield well("backup", f"last made {day(last, patient.timezone, patient.now)}")
    elif not isinstance(patient.settings, CcopsError) and patient.settings.sandbox:
        yield well("backup", "a rehearsal needs none")
    elif last is not None:
        when = day(last, patient.timezone, patient.now)
        yield wrong("backup", f"the last one was made {when}, more than {OFTEN.days} days ago", _MEND)
    elif entries:
        yield wrong("backup", f"none was ever made, and the ledger has {count(entries, 'entry', 'entries')}", _MEND)
    else:
        yield well("backup", "there is nothing to save yet")
