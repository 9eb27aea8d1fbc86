"""`ccops report`: the whole ledger added up, for a terminal, a pipe, programs and a browser."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.calls import Ended, told
from tests.cli.past import parked
from tests.cli.sites import KEY, Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]
ANN, BOB = "ann@example.org", "bob@example.org"
PARTS = {
    "balance": [
        "part", "field", "contacts", "unreadable", "total", "median", "lowest", "highest", "bands", "flow",
    ],
    "month": ["part", "month", "operation", "field", "changes", "granted", "spent", "undone"],
    "refusal": ["part", "operation", "status", "cause", "count", "last", "reasons", "more"],
    "need": ["part", "kind", "name", "contact", "operation", "reason", "since", "mend"],
    "change": [
        "part", "entry", "run", "operation", "contact", "occasion", "status", "before", "after", "reason", "note",
        "by", "via", "undoes", "at",
    ],
}  # fmt: skip


@pytest.fixture
def past(site: Site, ccops: Call) -> Site:
    """A site with a grant, a spending, one that was refused, and an entry that needs a person."""
    ccops("run", "payment-credit", ANN, BOB)
    ccops("run", "unlock-replay", BOB)
    ccops("adjust", ANN, "credits", "--take", "100")
    parked(site, datetime.now(UTC))
    return site


def lines(ended: Ended) -> list[list[str]]:
    return [line.split("\t") for line in ended.out.splitlines()]


@pytest.mark.usefixtures("past")
def test_a_terminal_gets_tables_and_bars(terminal: Call) -> None:
    ended = terminal("report", NO_COLOR="1")
    assert (ended.status, max(map(len, ended.out.splitlines())) <= 80) == (0, True)
    shown = [" ".join(line.split()) for line in ended.out.splitlines()]
    for line in (
        "2 contacts, 34 in all: lowest 15, median 15, highest 19",
        "All contacts",
        f"{BOB} 19",
        "+ granted 20",
        "− spent 3",  # noqa: RUF001 - a minus
        "= in all now 34",
        "ccops settle e5 --as applied or ccops settle e5 --as not-applied",
    ):
        assert line in shown, line


def test_how_many_contacts_are_spread_is_drawn(site: Site, ccops: Call, terminal: Call) -> None:
    many = [f"m{number}@example.org" for number in range(12)]
    for who in many:
        site.kit.add_contact(who, credits="5")
    ccops("run", "payment-credit", *many, "--key", "gift")
    shown = [" ".join(line.split()) for line in terminal("report", NO_COLOR="1").out.splitlines()]
    assert f"15 12 {'█' * 40}" in shown


@pytest.mark.usefixtures("past")
def test_a_pipe_gets_plain_lines_that_begin_with_what_they_are(ccops: Call) -> None:
    rows = lines(ccops("report"))
    assert {row[0] for row in rows} == set(PARTS) | {"band", "holding", "flow"}
    assert ["balance", "credits", "total", "34"] in rows
    assert ["band", "credits", "15", "15", "1"] in rows
    assert ["holding", "credits", BOB, "19"] in rows
    assert [row[2:] for row in rows if row[0] == "month"] == [
        ["payment-credit", "credits", "2", "20", "0", "0"],
        ["unlock-replay", "credits", "1", "0", "3", "0"],
        ["unlock-replay", "replay_opened_on", "1", "", "", ""],
    ]


@pytest.mark.usefixtures("past")
def test_json_has_an_object_for_each_row(ccops: Call) -> None:
    rows = [json.loads(line) for line in ccops("report", "--json").out.splitlines()]
    assert {row["part"]: list(row) for row in rows} == PARTS
    balance = next(row for row in rows if row["part"] == "balance")
    assert balance["flow"] == {"started": "17", "granted": "20", "spent": "3", "undone": "0", "otherwise": "0"}
    assert balance["bands"][0] == {"from": "15", "below": "15", "contacts": 1}
    (need,) = (row for row in rows if row["part"] == "need")
    assert need["mend"] == ["ccops settle e5 --as applied", "ccops settle e5 --as not-applied"]


def test_kit_is_asked_for_nothing_and_nothing_is_changed(past: Site, ccops: Call) -> None:
    past.kit.forget()
    before = past.database.read_bytes()
    assert ccops("report").status == 0
    assert (sum(past.kit.counts.values()), past.database.read_bytes()) == (0, before)


def test_only_so_many_months_and_changes_are_shown(past: Site, ccops: Call) -> None:
    ended = ccops("report", "--months", "1", "--recent", "2")
    assert [row[1] for row in lines(ended) if row[0] == "change"] == ["e5", "e4"]
    assert ended.err == "There are older changes: ccops history\n"
    assert past.statuses() == ["applied", "applied", "applied", "refused", "parked"]


@pytest.mark.usefixtures("site")
def test_an_empty_ledger_is_said_to_be_one(terminal: Call, ccops: Call) -> None:
    shown = terminal("report", NO_COLOR="1").out
    assert "Nothing was changed." in shown
    assert "None yet." in shown
    assert ccops("report") == Ended(0, "", "")


@pytest.mark.usefixtures("past")
def test_the_page_is_for_its_owner_alone_and_replaces_the_last_one(ccops: Call, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    for _ in range(2):
        ended = ccops("report", "--html", str(file))
        assert (ended.status, ended.out.startswith(f"{file} is written (")) == (0, True)
        assert "It holds addresses of your contacts" in ended.err
    text = file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
    assert text.startswith("<!doctype html>\n<!-- ccops report -->\n<html")
    assert BOB in text
    assert KEY not in text
    assert sorted(each.name for each in tmp_path.iterdir()) == ["home", "report.html"]


@pytest.mark.usefixtures("past")
def test_another_file_is_not_replaced_unless_told_so(ccops: Call, tmp_path: Path) -> None:
    file = tmp_path / "letter.html"
    file.write_text("Dear Bob")
    refused = ccops("report", "--html", str(file))
    said = f"{file} is there already, and is no report of ccops. Nothing was written.\n"
    assert refused == Ended(2, "", told(f"{said}Choose another name, or replace the file with --yes."))
    assert file.read_text() == "Dear Bob"
    assert ccops("report", "--html", str(file), "--yes").status == 0
    assert "Dear Bob" not in file.read_text(encoding="utf-8")


@pytest.mark.usefixtures("site")
def test_a_place_that_is_not_there_is_status_2(ccops: Call, tmp_path: Path) -> None:
    ended = ccops("report", "--html", str(tmp_path / "nowhere" / "report.html"))
    assert (ended.status, "can't be used: No such file or directory" in ended.err) == (2, True)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("words", [("--html", "x.html", "--json"), ("--months", "0"), ("--recent", "0")])
def test_what_makes_no_sense_is_refused(ccops: Call, words: tuple[str, ...]) -> None:
    ended = ccops("report", *words)
    assert (ended.status, ended.out) == (2, "")


def test_a_text_from_outside_does_nothing_to_a_terminal(site: Site, ccops: Call, terminal: Call) -> None:
    site.kit.set_field(site.ann, "plan", "\x1b[31m")
    ccops("adjust", ANN, "plan", "--set", "7", "--reason", "\x1b[31m[/b]")
    ccops("adjust", ANN, "plan", "--set", "8")
    assert "\x1b" not in terminal("report", NO_COLOR="1").out
