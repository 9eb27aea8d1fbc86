"""The rules in their order: the first that knows an answer gives it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final, cast

from ccops.app.why.answer import REASON, Answer, Rule, again, changed, command, nothing, occasion, run_now, undo, when
from ccops.app.why.facts import Case, WhyContact, is_left_out
from ccops.crm.base import HeldTag
from ccops.engine.outcomes import moved_text
from ccops.ledger.inbox import Event
from ccops.ledger.model import Entry
from ccops.operations.model import Change, Operation, from_json
from ccops.operations.numbers import EXACT, NotANumber, parse_number, plain
from ccops.operations.occasion import for_tag, refusal_uses_it_up
from ccops.operations.plan import describe_change, plan
from ccops.operations.refusal import Cause, Refusal
from ccops.text import clean, same_address, shorten


def is_gone(case: Case) -> Answer | None:
    """The CRM has no such contact."""
    person = case.person
    if person.contact is None and person.id is None:
        return _unknown(person)
    if person.contact is not None or not person.reached:
        return None
    return Answer(
        "gone",
        f"{clean(person.name)} ({person.id}) is no longer in Kit, so nothing can be given to it.",
        "See what it had",
        (command("history", str(person.id)),),
    )


def _unknown(person: WhyContact) -> Answer:
    """Nobody knows the contact, so that nothing can be done for it: mostly it is misspelt."""
    why = f"Kit has no contact {clean(person.word)}, and the ledger has never met one."
    if not person.reached:
        why = f"The ledger has never met a contact {clean(person.word)}, and Kit can't be asked now."
    if person.near is not None:
        asked = () if person.operation is None else (person.operation,)
        return Answer("unknown", why, "Did you mean", (command("why", person.near, *asked),))
    look = "Check the spelling, or look for the person in Kit, and ask again by the address or the id there"
    return Answer("unknown", why, look)


def is_no_operation(case: Case) -> Answer | None:
    """The operation is no longer in the registry."""
    if case.operation is not None or case.is_one_off:
        return None
    last = case.newest
    said = "never ran for this contact" if last is None else f"was last done {when(last.moment, case)} (e{last.id})"
    mend = command("history", case.person.name, "--op", case.name)
    return Answer(
        "no-operation", f"{case.name} is no longer in operations.toml, and {said}.", "See it all", (mend,), last
    )


def preface(person: WhyContact) -> str:
    """Say if the contact has another address than the one that the ledger knows, or that was asked for."""
    now = None if person.contact is None else person.contact.email
    if now is None:
        return ""
    if person.before is not None:
        return f"{clean(now)} is another contact ({person.id}) than before ({person.before}). "
    if "@" in person.word and not same_address(person.word, now):
        return f"{moved_text(person.word, now)}. "
    if person.known_as is not None and not same_address(person.known_as, now):
        return f"{clean(now)} was {clean(person.known_as)} before, the same contact ({person.id}). "
    return ""


# ---- rules about what was done: once, twice, with another amount, or taken back since

_CLOSE: Final = timedelta(days=1)
"""Two occasions so close to one another may have been meant as one."""


def is_undone(case: Case) -> Answer | None:
    """It was done and taken back."""
    entry = case.present
    if entry is None or entry.status != "undone":
        return None
    taken = case.entry(entry.undone_by)
    if taken is None:
        why = f"{_done(entry, case)} was taken back since by e{entry.undone_by}."
        return Answer("undone", why, "See how", (command("history", f"e{entry.undone_by}"),), entry)
    note = f' ("{clean(taken.note)}")' if taken.note else ""
    why = f"{_done(entry, case)} was taken back {when(taken.moment, case)} by {clean(taken.by)}{note}, e{taken.id}."
    if entry.reopened:
        return Answer("undone", why, "Its occasion may run again", (again(entry, case),), entry)
    return Answer("undone", why, "Bring it back", (undo(taken, "taken back by mistake"),), entry)


def is_twice(case: Case) -> Answer | None:
    """Two occasions of the same operation, with the same amount, were close to one another."""
    applied = [entry for entry in case.entries if entry.undoes is None and entry.status == "applied"]
    if case.period is not None or len(applied) < 2 or applied[0] != case.present:  # noqa: PLR2004 - two are twice
        return None
    late, early = applied[:2]
    if late.at - early.at > _CLOSE or not _is_alike(late, early):
        return None
    why = f"It ran for two occasions: {_done(early, case)}, and {_done(late, case)}."
    return Answer("twice", why, "If both are one, take the second back", (undo(late, "the same counted twice"),), late)


def is_other_amount(case: Case) -> Answer | None:
    """It was done with an amount that is not the operation's (any more)."""
    entry, operation = case.present, case.operation
    if entry is None or operation is None or entry.status != "applied":
        return None
    then = from_json(entry.copy).changes
    if _essence(then) == _essence(operation.changes) or (entry.via == "post" and entry.asked):
        return None  # whoever posts to an operation that takes its amount from there names one
    asked = " as it was asked for" if entry.asked else ""
    why = f"{_done(entry, case)} was {_described(then)}{asked}; the operation is {_described(operation.changes)}."
    mend = (undo(entry, "wrong amount", "--reopen"), again(entry, case))
    return Answer("other-amount", why, "If that was wrong, take it back and do it again", mend, entry)


