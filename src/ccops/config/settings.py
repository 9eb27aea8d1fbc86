"""The settings of one command: the environment's first, then `config.toml`'s, then the defaults."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ccops.clock import parse_iso
from ccops.config.credentials import Credential, GrantFile, key_of_command, login_of
from ccops.config.errors import ConfigFaults, FileFault, nearest, suggest
from ccops.config.home import Home, folder_lock, read_text, write_private
from ccops.config.templates import starter_config
from ccops.config.toml_document import Document, Keys, NotToml, parse_toml
from ccops.config.toml_edit import TomlDraft
from ccops.errors import Misconfigured
from ccops.secret import Client, Secret
from ccops.text import clean

_NO_TOML: Final = 'this is not TOML; a line is key = value, and a text stands in quotes: key = "text"'
ENVIRONMENT: Final[Mapping[str, str]] = {
    "KIT_API_URL": "api_url",
    "CCOPS_RATE": "rate",
    "CCOPS_SETTLE_AFTER": "settle_after",
    "CCOPS_ACTOR": "actor",
    "KIT_CLIENT_ID": "oauth_client_id",
    "KIT_CLIENT_SECRET": "oauth_client_secret",
}
"""The variables that stand for a setting each; those of the credential are apart."""


_OPEN: Final = ("api_url", "rate", "settle_after", "actor", "public_url", "sandbox")
"""The settings that hold no secret, and never will."""


def _exact(value: object) -> object:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _moment(text: str) -> str:
    parse_iso(text)
    return text


Text = Annotated[str, Field(pattern=r"\S")]
UrlSecret = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,200}$")]
"""It stands in a URL, so no other characters; a shorter one could be guessed."""
UrlSecrets = UrlSecret | Annotated[list[UrlSecret], Field(min_length=1, max_length=2)]
"""Two, the newest first, while one takes the other's place."""


class KitWebhookTable(BaseModel):
    """The signed webhook endpoint at Kit that sends to `ccops serve`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[int, Field(gt=0)]
    url: Text
    secrets: Annotated[list[Text], Field(min_length=1, max_length=2, repr=False)]
    """Newest first; two while Kit signs with both."""
    until: Annotated[str, AfterValidator(_moment)] | None = None
    """Until when Kit signs with the older one too."""


class KitHookTable(BaseModel):
    """An operation's unsigned webhook at Kit."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[int, Field(gt=0)]
    base: Text
    made: Annotated[str, AfterValidator(_moment)]


