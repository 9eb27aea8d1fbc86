"""A late write over a newer entry: every command that looks names what is lost, and the command that gives it back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ccops.sandbox.faults import Fault
from tests.cli.calls import Ended
from tests.cli.sites import Site

Call = Callable[..., Ended]

ANN = "ann@example.org"
TEXT = "a late write of e1 changed credits from 25 to 15; lost: e2 (+10)"
BACK = "ccops settle e2 --as lost"


def run(ccops: Call, key: str) -> Ended:
    return ccops("run", "payment-credit", ANN, "--key", key)


@pytest.fixture
def overwritten(site: Site, ccops: Call) -> Site:
    """e1 was sent twice, e2 followed, and then e1's first write arrived."""
    site.kit.faults.add(Fault("late", "PUT"))
    assert [run(ccops, key).status for key in ("one", "two")] == [0, 0]
    assert site.kit.faults.deliver_late() == 1
    assert site.credits() == "15"
    return site


@pytest.fixture
def gone_over(overwritten: Site, ccops: Call) -> Site:
    """The next occasion was parked, and applied after the only choice that there was before."""
    assert run(ccops, "three").status == 1
    assert ccops("settle", "e3", "--as", "not-applied").status == 0
    assert (run(ccops, "three").status, overwritten.credits()) == (0, "25")
    return overwritten


