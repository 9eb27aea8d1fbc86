"""`config.toml`: its keys, checked without ever showing a value, and the one line that login and logout change."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ccops.clock import parse_iso
from ccops.registry.credential import Credential
from ccops.registry.document import Document, NotToml, parse_toml
from ccops.registry.draft import Draft
from ccops.registry.faults import ConfigFaults, Fault, nearest, suggest
from ccops.registry.home import Home, folder_lock, read_text, write_private
from ccops.registry.lines import Keys
from ccops.registry.starter import starter_config
from ccops.secret import Secret

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
    faults = [Fault(0, None, name, f"{name} must be {_wanted(key)}") for name, key in names]
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

    def change(draft: Draft) -> None:
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
    table, draft = read_config(home), Draft(starter_config(), home.config.name)
    for key in _OPEN:
        value = getattr(table, key)
        if value is not None and value is not False:
            hint = re.search(rf"^#[ \t]*{key}[ \t]*=", draft.text, re.MULTILINE)
            draft.put((), key, value, behind=hint.start() if hint else None)
    return draft.text.encode()


def edit_config(home: Home, change: Callable[[Draft], None]) -> None:
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
        fault = Fault(0, None, None, "the file is not UTF-8 text")
    raise ConfigFaults(home.config, [fault])


def _parsed(text: str, file: Path) -> Document:
    try:
        return parse_toml(text)
    except NotToml as wrong:
        fault = Fault(wrong.fault.line, None, None, _NO_TOML)
    raise ConfigFaults(file, [fault])


def _draft(home: Home, text: str) -> Draft:
    _parsed(text, home.config)
    return Draft(text, home.config.name)


def _fault(keys: Keys, kind: str, document: Document) -> Fault:
    """Say what is wrong with a key; an unknown one is told only if it resembles a known one: it might be a secret."""
    key = str(keys[0])
    line = document.layout.line(keys[:2])
    if kind != "extra_forbidden" or len(keys) > 1:
        return Fault(line, None, key, f'"{key}" must be {_wanted(key)}')
    if guess := nearest(key, ConfigTable.model_fields):
        return Fault(line, None, key, f'"{key}" is not a setting{suggest(guess)}')
    return Fault(line, None, None, f"this key is no setting; they are {', '.join(ConfigTable.model_fields)}")


def _wanted(key: str) -> str:
    return _WANTED.get(key, "a text in quotes, and not empty")


def _typed(key: str, text: str) -> str | int | Decimal:
    """Read a variable's text as the number that its setting needs; any other stays a text, and is refused later."""
    if key == "rate" and re.fullmatch("[0-9]{1,9}", text.strip()):
        return int(text)
    if key == "settle_after" and re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text.strip()):
        return Decimal(text.strip())
    return text
