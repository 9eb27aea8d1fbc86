"""`ccops login`: a new key, tried on Kit and then stored."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of
from ccops.errors import Misconfigured

if TYPE_CHECKING:
    from ccops.cli.context import OpenedCrm, Session

app = new_app()

WithKey = Annotated[bool, typer.Option("--with-key", help="Read the key from standard input.")]
WithOauth = Annotated[bool, typer.Option("--oauth", help="Log in on a page of Kit instead: 600 requests a minute.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="With --oauth: paste what comes back, as over SSH.")]
ClientId = Annotated[
    str | None, typer.Option("--client-id", metavar="ID", help="With --oauth: the app in Kit to log in as.")
]

REHEARSAL: Final = "unset KIT_API_KEY; ccops login --oauth --client-id sandbox-app"
"""How to log in at a sandbox, as the app that it knows."""


class OauthOnly(Misconfigured):
    """Options that say how to log in with OAuth, without --oauth; or a key as well."""

    mend = "ccops login --help"

    def __init__(self, said: str) -> None:
        super().__init__(f"{said}. Nothing was stored.")


class NeedsNoKey(Misconfigured):
    """The home rehearses on the sandbox."""

    def __init__(self, *, oauth: bool) -> None:
        what = (
            "this home is one for rehearsals: it asks the embedded sandbox, never Kit, and needs no key. Nothing was "
        )
        if not oauth:
            super().__init__(f"{what}stored. Choose another --home.")
            return
        self.mend = f"ccops sandbox\n{REHEARSAL}"
        super().__init__(
            f"{what}stored. To rehearse a login with OAuth, start a sandbox of its own in another terminal, type here "
            "what it shows, then log in as the app that it knows:"
        )


@command(
    app,
    "login",
    """
    ccops login
    pass show kit | ccops login --with-key
    ccops login --oauth
    ccops login --oauth --no-browser
    """,
)
def login(
    ctx: typer.Context,
    with_key: WithKey = False,
    oauth: WithOauth = False,
    no_browser: NoBrowser = False,
    client_id: ClientId = None,
) -> None:
    """Check and store a new key, or log in with OAuth.

    The key is made in Kit: Settings, Developer, "API keys (v4)". It is tried on Kit first, and has to open the account
    that this home belongs to; only then it takes the place of the old one in config.toml.

    With --oauth you let ccops in on a page of Kit, as an app that you have made there; Kit then allows 600 requests a
    minute instead of 120. The login renews itself. Of key and login, the one that came last counts.
    """
    session = session_of(ctx)
    if with_key and oauth:
        raise OauthOnly("--with-key stores a key, --oauth a login: give one of them")
    if (no_browser or client_id) and not oauth:
        raise OauthOnly("--no-browser and --client-id belong to --oauth")
    if session.settings.sandbox:
        raise NeedsNoKey(oauth=oauth)
    if oauth:
        from ccops.cli.login_flow import log_in_with_oauth

        log_in_with_oauth(session, client_id=client_id, browser=not no_browser)
    else:
        log_in(session, with_key=with_key)


def log_in(session: "Session", *, with_key: bool) -> None:
    """Ask for a key, try it, store it."""
    from ccops.cli.login_flow import piped_key, typed_key

    session.home.make()
    keep(session, piped_key(session) if with_key and not session.questions.possible else typed_key(session))


def keep(session: "Session", kit: "OpenedCrm") -> None:
    """Store a key that Kit took. Raises WrongAccount."""
    from ccops.cli.context import remember
    from ccops.cli.login_flow import end_login
    from ccops.config.settings import store_key

    home, account = session.home, kit.account
    has_ledger = home.ledger.exists()
    if has_ledger:
        session.ledger.identity.check_account(account.id, account.name)
    store_key(home, kit.way.credential.secret)
    if has_ledger:
        remember(session, kit.way.credential)
    session.console.say(f"{account.name} ({account.id}): Kit takes the key, and it is stored in config.toml.")
    if end_login(session):
        session.console.note("It counts in place of the login with OAuth, which is ended.")
    _say_who_wins(session, kit)
    if not home.was_set_up:
        session.console.note("Next: ccops init")


def _say_who_wins(session: "Session", kit: "OpenedCrm") -> None:
    """Warn if another key is asked for before the stored one, and note a source that is not asked any more."""
    given, settings = session.settings.given, session.settings
    if given and given.source in session.environ and not given.secret.equals(kit.way.credential.secret.reveal()):
        session.console.warn(f"{given.source} is set in this shell and wins; unset it to use the new key.")
    if settings.api_key_command:
        session.console.note("api_key_command in config.toml is not asked as long as a key is stored there.")
