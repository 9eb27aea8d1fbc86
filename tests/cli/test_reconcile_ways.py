"""`ccops reconcile --adopt` and `--restore`: which of the two values is to hold, as entries of their own."""

import json
from collections.abc import Callable

import pytest

from ccops.ledger.commands import ReconcileCommand, text_of
from ccops.ledger.model import Entry
from ccops.sandbox.faults import Fault
from tests.cli.calls import Ended, told
from tests.cli.sites import RECEIPT, Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]

ANN, BOB, GUS = (f"{name}@example.org" for name in ("ann", "bob", "gus"))
ADOPT = ("reconcile", "credits", "--adopt", "--yes")
RESTORE = ("reconcile", "credits", "--restore", "--yes")


@pytest.fixture
def changed(site: Site, ccops: Call) -> Site:
    """Ann, Bob and Gus have got ten credits; then a hand made 40 of Ann's 15, and 2 of Bob's 22."""
    assert ccops("run", "payment-credit", ANN, BOB, GUS).status == 0
    for email, value in ((ANN, "40"), (BOB, "2")):
        site.kit.set_field(site.kit.contact_id(email), "credits", value)
    site.kit.forget()
    return site


def essence(entry: Entry) -> tuple[object, ...]:
    return entry.operation, entry.status, entry.before, entry.after, entry.occasion, entry.via, entry.note


def of_ann(site: Site) -> list[tuple[object, ...]]:
    return [essence(entry) for entry in site.entries() if entry.contact == site.ann]


def test_adopting_enters_what_the_hand_did_and_sends_nothing(changed: Site, ccops: Call) -> None:
    receipt = changed.kit.field_values(changed.ann)[RECEIPT]
    done = ccops(*ADOPT, "--reason", "webinar")
    assert (done.status, changed.sent) == (0, 0)
    assert [line.split("\t") for line in done.out.splitlines()] == [
        [ANN, "credits 15 → 40 (made by hand)", "e4"],
        [BOB, "credits 22 → 2 (made by hand)", "e5"],
    ]
    adopted = (
        "reconcile",
        "applied",
        {"credits": "15"},
        {"credits": "40"},
        "adjust:credits:run:2",
        "adjust",
        "webinar",
    )
    assert of_ann(changed)[1:] == [adopted]
    assert changed.kit.field_values(changed.ann)[RECEIPT] == receipt
    assert ccops("reconcile", "credits").status == 0


@pytest.mark.usefixtures("changed")
def test_after_an_adoption_the_next_run_goes_on_from_there(ccops: Call) -> None:
    ccops(*ADOPT)
    assert ccops("run", "payment-credit", ANN).out.split("\t")[1] == "credits 40 → 50"
    assert ccops("reconcile", "credits").status == 0


def test_where_nobody_else_writes_an_adoption_costs_the_next_run_one_read(changed: Site, ccops: Call) -> None:
    rules = changed.registry.read_text().replace("minimum = 0", "minimum = 0\nsole_writer = true", 1)
    changed.registry.write_text(rules)
    ccops(*ADOPT)
    for reads in (2, 0):
        changed.kit.forget()
        ccops("run", "payment-credit", "--tagged", "Member: Gold", "--key", f"week-{reads}", "--refused-ok")
        ours = [each for each in changed.kit.exchanges if each.method == "GET" and each.path.endswith(str(changed.ann))]
        assert len(ours) == (1 if reads else 0)
    assert changed.credits() == "60"