def is_applied(case: Case) -> Answer | None:
    """It was done."""
    entry = case.present
    if entry is None or entry.status != "applied":
        return None
    limit = f" ({clean(entry.reason)})" if entry.reason else ""
    why = f"It was done: {_done(entry, case)}{limit}, by {clean(entry.by)} via {entry.via}."
    if entry.reason and not entry.was_adopted:
        see = command("history", f"e{entry.id}") if case.operation is None else command("op", "show", case.name)
        return Answer("applied", why, "See its limits", (see,), entry)
    return Answer("applied", why, "Take it back", (undo(entry, "given by mistake"),), entry)


def _done(entry: Entry, case: Case) -> str:
    return f"e{entry.id} ({when(entry.moment, case)}, {occasion(entry, case)}, {changed(entry)})"


def _described(changes: Sequence[Change]) -> str:
    return ", ".join(map(describe_change, changes))


def _is_alike(one: Entry, other: Entry) -> bool:
    """Tell whether two entries asked for the same, so that they may be one counted twice."""
    return one.asked == other.asked and _essence(from_json(one.copy).changes) == _essence(from_json(other.copy).changes)


def _essence(changes: Sequence[Change]) -> list[tuple[object, ...]]:
    """Return what changes do, without their limits."""
    return [(each.field, each.action, each.amount, each.value, each.source, each.formula) for each in changes]


# ---- rules about what nobody has asked for


def was_not_run(case: Case) -> Answer | None:
    """Nobody has run the operation for the present period."""
    run = case.last_run
    if case.period is None or case.run_of_period is not None:
        return None
    last = "it was never run" if run is None else f"it was last run {when(run.started_at, case)} (r{run.id})"
    return Answer("not-run", f"{nothing(case)}: nobody has it yet, {last}.", "Give it now", (run_now(case),))


def was_not_selected(case: Case) -> Answer | None:
    """The operation was run for others."""
    run = case.run_of_period
    if run is None:
        return None
    which = f"run r{run.id} ({when(run.started_at, case)}, {clean(run.title)})"
    return Answer("not-selected", f"{nothing(case)}: {which} did not select it.", "Give it now", (run_now(case),))


def was_not_tagged(case: Case) -> Answer:
    """Nothing has ever asked for the operation."""
    tag = None if case.operation is None else case.operation.tag
    never = f"{case.name} never ran for this contact"
    if case.is_one_off:
        return Answer("never", f"{never}: nobody changed it by hand here.", "See what was done", (run_now(case),))
    if tag is None:
        why = f"{never}: it has no trigger tag, and nobody ran it by hand."
    elif case.person.tags is None:
        why = f"{never}, as far as the ledger knows."
    else:
        why = f"{never}, and the contact does not carry {shorten(tag.name)}."
    return Answer("never", why, "Do it now", (run_now(case),))


# ---- rules about entries that have not come to their end


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
    own = next((entry for entry in case.entries if entry.status.is_open), None)
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


# ---- rules about what waits: a trigger tag on the contact, an event in the inbox


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
    if entry.released or not entry.status.has_arrived:
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


# ---- rules about what was not done, though it was asked for

_GIFT: Final = "so that it goes through"
_ASKED_BY_POST: Final = (
    "It would go through now, if its sender asks anew, with another key. By hand only if it does not: both would count"
)
_CORRECTED: Final = "it was no number"


