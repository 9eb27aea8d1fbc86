"""`ccops login --oauth`: a person lets ccops in on Kit's page; the tokens are tried on Kit before they are kept."""

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ccops.cli import doors
from ccops.errors import CcopsError, Misconfigured

if TYPE_CHECKING:
    from ccops.cli.doors import Kit
    from ccops.cli.session import Session
    from ccops.secret import Client, Secret, Tokens

_QUESTION: Final = "Client id of the app:"


class NobodyAtTerminal(Misconfigured):
    """A login with OAuth was started where nobody can say yes."""

    mend = "ccops login --oauth   (at a terminal)"

    def __init__(self) -> None:
        super().__init__(
            "a login with OAuth needs a person who lets ccops in on a page of Kit. Nothing was stored. Once done at a "
            "terminal, cron and other programs have it too."
        )


class NoClientId(Misconfigured):
    """What was given as the client id can be none."""

    def __init__(self) -> None:
        super().__init__("a client id is one word, of the letters that Kit shows beside the app.")


def log_in_with_oauth(session: "Session", *, client_id: str | None, browser: bool) -> None:
    """Find out as which app, have the person say yes, and keep what comes of it."""
    from ccops.cli.consent import consent
    from ccops.crm.oauth import Attempt

    if not session.questions.possible:
        raise NobodyAtTerminal
    client, attempt = _client(session, client_id), Attempt.begin(session.settings.oauth_redirect)
    issuer = doors.open_issuer(session)
    code = consent(session, attempt, issuer.page(client, attempt), browser=browser)
    _keep(session, issuer.by_code(client, code, attempt))


def end_login(session: "Session") -> bool:
    """Remove the login with OAuth and have Kit take its tokens no more; False if there was none."""
    from ccops.registry.grant import GrantFile

    if not session.home.grant.exists():
        return False
    with GrantFile(session.home).ending() as grant:
        if grant is not None:
            _revoke(session, grant.tokens)
    return True


def _revoke(session: "Session", tokens: "Tokens") -> None:
    try:
        doors.open_issuer(session).revoke(tokens)
    except CcopsError as error:
        session.console.warn(f"Kit could not be told that the login is over: {error}")
        session.console.warn("Take the app's access away in Kit, or the tokens go on to open your account.")


def _client(session: "Session", given: str | None) -> "Client":
    """Return the app to log in as: of the option, the settings, the login before, else asked for."""
    from ccops.secret import Client

    known = session.settings.client or _before(session)
    if given is None and known is not None:
        return known
    if given is None:
        _explain(session)
        given = session.questions.ask(_QUESTION, _one_word, option="--client-id")
    else:
        given = _one_word(given)
    if known is not None and known.id == given:
        return known
    return Client(given, _asked_secret(session))


def _before(session: "Session") -> "Client | None":
    from ccops.registry.grant import GrantUnusable

    with suppress(GrantUnusable):
        tokens = session.settings.grants.tokens() if session.settings.grants else None
        return tokens.client if tokens else None
    return None


def _explain(session: "Session") -> None:
    console = session.console
    console.advise("ccops logs in as an app of yours, made once in Kit: Settings, Developer, a new app.")
    console.advise("Enter this as its redirect URI, to the letter:")
    console.note(session.settings.oauth_redirect)
    console.advise("Kit then shows the app's client id, and a secret unless the app is one without.")


def _asked_secret(session: "Session") -> "Secret | None":
    from ccops.secret import Secret

    text = session.questions.secret("Client secret (it stays hidden; Enter if the app has none):", option="--oauth")
    return Secret(text) if text else None


def _one_word(text: str) -> str:
    if not (text.isascii() and text.isprintable() and text.split() == [text]):
        raise NoClientId
    return text


def _keep(session: "Session", tokens: "Tokens") -> None:
    """Try tokens on Kit, and put them in place of those before. Raises WrongAccount, and what asking Kit raises."""
    from ccops.registry.credential import Credential
    from ccops.registry.grant import Grant, GrantFile

    home, grant, grants = session.home, Grant.of(tokens), GrantFile(session.home)
    home.make()
    try:
        kit = doors.meet(session, Credential("oauth", tokens.access, grants.name, grant.id))
        if home.ledger.exists():
            session.ledger.identity.check_account(kit.account.id, kit.account.name)
    except CcopsError:
        _take_back(session, tokens)
        raise
    old = grants.swap(grant)
    if home.ledger.exists():
        doors.remember(session, kit.way.credential)
    if old is not None:
        _take_back(session, old.tokens)
    _tell(session, kit)


def _take_back(session: "Session", tokens: "Tokens") -> None:
    """Have Kit take tokens no more that nobody will use; that it does not matters little, as nobody else has them."""
    with suppress(CcopsError):
        doors.open_issuer(session).revoke(tokens)


def _tell(session: "Session", kit: "Kit") -> None:
    console, settings, name = session.console, session.settings, kit.way.credential.source
    rate = f"{kit.way.rate} requests a minute" if kit.way.rate else "no limit of requests"
    console.say(f"{kit.account.name} ({kit.account.id}): ccops is logged in with OAuth, {rate}.")
    console.advise(f"The login is stored in {name}, for cron too, and renews itself; ccops logout ends it.")
    given = settings.given
    if given and given.source in session.environ:
        console.warn(f"{given.source} is set in this shell and wins; unset it to use the login.")
    elif given or settings.api_key_command:
        console.note("The API key of config.toml is not used as long as the login is there.")
    if not session.home.was_set_up:
        console.note("Next: ccops init")
