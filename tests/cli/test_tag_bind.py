"""`ccops tag bind` and `unbind`: a tag made by hand starts an operation, or no longer does."""

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from ccops.operations.occasion import tagging_of
from tests.cli.calls import Ended
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]


def bound(site: Site, name: str = "payment-credit") -> dict[str, Any] | None:
    tag: dict[str, Any] | None = tomllib.loads(site.registry.read_text())["operations"][name].get("tag")
    return tag


def counted(site: Site, tag: int) -> str | None:
    ledger = site.ledger()
    try:
        return ledger.identity.counted_as(tag)
    finally:
        ledger.close()


@pytest.fixture
def paid(site: Site) -> int:
    """A tag that nobody carries."""
    return site.kit.add_tag("Paid this month")


@pytest.fixture
def carried(site: Site, paid: int) -> int:
    """The same tag, carried by two contacts, one of them unsubscribed."""
    for email in ("ann@example.org", "di@example.org"):
        site.kit.tag(site.kit.contact_id(email), paid)
    return paid


@pytest.mark.parametrize("word", ["Paid this month", "PAID this Month", " Paid this month ", "id"])
def test_a_tag_is_bound_by_name_or_id(site: Site, ccops: Call, paid: int, word: str) -> None:
    ended = ccops("tag", "bind", "payment-credit", str(paid) if word == "id" else word)
    assert (ended.status, ended.out) == (
        0,
        f'The tag "Paid this month" ({paid}) starts payment-credit from now on.\n',
    )
    assert bound(site) == {"id": paid, "name": "Paid this month"}
    assert 'the tag "Paid this month"' in ended.err


def test_a_tag_whose_name_is_a_number_is_found_by_its_name_first(site: Site, ccops: Call, paid: int) -> None:
    number = site.kit.add_tag(str(paid))
    ccops("tag", "bind", "payment-credit", str(paid))
    assert (bound(site) or {})["id"] == number


def test_binding_it_again_is_no_mistake(site: Site, ccops: Call, paid: int) -> None:
    ccops("tag", "bind", "payment-credit", str(paid))
    site.kit.tag(site.ann, paid)
    assert ccops("tag", "bind", "payment-credit", str(paid)) == Ended(
        0, f'payment-credit has the tag "Paid this month" ({paid}) already.\n', ""
    )


def refused(site: Site, ccops: Call, *words: str, name: str = "payment-credit") -> str:
    """Call what must be refused without any effect; return what it said."""
    before, sent = site.registry.read_text(), site.sent
    ended = ccops("tag", "bind", name, *words)
    assert (ended.status, ended.out, site.registry.read_text(), site.sent) == (2, "", before, sent)
    return ended.err


def test_an_unknown_tag_is_refused_with_the_nearest_name(site: Site, ccops: Call, paid: int) -> None:
    assert paid
    assert "ccops tag bind payment-credit 'Paid this month'\n" in refused(site, ccops, "Payd this month")
    assert "ccops tag create payment-credit --name Blue\n" in refused(site, ccops, "Blue")
    assert "ccops tag create payment-credit\n" in refused(site, ccops, "99999")


def test_an_operation_with_another_tag_is_refused(site: Site, ccops: Call, paid: int) -> None:
    ccops("tag", "bind", "payment-credit", str(paid))
    site.kit.add_tag("Other")
    said = refused(site, ccops, "Other")
    assert 'payment-credit has the tag "Paid this month" already' in said
    assert "ccops tag unbind payment-credit" in said


def test_a_tag_of_another_operation_is_refused(site: Site, ccops: Call, paid: int) -> None:
    ccops("tag", "bind", "payment-credit", str(paid))
    assert "ccops tag unbind payment-credit\n" in refused(site, ccops, str(paid), name="monthly-grant")


@pytest.mark.parametrize("name", ["mark", "payment-credit"])
def test_a_follow_up_tag_is_refused(site: Site, ccops: Call, name: str) -> None:
    site.kit.add_tag("access: replay")
    site.registry.write_text(site.registry.read_text() + 'tags_if_applied = ["Access: Replay"]\n')
    assert "is put on contacts by mark" in refused(site, ccops, "access: replay", name=name)


