"""A login with OAuth, as far as it is the same at every CRM: what goes along with the person, and what comes back."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from ccops.errors import CredentialRefused, Misconfigured
from ccops.secret import Secret, Tokens
from ccops.text import clean, shorten

_VERIFIER_BYTES: Final = 48
"""Which makes 64 characters; RFC 7636 wants 43 to 128."""
_STATE_BYTES: Final = 24
_CODE: Final = re.compile(r"[!-~]{1,2000}")


class OtherLogin(Misconfigured):
    """An answer carries another `state` than we sent: it belongs to another login, or somebody made it up."""

    def __init__(self) -> None:
        super().__init__("this address belongs to another login; it was not used")


class NoCode(Misconfigured):
    """What came back, or was pasted, is neither a code nor an address with one in it."""

    def __init__(self) -> None:
        super().__init__("this is neither the whole address nor a code; copy it once more")


class Denied(CredentialRefused):
    """The person, or the CRM, said no."""

    mend = "ccops login --oauth"

    def __init__(self, why: str) -> None:
        self.why = why
        said = f": {shorten(why, 200)}" if why else "."
        super().__init__(f"Kit did not let ccops in{said} Nothing was stored.")


class RedirectTaken(Misconfigured):
    """Another program listens where Kit sends the browser back to."""

    def __init__(self, address: str, why: str) -> None:
        self.address = address
        super().__init__(f"{clean(address)} can't be listened at: {clean(why)}")


class TokenStore(Protocol):
    """Where the tokens of a login are kept, for all processes."""

    def alone(self) -> AbstractContextManager[object]:
        """Keep everybody else from changing the tokens meanwhile; dies with its holder."""
        ...

    def tokens(self) -> Tokens | None:
        """Return the tokens as they are kept now; None if there is no login any more."""
        ...

    def put(self, tokens: Tokens) -> None:
        """Keep tokens in place of those before, durably once it returns; only to be called `alone`."""
        ...


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One login under way; what the person is sent away with has to come back unchanged."""

    redirect: str
    """Where the browser is sent back to; the app has to be registered with it."""
    state: str
    verifier: Secret

    @classmethod
    def begin(cls, redirect: str) -> Self:
        """Begin a login."""
        return cls(redirect, secrets.token_urlsafe(_STATE_BYTES), Secret(secrets.token_urlsafe(_VERIFIER_BYTES)))

    @property
    def challenge(self) -> str:
        """What is sent ahead of the verifier (RFC 7636, S256)."""
        digest = hashlib.sha256(self.verifier.reveal().encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def code_in(self, text: str) -> Secret:
        """Return the code in what a person pasted: the whole address, or the code alone.

        Raises OtherLogin, NoCode and Denied. A code alone has no `state`; that it is ours is then for the verifier to
        prove.
        """
        pasted = text.strip()
        query = _query(pasted)
        if "code" in query or "error" in query:
            return self.code_of(query)
        if not _CODE.fullmatch(pasted) or "/" in pasted or "?" in pasted:
            raise NoCode
        return Secret(pasted)

    def code_of(self, query: Mapping[str, str]) -> Secret:
        """Return the code that the browser brought back. Raises OtherLogin, NoCode and Denied."""
        if not secrets.compare_digest(query.get("state", "").encode(), self.state.encode()):
            raise OtherLogin
        if "error" in query:
            raise Denied(query.get("error_description") or query["error"])
        if not _CODE.fullmatch(query.get("code", "")):
            raise NoCode
        return Secret(query["code"])


def _query(pasted: str) -> dict[str, str]:
    """Return the parameters of an address, or of the part of one behind its question mark."""
    try:
        query = urlsplit(pasted).query or pasted.removeprefix("?")
    except ValueError:
        return {}
    return dict(parse_qsl(query))
