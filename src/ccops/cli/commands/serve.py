"""`ccops serve`: receives webhooks and POSTs and works them off."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of
from ccops.cli.options import Quiet
from ccops.errors import Misconfigured
from ccops.text import shorten

if TYPE_CHECKING:
    from ccops.cli.context import Session
    from ccops.config.webhook_secrets import Secrets
    from ccops.engine.outcomes import Outcome
    from ccops.operations.model import OperationsFile
    from ccops.server.app import Done
    from ccops.server.service import Live, ServeReports

app = new_app()

LISTEN: Final = "127.0.0.1:8750"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_INTERVAL: Final = re.compile(r"([0-9]{1,6})([smh]?)")


Listen = Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Where your proxy finds it; port 0: any.")]
Poll = Annotated[str, typer.Option("--poll", metavar="15m", help="How often it looks for tags itself; 0: never.")]


class NoInterval(Misconfigured):
    """`--poll` is no span of time."""

    mend = "ccops serve --poll 15m"

    def __init__(self, text: str) -> None:
        super().__init__(f"--poll {shorten(text)} is no span of time such as 90s, 15m or 1h (0: never).")


@command(
    app,
    "serve",
    """
    ccops serve
    ccops serve --listen 127.0.0.1:8750 --poll 15m
    """,
)
def serve(ctx: typer.Context, listen: Listen = LISTEN, poll: Poll = "15m", quiet: Quiet = False) -> None:  # noqa: ARG001
    """Receive webhooks and POSTs and work them off, until stopped.

    It looks for trigger tags itself too, so that nothing is lost while it was off. Put a proxy with https in front of
    it; the addresses to give to Kit and others are shown by: ccops webhook show OPERATION
    """
    from ccops.cli.signals import finishing
    from ccops.server.service import ServedHome, ServeOptions, serving

    session = session_of(ctx)
    (host, port), every = _address(listen), _interval(poll) or None
    site = ServedHome(session.applier, *_live(session))
    plan = ServeOptions(host, port, session.settings.actor, every)
    stop = session.stop.event
    with finishing(session.stop), serving(site, plan, _voices(session), stop) as real_port:
        _greet(session, site.registry(), site.secrets(), host, real_port)
        stop.wait()
        session.console.note("Stopping: what is in hand is finished first.")
    session.console.note("ccops serve has stopped; what waits in the inbox is taken up at the next start.")


def _address(listen: str) -> tuple[str, int]:
    """Read HOST:PORT. Raises ListenMalformed."""
    from ccops.app.errors import ListenMalformed

    host, _, port = listen.strip().rpartition(":")
    if not (re.fullmatch("[0-9]{1,5}", port) and int(port) <= 65535):  # noqa: PLR2004 - the highest port there is
        raise ListenMalformed(listen)
    return host.strip("[]") or "127.0.0.1", int(port)


def _interval(text: str) -> timedelta:
    """Read `15m`, `90s`, `1h`, or seconds. Raises NoInterval."""
    found = _INTERVAL.fullmatch(text.strip())
    if found is None:
        raise NoInterval(text)
    return timedelta(seconds=int(found[1]) * _UNITS[found[2] or "s"])


def _live(session: "Session") -> "tuple[Live[OperationsFile], Live[Secrets]]":
    """Follow the registry and the secrets; a registry whose tags were counted otherwise is one with mistakes."""
    from ccops.cli.context import check_tags
    from ccops.config.webhook_secrets import load_secrets
    from ccops.server.service import Live

    home, ledger = session.home, session.ledger

    def checked() -> "OperationsFile":
        registry = session.registry
        check_tags(ledger, registry)
        return registry

    def tell(error: Exception) -> None:
        for line in (*str(error).splitlines(), "until that is mended, what was last in order goes on to hold"):
            session.console.warn(line)

    return Live(home.registry, checked, tell), Live(home.config, lambda: load_secrets(home), tell)


def _voices(session: "Session") -> "ServeReports":
    from ccops.cli.outcome_view import entry_object
    from ccops.server.service import ServeReports

    return ServeReports(
        tell=session.console.warn,
        log=lambda done: _log(session, done),
        outcome=lambda outcome: _tell_polled(session, outcome),
        show=entry_object,
    )


def _log(session: "Session", done: "Done") -> None:
    """Write a line of the access log; what came from outside is not in it."""
    detail = f"  {done.detail}" if done.detail else ""
    session.console.note(f"{session.clock.now():%Y-%m-%dT%H:%M:%SZ} {done.method} {done.place} {done.status}{detail}")


def _tell_polled(session: "Session", outcome: "Outcome") -> None:
    """Write what the own look for tags came to; those left out are said by every round, so only in the ledger."""
    from ccops.cli.outcome_view import outcome_lines

    if outcome.status not in {"repeated", "left-out"}:
        now = session.clock.now()
        for line in outcome_lines(outcome, session.registry.timezone, now, (0, None)):
            session.console.note("poll: ", *line)


def _greet(session: "Session", registry: "OperationsFile", secrets: "Secrets", host: str, port: int) -> None:
    """Say where it listens and which addresses it answers, without the secrets in them."""
    from ccops.config.settings import is_loopback

    console = session.console
    base = session.settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    console.say(f"ccops serve listens on {host}:{port}. Ctrl-C stops it.")
    if not is_loopback(host):
        console.warn("it speaks plain http: let nothing but your proxy reach it, for secrets are in the addresses")
    if secrets.kit:
        console.say(f"  POST {base}/kit   (signed, Kit's webhook endpoints)")
    for name in registry.operations:
        if secrets.accepted(name):
            lines = [f"POST {base}/operations/{name}", f"  its secret: ccops webhook show {name}"]
        else:
            lines = console.out.fit(f"{name} has no secret for POSTs yet: ccops webhook show {name}", taken=2)
        for line in lines:
            console.say(f"  {line}")
