"""`ccops login`: a new key, tried on Kit and then stored."""

from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.making import command, new_app
from ccops.cli.session import session_of
from ccops.errors import Misconfigured

if TYPE_CHECKING:
    from ccops.cli.doors import Kit
    from ccops.cli.session import Session

app = new_app()

WithKey = Annotated[bool, typer.Option("--with-key", help="Read the key from standard input.")]


class NeedsNoKey(Misconfigured):
    """The home rehearses on the sandbox."""

    def __init__(self) -> None:
        super().__init__(
            "this home is one for rehearsals: it asks the embedded sandbox, never Kit, and needs no key. Nothing was "
            "stored. Choose another --home."
        )


@command(
    app,
    "login",
    """
    ccops login
    pass show kit | ccops login --with-key
    """,
)
def login(ctx: typer.Context, with_key: WithKey = False) -> None:
    """Check and store a new key.

    The key is made in Kit: Settings, Developer, "API keys (v4)". It is tried on Kit first, and has to open the account
    that this home belongs to; only then it takes the place of the old one in config.toml.
    """
    log_in(session_of(ctx), with_key=with_key)


def log_in(session: "Session", *, with_key: bool) -> None:
    """Ask for a key, try it, store it."""
    from ccops.cli.asking_key import piped_key, typed_key

    if session.settings.sandbox:
        raise NeedsNoKey
    session.home.make()
    keep(session, piped_key(session) if with_key and not session.questions.possible else typed_key(session))


def keep(session: "Session", kit: "Kit") -> None:
    """Store a key that Kit took. Raises WrongAccount."""
    from ccops.cli import doors
    from ccops.registry.config import store_key

    home, account = session.home, kit.account
    has_ledger = home.ledger.exists()
    if has_ledger:
        session.ledger.identity.check_account(account.id, account.name)
    store_key(home, kit.way.credential.secret)
    if has_ledger:
        doors.remember(session, kit.way.credential)
    session.console.say(f"{account.name} ({account.id}): Kit takes the key, and it is stored in config.toml.")
    _say_who_wins(session, kit)
    if not home.was_set_up:
        session.console.note("Next: ccops init")


def _say_who_wins(session: "Session", kit: "Kit") -> None:
    """Warn if another key is asked for before the stored one, and note a source that is not asked any more."""
    given, settings = session.settings.given, session.settings
    if given and given.source in session.environ and not given.secret.equals(kit.way.credential.secret.reveal()):
        session.console.warn(f"{given.source} is set in this shell and wins; unset it to use the new key.")
    if settings.api_key_command:
        session.console.note("api_key_command in config.toml is not asked as long as a key is stored there.")
