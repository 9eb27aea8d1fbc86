"""`ccops tag create`: a tag made in Kit for one operation."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from ccops.sandbox.faults import Fault
from tests.cli.calls import Ended
from tests.cli.sites import Site

Call = Callable[..., Ended]
ANN = "ann@example.org"
TAGS = ("POST", "/v4/tags")


def bound(site: Site, name: str = "payment-credit") -> dict[str, Any] | None:
    tag: dict[str, Any] | None = tomllib.loads(site.registry.read_text())["operations"][name].get("tag")
    return tag


def test_the_tag_is_made_and_bound_and_what_is_next_is_said(site: Site, ccops: Call) -> None:
    ended = ccops("tag", "create", "payment-credit")
    number = site.kit.add_tag("ccops: payment-credit")  # which returns the one that is there
    assert (ended.status, ended.out) == (
        0,
        f'Made the tag "ccops: payment-credit" ({number}) in Kit; it starts payment-credit.\n',
    )
    assert bound(site) == {"id": number, "name": "ccops: payment-credit"}
    assert [line[:5] for line in ended.err.splitlines() if line.startswith("  ")][:3] == ["  1. ", "  2. ", "  3. "]
    assert '3. Add the action "Add tag" with the tag "ccops: payment-credit".' in ended.err
    assert "  ccops poll payment-credit\n" in ended.err


def test_it_may_have_another_name(site: Site, ccops: Call) -> None:
    assert ccops("tag", "create", "payment-credit", "--name", " Paid this month ").status == 0
    assert (bound(site) or {})["name"] == "Paid this month"


def test_only_the_lines_of_the_operation_change(site: Site, ccops: Call) -> None:
    before = site.registry.read_text().splitlines()
    ccops("tag", "create", "payment-credit")
    after = site.registry.read_text().splitlines()
    assert [line for line in after if line not in before] == [line for line in after if line.startswith("tag = ")]
    assert [line for line in before if line not in after] == []


@pytest.mark.parametrize("there", ["ccops: payment-credit", "CCOPS: Payment-Credit"])
def test_a_tag_of_that_name_is_not_taken(site: Site, ccops: Call, there: str) -> None:
    site.kit.add_tag(there)
    ended = ccops("tag", "create", "payment-credit")
    assert (ended.status, ended.out) == (2, "")
    assert 'ccops tag bind payment-credit "ccops: payment-credit"' in ended.err
    assert bound(site) is None
    assert site.kit.counts[TAGS] == 0


def test_an_operation_that_has_a_tag_says_so(site: Site, ccops: Call) -> None:
    ccops("tag", "create", "payment-credit")
    ended = ccops("tag", "create", "payment-credit", "--name", "another")
    assert ended.status == 2
    assert 'payment-credit has the tag "ccops: payment-credit" already' in ended.err
    assert "ccops tag unbind payment-credit" in ended.err
    assert site.kit.counts[TAGS] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["payment-credits"], "ccops tag create payment-credit\n"),
        (["payment-credit", "--name", " "], "--name is empty"),
    ],
)
def test_what_makes_no_sense_is_said(site: Site, ccops: Call, words: list[str], said: str) -> None:
    ended = ccops("tag", "create", *words)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert site.sent == 0


def test_a_lost_answer_is_not_asked_for_again_and_how_to_go_on_is_said(site: Site, ccops: Call) -> None:
    site.kit.faults.add(Fault("status", when="after", method="POST", path="/v4/tags"))
    ended = ccops("tag", "create", "payment-credit")
    assert (ended.status, ended.out) == (4, "")
    assert "is not known" in ended.err
    bind, create = (line.strip() for line in ended.err.splitlines()[-2:])
    assert bind == "ccops tag bind payment-credit 'ccops: payment-credit'"
    assert create == "ccops tag create payment-credit --name 'ccops: payment-credit'"
    assert site.kit.counts[TAGS] == 1
    assert bound(site) is None
    assert ccops("tag", "bind", "payment-credit", "ccops: payment-credit").status == 0
    assert bound(site) is not None


# ---- add, in a rehearsal


@pytest.fixture
def rehearsal(environ: dict[str, str], ccops: Call) -> Call:
    """A home on the embedded sandbox with an operation that has a tag."""
    for words in (
        ("init", "--sandbox"),
        ("op", "add", "payment-credit", "--field", "credits", "--increase", "10", "--tag"),
        ("op", "add", "tagless", "--field", "credits", "--increase", "10"),
    ):
        assert ccops(*words, **environ).status == 0
    return ccops


def test_in_a_rehearsal_a_contact_gets_the_tag_and_poll_sees_it(rehearsal: Call) -> None:
    added = rehearsal("tag", "add", "payment-credit", "ann@example.org")
    assert added == Ended(
        0,
        '[sandbox] ann@example.org has the tag "ccops: payment-credit" now.\n',
        "Let ccops look for it: ccops poll payment-credit\n",
    )
    assert 'had the tag "ccops: payment-credit" already.' in rehearsal("tag", "add", "payment-credit", ANN).out
    assert rehearsal("poll").out == "[sandbox] ann@example.org\tcredits 5 → 15\te1\n"
    assert rehearsal("poll") == Ended(0, "[sandbox]\n", "")
    assert rehearsal("poll", "--dry-run").out == "[sandbox]\n"
    assert rehearsal("poll", "--json").out == ""


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("payment-credit", "nobody@example.org"), 1, "failed: no such contact in the sandbox"),
        (("tagless", ANN), 2, "ccops tag create tagless"),
    ],
)
def test_what_can_not_be_tagged_is_said(rehearsal: Call, words: tuple[str, ...], status: int, said: str) -> None:
    ended = rehearsal("tag", "add", *words)
    assert (ended.status, said in ended.out + ended.err) == (status, True)


def test_an_account_in_kit_gets_its_tags_there(site: Site, ccops: Call) -> None:
    ccops("tag", "create", "payment-credit")
    ended = ccops("tag", "add", "payment-credit", ANN)
    assert (ended.status, ended.out, site.kit.tags_of(site.ann)) == (2, "", ["Member: Gold"])
    assert ended.err.splitlines()[-1].strip() == f"ccops run payment-credit {ANN}"