def test_a_tag_that_the_ledger_counted_as_another_is_refused_until_that_is_let_go_of(
    site: Site, ccops: Call, paid: int
) -> None:
    ccops("tag", "bind", "payment-credit", str(paid))
    ccops("run", "payment-credit", "ann@example.org")
    assert counted(site, paid) == "payment-credit"
    site.registry.write_text(site.registry.read_text().replace("payment-credit", "pay").replace("tag =", "# tag ="))
    said = refused(site, ccops, str(paid), name="pay")
    assert "by the name of payment-credit" in said
    assert said.endswith("ccops tag unbind payment-credit\n")
    assert ccops("tag", "unbind", "payment-credit").status == 0
    assert ccops("tag", "bind", "pay", str(paid)).status == 0
    assert ccops("run", "pay", "ann@example.org").status == 0
    assert counted(site, paid) == "pay"


def test_carriers_in_any_state_are_refused_with_their_number_and_an_example(
    site: Site, ccops: Call, carried: int
) -> None:
    said = refused(site, ccops, str(carried))
    assert '2 contacts (such as "di@example.org") carry the tag "Paid this month"' in said
    assert said.endswith("ccops tag bind payment-credit 'Paid this month' --run-carriers --dry-run\n")
    site.kit.untag(site.ann, carried)
    assert '"di@example.org" carries the tag' in refused(site, ccops, str(carried))


def test_carriers_are_run_each_for_its_tagging_and_lose_the_tag(site: Site, ccops: Call, carried: int) -> None:
    ended = ccops("tag", "bind", "payment-credit", str(carried), "--run-carriers", "--yes")
    assert ended.status == 0
    assert (site.credits("ann@example.org"), site.credits("di@example.org")) == ("15", "30")
    assert site.kit.tags_of(site.ann) == ["Member: Gold"]
    taggings = [tagging_of(entry.occasion) for entry in site.entries()]
    assert [tagging.tag for tagging in taggings if tagging] == [carried, carried]
    assert bound(site) == {"id": carried, "name": "Paid this month"}


def test_a_tagging_that_was_run_counts_once(site: Site, ccops: Call, carried: int) -> None:
    words = ("tag", "bind", "payment-credit", str(carried), "--run-carriers", "--yes")
    site.registry.write_text(
        site.registry.read_text().replace("amount = 10\nmaximum = 1000", 'amount = 10\nafter_run = "keep-tag"')
    )
    assert ccops(*words).status == 0
    again = ccops(*words)
    assert again.status == 0
    assert again.out.count("already done") == 2
    assert (site.credits("ann@example.org"), site.statuses()) == ("15", ["applied"] * 2)


def test_the_period_is_that_of_the_tagging(ccops: Call, carried: int) -> None:
    ccops("tag", "bind", "monthly-grant", str(carried), "--run-carriers", "--yes")
    again = ccops("run", "monthly-grant", "ann@example.org", "--key", "another")
    assert "this month was done already, by e" in again.out


def test_contacts_in_a_state_that_the_operation_is_not_for_are_left_out(site: Site, ccops: Call, carried: int) -> None:
    site.registry.write_text(site.registry.read_text().replace("maximum = 1000", 'states = ["active"]'))
    ended = ccops("tag", "bind", "payment-credit", str(carried), "--run-carriers", "--yes")
    assert "di@example.org\tleft out: cancelled in Kit; payment-credit is for active\t" in ended.out
    assert (site.credits("ann@example.org"), site.credits("di@example.org")) == ("15", "20")


def test_a_dry_run_binds_and_runs_nothing(site: Site, ccops: Call, carried: int) -> None:
    before, ledger = site.registry.read_text(), site.database.read_bytes()
    ended = ccops("tag", "bind", "payment-credit", str(carried), "--run-carriers", "--dry-run")
    assert (ended.status, site.registry.read_text(), site.database.read_bytes(), site.sent) == (0, before, ledger, 0)
    assert ended.out.splitlines() == [
        f'The tag "Paid this month" ({carried}) would start payment-credit from now on.',
        "di@example.org\tcredits 20 → 30\t",
        "ann@example.org\tcredits 5 → 15\t",
    ]


