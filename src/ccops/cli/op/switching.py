"""`op pause`, `op resume` and `op remove`."""

from typing import TYPE_CHECKING

from ccops.cli import setup
from ccops.cli.op import saving
from ccops.cli.op.keys import Edit
from ccops.errors import Misconfigured
from ccops.text import shorten

if TYPE_CHECKING:
    from ccops.cli.session import Session


class TagLives(Misconfigured):
    """An operation that still has its tag is to be removed."""

    def __init__(self, operation: str, tag: str) -> None:
        self.mend = f"ccops op remove {operation} --with-tag"
        super().__init__(
            f"{operation} is started by the tag {shorten(tag)}. Who gets the tag after the removal would get nothing, "
            "and nobody would be told. Nothing was changed. To unbind the tag too:"
        )


def pause(session: "Session", name: str) -> None:
    """Let an operation's tags and POSTs wait."""
    if session.operation(name).paused:
        session.console.say(f"{name} is paused already.")
    else:
        saving.edit(session, name, Edit({"paused": True}))
        session.console.say(f"{name} is paused: tags and POSTs wait, nothing is lost.")
    session.console.note(f"Go on with it: ccops op resume {name}")


def resume(session: "Session", name: str) -> None:
    """Let an operation work again."""
    if not session.operation(name).paused:
        session.console.say(f"{name} is not paused.")
        return
    saving.edit(session, name, Edit(drop=("paused",)))
    session.console.say(f"{name} works again.")
    if session.operation(name).tag is not None:
        session.console.note(f"Work off what waited: ccops poll {name}")


def remove(session: "Session", name: str, *, with_tag: bool, yes: bool) -> None:
    """Take an operation out of the registry; what it did stays in the history."""
    operation = session.operation(name)
    if operation.tag is not None and not with_tag:
        raise TagLives(name, operation.tag.name)
    if not yes and not session.questions.confirm(f"Remove {name}?"):
        session.console.note("Nothing was changed.")
        return
    from ccops.registry.edit import remove_operation

    remove_operation(session.home.registry, name)
    setup.forget_tags(session, name)
    session.console.say(f"Removed {name}; its history stays.")
    if operation.tag is not None:
        setup.say_tag_stays(session, operation.tag.name)
