"""The credential: as a header, as a hash, and as what no text may show."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, Protocol

from ccops.crm.kit.errors import KeyMalformed
from ccops.secret import Secret

MASK: Final = "***"
_USABLE: Final = re.compile(r"[!-~]+")


def header(secret: Secret, *, oauth: bool) -> tuple[str, str]:
    """Return name and value of the header that carries the credential; raises KeyMalformed."""
    if not is_usable(secret.reveal()):
        raise KeyMalformed(oauth=oauth)
    return ("Authorization", f"Bearer {secret.reveal()}") if oauth else ("X-Kit-Api-Key", secret.reveal())


def is_usable(text: str) -> bool:
    """Say whether a text can be a credential."""
    return _USABLE.fullmatch(text) is not None


def mask(text: str, secret: Secret) -> str:
    """Hide the credential in a text from outside: some services quote the key that they refuse."""
    return re.sub(re.escape(secret.reveal()), MASK, text, flags=re.IGNORECASE) if secret.reveal() else text


def credential_hash(secret: Secret, salt: str) -> str:
    """Return a salted hash by which a credential is known again without being stored.

    One fast round is enough: Kit's keys are long and random, so there is nothing to guess.
    """
    value = secret.reveal().encode(errors="surrogatepass")
    return hmac.new(salt.encode(), value, hashlib.sha256).hexdigest()


# ---- what requests are let in with: a credential that stays what it is, or one that is renewed under way


class Access(Protocol):
    """The credential of a client; may be asked by many threads at once."""

    @property
    def oauth(self) -> bool:
        """Whether it is an access token and no key."""
        ...

    def present(self, *, hasty: bool) -> Secret:
        """Return what the next request is to carry; `hasty` if it should not wait for what could be put off.

        Raises CredentialRefused, or a ServiceUnreachable that is a NotSent.
        """
        ...

    def another(self, refused: Secret, texts: Sequence[str]) -> bool:
        """Say whether there is something else to carry than what was just refused (401) with these texts.

        Raises what `present` raises.
        """
        ...

    def hide(self, text: str) -> str:
        """Hide the credential in a text from outside."""
        ...


class Fixed:
    """A key, or an access token that nobody renews. Raises KeyMalformed when made with what can be neither."""

    def __init__(self, secret: Secret, *, oauth: bool) -> None:
        header(secret, oauth=oauth)
        self._secret = secret
        self.oauth = oauth

    def present(self, *, hasty: bool) -> Secret:  # noqa: ARG002 - it never takes time
        """Return the credential."""
        return self._secret

    def another(self, refused: Secret, texts: Sequence[str]) -> bool:  # noqa: ARG002 - there is never another
        """Say no."""
        return False

    def hide(self, text: str) -> str:
        """Hide the credential in a text from outside."""
        return mask(text, self._secret)
