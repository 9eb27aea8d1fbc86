"""The API key, asked for at a terminal or read from a pipe, and tried on Kit before anything is kept."""

import sys
from typing import TYPE_CHECKING, Final

from ccops.cli import doors
from ccops.cli.questions import NobodyToAsk
from ccops.errors import CredentialRefused, Misconfigured

if TYPE_CHECKING:
    from ccops.cli.doors import Kit
    from ccops.cli.session import Session
    from ccops.registry.credential import Credential

TYPED: Final = "the terminal"
PIPED: Final = "standard input"
_LONGEST: Final = 4096
_QUESTION: Final = "Key (it stays hidden):"


class NothingGiven(Misconfigured):
    """A key was asked for, and none came."""

    def __init__(self, source: str) -> None:
        super().__init__(f"there was no key on {source}; nothing was stored.")


def typed_key(session: "Session") -> "Kit":
    """Ask at the terminal for a key until Kit takes one. Raises NobodyToAsk, and ServiceUnreachable."""
    from ccops.registry.credential import CredentialMalformed

    console = session.console
    if not session.questions.possible:
        raise NobodyToAsk(_QUESTION, "--with-key, and the key on standard input")
    console.advise('The key is made in Kit: Settings, Developer, "API keys (v4)".')
    console.advise("Whoever has it can change all contacts; it is kept in config.toml, which only you can read.")
    while True:
        try:
            return doors.meet(session, _key(session.questions.secret(_QUESTION, option="--with-key"), TYPED))
        except (CredentialRefused, CredentialMalformed, NothingGiven) as error:
            for line in console.err.fit(str(error)):
                console.err.line(line)


def piped_key(session: "Session") -> "Kit":
    """Read a key from the first line of standard input. Raises NothingGiven, and what Kit says against the key."""
    line = "" if sys.stdin is None else sys.stdin.readline(_LONGEST)
    return doors.meet(session, _key(line.strip(), PIPED))


def _key(text: str, source: str) -> "Credential":
    from ccops.registry.credential import Credential
    from ccops.secret import Secret

    if not text:
        raise NothingGiven(source)
    return Credential("key", Secret(text), source).checked()
