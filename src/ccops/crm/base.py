"""What the house knows of a CRM: contacts, fields, tags, and how a call can end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from ccops.errors import CcopsError
from ccops.text import shorten

StateFilter = Literal["active", "inactive", "bounced", "complained", "cancelled", "all"]


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a credential opens."""

    id: int
    name: str
    timezone: str | None = None
    """IANA name, if the CRM tells one."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as one answer showed it. Rows of lists may be minutes old; a read by id is not."""

    id: int
    email: str
    state: str
    fields: Mapping[str, str | None] = field(default_factory=dict)
    """All custom fields of the account by key; None if unset."""
    tagged_at: datetime | None = None
    """In a row of a tag's carriers, or the answer of a tagging: since when the contact has the tag."""


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field: the key changes when the label is renamed, the id never."""

    id: int
    key: str
    label: str


@dataclass(frozen=True, slots=True)
class KnownTag:
    """A tag of the account."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class HeldTag:
    """A tag that a contact carries."""

    id: int
    name: str
    tagged_at: datetime


class NotSent(CcopsError):  # noqa: N818
    """The request certainly had no effect: no connection, or "come back later" (429). It may be sent again."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


class RateLimited(NotSent):
    """The CRM asked to come back later (429); `retry_after` holds the seconds, if it named any."""

    def __init__(self, what: str, retry_after: float | None) -> None:
        self.retry_after = retry_after
        super().__init__(what)


class OutcomeUnknown(CcopsError):  # noqa: N818
    """The request left and its effect is not known: time-out, lost or unreadable answer, 5xx, warnings, 202."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


class Rejected(CcopsError):  # noqa: N818
    """The CRM understood the request and refused it; it had no effect."""

    def __init__(self, status: int, texts: Sequence[str]) -> None:
        self.status = status
        self.texts = tuple(texts)
        said = "; ".join(shorten(text, 200) for text in texts) or "no reason given"
        super().__init__(f"Kit refused it ({status}): {said}")


class Missing(CcopsError):  # noqa: N818
    """What the request names does not exist (404)."""


class Crm(Protocol):
    """A CRM. Reads are repeated inside when that helps; a write is sent at most once a call.

    Every method may raise CredentialRefused; reads raise ServiceUnreachable once repeating has not helped, and
    Rejected. Writes raise NotSent, OutcomeUnknown, Missing and Rejected.
    """

    def reserve(self, requests: int) -> None:
        """Wait until this many requests of this thread may leave at once, so that none waits between read and write."""
        ...

    def account(self) -> Account:
        """Return the account of the credential."""
        ...

    def contact(self, contact_id: int) -> Contact | None:
        """Read one contact in any state by id, never stale; None if there is none."""
        ...

    def find(self, email: str) -> Contact | None:
        """Look a contact up by e-mail address, in any state. The row may lag behind writes."""
        ...

    def fields(self) -> list[CustomField]:
        """Return all custom fields."""
        ...

    def create_field(self, label: str) -> CustomField:
        """Make a custom field, or return the one that has this label already. The CRM chooses the key."""
        ...

    def tags(self) -> list[KnownTag]:
        """Return all tags."""
        ...

    def create_tag(self, name: str) -> tuple[KnownTag, bool]:
        """Make a tag; False if one of that name, in any case of letters, was there already and is returned."""
        ...

    def carriers(self, tag_id: int, state: StateFilter = "all") -> Iterator[Contact]:
        """Page through the contacts that carry a tag, with `tagged_at`. Rows may lag. Raises Missing."""
        ...

    def contacts(self, state: StateFilter = "all") -> Iterator[Contact]:
        """Page through all contacts. Rows may lag."""
        ...

    def tags_of(self, contact_id: int) -> list[HeldTag]:
        """Return the tags that a contact carries now. Raises Missing."""
        ...

    def write(self, contact_id: int, values: Mapping[str, str]) -> Mapping[str, str | None]:
        """Set fields to absolute values, all in one request; return the fields that the answer echoed."""
        ...

    def add_tag(self, contact_id: int, tag_id: int) -> bool:
        """Add a tag; False if the contact had it already."""
        ...

    def remove_tag(self, contact_id: int, tag_id: int) -> None:
        """Take a tag off; a contact that does not have it is no error."""
        ...
