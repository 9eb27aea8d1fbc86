"""What the engine is asked, and how it answers."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from ccops.crm.base import Contact
from ccops.engine.work import Look
from ccops.errors import CcopsError
from ccops.ledger.model import Claim, Entry, Origin, Values
from ccops.operations.copying import to_json
from ccops.operations.model import STATES, Operation, State

Who = int | str
"""A contact by id, or by e-mail address."""

OutcomeStatus = Literal["applied", "repeated", "refused", "failed", "parked", "open", "left-out", "previewed"]


@dataclass(frozen=True, slots=True)
class Request:
    """Run one operation on one contact for one occasion."""

    operation: Operation
    who: Who
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
    look: Look | None = None
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


Asked = Request | Adoption
"""What a run may be asked to do for one contact."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended, for one contact."""

    status: OutcomeStatus
    operation: str
    occasion: str
    who: Who
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
