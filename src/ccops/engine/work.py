"""One entry on its way from claim to release."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ccops.crm.base import Contact, HeldTag
from ccops.ledger.model import Entry

FRESH: Final = timedelta(seconds=10)
"""A read older than this is made again before a write."""


@dataclass(frozen=True, slots=True)
class Read:
    """One read of a contact by id, and the moment before it was asked for."""

    contact: Contact | None
    at: datetime


LOOK_LASTS: Final = timedelta(seconds=5)
"""A look at a contact's tags older than this is made again before a trigger tag comes off."""


@dataclass(frozen=True, slots=True)
class Look:
    """One read of a contact's tags by id, and the moment before it was asked for. A row of a list is none: it lags."""

    tags: Sequence[HeldTag]
    at: datetime

    def shows(self, tag: int, tagged_at: datetime) -> bool:
        """Tell whether the contact carried a tag since that very moment."""
        return any((held.id, held.tagged_at) == (tag, tagged_at) for held in self.tags)


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
    look: Look | None = None
    """The last look at the contact's tags, if one was made for this call."""
    warnings: list[str] = field(default_factory=list)
    obstacle: str = ""
    """Why the last write did not, or may not have, come through."""
