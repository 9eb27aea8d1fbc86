"""Ten mails to support: `why` names what happened, and the commands that it proposes, typed as they are, settle it."""

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import call_kit
from tests.cli.moments import InMidMonth
from tests.cli.past import parked
from tests.cli.sites import Site

Call = Callable[..., Ended]

ANN, BOB, DI, HAL = (f"{name}@example.org" for name in ("ann", "bob", "di", "hal"))
TAG = "ccops: payment-credit"


@pytest.fixture
def clock() -> InMidMonth:
    return InMidMonth()


@pytest.fixture(autouse=True)
def _one_time(kit: Sandbox, clock: InMidMonth) -> None:
    kit.settings.clock = clock.now


@pytest.fixture
def bound(site: Site) -> Site:
    """The site, its payments started by a tag."""
    number = site.kit.add_tag(TAG)
    binding = f'[operations.payment-credit]\ntag = {{ id = {number}, name = "{TAG}" }}'
    site.registry.write_text(site.registry.read_text().replace("[operations.payment-credit]", binding))
    return site


@pytest.fixture
def why(ccops: Call) -> Callable[..., dict[str, Any]]:
    """Ask why, and see that what is printed for people ends with the commands that programs are given."""

    def ask(*words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(ccops("why", *words, "--json").out)
        shown = ccops("why", *words)
        assert (shown.status, shown.err) == (0, "")
        lines = shown.out.splitlines()
        assert lines[0] == answer["why"]
        assert [line[line.index("ccops ") :] for line in lines[-len(answer["mend"]) :]] == answer["mend"]
        return answer

    return ask


@pytest.fixture
def mend(ccops: Call) -> Callable[[dict[str, Any]], None]:
    """Type the commands of an answer, each as it is."""

    def type_them(answer: dict[str, Any]) -> None:
        for command in answer["mend"]:
            program, *words = shlex.split(command)
            assert program == "ccops"
            assert ccops(*words).status == 0, command

    return type_them


Why = Callable[..., dict[str, Any]]
Mend = Callable[[dict[str, Any]], None]


def test_nothing_this_month(site: Site, ccops: Call, why: Why, mend: Mend) -> None:
    ccops("run", "monthly-grant", BOB)
    answer = why(ANN, "monthly-grant")
    assert answer["kind"] == "not-selected"
    assert "run monthly-grant bob@example.org) did not select it" in answer["why"]
    mend(answer)
    assert (site.credits(), why(ANN, "monthly-grant")["kind"]) == ("15", "applied")


def test_you_took_it_twice(site: Site, ccops: Call, why: Why, mend: Mend) -> None:
    ccops("run", "unlock-replay", BOB, "--key", "replay-1")
    ccops("run", "unlock-replay", BOB, "--key", "replay 1")
    answer = why(BOB, "unlock-replay")
    assert answer["kind"] == "twice"
    assert "for key replay-1, credits 12 → 9" in answer["why"]
    assert answer["mend"] == ["ccops undo e2 --reason 'the same counted twice'"]
    mend(answer)
    assert (site.credits(BOB), why(BOB, "unlock-replay")["kind"]) == ("9", "undone")


def test_the_wrong_amount(site: Site, ccops: Call, why: Why, mend: Mend) -> None:
    ccops("run", "monthly-grant", ANN, "--amount", "1")
    answer = why(ANN, "monthly-grant")
    assert answer["kind"] == "other-amount"
    assert (
        "credits 5 → 6) was credits +1, at most 120 as it was asked for; the operation is credits +10" in answer["why"]
    )
    mend(answer)
    assert (site.credits(), why(ANN, "monthly-grant")["kind"]) == ("15", "applied")


def test_a_new_e_mail_address(site: Site, ccops: Call, why: Why, mend: Mend, clock: InMidMonth) -> None:
    ccops("run", "monthly-grant", ANN, "--period", clock.last_month().partition(":")[2])
    call_kit(site.kit, "PUT", f"/v4/subscribers/{site.ann}", {"email_address": "anna@example.org"})
    answer = why("anna@example.org", "monthly-grant")
    assert answer["kind"] == "not-run"
    assert answer["why"].startswith(
        "anna@example.org was ann@example.org before, the same contact ({}). ".format(
            site.kit.contact_id("anna@example.org")
        )
    )
    assert why(ANN, "monthly-grant")["why"].startswith("ann@example.org is now anna@example.org in Kit. ")
    mend(answer)
    assert site.credits("anna@example.org") == "25"
    assert why("anna@example.org", "monthly-grant")["kind"] == "applied"


def test_nothing_for_whoever_unsubscribed(bound: Site, ccops: Call, why: Why, mend: Mend) -> None:
    bound.registry.write_text(bound.registry.read_text().replace("maximum = 1000", 'states = ["active"]'))
    di = bound.kit.contact_id(DI)
    bound.kit.tag(di, TAG)
    ccops("poll")
    answer = why(DI, "payment-credit")
    assert (answer["kind"], answer["state"]) == ("left-out", "cancelled")
    assert "left the contact out: cancelled in Kit" in answer["why"]
    bound.kit.untag(di, TAG)  # as the answer says
    mend(answer)
    ccops("poll")
    assert (bound.credits(DI), why(DI, "payment-credit")["kind"]) == ("30", "applied")


def test_nothing_for_whoever_was_unsubscribed(bound: Site, ccops: Call, why: Why, mend: Mend) -> None:
    bound.registry.write_text(bound.registry.read_text().replace("maximum = 1000", 'states = ["active"]'))
    di = bound.kit.contact_id(DI)
    bound.kit.tag(di, TAG)
    ccops("poll")
    bound.kit.set_state(di, "active")
    answer = why(DI, "payment-credit")
    assert answer["mend"] == ["ccops poll payment-credit"]
    mend(answer)
    assert (bound.credits(DI), why(DI, "payment-credit")["kind"]) == ("30", "applied")


def test_the_tag_is_still_there(bound: Site, why: Why, mend: Mend) -> None:
    bound.kit.tag(bound.ann, TAG)
    answer = why(ANN, "payment-credit")
    assert (answer["kind"], answer["mend"]) == ("waiting", ["ccops poll payment-credit"])
    mend(answer)
    assert (bound.credits(), bound.kit.tags_of(bound.ann)) == ("15", ["Member: Gold"])
    assert why(ANN, "payment-credit")["kind"] == "applied"


def test_refused_for_not_enough_credits(site: Site, ccops: Call, why: Why, mend: Mend) -> None:
    assert ccops("run", "unlock-replay", HAL).status == 1
    answer = why(HAL, "unlock-replay")
    assert answer["kind"] == "refused"
    assert "credits would be -3, below the minimum of 0" in answer["why"]
    mend(answer)
    assert site.credits(HAL) == "0"
    assert site.kit.field_values(site.kit.contact_id(HAL))["replay_opened_on"]
    assert why(HAL, "unlock-replay")["kind"] == "applied"


def test_taken_back_by_mistake(site: Site, ccops: Call, why: Why, mend: Mend) -> None:
    ccops("run", "payment-credit", ANN, "--key", "invoice-7")
    ccops("undo", "e1", "--reason", "granted twice", CCOPS_ACTOR="maria")
    answer = why(ANN, "payment-credit")
    assert answer["kind"] == "undone"
    assert 'by maria ("granted twice"), e2.' in answer["why"]
    mend(answer)
    assert (site.credits(), why(ANN, "payment-credit")["kind"]) == ("15", "applied")


@pytest.mark.parametrize(("in_kit", "proposed"), [("5", 2), ("15", 1)])
def test_it_needs_a_person(site: Site, why: Why, mend: Mend, clock: InMidMonth, in_kit: str, proposed: int) -> None:
    """What Kit shows tells which word is right; if it was not done, it is done now."""
    parked(site, clock.now())
    site.kit.set_field(site.ann, "credits", in_kit)
    answer = why(ANN, "payment-credit")
    assert (answer["kind"], len(answer["mend"])) == ("parked", proposed)
    mend(answer)
    assert (site.credits(), site.statuses()) == ("15", ["applied"])


def test_the_operation_is_paused(bound: Site, ccops: Call, why: Why, mend: Mend) -> None:
    ccops("op", "pause", "payment-credit")
    bound.kit.tag(bound.ann, TAG)
    answer = why(ANN, "payment-credit")
    assert (answer["kind"], answer["why"].endswith("but payment-credit is paused.")) == ("paused", True)
    mend(answer)
    assert (bound.credits(), why(ANN, "payment-credit")["kind"]) == ("15", "applied")