def test_json_is_nothing_but_objects(ccops: Call, carried: int) -> None:
    ended = ccops("tag", "bind", "payment-credit", str(carried), "--run-carriers", "--yes", "--json")
    assert [json.loads(line)["status"] for line in ended.out.splitlines()] == ["applied", "applied"]


@pytest.mark.parametrize(("answer", "left"), [("y", "15"), ("n", "5"), ("", "5")])
def test_a_terminal_asks_with_an_example(site: Site, terminal: Call, carried: int, answer: str, left: str) -> None:
    ended = terminal("tag", "bind", "payment-credit", str(carried), "--run-carriers", answers=[answer], NO_COLOR="1")
    assert ended.status == 0
    assert 'payment-credit for the 2 contacts that carry "Paid this month":' in ended.out
    assert "  e.g. di@example.org  credits 20 → 30\nGo on? [y/N]" in ended.out
    assert (site.credits("ann@example.org"), bound(site) is not None) == (left, answer == "y")


def test_elsewhere_yes_is_needed(site: Site, ccops: Call, carried: int) -> None:
    assert "--yes" in refused(site, ccops, str(carried), "--run-carriers")


def test_a_paused_operation_is_run_for_nobody(site: Site, ccops: Call, carried: int) -> None:
    ccops("op", "pause", "payment-credit")
    assert "ccops op resume payment-credit\n" in refused(site, ccops, str(carried), "--run-carriers", "--yes")


# ---- unbind


def test_an_unbound_tag_starts_nothing_stays_in_kit_and_is_free(site: Site, ccops: Call, paid: int) -> None:
    before = site.registry.read_text()
    ccops("tag", "bind", "payment-credit", str(paid))
    ccops("run", "payment-credit", "bob@example.org")
    ended = ccops("tag", "unbind", "payment-credit")
    assert (ended.status, ended.out) == (0, 'The tag "Paid this month" no longer starts payment-credit.\n')
    assert 'The tag "Paid this month" stays in Kit, where no key can delete it.' in ended.err
    assert "warning" not in ended.err
    assert (site.registry.read_text(), counted(site, paid)) == (before, None)
    assert ccops("tag", "bind", "monthly-grant", str(paid)).status == 0


def test_who_still_carries_it_is_warned_of(site: Site, ccops: Call, paid: int) -> None:
    ccops("tag", "bind", "payment-credit", str(paid))
    for email in ("ann@example.org", "di@example.org"):
        site.kit.tag(site.kit.contact_id(email), paid)
    ended = ccops("tag", "unbind", "payment-credit")
    assert 'warning: 2 contacts carry "Paid this month"; nothing is run for them any more.\n' in ended.err


def test_unbinding_works_while_kit_is_out_of_reach(site: Site, ccops: Call, paid: int) -> None:
    ccops("tag", "bind", "payment-credit", str(paid))
    ended = ccops("tag", "unbind", "payment-credit", KIT_API_KEY="")
    assert (ended.status, bound(site)) == (0, None)
    assert "Who carries it can't be seen now" in ended.err


@pytest.mark.usefixtures("site")
def test_without_a_tag_there_is_nothing_to_unbind(ccops: Call) -> None:
    assert ccops("tag", "unbind", "payment-credit") == Ended(0, "payment-credit has no tag.\n", "")
    unknown = ccops("tag", "unbind", "payment-credits")
    assert (unknown.status, unknown.err.splitlines()[-1].strip()) == (2, "ccops tag unbind payment-credit")


def test_removing_an_operation_with_its_tag_frees_the_tag(site: Site, ccops: Call, paid: int) -> None:
    ccops("tag", "bind", "payment-credit", str(paid))
    ccops("run", "payment-credit", "bob@example.org")
    assert ccops("op", "remove", "payment-credit", "--with-tag", "--yes").status == 0
    assert counted(site, paid) is None
