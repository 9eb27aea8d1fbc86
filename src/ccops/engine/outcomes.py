"""What the engine is asked, and how it answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from ccops.crm.base import Contact, HeldTag
from ccops.errors import CcopsError
from ccops.ledger.model import LEFT_OUT, Claim, Claimed, Entry, Origin, Person, Status, Values
from ccops.operations.model import STATES, Operation, State, to_json
from ccops.text import clean

FRESH: Final = timedelta(seconds=10)
"""A read older than this is made again before a write."""


@dataclass(frozen=True, slots=True)
class ContactRead:
    """One read of a contact by id, and the moment before it was asked for."""

    contact: Contact | None
    at: datetime


LOOK_LASTS: Final = timedelta(seconds=5)
"""A look at a contact's tags older than this is made again before a trigger tag comes off."""


@dataclass(frozen=True, slots=True)
class TagsRead:
    """One read of a contact's tags by id, and the moment before it was asked for. A row of a list is none: it lags."""

    tags: Sequence[HeldTag]
    at: datetime

    def shows(self, tag: int, tagged_at: datetime) -> bool:
        """Tell whether the contact carried a tag since that very moment."""
        return any((held.id, held.tagged_at) == (tag, tagged_at) for held in self.tags)


@dataclass(slots=True)
class WorkItem:
    """What is in hand: the entry as it stands in the ledger, and the last read of its contact."""

    entry: Entry
    read: ContactRead | None = None
    row: Contact | None = None
    """The row of a list that showed the contact, until it is used or a write was tried."""
    known: str | None = None
    """The address by which the ledger knows the contact, if it was asked."""
    email: str | None = None
    """The contact's address, once it was seen."""
    look: TagsRead | None = None
    """The last look at the contact's tags, if one was made for this call."""
    warnings: list[str] = field(default_factory=list)
    obstacle: str = ""
    """Why the last write did not, or may not have, come through."""


# ---- what the engine is asked, and how it answers

ContactRef = int | str
"""A contact by id, or by e-mail address."""

OutcomeStatus = Literal["applied", "repeated", "refused", "failed", "parked", "open", "left-out", "previewed"]


@dataclass(frozen=True, slots=True)
class Request:
    """Run one operation on one contact for one occasion."""

    operation: Operation
    who: ContactRef
    occasion: str
    run: int
    origin: Origin
    period: str | None = None
    asked: str | None = None
    """The amount that the caller asked for, if it is not the operation's own."""
    undoes: int | None = None
    reopens: bool = False
    states: frozenset[State] = frozenset(STATES)
    """Contacts in another state are left out."""
    row: Contact | None = None
    """The row of a list that showed the contact: minutes old perhaps, but as good as a read if the ledger vouches for
    it."""
    look: TagsRead | None = None
    """The look at the contact's tags that showed the tagging, if it was one by id."""
    ref: object = None
    """What the caller knows it by, such as a row of a file; the outcome of applying it has it too."""
    again: str | None = None
    """What to say if it was done before, where it is the same as an earlier one of its run: "the same as line 2"."""

    @property
    def restricts(self) -> bool:
        """Whether contacts in some states are left out."""
        return self.states < frozenset(STATES)


@dataclass(frozen=True, slots=True)
class Adoption:
    """Enter a change that was made by hand in the CRM; nothing is sent for it."""

    request: Request
    """Its operation sets the field to what was found."""
    email: str
    before: Values
    """What the ledger wrote last."""
    after: Values
    last: int
    """The entry that wrote it; another one since, and nothing is entered."""


AnyRequest = Request | Adoption
"""What a run may be asked to do for one contact."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended, for one contact."""

    status: OutcomeStatus
    operation: str
    occasion: str
    who: ContactRef
    contact: int | None = None
    email: str | None = None
    entry: Entry | None = None
    before: Values | None = None
    after: Values | None = None
    reason: str | None = None
    """Why not, or what a limit did."""
    warnings: tuple[str, ...] = ()
    due: datetime | None = None
    """Of an open entry whose write is under way or lost: from when on a look at the contact can tell."""
    ref: object = None
    """The request's."""
    doubled: bool = False
    """Whether it was done before since the request is the same as an earlier one of its run; the reason says which."""
    moved_to: str | None = None
    """The present address of the contact that had the one that was asked for; nothing was done for it."""
    error: CcopsError | None = None
    """What went wrong with this contact alone, so that nothing more is known of it; the others went on."""

    def to(self, request: Request) -> "Outcome":
        """Return it as the answer to a request."""
        if request.again is not None and self.status == "repeated":
            return replace(self, ref=request.ref, reason=request.again, doubled=True)
        return self if request.ref is None else replace(self, ref=request.ref)


def claim_of(request: Request, contact: int, now: datetime) -> Claim:
    """Put a request into the ledger's words, for one contact."""
    return Claim(
        operation=request.operation.name,
        copy=to_json(request.operation),
        contact=contact,
        occasion=request.occasion,
        run=request.run,
        origin=request.origin,
        at=now,
        period=request.period,
        asked=request.asked,
        undoes=request.undoes,
        reopens=request.reopens,
    )


# ---- outcomes from entries and claims, with the sentence that says why not

NO_SUCH_CONTACT: Final = "no such contact in Kit"
_STATUS: Final[dict[Status, OutcomeStatus]] = {
    Status.INTENDED: "open",
    Status.SENDING: "open",
    Status.APPLIED: "applied",
    Status.UNDONE: "repeated",
    Status.REFUSED: "refused",
    Status.FAILED: "failed",
    Status.PARKED: "parked",
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
