"""The printed lines are run as cron runs them: by /bin/sh, where nothing of this shell is left."""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import KEY, OPERATIONS, Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]
CLOCK = ("LD_PRELOAD", "CLOCK_AHEAD")
GOLD = ("schedule", "monthly-grant", "--tagged", "Member: Gold", "--monthly")


@dataclass(frozen=True)
class Line:
    """A crontab line: its fields, and its command as cron hands it to the shell."""

    fields: str
    command: str

    def run(self) -> Ended:
        # What `make clocks` puts a process's clock forward by is no part of its shell.
        clock = {name: os.environ[name] for name in CLOCK if name in os.environ}
        done = subprocess.run(["/bin/sh", "-c", self.command], env=clock, check=False, capture_output=True, text=True)
        return Ended(done.returncode, done.stdout, done.stderr)


def line(ended: Ended) -> Line:
    assert ended.status == 0, ended.err
    *comments, last = ended.out.splitlines()
    assert all(comment.startswith("#") for comment in comments)
    fields, command = re.fullmatch(r"(@reboot|(?:\S+ ){4}\S+) (.*)", last).groups()  # type: ignore[union-attr]
    return Line(fields, command.replace("\\%", "%"))


@pytest.fixture
def stored(site: Site, environ: dict[str, str], tmp_path: Path) -> Site:
    """A site in a folder with a difficult name, whose key is stored."""
    home = tmp_path / "it's 5% mine"
    site.home.rename(home)
    environ["CCOPS_HOME"] = str(home)
    (home / "config.toml").write_text(f'api_key = "{KEY}"\n')
    (home / "config.toml").chmod(0o600)
    del environ["KIT_API_KEY"]
    return Site(site.kit, home, environ)


def test_cron_with_nothing_of_this_shell_runs_the_operation_and_counts_once(stored: Site, ccops: Call) -> None:
    printed = line(ccops("schedule", "monthly-grant", "ann@example.org", "gus@example.org", "--monthly", TZ=""))
    assert [printed.run(), printed.run()] == [Ended(0, "", "")] * 2
    assert (stored.credits(), len(stored.entries())) == ("15", 2)


def test_all_who_carry_a_tag_get_it_from_cron_once(stored: Site, ccops: Call) -> None:
    printed = line(ccops(*GOLD, TZ=""))
    assert [printed.run().status for _ in range(2)] == [1, 1], "Cy's credits are no number"
    assert (stored.credits(), stored.credits("di@example.org"), stored.sent) == ("15", "30", 5)


def test_an_operation_without_a_period_gets_that_of_the_line(stored: Site, ccops: Call) -> None:
    printed = line(ccops("schedule", "payment-credit", "ann@example.org", "--weekly"))
    assert [printed.run().status for _ in range(2)] == [0, 0]
    assert (stored.credits(), str(stored.entries()[0].period)[:5]) == ("15", "week:")


def test_a_poll_from_cron_finds_its_key_and_its_home(stored: Site, ccops: Call) -> None:
    ccops("tag", "create", "payment-credit")
    stored.kit.tag(stored.ann, stored.kit.add_tag("ccops: payment-credit"))
    printed = line(ccops("schedule", "--poll"))
    assert printed.fields == "*/5 * * * *"
    assert printed.run() == Ended(0, "", "")
    assert stored.credits() == "15"


def test_the_command_of_the_key_is_found_by_the_path_of_this_shell(
    stored: Site, ccops: Call, environ: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / "bin" / "my-key"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\necho {KEY}\n")
    script.chmod(0o700)
    environ["PATH"] = f"{script.parent}:{environ['PATH']}"
    (stored.home / "config.toml").write_text('api_key_command = "my-key"\n')
    assert line(ccops("schedule", "monthly-grant", "ann@example.org", "--monthly")).run() == Ended(0, "", "")
    assert stored.credits() == "15"


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        (GOLD[2:], " run monthly-grant --tagged 'Member: Gold' --quiet"),
        (("--tagged", "50% off", "--monthly"), " run monthly-grant --tagged '50% off' --quiet"),
        (("--all", "--monthly"), " run monthly-grant --all --quiet --yes"),
        (("--file", "/srv/members.csv", "--weekly"), " run monthly-grant --file /srv/members.csv --quiet"),
    ],
)
def test_whoever_is_selected_is_in_the_line(stored: Site, ccops: Call, words: tuple[str, ...], ending: str) -> None:
    printed = line(ccops("schedule", "monthly-grant", *words))
    assert printed.command.endswith(ending)
    assert stored.sent == 0
    assert stored.kit.exchanges == []  # nothing is asked of Kit


