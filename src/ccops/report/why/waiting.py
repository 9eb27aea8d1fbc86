"""Rules about what waits: a trigger tag on the contact, an event in the inbox."""

from dataclasses import replace

from ccops.crm.base import HeldTag
from ccops.ledger.events import Event
from ccops.ledger.model import Entry
from ccops.operations.model import Operation
from ccops.operations.occasions import for_tag
from ccops.report.why.answer import Answer, command, run_now, when
from ccops.report.why.case import Case
from ccops.report.why.contact import is_gone
from ccops.text import clean, shorten


def is_for_nobody(case: Case) -> Answer | None:
    """Something came in for a contact that the CRM does not have."""
    gone = is_gone(case)
    found = None if gone is None else is_event_parked(case) or is_event_waiting(case)
    return None if gone is None or found is None else replace(found, why=f"{gone.why} {found.why}")


def is_tag_waiting(case: Case) -> Answer | None:
    """The contact carries the trigger tag, and nobody has looked since it was added."""
    held, operation = case.waiting_tag, case.operation
    if held is None or operation is None or _entry_of(case, held) is not None:
        return None
    said = f"The contact carries {shorten(held.name)} since {when(held.tagged_at, case)}"
    if operation.paused:
        return Answer(
            "paused",
            f"{said}, but {case.name} is paused.",
            "Go on with it, for all who wait",
            (command("op", "resume", case.name), command("poll", case.name)),
        )
    state = None if case.person.contact is None else case.person.contact.state
    if state is not None and state not in operation.states:
        return _not_for(case, operation, said, state)
    why = f"{said}, and nobody has looked for it yet; is ccops serve running?"
    return Answer("waiting", why, "Look now", (command("poll", case.name),))


def is_tag_stuck(case: Case) -> Answer | None:
    """The tagging was answered, but its tag is still to come off."""
    held, operation = case.waiting_tag, case.operation
    entry = None if held is None else _entry_of(case, held)
    if held is None or entry is None or operation is None or operation.after_run == "keep-tag":
        return None
    if entry.released or entry.status not in {"applied", "undone"}:
        return None
    why = f"It was done {when(entry.moment, case)} (e{entry.id}), but {shorten(held.name)} could not be taken off yet."
    return Answer("tag-left", why, "Take it off", (command("settle"),), entry)


def is_event_parked(case: Case) -> Answer | None:
    """What came in from outside needs a person."""
    event = _unended(case, "parked")
    if event is None:
        return None
    why = f"{_name(event)} of {when(event.at, case)} needs a person: {clean(event.reason or 'no reason was noted')}."
    if event.is_hint:
        return Answer("event-parked", why, "If the tag is on the contact again", (command("poll", case.name),))
    return Answer("event-parked", why, "Mend that and let the sender send it again, or do it by hand", (run_now(case),))


def is_event_waiting(case: Case) -> Answer | None:
    """What came in from outside is still to be worked off."""
    event = _unended(case, "waiting")
    if event is None:
        return None
    if case.operation is not None and case.operation.paused:
        why = f"{_name(event)} of {when(event.at, case)} waits, for {case.name} is paused."
        return Answer("paused", why, "Go on with it, for all who wait", (command("op", "resume", case.name),))
    last = f" (last try: {clean(event.reason)})" if event.reason else ""
    why = f"{_name(event)} of {when(event.at, case)} waits to be worked off{last}."
    again = command("poll", case.name) if event.is_hint else command("serve")
    return Answer("event-waiting", why, "It is, as long as this is at work", (again,))


def _not_for(case: Case, operation: Operation, said: str, state: str) -> Answer:
    why = f"{said}, but is {state} in Kit, and {case.name} is for {', '.join(sorted(operation.states))}."
    return Answer("left-out", why, lead_of_hand(case), (run_now(case),))


def lead_of_hand(case: Case) -> str:
    """Say what running it by hand means for a tag that is still there."""
    if case.waiting_tag is None or case.period is not None:
        return "Give it now"
    return "Take the tag off in Kit, else it counts once more later, and give it now"


def _entry_of(case: Case, held: HeldTag) -> Entry | None:
    return next((entry for entry in case.entries if entry.occasion == for_tag(held.id, held.tagged_at)), None)


def _unended(case: Case, state: str) -> Event | None:
    """Return the newest event in a state, unless something was done since it came."""
    event = next((event for event in case.events if event.state == state), None)
    done = case.newest
    if event is None or (done is not None and done.status == "applied" and done.at > event.received_at):
        return None
    return event


def _name(event: Event) -> str:
    return "Word of a tagging" if event.is_hint else "The POST"
