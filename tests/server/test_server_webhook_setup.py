"""Webhooks are made once, whatever crashes, lags or gets lost; old secrets are accepted until new ones are known."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ccops.app.webhooks import (
    EndpointGone,
    RotationUnconfirmed,
    WebhookContext,
    WebhookMade,
    WebhookUnconfirmed,
    alone,
    create_legacy,
    create_signed,
    ensure_secret,
    remove_legacy,
    remove_rows,
    remove_signed,
    rotate_operation,
    rotate_signed,
    survey,
)
from ccops.config.home import Home
from ccops.config.webhook_secrets import put_secret
from ccops.crm.http.rate_limit import NoRateLimit
from ccops.crm.kit.client import KitCrm
from ccops.operations.model import Tag
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from ccops.secret import Secret
from tests.cli.dialogs import call_kit
from tests.kit.conftest import FakeClock
from tests.server.hooks import BASE, Dying, Killed, Works, operation_with

MOVED = "https://other.example.org"


@pytest.fixture
def works(kit: Sandbox, tmp_path: Path) -> Iterator[Works]:
    tag, clock, home = Tag(kit.add_tag("Paid"), "Paid"), FakeClock(), Home(tmp_path / "home")
    home.make()
    with KitCrm(Secret(kit.settings.key), api_url=kit.url, pacer=NoRateLimit(), clock=clock) as crm:
        yield Works(kit, home, crm, clock, operation_with(tag), tag)


def legacy(works: Works, base: str = BASE) -> WebhookMade:
    return create_legacy(works.bench, "pay", works.tag, base)


# Made once


def test_the_signed_webhook_is_made_once(works: Works) -> None:
    first, again = create_signed(works.bench, BASE), create_signed(works.bench, BASE)
    assert (first, again) == (WebhookMade("signed", None, "made"), WebhookMade("signed", None, "there"))
    assert works.signed_at_kit() == [(works.secrets.kit_webhook_id, f"{BASE}/kit")]
    assert works.states() == [("signed", None, "ok")]


def test_a_legacy_webhook_is_made_once(works: Works) -> None:
    first, again = legacy(works), legacy(works)
    assert (first, again) == (WebhookMade("legacy", "pay", "made"), WebhookMade("legacy", "pay", "there"))
    [hook], secret = works.at_kit(), works.secrets.of("pay")
    assert secret is not None
    assert (hook.url.reveal(), hook.tag_id) == (f"{BASE}/kit/pay/{secret.reveal()}", works.tag.id)
    assert works.states() == [("legacy", "pay", "ok")]


@pytest.mark.parametrize("lag", [30, 300])
def test_lists_that_lag_lead_to_no_second_one(lag: int, works: Works) -> None:
    works.kit.settings.lag = lag
    for _ in range(3):
        create_signed(works.bench, BASE)
        legacy(works)
    assert (len(works.signed_at_kit()), len(works.at_kit())) == (1, 1)
    assert works.opened() == [True]
    assert works.states() == [("signed", None, "ok"), ("legacy", "pay", "ok")]


def test_a_list_that_shows_what_is_gone_is_not_believed(works: Works) -> None:
    legacy(works)
    create_signed(works.bench, BASE)
    works.kit.settings.lag = 30
    assert remove_legacy(works.bench, "pay", BASE) == 1
    assert remove_signed(works.bench)
    assert (works.at_kit(), works.signed_at_kit()) == ([], [])
    legacy(works)
    create_signed(works.bench, BASE)
    assert (len(works.at_kit()), len(works.signed_at_kit())) == (1, 1)


@pytest.mark.parametrize("status", [401, 404])
def test_an_account_without_the_signed_kind_is_told(status: int, works: Works) -> None:
    works.kit.settings.webhook_endpoints = 401 if status == 401 else 404
    assert create_signed(works.bench, BASE) is None
    assert works.states() == [("legacy", "pay", "missing")]


def test_webhooks_of_other_programs_are_left_alone(works: Works) -> None:
    others = [Secret("https://zapier.example.org/hooks/1"), Secret("https://old.example.org/kit/pay/0123456789abcdef")]
    for url in others:
        works.crm.webhooks.create_hook(url, works.tag.id)
    works.crm.webhooks.create_endpoint("https://zapier.example.org/hooks/2", "zap")
    legacy(works)
    create_signed(works.bench, BASE)
    rotate_operation(works.bench, "pay", works.tag)
    remove_legacy(works.bench, "pay", BASE)
    remove_signed(works.bench)
    assert {hook.url.reveal() for hook in works.at_kit()} == {url.reveal() for url in others}
    assert [url for _, url in works.signed_at_kit()] == ["https://zapier.example.org/hooks/2"]
    assert works.states() == [("legacy", "pay", "foreign"), ("signed", "pay", "missing")]


# Moved, switched off, left over


def test_webhooks_follow_the_address(works: Works) -> None:
    legacy(works)
    create_signed(works.bench, BASE)
    was = works.secrets.kit_webhook_id
    assert [(row.kind, row.state) for row in works.rows(MOVED)] == [("signed", "elsewhere"), ("legacy", "elsewhere")]
    assert (create_signed(works.bench, MOVED), legacy(works, MOVED)) == (
        WebhookMade("signed", None, "changed"),
        WebhookMade("legacy", "pay", "changed", 1),
    )
    assert works.signed_at_kit() == [(was, f"{MOVED}/kit")]
    assert [row.state for row in works.rows(MOVED)] == ["ok", "ok"]


def test_a_webhook_follows_its_operations_tag(works: Works) -> None:
    legacy(works)
    other = Tag(works.kit.add_tag("Other"), "Other")
    changed = operation_with(other)
    assert [row.state for row in works.rows(BASE, changed)] == ["left-over", "missing"]
    create_legacy(works.bench, "pay", other, BASE)
    assert [row.state for row in works.rows(BASE, changed)] == ["ok"]


def test_a_signed_webhook_that_kit_switched_off_is_switched_on(works: Works) -> None:
    create_signed(works.bench, BASE)
    call_kit(works.kit, "PATCH", f"/v4/webhook_endpoints/{works.secrets.kit_webhook_id}", {"status": "disabled"})
    assert works.states() == [("signed", None, "broken")]
    assert create_signed(works.bench, BASE) == WebhookMade("signed", None, "changed")
    assert works.states() == [("signed", None, "ok")]


def test_a_signed_webhook_that_is_gone_is_made_again(works: Works) -> None:
    create_signed(works.bench, BASE)
    works.crm.webhooks.delete_endpoint(works.secrets.kit_webhook_id or 0)
    assert works.states() == [("signed", "pay", "missing")]
    with pytest.raises(EndpointGone):
        rotate_signed(works.bench, at_once=False)
    assert create_signed(works.bench, BASE) == WebhookMade("signed", None, "made")


def test_what_is_left_over_is_removed_and_nothing_else(works: Works) -> None:
    works.crm.webhooks.create_endpoint(f"{BASE}/kit", "ccops")
    works.crm.webhooks.create_hook(Secret(f"{BASE}/kit/gone/0123456789abcdef"), works.tag.id)
    works.crm.webhooks.create_hook(Secret(f"{MOVED}/kit/pay/0123456789abcdef"), works.tag.id)
    legacy(works)
    rows = survey(works.bench, {"pay": works.operation}, BASE)
    assert [(row.kind, row.operation, row.state) for row in rows] == [
        ("signed", None, "left-over"),
        ("legacy", "pay", "ok"),
        ("legacy", "pay", "foreign"),
        ("legacy", "gone", "left-over"),
    ]
    assert remove_rows(works.bench, [row for row in rows if row.state == "left-over"]) == 2
    assert works.states() == [("legacy", "pay", "ok"), ("legacy", "pay", "foreign")]


def test_what_was_made_here_and_is_left_over_is_forgotten_with_it(works: Works) -> None:
    legacy(works)
    rows = works.rows(BASE, operation_with(None))
    assert [(row.state, row.why) for row in rows] == [
        ("left-over", "it is for a tag that does not start the operation")
    ]
    remove_rows(works.bench, rows)
    assert (works.secrets.kit_hooks, works.at_kit()) == ({}, [])


def test_several_that_create_at_once_make_one(works: Works) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = [*pool.map(lambda _: create_signed(works.bench, BASE), range(4))]
        made += pool.map(lambda _: legacy(works), range(4))
    assert sorted(each.how for each in made if each) == ["made"] * 2 + ["there"] * 6
    assert (len(works.at_kit()), len(works.signed_at_kit())) == (1, 1)


def test_no_row_shows_a_secret(works: Works) -> None:
    legacy(works)
    secret = works.secrets.of("pay")
    assert secret is not None
    assert all(secret.reveal() not in repr(row) for base in (BASE, MOVED, None) for row in works.rows(base))


# Lost answers


def create_both(works: Works) -> None:
    legacy(works)
    create_signed(works.bench, BASE)


def test_a_creation_whose_answer_was_lost_is_found(works: Works) -> None:
    for path in ("/v4/webhooks$", "/v4/webhook_endpoints$"):
        works.kit.faults.add(Fault("reset", "POST", path, when="after"))
    create_both(works)
    assert (len(works.at_kit()), len(works.signed_at_kit())) == (1, 1)
    assert works.states() == [("signed", None, "ok"), ("legacy", "pay", "ok")]


@pytest.mark.parametrize("path", ["/v4/webhooks$", "/v4/webhook_endpoints$"])
def test_a_creation_that_got_lost_on_its_way_is_told_and_may_be_repeated(path: str, works: Works) -> None:
    works.kit.faults.add(Fault("reset", "POST", path))
    with pytest.raises(WebhookUnconfirmed, match="whether Kit has made the webhook is not known"):
        create_both(works)
    create_both(works)
    assert (len(works.at_kit()), len(works.signed_at_kit())) == (1, 1)


def test_a_signed_creation_lost_twice_is_mended_by_the_next(works: Works) -> None:
    works.kit.faults.add(Fault("reset", "POST", "/v4/webhook_endpoints$", when="after", times=2))
    with pytest.raises(WebhookUnconfirmed):
        create_signed(works.bench, BASE)
    assert works.states() == [("signed", None, "left-over"), ("signed", "pay", "missing")]
    assert create_signed(works.bench, BASE) == WebhookMade("signed", None, "made", 1)
    assert works.states() == [("signed", None, "ok")]


def test_a_creation_that_was_lost_behind_a_lagging_list_is_found_by_waiting(works: Works) -> None:
    works.kit.settings.clock = works.clock.now
    works.kit.settings.lag = 30
    for path in ("/v4/webhooks$", "/v4/webhook_endpoints$"):
        works.kit.faults.add(Fault("reset", "POST", path, when="after"))
    create_both(works)
    assert (len(works.at_kit()), len(works.signed_at_kit())) == (1, 1)


def test_an_unreachable_kit_changes_nothing(works: Works) -> None:
    legacy(works)
    create_signed(works.bench, BASE)
    before = works.home.config.read_bytes()
    works.kit.faults.add(Fault("status", times=None))
    acts: list[Callable[[], object]] = [
        lambda: legacy(works, MOVED),
        lambda: create_signed(works.bench, MOVED),
        lambda: rotate_operation(works.bench, "pay", works.tag),
        lambda: remove_legacy(works.bench, "pay", BASE),
    ]
    for act in acts:
        with pytest.raises(Exception, match="Kit"):
            act()
    assert works.home.config.read_bytes() == before


# Secrets


def test_a_rotation_leaves_one_webhook_with_the_new_secret(works: Works) -> None:
    legacy(works)
    old = works.secrets.of("pay")
    assert rotate_operation(works.bench, "pay", works.tag)
    [hook], new = works.at_kit(), works.secrets.of("pay")
    assert old is not None
    assert new is not None
    assert hook.url.equals(f"{BASE}/kit/pay/{new.reveal()}")
    assert not new.equals(old.reveal())
    assert len(works.secrets.accepted("pay")) == 1


def test_a_rotation_of_what_only_posts_use_asks_kit_for_no_webhook(works: Works) -> None:
    put_secret(works.home, "pay", Secret("0123456789abcdef"))
    assert not rotate_operation(works.bench, "pay", None)
    assert works.at_kit() == []
    assert [secret.equals("0123456789abcdef") for secret in works.secrets.accepted("pay")] == [False]


def test_kit_signs_with_the_old_secret_too_for_a_day(works: Works) -> None:
    create_signed(works.bench, BASE)
    [first] = works.secrets.kit
    rotated = rotate_signed(works.bench, at_once=False)
    secrets = works.secrets
    assert rotated is not None
    assert rotated.until == secrets.kit_until
    assert rotated.until is not None
    assert [secret.equals(first.reveal()) for secret in secrets.kit] == [False, True]
    assert len(secrets.kit_at(rotated.until)) == 1
    assert works.states() == [("signed", None, "ok")]


def test_a_second_rotation_on_the_same_day_is_forced(works: Works) -> None:
    create_signed(works.bench, BASE)
    rotate_signed(works.bench, at_once=False)
    second = works.secrets.kit[0]
    rotate_signed(works.bench, at_once=False)
    assert works.secrets.kit[1].equals(second.reveal())
    assert works.states() == [("signed", None, "ok")]


def test_a_leaked_secret_ends_at_once(works: Works) -> None:
    create_signed(works.bench, BASE)
    first = works.secrets.kit[0]
    rotated = rotate_signed(works.bench, at_once=True)
    assert rotated is not None
    assert (rotated.until, works.secrets.kit_until) == (None, None)
    assert [secret.equals(first.reveal()) for secret in works.secrets.kit] == [False]
    assert works.states() == [("signed", None, "ok")]


def test_a_new_secret_that_was_lost_is_seen_and_replaced(works: Works) -> None:
    create_signed(works.bench, BASE)
    first = works.secrets.kit[0]
    works.kit.faults.add(Fault("reset", "POST", "rotate_secret", when="after"))
    with pytest.raises(RotationUnconfirmed):
        rotate_signed(works.bench, at_once=False)
    assert [secret.equals(first.reveal()) for secret in works.secrets.kit] == [True]
    assert works.states() == [("signed", None, "broken")]
    assert create_signed(works.bench, BASE) == WebhookMade("signed", None, "changed")
    assert works.states() == [("signed", None, "ok")]


def test_nothing_signed_has_no_secret_to_rotate(works: Works) -> None:
    assert rotate_signed(works.bench, at_once=False) is None
    assert not remove_signed(works.bench)


def test_a_secret_is_made_when_it_is_first_asked_for(works: Works) -> None:
    with alone(works.home) as secrets:
        made = ensure_secret(works.home, "pay", secrets)
    with alone(works.home) as secrets:
        assert ensure_secret(works.home, "pay", secrets).equals(made.reveal())


# Killed anywhere

ACTS: dict[str, Callable[[WebhookContext, Works], object]] = {
    "create signed": lambda bench, _: create_signed(bench, BASE),
    "create legacy": lambda bench, works: create_legacy(bench, "pay", works.tag, BASE),
    "move signed": lambda bench, _: create_signed(bench, BASE),
    "move legacy": lambda bench, works: create_legacy(bench, "pay", works.tag, BASE),
    "rotate": lambda bench, works: rotate_operation(bench, "pay", works.tag),
    "rotate signed": lambda bench, _: rotate_signed(bench, at_once=False),
    "rotate at once": lambda bench, _: rotate_signed(bench, at_once=True),
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 6))
@pytest.mark.parametrize("act", ACTS)
def test_killed_at_any_call_the_same_again_ends_with_one_that_works(
    act: str, call: int, after: bool, works: Works
) -> None:
    if "move" in act:
        legacy(works, MOVED)
        create_signed(works.bench, MOVED)
    elif "rotate" in act:
        legacy(works)
        create_signed(works.bench, BASE)
    dying = Dying(works.crm.webhooks, call, after=after)
    with suppress(Killed):
        ACTS[act](works.bench_with(dying), works)
    if "rotate" in act:
        assert any(works.opened())
    again = Dying(works.crm.webhooks, told=dying.told)
    ACTS[act](works.bench_with(again), works)
    kind = "legacy" if act in {"create legacy", "move legacy", "rotate"} else "signed"
    rows = [row for row in works.rows() if row.kind == kind]
    assert [row.state for row in rows] == ["ok"]
    assert set(works.opened()) <= {True}
    assert len(works.secrets.accepted("pay")) <= 1
    if again.told:
        assert works.secrets.kit[0].equals(again.told[-1])
