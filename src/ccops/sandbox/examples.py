"""The contacts of a new sandbox: a small membership site that does not exist."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ccops.sandbox.endpoints.fields import born
from ccops.sandbox.moment import micros
from ccops.sandbox.rows import ContactRow
from ccops.sandbox.store import Store

TAG: Final = "Member: Gold"


class _Example(NamedTuple):
    name: str
    credits: str | None
    gold: bool
    state: str = "active"


_CONTACTS: Final = (
    _Example("Ann", "5", gold=True),
    _Example("Bob", "12", gold=True),
    _Example("Cy", "abc", gold=True),
    _Example("Di", "20", gold=True, state="cancelled"),
    _Example("Ed", "3", gold=False, state="bounced"),
    _Example("Fay", None, gold=True),
    _Example("Gus", "118", gold=True),
    _Example("Hal", "0", gold=False),
)


def fill(store: Store, now: datetime) -> None:
    """Put the example contacts into an empty state, as if they had been there for months."""
    joined = micros(now - timedelta(days=90))
    tagged = micros(now - timedelta(days=60))
    field_id = born(store, "Credits", joined).id
    tag = store.new_tag(TAG, joined)
    for example in _CONTACTS:
        contact_id, email = store.new_contact_id(), f"{example.name.lower()}@example.org"
        canceled_at = tagged if example.state == "cancelled" else None
        contact = ContactRow(contact_id, joined, joined, email, example.name, example.state, canceled_at, "{}")
        store.save_contact(contact.with_values({field_id: example.credits}), joined)
        if example.gold:
            store.add_tagging(tag.id, contact_id, tagged)
