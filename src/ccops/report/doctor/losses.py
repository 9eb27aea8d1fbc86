"""Changes that a late write took away, and that nothing has given back."""

from collections.abc import Iterator
from typing import Final

from ccops.crm.base import Crm
from ccops.engine.losses import Loss, losses_of, open_losses
from ccops.ledger.ledger import Ledger
from ccops.report.doctor.finding import Finding, wrong
from ccops.report.doctor.wording import count
from ccops.text import clean

_MOST: Final = 5


def look(ledger: Ledger, crm: Crm | None) -> Iterator[Finding]:
    """Tell what is lost; contacts at which an entry was stopped are read, if Kit can be asked."""
    found = {loss.last.id: loss for loss in open_losses(ledger)}
    found |= {loss.last.id: loss for loss in _at_stopped(ledger, crm)} if crm is not None else {}
    for loss in list(found.values())[:_MOST]:
        person = ledger.people.by_id(loss.last.contact)
        who = person.email if person is not None and person.email else f"contact {loss.last.contact}"
        yield wrong("lost", f"{clean(who)}: {loss.text}", loss.command)
    if len(found) > _MOST:
        yield wrong("lost", f"{count(len(found) - _MOST, 'more change')} lost to late writes", "ccops settle")


def _at_stopped(ledger: Ledger, crm: Crm) -> Iterator[Loss]:
    """Give what the contacts show at which an entry was stopped before anything was sent."""
    stopped = [entry.contact for entry in ledger.entries.open() if entry.status == "parked" and entry.turn is None]
    for number in list(dict.fromkeys(stopped))[:_MOST]:
        contact = crm.contact(number)
        if contact is not None:
            yield from losses_of(ledger, number, contact)
