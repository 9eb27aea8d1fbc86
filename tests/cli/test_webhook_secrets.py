"""`ccops webhook rotate` and `remove`, `op remove` beside a webhook, and the doctor's look at them."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ccops.config.home import Home
from ccops.config.webhook_secrets import Secrets, load_secrets
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import call_kit
from tests.cli.practice import Practice, open_practice

BASE = "https://hooks.example.org"


@pytest.fixture
def practice(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Practice:
    return open_practice(kit, environ, ccops)


@pytest.fixture
def hooked(practice: Practice) -> Practice:
    """A home with webhooks of both kinds."""
    practice("webhook", "create", "--url", BASE)
    practice("webhook", "create", "--legacy")
    return practice


def secrets_of(practice: Practice) -> Secrets:
    return load_secrets(Home(practice.home))


def at_kit(practice: Practice) -> tuple[list[str], list[str]]:
    """Return where Kit's webhooks send: the unsigned, and the signed ones."""
    hooks = call_kit(practice.kit, "GET", "/v4/webhooks").json()["webhooks"]
    endpoints = call_kit(practice.kit, "GET", "/v4/webhook_endpoints").json()["webhook_endpoints"]
    return [row["target_url"] for row in hooks], [row["url"] for row in endpoints]


def shown(practice: Practice) -> Any:
    return json.loads(practice("webhook", "show", "payment-credit", "--json").out)


def safe(practice: Practice, ended: Ended) -> Ended:
    """Return what a call left, once it is sure that no secret of the receiver is in it."""
    secrets = secrets_of(practice)
    held = [*secrets.kit, *(secret for pair in secrets.operations.values() for secret in pair)]
    assert not [secret for secret in held if secret.reveal() in ended.out + ended.err]
    return ended


# rotate


def test_a_rotation_gives_kit_the_new_address_and_both_signatures_a_day(hooked: Practice) -> None:
    before = shown(hooked)
    ended = safe(hooked, hooked("webhook", "rotate", "payment-credit"))
    after = shown(hooked)
    assert ended.status == 0
    assert ended.out.splitlines()[:2] == [
        "payment-credit has a new secret; the old one is not accepted any more.",
        "Kit has the new address.",
    ]
    assert ended.out.splitlines()[2].startswith("Kit signs with a new secret; the old one is accepted too until 20"), (
        ended.out
    )
    assert before["secret"] != after["secret"]
    assert at_kit(hooked) == ([after["kit_url"]], [f"{BASE}/kit"])
    assert len(secrets_of(hooked).kit) == 2


def test_what_has_leaked_ends_at_once(hooked: Practice) -> None:
    ended = safe(hooked, hooked("webhook", "rotate", "payment-credit", "--at-once"))
    assert ended.out.splitlines()[2] == "Kit signs with a new secret; the old one is not accepted any more."
    assert len(secrets_of(hooked).kit) == 1


def test_an_operation_without_tag_gets_a_new_secret_for_its_posts(hooked: Practice) -> None:
    ended = safe(hooked, hooked("webhook", "rotate", "monthly-grant"))
    assert ended.out == "monthly-grant has a new secret; the old one is not accepted any more.\n"
    assert len(secrets_of(hooked).kit) == 1


def test_a_lost_new_secret_is_told_and_mended(hooked: Practice) -> None:
    hooked.kit.faults.add(Fault("reset", "POST", "rotate_secret", when="after"))
    ended = safe(hooked, hooked("webhook", "rotate", "payment-credit"))
    assert ended.status == 4
    assert ended.err.splitlines()[-1].strip() == "ccops webhook create"
    assert [row[0] for row in hooked.wrong()] == ["webhooks"]
    assert hooked("webhook", "create").status == 0
    assert hooked.wrong() == []


# remove


def test_an_operations_own_webhook_is_removed_and_the_one_for_all_if_nobody_else_needs_it(hooked: Practice) -> None:
    ended = safe(hooked, hooked("webhook", "remove", "payment-credit"))
    assert (ended.status, ended.out) == (0, "Removed 2 webhooks of payment-credit from Kit.\n")
    assert at_kit(hooked) == ([], [])
    assert shown(hooked)["secret"], "which POSTs may need"


def test_the_one_for_all_stays_while_another_operation_needs_it(hooked: Practice) -> None:
    hooked("tag", "create", "monthly-grant")
    first, again = (safe(hooked, hooked("webhook", "remove", "payment-credit")) for _ in range(2))
    assert (first.out, again.out) == (
        "Removed 1 webhook of payment-credit from Kit.\n",
        "Kit has no webhook of payment-credit alone.\n",
    )
    assert "ccops op pause payment-credit" in first.err
    assert at_kit(hooked) == ([], [f"{BASE}/kit"])


