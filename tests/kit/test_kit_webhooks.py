"""Kit's webhooks of both kinds: nothing is made twice, no secret URL is shown, nobody else's is misread."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ccops.crm.base import Missing, OutcomeUnknown, RateLimited, Rejected, SignedEndpoint, WebhookEndpoint
from ccops.crm.kit.errors import KeyRefused
from ccops.errors import ServiceUnreachable
from ccops.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccops.crm.base import Hook
    from ccops.crm.kit.client import KitCrm
    from ccops.crm.kit.webhooks import KitWebhooks
    from tests.kit.conftest import Wire

HIDDEN = "s3cret-of-the-operation"
URL = Secret(f"https://hooks.example.org/kit/grant/{HIDDEN}")
SIGNED_URL = "https://hooks.example.org/kit"


@pytest.fixture
def webhooks(crm: KitCrm) -> KitWebhooks:
    """The webhooks of the scripted service."""
    return crm.webhooks


def hook(**more: Any) -> dict[str, Any]:
    """An unsigned webhook as Kit shows it: without the event's prefix."""
    event = {"name": "tag_add", "tag_id": 11}
    return {"id": 2, "account_id": 9, "event": event, "target_url": URL.reveal()} | more


def endpoint(**more: Any) -> dict[str, Any]:
    """A signed webhook as Kit shows it."""
    facts = {"id": 7, "url": SIGNED_URL, "name": "ccops", "events": ["subscriber.tag_added"], "status": "active"}
    rest = {"source": "api", "description": "", "created_by_app": None, "created_at": "2026-11-01T00:00:00Z"}
    return {**facts, **rest, "previous_secret_expires_at": None} | more


SEVEN = WebhookEndpoint(7, SIGNED_URL, "ccops", ("subscriber.tag_added",), active=True)


def told(found: Hook) -> tuple[int, str, str, int | None]:
    """Return an unsigned webhook in the clear."""
    return found.id, found.url.reveal(), found.event, found.tag_id


def sent(wire: Wire) -> list[tuple[str, str, Any]]:
    """Return what was asked: method, target and body."""
    return [(asked.method, asked.target, json.loads(asked.body) if asked.body else None) for asked in wire.asked]


