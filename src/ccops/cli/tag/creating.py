"""`tag create`: a tag made in Kit for one operation."""

from typing import TYPE_CHECKING, Final

from ccops.cli import setup
from ccops.cli.keys import check_unsaid
from ccops.errors import Misconfigured
from ccops.registry.home import file_lock

if TYPE_CHECKING:
    from ccops.cli.session import Session


_LOCK: Final = "tag-create"


class NamelessTag(Misconfigured):
    """A tag needs a name."""

    mend = "ccops tag create --help"

    def __init__(self) -> None:
        super().__init__("--name is empty. Nothing was changed. Leave it out, or name the tag.")


def create_tag(session: "Session", name: str, wanted: str | None) -> None:
    """Make an operation's tag and bind it; one that is there already is not taken.

    Raises NamelessTag, TagBound, TagExists, TagUnconfirmed.
    """
    check_unsaid(session, wanted, "--name")
    operation = session.operation(name)
    if operation.tag is not None:
        raise setup.TagBound(name, operation.tag.name)
    tag = setup.default_tag(name) if wanted is None else wanted.strip()
    if not tag:
        raise NamelessTag
    with file_lock(session.home.locks / _LOCK):
        bound = session.operation(name).tag  # another process may have been quicker
        if bound is None:
            setup.demand_free_tag(session, name, tag, saved=True)
            made = setup.make_tag(session, name, tag)
            session.console.say(f'Made the tag "{made.name}" ({made.id}) in Kit; it starts {name}.')
        elif bound.name.casefold() == tag.casefold():
            session.console.say(
                f'Another ccops has just made the tag "{bound.name}" ({bound.id}) in Kit; it starts {name}.'
            )
        else:
            raise setup.TagBound(name, bound.name)
    setup.say_next(session, name, tag)
