"""`tag unbind`: a tag starts its operation no longer."""

from itertools import islice
from typing import TYPE_CHECKING, Final

from ccops.cli import setup
from ccops.cli.op import saving
from ccops.cli.op.keys import Edit
from ccops.crm.base import Missing
from ccops.errors import CcopsError

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.operations.model import Tag

_LOOKED_AT: Final = 1000
"""A page of carriers at most; who is asked only to be warned need not wait for all."""


def unbind_tag(session: "Session", name: str) -> None:
    """Take an operation's tag out of the registry and out of what the ledger counts by.

    An operation that is no longer in the registry can be let go of too, if the ledger still counts a tag by it. Raises
    NoSuchOperation if neither knows it.
    """
    known = session.registry.operations.get(name)
    tag = None if known is None else known.tag
    if tag is not None:
        saving.edit(session, name, Edit(drop=("tag",)))
    forgotten = setup.forget_tags(session, name)
    if tag is not None:
        session.console.say(f'The tag "{tag.name}" no longer starts {name}.')
        _say_what_stays(session, tag)
    elif forgotten:
        session.console.say(f"The ledger no longer counts a tag by the name of {name}.")
    else:
        session.console.say(f"{session.operation(name).name} has no tag.")


def _say_what_stays(session: "Session", tag: "Tag") -> None:
    """Say that the tag itself stays in Kit, and warn if contacts carry it."""
    setup.say_tag_stays(session, tag.name)
    try:
        carried = len(list(islice(session.crm.carriers(tag.id), _LOOKED_AT)))
    except Missing:
        session.console.note("It is gone there already.")
    except CcopsError as error:
        session.console.note(f"Who carries it can't be seen now: {error}")
    else:
        if carried:
            them = "1 contact carries" if carried == 1 else f"{carried} contacts carry"
            more = " at least" if carried == _LOOKED_AT else ""
            session.console.warn(f'{them} "{tag.name}"{more}; nothing is run for them any more.')
