"""Rules about entries that have not come to their end."""

from ccops.ledger.model import Entry
from ccops.report.why.answer import Answer, again, changed, command, occasion, when
from ccops.report.why.case import Case
from ccops.text import clean


def is_lost(case: Case) -> Answer | None:
    """A late write took away what the operation had done, or is what stopped it."""
    stopped = any(entry.status == "parked" and entry.turn is None for entry in case.entries)
    for loss in case.losses:
        own = next((entry for entry in loss.entries if entry.operation == case.name), None)
        if own is not None or (stopped and loss.over is None):
            done = "" if own is None else f"e{own.id} ({when(own.moment, case)}, {occasion(own, case)}) was done, but "
            why = f"{done or 'Before anything else: '}{loss.text}."
            return Answer("lost", why, "Give it back", (loss.command,), own)
    return None


def is_parked(case: Case) -> Answer | None:
    """An entry needs a person; often the contact's present values tell what became of it."""
    entry = next((entry for entry in case.entries if entry.status == "parked"), None)
    if entry is None:
        return None
    said = (
        f"e{entry.id} ({when(entry.moment, case)}, {occasion(entry, case)}) needs a person: {clean(entry.reason or '')}"
    )
    applied, failed = (command("settle", f"e{entry.id}", "--as", word) for word in ("applied", "not-applied"))
    match _arrived(entry, case):
        case True:
            return Answer("parked", f"{said}; Kit shows {changed(entry)} done.", "Say so", (applied,), entry)
        case False:
            why = f"{said}; Kit shows that it was not done."
            return Answer("parked", why, "Say so, and run it again", (failed, again(entry, case)), entry)
        case None:
            return Answer("parked", f"{said}.", "Look at the contact in Kit, then one of", (applied, failed), entry)


def is_open(case: Case) -> Answer | None:
    """An entry was begun, and how it ended is not known yet; of whatever operation, it comes first."""
    own = next((entry for entry in case.entries if entry.status in {"intended", "sending"}), None)
    entry = own or case.blocking
    if entry is None:
        return None
    what = "" if own is not None else f" of {entry.operation}, which comes first,"
    why = f"e{entry.id}{what} was begun {when(entry.at, case)} and has not come to its end."
    return Answer("open", why, "Bring it there", (command("settle"),), entry)


def _arrived(entry: Entry, case: Case) -> bool | None:
    """Tell from the contact's present values whether a write has arrived; None if they don't tell."""
    contact, before, after = case.person.contact, entry.before, entry.after
    if contact is None or not before or not after:
        return None
    now = {key: contact.fields.get(key) or "" for key in before}
    if now == {key: value or "" for key, value in after.items()}:
        return True
    return False if now == {key: value or "" for key, value in before.items()} else None
