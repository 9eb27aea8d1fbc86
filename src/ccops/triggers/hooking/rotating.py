"""`webhook rotate`: new secrets, such that whatever was sent with an old one before is still accepted."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from ccops.crm.base import Missing, OutcomeUnknown, Rejected
from ccops.crm.webhooks import SignedEndpoint
from ccops.engine.hooks import Place
from ccops.operations.model import Tag
from ccops.registry.secrets import Secrets, new_secret, put_kit_webhook, put_secret
from ccops.secret import Secret
from ccops.triggers.hooking.bench import Bench, EndpointGone, RotationUnconfirmed, alone
from ccops.triggers.hooking.making import hold_one_hook
from ccops.triggers.hooking.removing import drop_hooks


@dataclass(frozen=True, slots=True)
class RotatedSigned:
    """The signed webhook has a new secret."""

    until: datetime | None
    """Until when the old one is accepted too; None: no longer."""


def rotate_operation(bench: Bench, operation: str, tag: Tag | None) -> bool:
    """Give an operation's URLs a new secret; its unsigned webhook is made anew before the old one goes.

    Both secrets are accepted from the first step to the last; broken off between, the same goes on with the same new
    one. Return whether there was a webhook. Raises WebhookUnconfirmed.
    """
    with alone(bench.home) as secrets:
        listed, known = bench.hooks_of(operation, secrets), secrets.kit_hooks.get(operation)
        new, old = _pair(secrets, operation)
        put_secret(bench.home, operation, new, older=old)
        bases = [known.base] if known else [place.base for _, place in listed.values()]
        if bases and tag:
            hold_one_hook(bench, Place(bases[0], operation, new), tag, secrets, listed)
        elif bases:
            drop_hooks(bench, operation, secrets, listed)
        put_secret(bench.home, operation, new)
    return bool(bases and tag)


def _pair(secrets: Secrets, operation: str) -> tuple[Secret, Secret | None]:
    """Return the new secret and the old one; those of a rotation that was broken off are taken up again."""
    accepted = secrets.accepted(operation)
    if len(accepted) > 1:
        return accepted[0], accepted[1]
    return new_secret(), next(iter(accepted), None)


def rotate_signed(bench: Bench, *, at_once: bool) -> RotatedSigned | None:
    """Give the signed webhook a new secret; the old one is accepted for as long as the CRM signs with it too.

    None if there is no signed webhook. With `at_once` the old one ends now. Raises RotationUnconfirmed, EndpointGone.
    """
    with alone(bench.home) as secrets:
        endpoint_id, url = secrets.kit_webhook_id, secrets.kit_webhook_url
        if endpoint_id is None or url is None:
            return None
        made = new_signing_secret(bench, endpoint_id, url, secrets)
        if at_once:
            bench.webhooks.revoke_previous_secret(endpoint_id)
            put_kit_webhook(bench.home, endpoint_id, url, [made.secret])
        return RotatedSigned(None if at_once else made.endpoint.previous_until)


def new_signing_secret(bench: Bench, endpoint_id: int, url: str, secrets: Secrets) -> SignedEndpoint:
    """Make a new signing secret and keep it beside the one before. Raises RotationUnconfirmed and EndpointGone."""
    try:
        made = _rotated(bench, endpoint_id)
    except OutcomeUnknown as error:
        raise RotationUnconfirmed(error.what) from error
    except Missing:
        raise EndpointGone(endpoint_id) from None
    put_kit_webhook(bench.home, endpoint_id, url, [made.secret, *secrets.kit[:1]], made.endpoint.previous_until)
    return made


def _rotated(bench: Bench, endpoint_id: int) -> SignedEndpoint:
    try:
        return bench.webhooks.rotate_secret(endpoint_id)
    except Rejected as refusal:
        if refusal.status != HTTPStatus.CONFLICT:
            raise
    return bench.webhooks.rotate_secret(endpoint_id, force=True)  # the one before the last ends early; nothing needs it
