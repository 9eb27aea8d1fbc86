"""Outcomes from entries and claims, with the sentence that says why not."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from ccops.engine.request import Outcome, OutcomeStatus, Request
from ccops.ledger.model import LEFT_OUT, Claimed, Entry, Person, Status
from ccops.text import clean

NO_SUCH_CONTACT: Final = "no such contact in Kit"
_STATUS: Final[dict[Status, OutcomeStatus]] = {
    "intended": "open",
    "sending": "open",
    "applied": "applied",
    "undone": "repeated",
    "refused": "refused",
    "failed": "failed",
    "parked": "parked",
}


def outcome_of(entry: Entry, email: str | None, warnings: tuple[str, ...] = (), due: datetime | None = None) -> Outcome:
    """Tell how an entry stands."""
    return Outcome(
        status="left-out" if entry.cause == LEFT_OUT and entry.status == "refused" else _STATUS[entry.status],
        operation=entry.operation,
        occasion=entry.occasion,
        who=email or entry.contact,
        contact=entry.contact,
        email=email,
        entry=entry,
        before=entry.before,
        after=entry.after,
        reason=entry.reason,
        warnings=warnings,
        due=due,
    )


def told(request: Request, claimed: Claimed, email: str | None, warnings: tuple[str, ...] = ()) -> Outcome:
    """Tell why a claim gave no right to go on."""
    entry = claimed.entry
    status, reason = _no_right(claimed)
    return Outcome(
        status=status,
        operation=request.operation.name,
        occasion=request.occasion,
        who=request.who,
        contact=None if entry is None else entry.contact,
        email=email,
        entry=entry,
        before=None if entry is None else entry.before,
        after=None if entry is None else entry.after,
        reason=reason,
        warnings=warnings,
    )


def left_out_reason(request: Request, state: str) -> str:
    """Say why a contact is left out: its state is none of those that are asked for."""
    return f"{state} in Kit; {request.operation.name} is for {', '.join(sorted(request.states))}"


def not_found(request: Request) -> Outcome:
    """Tell that there is no such contact."""
    return Outcome(
        status="failed",
        operation=request.operation.name,
        occasion=request.occasion,
        who=request.who,
        email=request.who if isinstance(request.who, str) else None,
        contact=request.who if isinstance(request.who, int) else None,
        reason=NO_SUCH_CONTACT,
    )


def moved(request: Request, person: Person) -> Outcome:
    """Tell that the contact has another address now: nothing is done by an old one, which may be another's by now."""
    reason = moved_text(str(request.who), person.email)
    return replace(not_found(request), reason=reason, moved_to=person.email)


def moved_text(old: str, new: str) -> str:
    """Say which address a contact has in place of an old one."""
    return f"{clean(old)} is now {clean(new)} in Kit"


def _no_right(claimed: Claimed) -> tuple[OutcomeStatus, str | None]:
    entry, holder = claimed.entry, claimed.holder
    match claimed.kind:
        case "other" if entry is not None:
            asked = "another amount" if entry.asked is None else f"another amount ({entry.asked})"
            return "refused", f"this occasion was used for {asked}, by e{entry.id}"
        case "period" if holder is not None:
            return "refused", held_by(holder)
        case "parked" if entry is not None:
            return "parked", entry.reason
        case "coming back" if holder is not None:
            return "open", f"e{holder.id} brings it back, and has not come to its end yet (ccops settle)"
        case "not undoable" | "run again":
            return "refused", why_not_undone(claimed)
        case _:
            return "repeated", None if entry is None else of_old(entry)


def why_not_undone(claimed: Claimed) -> str:
    """Say why an undo can't be, or can't be any more."""
    entry, holder = claimed.entry, claimed.holder
    if holder is not None:
        return run_again(holder.id)
    if entry is not None and entry.status == "undone":
        return f"e{entry.id} was undone already, by e{entry.undone_by}"
    return "there is nothing to undo" if entry is None else f"e{entry.id} is {entry.status}: there is nothing to undo"


def run_again(again: int) -> str:
    """Say that what an undo would bring back has been done again."""
    return f"that would bring back an occasion or period that was used again since, by e{again}, and count it twice"


def of_old(entry: Entry) -> str | None:
    """Say of an occasion that was answered before why it was refused, or that it was taken back since."""
    if entry.status == "undone" and entry.undoes is None:
        return f"taken back by e{entry.undone_by}; ccops undo e{entry.id} --reopen lets it run again"
    return entry.reason if entry.status == "refused" else None


def held_by(holder: Entry) -> str:
    """Say which entry holds a period."""
    name, period = f"e{holder.id}", (holder.period or "").partition(":")[0]
    match holder.status:
        case "intended" | "sending":
            return f"this {period} was begun already, by {name}, which is still open (ccops settle)"
        case "parked":
            return f"this {period} was begun already, by {name}, which needs you (ccops settle)"
        case _:
            return f"this {period} was done already, by {name}"
