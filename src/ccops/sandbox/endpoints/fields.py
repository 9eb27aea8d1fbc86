"""Custom fields."""

import re
import unicodedata
from itertools import chain, count

from ccops.sandbox.call import Call
from ccops.sandbox.exchange import Answer, Invalid, Json
from ccops.sandbox.paging import listing, window
from ccops.sandbox.rows import FieldRow
from ccops.sandbox.store import Store

_BLANK = "Label can't be blank"


def index(call: Call) -> Answer:
    """List the custom fields, newest first."""
    wanted = window(call.query)
    page = call.store.field_page(call.lists_at, wanted)
    return Answer(200, listing("custom_fields", [_presented(field) for field, _ in page.rows], page, wanted))


def create(call: Call) -> Answer:
    """Make a custom field, or return the one that has the label."""
    label, fields = call.text("label", _BLANK), call.store.fields()
    known = _labelled(label, fields)
    if known is None and len(fields) >= call.settings.most_fields:
        raise Invalid(f"You can have at most {call.settings.most_fields} custom fields")
    return Answer(200 if known else 201, {"custom_field": _presented(known or born(call.store, label, call.moment))})


def rename(call: Call) -> Answer:
    """Give a field another label: its key changes too, its name and the contacts' values stay."""
    field, label, fields = call.field(), call.text("label", _BLANK), call.store.fields()
    holder = _labelled(label, fields)
    if holder and holder.id != field.id:
        raise Invalid("Label has already been taken")
    others = {other.key for other in fields if other.id != field.id}
    renamed = field._replace(label=label, key=_unique_key(label, others))
    call.store.save_field(renamed, call.moment)
    return Answer(200, {"custom_field": _presented(renamed)})


def delete(call: Call) -> Answer:
    """Delete a field with all its values."""
    call.store.end_field(call.field().id, call.moment)
    return Answer(204)


def born(store: Store, label: str, now: int) -> FieldRow:
    """Make a custom field of a label that no other has."""
    key, new_id = _unique_key(label, {field.key for field in store.fields()}), store.new_field_id()
    field = FieldRow(new_id, key, f"ck_field_{new_id}_{key}", label)
    store.save_field(field, now)
    return field


def _unique_key(label: str, taken: set[str]) -> str:
    # ASCII, lower case, words joined by "_" (Kit API v4, "Create a custom field").
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "field"
    numbered = (f"{key}_{number}" for number in count(2))
    return next(unique for unique in chain([key], numbered) if unique not in taken)


def _labelled(label: str, fields: list[FieldRow]) -> FieldRow | None:
    return next((field for field in fields if field.label.casefold() == label.casefold()), None)


def _presented(field: FieldRow) -> Json:
    return {"id": field.id, "name": field.name, "key": field.key, "label": field.label}
