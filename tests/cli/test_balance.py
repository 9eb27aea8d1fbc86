"""`ccops balance`: what fields hold now, and how that came about."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.calls import Ended
from tests.cli.past import at_noon, left_open, parked
from tests.cli.sites import Site

Call = Callable[..., Ended]
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SUBSCRIBER = ("GET", "/v4/subscribers/{id}")


@pytest.fixture
def past(site: Site, ccops: Call) -> Site:
    """A site with a change, one by hand, and another change."""
    ccops("run", "payment-credit", "ann@example.org")
    site.kit.set_field(site.ann, "credits", "20")
    ccops("run", "payment-credit", "ann@example.org", "--key", "invoice-7")
    ccops("undo", "e2")
    return site


def rows(ended: Ended) -> list[list[str]]:
    return [line.split("\t") for line in ended.out.splitlines()]


def test_values_and_what_led_there_stand_in_columns(past: Site, terminal: Call) -> None:
    shown = at_noon(terminal("balance", "ann@example.org", NO_COLOR="1").out)
    first, _, rest = shown.partition("\n")
    assert first == f"ann@example.org ({past.ann}), active in Kit                      times: New York"
    table, _, others = rest.partition("replay_opened_on")
    assert others.startswith("  (empty)\nplan ")
    lines = [" ".join(line.split()) for line in table.splitlines()]
    assert lines == [
        "FIELD VALUE WHY ENTRY",
        "credits 20 ▁▃▅█▅",
        "22 Nov 12:00 30 → 20 undo of e2 e3",
        "22 Nov 12:00 20 → 30 payment-credit, undone by e3 e2",
        "15 → 20 by hand, between 22 Nov 12:00 and 12:00",
        "22 Nov 12:00 5 → 15 payment-credit e1",
    ]
    assert max(map(len, shown.splitlines())) <= 80


def test_a_pipe_gets_a_line_for_each_step(past: Site, ccops: Call) -> None:
    found = [row for row in rows(ccops("balance", "ann@example.org")) if row[1] == "credits"]
    times = [row.pop(4) for row in found]
    assert found == [
        ["ann@example.org", "credits", "", "20", "now", ""],
        ["ann@example.org", "credits", "30", "20", "undo of e2", "e3"],
        ["ann@example.org", "credits", "20", "30", "payment-credit", "e2"],
        ["ann@example.org", "credits", "15", "20", "by hand", ""],
        ["ann@example.org", "credits", "5", "15", "payment-credit", "e1"],
    ]
    since, _, until = times[3].partition("/")
    first, second, _ = past.entries()
    assert first.moment - timedelta(seconds=1) < datetime.fromisoformat(since) <= first.moment
    assert second.sent_at is not None
    assert second.sent_at - timedelta(seconds=1) < datetime.fromisoformat(until) <= second.sent_at


def test_json_tells_fields_and_steps(past: Site, ccops: Call) -> None:
    told = json.loads(ccops("balance", "ann@example.org", "--json").out)
    steps = told.pop("steps")
    assert told == {
        "contact": {"id": past.ann, "email": "ann@example.org"},
        "status": "found",
        "reason": None,
        "state": "active",
        "fields": {"credits": "20", "replay_opened_on": None, "plan": None},
    }
    assert [(step["entry"], step["status"], step["before"], step["after"]) for step in steps["credits"]] == [
        ("e3", "applied", "30", "20"),
        ("e2", "undone", "20", "30"),
        (None, "by-hand", "15", "20"),
        ("e1", "applied", "5", "15"),
    ]
    assert steps["plan"] == []


def test_a_contact_that_the_ledger_knows_costs_one_read(past: Site, ccops: Call) -> None:
    ccops("balance", "ann@example.org")
    past.kit.forget()
    ccops("balance", "ann@example.org", str(past.ann))
    assert {call: count for call, count in past.kit.counts.items() if call != ("GET", "/v4/account")} == {SUBSCRIBER: 2}


def test_a_contact_that_the_ledger_does_not_know_is_looked_up(site: Site, ccops: Call) -> None:
    assert rows(ccops("balance", "bob@example.org"))[0][:4] == ["bob@example.org", "credits", "", "12"]
    assert site.kit.counts[SUBSCRIBER] == 1


def test_looking_changes_nothing(past: Site, ccops: Call) -> None:
    past.kit.forget()
    before = past.database.read_bytes()
    assert ccops("balance", "ann@example.org", "hal@example.org").status == 0
    assert past.database.read_bytes() == before
    assert past.sent == 0


@pytest.mark.usefixtures("site")
def test_a_contact_that_is_not_there_is_a_failure_and_the_others_are_shown(ccops: Call) -> None:
    ended = ccops("balance", "nobody@example.org", "7", "bob@example.org", "--limit", "0")
    assert ended.status == 1
    assert rows(ended)[:2] == [
        ["nobody@example.org", "failed: no such contact in Kit"],
        ["7", "failed: no such contact in Kit"],
    ]
    assert rows(ended)[2][0] == "bob@example.org"


@pytest.mark.usefixtures("site")
def test_json_of_a_contact_that_is_not_there(ccops: Call) -> None:
    ended = ccops("balance", "nobody@example.org", "7", "--json")
    assert [json.loads(line) for line in ended.out.splitlines()] == [
        {
            "contact": {"id": None, "email": "nobody@example.org"},
            "status": "failed",
            "reason": "no such contact in Kit",
        },
        {"contact": {"id": 7, "email": None}, "status": "failed", "reason": "no such contact in Kit"},
    ]


@pytest.mark.usefixtures("past")
def test_only_so_many_steps_are_shown(ccops: Call) -> None:
    ended = ccops("balance", "ann@example.org", "--limit", "2")
    assert [row[6] for row in rows(ended) if row[1] == "credits"] == ["", "e3", "e2"]
    assert ended.err == "There are earlier steps: ccops history ann@example.org\n"


def test_a_change_by_hand_since_the_last_entry_is_shown(past: Site, ccops: Call) -> None:
    past.kit.set_field(past.ann, "credits", "")
    now, by_hand = rows(ccops("balance", "ann@example.org"))[:2]
    assert (now[3], by_hand[2:4], by_hand[5]) == ("", ["20", ""], "by hand")


def test_entries_that_have_no_end_are_shown_as_such(site: Site, terminal: Call) -> None:
    left_open(site, NOW)
    assert "payment-credit, still open" in terminal("balance", "ann@example.org", NO_COLOR="1").out


def test_entries_that_need_you_are_shown_as_such(site: Site, terminal: Call) -> None:
    parked(site, NOW)
    assert "payment-credit, needs you: ccops settle" in terminal("balance", "ann@example.org", NO_COLOR="1").out


def test_a_field_that_kit_lacks_is_said_to_be_missing(site: Site, ccops: Call, terminal: Call) -> None:
    site.registry.write_text(site.registry.read_text().replace('field = "plan"', 'field = "plans"'))
    assert ["bob@example.org", "plans", "", "(not in Kit)"] in [
        row[:4] for row in rows(ccops("balance", "bob@example.org"))
    ]
    assert "(not in Kit)" in terminal("balance", "bob@example.org").out
    assert "plans" not in json.loads(ccops("balance", "bob@example.org", "--json").out)["fields"]


def test_with_nothing_to_show_that_is_said(site: Site, ccops: Call) -> None:
    site.registry.write_text('timezone = "UTC"\n')
    ended = ccops("balance", "bob@example.org")
    assert ended == Ended(0, "", "ccops has changed no field of this contact, and there is no operation that would.\n")


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("words", [["bob"], []])
def test_what_names_no_contact_is_refused(ccops: Call, words: list[str]) -> None:
    ended = ccops("balance", *words)
    assert (ended.status, ended.out) == (2, "")


@pytest.mark.usefixtures("lucky_dice")
def test_kit_out_of_reach_is_status_4(site: Site, ccops: Call) -> None:
    site.kit.stop()
    assert ccops("balance", "bob@example.org").status == 4
