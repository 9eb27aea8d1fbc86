"""`ccops demo`: the command line."""

import typer

from ccops.cli.making import command, new_app
from ccops.cli.session import session_of

app = new_app()


@command(app, "demo", "ccops demo")
def demo(ctx: typer.Context) -> int:
    """See the whole story in a throw-away home.

    An operation, its tag, a payment told three ways, a crash, the history, an undo: each by the real commands, on a
    stand-in for Kit that runs on this machine only. Nothing is sent to Kit, and nothing is left behind.
    """
    from ccops.cli.demo.stage import Stage
    from ccops.cli.demo.story import tell

    session = session_of(ctx)
    with Stage(session.console, session.environ) as stage:
        return tell(stage)
