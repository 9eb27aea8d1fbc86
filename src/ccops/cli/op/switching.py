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


class WebhookLives(Misconfigured):
    """An operation that Kit sends a webhook to is to be removed."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops op remove {operation} --with-tag"
        super().__init__(
            f"Kit still sends a webhook to {operation}, which would be turned away after the removal. Nothing was "
            "changed. To remove that too:"
        )


def pause(session: "Session", name: str) -> None:
    """Let an operation's tags and POSTs wait."""
    if session.operation(name).paused:
        session.console.say(f"{name} is paused already.")
    else:
        saving.edit(session, name, Edit({"paused": True}))
        session.console.tell(
            f"{name} is paused: tags and POSTs wait, nothing is lost, and lines from cron are turned away. At a "
            "terminal, ccops run still applies it."
        )
    session.console.advise(f"Go on with it: ccops op resume {name}")


def resume(session: "Session", name: str) -> None:
    """Let an operation work again."""
    if not session.operation(name).paused:
        session.console.say(f"{name} is not paused.")
        return
    saving.edit(session, name, Edit(drop=("paused",)))
    session.console.say(f"{name} works again.")
    if session.operation(name).tag is not None:
        session.console.advise(f"Work off what waited: ccops poll {name}")


def remove(session: "Session", name: str, *, with_tag: bool, yes: bool) -> None:
    """Take an operation out of the registry; what it did stays in the history."""
    operation = session.operation(name)
    if operation.tag is not None and not with_tag:
        raise TagLives(name, operation.tag.name)
    hooked = _is_hooked(session, name)
    if hooked and not with_tag:
        raise WebhookLives(name)
    if not yes and not session.questions.confirm(f"Remove {name}?"):
        session.console.note("Nothing was changed.")
        return
    if hooked:
        _unhook(session, name)
    from ccops.registry.edit import remove_operation
    from ccops.registry.secrets import forget_secret

    remove_operation(session.home.registry, name)
    forget_secret(session.home, name)
    setup.forget_tags(session, name)
    session.console.say(f"Removed {name}; its history stays.")
    if operation.tag is not None:
        setup.say_tag_stays(session, operation.tag.name)


def _is_hooked(session: "Session", name: str) -> bool:
    """Tell whether Kit sends a webhook to this operation alone; the signed one is for all, and may stay."""
    from ccops.registry.secrets import load_secrets

    return name in load_secrets(session.home).kit_hooks


def _unhook(session: "Session", name: str) -> None:
    from ccops.cli.webhook.places import bench_of
    from ccops.triggers.hooking.removing import remove_legacy

    remove_legacy(bench_of(session), name, session.settings.public_url)
    session.console.say("Removed its webhook from Kit.")
