"""One webhook made, never two: the CRM would make a second one like it without a word."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from ccops.crm.base import OutcomeUnknown
from ccops.crm.webhooks import Endpoint, Hook, SignedEndpoint
from ccops.engine.hooks import NAME, Place, place_of
from ccops.operations.model import Tag
from ccops.registry.secrets import KitHook, Secrets, put_kit_hook
from ccops.triggers.hooking.bench import Bench, WebhookUnconfirmed

Found = TypeVar("Found", Hook, Endpoint)
Listed = tuple[Hook, Place]

LOOKS: Final = (0, 2, 8, 25)
"""Seconds before each look for what may have been made: Kit's lists lag writes by 30 s as a rule."""


def make_endpoint(bench: Bench, url: str) -> SignedEndpoint | None:
    """Make a signed webhook; None if the account has no such kind.

    One whose answer was lost, and its secret with it, is removed, and another one made. Raises WebhookUnconfirmed.
    """
    try:
        return bench.webhooks.create_endpoint(url, NAME)
    except OutcomeUnknown as error:
        lost = _look(bench, lambda: endpoints_at(bench, url))
        if not lost:
            raise WebhookUnconfirmed(error.what, "ccops webhook create") from error
    for endpoint in lost:
        bench.webhooks.delete_endpoint(endpoint.id)
    try:
        return bench.webhooks.create_endpoint(url, NAME)
    except OutcomeUnknown as error:
        raise WebhookUnconfirmed(error.what, "ccops webhook create") from error


def endpoints_at(bench: Bench, url: str) -> list[Endpoint]:
    """Return the listed signed webhooks that send to a URL."""
    return [endpoint for endpoint in bench.webhooks.endpoints() or [] if endpoint.url == url]


@dataclass(frozen=True, slots=True)
class Held:
    """An operation has the one unsigned webhook that it should have."""

    made: bool
    removed: int
    """How many others are gone."""


def hold_one_hook(bench: Bench, place: Place, tag: Tag, secrets: Secrets, listed: Mapping[int, Listed]) -> Held:
    """See that an operation has one unsigned webhook, for this place and tag; the others go, once it is there.

    Lists lag: one that is listed and not known here may be gone, and one that is known and not listed may be there.
    Both make room for another one. Raises WebhookUnconfirmed.
    """
    known = secrets.kit_hooks.get(place.operation)
    ids = {*listed, known.id} if known else set(listed)
    there = known is not None and known.id in listed and _sends(listed[known.id][0], place, tag)
    if known is None or not there:
        known = KitHook(_make_hook(bench, place, tag, ids), place.base, bench.clock.now())
        put_kit_hook(bench.home, place.operation, known)
    others = sorted(ids - {known.id})
    for hook_id in others:
        bench.webhooks.delete_hook(hook_id)
    return Held(not there, len(others))


def _make_hook(bench: Bench, place: Place, tag: Tag, others: Collection[int]) -> int:
    """Make an unsigned webhook and return its id; one whose answer was lost is known by its URL."""
    try:
        return bench.webhooks.create_hook(place.url, tag.id).id
    except OutcomeUnknown as error:
        found = _look(bench, lambda: [each for each in bench.webhooks.hooks() if _sends(each, place, tag)])
        new = [hook.id for hook in found if hook.id not in others]
        if not new:
            raise WebhookUnconfirmed(error.what, f"ccops webhook create {place.operation} --legacy") from error
        return new[0]


def _sends(hook: Hook, place: Place, tag: Tag) -> bool:
    return place_of(hook) is not None and hook.tag_id == tag.id and hook.url.equals(place.url.reveal())


def _look(bench: Bench, look: Callable[[], list[Found]]) -> list[Found]:
    for seconds in LOOKS:
        bench.clock.sleep(seconds)
        if found := look():
            return found
    return []
