"""`ccops run` for the carriers of a tag, for those in a file, and for all."""

import csv
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]

PUT = "/v4/subscribers/{id}"
GRANT = ("run", "monthly-grant")
GOLD = (*GRANT, "--tagged", "Member: Gold")
CREDITS = {"ann": "15", "bob": "22", "cy": "abc", "di": "30", "fay": "10", "gus": "120"}
"""After a grant to all who carry the tag."""


@pytest.fixture(autouse=True)
def dated(site: Site) -> None:
    """The grants of the tests say their month, so that none depends on the day on which it runs."""
    site.environ["LANG"] = "C"


def credits_of(site: Site) -> dict[str, str | None]:
    return {name: site.credits(f"{name}@example.org") for name in CREDITS}


def summed_up(ended: Ended) -> list[str]:
    """Return the lines of the summary without its title, which names the present month."""
    return [line for line in ended.err.splitlines() if line.startswith("  ")]


def test_all_carriers_of_a_tag_get_it_and_the_sum_is_told(site: Site, ccops: Call) -> None:
    done = ccops(*GOLD)
    assert (done.status, credits_of(site)) == (1, CREDITS)
    assert sorted(line.split("\t")[0] for line in done.out.splitlines()) == [f"{name}@example.org" for name in CREDITS]
    assert summed_up(done) == [
        "    5 applied   credits +42 (1 stopped at the maximum of 120)",
        '    1 refused   cy@example.org: credits is "abc", not a number',
    ]


def test_the_same_line_again_grants_nobody_again(site: Site, ccops: Call) -> None:
    ccops(*GOLD)
    again = ccops(*GOLD)
    assert (again.status, credits_of(site)) == (1, CREDITS)
    assert summed_up(again)[0].startswith("    5 already done   ")


def test_only_active_ones_if_so_asked_and_who_is_left_out_is_said_and_entered(site: Site, ccops: Call) -> None:
    done = ccops(*GOLD, "--state", "active", "--refused-ok")
    assert (done.status, site.credits("di@example.org")) == (0, "20")
    assert "    1 left out   di@example.org: cancelled in Kit; monthly-grant is for active" in summed_up(done)
    assert [entry.cause for entry in site.entries() if entry.cause == "state"] == ["state"]
    everybody = ccops(*GOLD, "--state", "all", "--refused-ok")
    assert (everybody.status, site.credits("di@example.org")) == (0, "30")


def test_the_states_of_the_operation_hold_unless_others_are_asked_for(site: Site, ccops: Call) -> None:
    text = site.registry.read_text().replace('once_per = "month"', 'once_per = "month"\nstates = ["cancelled"]')
    site.registry.write_text(text)
    assert ccops(*GOLD).status == 0
    assert credits_of(site)["di"] == "30"
    assert credits_of(site)["ann"] == "5"


def test_a_tag_by_its_id_costs_no_look_up(site: Site, ccops: Call) -> None:
    number = site.kit.add_tag("Member: Gold")
    ccops(*GRANT, "--tagged", str(number))
    assert credits_of(site) == CREDITS
    assert site.kit.counts["GET", "/v4/tags"] == 0


def test_all_contacts_need_a_yes_where_nobody_can_be_asked(site: Site, ccops: Call) -> None:
    refused = ccops(*GRANT, "--all")
    assert (refused.status, site.sent) == (2, 0)
    assert refused.err.splitlines()[-1] == "       ccops run monthly-grant --all --yes"
    done = ccops(*GRANT, "--all", "--yes")
    assert done.status == 1
    assert (credits_of(site), site.credits("hal@example.org")) == (CREDITS, "10")


