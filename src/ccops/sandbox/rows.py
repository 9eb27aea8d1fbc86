"""What the state is made of: one present or past version of each thing. Moments are in microseconds."""

import json
from collections.abc import Mapping
from typing import NamedTuple


class ContactRow(NamedTuple):
    """A contact; its values are kept by the id of the custom field, so that a renamed field keeps them."""

    id: int
    since: int
    created_at: int
    email: str
    first_name: str | None
    state: str
    canceled_at: int | None
    field_values: str

    @property
    def values(self) -> dict[str, str]:
        """The values that are set, by field id."""
        read: dict[str, str] = json.loads(self.field_values)
        return read

    def with_values(self, changes: Mapping[int, str | None]) -> "ContactRow":
        """Return the contact with some values changed; an empty one is unset."""
        values = self.values | {str(field): value for field, value in changes.items()}
        return self._replace(field_values=json.dumps({field: value for field, value in values.items() if value}))


class MemberRow(NamedTuple):
    """A contact as the carrier of a tag."""

    contact: ContactRow
    tagged_at: int


class TagRow(NamedTuple):
    """A tag."""

    id: int
    created_at: int
    name: str


class HeldRow(NamedTuple):
    """A tag that a contact carries."""

    id: int
    name: str
    tagged_at: int


class FieldRow(NamedTuple):
    """A custom field; `name` is fixed at birth, `key` follows the label."""

    id: int
    key: str
    name: str
    label: str


class WebhookRow(NamedTuple):
    """A legacy webhook: one event, with the value of its parameter if it has one."""

    id: int
    event: str
    param: str | None
    target_url: str


class EndpointRow(NamedTuple):
    """A webhook endpoint; `events` is a JSON list, and the previous secret counts until `previous_until`."""

    id: int
    created_at: int
    url: str
    name: str
    description: str
    status: str
    events: str
    secret: str
    previous_secret: str
    previous_until: int

    def secrets(self, now: int) -> tuple[str, ...]:
        """Return the secrets that sign at a moment, newest first."""
        return (self.secret, self.previous_secret) if self.rotating(now) else (self.secret,)

    def rotating(self, now: int) -> bool:
        """Say whether the previous secret still counts."""
        return now < self.previous_until


class DeliveryRow(NamedTuple):
    """Something to deliver: to a webhook endpoint, or if there is none, to the legacy webhook's `url`."""

    id: int
    endpoint_id: int | None
    url: str
    body: str
    state: str
    """pending, retrying, delivered or failed."""
    attempts: int
    due: int
    """When to try, or to try again; FOREVER: not unless asked to."""


class CodeRow(NamedTuple):
    """A code that can be swapped for tokens."""

    client: str
    redirect_uri: str
    challenge: str
    until: int


class TokenRow(NamedTuple):
    """A pair of tokens; `until` is when the access token expires."""

    access: str
    refresh: str
    client: str
    family: int
    until: int
    state: str
    """live, spent (it was refreshed) or revoked."""


class PostponedRow(NamedTuple):
    """A request whose effect comes later."""

    method: str
    target: str
    body: bytes