def test_the_balance_shows_an_adopted_change_once_and_a_later_one_by_hand(changed: Site, ccops: Call) -> None:
    ccops(*ADOPT)
    changed.kit.set_field(changed.ann, "credits", "41")
    steps = json.loads(ccops("balance", ANN, "--json").out)["steps"]["credits"]
    assert [(step["status"], step["before"], step["after"]) for step in steps] == [
        ("by-hand", "40", "41"),
        ("applied", "15", "40"),
        ("applied", "5", "15"),
    ]


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("way", [ADOPT, RESTORE], ids=["adopt", "restore"])
def test_in_the_report_it_is_neither_granted_nor_spent(ccops: Call, way: tuple[str, ...]) -> None:
    ccops(*way)
    parts = map(json.loads, ccops("report", "--json").out.splitlines())
    flow = next(part["flow"] for part in parts if "flow" in part)
    assert {name: flow[name] for name in ("granted", "spent", "undone", "otherwise")} == {
        "granted": "30",
        "spent": "0",
        "undone": "0",
        "otherwise": "5" if way == ADOPT else "0",
    }


def test_an_adoption_can_be_undone_which_takes_the_change_by_hand_back(changed: Site, ccops: Call) -> None:
    ccops(*ADOPT)
    assert ccops("undo", "e4").status == 0
    assert (changed.credits(), ccops("reconcile", "credits").status) == ("15", 0)
    assert [entry[1] for entry in of_ann(changed)] == ["applied", "undone", "applied"]


def test_an_adoption_is_not_undone_over_what_came_after_it(changed: Site, ccops: Call) -> None:
    ccops(*ADOPT)
    ccops("run", "payment-credit", ANN)
    refused = ccops("undo", "e4")
    assert (refused.status, changed.credits()) == (1, "50")
    assert 'refused: credits is now "50", no longer "40"' in refused.out


@pytest.mark.usefixtures("changed")
def test_the_whole_of_an_adopted_entry_has_no_receipt(ccops: Call) -> None:
    ccops(*ADOPT)
    assert json.loads(ccops("history", "e4", "--json").out)["receipt"] is None
    assert "made by hand" in ccops("why", ANN, "reconcile").out


def test_restoring_writes_back_what_ccops_wrote_last(changed: Site, ccops: Call) -> None:
    done = ccops(*RESTORE, "--reason", "typed by mistake")
    assert (done.status, changed.credits(), changed.credits(BOB)) == (0, "15", "22")
    assert [line.split("\t") for line in done.out.splitlines()] == [
        [ANN, "credits 40 → 15", "e4"],
        [BOB, "credits 2 → 22", "e5"],
    ]
    back = ("reconcile", "applied", {"credits": "40"}, {"credits": "15"}, "adjust:credits:run:2", "adjust")
    assert of_ann(changed)[1:] == [(*back, "typed by mistake")]
    assert ccops("reconcile", "credits").status == 0
    assert ccops("undo", "e4").status == 0
    assert changed.credits() == "40"


def test_a_dry_run_shows_both_ways(changed: Site, ccops: Call) -> None:
    before = changed.database.read_bytes()
    adopt = ccops("reconcile", "credits", "--adopt", "--dry-run")
    restore = ccops("reconcile", "credits", "--restore", "--dry-run")
    assert [line.split("\t")[1] for line in adopt.out.splitlines()] == [
        "credits 15 → 40 (made by hand)",
        "credits 22 → 2 (made by hand)",
    ]
    assert [line.split("\t")[1] for line in restore.out.splitlines()] == ["credits 40 → 15", "credits 2 → 22"]
    assert (adopt.status, restore.status, changed.sent) == (0, 0, 0)
    assert changed.database.read_bytes() == before


@pytest.mark.usefixtures("changed")
def test_the_objects_are_those_of_changes(ccops: Call) -> None:
    (ann, _) = map(json.loads, ccops(*ADOPT, "--json").out.splitlines())
    assert [ann[key] for key in ("operation", "status", "before", "after", "reason", "via", "run")] == [
        "reconcile", "applied", {"credits": "15"}, {"credits": "40"}, "made by hand", "adjust", "r2",
    ]  # fmt: skip


