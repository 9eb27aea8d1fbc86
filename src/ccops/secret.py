"""Credentials that can't be printed by accident."""

import hmac
from dataclasses import dataclass
from datetime import datetime


class Secret:
    """Holds a credential; only `reveal()` shows it, so no repr, log line, error or traceback ever does."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the credential itself, to be put into a request header or a file of mode 0600."""
        return self._value

    def equals(self, text: str) -> bool:
        """Compare with a text in constant time."""
        return hmac.compare_digest(self._value.encode(), text.encode())

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True)
class Client:
    """The app under whose name ccops logs in with OAuth; `secret` is None if it has none."""

    id: str
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login with OAuth gives: a token for requests, and one that can be swapped, once, for the next pair."""

    client: Client
    access: Secret
    refresh: Secret
    renew: datetime
    """From when on the pair is better swapped, a while before `expires`."""
    expires: datetime

    def is_that_of(self, access: Secret) -> bool:
        """Say whether this is the pair of an access token."""
        return self.access.equals(access.reveal())
