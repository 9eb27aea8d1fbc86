"""What an operation needs in the CRM: its field, and a tag that is its own."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccops.errors import Misconfigured, ServiceUnreachable
from ccops.text import clean, shorten

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.crm.base import CustomField, KnownTag


class FieldMissing(Misconfigured):
    """The CRM has no such field."""

    def __init__(self, name: str, known: Sequence[str], argv: Sequence[str]) -> None:
        from ccops.registry.faults import nearest

        guess = nearest(name, known)
        hint = f' (there is "{guess}")' if guess else ""
        self.mend = "ccops " + shlex.join([*argv, "--create-field"])
        super().__init__(f"Kit has no field {shorten(name)}{hint}. Nothing was changed. To make it:")


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
    """Return the key of the field that has this key or label, made first if `create`. Raises FieldMissing.

    The CRM chooses the key of a new field; if it is another than was asked for, this is said.
    """
    field = _known(session.crm.fields(), name)
    if field is None and not create:
        raise FieldMissing(name, [each.key for each in session.crm.fields()], session.argv)
    if field is None:
        field = session.crm.create_field(name)
        session.console.note(f'Made the field "{field.label}" in Kit.')
    if field.key != name:
        session.console.note(f'Kit calls this field "{field.key}"; the operation uses that.')
    return field.key


def _known(fields: "Sequence[CustomField]", name: str) -> "CustomField | None":
    by_key = {field.key: field for field in fields}
    by_label = {field.label.casefold(): field for field in fields}
    return by_key.get(name) or by_label.get(name.casefold())


def demand_free_tag(session: "Session", operation: str, tag: str, *, saved: bool) -> None:
    """Demand that the CRM has no tag of this name yet, before anything is written. Raises TagExists."""
    if any(each.name.casefold() == tag.casefold() for each in session.crm.tags()):
        raise TagExists(tag, operation, saved=saved)


def make_tag(session: "Session", operation: str, tag: str) -> "KnownTag":
    """Make an operation's tag in the CRM and bind it in the registry. It is asked for once at most.

    Raises TagExists, TagUnconfirmed and what editing raises.
    """
    from ccops.crm.base import OutcomeUnknown
    from ccops.registry.edit import edit_operation

    try:
        made, new = session.crm.create_tag(tag)
    except OutcomeUnknown as error:
        raise TagUnconfirmed(tag, operation, error.what) from error
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
    console.note("  2. Go to the place in it that follows the successful payment.")
    console.note(f'  3. Add the action "Add tag" with the tag "{tag}".')
    console.advise("Use this tag for nothing else: whoever gets it, by hand too, starts the operation.")
    console.note("Try it on yourself, without changing anything:")
    console.note(f"  ccops run {operation} you@example.org --dry-run")
    console.note("Then let ccops look for the tag, once or all the time:")
    console.note(f"  ccops poll {operation}")
    console.note("  ccops serve")
