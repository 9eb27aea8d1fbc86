"""One entry on its way from claim to release."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ccops.crm.base import Contact
from ccops.ledger.model import Entry

FRESH: Final = timedelta(seconds=10)
"""A read older than this is made again before a write."""


@dataclass(frozen=True, slots=True)
class Read:
    """One read of a contact by id, and the moment before it was asked for."""

    contact: Contact | None
    at: datetime


@dataclass(slots=True)
class Work:
    """What is in hand: the entry as it stands in the ledger, and the last read of its contact."""

    entry: Entry
    read: Read | None = None
    row: Contact | None = None
    """The row of a list that showed the contact, until it is used or a write was tried."""
    known: str | None = None
    """The address by which the ledger knows the contact, if it was asked."""
    email: str | None = None
    """The contact's address, once it was seen."""
    begun: bool = False
    """Whether the entry was begun by the call that works on it; else its trigger tag may be a newer one by now."""
    warnings: list[str] = field(default_factory=list)
    obstacle: str = ""
    """Why the last write did not, or may not have, come through."""
