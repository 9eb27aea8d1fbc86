"""The ledger: whole, and nothing left lying in it."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from ccops.engine.commands import command_of
from ccops.errors import CcopsError
from ccops.ledger.errors import LedgerDamaged
from ccops.ledger.journal import is_affected, text_of
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.report.doctor.finding import Finding, told, well, wrong
from ccops.report.doctor.patient import Patient
from ccops.report.doctor.wording import count, day, size
from ccops.text import clean

_REMEMBERED: Final = timedelta(days=30)
"""A run broken off longer ago will not be given again: its command is history."""
_ONE_BUILD: Final = "call ccops with one Python only on this machine, the one that has the newer SQLite"
_AGAIN: Final = "give the same command again: it goes on with this run"
_MOST: Final = 5


def look(ledger: Ledger) -> Iterator[Finding]:
    """Read the whole file."""
    database = ledger.database
    fault = database.integrity()
    if fault is not None:
        yield from told("ledger", LedgerDamaged(database.path, fault))
        return
    entries = count(ledger.history.count(), "entry", "entries")
    account = clean(ledger.identity.account[1])
    yield well("ledger", f"{entries} of {account}, {size(database.path.stat().st_size)}, whole")


def journal(patient: Patient, ledger: Ledger) -> Iterator[Finding]:
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


def _is_lately(last: str, patient: Patient) -> bool:
    return patient.now.date() - date.fromisoformat(last) <= _REMEMBERED


def runs(patient: Patient, ledger: Ledger) -> Iterator[Finding]:
    """Look for runs that were broken off."""
    operations = {} if isinstance(patient.registry, CcopsError) else patient.registry.operations
    found = [run for run in ledger.runs.unfinished() if patient.now - run.started_at < _REMEMBERED]
    for run in found:
        when = day(run.started_at, patient.timezone, patient.now)
        text = f"r{run.id} ({clean(run.title)}, {when}, by {clean(run.by)}) never reported its end"
        yield wrong("runs", text, command_of(run, operations) or _AGAIN)
    if not found:
        yield well("runs", "all reported their end")


def open_entries(patient: Patient, ledger: Ledger) -> Iterator[Finding]:
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


def is_due(entry: Entry, patient: Patient) -> bool:
    """Tell whether an entry is old enough that nobody is at work on it any more."""
    return (entry.sent_at or entry.at) + patient.settle_after <= patient.now


def _parked(ledger: Ledger, parked: list[Entry]) -> Iterator[Finding]:
    for entry in parked[:_MOST]:
        person = ledger.people.by_id(entry.contact)
        who = person.email if person is not None and person.email else f"contact {entry.contact}"
        text = f"e{entry.id} {clean(who)}, {entry.operation}: {clean(entry.reason or '')}"
        yield wrong("parked", text, _by_word(entry))
    if len(parked) > _MOST:
        yield wrong("parked", f"{len(parked) - _MOST:,} more", "ccops settle")


def _by_word(entry: Entry) -> str:
    """Write the command that settles an entry, if there is but one: what was never sent can't have been applied."""
    return f"ccops settle e{entry.id} --as not-applied" if entry.turn is None else "ccops settle"


def _named(entries: list[Entry]) -> str:
    more = f" and {len(entries) - _MOST:,} more" if len(entries) > _MOST else ""
    return ", ".join(f"e{entry.id}" for entry in entries[:_MOST]) + more