def test_contacts_of_a_file_one_a_line_or_as_csv(site: Site, ccops: Call, tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text(f"# gold\nann@example.org\n\n{site.kit.contact_id('bob@example.org')}\nANN@example.org\n")
    done = ccops(*GRANT, "--file", str(plain))
    assert (done.status, site.credits("ann@example.org"), site.credits("bob@example.org")) == (0, "15", "22")
    table = tmp_path / "table.csv"
    table.write_text("\ufeffName;E-Mail\nFay;fay@example.org\nGus;gus@example.org\n;\n")
    assert ccops(*GRANT, "--file", str(table)).status == 0
    assert (site.credits("fay@example.org"), site.credits("gus@example.org")) == ("10", "120")


def test_contacts_from_another_program(site: Site, environ: dict[str, str]) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "ccops", *GRANT, "--file", "-"],
        input="email\nann@example.org\n",
        env=environ,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (child.returncode, site.credits("ann@example.org")) == (0, "15")


def test_all_mistakes_of_a_file_are_told_before_anything_is_sent(site: Site, ccops: Call, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("email\nann@example.org\nnobody\n\nbob@example.org\n1,5\n")
    told = ccops(*GRANT, "--file", str(wrong))
    assert (told.status, site.sent) == (2, 0)
    assert told.err.splitlines() == [
        f'error: {wrong}, line 3: "nobody" is not an e-mail address',
        f'       {wrong}, line 6: "1" is not an e-mail address',
        "       Nothing was sent.",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,points\nAnn,3\n", 'has no column "email" or "id"; its first line has "name", "points"'),
        (b"email\nJ\xfcrgen\n", "it is not UTF-8 text; save it as CSV in UTF-8"),
        (b"\xff\xfe\x00", "it begins as UTF-16 text, but does not go on as such"),
        (None, "can't be read: No such file or directory"),
    ],
)
def test_a_file_that_is_of_no_use(site: Site, ccops: Call, tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "odd.csv"
    if content is not None:
        path.write_bytes(content)
    told = ccops(*GRANT, "--file", str(path))
    assert (told.status, site.sent) == (2, 0)
    assert said in told.err


def test_an_empty_file_is_nothing_to_do(site: Site, ccops: Call, tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.touch()
    done = ccops(*GRANT, "--file", str(path))
    assert (done.status, done.err.splitlines()[-1], site.sent) == (0, "Nobody was found to do it for.", 0)


def test_who_needs_somebody_goes_to_a_file_that_can_be_given_back(site: Site, ccops: Call, tmp_path: Path) -> None:
    path = tmp_path / "again.csv"
    site.kit.set_field(site.kit.contact_id("bob@example.org"), "credits", "1,000")
    first = ccops(*GOLD, "--failed-to", str(path))
    said = "has the 2 contacts that need somebody. Once that is mended, the same command takes it with --file"
    assert (first.status, first.err.splitlines()[-1]) == (1, f"{path} {said} {path}.")
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["email"] for row in rows) == ["bob@example.org", "cy@example.org"]
    assert {row["status"] for row in rows} == {"refused"}
    for email in ("bob@example.org", "cy@example.org"):
        site.kit.set_field(site.kit.contact_id(email), "credits", "1")
    again = ccops(*GRANT, "--file", str(path), "--failed-to", str(path))
    assert (again.status, site.credits("bob@example.org"), site.credits("cy@example.org")) == (0, "11", "11")
    assert path.read_text().splitlines() == ["id,email,status,reason"]


def test_an_address_that_a_spreadsheet_would_run_is_harmless_and_still_read_back(
    site: Site, ccops: Call, tmp_path: Path
) -> None:
    path, odd = tmp_path / "again.csv", "=cmd@example.org"
    listed = tmp_path / "listed.txt"
    listed.write_text(f"{odd}\n")
    assert ccops(*GRANT, "--file", str(listed), "--failed-to", str(path)).status == 1
    assert path.read_text().splitlines()[1] == f",'{odd},failed,no such contact in Kit"
    site.kit.add_contact(odd, credits="1")
    assert ccops(*GRANT, "--file", str(path)).status == 0
    assert site.credits(odd) == "11"


def test_a_file_of_failures_is_as_it_was_if_the_run_did_not_reach_all(site: Site, ccops: Call, tmp_path: Path) -> None:
    path = tmp_path / "again.csv"
    path.write_text("email\nann@example.org\n")
    site.kit.settings.key = "another"
    assert ccops(*GRANT, "--file", str(path), "--failed-to", str(path)).status == 3
    assert path.read_text() == "email\nann@example.org\n"
    assert list(tmp_path.glob(".again*")) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*GRANT,), "name contacts, or choose them by one of --tagged, --file and --all"),
        ((*GOLD, "ann@example.org"), "name contacts, or choose them by one of --tagged, --file and --all"),
        ((*GOLD, "--all"), "name contacts, or choose them by one of --tagged, --file and --all"),
        ((*GRANT, "ann@example.org", "--state", "active"), "--state goes with --tagged, --file and --all"),
        ((*GRANT, "--tagged", "Member: Golt"), 'Kit has no tag "Member: Golt". Nothing was sent. Did you mean'),
        (("run", "payment-credit", "--tagged", "Member: Gold"), "nothing says how often this may count"),
        (("run", "payment-credit", "--all", "--yes"), "nothing says how often this may count"),
    ],
)
def test_what_can_not_be_meant_is_said(site: Site, ccops: Call, words: tuple[str, ...], said: str) -> None:
    told = ccops(*words)
    assert (told.status, site.sent, site.entries()) == (2, 0, [])
    assert said in " ".join(told.err.split())


