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


class PostponedRow(NamedTuple):
    """A request whose effect comes later."""

    method: str
    target: str
    body: bytes
