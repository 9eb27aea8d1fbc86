"""The key that names an occasion, checked before anyone sees it."""

from typing import TYPE_CHECKING

from ccops.errors import Misconfigured

if TYPE_CHECKING:
    from ccops.cli.session import Session


class KeyIsCredential(Misconfigured):
    """What was given as the occasion's key is the credential; it is not shown."""

    def __init__(self) -> None:
        super().__init__(
            "--key names the occasion, such as an invoice number; what you gave is your API key. Nothing was sent or stored. "
            "It may stand in your shell's history now: take it out there, or make a new key in Kit"
        )


def check_key(session: "Session", key: str | None) -> None:
    """Refuse a key that is the credential: it would end up in the ledger. Raises KeyIsCredential."""
    if key is None:
        return
    credential = session.settings.credential()
    if credential is not None and credential.secret.equals(key.strip()):
        raise KeyIsCredential
