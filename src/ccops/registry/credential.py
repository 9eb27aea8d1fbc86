"""The credential that Kit is asked with: where it comes from, and what is refused unprinted."""

import re
import shlex
from dataclasses import dataclass
from typing import Final, Literal

from ccops.errors import Misconfigured
from ccops.registry.grant import GrantFile
from ccops.secret import Secret
from ccops.text import clean, shorten

COMMAND_SECONDS: Final = 30.0
_USABLE: Final = re.compile(r"[!-~]+")


class CredentialMalformed(Misconfigured):
    """A credential has characters that none of Kit's has; it is not shown."""

    mend = "Copy it from Kit again, without blanks and line ends; then: ccops login"

    def __init__(self, source: str) -> None:
        self.source = source
        super().__init__(
            f"The credential from {source} has blanks, line ends or letters outside ASCII in it; it was not used."
        )


class KeyCommandFailed(Misconfigured):
    """`api_key_command` gave no key; what it printed is not shown."""

    def __init__(self, command: str, how: str) -> None:
        self.command = command
        self.how = how
        self.mend = f"Try it yourself: {clean(command)}"
        super().__init__(f"{command_source(command)} gave no key: it {how}.")


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential, its kind, and where it came from, in words such as "config.toml"."""

    kind: Literal["key", "oauth"]
    secret: Secret
    source: str
    name: Secret | None = None
    """What a login is known by, as its tokens change; None: the secret itself."""
    grants: GrantFile | None = None
    """Where the tokens of a login are renewed; None: the secret stays what it is."""

    @property
    def known_by(self) -> Secret:
        """What tells the credential from others for as long as it lasts; not to be shown either."""
        return self.name or self.secret

    @property
    def secrets(self) -> tuple[str, ...]:
        """All texts that nobody may see."""
        tokens = self.grants.tokens() if self.grants else None
        hidden = (tokens.access, tokens.refresh, tokens.client.secret) if tokens else ()
        return (self.secret.reveal(), *(secret.reveal() for secret in hidden if secret))

    def checked(self) -> "Credential":
        """Return the credential if it can be one. Raises CredentialMalformed."""
        if not _USABLE.fullmatch(self.secret.reveal()):
            raise CredentialMalformed(self.source)
        return self


def login_of(grants: GrantFile) -> Credential | None:
    """Return the login with OAuth that a home has, None if it has none. Raises GrantUnusable and FileUnusable."""
    grant = grants.read()
    return Credential("oauth", grant.tokens.access, grants.name, grant.id, grants) if grant else None


def command_source(command: str) -> str:
    """Name a key's command as a source."""
    return f"api_key_command {shorten(command, 80)}"


def key_of_command(command: str, seconds: float = COMMAND_SECONDS) -> Credential:
    """Run a command, without a shell, for the first line that it prints.

    Raises KeyCommandFailed, also after `seconds`, and CredentialMalformed.
    """
    line = _first_line(command, _output(command, seconds))
    return Credential("key", Secret(line), command_source(command)).checked()


def _output(command: str, seconds: float) -> bytes:
    from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired

    try:
        child = Popen(_words(command), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)  # noqa: S603 - the owner's own command
    except OSError as error:
        raise KeyCommandFailed(command, f"can't be started ({error.strerror or type(error).__name__})") from None
    except ValueError:
        raise KeyCommandFailed(command, "has a zero byte in it") from None
    with child:
        try:
            output, _ = child.communicate(timeout=seconds)
        except TimeoutExpired:
            child.kill()
            raise KeyCommandFailed(command, f"took longer than {seconds:g} seconds") from None
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        raise KeyCommandFailed(command, f"ended with status {child.returncode}")
    return output


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        raise KeyCommandFailed(command, "has a quote that is not closed") from None


def _first_line(command: str, output: bytes) -> str:
    lines = output.decode(errors="replace").splitlines()
    if not lines or not lines[0]:
        raise KeyCommandFailed(command, "printed nothing")
    return lines[0]