def was_left_out(case: Case) -> Answer | None:
    """The contact was left out for its state."""
    entry = case.present
    if entry is None or not is_left_out(entry):
        return None
    state = clean(entry.reason or "").partition(";")[0]
    why = f"{nothing(case)}: run r{entry.run} ({when(entry.moment, case)}) left the contact out: {state}."
    contact, operation = case.person.contact, case.operation
    fits = contact is not None and operation is not None and contact.state in operation.states
    if fits and case.waiting_tag is not None:
        return Answer("left-out", why, "It would be taken now", (command("poll", case.name),), entry)
    return Answer("left-out", why, lead_of_hand(case), (run_now(case),), entry)


def was_refused(case: Case) -> Answer | None:
    """A limit, a period or a value refused it."""
    entry = case.present
    if entry is None or entry.status != "refused":
        return None
    why = f"{nothing(case)}: it was refused {when(entry.moment, case)} (e{entry.id}): {_sentence(entry)}"
    operation, contact = case.operation, case.person.contact
    if operation is None or contact is None:
        return Answer("refused", why, "Once that is mended", (again(entry, case),), entry)
    planned = plan(operation, contact.fields, case.now)
    if not isinstance(planned, Refusal):
        lead = _ASKED_BY_POST if entry.via == "post" else "It would go through now"
        return Answer("refused", why, lead, (_anew(entry, case),), entry)
    return _mended(case, operation, entry, planned, why)


def has_failed(case: Case) -> Answer | None:
    """The CRM rejected it, or the contact could not be found."""
    entry = case.present
    if entry is None or entry.status != "failed":
        return None
    why = f"{nothing(case)}: it failed {when(entry.moment, case)} (e{entry.id}): {_sentence(entry)}"
    return Answer("failed", why, "Try it again", (again(entry, case),), entry)


def _sentence(entry: Entry) -> str:
    """Return an entry's reason as the end of a sentence."""
    return f"{clean(entry.reason or '').rstrip('.')}."


def _mended(case: Case, operation: Operation, entry: Entry, refusal: Refusal, why: str) -> Answer:
    """Say what would let a refused operation go through now."""
    name = case.person.name
    for change in operation.changes:
        value = _number(case, change)
        if refusal.cause == "number" and value is None:
            zero = command("adjust", name, change.field, "--set", plain(change.blank), REASON, _CORRECTED)
            lead = "Put the right number into the field, and do it again"
            return Answer("refused", why, lead, (zero, _anew(entry, case)), entry)
        lack = None if value is None else _lack(change, value)
        if refusal.cause == "limit" and lack is not None:
            gift = command("adjust", name, change.field, "--add", plain(lack), REASON, _GIFT)
            return Answer("refused", why, "To let it through, give what lacks", (gift, _anew(entry, case)), entry)
    if refusal.cause == "limit":
        return Answer("refused", why, "See its limits", (command("op", "show", case.name),), entry)
    return Answer("refused", why, "Once the field is corrected in Kit", (_anew(entry, case),), entry)


def _anew(entry: Entry, case: Case) -> str:
    """Write the command that tries again; a refusal that answered a tag or a POST has used its occasion up."""
    used_up = refusal_uses_it_up(entry.occasion, cast("Cause", entry.cause))
    return run_now(case) if used_up else again(entry, case)


def _number(case: Case, change: Change) -> Decimal | None:
    contact = case.person.contact
    try:
        return parse_number((contact.fields.get(change.field) or "") if contact is not None else "", change.blank)
    except NotANumber:
        return None


def _lack(change: Change, value: Decimal) -> Decimal | None:
    """Return how much a decrease lacks to stay within its minimum."""
    if change.action != "decrease" or change.amount is None or change.minimum is None:
        return None
    lack = EXACT.subtract(change.minimum, EXACT.subtract(value, change.amount))
    return lack if lack > 0 else None


# ---- the rules in their order: the first that knows an answer gives it

RULES: Final[tuple[Rule, ...]] = (
    is_for_nobody,
    is_gone,
    is_no_operation,
    is_lost,
    is_parked,
    is_open,
    is_tag_stuck,
    is_tag_waiting,
    is_event_parked,
    is_event_waiting,
    is_undone,
    is_twice,
    is_other_amount,
    is_applied,
    was_left_out,
    was_refused,
    has_failed,
    was_not_run,
    was_not_selected,
    was_not_tagged,
)
"""What needs a person comes before what waits, what waits before what was done, and that before what was not."""


def answer(case: Case) -> Answer:
    """Say why, and what mends it."""
    found = next(found for rule in RULES if (found := rule(case)) is not None)
    return replace(found, why=preface(case.person) + found.why)
