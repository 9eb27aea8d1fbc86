"""What an operation needs in the CRM: its field, and a tag that is its own."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ccops.cli.errors import corrected
from ccops.errors import CcopsError, Misconfigured, ServiceUnreachable
from ccops.text import clean, folded, shorten, tidy

if TYPE_CHECKING:
    from ccops.cli.context import Session
    from ccops.crm.base import CustomField, KnownTag
    from ccops.operations.model import Operation

_MOST_NAMED: Final = 8


class FieldMissing(Misconfigured):
    """The CRM has no such field: misspelt, or still to be made."""

    def __init__(self, name: str, known: Sequence[str], argv: Sequence[str]) -> None:
        from ccops.config.errors import nearest

        guess, make = nearest(name, known), _to_make(argv)
        meant = corrected(argv, name, guess) if guess else None
        self.mend = f"{meant}\nor, to make the field: {make}" if meant else make
        what = f"Kit has no field {shorten(name)}. Nothing was changed."
        if guess is None:
            super().__init__(f"{what} {_that_are_there(known)}To make it:")
        else:
            super().__init__(f"{what} Did you mean {clean(guess)}?{'' if meant else ' To make it all the same:'}")


def _to_make(argv: Sequence[str]) -> str:
    """Write the command that makes the field; a dry run would not."""
    kept = [word for word in argv if word not in {"--dry-run", "--create-field"}]
    return clean("ccops " + shlex.join([*kept, "--create-field"]))


def _that_are_there(known: Sequence[str]) -> str:
    """Say which fields there are, the first of them."""
    listed = ", ".join(map(clean, known[:_MOST_NAMED]))
    return f"It has {listed}{', …' if len(known) > _MOST_NAMED else ''}. " if known else ""


class TagExists(Misconfigured):
    """The CRM has a tag of that name, which may stand for something else."""

    def __init__(self, tag: str, operation: str, *, saved: bool) -> None:
        bind = f'ccops tag bind {operation} "{tag}"'
        self.mend = bind if saved else f"ccops op add {operation} … (without --tag)\n{bind}"
        kept = f"{operation} is in the registry, without a tag" if saved else "Nothing was changed"
        super().__init__(f"Kit has a tag {shorten(tag)} already. {kept}. To use that tag:")


class TagBound(Misconfigured):
    """The operation has a tag already."""

    def __init__(self, operation: str, tag: str) -> None:
        self.mend = f"ccops tag unbind {operation}"
        super().__init__(f"{operation} has the tag {shorten(tag)} already. Nothing was changed. To give it another:")


class TagUnconfirmed(ServiceUnreachable):
    """Whether the CRM made a tag is not known: its answer was lost."""

    def __init__(self, tag: str, operation: str, what: str) -> None:
        words = shlex.quote(tag)
        self.mend = f"ccops tag bind {operation} {words}\nccops tag create {operation} --name {words}"
        super().__init__(
            f"whether Kit has made the tag {shorten(tag)} is not known ({clean(what)}). {operation} is in the registry "
            "without a tag. Look in Kit: if the tag is there, bind it; if not, make it again:"
        )


def default_tag(operation: str) -> str:
    """Return the name that an operation's tag has unless somebody says otherwise."""
    return f"ccops: {operation}"


def field_in_crm(session: "Session", name: str, *, create: bool) -> str:
    """Return the key of the field that has this key or label, made first if `create`.

    Raises FieldMissing, FieldRefused, FieldRenamed.

    The CRM chooses the key of a new field; if it is another than was asked for, this is said. Nothing is made where
    nothing may be written.
    """
    fields = session.crm.fields()
    if not create or session.looks_only or _known(fields, name) is not None:
        return key_among(session, fields, name)
    from ccops.engine.bootstrap import create_field
    from ccops.engine.errors import FieldRenamed

    renamed = _renamed(session, fields, name)
    if renamed is not None:
        raise FieldRenamed(name, renamed.key)
    field = create_field(session.crm, name, len(fields))
    session.console.note(f'Made the field "{field.label}" in Kit.')
    return _said(session, field, name)


def key_among(session: "Session", fields: "Sequence[CustomField]", name: str) -> str:
    """Return the key of the field that has this key or label. Raises FieldMissing."""
    field = _known(fields, name) or _renamed(session, fields, name)
    if field is None:
        raise FieldMissing(name, _of_people(fields), session.argv)
    return _said(session, field, name)


def _renamed(session: "Session", fields: "Sequence[CustomField]", name: str) -> "CustomField | None":
    """Return the field that had this key before it was renamed in the CRM."""
    from ccops.engine.bootstrap import renamed_fields

    ids = session.ledger_to_read.field_names.ids() if session.home.ledger.exists() else {}
    return renamed_fields([name], fields, ids).get(name)


def note_fields(session: "Session", operation: "Operation", fields: "Sequence[CustomField] | None") -> None:
    """Remember by their ids the fields that an operation needs, so that they are followed once they are renamed."""
    from ccops.engine.bootstrap import note_fields as note
    from ccops.operations.plan import fields_read

    if fields is not None and session.home.ledger.exists() and not session.looks_only:
        note(session.ledger, fields_read(operation), fields)


