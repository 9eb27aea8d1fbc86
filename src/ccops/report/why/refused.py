"""Rules about what was not done, though it was asked for."""

from decimal import Decimal
from typing import Final, cast

from ccops.ledger.model import Entry
from ccops.operations.model import Change, Operation
from ccops.operations.numbers import EXACT, NotANumber, parse_number, plain
from ccops.operations.occasions import refusal_uses_it_up
from ccops.operations.plan import Cause, Refusal, plan
from ccops.report.why.answer import REASON, Answer, again, command, nothing, run_now, when
from ccops.report.why.case import Case, is_left_out
from ccops.report.why.waiting import lead_of_hand
from ccops.text import clean

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
