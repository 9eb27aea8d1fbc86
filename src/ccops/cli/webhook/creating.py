"""`webhook create`: Kit tells `serve` when a trigger tag is added."""

from typing import TYPE_CHECKING

from ccops.cli.webhook.places import NoTriggerTag, NoTriggerTags, bench_of, demand_base

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.operations.model import Tag
    from ccops.triggers.hooking.creating import Made

_SAID = {"made": "now tells", "changed": "again tells", "there": "already tells"}


def create_webhooks(session: "Session", name: str | None, url: str | None, *, legacy: bool) -> None:
    """Make what is missing: the signed webhook of all operations, or else one for each."""
    tags = _tags(session, name)
    base = demand_base(session, url, "webhook create" if name is None else f"webhook create {name}")
    if not (legacy or _signed(session, base)):
        session.console.advise("Kit has no signed webhooks for this account; the older kind is used, one an operation.")
        legacy = True
    for operation, tag in tags.items() if legacy else ():
        _legacy(session, operation, tag, base)
    _keep_base(session, base)
    session.console.note("Next: keep ccops serve running, where that address leads to.")


def _tags(session: "Session", name: str | None) -> "dict[str, Tag]":
    """Return the trigger tags by operation: of one, or of all that have any. Raises NoTriggerTag and NoTriggerTags."""
    if name is not None:
        tag = session.operation(name).tag
        if tag is None:
            raise NoTriggerTag(name)
        return {name: tag}
    tags = {each.name: each.tag for each in session.registry.operations.values() if each.tag}
    if not tags:
        raise NoTriggerTags
    return tags


def _signed(session: "Session", base: str) -> bool:
    from ccops.engine.hooks import signed_url
    from ccops.triggers.hooking.creating import create_signed

    made = create_signed(bench_of(session), base)
    if made is None:
        return False
    session.console.say(f"Kit {_SAID[made.how]} ccops of all trigger tags, signed: {signed_url(base)}")
    _say_removed(session, made)
    return True


def _legacy(session: "Session", operation: str, tag: "Tag", base: str) -> None:
    from ccops.triggers.hooking.creating import create_legacy

    made = create_legacy(bench_of(session), operation, tag, base)
    session.console.say(f'Kit {_SAID[made.how]} ccops of the tag "{tag.name}": {base}/kit/{operation}/…')
    _say_removed(session, made)


def _say_removed(session: "Session", made: "Made") -> None:
    if made.removed:
        webhooks = "1 webhook that was" if made.removed == 1 else f"{made.removed} webhooks that were"
        session.console.note(f"Removed {webhooks} left over from before.")


def _keep_base(session: "Session", base: str) -> None:
    """Remember the address if none is set, since whatever looks at the webhooks later compares with it."""
    from ccops.registry.config import store_public_url

    known = session.settings.public_url
    if known is None:
        store_public_url(session.home, base)
        session.console.note(f'Remembered public_url = "{base}" in config.toml.')
    elif known != base:
        session.console.warn(f"public_url in config.toml is {known}; ccops doctor expects Kit to send there")
