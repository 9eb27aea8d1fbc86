"""`ccops login --oauth`: a person lets ccops in on Kit's page; the tokens are tried on Kit before they are kept."""

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ccops.cli.context import await_browser, meet, open_issuer, remember
from ccops.cli.prompts import NobodyToAsk
from ccops.errors import CcopsError, CredentialRefused, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccops.cli.context import OpenedCrm, Session
    from ccops.config.credentials import Credential
    from ccops.crm.login import Denied, LoginAttempt
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
    from ccops.crm.login import LoginAttempt

    if not session.questions.possible:
        raise NobodyAtTerminal
    client, attempt = _client(session, client_id), LoginAttempt.begin(session.settings.oauth_redirect)
    issuer = open_issuer(session)
    code = consent(session, attempt, issuer.page(client, attempt), browser=browser)
    _keep(session, issuer.by_code(client, code, attempt))


def end_login(session: "Session") -> bool:
    """Remove the login with OAuth and have Kit take its tokens no more; False if there was none."""
    from ccops.config.credentials import GrantFile

    if not session.home.grant.exists():
        return False
    with GrantFile(session.home).ending() as grant:
        if grant is not None:
            _revoke(session, grant.tokens)
    return True


def _revoke(session: "Session", tokens: "Tokens") -> None:
    try:
        open_issuer(session).revoke(tokens)
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
    from ccops.config.credentials import GrantUnusable

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
    from ccops.config.credentials import Credential, Grant, GrantFile

    home, grant, grants = session.home, Grant.of(tokens), GrantFile(session.home)
    home.make()
    try:
        kit = meet(session, Credential("oauth", tokens.access, grants.name, grant.id))
        if home.ledger.exists():
            session.ledger.identity.check_account(kit.account.id, kit.account.name)
    except CcopsError:
        _take_back(session, tokens)
        raise
    old = grants.swap(grant)
    if home.ledger.exists():
        remember(session, kit.way.credential)
    if old is not None:
        _take_back(session, old.tokens)
    _tell(session, kit)


def _take_back(session: "Session", tokens: "Tokens") -> None:
    """Have Kit take tokens no more that nobody will use; that it does not matters little, as nobody else has them."""
    with suppress(CcopsError):
        open_issuer(session).revoke(tokens)


def _tell(session: "Session", kit: "OpenedCrm") -> None:
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


# ---- the API key, asked for at a terminal or read from a pipe, and tried on Kit before anything is kept

TYPED: Final = "the terminal"
PIPED: Final = "standard input"
_LONGEST: Final = 4096
_KEY_QUESTION: Final = "Key (it stays hidden):"


class NothingGiven(Misconfigured):
    """A key was asked for, and none came."""

    def __init__(self, source: str) -> None:
        super().__init__(f"there was no key on {source}; nothing was stored.")


def typed_key(session: "Session") -> "OpenedCrm":
    """Ask at the terminal for a key until Kit takes one. Raises NobodyToAsk, and ServiceUnreachable."""
    from ccops.config.credentials import CredentialMalformed

    console = session.console
    if not session.questions.possible:
        raise NobodyToAsk(_KEY_QUESTION, "--with-key, and the key on standard input")
    console.advise('The key is made in Kit: Settings, Developer, "API keys (v4)".')
    console.advise("Whoever has it can change all contacts; it is kept in config.toml, which only you can read.")
    while True:
        try:
            return meet(session, _key(session.questions.secret(_KEY_QUESTION, option="--with-key"), TYPED))
        except (CredentialRefused, CredentialMalformed, NothingGiven) as error:
            for line in console.err.fit(str(error)):
                console.err.line(line)


def piped_key(session: "Session") -> "OpenedCrm":
    """Read a key from the first line of standard input. Raises NothingGiven, and what Kit says against the key."""
    line = "" if sys.stdin is None else sys.stdin.readline(_LONGEST)
    return meet(session, _key(line.strip(), PIPED))


def _key(text: str, source: str) -> "Credential":
    from ccops.config.credentials import Credential
    from ccops.secret import Secret

    if not text:
        raise NothingGiven(source)
    return Credential("key", Secret(text), source).checked()


# ---- the person's yes in the browser, and the two ways in which it comes back: by itself, or pasted

_WAIT: Final = 600.0
"""Seconds for which Kit is given to send the browser back."""


def consent(session: "Session", attempt: "LoginAttempt", page: str, *, browser: bool) -> "Secret":
    """Have the person let ccops in on Kit's page, and return the code that comes of it.

    Raises Denied and NobodyCame.
    """
    from ccops.crm.login import RedirectTaken

    if browser and comes_back_here(attempt.redirect) and can_browse(session.environ):
        try:
            return _brought(session, attempt, page)
        except RedirectTaken as taken:
            session.console.advise(f"{taken}. So the address that the browser ends on has to be pasted.")
    return _pasted(session, attempt, page)


def comes_back_here(redirect: str) -> bool:
    """Tell whether Kit sends the browser back to this machine, so that ccops can listen for it."""
    from ccops.config.settings import is_loopback

    parts = urlsplit(redirect)
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def can_browse(environ: "Mapping[str, str]") -> bool:
    """Tell whether a browser on this machine would be seen by the person who typed the command."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    return sys.platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _brought(session: "Session", attempt: "LoginAttempt", page: str) -> "Secret":
    console = session.console
    with await_browser(attempt) as redirect:
        console.advise("Let ccops in on this page of Kit; it should open in your browser by itself:")
        console.note(page)
        console.advise("Waiting until Kit sends the browser back … (Ctrl-C to stop)")
        # On a thread: some browsers return only when they are closed.
        threading.Thread(target=_open, args=(page,), daemon=True).start()
        return redirect.wait(_WAIT)


def _open(page: str) -> None:
    import webbrowser

    webbrowser.open(page)


def _pasted(session: "Session", attempt: "LoginAttempt", page: str) -> "Secret":
    from ccops.crm.login import Denied

    def check(text: str) -> "Secret | Denied":
        try:
            return attempt.code_in(text)
        except Denied as denied:  # which asking again would not change
            return denied

    console = session.console
    console.advise("Open this page in a browser, on any machine, and let ccops in:")
    console.note(page)
    console.advise(
        f"The browser then goes to an address that begins with {attempt.redirect} and may show an error there, which "
        "does not matter. Copy that whole address from the browser's address bar, or the code in it."
    )
    answer = session.questions.ask("Address or code:", check, option="the code at a terminal")
    if isinstance(answer, Denied):
        raise answer
    return answer