def test_a_hook_is_asked_for_with_the_prefix_and_read_without(wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reply(201, {"webhook": hook()})
    assert told(webhooks.create_hook(URL, 11)) == (2, URL.reveal(), "tag_add", 11)
    event = {"name": "subscriber.tag_add", "tag_id": 11}
    assert sent(wire) == [("POST", "/v4/webhooks", {"target_url": URL.reveal(), "event": event})]


def test_hooks_of_other_programs_are_read_whatever_they_look_like(wire: Wire, webhooks: KitWebhooks) -> None:
    others = [
        hook(),
        hook(id="3", event={"name": "subscriber.tag_add", "tag_id": "12"}),
        hook(id=4, event={"name": "subscriber_activate"}, target_url=None),
        hook(id=5, event=None, target_url="ftp://x"),
    ]
    wire.reply(200, {"webhooks": others[:2], "pagination": {"has_next_page": True, "end_cursor": "W10="}})
    wire.reply(200, {"webhooks": others[1:], "pagination": {"has_next_page": False}})
    assert [told(each) for each in webhooks.hooks()] == [
        (2, URL.reveal(), "tag_add", 11),
        (3, URL.reveal(), "tag_add", 12),
        (4, "", "subscriber_activate", None),
        (5, "ftp://x", "", None),
    ]
    assert [target for _, target, _ in sent(wire)] == [
        "/v4/webhooks?per_page=1000",
        "/v4/webhooks?per_page=1000&after=W10%3D",
    ]


def test_the_url_of_a_hook_is_not_shown_by_accident(wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reply(200, {"webhooks": [hook()]})
    assert HIDDEN not in repr(webhooks.hooks())


@pytest.mark.parametrize("quoted", [URL.reveal(), HIDDEN])
def test_a_refusal_that_quotes_the_url_is_told_without_its_secret(
    quoted: str, wire: Wire, webhooks: KitWebhooks
) -> None:
    wire.reply(422, {"errors": [f"Target url {quoted} is not reachable"]})
    with pytest.raises(Rejected) as caught:
        webhooks.create_hook(URL, 11)
    assert str(caught.value) == 'Kit refused it (422): "Target url … is not reachable"'
    assert caught.value.__cause__ is None


CREATIONS: dict[str, Callable[[KitWebhooks], object]] = {
    "hook": lambda webhooks: webhooks.create_hook(URL, 11),
    "endpoint": lambda webhooks: webhooks.create_endpoint(SIGNED_URL, "ccops"),
    "secret": lambda webhooks: webhooks.rotate_secret(7),
}
UNCLEAR: dict[str, Callable[[Wire], object]] = {
    "reset": lambda wire: wire.reset(),
    "500": lambda wire: wire.reply(500),
    "202": lambda wire: wire.reply(202),
    "empty": lambda wire: wire.reply(201, b""),
    "something else": lambda wire: wire.reply(201, {"webhook": [], "webhook_endpoint": endpoint()}),
}


@pytest.mark.parametrize("create", CREATIONS.values(), ids=CREATIONS)
@pytest.mark.parametrize("unclear", UNCLEAR.values(), ids=UNCLEAR)
def test_what_may_have_been_made_is_not_asked_for_again(
    unclear: Callable[[Wire], object], create: Callable[[KitWebhooks], object], wire: Wire, webhooks: KitWebhooks
) -> None:
    unclear(wire)
    with pytest.raises(OutcomeUnknown):
        create(webhooks)
    assert len(wire.asked) == 1


@pytest.mark.parametrize("create", CREATIONS.values(), ids=CREATIONS)
def test_what_was_only_put_off_is_asked_for_again(
    create: Callable[[KitWebhooks], object], wire: Wire, webhooks: KitWebhooks
) -> None:
    for _ in range(8):
        wire.reply(429, b"Retry later")
    with pytest.raises(RateLimited):
        create(webhooks)
    assert len(wire.asked) == 8


def test_an_endpoint_is_made_for_added_tags_and_tells_its_secret_once(wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reply(201, {"webhook_endpoint": endpoint(secret="whsec_1")})
    made = webhooks.create_endpoint(SIGNED_URL, "ccops")
    assert isinstance(made, SignedEndpoint)
    assert (made.endpoint, made.secret.reveal()) == (SEVEN, "whsec_1")
    assert "whsec_1" not in repr(made)
    body = {"url": SIGNED_URL, "name": "ccops", "events": ["subscriber.tag_added"]}
    assert sent(wire) == [("POST", "/v4/webhook_endpoints", body)]


def test_endpoints_are_listed_active_or_not(wire: Wire, webhooks: KitWebhooks) -> None:
    until = "2026-11-23T10:00:00.123Z"
    off = endpoint(id=8, status="disabled", events=[], name=None, previous_secret_expires_at=until)
    wire.reply(200, {"webhook_endpoints": [endpoint(), off]})
    assert webhooks.endpoints() == [
        SEVEN,
        WebhookEndpoint(8, SIGNED_URL, "", (), active=False, previous_until=datetime(2026, 11, 23, 10, tzinfo=UTC)),
    ]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_account_without_the_signed_kind_has_none(status: int, wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reply(status, {"errors": ["Not Found"]}).reply(status, {"errors": ["Not Found"]})
    assert (webhooks.endpoints(), webhooks.create_endpoint(SIGNED_URL, "ccops")) == (None, None)


def test_a_refused_key_is_no_matter_of_the_kind_for_unsigned_ones(wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reply(401, {"errors": ["The access token is invalid"]})
    with pytest.raises(KeyRefused):
        webhooks.hooks()


def test_a_refused_url_is_told(wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reply(422, {"errors": ["Url must be public"]})
    with pytest.raises(Rejected, match="Url must be public"):
        webhooks.create_endpoint("https://10.0.0.1/kit", "ccops")


def test_kit_that_keeps_failing_is_unreachable_not_without_the_kind(wire: Wire, webhooks: KitWebhooks) -> None:
    for _ in range(6):
        wire.reply(500)
    with pytest.raises(ServiceUnreachable):
        webhooks.endpoints()


def test_a_change_sets_everything_and_may_be_repeated(wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reset().reply(200, {"webhook_endpoint": endpoint()})
    assert webhooks.change_endpoint(7, SIGNED_URL) == SEVEN
    body = {"url": SIGNED_URL, "events": ["subscriber.tag_added"], "status": "active"}
    assert sent(wire) == [("PATCH", "/v4/webhook_endpoints/7", body)] * 2


@pytest.mark.parametrize("status", [204, 404])
def test_what_is_removed_is_gone(status: int, wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reset().reply(status, b"").reply(status, b"")
    webhooks.delete_hook(2)
    webhooks.delete_endpoint(7)
    targets = ["/v4/webhooks/2", "/v4/webhooks/2", "/v4/webhook_endpoints/7"]
    assert sent(wire) == [("DELETE", target, None) for target in targets]


def test_a_hook_that_kit_keeps_is_told(wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reply(422, {"errors": ["Unable to destroy the webhook."]})
    with pytest.raises(Rejected, match="Unable to destroy"):
        webhooks.delete_hook(2)


def test_a_rotation_tells_the_new_secret_and_how_long_the_old_one_lasts(wire: Wire, webhooks: KitWebhooks) -> None:
    until = "2026-11-23T10:00:00Z"
    wire.reply(409, {"errors": ["The previous signing secret is still within its rotation window."]})
    wire.reply(200, {"webhook_endpoint": endpoint(secret="whsec_2", previous_secret_expires_at=until)})
    with pytest.raises(Rejected) as caught:
        webhooks.rotate_secret(7)
    made = webhooks.rotate_secret(7, force=True)
    assert caught.value.status == 409
    assert (made.secret.reveal(), made.endpoint.previous_until) == ("whsec_2", datetime(2026, 11, 23, 10, tzinfo=UTC))
    target = "/v4/webhook_endpoints/7/rotate_secret"
    assert sent(wire) == [("POST", target, {}), ("POST", target, {"force": True})]


def test_an_old_secret_is_ended_at_once(wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reset().reply(200, {"webhook_endpoint": endpoint()})
    webhooks.revoke_previous_secret(7)
    assert sent(wire) == [("POST", "/v4/webhook_endpoints/7/revoke_previous_secret", {})] * 2


@pytest.mark.parametrize(
    "ask",
    [
        lambda webhooks: webhooks.change_endpoint(7, SIGNED_URL),
        lambda webhooks: webhooks.rotate_secret(7),
        lambda webhooks: webhooks.revoke_previous_secret(7),
    ],
)
def test_an_endpoint_that_is_gone_is_missing(
    ask: Callable[[KitWebhooks], object], wire: Wire, webhooks: KitWebhooks
) -> None:
    wire.reply(404, {"errors": ["Not Found"]})
    with pytest.raises(Missing, match=r"Kit has no webhook endpoint 7\."):
        ask(webhooks)


def test_one_endpoint_is_read_by_its_id_and_may_be_gone(wire: Wire, webhooks: KitWebhooks) -> None:
    wire.reply(200, {"webhook_endpoint": endpoint()}).reply(404, {"errors": ["Not Found"]})
    assert (webhooks.endpoint(7), webhooks.endpoint(7)) == (SEVEN, None)
    assert sent(wire) == [("GET", "/v4/webhook_endpoints/7", None)] * 2
