"""All that is known of one operation and one contact: what the rules decide by. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from ccops.crm.base import Contact, Crm, HeldTag, Missing
from ccops.engine.losses import Loss, losses_of
from ccops.engine.outcomes import ContactRef
from ccops.errors import ServiceUnreachable
from ccops.ledger.inbox import Event
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import LEFT_OUT, Entry, Run
from ccops.ledger.queries import Filter
from ccops.operations.model import RESERVED_NAMES, Operation, OperationsFile
from ccops.operations.periods import describe_period, period_key
from ccops.text import address_key, same_address

"""Statuses of an entry that keeps its period for itself."""


@dataclass(frozen=True, slots=True)
class WhyContact:
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

    person: WhyContact
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
        holding = (entry for entry in found if entry.status.holds_period and not entry.reopened)
        return next(holding, next((entry for entry in found if entry.status.holds_period), next(iter(found), None)))

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


# ---- what is known of a contact, gathered from the ledger and with two requests from the CRM


def meet(ledger: Ledger, crm: Crm, who: ContactRef) -> WhyContact:
    """Find a contact: one request for itself, one for its tags. If the CRM can't be reached, the ledger has to do."""
    known = ledger.people.by_id(who) if isinstance(who, int) else ledger.people.by_email(who)
    number = who if isinstance(who, int) else None if known is None else known.id
    person = WhyContact(str(who), number, None if known is None else known.email or None)
    try:
        contact = None if number is None else crm.contact(number)
        if contact is not None and (isinstance(who, int) or same_address(contact.email, who)):
            return _with(ledger, crm, person, contact, look=True)
        # The address is not known, or was given up, or has gone over to another contact.
        found = None if isinstance(who, int) else _found(ledger, crm, who)
        if found is None or (contact is not None and found.id == contact.id):  # a list that lags shows the old address
            found = contact
        return _with(ledger, crm, person, found, look=number is None)
    except ServiceUnreachable:
        return replace(person, reached=False, near=_near(ledger, person))


def _found(ledger: Ledger, crm: Crm, email: str) -> Contact | None:
    """Look an address up in the CRM's list, which may lag: one that the ledger has not seen there is read by id."""
    row = crm.find(email)
    if row is None or (known := ledger.people.by_id(row.id)) is None or same_address(known.email, email):
        return row
    return crm.contact(row.id)


def _with(ledger: Ledger, crm: Crm, person: WhyContact, contact: Contact | None, *, look: bool) -> WhyContact:
    """Put a contact in; its tags are read (`look`) if that makes no third request."""
    if contact is None:
        return replace(person, near=_near(ledger, person))
    known = ledger.people.by_id(contact.id)
    name = None if known is None else known.email or None
    tags = None
    if look:
        try:
            tags = tuple(crm.tags_of(contact.id))
        except Missing:
            return person
    before = None if person.id == contact.id else person.id
    return replace(person, id=contact.id, known_as=name, contact=contact, tags=tags, before=before)


def _near(ledger: Ledger, person: WhyContact) -> str | None:
    return ledger.people.nearest(person.word) if person.id is None and "@" in person.word else None


def cases(
    ledger: Ledger, registry: OperationsFile, person: WhyContact, names: Iterable[str], now: datetime
) -> Iterator[Case]:
    """Gather what is known of the contact and each operation."""
    addresses = {person.word, person.known_as, person.contact.email if person.contact else None, person.id}
    addresses |= set(() if person.id is None else ledger.people.former(person.id))
    events = ledger.inbox.of_contact([address_key(str(name)) for name in addresses if name])
    losses = () if person.id is None else tuple(losses_of(ledger, person.id, person.contact))
    for name in names:
        operation = registry.operations.get(name)
        timezone = registry.timezone
        once_per = None if operation is None else operation.once_per
        period = None if once_per is None else period_key(once_per, now, timezone)
        found = [] if person.id is None else ledger.history.entries(Filter(person.id, name, limit=200))
        yield Case(
            person,
            name,
            operation,
            timezone,
            now,
            entries=tuple(entry for entry, _ in found),
            period=period,
            blocking=None if person.id is None else ledger.entries.sending(person.id),
            events=tuple(event for event in events if event.operation == name),
            losses=losses,
            last_run=ledger.history.last_run_of(name),
            run_of_period=None if period is None else ledger.history.last_run_of(name, period),
        )


def concerns(case: Case) -> bool:
    """Tell whether an operation is worth a line when none was named: it did, will or should have done something."""
    return bool(case.entries or case.events or case.waiting_tag or case.period)


def for_nobody(found: Iterable[Case]) -> list[Case]:
    """Choose among the cases of a contact that nobody knows: those with something unended, else one for all."""
    every = list(found)
    return [case for case in every if any(event.state != "done" for event in case.events)] or every[:1]
