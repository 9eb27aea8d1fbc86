"""`ccops why`: what it asks of Kit, whom it finds, and how its answer looks."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from ccops.ledger.inbox import Arrival, Ending
from ccops.ledger.ledger import Ledger
from tests.cli.calls import Ended
from tests.cli.sites import Site

Call = Callable[..., Ended]
ANN, BOB = "ann@example.org", "bob@example.org"


def told(ended: Ended) -> list[dict[str, Any]]:
    assert ended.status == 0, ended.err
    return [json.loads(line) for line in ended.out.splitlines()]


def test_programs_get_an_object(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN, "--key", "7")
    (answer,) = told(ccops("why", ANN, "payment-credit", "--json"))
    assert answer.pop("why").startswith("It was done: e1 (")
    assert answer == {
        "contact": {"id": site.ann, "email": ANN},
        "state": "active",
        "operation": "payment-credit",
        "kind": "applied",
        "mend": ["ccops undo e1 --reason 'given by mistake'"],
        "entry": "e1",
        "kit_reached": True,
    }


def test_a_terminal_gets_a_sentence_and_a_command_that_is_not_broken(site: Site, terminal: Call) -> None:
    shown = terminal("why", ANN, "monthly-grant", COLUMNS="60", NO_COLOR="1").out.splitlines()
    assert max(map(len, shown)) <= 60
    assert " ".join(shown[:-1]).startswith("Nothing for ")
    assert shown[-1] == f"Give it now: ccops run monthly-grant {ANN}"
    assert site.sent == 0


def test_without_an_operation_each_that_concerns_the_contact_has_its_line(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN, "--key", "7")
    assert [each["operation"] for each in told(ccops("why", ANN, "--json"))] == ["payment-credit", "monthly-grant"]
    shown = ccops("why", ANN).out.splitlines()
    assert [line.partition(":")[0] for line in shown[::2]] == ["payment-credit", "monthly-grant"]
    site.registry.write_text(site.registry.read_text().replace('once_per = "month"', ""))
    assert ccops("why", BOB).out == (
        f"Nothing was ever done for {BOB}, who carries no trigger tag.\nSee the operations: ccops op list\n"
    )


@pytest.mark.parametrize("who", [ANN, BOB, "nobody@example.org", "7"])
def test_two_requests_are_enough(site: Site, ccops: Call, who: str) -> None:
    """Whether the ledger knows the address or not, beside what a new credential costs once."""
    ccops("run", "payment-credit", ANN)
    site.kit.forget()
    assert ccops("why", who).status == 0
    assert sum(site.kit.counts.values()) <= 2
    assert site.sent == 0


def test_a_contact_that_was_made_again_costs_no_third_request(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN)
    old = site.ann
    site.kit.delete_contact(old)
    (gone,) = told(ccops("why", ANN, "payment-credit", "--json"))
    assert (gone["kind"], gone["mend"]) == ("gone", [f"ccops history {old}"])
    new = site.kit.add_contact(ANN, credits="0")
    site.kit.forget()
    (answer,) = told(ccops("why", ANN, "payment-credit", "--json"))
    assert (answer["contact"]["id"], answer["kind"]) == (new, "never")
    assert f"another contact ({new}) than before ({old})" in answer["why"]
    assert sum(site.kit.counts.values()) <= 2


@pytest.mark.usefixtures("lucky_dice")
def test_without_kit_the_ledger_answers(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN)
    site.kit.stop()
    ended = ccops("why", ANN, "payment-credit")
    assert ended.status == 0
    assert ended.err == "warning: Kit can't be reached; this is what the ledger knows.\n"
    assert ended.out.startswith("It was done: e1 (")
    assert told(ccops("why", "hal@example.org", "payment-credit", "--json"))[0]["kit_reached"] is False


def test_looking_changes_nothing(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN)
    before = site.database.read_bytes()
    ccops("why", ANN)
    assert site.database.read_bytes() == before


@pytest.mark.usefixtures("site")
def test_nobody_of_that_address_is_said_once(ccops: Call) -> None:
    assert ccops("why", "nobody@example.org").out == (
        "Kit has no contact nobody@example.org, and the ledger has never met one.\n"
        "Check the spelling, or look for the person in Kit, and ask again by the address or the id there.\n"
    )


def test_a_misspelt_address_leads_to_the_one_that_the_ledger_knows(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN)
    (answer,) = told(ccops("why", "ann@exmaple.org", "payment-credit", "--json"))
    assert (answer["kind"], answer["mend"]) == ("unknown", [f"ccops why {ANN} payment-credit"])
    assert ccops("why", "ann@exmaple.org").out.endswith(f"Did you mean: ccops why {ANN}\n")
    assert ccops("history", "ann@exmaple.org").err.endswith(f"Did you mean {ANN}? ccops history {ANN}\n")
    site.kit.stop()
    (answer,) = told(ccops("why", "zoe@example.org", "payment-credit", "--json"))
    assert (answer["kind"], answer["mend"]) == ("unknown", [])
    assert "Kit can't be asked now" in answer["why"]


def test_a_post_for_nobody_is_named_while_it_waits_and_once_it_needs_a_person(site: Site, ccops: Call) -> None:
    at, nobody = datetime.now(UTC), "nobody@example.org"
    missing = Ending("missing", "no such contact in Kit")
    with closing(Ledger.open(site.database, site.home / "locks")) as ledger:
        post = ledger.inbox.accept([Arrival("post", "payment-credit", nobody, at, at, "7")])[0].event
        ledger.inbox.put_off([post], missing, at)
        said = "Kit has no contact nobody@example.org, and the ledger has never met one. The POST of "
        (answer,) = told(ccops("why", nobody, "--json"))
        assert (answer["operation"], answer["kind"], answer["mend"]) == (
            "payment-credit",
            "event-waiting",
            ["ccops serve"],
        )
        assert answer["why"].startswith(said)
        assert answer["why"].endswith(" waits to be worked off (last try: no such contact in Kit).")
        ledger.inbox.park([post], missing, at)
        parked = ccops("why", nobody).out
        assert parked.startswith(said)
        assert " needs a person: no such contact in Kit.\n" in parked
        assert f"for {nobody}, payment-credit: no such contact in Kit" in ccops("doctor").out
        (other,) = told(ccops("why", nobody, "monthly-grant", "--json"))
        assert other["kind"] == "unknown"


@pytest.mark.usefixtures("site")
def test_one_off_changes_are_explained_too(ccops: Call) -> None:
    ccops("adjust", ANN, "credits", "--add", "3", "--reason", "sorry")
    assert [each["operation"] for each in told(ccops("why", ANN, "--json"))] == ["monthly-grant", "adjust"]


@pytest.mark.usefixtures("site")
def test_an_operation_that_is_gone_has_a_past(ccops: Call) -> None:
    ccops("run", "payment-credit", ANN)
    ccops("op", "remove", "payment-credit", "--yes")
    (answer,) = told(ccops("why", ANN, "payment-credit", "--json"))
    assert (answer["kind"], answer["mend"]) == ("no-operation", [f"ccops history {ANN} --op payment-credit"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ann"], '"ann" is neither an e-mail address'),
        ([ANN, "monthly-grand"], f"ccops why {ANN} monthly-grant"),
        ([], "ccops why needs CONTACT"),
    ],
)
@pytest.mark.usefixtures("site")
def test_what_makes_no_sense_is_said(ccops: Call, words: list[str], said: str) -> None:
    ended = ccops("why", *words)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
