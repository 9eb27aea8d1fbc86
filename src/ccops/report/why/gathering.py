"""What is known of a contact, gathered from the ledger and with two requests from the CRM."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from ccops.crm.base import Contact, Crm, Missing
from ccops.engine.losses import losses_of
from ccops.engine.request import Who
from ccops.errors import ServiceUnreachable
from ccops.ledger.history import Filter
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Registry
from ccops.operations.periods import period_key
from ccops.report.why.case import Case, Person
from ccops.text import address_key, same_address


def meet(ledger: Ledger, crm: Crm, who: Who) -> Person:
    """Find a contact: one request for itself, one for its tags. If the CRM can't be reached, the ledger has to do."""
    known = ledger.people.by_id(who) if isinstance(who, int) else ledger.people.by_email(who)
    number = who if isinstance(who, int) else None if known is None else known.id
    person = Person(str(who), number, None if known is None else known.email or None)
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


def _with(ledger: Ledger, crm: Crm, person: Person, contact: Contact | None, *, look: bool) -> Person:
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


def _near(ledger: Ledger, person: Person) -> str | None:
    return ledger.people.nearest(person.word) if person.id is None and "@" in person.word else None


def cases(ledger: Ledger, registry: Registry, person: Person, names: Iterable[str], now: datetime) -> Iterator[Case]:
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
