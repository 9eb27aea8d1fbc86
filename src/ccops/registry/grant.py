"""`oauth.json`: the tokens of a login with OAuth. Commands write it, nobody edits it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from ccops.clock import iso, parse_iso
from ccops.errors import Misconfigured
from ccops.registry.home import Home, file_lock, read_text, told, write_private
from ccops.secret import Client, Secret, Tokens

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
