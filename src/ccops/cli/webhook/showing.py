"""`webhook show`: what to paste elsewhere. The only command that prints a secret."""

from typing import TYPE_CHECKING

from ccops.cli.webhook.places import demand_base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccops.cli.session import Session


def show_webhook(session: "Session", name: str, url: str | None, *, json: bool) -> None:
    """Print the addresses of an operation with its secret, which is made if there is none."""
    operation, console = session.operation(name), session.console
    facts = _facts(session, name, demand_base(session, url, f"webhook show {name}"))
    if json:
        console.json_line(facts)
        return
    console.say(f"POST to       {facts['post_url']}")
    console.say(f"with header   Authorization: Bearer {facts['secret']}")
    console.say(f"or in one     {facts['post_url']}?key={facts['secret']}")
    if operation.tag is not None:
        console.say(f"Kit sends to  {facts['kit_url']}")
        console.advise("Unless Kit signs its webhooks, this gives that address to Kit:")
        console.note(f"  ccops webhook create {name}")
    console.advise(f"Whoever has the secret can start {name}. To make a new one:")
    console.note(f"  ccops webhook rotate {name}")


def _facts(session: "Session", name: str, base: str) -> "Mapping[str, str]":
    from ccops.engine.hooks import Place, post_url
    from ccops.triggers.hooking.bench import alone, ensure_secret

    with alone(session.home) as secrets:
        secret = ensure_secret(session.home, name, secrets)
    return {
        "operation": name,
        "kit_url": Place(base, name, secret).url.reveal(),
        "post_url": post_url(base, name),
        "secret": secret.reveal(),
    }
