"""Webhooks made: looked for first, since the CRM would make a second one of the same kind without a word."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from ccops.crm.base import Missing, OutcomeUnknown
from ccops.crm.webhooks import TAG_ADDED, Endpoint, Hook, SignedEndpoint
from ccops.engine.hooks import NAME, Kind, Place, Wanted, place_of, signed_url
from ccops.operations.model import Operation, Tag
from ccops.registry.secrets import Secrets, load_secrets, new_secret, put_kit_webhook, put_secret
from ccops.secret import Secret
from ccops.triggers.hooking.bench import Bench, WebhookUnconfirmed
from ccops.triggers.hooking.rotating import rotate_endpoint

Found = TypeVar("Found", Hook, Endpoint)

LOOKS: Final = (0, 2, 8, 25)
"""Seconds before each look for what may have been made: lists lag writes by 30 s as a rule."""


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook that is there now."""

    kind: Kind
    operation: str | None
    """None: it is for all operations with a trigger tag."""
    how: Literal["made", "changed", "there"]
    removed: int = 0
    """How many that were left over, or took its place before, are gone now."""


def create_signed(bench: Bench, base: str) -> Made | None:
    """Let the CRM send signed events of all tags; None if the account has no such webhooks.

    One that is there but unknown here was left by a crash before its secret was stored: it is removed, and another
    one made. Raises WebhookUnconfirmed.
    """
    with bench.alone():
        endpoints, secrets, url = bench.webhooks.endpoints(), load_secrets(bench.home), signed_url(base)
        if endpoints is None:
            return None
        for endpoint in endpoints:
            if endpoint.id == secrets.kit_webhook_id:
                return _set_right(bench, endpoint, secrets, url)
        left_over = [endpoint.id for endpoint in endpoints if endpoint.url == url]
        for endpoint_id in left_over:
            bench.webhooks.delete_endpoint(endpoint_id)
        made = _new_endpoint(bench, url)
        if made is None:
            return None
        put_kit_webhook(bench.home, made.endpoint.id, made.endpoint.url or url, [made.secret])
    return Made("signed", None, "made", len(left_over))


def _set_right(bench: Bench, endpoint: Endpoint, secrets: Secrets, url: str) -> Made | None:
    changed = endpoint.url != url or not endpoint.active or TAG_ADDED not in endpoint.events
    if changed:
        try:
            bench.webhooks.change_endpoint(endpoint.id, url)
        except Missing:  # the list was old
            made = _new_endpoint(bench, url)
            if made is None:
                return None
            put_kit_webhook(bench.home, made.endpoint.id, url, [made.secret])
            return Made("signed", None, "made")
    if changed or secrets.kit_webhook_url != url:
        put_kit_webhook(bench.home, endpoint.id, url, secrets.kit, secrets.kit_until)
    if endpoint.previous_until not in {None, secrets.kit_until}:
        rotate_endpoint(bench, "ccops webhook create")
        changed = True
    return Made("signed", None, "changed" if changed else "there")


def _new_endpoint(bench: Bench, url: str) -> SignedEndpoint | None:
    """Make an endpoint; one whose answer was lost, and its secret with it, is removed for another one."""
    try:
        return bench.webhooks.create_endpoint(url, NAME)
    except OutcomeUnknown as error:
        what = error.what

    def lost() -> list[Endpoint]:
        return [endpoint for endpoint in bench.webhooks.endpoints() or [] if endpoint.url == url]

    found = _look(bench, lost)
    for endpoint in found:
        bench.webhooks.delete_endpoint(endpoint.id)
    if found:
        try:
            return bench.webhooks.create_endpoint(url, NAME)
        except OutcomeUnknown as error:
            what = error.what
    raise WebhookUnconfirmed("signed", what, "ccops webhook create")


def create_legacy(bench: Bench, operation: Operation, tag: Tag, base: str) -> Made:
    """Let the CRM tell of an operation's tag, unsigned; all others of the operation that are ours are removed.

    The operation's secret is stored before the CRM gets to know it. Raises WebhookUnconfirmed.
    """
    with bench.alone():
        name = operation.name
        secret = secret_of(bench, name)
        wanted = Wanted({}, load_secrets(bench.home), base)
        place = Place(base, name, secret)
        ours = [(hook, found) for hook in bench.webhooks.hooks() if (found := place_of(hook)) and _is_ours(wanted, found, name)]
        there = [hook for hook, found in ours if hook.tag_id == tag.id and hook.url.equals(place.url.reveal())]
        kept = there[0] if there else make_hook(bench, place, tag)
        others = [hook.id for hook, _ in ours if hook.id != kept.id]
        for hook_id in others:
            bench.webhooks.delete_hook(hook_id)
        if len(wanted.secrets.accepted(name)) > 1:  # a rotation that was broken off is at its end with this
            put_secret(bench.home, name, secret)
    return Made("legacy", name, "there" if there and not others else "changed" if ours else "made", len(others))
