"""What people do in Kit's app, as calls: changes of a sandbox's state past HTTP, and looks at it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from ccops.sandbox.api import create_field_row, tag_contact, untag_contact
from ccops.sandbox.http import Window
from ccops.sandbox.service import Service
from ccops.sandbox.store import Store
from ccops.sandbox.tables import ContactRow, FieldRow, TagRow, micros
from ccops.sandbox.webhook_delivery import DeliveryTry, signed_headers

_ALL = Window(size=1_000_000)


class Admin:
    """Changes and looks that need no client; changes are made at the clock's present moment, so lists may lag them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def add_contact(self, email: str, state: str = "active", **fields: str | None) -> int:
        """Make a contact, with the custom fields it needs; return its id."""
        with self._changing() as (store, now):
            contact_id = store.new_contact_id()
            canceled_at = now if state == "cancelled" else None
            contact = ContactRow(contact_id, now, now, email.lower(), None, state, canceled_at, "{}")
            values = {_field(store, key, now).id: value for key, value in fields.items()}
            store.save_contact(contact.with_values(values), now)
        return contact_id

    def delete_contact(self, contact_id: int) -> None:
        """Delete a contact."""
        with self._changing() as (store, now):
            store.end_contact(_contact(store, contact_id).id, now)

    def set_state(self, contact_id: int, state: str) -> None:
        """Put a contact into another state."""
        with self._changing() as (store, now):
            canceled_at = now if state == "cancelled" else None
            store.save_contact(_contact(store, contact_id)._replace(state=state, canceled_at=canceled_at), now)

    def add_field(self, label: str) -> str:
        """Make a custom field; return its key."""
        with self._changing() as (store, now):
            return create_field_row(store, label, now).key

    def set_field(self, contact_id: int, key: str, value: str | None) -> None:
        """Type a value into a contact's field; None or nothing empties it. Does not count among `writes`."""
        with self._changing() as (store, now):
            changed = _contact(store, contact_id).with_values({_field(store, key, now).id: value})
            store.save_contact(changed, now)

    def add_tag(self, name: str) -> int:
        """Make a tag unless there is one of that name; return its id."""
        with self._changing() as (store, now):
            return _tag(store, name, now).id

    def tag(self, contact_id: int, tag: str | int) -> int:
        """Add a tag, by name (made if there is none) or id, unless the contact has it; return the tag's id."""
        with self._changing() as (store, now):
            row = _tag(store, tag, now)
            tag_contact(store, row, _contact(store, contact_id), now)
        return row.id

    def untag(self, contact_id: int, tag: str | int) -> None:
        """Take a tag off, by name or id."""
        with self._changing() as (store, now):
            untag_contact(store, _tag(store, tag, now), _contact(store, contact_id), now)

    def contact_id(self, email: str) -> int:
        """Return the id of the contact that has an address. Raises LookupError."""
        with self._looking() as store:
            contact = store.contact_of(email.lower())
        if contact is None:
            raise LookupError(email)
        return contact.id

    def state_of(self, contact_id: int) -> str:
        """Return a contact's state. Raises LookupError."""
        with self._looking() as store:
            return _contact(store, contact_id).state

    def field_values(self, contact_id: int) -> dict[str, str | None]:
        """Return a contact's fields by key, None if unset. Raises LookupError."""
        with self._looking() as store:
            values = _contact(store, contact_id).values
            return {field.key: values.get(str(field.id)) for field in store.fields()}

    def tags_of(self, contact_id: int) -> list[str]:
        """Return the names of the tags that a contact carries, newest tagging first."""
        with self._looking() as store:
            return [tag.name for tag, _ in store.held(_contact(store, contact_id).id, _ALL).rows]

    def writes(self, contact_id: int) -> list[dict[str, str | None]]:
        """Return what each PUT that took effect wrote into a contact's fields, oldest first."""
        with self._looking() as store:
            return store.written(contact_id)

    def expire_tokens(self) -> None:
        """Let the time of all access tokens of OAuth be over; they can be renewed."""
        with self._changing() as (store, _):
            store.grants.expire_all()

    def token_states(self) -> list[str]:
        """Return how the pairs of tokens stand, oldest first: live, spent (renewed) or revoked."""
        with self._looking() as store:
            return store.grants.states()

    @contextmanager
    def _changing(self) -> Iterator[tuple[Store, int]]:
        self._service.catch_up()
        with self._service.changing():
            yield self._service.store, micros(self._service.settings.clock())

    @contextmanager
    def _looking(self) -> Iterator[Store]:
        self._service.catch_up()
        with self._service.store.transaction(write=False):
            yield self._service.store


def _contact(store: Store, contact_id: int) -> ContactRow:
    contact = store.contact(contact_id)
    if contact is None:
        raise LookupError(contact_id)
    return contact


def _field(store: Store, key: str, now: int) -> FieldRow:
    for field in store.fields():
        if field.key == key:
            return field
    return create_field_row(store, key.replace("_", " ").capitalize(), now)


def _tag(store: Store, tag: str | int, now: int) -> TagRow:
    known = store.tag(tag) if isinstance(tag, int) else store.tag_named(tag)
    if known is None and isinstance(tag, int):
        raise LookupError(tag)
    return known or store.new_tag(str(tag), now)


# ---- what tests and rehearsals ask of a sandbox's webhooks


class Deliveries:
    """Looks at what was delivered to webhooks, and more deliveries on request."""

    _service: Service

    @property
    def deliveries(self) -> list[DeliveryTry]:
        """The last tries of deliveries, oldest first."""
        return self._service.deliverer.sent()

    def await_deliveries(self, timeout: float = 60.0) -> None:
        """Wait until all is delivered that can be at present. Raises TimeoutError, also when it is not started."""
        self._service.deliverer.await_idle(timeout)

    def holding_deliveries(self) -> AbstractContextManager[None]:
        """Deliver nothing inside the block; at its end, events go out in batches of up to 100."""
        return self._service.deliverer.held()

    def retry_deliveries(self) -> int:
        """Try again now what a webhook endpoint did not take; return how many deliveries that are."""
        return self._service.deliverer.retry()

    def deliver_again(self, n: int = -1, times: int = 1) -> None:
        """Deliver the nth of `deliveries` so many times more: same id and events, signed anew. Raises IndexError."""
        self._service.deliverer.copy(self.deliveries[n].delivery, times)

    def signed(self, body: bytes, *secrets: str, at: float | None = None, delivery: int = 1) -> dict[str, str]:
        """Return the headers that Kit would send with a body, signed with each secret at a moment, by default now."""
        moment = self._service.settings.clock().timestamp() if at is None else at
        return signed_headers(body, secrets, int(moment), delivery)
