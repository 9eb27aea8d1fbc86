"""`ccops logout`: the stored key is forgotten, and a login with OAuth ended."""

from typing import TYPE_CHECKING

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of

if TYPE_CHECKING:
    from ccops.cli.context import Session

app = new_app()


@command(app, "logout", "ccops logout")
def logout(ctx: typer.Context) -> None:
    """Forget the stored key, and end a login with OAuth.

    Everything else stays as it is. Kit is told that the login is over, so that nobody can use its tokens. A key goes on
    to work in Kit; who should not have it any more is locked out by deleting it there.
    """
    log_out(session_of(ctx))


def log_out(session: "Session") -> None:
    """End the login, take the key out of the settings, and say what else gives one."""
    from ccops.cli.login_flow import end_login
    from ccops.config.settings import forget_key

    console = session.console
    ended = end_login(session)
    if ended:
        console.say("The login with OAuth is ended, and its tokens are gone from oauth.json.")
    if forget_key(session.home):
        console.say("The key is out of config.toml.")
        console.note("In Kit it goes on to work until it is deleted there: Settings, Developer.")
    elif not ended:
        console.say("There was no key in config.toml.")
    given = session.settings.given
    if given is not None and given.source in session.environ:
        console.warn(f"{given.source} still gives one in this shell.")
    if session.settings.api_key_command:
        console.warn("api_key_command in config.toml still gives one.")
