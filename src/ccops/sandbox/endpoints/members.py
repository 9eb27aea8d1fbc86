"""Who carries which tag."""

from ccops.sandbox import tagging
from ccops.sandbox.call import Call, address
from ccops.sandbox.endpoints.subscribers import presented
from ccops.sandbox.exchange import Answer, Invalid, Json, NotFound
from ccops.sandbox.moment import shown
from ccops.sandbox.paging import listing, window
from ccops.sandbox.rows import ContactRow, FieldRow, TagRow


def index(call: Call) -> Answer:
    """List the contacts that carry a tag, newest tagging first."""
    tag, wanted = call.tag(), window(call.query, parts=2)
    filters = call.filters("created_after", "created_before", "tagged_after", "tagged_before")
    page = call.store.members(tag.id, call.lists_at, filters, wanted)
    fields, slim = call.store.fields(call.lists_at), call.query.get("slim") == "true"
    rows = [_member(row.contact, row.tagged_at, fields, slim=slim) for row, _ in page.rows]
    return Answer(200, listing("subscribers", rows, page, wanted))


def add(call: Call) -> Answer:
    """Tag the contact of an id; 200 instead of 201 says that it carried the tag already."""
    return _added(call, call.tag(), call.contact(1))


def add_by_email(call: Call) -> Answer:
    """Tag the contact that has an address; nobody is created."""
    tag = call.tag()
    return _added(call, tag, _contact_of(call, call.json.get("email_address"), "tag subscriber"))


def remove(call: Call) -> Answer:
    """Take a tag off the contact of an id, if it is there."""
    return _removed(call, call.tag(), call.contact(1))


def remove_by_email(call: Call) -> Answer:
    """Take a tag off the contact that has an address, given in the query or the body."""
    tag, email = call.tag(), call.query.get("email_address") or call.json.get("email_address")
    return _removed(call, tag, _contact_of(call, email, "remove tag from subscriber"))


def held(call: Call) -> Answer:
    """List the tags of a contact. It is never behind, as Kit's own tests expect."""
    contact, wanted = call.contact(), window(call.query)
    page = call.store.held(contact.id, wanted)
    rows: list[Json] = [{"id": tag.id, "name": tag.name, "tagged_at": shown(tag.tagged_at)} for tag, _ in page.rows]
    return Answer(200, listing("tags", rows, page, wanted))


def _added(call: Call, tag: TagRow, contact: ContactRow) -> Answer:
    since = tagging.add(call.store, tag, contact, call.moment)
    member = _member(contact, since or call.moment, call.store.fields(), slim=False)
    return Answer(201 if since is None else 200, {"subscriber": member})


def _removed(call: Call, tag: TagRow, contact: ContactRow) -> Answer:
    tagging.remove(call.store, tag, contact, call.moment)
    return Answer(204)


def _contact_of(call: Call, email: object, purpose: str) -> ContactRow:
    if email in (None, ""):
        raise Invalid(f"Either subscriber id or email address is required to {purpose}")
    contact = call.store.contact_of(address(email))
    if contact is None:
        raise NotFound
    return contact


def _member(contact: ContactRow, tagged_at: int, fields: list[FieldRow], *, slim: bool) -> Json:
    return {**presented(contact, fields, slim=slim), "tagged_at": shown(tagged_at)}