def test_a_relative_file_is_named_from_the_root(
    stored: Site, ccops: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"--file {tmp_path}/gold.csv " in line(ccops("schedule", "mark", "--file", "gold.csv", "--yearly")).command
    assert stored.entries() == []


@pytest.mark.parametrize(
    ("zone", "fields"),
    [("America/New_York", "30 7 2-8 * *"), ("UTC", "30 12 2-8 * *"), ("Asia/Tokyo", "30 21 2-8 * *")],
)
def test_the_time_is_the_registrys_wherever_the_machine_is(stored: Site, program: Call, zone: str, fields: str) -> None:
    ended = program(*GOLD, "--at", "7:30", "--day", "2", TZ=zone)
    assert line(ended).fields == fields
    assert ("CRON_TZ=America/New_York" in ended.out) == (zone != "America/New_York")
    assert stored.entries() == []


def test_systemd_gets_the_zone_and_catches_up(stored: Site, ccops: Call) -> None:
    out = ccops(*GOLD, "--systemd").out
    assert "\nOnCalendar=*-*-01..07 06:00:00 America/New_York\nPersistent=true\n" in out
    assert "# /etc/systemd/system/ccops-monthly-grant-member-gold.timer\n" in out
    assert f'--home "{str(stored.home).replace("%", "%%")}" run monthly-grant --tagged "Member: Gold" --quiet\n' in out
    assert "enable --now ccops-monthly-grant-member-gold.timer" in out


def test_serve_stays(stored: Site, ccops: Call) -> None:
    assert line(ccops("schedule", "--serve")).fields == "@reboot"
    units = ccops("schedule", "--serve", "--systemd").out
    assert "Restart=always" in units
    assert ".timer" not in units
    assert stored.entries() == []


def test_a_key_of_this_shell_alone_is_said_and_never_printed(site: Site, ccops: Call) -> None:
    ended = ccops(*GOLD)
    assert ended.err == (
        "warning: the key is in this shell alone, so the line will have no key, and Kit will not be reached. Store it: "
        "ccops init --save-key\n"
    )
    assert KEY not in ended.out
    assert "ccops login" in ccops(*GOLD, KIT_API_KEY="").err
    assert ccops("schedule", "mark", "--tagged", f"x{KEY}", "--monthly").status == 2
    assert site.sent == 0


def test_settings_of_this_shell_go_along(stored: Site, ccops: Call) -> None:
    command = line(ccops(*GOLD, CCOPS_ACTOR="Ann B", HTTPS_PROXY="http://me:secret@proxy")).command
    assert command.startswith(f"CCOPS_RATE=0 CCOPS_SETTLE_AFTER=0 CCOPS_ACTOR='Ann B' KIT_API_URL={stored.kit.url}")
    assert "secret" not in command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "says nothing about what is to be started when"),
        (("--monthly",), "which operation"),
        (("monthly-grant", "--monthly"), "for whom"),
        (("monthly-grant", "--all", "--tagged", "x", "--monthly"), "for whom"),
        (("monthly-grant", "--all", "--monthly", "--daily"), "says more than one thing"),
        (("monthly-grant", "--all", "--monthly", "--poll"), "says more than one thing"),
        (("monthly-grant", "--all", "--monthly", "--day", "31"), "--day 31 is not in every month"),
        (("monthly-grant", "--all", "--daily", "--day", "1"), "--day does not go with --daily"),
        (("monthly-grant", "--all", "--monthly", "--at", "6pm"), "--at takes a time of day"),
        (("monthly-grant", "--all", "--yearly"), "counts once per month"),
        (("monthly-grant", "--file", "-", "--monthly"), "there is nothing"),
        (("monthly-grant", "--tagged", "a\nb", "--monthly"), "no crontab and no unit can hold"),
        (("monthly-grant", "bob", "--monthly"), "neither an e-mail address"),
        (("montly-grant", "--all", "--monthly"), "no operation is called"),
        (("--poll", "--all"), "selects contacts and times by itself"),
        (("monthly-grant", "--serve"), "works for all operations"),
    ],
)
def test_what_can_not_be_scheduled_is_said(site: Site, ccops: Call, words: tuple[str, ...], said: str) -> None:
    ended = ccops("schedule", *words)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert site.sent == 0


def test_its_own_tag_is_left_to_poll(stored: Site, ccops: Call) -> None:
    stored.registry.write_text(
        OPERATIONS.replace("amount = 10\nmaximum = 120", 'amount = 10\ntag = { id = 7, name = "A" }')
    )
    for tag in ("7", "a"):
        ended = ccops("schedule", "monthly-grant", "--tagged", tag, "--monthly")
        assert (ended.status, "ccops schedule --poll" in ended.err) == (2, True)


def test_a_home_that_is_none_is_said_at_once(ccops: Call) -> None:
    for words in (("--poll",), ("--serve", "--systemd"), GOLD[1:]):
        ended = ccops("schedule", *words)
        assert (ended.status, ended.out) == (2, "")
