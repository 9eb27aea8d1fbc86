"""The credential: as a header, as a hash, and as what no text may show."""

import hashlib
import hmac
import re
from typing import Final

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