class ConfigTable(BaseModel):
    """Every setting; what is None was not set."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    api_key: Text | None = Field(default=None, repr=False)
    api_key_command: Text | None = None
    api_url: Text | None = None
    rate: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    settle_after: Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=86_400)] | None = None
    actor: Text | None = None
    public_url: Text | None = None
    sandbox: bool = False
    oauth_client_id: Text | None = None
    oauth_client_secret: Text | None = Field(default=None, repr=False)
    oauth_redirect: Text | None = None
    secrets: dict[str, UrlSecrets] = Field(default_factory=dict, repr=False)
    kit_webhook: KitWebhookTable | None = None
    kit_hooks: dict[str, KitHookTable] = Field(default_factory=dict)


_WANTED: Final[Mapping[str, str]] = {
    "rate": "a whole number, 0 or more",
    "settle_after": "a number of seconds, from 0 to 86400",
    "sandbox": "true or false",
    "secrets": "16 to 200 letters, digits, - and _ in quotes for each operation",
    "kit_webhook": "the table that ccops webhook create writes: id, url and secrets",
    "kit_hooks": "the table that ccops webhook create writes: id, base and made for each operation",
}


def read_config(home: Home) -> ConfigTable:
    """Read the settings of a home; one without the file has none set. Raises ConfigFaults and FileUnusable."""
    if not home.config.exists():
        return ConfigTable()
    document = _parsed(_text(home), home.config)
    try:
        return ConfigTable.model_validate(document.data)
    except ValidationError as error:
        faults = dict.fromkeys(_fault(find["loc"], find["type"], document) for find in error.errors())
    raise ConfigFaults(home.config, list(faults))


def read_environment(environ: Mapping[str, str]) -> ConfigTable:
    """Read the settings that environment variables give; an empty one is not set. Raises ConfigFaults."""
    given = {key: _typed(key, environ[name]) for name, key in ENVIRONMENT.items() if environ.get(name)}
    try:
        return ConfigTable.model_validate(given)
    except ValidationError as error:
        wrong = {str(find["loc"][0]) for find in error.errors()}
    names = [(name, key) for name, key in ENVIRONMENT.items() if key in wrong]
    faults = [FileFault(0, None, name, f"{name} must be {_wanted(key)}") for name, key in names]
    raise ConfigFaults("the environment", faults)


def store_key(home: Home, key: Secret) -> None:
    """Write the key into `config.toml`, made if missing; all other lines stay.

    Raises CredentialMalformed, ConfigFaults and FileUnusable.
    """
    secret = Credential("key", key, "the login").checked().secret
    _put_setting(home, "api_key", secret.reveal())


def store_public_url(home: Home, url: str) -> None:
    """Write where the world reaches `serve` into `config.toml`; all other lines stay. Raises as `store_key`."""
    _put_setting(home, "public_url", url)


def _put_setting(home: Home, key: str, value: str) -> None:
    """Set a key at the top; a new one goes behind the comment that shows it."""

    def change(draft: TomlDraft) -> None:
        hint = re.search(rf"^#[ \t]*{key}[ \t]*=", draft.text, re.MULTILINE)
        draft.put((), key, value, behind=hint.start() if hint else None)

    edit_config(home, change)


def forget_key(home: Home) -> bool:
    """Take the key out of `config.toml`; False if it was not there. Raises ConfigFaults, FileUnusable."""
    return drop_from_config(home, ("api_key",))


def without_secrets(home: Home) -> bytes:
    """Write the settings of a home anew, without all that may hold a key: other keys, tables, comments and commands.

    Raises ConfigFaults and FileUnusable.
    """
    table, draft = read_config(home), TomlDraft(starter_config(), home.config.name)
    for key in _OPEN:
        value = getattr(table, key)
        if value is not None and value is not False:
            hint = re.search(rf"^#[ \t]*{key}[ \t]*=", draft.text, re.MULTILINE)
            draft.put((), key, value, behind=hint.start() if hint else None)
    return draft.text.encode()


def edit_config(home: Home, change: Callable[[TomlDraft], None]) -> None:
    """Change some lines of `config.toml`, made if missing; all others stay. Raises ConfigFaults and FileUnusable."""
    home.make()
    with folder_lock(home.path):
        draft = _draft(home, _text(home) if home.config.exists() else starter_config())
        change(draft)
        write_private(home.config, draft.whole)


def drop_from_config(home: Home, keys: tuple[str, ...]) -> bool:
    """Take a key or table out of `config.toml`; False if it was not there. Raises ConfigFaults and FileUnusable."""
    if not home.config.exists():
        return False
    with folder_lock(home.path):
        draft = _draft(home, _text(home))
        if not draft.has(keys):
            return False
        draft.drop(keys)
        write_private(home.config, draft.whole)
    return True


def _text(home: Home) -> str:
    try:
        return read_text(home.config)
    except UnicodeDecodeError:
        fault = FileFault(0, None, None, "the file is not UTF-8 text")
    raise ConfigFaults(home.config, [fault])


def _parsed(text: str, file: Path) -> Document:
    try:
        return parse_toml(text)
    except NotToml as wrong:
        fault = FileFault(wrong.fault.line, None, None, _NO_TOML)
    raise ConfigFaults(file, [fault])


def _draft(home: Home, text: str) -> TomlDraft:
    _parsed(text, home.config)
    return TomlDraft(text, home.config.name)


def _fault(keys: Keys, kind: str, document: Document) -> FileFault:
    """Say what is wrong with a key; an unknown one is told only if it resembles a known one: it might be a secret."""
    key = str(keys[0])
    line = document.layout.line(keys[:2])
    if kind != "extra_forbidden" or len(keys) > 1:
        return FileFault(line, None, key, f'"{key}" must be {_wanted(key)}')
    if guess := nearest(key, ConfigTable.model_fields):
        return FileFault(line, None, key, f'"{key}" is not a setting{suggest(guess)}')
    return FileFault(line, None, None, f"this key is no setting; they are {', '.join(ConfigTable.model_fields)}")


def _wanted(key: str) -> str:
    return _WANTED.get(key, "a text in quotes, and not empty")


def _typed(key: str, text: str) -> str | int | Decimal:
    """Read a variable's text as the number that its setting needs; any other stays a text, and is refused later."""
    if key == "rate" and re.fullmatch("[0-9]{1,9}", text.strip()):
        return int(text)
    if key == "settle_after" and re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text.strip()):
        return Decimal(text.strip())
    return text


# ---- the settings of one command: the environment's first, then `config.toml`'s, then the defaults

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
