"""Whether a delivery really is Kit's: the signature of its webhook endpoints, over the raw body, before it is read.

`X-Kit-Signature: t=<unix seconds>,v1=<hex>`, with two `v1` while a secret is being rotated: HMAC-SHA256 over `t`, a
dot and the body (Kit's webhook guide). Whether the key is the secret with or without its `whsec_` is not said: both are
tried.
"""

import hmac
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from ccops.secret import Secret

WINDOW: Final = 300
"""Seconds that a signature holds, before and after its time."""
_PREFIX: Final = "whsec_"
_MOST: Final = 8
"""Signatures of one delivery that are looked at; Kit sends two at most."""
_TIME: Final = re.compile(r"[0-9]{1,12}")

Verdict = Literal["genuine", "missing", "unreadable", "wrong", "too old"]


def judge(header: str, body: bytes, secrets: Sequence[Secret], now: datetime) -> Verdict:
    """Say whether a body is signed with any of the secrets, at a time not far from now."""
    if not header.strip():
        return "missing"
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"][:_MOST]
    if len(times) != 1 or not signatures or not _TIME.fullmatch(times[0]):
        return "unreadable"
    if not _matches(signatures, times[0].encode() + b"." + body, secrets):
        return "wrong"
    return "genuine" if abs(now.timestamp() - int(times[0])) <= WINDOW else "too old"


def sign(body: bytes, secret: Secret, at: datetime) -> str:
    """Return the header that a sender with this secret would send."""
    time = str(int(at.timestamp()))
    return f"t={time},v1={_digest(secret.reveal(), time.encode() + b'.' + body)}"


def _matches(signatures: Sequence[str], message: bytes, secrets: Sequence[Secret]) -> bool:
    """Compare each with each to the end, so that the time taken tells nothing."""
    found = False
    for key in _keys(secrets):
        right = _digest(key, message).encode()
        for given in signatures:
            found |= hmac.compare_digest(right, given.lower().encode("latin-1", "replace"))
    return found


def _keys(secrets: Sequence[Secret]) -> Iterator[str]:
    for secret in secrets:
        yield secret.reveal()
        if secret.reveal().startswith(_PREFIX):
            yield secret.reveal().removeprefix(_PREFIX)


def _digest(key: str, message: bytes) -> str:
    return hmac.new(key.encode(), message, sha256).hexdigest()
