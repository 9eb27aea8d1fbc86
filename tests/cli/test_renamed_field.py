"""A custom field whose label was changed in Kit has another key there: it is known by its id, and followed."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ccops.operations.model import Change
from tests.cli.calls import Ended
from tests.cli.dialogs import call_kit, delete_field, rename_field
from tests.cli.past import CREDIT, begun
from tests.cli.sites import RECEIPT, Site

Call = Callable[..., Ended]
ANN, BOB = "ann@example.org", "bob@example.org"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
FORMULA = """
# credits, see below
[operations.cap]
field = "plan"   # not credits
action = "formula"
formula = "min(credits + 5, 120)"

[operations.keep]
changes = [
  # first the copy
  { field = "plan", action = "copy", from = 'credits' },
]
"""


def renamed(site: Site, new: str = "Points", old: str = "Credits") -> None:
    rename_field(site.kit, old, new)


def points(site: Site, contact: str = ANN) -> str | None:
    return site.kit.field_values(site.kit.contact_id(contact))["points"]


def test_run_says_how_a_renamed_field_is_followed(site: Site, ccops: Call) -> None:
    renamed(site)
    ended = ccops("run", "payment-credit", ANN, "--key", "1")
    assert (ended.status, points(site)) == (2, "5")
    assert ended.err.rstrip().endswith("ccops doctor --fix")


def test_fix_changes_the_keys_in_the_file_and_nothing_else(site: Site, ccops: Call) -> None:
    site.registry.write_text(site.registry.read_text() + FORMULA)
    before = site.registry.read_text()
    renamed(site)
    found = ccops("doctor").out
    assert 'the field "credits" has the key "points" in Kit now' in " ".join(found.split())
    assert "--create-field" not in found
    assert site.registry.read_text() == before
    ccops("doctor", "--fix")
    expected = before.replace('"credits"', '"points"').replace("'credits'", "'points'")
    expected = expected.replace("[fields.credits]", "[fields.points]").replace("min(credits", "min(points")
    assert site.registry.read_text() == expected
    assert "is called" not in ccops("doctor", "--fix").out


def test_what_was_counted_goes_on_under_the_new_key(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN, "--key", "1")
    ccops("adjust", ANN, "credits", "--add", "2", "--key", "gift")
    rows = site.home.parent / "rows.csv"
    rows.write_text(f"email,add,key\n{BOB},3,a\n")
    ccops("import", str(rows), "--field", "credits")
    renamed(site)
    assert ccops("doctor", "--fix").status in {0, 1}
    assert ccops("run", "payment-credit", ANN, "--key", "1").out.startswith(f"{ANN}\talready done")
    assert ccops("adjust", ANN, "points", "--add", "2", "--key", "gift").out.startswith(f"{ANN}\talready done")
    assert "already done" in ccops("import", str(rows), "--field", "points").out
    assert (points(site), points(site, BOB)) == ("17", "15")
    assert ccops("undo", "e2").status == 0
    assert ccops("undo", "e1").status == 0
    assert points(site) == "5"
    balance = json.loads(ccops("balance", ANN, "--json").out)
    assert "credits" not in json.dumps(balance["fields"])
    assert ccops("reconcile", "points").status == 0


@pytest.mark.parametrize("arrived", [True, False])
def test_lost_answer_from_before_the_new_label_is_settled_after_it(site: Site, ccops: Call, arrived: bool) -> None:
    ten = replace(CREDIT, changes=(Change("credits", "increase", amount=Decimal(10)),))
    with closing(site.ledger(readonly=False)) as ledger:
        entry = begun(ledger, site.ann, "key:lost", NOW, ten)
        entry = ledger.entries.send(entry, {"credits": "5"}, {"credits": "15"}, None, None, NOW)
        receipt = ledger.identity.lineage.receipt(entry.id, entry.sends)
    if arrived:
        site.kit.set_field(site.ann, RECEIPT, receipt)
        site.kit.set_field(site.ann, "credits", "15")
    renamed(site)
    ccops("doctor", "--fix")
    assert ccops("settle").status == 0
    assert (site.statuses(), points(site), len(site.kit.writes(site.ann))) == (["applied"], "15", 0 if arrived else 1)


def test_field_that_was_renamed_twice_is_followed_by_its_id(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN, "--key", "1")
    renamed(site)
    ccops("doctor", "--fix")
    renamed(site, "Stars", "Points")
    ccops("doctor", "--fix")
    assert ccops("run", "payment-credit", ANN, "--key", "2").status == 0
    assert site.kit.field_values(site.ann)["stars"] == "25"
    renamed(site, "Credits", "Stars")
    ccops("doctor", "--fix")
    assert ccops("undo", "e1").status == 0
    assert site.credits() == "15"


def test_file_that_was_edited_by_hand_lets_the_ledger_follow(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN, "--key", "1")
    renamed(site)
    site.registry.write_text(site.registry.read_text().replace("credits", "points"))
    assert 'the field "credits" has the key "points"' in " ".join(ccops("doctor").out.split())
    ccops("doctor", "--fix")
    assert ccops("undo", "e1").status == 0
    assert points(site) == "5"


@pytest.mark.parametrize("fix", [("doctor", "--fix"), ("init", "--yes")])
def test_renamed_receipt_field_is_followed_and_not_made_again(site: Site, ccops: Call, fix: tuple[str, ...]) -> None:
    ccops("run", "payment-credit", ANN, "--key", "1")
    renamed(site, "Do not touch", "ccops receipt")
    ended = ccops("run", "payment-credit", ANN, "--key", "2")
    assert (ended.status, ended.err.rstrip().endswith("ccops init --yes")) == (2, True)
    ccops(*fix)
    ended = ccops("run", "payment-credit", ANN, "--key", "2")
    assert (ended.status, ended.err) == (0, "")
    labels = [row["label"] for row in call_kit(site.kit, "GET", "/v4/custom_fields").json()["custom_fields"]]
    assert "ccops receipt" not in labels
    assert site.kit.field_values(site.ann)["do_not_touch"]


@pytest.mark.parametrize(
    "words",
    [
        ["op", "edit", "payment-credit", "--create-field"],
        ["op", "add", "bonus", "--field", "credits", "--increase", "1", "--create-field"],
        ["adjust", ANN, "credits", "--add", "1", "--create-field"],
    ],
)
def test_renamed_field_is_never_made_again(site: Site, ccops: Call, words: list[str]) -> None:
    renamed(site)
    before = len(call_kit(site.kit, "GET", "/v4/custom_fields").json()["custom_fields"])
    ended = ccops(*words)
    assert ended.status == 2
    assert 'The field "credits" was renamed in Kit: its key is "points"' in " ".join(ended.err.split())
    assert len(call_kit(site.kit, "GET", "/v4/custom_fields").json()["custom_fields"]) == before


def test_deleted_field_is_not_followed_to_another(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN, "--key", "1")
    ccops("doctor", "--fix")
    delete_field(site.kit, "Credits")
    site.kit.add_field("Credits")
    renamed(site)
    before = site.registry.read_text()
    found = ccops("doctor", "--fix").out
    assert "--create-field" in found
    assert site.registry.read_text() == before


def test_key_that_another_field_has_taken_is_found(site: Site, ccops: Call) -> None:
    ccops("doctor", "--fix")
    renamed(site)
    site.kit.add_field("Credits")
    found = " ".join(ccops("doctor").out.split())
    assert '"credits" is the key of another field in Kit now; the one that had it is "points"' in found
    renamed(site, "Newer", "Credits")
    ccops("doctor", "--fix")
    assert ccops("run", "payment-credit", ANN, "--key", "1").status == 0
    assert points(site) == "15"


def test_form_that_can_not_be_changed_safely_is_left_and_named(site: Site, ccops: Call) -> None:
    text = site.registry.read_text().replace('field = "credits"\naction = "increase"\namount = 10\nmaximum = 1000',
                                             '"field" = "credits"\naction = "increase"\namount = 10')  # fmt: skip
    site.registry.write_text(text)
    renamed(site)
    found = ccops("doctor", "--fix").out
    assert "no command can change safely" in " ".join(found.split())
    assert site.registry.read_text() == text
    site.registry.write_text(text.replace('"field" =', "field ="))
    ccops("doctor", "--fix")
    assert ccops("run", "payment-credit", ANN, "--key", "1").status == 0
