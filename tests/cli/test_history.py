"""`ccops history`: what was done, newest first; Kit is asked for nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.cli.calls import Ended
from tests.cli.past import at_noon, left_open, parked
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def past(site: Site, ccops: Call) -> Site:
    """A site with a change, its undo, and a refusal."""
    for words in (
        ("run", "payment-credit", "ann@example.org", "--key", "invoice-7"),
        ("undo", "e1", "--reason", "granted twice"),
        ("run", "monthly-grant", "cy@example.org", "--period", "2026-10"),
    ):
        ccops(*words, CCOPS_ACTOR="maria")
    return site


def cells(ended: Ended) -> list[list[str]]:
    return [line.split("\t") for line in ended.out.splitlines()]


def named(ended: Ended) -> list[str]:
    return [row[0] for row in cells(ended)]


@pytest.mark.usefixtures("past")
def test_entries_stand_in_two_lines_each_newest_first(terminal: Call) -> None:
    assert at_noon(terminal("history", NO_COLOR="1").out) == (
        "                                                                 times: New York\n"
        "ENTRY  WHEN          CONTACT          OPERATION       CHANGE\n"
        'e3     22 Nov 12:00  cy@example.org   monthly-grant   refused: credits is "abc",\n'
        "                                                      not a number\n"
        "                     for October 2026, by maria\n"
        "e2     22 Nov 12:00  ann@example.org  undo of e1      credits 15 → 5\n"
        '                     "granted twice", by maria\n'
        "e1     22 Nov 12:00  ann@example.org  payment-credit  credits 5 → 15\n"
        "                     for key invoice-7, by maria      undone by e2\n"
    )


@pytest.mark.usefixtures("past")
def test_a_pipe_gets_everything_in_one_line_each(ccops: Call) -> None:
    rows = cells(ccops("history"))
    assert all(datetime.fromisoformat(row.pop(1)).utcoffset() is not None for row in rows)
    refused = 'credits is "abc", not a number'
    assert ["\t".join(row) for row in rows] == [
        f"e3\tcy@example.org\tmonthly-grant\trefused\t\t{refused}\tmonth:2026-10\tmaria\trun\tr3\t\t\t",
        "e2\tann@example.org\tpayment-credit\tapplied\tcredits 15 → 5\t\tundo:1\tmaria\tundo\tr2\tgranted twice\te1\t",
        "e1\tann@example.org\tpayment-credit\tundone\tcredits 5 → 15\t\tkey:invoice-7\tmaria\trun\tr1\t\t\te2",
    ]


def test_json_is_the_object_of_a_change(past: Site, ccops: Call) -> None:
    found = [json.loads(line) for line in ccops("history", "--json").out.splitlines()]
    at = found[1].pop("at")
    assert datetime.fromisoformat(at)
    assert found[1] == {
        "entry": "e2",
        "run": "r2",
        "operation": "payment-credit",
        "contact": {"id": past.ann, "email": "ann@example.org"},
        "occasion": "undo:1",
        "status": "applied",
        "before": {"credits": "15"},
        "after": {"credits": "5"},
        "reason": None,
        "note": "granted twice",
        "by": "maria",
        "via": "undo",
        "undoes": "e1",
    }
    assert [each["status"] for each in found] == ["refused", "applied", "undone"]


@pytest.mark.usefixtures("site")
def test_the_object_has_the_keys_that_the_run_itself_printed(ccops: Call) -> None:
    ran = json.loads(ccops("run", "payment-credit", "ann@example.org", "--json").out)
    assert json.loads(ccops("history", "--json").out) == ran


@pytest.mark.parametrize(
    ("words", "entries"),
    [
        (["ann@example.org"], ["e2", "e1"]),
        (["ANN@Example.org"], ["e2", "e1"]),
        (["--op", "monthly-grant"], ["e3"]),
        (["--op", "payment-credit", "--status", "undone"], ["e1"]),
        (["--status", "applied"], ["e2"]),
        (["--status", "open"], []),
        (["--run", "r2"], ["e2"]),
        (["--run", "R3"], ["e3"]),
        (["--limit", "2"], ["e3", "e2"]),
        (["--since", "1h"], ["e3", "e2", "e1"]),
        (["--since", "2026-01-01"], ["e3", "e2", "e1"]),
        (["--since", "2999-01-01"], []),
        (["ann@example.org", "--since", "3w", "--status", "applied", "--run", "r2"], ["e2"]),
        (["ann@example.org", "--op", "monthly-grant"], []),
    ],
)
@pytest.mark.usefixtures("past")
def test_entries_can_be_chosen(ccops: Call, words: list[str], entries: list[str]) -> None:
    ended = ccops("history", *words)
    assert (ended.status, named(ended)) == (0, entries)


def test_who_was_left_out_is_told_from_who_was_refused(past: Site, ccops: Call) -> None:
    past.registry.write_text(past.registry.read_text().replace("maximum = 1000", 'states = ["active"]'))
    ccops("tag", "create", "payment-credit")
    past.kit.tag(past.kit.contact_id("di@example.org"), "ccops: payment-credit")
    ccops("poll")
    assert named(ccops("history", "--status", "left-out")) == ["e4"]
    assert named(ccops("history", "--status", "refused")) == ["e3"]
    assert cells(ccops("history", "e4"))[2] == ["status", "left-out"]
    assert cells(ccops("history", "--runs"))[0][4] == "1 left out"


def test_follow_up_tags_of_an_entry_are_told(past: Site, ccops: Call) -> None:
    past.registry.write_text(past.registry.read_text() + 'tags_if_applied = ["access: gold"]\n')
    ccops("run", "mark", "ann@example.org")
    tag = past.kit.add_tag("access: gold")
    assert ["tags", f"{tag} added (Kit's ids)"] in cells(ccops("history", "e4"))
    ccops("undo", "e4")
    assert ["tags", f"{tag} taken off (Kit's ids)"] in cells(ccops("history", "e5"))


def test_a_contact_is_found_by_id_too(past: Site, ccops: Call) -> None:
    assert named(ccops("history", str(past.ann))) == ["e2", "e1"]


@pytest.mark.usefixtures("past")
def test_that_there_are_older_ones_is_said(ccops: Call) -> None:
    assert ccops("history", "--limit", "2").err == "There are older ones; to see more: --limit 4\n"
    assert ccops("history", "--limit", "3").err == ""


def test_kit_is_asked_for_nothing(past: Site, ccops: Call) -> None:
    past.kit.stop()
    for words in ([], ["ann@example.org"], ["nobody@example.org"], ["e1"], ["--runs"], ["--json"]):
        assert ccops("history", *words, KIT_API_KEY="").status == 0


@pytest.mark.usefixtures("past")
def test_an_address_that_the_ledger_does_not_know_is_said_to_be_unknown(ccops: Call) -> None:
    assert ccops("history", "hal@example.org") == Ended(
        0,
        "",
        "The ledger knows no contact hal@example.org: ccops has changed nothing under this address.\n"
        "Check the spelling, or ask Kit for it: ccops why hal@example.org\n",
    )


@pytest.mark.usefixtures("site")
def test_nothing_done_yet_is_said(ccops: Call) -> None:
    assert ccops("history") == Ended(0, "", "Nothing was done yet.\n")
    assert ccops("history", "--status", "parked") == Ended(0, "", "There are no such entries.\n")
    assert ccops("history", "--runs") == Ended(0, "", "There are no runs yet.\n")


@pytest.mark.usefixtures("past")
def test_the_history_of_an_operation_outlives_it(ccops: Call) -> None:
    assert ccops("op", "remove", "monthly-grant", "--yes").status == 0
    assert named(ccops("history", "--op", "monthly-grant")) == ["e3"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--op", "monthly-grand"], "ccops history --op monthly-grant\n"),
        (["ann"], '"ann" is no e-mail address, no id of a contact in Kit, and no entry such as e4711.'),
        (["e99"], "the ledger has no entry e99"),
        (["--run", "r99"], "the ledger has no run r99"),
        (["--run", "e1"], '"e1" is not the name of a run'),
        (["--limit", "0"], "--limit"),
        (["--status", "done"], "applied, undone, refused, left-out, failed, parked, open"),
        (["e1", "--op", "monthly-grant"], "e1 can't go with --op"),
        (["--runs", "ann@example.org"], "--runs can't go with"),
        (["--runs", "--status", "applied"], "--runs can't go with"),
        (["--since", "yesterday"], '--since "yesterday" can\'t be read: it is neither a day nor a time ago.'),
        (["--since", "2026-02-30"], "there is no day 2026-02-30."),
        (["--csv", "--follow"], "--csv can't go with"),
        (["e1", "--csv"], "e1 can't go with"),
    ],
)
@pytest.mark.usefixtures("past")
def test_what_makes_no_sense_is_said(ccops: Call, words: list[str], said: str) -> None:
    ended = ccops("history", *words)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


def test_an_entry_is_shown_whole(past: Site, ccops: Call) -> None:
    rows = [(row[0], row[1]) for row in cells(ccops("history", "e1"))]
    told = {heading: line for heading, line in rows if heading not in {"begun", "sent", "ended", "receipt"}}
    assert told == {
        "entry": "e1, payment-credit",
        "contact": f"ann@example.org ({past.ann})",
        "status": "undone",
        "change": "credits 5 → 15",
        "occasion": "key invoice-7 (key:invoice-7)",
        "by": "maria, via run",
        "run": "r1, run payment-credit ann@example.org",
        "undone by": "e2",
        "operation": "credits +10, at most 1000",
    }
    ledger = past.ledger()
    receipt = ledger.identity.lineage.receipt(1)
    ledger.close()
    assert ("receipt", f"{receipt}, found before it: none") in rows
    assert all(datetime.fromisoformat(line) for heading, line in rows if heading in {"begun", "sent", "ended"})


@pytest.mark.usefixtures("site")
def test_each_field_of_an_entry_has_its_line(ccops: Call, terminal: Call) -> None:
    ccops("run", "unlock-replay", "ann@example.org")
    changes = [row[1] for row in cells(ccops("history", "e1")) if row[0] == "change"]
    assert changes[0] == "credits 5 → 2"
    assert changes[1].startswith("replay_opened_on (empty) → 20")
    shown = terminal("history", "e1", NO_COLOR="1").out
    assert "\nchange     credits 5 → 2\n           replay_opened_on (empty) → 20" in shown
    assert shown.count("Take it back: ccops undo e1") == 1


def test_an_entry_that_needs_you_says_what_to_do(site: Site, ccops: Call) -> None:
    parked(site, NOW)
    shown = ccops("history", "e1").out
    assert "status\tparked: it needs you\nreason\tnobody can tell\n" in shown
    assert "next\t  ccops settle e1 --as applied\nnext\t  ccops settle e1 --as not-applied\n" in shown
    assert named(ccops("history", "--status", "parked")) == ["e1"]


def test_an_open_entry_says_what_to_do(site: Site, ccops: Call) -> None:
    left_open(site, NOW)
    assert "next\tBring it to its end: ccops settle\n" in ccops("history", "E1").out
    assert json.loads(ccops("history", "--status", "open", "--json").out)["status"] == "open"


@pytest.mark.usefixtures("past")
def test_json_of_one_entry_has_more(ccops: Call) -> None:
    (in_list,) = [each for each in ccops("history", "--json").out.splitlines() if '"e1"' in each.partition(",")[0]]
    alone = json.loads(ccops("history", "e1", "--json").out)
    assert json.loads(in_list).items() <= alone.items()
    assert (alone["undone_by"], alone["receipt_seen"]) == ("e2", None)


@pytest.mark.usefixtures("past")
def test_runs_have_a_line_each(ccops: Call, terminal: Call) -> None:
    assert at_noon(terminal("history", "--runs", NO_COLOR="1").out).splitlines()[1:] == [
        "RUN  WHEN          BY     WHAT                                CAME OUT",
        "r3   22 Nov 12:00  maria  run monthly-grant cy@example.org    1 refused",
        "r2   22 Nov 12:00  maria  undo e1                             1 applied",
        "r1   22 Nov 12:00  maria  run payment-credit ann@example.org  1 undone",
    ]
    rows = cells(ccops("history", "--runs", "--limit", "1"))
    assert [row[:1] + row[3:] for row in rows] == [
        ["r3", "run monthly-grant cy@example.org", "1 refused", "maria", "1"]
    ]
    (run,) = map(json.loads, ccops("history", "--runs", "--limit", "1", "--json").out.splitlines())
    assert (run["run"], run["entries"], run["exit_status"]) == ("r3", {"refused": 1}, 1)


@pytest.mark.usefixtures("site")
def test_text_from_outside_can_do_nothing_to_a_terminal_or_a_row(ccops: Call, terminal: Call) -> None:
    ccops("run", "payment-credit", "ann@example.org", "--reason", "a\x1b[2Jb\tc\nd [/b]")
    for shown in (ccops("history").out, ccops("history", "e1").out, terminal("history", NO_COLOR="1").out):
        assert "a\\x1b[2Jb\\tc\\nd [/b]" in shown
        assert "\x1b[2J" not in shown


def test_a_long_address_is_never_cut(site: Site, ccops: Call, terminal: Call) -> None:
    address = f"{'a' * 40}@department.example.org"
    site.kit.add_contact(address, credits="5")
    ccops("run", "payment-credit", address)
    lines = terminal("history", NO_COLOR="1").out.splitlines()
    assert f"    {address}" in lines
    assert lines[-2].split() == ["payment-credit", "credits", "5", "→", "15"]
    assert max(map(len, lines)) <= 80


def test_without_a_home_init_is_named(ccops: Call) -> None:
    ended = ccops("history")
    assert (ended.status, ended.out) == (2, "")
    assert "ccops init" in ended.err


@pytest.mark.parametrize("columns", ["60", "80", "120"])
@pytest.mark.usefixtures("past")
def test_no_terminal_is_too_narrow_for_a_change(terminal: Call, columns: str) -> None:
    """A change stands on one line, whatever goes beneath what."""
    for words in (["history"], ["balance", "ann@example.org"]):
        shown = terminal(*words, NO_COLOR="1", COLUMNS=columns).out
        assert any("5 → 15" in line for line in shown.splitlines())
        assert max(map(len, shown.splitlines())) <= int(columns)


def test_a_refusal_that_was_tried_again_stays_in_the_list_of_its_run(site: Site, ccops: Call) -> None:
    site.kit.set_field(site.ann, "credits", "abc")
    assert ccops("run", "monthly-grant", "ann@example.org", "--period", "2026-10").status == 1
    site.kit.set_field(site.ann, "credits", "5")
    assert ccops("run", "monthly-grant", "ann@example.org", "--period", "2026-10", "--reason", "again").status == 0
    (first,) = map(json.loads, ccops("history", "--run", "r1", "--json").out.splitlines())
    assert (first["entry"], first["run"], first["status"], first["before"]) == ("e1", "r1", "refused", None)
    assert [row[4] for row in cells(ccops("history", "--runs"))] == ["1 applied", "1 refused"]
    assert "before\trefused: credits is " in ccops("history", "e1").out
    (tried,) = json.loads(ccops("history", "e1", "--json").out)["tries"]
    assert (tried["run"], tried["reason"]) == ("r1", first["reason"])


def test_the_list_of_a_run_says_what_a_later_run_made_of_its_refusals(site: Site, ccops: Call, terminal: Call) -> None:
    words = ("run", "monthly-grant", "ann@example.org", "--period", "2026-10")
    site.kit.set_field(site.ann, "credits", "abc")
    ccops(*words)
    assert "since" not in ccops("history", "--run", "r1").out
    site.kit.set_field(site.ann, "credits", "abcd")
    ccops(*words)
    assert cells(ccops("history", "--run", "r1"))[0][6].endswith("; refused since, by run r2")
    site.kit.set_field(site.ann, "credits", "5")
    ccops(*words)
    assert cells(ccops("history", "--run", "r1"))[0][6].endswith("; applied since, by run r3")
    assert "applied since, by run r3" in terminal("history", "--run", "r1", NO_COLOR="1").out
    ccops("undo", "e1")
    assert cells(ccops("history", "--run", "r1"))[0][6].endswith("; applied since, by run r3, undone by e2")
    assert "since" not in ccops("history", "--run", "r3").out
