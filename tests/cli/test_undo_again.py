"""`ccops undo` of what was undone before: what it prints, for people and for programs."""

import json
from collections.abc import Callable

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import Site

Call = Callable[..., Ended]
RUN = ("run", "payment-credit", "ann@example.org", "--key", "k")


def lines(ended: Ended) -> list[dict[str, object]]:
    return [json.loads(line) for line in ended.out.splitlines()]


@pytest.fixture
def undone(site: Site, ccops: Call) -> Site:
    """A payment that was given as e1 and taken back as e2."""
    ccops(*RUN)
    assert ccops("undo", "e1", "--reason", "wrong person").status == 0
    return site


def test_reopening_prints_an_object(undone: Site, ccops: Call) -> None:
    done = ccops("undo", "e1", "--reopen", "--json")
    (told,) = lines(done)
    assert (done.status, done.err) == (0, "")
    assert {key: told[key] for key in ("entry", "undoes", "status", "occasion", "note")} == {
        "entry": "e2", "undoes": "e1", "status": "repeated", "occasion": "undo:1", "note": "wrong person",
    }  # fmt: skip
    assert told["contact"] == {"id": undone.ann, "email": "ann@example.org"}
    assert told["reason"] == "e1 was taken back by e2; its occasion may run again now"
    assert (ccops(*RUN).status, undone.credits()) == (0, "15")


def test_a_rehearsal_of_reopening_prints_an_object(undone: Site, ccops: Call) -> None:
    (told,) = lines(ccops("undo", "e1", "--reopen", "--json", "--dry-run"))
    assert told["reason"] == "e1 was taken back by e2; its occasion could run again now"
    assert [entry.reopened for entry in undone.entries()] == [False, False]


def test_reopening_what_ran_again_says_so(undone: Site, ccops: Call) -> None:
    ccops("undo", "e1", "--reopen")
    ccops(*RUN)
    again = ccops("undo", "e1", "--reopen")
    assert (again.status, again.out) == (0, "e1 was taken back by e2; its occasion ran again since, as e3.\n")
    assert (ccops(*RUN).status, undone.credits()) == (0, "15")


@pytest.mark.usefixtures("undone")
def test_quiet_json_prints_nothing_of_reopening(ccops: Call) -> None:
    assert ccops("undo", "e1", "--reopen", "--json", "--quiet").out == ""


@pytest.mark.usefixtures("undone")
@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--reopen",)])
def test_a_run_with_nothing_to_undo_prints_no_object(ccops: Call, more: tuple[str, ...]) -> None:
    nothing = "Nothing to take back: no entry of r1 is applied.\n"
    assert ccops("undo", "--run", "r1", "--json", *more) == Ended(0, "", nothing)
    assert ccops("undo", "--run", "r1", *more).out == nothing


def test_a_chain_of_undos_is_told_alike_everywhere(undone: Site, ccops: Call) -> None:
    """e1 ran, and each undo took the one before back."""
    for number in (2, 3):
        assert ccops("undo", f"e{number}").status == 0
    assert undone.credits() == "5"
    (first,) = lines(ccops("history", "e1", "--json"))
    assert (first["status"], first["undone_by"]) == ("undone", "e2")
    assert "was taken back" in ccops("why", "ann@example.org", "payment-credit").out
    steps = lines(ccops("balance", "ann@example.org", "--json"))[0]["steps"]
    assert isinstance(steps, dict)
    assert [(step["entry"], step["status"]) for step in steps["credits"]] == [
        ("e4", "applied"), ("e3", "undone"), ("e2", "applied"), ("e1", "undone"),
    ]  # fmt: skip
    assert ccops("undo", "e1", "--reopen").status == 0
    assert (ccops(*RUN).status, undone.credits()) == (0, "15")


@pytest.mark.parametrize("number", [1, 3])
def test_an_undo_of_several_tells_those_that_ran_again(undone: Site, ccops: Call, number: int) -> None:
    """`undo --run` and several entries make the claims that one makes."""
    ccops("undo", "e1", "--reopen")
    ccops(*RUN)
    words = ("undo", "e2") if number == 1 else ("undo", "e3", "e2")
    refused = ccops(*words)
    assert (refused.status, undone.credits()) == (2, "15")
    assert "used again since, by e3" in " ".join(refused.err.split())