def test_its_own_trigger_tag_is_for_poll(site: Site, ccops: Call) -> None:
    number = site.kit.add_tag("ccops: grant")
    text = site.registry.read_text()
    binding = f'[operations.monthly-grant]\ntag = {{ id = {number}, name = "ccops: grant" }}'
    site.registry.write_text(text.replace("[operations.monthly-grant]", binding))
    told = ccops(*GRANT, "--tagged", "ccops: grant")
    assert (told.status, told.err.splitlines()[-1]) == (2, "       ccops poll monthly-grant")


def test_a_key_is_an_occasion_for_many_too(site: Site, ccops: Call) -> None:
    words = ("run", "payment-credit", "--tagged", "Member: Gold", "--key", "gift-2026", "--refused-ok")
    assert [ccops(*words).status for _ in range(2)] == [0, 0]
    assert credits_of(site)["ann"] == "15"


def test_json_has_an_object_for_each_contact(site: Site, ccops: Call) -> None:
    done = ccops(*GOLD, "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert {row["contact"]["email"]: row["status"] for row in rows} == {
        f"{name}@example.org": "refused" if name == "cy" else "applied" for name in CREDITS
    }
    assert {row["run"] for row in rows} == {"r1"}
    assert site.sent == 5


def test_quiet_tells_only_who_needs_a_person(site: Site, ccops: Call) -> None:
    done = ccops(*GOLD, "--quiet")
    assert (done.status, done.err, site.sent) == (1, "", 5)
    assert done.out.split("\t")[0] == "cy@example.org"


def test_a_dry_run_shows_it_and_changes_nothing(site: Site, ccops: Call) -> None:
    shown = ccops(*GOLD, "--dry-run")
    assert (shown.status, site.sent, site.entries()) == (1, 0, [])
    assert summed_up(shown) == [
        "    5 would be applied   credits +42 (1 stopped at the maximum of 120)",
        '    1 refused            cy@example.org: credits is "abc", not a number',
    ]


def test_at_a_terminal_many_are_summed_up_not_listed(site: Site, terminal: Call) -> None:
    shown = terminal(*GOLD)
    assert (shown.status, credits_of(site)) == (1, CREDITS)
    assert "ann@example.org" not in shown.out
    assert "credits +42 (1 stopped at the maximum of 120)" in shown.out
    assert "Take all back: ccops undo --run r1" in shown.out


