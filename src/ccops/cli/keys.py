"""What a person says about an occasion, checked before anyone sees it or it is stored."""

from decimal import Decimal
from typing import TYPE_CHECKING

from ccops.errors import Misconfigured
from ccops.operations.numbers import EXACT, plain

if TYPE_CHECKING:
    from ccops.cli.session import Session


class KeyIsCredential(Misconfigured):
    """What was given as the occasion's key is, or holds, the credential; it is not shown."""

    def __init__(self) -> None:
        super().__init__(
            "--key names the occasion, such as an invoice number; what you gave is your API key. Nothing was sent or "
            "stored. It may stand in your shell's history now: take it out there, or make a new key in Kit."
        )


class TellsCredential(Misconfigured):
    """A text that would be stored holds the credential; it is not shown."""

    def __init__(self, option: str) -> None:
        super().__init__(
            f"{option} holds your API key. Nothing was sent or stored. It may stand in your shell's history now: take "
            "it out there, or make a new key in Kit."
        )


def check_key(session: "Session", key: str | None) -> None:
    """Refuse a key that is the credential: it would end up in the ledger. Raises KeyIsCredential."""
    if holds_credential(session, key):
        raise KeyIsCredential


def check_unsaid(session: "Session", text: str | None, option: str) -> None:
    """Refuse a text with the credential in it: it would end up in the ledger. Raises TellsCredential."""
    if holds_credential(session, text):
        raise TellsCredential(option)


def amount_text(amount: Decimal) -> str:
    """Write an amount in the one form that tells occasions apart: 10 and 10.0 are the same."""
    return plain(amount.normalize(EXACT))


def holds_credential(session: "Session", text: str | None) -> bool:
    """Tell whether the credential is in a text."""
    if not text:
        return False
    credential = session.credential
    return credential is not None and any(secret in text for secret in credential.secrets)
