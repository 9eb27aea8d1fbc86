"""What the house knows of a CRM's webhooks, kept apart from `Crm`: only the setting up of `serve` needs it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from ccops.secret import Secret

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
class Endpoint:
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

    endpoint: Endpoint
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

    def endpoints(self) -> list[Endpoint] | None:
        """Return all signed webhooks, those of other programs too; None if the account has no such kind."""
        ...

    def endpoint(self, endpoint_id: int) -> Endpoint | None:
        """Read one signed webhook by id, never stale; None if it is gone."""
        ...

    def create_endpoint(self, url: str, name: str) -> SignedEndpoint | None:
        """Make a signed webhook for the adding of tags, at most once; None if the account has no such kind."""
        ...

    def change_endpoint(self, endpoint_id: int, url: str) -> Endpoint:
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