def lines(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


# ---- before anything was sent over it


@pytest.mark.usefixtures("overwritten")
def test_the_balance_names_what_the_contact_shows_as_lost(ccops: Call) -> None:
    step = lines(ccops("balance", ANN, "--json"))[0]["steps"]["credits"][0]
    assert {key: step[key] for key in ("status", "before", "after", "late", "lost", "mend")} == {
        "status": "lost", "before": "25", "after": "15", "late": "e1", "lost": ["e2"], "mend": BACK,
    }  # fmt: skip
    assert f"late write of e1, e2 lost: {BACK}" in ccops("balance", ANN).out


@pytest.mark.usefixtures("overwritten")
def test_reconcile_names_what_is_lost(ccops: Call) -> None:
    ended = ccops("reconcile", "credits", "--json")
    assert ended.status == 1
    assert [(row["status"], row["ccops"], row["kit"], row["difference"], row["mend"]) for row in lines(ended)] == [
        ("lost", "25", "15", "-10", BACK)
    ]
    assert lines(ended)[0]["reason"] == f"{TEXT}: {BACK}"


@pytest.mark.usefixtures("overwritten")
@pytest.mark.parametrize("way", ["--adopt", "--restore"])
def test_what_is_lost_is_not_taken_for_a_hand(ccops: Call, way: str) -> None:
    ended = ccops("reconcile", "credits", way, "--yes")
    assert (ended.status, lines(ccops("reconcile", "credits", "--json"))[0]["status"]) == (1, "lost")


@pytest.mark.usefixtures("overwritten")
def test_settle_offers_what_was_lost_before_the_one_that_was_stopped(ccops: Call) -> None:
    run(ccops, "three")
    shown = ccops("settle")
    assert shown.status == 1
    commands = [line.strip() for line in shown.out.splitlines() if line.startswith("  ccops")]
    assert commands == [BACK, "ccops settle e2 --as not-applied", "ccops settle e3 --as not-applied"]
    assert f"  lost    {TEXT}" in shown.out.splitlines()
    assert [choice["command"] for choice in lines(ccops("settle", "--json"))[0]["choices"]] == commands


@pytest.mark.usefixtures("overwritten")
def test_why_leads_from_both_entries_to_what_gives_it_back(ccops: Call) -> None:
    run(ccops, "three")
    told = ccops("why", ANN, "payment-credit").out
    assert (TEXT in told, BACK in told) == (True, True)


@pytest.mark.usefixtures("overwritten")
def test_the_doctor_looks_at_contacts_at_which_an_entry_was_stopped(ccops: Call) -> None:
    run(ccops, "three")
    (found,) = [each for each in lines(ccops("doctor", "--json")) if each["area"] == "lost"]
    assert (found["ok"], found["text"], found["mend"]) == (False, f"{ANN}: {TEXT}", BACK)


def test_after_it_was_given_back_the_stopped_one_goes_on(overwritten: Site, ccops: Call) -> None:
    run(ccops, "three")
    given = ccops("settle", "e2", "--as", "lost")
    assert (given.status, overwritten.credits()) == (0, "25")
    assert ccops("settle", "e3", "--as", "not-applied").status == 0
    assert (run(ccops, "three").status, overwritten.credits()) == (0, "35")
    assert (ccops("settle").out, ccops("reconcile", "credits").status) == ("Nothing is open.\n", 0)


# ---- after something was sent over it


@pytest.mark.usefixtures("gone_over")
def test_reconcile_compares_the_sum_not_only_the_last_value(ccops: Call) -> None:
    ended = ccops("reconcile", "credits", "--json")
    assert (ended.status, [(row["status"], row["ccops"], row["kit"], row["mend"]) for row in lines(ended)]) == (
        1, [("lost", "35", "25", BACK)],
    )  # fmt: skip
    assert "1 lost to a late write of ccops (credits \N{MINUS SIGN}10)" in ccops("reconcile", "credits").err


@pytest.mark.usefixtures("gone_over")
def test_the_balance_shows_the_late_write_between_two_entries(ccops: Call) -> None:
    steps = lines(ccops("balance", ANN, "--json"))[0]["steps"]["credits"]
    assert [(step["status"], step["before"], step["after"]) for step in steps] == [
        ("applied", "15", "25"),
        ("lost", "25", "15"),
        ("applied", "15", "25"),
        ("applied", "5", "15"),
    ]


@pytest.mark.usefixtures("gone_over")
def test_what_is_lost_is_told_though_nothing_is_open(ccops: Call) -> None:
    shown = ccops("settle")
    assert (shown.status, shown.out.splitlines()[:3]) == (1, [f"{ANN}\tlost\te2", f"  {TEXT}", f"  {BACK}"])
    (told,) = lines(ccops("settle", "--json"))
    assert (told["status"], told["entry"], told["late"], told["lost"]) == ("lost", "e2", "e1", ["e2"])
    (found,) = [each for each in lines(ccops("doctor", "--json")) if each["area"] == "lost"]
    assert found["mend"] == BACK
    assert BACK in ccops("why", ANN, "payment-credit").out


def test_what_was_lost_is_given_back_once_and_all_is_well(gone_over: Site, ccops: Call) -> None:
    given = ccops("settle", "e2", "--as", "lost", CCOPS_ACTOR="maria")
    assert (given.status, given.out.split("\t")) == (0, [ANN, "credits 25 → 35", "e4\n"])
    again = ccops("settle", "e2", "--as", "lost")
    assert (again.status, gone_over.credits()) == (2, "35")
    assert "nothing of e2 (applied) is lost" in again.err
    assert ccops("settle").out == "Nothing is open.\n"
    assert ccops("reconcile", "credits").status == 0
    assert not [each for each in lines(ccops("doctor", "--json")) if each["area"] == "lost"]
    steps = lines(ccops("balance", ANN, "--json"))[0]["steps"]["credits"]
    assert [step["status"] for step in steps] == ["applied", "applied", "lost", "applied", "applied"]
    assert steps[2]["mend"] is None
    assert "e2, lost to a late write of e1" in ccops("history", "e4").out


def test_what_is_left_lost_is_named_no_more(gone_over: Site, ccops: Call) -> None:
    assert ccops("settle", "e2", "--as", "not-applied").status == 0
    assert (ccops("settle").out, gone_over.credits()) == ("Nothing is open.\n", "25")
    assert ccops("reconcile", "credits").status == 0


def test_giving_back_can_be_undone(gone_over: Site, ccops: Call) -> None:
    ccops("settle", "e2", "--as", "lost")
    assert (ccops("undo", "e4").status, gone_over.credits()) == (0, "25")
    assert lines(ccops("reconcile", "credits", "--json"))[0]["status"] == "lost"


def test_nothing_lost_is_said_with_the_entry(site: Site, ccops: Call) -> None:
    run(ccops, "one")
    ended = ccops("settle", "e1", "--as", "lost")
    assert (ended.status, ended.out, site.credits()) == (2, "", "15")
    assert "nothing of e1 (applied) is lost" in ended.err
    assert ccops("settle", "e99", "--as", "lost").status == 2
    assert "e1 is applied" in ccops("settle", "e1", "--as", "not-applied").err


def test_in_the_report_it_is_neither_granted_nor_spent(gone_over: Site, ccops: Call) -> None:
    ccops("settle", "e2", "--as", "lost")
    parts = map(json.loads, ccops("report", "--json").out.splitlines())
    flow = next(part["flow"] for part in parts if "flow" in part)
    assert (flow["granted"], flow["otherwise"], gone_over.credits()) == ("30", "0", "35")
