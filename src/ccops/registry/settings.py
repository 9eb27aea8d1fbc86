"""The settings of one command: the environment's first, then `config.toml`'s, then the defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from ccops.errors import Misconfigured
from ccops.registry.config import ConfigTable, read_config, read_environment
from ccops.registry.credential import Credential, key_of_command, login_of
from ccops.registry.grant import GrantFile
from ccops.registry.home import Home
from ccops.secret import Client, Secret
from ccops.text import clean

API_URL: Final = "https://api.kit.com"
OAUTH_REDIRECT: Final = "http://127.0.0.1:8585/kit"
SETTLE_AFTER: Final = 60.0
"""Seconds."""
RATES: Final[Mapping[Literal["key", "oauth"], int]] = {"key": 120, "oauth": 600}
"""Requests in rolling 60 seconds (Kit's API v4, "Rate limiting")."""

_FILE: Final = "config.toml"


class PlainHttp(Misconfigured):
    """An address would send secrets unencrypted over a network."""

    def __init__(self, source: str, host: str) -> None:
        self.source = source
        self.host = host
        self.mend = f"Write {source} with https://."
        super().__init__(
            f"{source} is plain http to {clean(host)}; only this machine itself may be reached without https."
        )


class AddressMalformed(Misconfigured):
    """An address can't be one; it is not shown, for it might hold a password."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.mend = f"Write {source} like https://host.example.org, without user, password, ? and #."
        super().__init__(f"{source} is not the address of a server.")


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one command."""

    api_url: str
    rate: int | None
    """Requests in rolling 60 seconds; 0 is no limit, None that of the credential's kind."""
    settle_after: float
    """Seconds."""
    actor: str
    """Who does it, in the ledger."""
    public_url: str | None
    sandbox: bool
    """The home is for rehearsals on the embedded sandbox."""
    given: Credential | None = field(repr=False)
    """The credential that the environment or the file holds, unchecked."""
    api_key_command: str | None
    client: Client | None = None
    """The app to log in as with OAuth."""
    oauth_redirect: str = OAUTH_REDIRECT
    """Where Kit sends the browser back to after such a login."""
    grants: GrantFile | None = field(default=None, repr=False, compare=False)
    """Where a login with OAuth is kept."""

    def credential(self) -> Credential | None:
        """Return the credential, or None: that of the environment, a login with OAuth, the stored key.

        Runs `api_key_command`, on each call, if there is nothing else. Raises CredentialMalformed, KeyCommandFailed,
        GrantUnusable and FileUnusable.
        """
        from_file = self.given is None or self.given.source == _FILE
        if from_file and self.grants and (login := login_of(self.grants)):
            return login
        if self.given:
            return self.given.checked()
        return key_of_command(self.api_key_command) if self.api_key_command else None

    def known(self) -> Credential | None:
        """Return the credential as far as it is known without running a command. Raises what `credential` does."""
        return self.given or (login_of(self.grants) if self.grants else None)

    def rate_for(self, kind: Literal["key", "oauth"]) -> int:
        """Return the requests in rolling 60 seconds for a kind of credential; 0 is no limit."""
        return RATES[kind] if self.rate is None else self.rate


def load_settings(home: Home, environ: Mapping[str, str]) -> Settings:
    """Read all settings. Raises ConfigFaults, FileUnusable, PlainHttp and AddressMalformed."""
    file, env = read_config(home), read_environment(environ)
    rate = file.rate if env.rate is None else env.rate
    settle = file.settle_after if env.settle_after is None else env.settle_after
    return Settings(
        api_url=_api_url(file, env),
        rate=rate,
        settle_after=SETTLE_AFTER if settle is None else float(settle),
        actor=clean(env.actor or file.actor or environ.get("SUDO_USER") or _os_user())[:100],
        public_url=address_of(file.public_url, "public_url") if file.public_url else None,
        sandbox=file.sandbox,
        given=_given(file, environ),
        api_key_command=file.api_key_command,
        client=_client(file, env),
        oauth_redirect=_redirect(file),
        grants=GrantFile(home),
    )


def _client(file: ConfigTable, env: ConfigTable) -> Client | None:
    """Return the app; a secret that stands beside another app's id is not that one's."""
    for table in (env, file):
        if table.oauth_client_id:
            secret = env.oauth_client_secret or table.oauth_client_secret
            return Client(table.oauth_client_id.strip(), Secret(secret.strip()) if secret else None)
    return None


def _redirect(file: ConfigTable) -> str:
    if not file.oauth_redirect:
        return OAUTH_REDIRECT
    address_of(file.oauth_redirect, "oauth_redirect")
    return file.oauth_redirect.strip()  # to the letter, a last slash too: it has to be what Kit has registered


def _given(file: ConfigTable, environ: Mapping[str, str]) -> Credential | None:
    if token := environ.get("KIT_ACCESS_TOKEN"):
        return Credential("oauth", Secret(token), "KIT_ACCESS_TOKEN")
    if key := environ.get("KIT_API_KEY"):
        return Credential("key", Secret(key), "KIT_API_KEY")
    return Credential("key", Secret(file.api_key), _FILE) if file.api_key else None


def _os_user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


def _api_url(file: ConfigTable, env: ConfigTable) -> str:
    source = "KIT_API_URL" if env.api_url else "api_url"
    return address_of(env.api_url or file.api_url or API_URL, source).removesuffix("/v4").rstrip("/")


def address_of(text: str, source: str) -> str:
    """Return a server's address without a last slash; `source` names it. Raises PlainHttp and AddressMalformed."""
    address = text.strip()
    parts = _parts(address, source)
    host = parts.hostname or ""
    odd = parts.username is not None or parts.query or parts.fragment or not address.isprintable() or " " in address
    if not host or odd or parts.scheme not in {"http", "https"}:
        raise AddressMalformed(source)
    if parts.scheme == "http" and not is_loopback(host):
        raise PlainHttp(source, host)
    return address.rstrip("/")


def _parts(address: str, source: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port  # a port that is none raises
    except ValueError:
        raise AddressMalformed(source) from None
    return parts


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself, by name or address, without asking anybody."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
