"""`webhook create`: what is there is found and set right, what is left over goes, what is missing is made."""

from dataclasses import dataclass
from typing import Literal

from ccops.crm.base import Missing
from ccops.crm.webhooks import TAG_ADDED
from ccops.engine.hooks import Kind, Place, signed_url
from ccops.operations.model import Tag
from ccops.registry.secrets import Secrets, put_kit_webhook, put_secret
from ccops.triggers.hooking.bench import Bench, alone, ensure_secret
from ccops.triggers.hooking.making import hold_one_hook, make_endpoint
from ccops.triggers.hooking.rotating import new_signing_secret

How = Literal["made", "changed", "there"]


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook that is there now."""

    kind: Kind
    operation: str | None
    """None: it is for all operations with a trigger tag."""
    how: How
    removed: int = 0
    """How many are gone that were left over, or that it takes the place of."""


def create_signed(bench: Bench, base: str) -> Made | None:
    """Let the CRM send signed events of all tags; None if the account has no such webhooks.

    One that is there but unknown here was left by a crash before its secret was stored: nobody can know that any more.
    Raises WebhookUnconfirmed and RotationUnconfirmed.
    """
    url = signed_url(base)
    with alone(bench.home) as secrets:
        endpoints = bench.webhooks.endpoints()
        if endpoints is None:
            return None
        unknown = [each.id for each in endpoints if each.url == url and each.id != secrets.kit_webhook_id]
        for endpoint_id in unknown:
            bench.webhooks.delete_endpoint(endpoint_id)
        how = _set_right(bench, secrets, url) or _make(bench, url)
        return how and Made("signed", None, how, len(unknown))


def _make(bench: Bench, url: str) -> How | None:
    made = make_endpoint(bench, url)
    if made is None:
        return None
    put_kit_webhook(bench.home, made.endpoint.id, url, [made.secret])
    return "made"


def _set_right(bench: Bench, secrets: Secrets, url: str) -> How | None:
    """Let the known endpoint send what it should to where it should, with a known secret; None if there is none."""
    endpoint = bench.webhooks.endpoint(secrets.kit_webhook_id) if secrets.kit_webhook_id else None
    if endpoint is None:
        return None
    wrong = endpoint.url != url or not endpoint.active or TAG_ADDED not in endpoint.events
    if wrong:
        try:
            bench.webhooks.change_endpoint(endpoint.id, url)
        except Missing:  # removed in this very moment
            return None
    if secrets.kit_webhook_url != url:
        put_kit_webhook(bench.home, endpoint.id, url, secrets.kit, secrets.kit_until)
    if lost := endpoint.previous_until not in {None, secrets.kit_until}:
        new_signing_secret(bench, endpoint.id, url, secrets)
    return "changed" if wrong or lost else "there"


def create_legacy(bench: Bench, operation: str, tag: Tag, base: str) -> Made:
    """Let the CRM tell of an operation's tag, unsigned; all others of the operation that are this home's go.

    The operation's secret is stored before the CRM gets to know it. Raises WebhookUnconfirmed.
    """
    with alone(bench.home) as secrets:
        listed = bench.hooks_of(operation, secrets, base)
        secret = ensure_secret(bench.home, operation, secrets)
        outcome = hold_one_hook(bench, Place(base, operation, secret), tag, secrets, listed)
        if len(secrets.accepted(operation)) > 1:  # a rotation that was broken off has come to its end with this
            put_secret(bench.home, operation, secret)
    how: How = "changed" if outcome.removed else "made" if outcome.made else "there"
    return Made("legacy", operation, how, outcome.removed)
