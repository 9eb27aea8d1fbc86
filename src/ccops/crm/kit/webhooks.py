"""Both kinds of Kit's webhooks: the legacy one, unsigned, and the endpoints 2.0, signed."""

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final, TypeVar

from ccops.crm.base import Hook, Missing, Rejected, SignedEndpoint, WebhookEndpoint
from ccops.crm.http.exchange import HttpAnswer
from ccops.crm.kit import answers, endpoints
from ccops.crm.kit.errors import KeyRefused
from ccops.crm.kit.request import Calls, Rows
from ccops.secret import Secret

T = TypeVar("T")

_NO_SUCH_KIND: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""Beside 401, which some accounts answer to a key that is good for everything else."""


class KitWebhooks:
    """The webhooks of the account that one credential opens; raises what `Webhooks` says of its methods."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def hooks(self) -> list[Hook]:
        """Return all unsigned webhooks, those of other programs too."""
        return list(Rows(self._calls, endpoints.hooks(), "webhooks", answers.hook))

    def create_hook(self, url: Secret, tag_id: int) -> Hook:
        """Make an unsigned webhook; not repeated once it may have arrived, as Kit would make another one."""
        try:
            return self._calls.ask(endpoints.create_hook(url.reveal(), tag_id), answers.one_hook, "if-unsent")
        except Rejected as refusal:
            raise _without(url, refusal) from None

    def delete_hook(self, hook_id: int) -> None:
        """Remove an unsigned webhook; one that is gone is no error."""
        with suppress(Missing):
            self._calls.ask(endpoints.delete_hook(hook_id), _nothing, "always")

    def endpoints(self) -> list[WebhookEndpoint] | None:
        """Return all signed webhooks; None if Kit does not let this account or this credential have any."""
        return _if_allowed(lambda: list(Rows(self._calls, endpoints.signed(), "webhook_endpoints", answers.endpoint)))

    def endpoint(self, endpoint_id: int) -> WebhookEndpoint | None:
        """Read one signed webhook by id, never stale; None if it is gone."""
        try:
            return self._calls.ask(endpoints.signed_by_id(endpoint_id), answers.one_endpoint)
        except Missing:
            return None

    def create_endpoint(self, url: str, name: str) -> SignedEndpoint | None:
        """Make a signed webhook; not repeated once it may have arrived: its secret would be lost with the answer."""
        call = endpoints.create_signed(url, name)
        return _if_allowed(lambda: self._calls.ask(call, answers.endpoint_with_secret, "if-unsent"))

    def change_endpoint(self, endpoint_id: int, url: str) -> WebhookEndpoint:
        """Let a signed webhook send to this URL, for the adding of tags, and be active; repeated like a read."""
        return self._calls.ask(endpoints.change_signed(endpoint_id, url), answers.one_endpoint, "always")

    def delete_endpoint(self, endpoint_id: int) -> None:
        """Remove a signed webhook; one that is gone is no error."""
        with suppress(Missing):
            self._calls.ask(endpoints.delete_signed(endpoint_id), _nothing, "always")

    def rotate_secret(self, endpoint_id: int, *, force: bool = False) -> SignedEndpoint:
        """Make a new secret; not repeated once it may have arrived: that one would be lost."""
        call = endpoints.rotate_secret(endpoint_id, force=force)
        return self._calls.ask(call, answers.endpoint_with_secret, "if-unsent")

    def revoke_previous_secret(self, endpoint_id: int) -> None:
        """Let the secret before the last rotation end at once."""
        self._calls.ask(endpoints.revoke_previous_secret(endpoint_id), _nothing, "always")


def _if_allowed(ask: Callable[[], T]) -> T | None:
    """Ask for signed webhooks, which not every account or credential may have (API v4, "Webhook endpoints")."""
    try:
        return ask()
    except KeyRefused:
        return None
    except Rejected as refusal:
        if refusal.status in _NO_SUCH_KIND:
            return None
        raise


def _without(url: Secret, refusal: Rejected) -> Rejected:
    """Return a refusal whose texts don't quote the URL: its last part is a secret."""
    whole = url.reveal()
    last = whole.rpartition("/")[2]
    return Rejected(refusal.status, [text.replace(whole, "…").replace(last, "…") for text in refusal.texts])


def _nothing(_: HttpAnswer) -> None:
    """Read nothing: every 2xx says that it is done."""
