"""What ccops knows of a CRM: contacts, fields, tags, and how a call can end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from ccops.errors import CcopsError
from ccops.secret import Secret
from ccops.text import folded, shorten

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


class Listing(Iterator[Contact], Protocol):
    """Contacts of a list, page by page as they are needed, each once. Rows may lag."""

    @property
    def total(self) -> int | None:
        """How many there are in all, as the first page told; that page is then the first one given.

        It is asked for only if this is read before the first contact is taken, as counting is slow. None if it was read
        later than that, or the CRM does not tell. Raises what taking the first contact raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class ManyWritten:
    """What the answer to a write of many contacts proves. A contact in neither part is of unknown outcome."""

    echoed: Mapping[int, Mapping[str, str | None]]
    """By contact, the fields that the answer shows with the value that was sent; they may be some of those sent."""
    untouched: frozenset[int]
    """The contacts none of whose fields was written, for certain."""


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field: the key changes when the label is renamed, the id never."""

    id: int
    key: str
    label: str
    name: str = field(default="", compare=False)
    """As the CRM names it for good, with the id and the key that it was born with."""


@dataclass(frozen=True, slots=True)
class KnownTag:
    """A tag of the account."""

    id: int
    name: str


def tag_named(tags: Iterable[KnownTag], name: str) -> KnownTag | None:
    """Return the tag of a name, in any case of letters; the one that is written exactly so before any other."""
    alike = [tag for tag in tags if folded(tag.name) == folded(name)]
    return next((tag for tag in alike if tag.name == name), next(iter(alike), None))


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
        self.said = "; ".join(shorten(text, 200) for text in texts) or "no reason given"
        super().__init__(f"Kit refused it ({status}): {self.said}")


class Missing(CcopsError):  # noqa: N818
    """What the request names does not exist (404)."""


class Crm(Protocol):
    """A CRM. Reads are repeated inside when that helps; a write is sent at most once a call.

    Every method may raise CredentialRefused; reads raise ServiceUnreachable once repeating has not helped, and
    Rejected. Writes raise NotSent, OutcomeUnknown, Missing and Rejected.
    """

    @property
    def clock_ahead(self) -> timedelta | None:
        """By how much this machine's clock is ahead of the CRM's at least, as of the latest answer; None before it.

        What the way of the answer can explain does not count; less than 0, the clock is behind.
        """
        ...

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

    def carriers(self, tag_id: int, state: StateFilter = "all") -> Listing:
        """Page through the contacts that carry a tag, with `tagged_at`. Rows may lag. Raises Missing."""
        ...

    def contacts(self, state: StateFilter = "all") -> Listing:
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

    def remove_tag(self, contact_id: int, tag_id: int, tagged_at: datetime | None = None) -> None:
        """Take a tag off; a contact that does not have it is no error.

        `tagged_at` names the one tagging that is meant, as the caller has just seen it: a newer one stays.
        """
        ...

    @property
    def most_at_once(self) -> int:
        """How many values one `write_many`, or contacts one `remove_tag_of_many`, takes; 0: neither is to be had."""
        ...

    def write_many(self, values: Mapping[int, Mapping[str, str]]) -> ManyWritten:
        """Set fields of several contacts to absolute values, all in one request; the answer proves what it proves.

        Raises Missing if a field is not there (and then nothing was sent); ValueError for no value, or too many.
        """
        ...

    def remove_tag_of_many(self, tag_id: int, contacts: Sequence[int]) -> frozenset[int]:
        """Take a tag off several contacts, all in one request; return those that certainly don't carry it any more.

        The others may or may not; a contact that did not have it is no error.
        """
        ...


# ---- what ccops knows of a CRM's webhooks, kept apart from `Crm`: only the setting up of `serve` needs it

TAG_ADD: Final = "tag_add"
"""The event of an unsigned webhook for a tag that was added."""
TAG_ADDED: Final = "subscriber.tag_added"
"""The event of a signed one; it comes for every tag."""


@dataclass(frozen=True, slots=True)
class Hook:
    """An unsigned webhook (Kit's legacy kind): one URL for one event of one tag."""

    id: int
    url: Secret
    """Whoever knows it can start the operation, so it is held like a credential."""
    event: str
    tag_id: int | None


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """A signed webhook (Kit's webhook endpoints 2.0): one URL for some kinds of events, of all tags."""

    id: int
    url: str
    name: str
    events: tuple[str, ...]
    active: bool
    previous_until: datetime | None = None
    """Until when the CRM signs with the secret before the last rotation too."""


@dataclass(frozen=True, slots=True)
class SignedEndpoint:
    """An endpoint with its secret, which the CRM tells once only: when it makes it."""

    endpoint: WebhookEndpoint
    secret: Secret


class Webhooks(Protocol):
    """The webhooks of a CRM's account. Reads are repeated inside when that helps; what makes something never is.

    Every method raises what a `Crm`'s does.
    """

    def hooks(self) -> list[Hook]:
        """Return all unsigned webhooks, those of other programs too. The list may lag behind writes."""
        ...

    def create_hook(self, url: Secret, tag_id: int) -> Hook:
        """Make an unsigned webhook for the adding of a tag; asked for at most once."""
        ...

    def delete_hook(self, hook_id: int) -> None:
        """Remove an unsigned webhook; one that is gone is no error."""
        ...

    def endpoints(self) -> list[WebhookEndpoint] | None:
        """Return all signed webhooks, those of other programs too; None if the account has no such kind."""
        ...

    def endpoint(self, endpoint_id: int) -> WebhookEndpoint | None:
        """Read one signed webhook by id, never stale; None if it is gone."""
        ...

    def create_endpoint(self, url: str, name: str) -> SignedEndpoint | None:
        """Make a signed webhook for the adding of tags, at most once; None if the account has no such kind."""
        ...

    def change_endpoint(self, endpoint_id: int, url: str) -> WebhookEndpoint:
        """Let a signed webhook send to this URL, for the adding of tags, and be active. Raises Missing."""
        ...

    def delete_endpoint(self, endpoint_id: int) -> None:
        """Remove a signed webhook; one that is gone is no error."""
        ...

    def rotate_secret(self, endpoint_id: int, *, force: bool = False) -> SignedEndpoint:
        """Make a new secret, asked for at most once; the one before stays valid for a time. Raises Missing.

        Without `force`, Rejected with status 409 while an earlier rotation's time runs.
        """
        ...

    def revoke_previous_secret(self, endpoint_id: int) -> None:
        """Let the secret before the last rotation end at once. Raises Missing."""
        ...
