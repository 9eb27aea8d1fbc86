"""`ccops webhook create`, `list` and `show`: what a person sees, and that a secret is in `show` alone."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.practice import Practice, open_practice

pytestmark = pytest.mark.slow

BASE = "https://hooks.example.org"
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@pytest.fixture
def practice(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Practice:
    return open_practice(kit, environ, ccops)


def secrets_of(practice: Practice) -> list[str]:
    """Return every secret of the receiver that the home holds."""
    text = (practice.home / "config.toml").read_text()
    return [found for found in re.findall(r'"([^"]*)"', text) if SECRET.search(found) or found.startswith("whsec_")]


def quiet(practice: Practice, *words: str, **more: str) -> Ended:
    """Call ccops and be sure that it shows no secret of the receiver."""
    ended = practice("webhook", *words, **more)
    assert not [secret for secret in secrets_of(practice) if secret in ended.out + ended.err]
    return ended


def listed(practice: Practice, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in quiet(practice, "list", "--json", *words).out.splitlines()]


def public_url(home: Path) -> list[str]:
    return [line for line in (home / "config.toml").read_text().splitlines() if line.startswith("public_url")]


# create


def test_the_signed_kind_is_made_first_and_once(practice: Practice) -> None:
    first = quiet(practice, "create", "--url", BASE)
    again = quiet(practice, "create", "payment-credit")
    assert (first.status, first.out) == (0, f"Kit now tells ccops of all trigger tags, signed: {BASE}/kit\n")
    assert (again.status, again.out) == (0, f"Kit already tells ccops of all trigger tags, signed: {BASE}/kit\n")
    assert public_url(practice.home) == [f'public_url = "{BASE}"']
    assert practice.kit.counts["POST", "/v4/webhook_endpoints"] == 1


@pytest.mark.parametrize("status", [401, 404])
def test_without_the_signed_kind_each_operation_gets_an_older_one(status: Any, practice: Practice) -> None:
    practice.kit.settings.webhook_endpoints = status
    ended = quiet(practice, "create", "--url", BASE)
    assert ended == Ended(
        0,
        f'Kit now tells ccops of the tag "ccops: payment-credit": {BASE}/kit/payment-credit/…\n',
        "Kit has no signed webhooks for this account; the older kind is used, one an operation.\n"
        f'Remembered public_url = "{BASE}" in config.toml.\n'
        "Next: keep ccops serve running, where that address leads to.\n",
    )


def test_the_older_kind_can_be_asked_for(practice: Practice) -> None:
    for said in ("now", "already"):
        ended = quiet(practice, "create", "payment-credit", "--legacy", "--url", BASE)
        assert (ended.status, ended.out.split()[1]) == (0, said)
    assert practice.kit.counts["POST", "/v4/webhooks"] == 1


def test_another_address_than_the_one_that_is_set_is_warned_of(practice: Practice) -> None:
    quiet(practice, "create", "--url", BASE)
    ended = quiet(practice, "create", "--url", "https://other.example.org/ccops/")
    assert ended.out == "Kit again tells ccops of all trigger tags, signed: https://other.example.org/ccops/kit\n"
    assert f"warning: public_url in config.toml is {BASE}" in ended.err
    assert public_url(practice.home) == [f'public_url = "{BASE}"']


REFUSED = [
    (["create"], "it is not known where the world reaches ccops serve", "ccops webhook create --url "),
    (["create", "monthly-grant", "--url", BASE], "monthly-grant has no trigger tag", "ccops tag create monthly-grant"),
    (["create", "payment-kredit", "--url", BASE], 'no operation is called "payment-kredit"', "payment-credit"),
    (["create", "--url", "http://hooks.example.org"], "--url is plain http to hooks.example.org", "with https://"),
    (["create", "--url", "https://ann:pw@hooks.example.org"], "--url is not the address of a server", "like https://"),
    (["create", "--url", "hooks.example.org"], "--url is not the address of a server", "like https://"),
    (["show", "payment-credit"], "it is not known where the world", "ccops webhook show payment-credit --url "),
    (["show", "payment-kredit", "--url", BASE], "no operation is called", "payment-credit"),
    (["remove", "payment-credit", "--all-left-over"], "give it alone", "ccops webhook remove --all-left-over"),
    (["remove", "payment-kredit"], "no operation is called", "payment-credit"),
    (["rotate", "payment-kredit"], "no operation is called", "payment-credit"),
]


@pytest.mark.parametrize(("words", "said", "mend"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_what_cannot_be_is_refused_before_kit_is_asked(
    words: list[str], said: str, mend: str, practice: Practice
) -> None:
    practice.kit.forget()
    before = (practice.home / "config.toml").read_bytes()
    ended = quiet(practice, *words)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert mend in ended.err
    assert [method for method, _ in practice.kit.counts if method != "GET"] == []
    assert (practice.home / "config.toml").read_bytes() == before


def test_operations_without_tags_need_no_webhook(practice: Practice) -> None:
    practice("tag", "unbind", "payment-credit")
    ended = quiet(practice, "create", "--url", BASE)
    assert (ended.status, ended.out) == (2, "")
    assert "no operation has a trigger tag" in ended.err


def test_this_machine_may_be_reached_without_https(practice: Practice) -> None:
    assert quiet(practice, "create", "--url", "http://127.0.0.1:8750").status == 0


def test_an_address_that_kit_refuses_is_told_without_its_secret(practice: Practice) -> None:
    practice.kit.settings.webhook_endpoints = 404
    practice.kit.faults.add(Fault("status", "POST", "/v4/webhooks$", status=422))
    ended = quiet(practice, "create", "--url", BASE)
    assert (ended.status, ended.out) == (1, "")
    assert "Kit refused it (422)" in ended.err


def test_a_refused_key_is_told_as_such(practice: Practice) -> None:
    ended = quiet(practice, "create", "--url", BASE, KIT_API_KEY="kit_another")
    assert (ended.status, ended.out) == (3, "")


# list


def test_the_list_names_what_is_missing_and_what_makes_it(practice: Practice) -> None:
    ended = quiet(practice, "list")
    assert ended == Ended(
        0,
        "payment-credit\tsigned\tmissing\t-\n",
        "payment-credit: Kit tells nobody when its tag is added.\n  ccops webhook create payment-credit\n",
    )


def test_the_list_pins_its_keys(practice: Practice) -> None:
    quiet(practice, "create", "--url", BASE)
    [row] = listed(practice)
    assert row == {
        "operation": None,
        "kind": "signed",
        "state": "ok",
        "id": row["id"],
        "url": f"{BASE}/kit",
        "reason": None,
        "mend": None,
    }


def test_the_list_compares_both_kinds(practice: Practice) -> None:
    quiet(practice, "create", "--url", BASE)
    quiet(practice, "create", "--legacy")
    elsewhere = listed(practice, "--url", "https://other.example.org")
    practice("tag", "unbind", "payment-credit")
    shown = [(row["kind"], row["operation"], row["state"]) for row in [*elsewhere, *listed(practice)]]
    assert shown == [
        ("signed", None, "elsewhere"),
        ("legacy", "payment-credit", "elsewhere"),
        ("signed", None, "ok"),
        ("legacy", "payment-credit", "left-over"),
    ]


def test_without_webhooks_and_tags_the_list_says_so(practice: Practice) -> None:
    practice("tag", "unbind", "payment-credit")
    assert quiet(practice, "list") == Ended(
        0, "", "Kit has no webhooks of ccops, and no operation has a trigger tag.\n"
    )


def test_a_terminal_gets_a_table(practice: Practice, terminal: Callable[..., Ended]) -> None:
    quiet(practice, "create", "--url", BASE)
    shown = terminal("webhook", "list", **practice.environ, NO_COLOR="1").out.splitlines()
    assert [line.split() for line in shown] == [
        ["OPERATION", "KIND", "STATE", "SENDS", "TO"],
        ["(all)", "signed", "ok", f"{BASE}/kit"],
    ]


# show


def test_show_gives_what_to_paste_elsewhere(practice: Practice) -> None:
    ended = practice("webhook", "show", "payment-credit", "--url", BASE, "--json")
    shown = json.loads(ended.out)
    [secret] = secrets_of(practice)
    assert shown == {
        "operation": "payment-credit",
        "kit_url": f"{BASE}/kit/payment-credit/{secret}",
        "post_url": f"{BASE}/operations/payment-credit",
        "secret": secret,
    }
    assert SECRET.fullmatch(secret)


def test_show_makes_a_secret_once(practice: Practice) -> None:
    words = ("webhook", "show", "monthly-grant", "--url", BASE, "--json")
    first, again = practice(*words), practice(*words)
    assert first.out == again.out
    assert (practice.home / "config.toml").stat().st_mode & 0o777 == 0o600


def test_show_asks_nothing_of_kit(practice: Practice) -> None:
    practice.kit.forget()
    practice("webhook", "show", "payment-credit", "--url", BASE)
    assert practice.kit.counts.total() == 0


def test_show_tells_a_person_where_each_part_goes(practice: Practice) -> None:
    ended = practice("webhook", "show", "payment-credit", "--url", BASE)
    [secret] = secrets_of(practice)
    assert ended.out.splitlines() == [
        f"POST to       {BASE}/operations/payment-credit",
        f"with header   Authorization: Bearer {secret}",
        f"or in one     {BASE}/operations/payment-credit?key={secret}",
        f"Kit sends to  {BASE}/kit/payment-credit/{secret}",
    ]
    assert secret not in ended.err
    assert "Kit sends to" not in practice("webhook", "show", "monthly-grant", "--url", BASE).out
