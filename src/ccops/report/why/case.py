"""All that is known of one operation and one contact: what the rules decide by. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ccops.crm.base import Contact, HeldTag
from ccops.engine.losses import Loss
from ccops.ledger.events import Event
from ccops.ledger.model import LEFT_OUT, Entry, Run
from ccops.operations.model import RESERVED_NAMES, Operation
from ccops.operations.periods import describe_period

_HOLDING: Final = frozenset({"intended", "sending", "applied", "undone", "parked"})
"""Statuses of an entry that keeps its period for itself."""


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, as far as ledger and CRM know it."""

    word: str
    """As it was asked for: Kit's id, or an e-mail address."""
    id: int | None = None
    known_as: str | None = None
    """The address that the ledger saw last."""
    contact: Contact | None = None
    """As the CRM shows it now; None if it has none, or was not to be had."""
    tags: tuple[HeldTag, ...] | None = None
    """None: not known."""
    reached: bool = True
    """Whether the CRM answered."""
    near: str | None = None
    """The address that the ledger knows and that is most like the one that nobody has."""
    before: int | None = None
    """The id under which the ledger knows the address, if that contact is no longer in the CRM, but another one is."""

    operation: str | None = None
    """The one that was asked about; None: all that concern the contact."""

    @property
    def name(self) -> str:
        """Name the contact so that a command finds it."""
        if self.contact is not None:
            return self.contact.email
        return self.known_as or self.word


@dataclass(frozen=True, slots=True)
class Case:
    """One operation and one contact, at one moment."""

    person: Person
    name: str
    """The operation's."""
    operation: Operation | None
    """None: it is no longer in the registry."""
    timezone: str
    now: datetime
    entries: tuple[Entry, ...] = ()
    """Of this operation and contact, newest first."""
    period: str | None = None
    """The key of the present period, if the operation counts by one."""
    blocking: Entry | None = None
    """The contact's one write whose outcome is not known, of whatever operation."""
    events: tuple[Event, ...] = ()
    """Of this operation and contact, newest first."""
    losses: tuple[Loss, ...] = ()
    """What late writes took from the contact and nothing has given back, of whatever operation."""
    last_run: Run | None = None
    """The last run or import of this operation that left entries, for whomever."""
    run_of_period: Run | None = None
    """The last one for the present period."""

    @property
    def is_one_off(self) -> bool:
        """Whether it is no operation of the registry's, but what `adjust` and `import` change."""
        return self.name in RESERVED_NAMES

    @property
    def newest(self) -> Entry | None:
        """The newest entry that is not an undo, and that gave its occasion up to no older one that came back."""
        found = [entry for entry in self.entries if entry.undoes is None]
        held = {entry.occasion for entry in found if not entry.reopened}
        return next((entry for entry in found if not (entry.reopened and entry.occasion in held)), None)

    @property
    def present(self) -> Entry | None:
        """The entry that counts now: of the present period if the operation counts by one, else the newest."""
        if self.period is None:
            return self.newest
        found = [
            entry for entry in self.entries if entry.undoes is None and self.period in {entry.period, entry.occasion}
        ]
        holding = (entry for entry in found if entry.status in _HOLDING and not entry.reopened)
        return next(holding, next((entry for entry in found if entry.status in _HOLDING), next(iter(found), None)))

    @property
    def waiting_tag(self) -> HeldTag | None:
        """The operation's trigger tag, if the contact carries it."""
        tag = None if self.operation is None else self.operation.tag
        return next((held for held in self.person.tags or () if tag is not None and held.id == tag.id), None)

    @property
    def what(self) -> str:
        """Name what the contact was to get: "November 2026", or nothing for an operation without periods."""
        return "" if self.period is None or self.period == "ever" else describe_period(self.period)

    def entry(self, number: int | None) -> Entry | None:
        """Return an entry of the case."""
        return next((entry for entry in self.entries if entry.id == number), None)


def is_left_out(entry: Entry) -> bool:
    """Tell whether an entry says that the contact was left out for its state."""
    return entry.status == "refused" and entry.cause == LEFT_OUT
