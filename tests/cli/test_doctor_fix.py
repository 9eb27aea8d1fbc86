"""`ccops doctor --fix` mends what can't be meant otherwise, says so, and looks again."""

import os
import stat
import time
from collections.abc import Callable

import pytest

from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, call_kit, delete_field
from tests.cli.practice import Practice, open_practice

pytestmark = pytest.mark.slow

PAYMENT = "[operations.payment-credit]\n"


@pytest.fixture
def practice(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Practice:
    return open_practice(kit, environ, ccops)


def mended(practice: Practice, **more: str) -> list[str]:
    return [row["text"] for row in practice.findings("--fix", **more).get("mended", [])]


def test_there_is_nothing_to_mend_in_a_home_in_order(practice: Practice) -> None:
    practice.kit.forget()
    assert mended(practice) == []
    assert {method for method, _ in practice.kit.counts} == {"GET"}


def test_open_files_are_closed_to_others(practice: Practice) -> None:
    practice.home.chmod(0o755)
    (practice.home / "config.toml").chmod(0o644)
    assert len(practice.wrong()) == 2
    assert mended(practice) == [
        "home is yours alone now (it had mode 755)",
        "config.toml is yours alone now (it had mode 644)",
    ]
    assert stat.S_IMODE((practice.home / "config.toml").stat().st_mode) == 0o600
    assert practice.wrong() == []


def test_a_draft_that_may_hold_the_key_is_removed_once_it_is_nobodys(practice: Practice) -> None:
    draft = practice.home / ".config.toml.abc"
    draft.write_text(f'api_key = "{KEY}"')
    draft.chmod(0o600)
    os.utime(draft, (time.time(), time.time()))
    assert practice.wrong() == [], "somebody may be writing it right now"
    os.utime(draft, (time.time() - 120, time.time() - 120))
    assert [area for area, _, _ in practice.wrong()] == ["home"]
    assert mended(practice) == [".config.toml.abc, left from a write that was broken off, is gone"]
    assert not draft.exists()


def test_a_receipt_field_that_is_gone_is_made_again(practice: Practice) -> None:
    practice("run", "payment-credit", "ann@example.org")
    delete_field(practice.kit, "ccops receipt")
    assert practice.wrong()
    assert mended(practice) == ['the field "ccops receipt" was made again in Kit (key ccops_receipt)']
    assert practice.wrong() == []
    assert practice("run", "payment-credit", "ann@example.org").status == 0
    assert practice.credits("ann") == "25"


def test_a_trigger_tag_that_was_renamed_in_kit_is_called_so_here_too(practice: Practice) -> None:
    tag = practice.kit.add_tag("ccops: payment-credit")
    call_kit(practice.kit, "PUT", f"/v4/tags/{tag}", {"name": "Paid"})
    assert mended(practice) == ['payment-credit: its tag is "Paid" in operations.toml too now']
    assert f'tag = {{ id = {tag}, name = "Paid" }}' in (practice.home / "operations.toml").read_text()
    assert mended(practice) == []
    assert practice.findings()["tags"][0]["text"] == "1 trigger tag, each in its place"


def test_a_follow_up_tag_that_was_renamed_in_kit_is_followed(practice: Practice) -> None:
    file = practice.home / "operations.toml"
    file.write_text(file.read_text().replace("[operations.payment-credit]", f"{PAYMENT}tags_if_applied = ['thanks']"))
    practice("run", "payment-credit", "ann@example.org")
    tag = practice.kit.add_tag("Thanks")
    call_kit(practice.kit, "PUT", f"/v4/tags/{tag}", {"name": "Paying"})
    practice("run", "payment-credit", "bob@example.org")
    assert practice.kit.tags_of(practice.kit.contact_id("bob@example.org")) == ["Paying", "Member: Gold"], (
        "it is known by its id"
    )
    assert [text for _, text, _ in practice.wrong()] == [
        'payment-credit: its follow-up tag "thanks" is called "Paying" in Kit now'
    ]
    assert mended(practice) == ['payment-credit: its follow-up tag is "Paying" in operations.toml too now']
    assert 'tags_if_applied = ["Paying"]' in file.read_text()
    assert practice.wrong() == []
    practice("run", "payment-credit", "hal@example.org")
    assert practice.kit.tags_of(practice.kit.contact_id("hal@example.org")) == ["Paying"]


def test_lock_files_of_dead_runs_are_removed_and_those_of_living_ones_stay(practice: Practice) -> None:
    for number in (7, 8):
        (practice.home / "locks" / f"run-{number}").touch()
    with practice.ledger() as ledger:
        held = ledger.locks.take("run-8")
        assert held is not None
        assert mended(practice) == ["1 lock file of runs that are over is gone"]
        held.drop()
    assert [path.name for path in (practice.home / "locks").glob("run-*")] == ["run-8"]


def test_a_change_left_half_way_is_brought_to_its_end_once(practice: Practice) -> None:
    practice.begin("ann")
    assert mended(practice) == [], "its command may still be at work"
    assert mended(practice, CCOPS_SETTLE_AFTER="0") == ["e1 came to its end: applied"]
    assert mended(practice, CCOPS_SETTLE_AFTER="0") == []
    assert practice.credits("ann") == "15"


def test_what_is_not_safe_to_mend_stays_a_finding(practice: Practice) -> None:
    practice("run", "payment-credit", "ann@example.org")
    practice.kit.set_field(practice.kit.contact_id("ann@example.org"), "ccops_receipt", "call her")
    practice("run", "payment-credit", "ann@example.org")
    ended = practice("doctor", "--fix", CCOPS_SETTLE_AFTER="0")
    assert ended.status == 1
    assert "✗ parked   e2 ann@example.org" in ended.out


def test_an_unreachable_kit_is_said_once_and_the_rest_is_mended(practice: Practice) -> None:
    practice.home.chmod(0o755)
    practice.begin("ann")
    found = practice.findings("--fix", KIT_API_URL="http://127.0.0.1:9", CCOPS_SETTLE_AFTER="0")
    assert [row["text"] for row in found["mended"]] == ["home is yours alone now (it had mode 755)"]
    assert len(found["Kit"]) == 1


def test_a_lost_ledger_is_nothing_to_mend(practice: Practice) -> None:
    for path in practice.home.glob("ledger.sqlite3*"):
        path.unlink()
    ended = practice("doctor", "--fix")
    assert ended.status == 1
    assert "ccops init --take-over" in ended.out
    assert not (practice.home / "ledger.sqlite3").exists()


def test_no_home_is_made(ccops: Callable[..., Ended], environ: dict[str, str]) -> None:
    assert ccops("doctor", "--fix", **environ).status == 1
    assert not os.path.lexists(environ["CCOPS_HOME"])