def test_a_terminal_is_asked_about_more_than_fifty_with_an_example(site: Site, terminal: Call) -> None:
    for number in range(60):
        site.kit.tag(site.kit.add_contact(f"c{number:02}@example.org", credits="0"), "Many")
    words = (*GRANT, "--tagged", "Many")
    asked = terminal(*words, answers=["n"])
    assert (asked.status, site.sent) == (0, 0)
    assert "(credits +10, at most 120), 60 contacts · Ann's Studio" in " ".join(asked.out.split())
    assert "credits 0 → 10" in asked.out
    assert "Go on? [y/N]" in asked.out
    pages = site.kit.counts["GET", "/v4/tags/{tag_id}/subscribers"]
    assert pages == 1
    done = terminal(*words, answers=["y"])
    assert (done.status, site.sent) == (0, 60)
    assert site.kit.counts["GET", "/v4/tags/{tag_id}/subscribers"] == pages + 1, "what was looked at is not read again"


def test_a_terminal_is_asked_how_often_it_may_count(site: Site, terminal: Call) -> None:
    words = ("run", "payment-credit", "--tagged", "Member: Gold")
    done = terminal(*words, answers=["1"])
    assert (done.status, site.credits("ann@example.org")) == (1, "15")
    asked = "The same without being asked:\nccops run payment-credit --tagged 'Member: Gold' --once-per month\n"
    assert asked in done.out
    assert {entry.occasion.partition(":")[0] for entry in site.entries()} == {"month"}
    assert terminal(*words, answers=["month"]).status == 1
    assert site.credits("ann@example.org") == "15"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_run_that_is_stopped_goes_on_with_the_same_command(
    site: Site, ccops: Call, environ: dict[str, str], number: int, status: int
) -> None:
    for count in range(30):
        site.kit.tag(site.kit.add_contact(f"c{count:02}@example.org", credits="0"), "Many")
    words = (*GRANT, "--tagged", "Many")
    child = subprocess.Popen([sys.executable, "-m", "ccops", *words], env=environ, stdout=-1, stderr=-1, text=True)
    writes = itertools.count(1)

    def observe(phase: str, method: str, _path: str) -> None:
        if (phase, method) == ("after", "PUT") and next(writes) == 10:
            child.send_signal(number)

    site.kit.on_request = observe
    _, err = child.communicate(timeout=60)
    assert child.returncode == status
    if number != signal.SIGKILL:
        assert "the same command goes on with them" in err
    assert site.sent < 30
    again = ccops(*words)
    assert (again.status, again.err.splitlines()[0][:24]) == (0, "Going on with run r1 of ")
    values = [site.credits(f"c{count:02}@example.org") for count in range(30)]
    assert values == ["10"] * 30
    assert {entry.run for entry in site.entries()} == {1}


def test_two_of_the_same_line_at_once_grant_once(site: Site, environ: dict[str, str]) -> None:
    for count in range(20):
        site.kit.tag(site.kit.add_contact(f"c{count:02}@example.org", credits="0"), "Many")
    words = [sys.executable, "-m", "ccops", *GRANT, "--tagged", "Many"]
    both = [subprocess.Popen(words, env=environ, stdout=-1, stderr=-1) for _ in range(2)]
    assert [child.wait(60) for child in both] == [0, 0]
    for child in both:
        child.communicate()
    assert [site.credits(f"c{count:02}@example.org") for count in range(20)] == ["10"] * 20


