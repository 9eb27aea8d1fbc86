"""`webhook rotate`: new secrets for an operation's addresses, and for Kit's signatures."""

from typing import TYPE_CHECKING

from ccops.cli.webhook.places import bench_of

if TYPE_CHECKING:
    from ccops.cli.session import Session


def rotate_secrets(session: "Session", name: str, *, at_once: bool) -> None:
    """Make new secrets, and say until when the old ones are accepted."""
    from ccops.triggers.hooking.rotating import rotate_operation

    operation, bench, console = session.operation(name), bench_of(session), session.console
    had_webhook = rotate_operation(bench, name, operation.tag)
    console.say(f"{name} has a new secret; the old one is not accepted any more.")
    if had_webhook:
        console.say("Kit has the new address.")
    console.advise(f"Other systems that post to it need the new one: ccops webhook show {name}")
    if operation.tag is not None:
        _rotate_signed(session, at_once=at_once)


def _rotate_signed(session: "Session", *, at_once: bool) -> None:
    from ccops.operations.dates import local
    from ccops.triggers.hooking.rotating import rotate_signed

    rotated = rotate_signed(bench_of(session), at_once=at_once)
    if rotated is None:
        return
    zone = session.registry.timezone
    if rotated.until is None:
        session.console.say("Kit signs with a new secret; the old one is not accepted any more.")
    else:
        until = f"{local(rotated.until, zone):%Y-%m-%d %H:%M} ({zone})"
        session.console.tell(f"Kit signs with a new secret; the old one is accepted too until {until}.")