def test_all_of_this_home_are_removed_if_that_is_confirmed(hooked: Practice) -> None:
    refused = safe(hooked, hooked("webhook", "remove"))
    assert (refused.status, len(at_kit(hooked)[0])) == (2, 1)
    ended = safe(hooked, hooked("webhook", "remove", "--yes"))
    assert (ended.status, ended.out) == (0, "Removed 2 webhooks from Kit.\n")
    assert at_kit(hooked) == ([], [])
    assert hooked("webhook", "remove", "--yes").out == "Kit has no webhooks of this home.\n"


def test_a_person_is_asked_before_all_are_removed(hooked: Practice, terminal: Callable[..., Ended]) -> None:
    ended = terminal("webhook", "remove", answers=["n"], **hooked.environ)
    assert "Remove 2 webhooks from Kit? [y/N]" in ended.out
    assert ended.out.endswith("Nothing was changed.\n")
    assert len(at_kit(hooked)[0]) == 1


def test_what_is_left_over_is_removed_alone(hooked: Practice) -> None:
    event = {"name": "subscriber.tag_add", "tag_id": hooked.kit.add_tag("ccops: payment-credit")}
    for url in (f"{BASE}/kit/gone/0123456789abcdef", "https://zapier.example.org/1"):
        call_kit(hooked.kit, "POST", "/v4/webhooks", {"target_url": url, "event": event})
    ended = safe(hooked, hooked("webhook", "remove", "--all-left-over", "--yes"))
    assert (ended.status, ended.out) == (0, "Removed 1 webhook from Kit.\n")
    assert at_kit(hooked) == (["https://zapier.example.org/1", shown(hooked)["kit_url"]], [f"{BASE}/kit"])
    assert hooked("webhook", "remove", "--all-left-over").out == "No webhook is left over.\n"


# op remove


def test_an_operation_is_not_removed_while_its_webhook_lives(hooked: Practice) -> None:
    hooked("tag", "unbind", "payment-credit")
    refused = hooked("op", "remove", "payment-credit", "--yes")
    assert (refused.status, refused.out) == (2, "")
    assert "Kit still sends a webhook to payment-credit" in refused.err
    assert refused.err.splitlines()[-1].strip() == "ccops op remove payment-credit --with-tag"
    ended = hooked("op", "remove", "payment-credit", "--with-tag", "--yes")
    assert (ended.status, ended.out) == (
        0,
        "Removed its webhook from Kit.\nRemoved payment-credit; its history stays.\n",
    )
    assert at_kit(hooked)[0] == []
    assert secrets_of(hooked).of("payment-credit") is None


def test_with_its_tag_an_operation_loses_its_webhook_too(hooked: Practice) -> None:
    ended = hooked("op", "remove", "payment-credit", "--with-tag", "--yes")
    assert (ended.status, at_kit(hooked)[0]) == (0, [])


def test_a_secret_of_posts_goes_with_the_operation(practice: Practice) -> None:
    practice("webhook", "show", "monthly-grant", "--url", BASE)
    assert practice("op", "remove", "monthly-grant", "--yes").status == 0
    assert secrets_of(practice) == Secrets()


# doctor


def test_the_doctor_finds_webhooks_in_order(hooked: Practice) -> None:
    rows = hooked.findings()["webhooks"]
    assert [(row["ok"], row["text"]) for row in rows] == [
        (True, "Kit tells of all trigger tags, signed; Kit tells of 1 trigger tag, unsigned")
    ]


def test_a_home_that_polls_alone_needs_no_webhooks(practice: Practice) -> None:
    assert "webhooks" not in practice.findings()


@pytest.mark.parametrize("kind", ["webhooks", "webhook_endpoints"])
def test_the_doctor_misses_what_was_removed_at_kit(kind: str, practice: Practice) -> None:
    practice("webhook", "create", "--url", BASE, *(["--legacy"] if kind == "webhooks" else []))
    made = call_kit(practice.kit, "GET", f"/v4/{kind}").json()[kind][0]["id"]
    call_kit(practice.kit, "DELETE", f"/v4/{kind}/{made}")
    config = practice.home / "config.toml"
    config.write_text(re.sub(r'made = "\d{4}', 'made = "2020', config.read_text()))  # long enough for Kit's list
    assert practice.wrong() == [
        (
            "webhooks",
            "payment-credit: Kit tells nobody when its tag is added",
            "ccops webhook create payment-credit",
        )
    ]


def test_the_doctor_finds_webhooks_that_send_elsewhere(hooked: Practice) -> None:
    text = (hooked.home / "config.toml").read_text()
    (hooked.home / "config.toml").write_text(text.replace(f'public_url = "{BASE}"', 'public_url = "https://b.example"'))
    assert [(area, mend) for area, _, mend in hooked.wrong()] == [
        ("webhooks", "ccops webhook create"),
        ("webhooks", "ccops webhook create payment-credit"),
    ]


def test_the_doctor_shows_no_secret(hooked: Practice) -> None:
    hooked("tag", "unbind", "payment-credit")
    assert [row[0] for row in hooked.wrong()] == ["webhooks"]
    safe(hooked, hooked("doctor"))