def fields_if_reachable(session: "Session") -> "Sequence[CustomField] | None":
    """Return the CRM's fields; None, and a note why, if it can't be asked: there is no key yet, or no network."""
    from ccops.cli.context import HASTE, open_crm

    try:
        return open_crm(session, patience=HASTE).fields()
    except CcopsError as error:
        session.console.note(f"Whether Kit has the field could not be looked up: {error}")
        return None


def warn_of_missing(session: "Session", operation: "Operation", fields: "Sequence[CustomField] | None") -> None:
    """Warn of fields that an operation needs and the CRM lacks."""
    from ccops.operations.plan import fields_read

    lacking = set() if fields is None else fields_read(operation) - {field.key for field in fields}
    for key in sorted(lacking):
        make = f"ccops op edit {operation.name} --create-field"
        session.console.warn(f"Kit has no field {shorten(key)}, which {operation.name} needs. To make it: {make}")


def _said(session: "Session", field: "CustomField", name: str) -> str:
    """Return the key of a field; if it is not as it was asked for, say so."""
    if field.key != name:
        session.console.note(f'Kit calls this field "{field.key}"; that is what is used.')
    return field.key


def field_to_change(session: "Session", name: str, *, create: bool, dry_run: bool) -> str:
    """Return the key of a field that is to be changed once, before anything of it enters the ledger.

    Raises FieldMissing and ReceiptFieldOurs.
    """
    from ccops.engine.errors import ReceiptFieldOurs
    from ccops.operations.derived import ADJUST

    session.looks_only = dry_run
    ledger = session.ledger_to_read if dry_run else session.ledger
    if name == ledger.identity.receipt_field:
        raise ReceiptFieldOurs(name, ADJUST)
    return field_in_crm(session, name, create=create)


def _of_people(fields: "Sequence[CustomField]") -> list[str]:
    """Return the keys of the fields that are there for people, not for receipts."""
    from ccops.engine.bootstrap import RECEIPT_LABEL

    return sorted(field.key for field in fields if field.label != RECEIPT_LABEL)


def _known(fields: "Sequence[CustomField]", name: str) -> "CustomField | None":
    by_key = {field.key: field for field in fields}
    by_label = {folded(field.label): field for field in fields}
    return by_key.get(tidy(name)) or by_label.get(folded(name))


def demand_free_tag(session: "Session", operation: str, tag: str, *, saved: bool) -> None:
    """Demand that the CRM has no tag of this name yet, before anything is written. Raises TagExists."""
    if any(folded(each.name) == folded(tag) for each in session.crm.tags()):
        raise TagExists(tag, operation, saved=saved)


def make_tag(session: "Session", operation: str, tag: str) -> "KnownTag":
    """Make an operation's tag in the CRM and bind it in the registry. It is asked for once at most.

    Raises TagExists, TagUnconfirmed, TagRefused and what editing raises.
    """
    from ccops.config.operations_file import edit_operation
    from ccops.crm.base import OutcomeUnknown, Rejected
    from ccops.engine.errors import TagRefused

    try:
        made, new = session.crm.create_tag(tag)
    except OutcomeUnknown as error:
        raise TagUnconfirmed(tag, operation, error.what) from error
    except Rejected as refusal:
        raise TagRefused(tag, operation, refusal) from refusal
    if not new:
        raise TagExists(made.name, operation, saved=True)
    edit_operation(session.home.registry, operation, {"tag": {"id": made.id, "name": made.name}})
    return made


def forget_tags(session: "Session", operation: str) -> bool:
    """Let the ledger, if there is one, count no tag by this operation any more; whether it did so until now."""
    if not session.home.ledger.exists():
        return False
    identity = session.ledger.identity
    tags = identity.tags_counted_as(operation)
    for tag in tags:
        identity.forget_tag(tag)
    return bool(tags)


def say_tag_stays(session: "Session", tag: str) -> None:
    """Say what becomes of a tag that starts nothing any more."""
    session.console.advise(
        f'The tag "{tag}" stays in Kit, where no key can delete it. Take it out of your automations, or delete it.'
    )


def say_next(session: "Session", operation: str, tag: str) -> None:
    """Say what is left to do in the CRM once an operation has its tag."""
    console = session.console
    console.note()
    console.note("Next, in Kit:")
    console.note("  1. Open the automation that is to start it (Automate, Visual automations).")
    console.note("  2. Go to the place in it that follows what it is for, such as a payment.")
    console.advise(f'Add the action "Add tag" with the tag "{tag}".', "  3. ")
    console.advise("Use this tag for nothing else: whoever gets it, by hand too, starts the operation.")
    console.note("Try it on yourself, without changing anything:")
    console.note(f"  {console.spell(f'ccops run {operation}')} you@example.org --dry-run")
    console.note("Then let ccops look for the tag, once or all the time:")
    console.note(f"  {console.spell(f'ccops poll {operation}')}")
    console.note(f"  {console.spell('ccops serve')}")