def test_a_refused_credential_stops_all(site: Site, ccops: Call) -> None:
    for count in range(30):
        site.kit.tag(site.kit.add_contact(f"c{count:02}@example.org", credits="0"), "Many")
    writes = itertools.count(1)

    def observe(phase: str, method: str, _path: str) -> None:
        if (phase, method) == ("after", "PUT") and next(writes) == 15:
            site.kit.settings.key = "another"

    site.kit.on_request = observe
    stopped = ccops(*GRANT, "--tagged", "Many")
    assert stopped.status == 3
    assert 15 <= site.kit.statuses[200] < 80
    site.kit.on_request = lambda *_: None
    site.kit.settings.key = site.environ["KIT_API_KEY"]
    assert ccops(*GRANT, "--tagged", "Many").status == 0
    assert [site.credits(f"c{count:02}@example.org") for count in range(30)] == ["10"] * 30


def test_with_an_access_token_fifty_contacts_cost_one_request(site: Site, ccops: Call) -> None:
    site.registry.write_text(site.registry.read_text().replace("minimum = 0", "minimum = 0\nsole_writer = true", 1))
    for count in range(60):
        site.kit.tag(site.kit.add_contact(f"c{count:02}@example.org", credits="0"), "Many")
    token = {"KIT_ACCESS_TOKEN": site.kit.settings.token, "KIT_API_KEY": ""}
    words = ("run", "payment-credit", "--tagged", "Many")
    assert ccops(*words, "--key", "first", **token).status == 0
    site.kit.forget()
    done = ccops(*words, "--key", "second", **token)
    assert (done.status, len(done.out.splitlines())) == (0, 60)
    assert (site.kit.counts["POST", "/v4/bulk/custom_fields/subscribers"], site.kit.counts["PUT", PUT]) == (2, 0)
    assert [site.credits(f"c{count:02}@example.org") for count in range(60)] == ["20"] * 60


def test_what_is_paused_waits_for_cron_too(site: Site, ccops: Call, terminal: Call) -> None:
    ccops("op", "pause", "monthly-grant")
    for words in (GOLD, (*GRANT, "ann@example.org"), (*GRANT, "--all", "--yes")):
        told = ccops(*words)
        assert (told.status, told.err.splitlines()[-1]) == (2, "       ccops op resume monthly-grant")
    assert ccops(*GRANT, "ann@example.org", "--dry-run").status == 0
    assert site.sent == 0
    assert terminal(*GRANT, "ann@example.org").status == 0
    assert site.credits("ann@example.org") == "15"


def test_a_month_that_has_not_begun_is_not_caught_up_on(site: Site, ccops: Call) -> None:
    told = ccops(*GRANT, "ann@example.org", "--period", "2999-01")
    assert (told.status, site.sent) == (2, 0)
    assert "January 2999 has not begun" in told.err


def test_a_run_that_was_taken_back_says_how_it_runs_again(site: Site, ccops: Call) -> None:
    words = (*GRANT, "ann@example.org")
    ccops(*words)
    ccops("undo", "--run", "r1", "--reason", "too early")
    again = ccops(*words)
    assert "taken back by e2; ccops undo e1 --reopen lets it run again" in again.out
    refused = ccops("undo", "e1")
    assert (refused.status, refused.err.splitlines()[-1]) == (2, "       ccops undo e1 --reopen")
    assert ccops("undo", "e1", "--reopen", "--dry-run").out.endswith("its occasion could run again now.\n")
    opened = ccops("undo", "e1", "--reopen")
    assert (opened.status, opened.out) == (0, "e1 was taken back by e2; its occasion may run again now.\n")
    done = ccops(*words)
    assert (done.status, done.out.split("\t")[1], site.credits("ann@example.org")) == (0, "credits 5 → 15", "15")


def test_it_may_be_said_that_each_run_counts(site: Site, ccops: Call) -> None:
    words = ("run", "payment-credit", "--tagged", "Member: Gold", "--once-per", "run")
    for number in (1, 2):
        assert (ccops(*words, "--refused-ok").status, site.credits()) == (0, str(5 + 10 * number))
    refused = ccops("run", "monthly-grant", "--all", "--once-per", "run", "--yes")
    assert (refused.status, "counts once per month" in refused.err) == (2, True)
