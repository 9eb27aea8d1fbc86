"""The credential that Kit is asked with: where it comes from, and what is refused unprinted."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from ccops.clock import iso, parse_iso
from ccops.config.home import Home, file_lock, read_text, told, write_private
from ccops.errors import Misconfigured
from ccops.secret import Client, Secret, Tokens
from ccops.text import clean, shorten

_LOCK: Final = "oauth"
_ID_BYTES: Final = 16


class GrantUnusable(Misconfigured):
    """The file of the login can't be read as what ccops wrote."""

    mend = "ccops login --oauth"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is damaged; the login in it can't be used. Log in again.")


@dataclass(frozen=True, slots=True)
class Grant:
    """A login: its tokens, which change, and a name of ours, which stays."""

    id: Secret
    tokens: Tokens

    @classmethod
    def of(cls, tokens: Tokens) -> "Grant":
        """Name a new login."""
        import secrets

        return cls(Secret(secrets.token_hex(_ID_BYTES)), tokens)


class GrantFile:
    """The login of a home, shared by all processes."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @property
    def name(self) -> str:
        """The file's name, for people."""
        return self._home.grant.name

    def alone(self) -> AbstractContextManager[None]:
        """Keep all other processes and threads from changing the login; dies with its holder. Raises FileUnusable."""
        return file_lock(self._home.locks / _LOCK)

    def read(self) -> Grant | None:
        """Return the login as it is now, None if there is none. Raises GrantUnusable and FileUnusable."""
        if not self._home.grant.exists():
            return None
        try:
            return _grant(json.loads(read_text(self._home.grant)))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise GrantUnusable(self.name) from None

    def tokens(self) -> Tokens | None:
        """Return the tokens as they are now. Raises GrantUnusable and FileUnusable."""
        grant = self.read()
        return grant.tokens if grant else None

    def put(self, tokens: Tokens) -> None:
        """Replace the tokens of the login; to be called `alone`. Raises GrantUnusable and FileUnusable."""
        grant = self.read()
        if grant is not None:
            self._write(replace(grant, tokens=tokens))

    def swap(self, new: Grant) -> Grant | None:
        """Put a login in place of the one before; return that, None if there was none that can be read."""
        with self.alone():
            old = self._readable()
            self._write(new)
        return old

    @contextmanager
    def ending(self) -> Iterator[Grant | None]:
        """Hand the login out, None if there is none that can be read, and remove it at the end, whatever happens."""
        with self.alone():
            try:
                yield self._readable()
            finally:
                with told(self._home.grant):
                    self._home.grant.unlink(missing_ok=True)

    def _readable(self) -> Grant | None:
        try:
            return self.read()
        except GrantUnusable:
            return None

    def _write(self, grant: Grant) -> None:
        tokens = grant.tokens
        kept = {
            "id": grant.id.reveal(),
            "client_id": tokens.client.id,
            "client_secret": tokens.client.secret.reveal() if tokens.client.secret else None,
            "access_token": tokens.access.reveal(),
            "refresh_token": tokens.refresh.reveal(),
            "renew_at": iso(tokens.renew),
            "expires_at": iso(tokens.expires),
        }
        write_private(self._home.grant, json.dumps(kept, indent=2) + "\n")


def _grant(kept: Mapping[str, Any]) -> Grant:
    """Read what `_write` wrote; raises ValueError, TypeError, KeyError or AttributeError if it is something else."""
    texts = {name: kept[name] for name in ("id", "client_id", "access_token", "refresh_token")}
    if not all(isinstance(text, str) and text for text in texts.values()):
        raise ValueError
    secret = kept["client_secret"]
    client = Client(texts["client_id"], None if secret is None else Secret(str(secret)))
    access, refresh = Secret(texts["access_token"]), Secret(texts["refresh_token"])
    renew, expires = parse_iso(kept["renew_at"]), parse_iso(kept["expires_at"])
    return Grant(Secret(texts["id"]), Tokens(client, access, refresh, renew, expires))


# ---- the credential that Kit is asked with: where it comes from, and what is refused unprinted

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
