"""How deliveries to webhook endpoints are signed (Kit API v4, "Webhook endpoints")."""

import hashlib
import hmac
from collections.abc import Iterable


def signed_headers(body: bytes, secrets: Iterable[str], at: int, delivery_id: int) -> dict[str, str]:
    """Return the headers of a delivery that is signed at a moment (seconds since 1970), once with each secret."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Kit-Webhooks/2.0",
        "X-Kit-Delivery": str(delivery_id),
        "X-Kit-Signature": ",".join([f"t={at}", *(f"v1={_digest(body, secret, at)}" for secret in secrets)]),
    }


def _digest(body: bytes, secret: str, at: int) -> str:
    return hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
