"""Finding a contact as it is now, for those who only look."""

from ccops.crm.base import Contact, Crm
from ccops.engine.request import Who
from ccops.ledger.ledger import Ledger
from ccops.text import same_address


def find_contact(ledger: Ledger, crm: Crm, who: Who) -> Contact | None:
    """Read a contact by id: one request if the ledger knows the address, two if it has to be looked up.

    One that had the address before and has another one now is found too, unless somebody else has it by now.
    """
    if isinstance(who, int):
        return _read(crm, who)
    known = ledger.people.by_email(who)
    contact = None if known is None else _read(crm, known.id)
    # The address may have gone over to another contact since it was seen.
    if contact is not None and same_address(contact.email, who):
        return contact
    row = crm.find(who)
    if row is None or (contact is not None and row.id == contact.id):  # a list that lags still shows the old address
        return contact
    return _read(crm, row.id) or contact


def _read(crm: Crm, contact: int) -> Contact | None:
    crm.reserve(1)
    return crm.contact(contact)