def test_the_same_command_goes_on_where_a_restoring_stopped(changed: Site, ccops: Call) -> None:
    """The answer to Ann's write is lost, and Kit is out of reach then: her entry stays open, and Bob's turn is not."""
    changed.kit.faults.add(Fault("reset", "PUT", when="after"))
    first = ccops(*RESTORE, CCOPS_SETTLE_AFTER="0.01")
    again = ccops(*RESTORE)
    assert (first.status, again.status) == (0, 0)
    assert (changed.credits(), changed.credits(BOB)) == ("15", "22")
    assert [len(changed.kit.writes(changed.kit.contact_id(email))) for email in (ANN, BOB)] == [2, 2]


def test_an_entry_that_a_killed_restoring_left_is_brought_to_its_end(changed: Site, ccops: Call) -> None:
    ledger = changed.ledger(readonly=False)
    words = text_of(ReconcileCommand("credits", "restore"))
    ccops(*RESTORE)
    with ledger.database.write() as db:
        db.run("UPDATE runs SET ended_at = NULL, exit_status = NULL WHERE words = :words", words=words)
        db.run(
            "UPDATE entries SET status = 'sending', ended_at = NULL, sent_at = :at WHERE id = 4",
            at="2026-01-01T00:00:00.000Z",
        )
    ledger.close()
    again = ccops(*RESTORE)
    assert (again.status, changed.statuses()[3:]) == (0, ["applied", "applied"])
    assert again.out.split("\t")[0] == ANN


def test_nothing_by_hand_is_nothing_to_do(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", ANN)
    done = ccops(*RESTORE)
    assert (done.status, done.out.splitlines()[0].strip()) == (0, "0 changed by hand")
    assert len(site.entries()) == 1


def test_both_ways_at_once_can_t_be(changed: Site, ccops: Call) -> None:
    ended = ccops("reconcile", "credits", "--adopt", "--restore")
    assert (ended.status, ended.out, changed.sent) == (2, "", 0)
    assert "ccops reconcile credits --adopt\n       ccops reconcile credits --restore" in ended.err


def test_where_nobody_can_be_asked_a_yes_is_needed(changed: Site, ccops: Call) -> None:
    ended = ccops("reconcile", "credits", "--adopt")
    assert ended == Ended(
        2,
        "",
        told(
            "--adopt is for every contact that was changed by hand, and nobody is here to be asked. Nothing was sent.\n"
            "ccops reconcile credits --adopt --dry-run\n"
            "ccops reconcile credits --adopt --yes"
        ),
    )
    assert len(changed.entries()) == 3


@pytest.mark.parametrize(("answer", "status", "left"), [("n", 1, "40"), ("y", 0, "15")])
def test_a_terminal_is_shown_whom_it_is_about_and_asked(
    changed: Site, terminal: Call, answer: str, status: int, left: str
) -> None:
    screen = terminal("reconcile", "credits", "--restore", answers=[answer], NO_COLOR="1")
    assert "Write what ccops wrote last back to 2 contacts? [y/N]" in screen.out
    assert (screen.status, changed.credits()) == (status, left)


def test_what_was_changed_since_it_was_compared_is_not_written_over(changed: Site, ccops: Call) -> None:
    """Another hand types between the comparison and the write."""
    reads = list[str]()  # of hers alone: others are read at the same time

    def observe(phase: str, method: str, path: str) -> None:
        if (phase, method, path) != ("before", "GET", f"/v4/subscribers/{changed.ann}"):
            return
        reads.append(path)
        if len(reads) == 2:
            changed.kit.set_field(changed.ann, "credits", "41")

    changed.kit.on_request = observe
    done = ccops(*RESTORE)
    assert (done.status, changed.credits(), changed.credits(BOB)) == (1, "41", "22")
    assert 'refused: credits is now "41", no longer "40"' in done.out


def test_no_operation_can_have_the_name(site: Site, ccops: Call) -> None:
    site.registry.write_text(site.registry.read_text() + '\n[operations.reconcile]\nfield = "a"\naction = "stamp"\n')
    ended = ccops("op", "list")
    assert ended.status == 2
    assert '"reconcile" is a word of ccops itself; choose another name' in ended.err
