"""An account in Kit that is full: what is refused is named, with Kit's reason and the ways out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, call_kit, delete_field, rename_field
from tests.cli.sites import Site

Call = Callable[..., Ended]


@pytest.fixture
def full(kit: Sandbox, environ: dict[str, str]) -> Sandbox:
    """An account with its 140 fields and no home yet."""
    kit.settings.key = KEY
    environ |= {"KIT_API_URL": kit.url, "CCOPS_RATE": "0", "KIT_API_KEY": KEY}
    have = len(call_kit(kit, "GET", "/v4/custom_fields").json()["custom_fields"])
    for number in range(140 - have):
        kit.add_field(f"Old {number}")
    return kit


def test_init_names_the_refused_field_the_reason_and_the_ways_out(full: Sandbox, ccops: Call, tmp_path: Path) -> None:
    ended = ccops("init", "--yes")
    said = " ".join(ended.err.split())
    assert ended.status == 2
    assert (
        'Kit did not create the field for receipts "ccops receipt": "You can have at most 140 custom fields" (422)'
        in said
    )
    assert "This account has 140 custom fields, and Kit allows 140." in said
    assert "delete a custom field that you no longer need" in said
    assert 'rename one that is empty and unused to "ccops receipt"' in said
    assert not (tmp_path / "home" / "ledger.sqlite3").exists()
    delete_field(full, "Old 3")
    assert ccops("init", "--yes").status == 0


def test_init_takes_an_unused_field_that_was_renamed_for_it(full: Sandbox, ccops: Call) -> None:
    rename_field(full, "Old 3", "ccops receipt")
    assert ccops("init", "--yes").status == 0
    assert ccops("doctor", "--json").out.count('"in the field ccops_receipt"') == 1


@pytest.mark.parametrize(
    "words",
    [
        ["op", "add", "bonus", "--field", "bonus", "--increase", "1", "--create-field"],
        ["op", "edit", "payment-credit", "--field", "bonus", "--create-field"],
        ["adjust", "ann@example.org", "bonus", "--add", "1", "--create-field"],
        ["import", "{rows}", "--field", "bonus", "--create-field"],
    ],
)
def test_field_that_kit_refuses_leaves_all_as_it_was(site: Site, ccops: Call, words: list[str]) -> None:
    rows = site.home.parent / "rows.csv"
    rows.write_text("email,set\nann@example.org,3\n")
    site.kit.settings.most_fields = 3
    before = site.registry.read_text()
    ended = ccops(*(word.format(rows=rows) for word in words))
    assert ended.status == 2
    said = " ".join(ended.err.split())
    assert 'Kit did not create the field "bonus": "You can have at most 3 custom fields" (422). No contact was' in said
    assert "or use a field that is there already" in said
    assert (site.registry.read_text(), site.credits(), site.statuses()) == (before, "5", [])


def test_tag_that_kit_refuses_leaves_the_operation_without_one(site: Site, ccops: Call) -> None:
    site.kit.settings.most_tags = 1
    ended = ccops("tag", "create", "payment-credit")
    assert ended.status == 2
    assert 'Kit did not create the tag "ccops: payment-credit": "You can have at most 1 tags" (422).' in " ".join(
        ended.err.split()
    )
    assert "ccops tag bind payment-credit TAG" in ended.err
    ended = ccops("op", "add", "bonus", "--field", "credits", "--increase", "1", "--tag")
    assert (ended.status, "ccops tag create bonus --name 'ccops: bonus'" in ended.err) == (2, True)
    assert "[operations.bonus]" in site.registry.read_text()
    site.kit.settings.most_tags = None
    assert ccops("tag", "create", "bonus", "--name", "ccops: bonus").status == 0


def test_lost_receipt_field_that_kit_refuses_is_said_by_the_doctor(site: Site, ccops: Call) -> None:
    delete_field(site.kit, "ccops receipt")
    site.kit.settings.most_fields = 3
    found = " ".join(ccops("doctor", "--fix").out.split())
    assert 'Kit did not create the field for receipts "ccops receipt"' in found
