"""A contact whose address changed in Kit: what the commands that look, and those that write, say of the old one."""

import json
import re
from collections.abc import Callable

import pytest

from tests.cli.calls import Ended
from tests.cli.dialogs import call_kit
from tests.cli.sites import Site

Call = Callable[..., Ended]
ANN, ZOE = "ann@example.org", "zoe@example.org"
MOVED = f"{ANN} is now {ZOE} in Kit"


def move(site: Site) -> None:
    call_kit(site.kit, "PUT", f"/v4/subscribers/{site.ann}", {"email_address": ZOE})


@pytest.fixture
def moved(site: Site, ccops: Call) -> Site:
    """Ann was served, has another address now, and was asked for by the old one once since."""
    assert ccops("run", "payment-credit", ANN, "--key", "7").status == 0
    move(site)
    assert ccops("run", "monthly-grant", ANN).status == 1
    return site


@pytest.mark.usefixtures("moved")
def test_history_by_an_old_address_is_the_contacts(ccops: Call) -> None:
    found = ccops("history", ANN)
    assert "e1" in found.out
    assert found.err == f"{MOVED}.\n"
    assert ccops("history", ANN, "--json").out == ccops("history", ZOE, "--json").out


@pytest.mark.usefixtures("moved")
def test_balance_by_an_old_address_is_the_contacts(ccops: Call) -> None:
    found = ccops("balance", ANN)
    assert (found.status, found.err) == (0, f"{MOVED}.\n")
    assert _apart_from_now(found) == _apart_from_now(ccops("balance", ZOE))


def _apart_from_now(ended: Ended) -> list[str]:
    """Return the lines without the moment at which the value was read."""
    return [re.sub(r"\t\S+\tnow\t", "\tnow\t", line) for line in ended.out.splitlines()]


@pytest.mark.usefixtures("moved")
def test_why_by_an_old_address_is_the_contacts(ccops: Call) -> None:
    answer = json.loads(ccops("why", ANN, "payment-credit", "--json").out)
    assert answer["why"].startswith(f"{MOVED}. It was done: e1 (")
    assert answer["contact"]["email"] == ZOE


def test_why_is_right_while_lists_lag(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN, "--key", "7")
    site.kit.settings.lag = 3600
    move(site)
    number = site.kit.contact_id(ZOE)
    ccops("run", "monthly-grant", str(number))
    for word in (ANN, ZOE, str(number)):
        answer = json.loads(ccops("why", word, "payment-credit", "--json").out)
        assert "before, the same contact" not in answer["why"]
        assert answer["contact"] == {"id": number, "email": ZOE}


def test_why_of_a_stranger_is_right_while_lists_lag(site: Site, ccops: Call) -> None:
    """The ledger has seen the contact by its new address only."""
    site.kit.settings.lag = 3600
    move(site)
    ccops("run", "payment-credit", str(site.kit.contact_id(ZOE)))
    answer = json.loads(ccops("why", ANN, "payment-credit", "--json").out)
    assert answer["why"].startswith(f"{MOVED}. It was done")


@pytest.mark.usefixtures("moved")
def test_command_by_an_old_address_proposes_the_new_one(ccops: Call) -> None:
    for words in (["run", "payment-credit", ANN], ["adjust", ANN, "credits", "--add", "1"]):
        ended = ccops(*words)
        assert ended.status == 1
        assert ended.out == f"{ANN}\tfailed: {MOVED}\t\n"
        assert f"  ccops {' '.join(words)}\n".replace(ANN, ZOE) in ended.err
        dry = ccops(*words, "--dry-run")
        assert (dry.status, dry.out) == (1, ended.out)


def test_import_counts_nothing_for_an_old_address(moved: Site, ccops: Call) -> None:
    path = moved.home.parent / "rows.csv"
    path.write_text(f"email,add,key\n{ANN},1,a\n{ZOE},2,b\n")
    ended = ccops("import", str(path), "--field", "credits")
    assert (ended.status, moved.credits(ZOE)) == (1, "17")
    assert MOVED in ended.out + ended.err
    assert ccops("undo", "e1").status == 0
    assert moved.credits(ZOE) == "7"


def test_taken_over_address_is_the_new_owners(moved: Site, ccops: Call) -> None:
    newcomer = moved.kit.add_contact(ANN, credits="0")
    assert json.loads(ccops("balance", ANN, "--json").out)["contact"]["id"] == newcomer
    answer = json.loads(ccops("why", ANN, "payment-credit", "--json").out)
    assert (answer["contact"]["id"], answer["kind"]) == (newcomer, "never")
    assert f"{ANN} is another contact ({newcomer}) than before ({moved.kit.contact_id(ZOE)})" in answer["why"]
    ccops("run", "payment-credit", ANN)
    history = ccops("history", ANN)
    assert "credits 0" in history.out
    assert f"ccops history {moved.kit.contact_id(ZOE)}" in history.err
