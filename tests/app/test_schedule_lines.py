"""When the printed lines come: held against the calendar, minute by minute, in zones far apart."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccops.app.schedule import (
    LineTooLong,
    NoSuchScheduleDay,
    Rhythm,
    ShellCommand,
    Timetable,
    Unwritable,
    ZoneLead,
    ahead_of,
    cron_command,
    cron_fields,
    on_calendar,
    staying,
    timed,
    timetable,
    unit_name,
)
from ccops.operations.periods import period_bounds, period_key

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
FAR = ["UTC", "America/New_York", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu", "Australia/Lord_Howe"]
DAY = timedelta(days=1)

zones = st.sampled_from(FAR)
rhythms: st.SearchStrategy[Rhythm] = st.sampled_from(["day", "week", "month", "quarter", "year"])
tables = st.builds(
    lambda rhythm, at, day: Timetable(rhythm, at, 1 if rhythm == "day" else min(day, 7 if rhythm == "week" else 28)),
    rhythms,
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.integers(1, 28),
)


def ahead(here: str, there: str) -> ZoneLead:
    return ahead_of(there, lambda moment: moment.astimezone(ZoneInfo(here)), NEW_YEAR)


def numbers(field: str, low: int, high: int) -> set[int]:
    """Read a field of a crontab line."""
    found: set[int] = set()
    for part in field.split(","):
        first, _, last = part.partition("-")
        found |= set(range(low, high + 1)) if part == "*" else set(range(int(first), int(last or first) + 1))
    return found


def fires(fields: str, here: str) -> Iterator[datetime]:
    """Give the moments of two years at which a cron in a zone starts a line; what clocks leave out is left out."""
    minute, hour, days, months, weekdays = fields.split()
    day = datetime(2027, 1, 1)  # noqa: DTZ001 - the wall's
    while day.year < 2029:
        fits = day.day in numbers(days, 1, 31) and day.month in numbers(months, 1, 12)
        if fits and day.isoweekday() in numbers(weekdays, 1, 7):
            for each in sorted(numbers(hour, 0, 23)):
                yield day.replace(hour=each, minute=int(minute), tzinfo=ZoneInfo(here)).astimezone(UTC)
        day += DAY


@pytest.mark.parametrize(
    ("table", "fields", "calendar"),
    [
        (Timetable("day", time(6)), "0 6,10,14,18,22 * * *", "*-*-* 06,10,14,18,22:00:00"),
        (Timetable("day", time(22, 30)), "30 22 * * *", "*-*-* 22:30:00"),
        (Timetable("week", time(6)), "0 6 * * 1-3", "Mon..Wed *-*-* 06:00:00"),
        (Timetable("week", time(6), 7), "0 6 * * 7", "Sun *-*-* 06:00:00"),
        (Timetable("month", time(6)), "0 6 1-7 * *", "*-*-01..07 06:00:00"),
        (Timetable("month", time(7, 5), 28), "5 7 28-31 * *", "*-*-28..31 07:05:00"),
        (Timetable("quarter", time(6)), "0 6 1-7 1,4,7,10 *", "*-01,04,07,10-01..07 06:00:00"),
        (Timetable("year", time(6), 3), "0 6 3-9 1 *", "*-01-03..09 06:00:00"),
    ],
)
def test_a_timetable_as_cron_and_systemd_have_it(table: Timetable, fields: str, calendar: str) -> None:
    assert cron_fields(table) == fields
    assert on_calendar(table, "America/New_York") == f"{calendar} America/New_York"


@pytest.mark.parametrize(
    ("here", "there", "day", "fields"),
    [
        ("UTC", "America/New_York", 1, "0 11 1-7 * *"),  # 06:00 in winter, 07:00 in summer
        ("Asia/Kathmandu", "America/New_York", 1, "45 16 1-7 * *"),
        ("UTC", "Pacific/Kiritimati", 1, "0 0 1-7 * *"),  # 14:00 there, but on the first
        ("UTC", "Pacific/Kiritimati", 15, "0 16 14-20 * *"),
        ("Pacific/Kiritimati", "America/Los_Angeles", 1, "0 4 2-8 * *"),
        ("Pacific/Kiritimati", "America/Los_Angeles", 28, "0 4 1,29-31 * *"),  # 28 February there is 1 March here
    ],
)
def test_a_machine_elsewhere_gets_its_own_hours_and_days(here: str, there: str, day: int, fields: str) -> None:
    assert cron_fields(Timetable("month", time(6), day), ahead(here, there)).replace("1,29,30,31", "1,29-31") == fields


@settings(max_examples=40, deadline=None)
@example(table=Timetable("month", time(6), 28), here="Pacific/Kiritimati", there="America/Los_Angeles")
@example(table=Timetable("month", time(6)), here="America/Los_Angeles", there="Pacific/Kiritimati")
@example(table=Timetable("quarter", time(23, 59), 28), here="Pacific/Kiritimati", there="America/Los_Angeles")
@given(table=tables, here=zones, there=zones)
def test_every_period_gets_a_try_on_its_day_and_none_before(table: Timetable, here: str, there: str) -> None:
    first: dict[str, datetime] = {}
    for moment in fires(cron_fields(table, ahead(here, there)), here):
        first.setdefault(period_key(table.rhythm, moment, there), moment)
    whole = {
        key: moment
        for key, moment in first.items()
        if datetime(2027, 1, 3, tzinfo=UTC) < period_bounds(key, there)[0] < datetime(2028, 11, 25, tzinfo=UTC)
    }
    assert len(whole) >= {"day": 690, "week": 98, "month": 22, "quarter": 7, "year": 1}[table.rhythm]
    for key, moment in whole.items():
        begin = period_bounds(key, there)[0].astimezone(ZoneInfo(there)).date()
        assert moment.astimezone(ZoneInfo(there)).date() - begin == timedelta(days=table.day - 1), key


@pytest.mark.parametrize(("rhythm", "day"), [("day", 1), ("week", 8), ("month", 29), ("month", 0), ("year", 31)])
def test_a_day_that_not_every_period_has_is_refused(rhythm: Rhythm, day: int) -> None:
    with pytest.raises(NoSuchScheduleDay):
        timetable(rhythm, time(6), day)


@pytest.mark.parametrize("rhythm", ["day", "week", "month", "quarter", "year"])
def test_systemd_reads_the_calendar(rhythm: Rhythm) -> None:
    text = on_calendar(Timetable(rhythm, time(6)), "America/New_York")
    assert re.fullmatch(r"(\w{3}\.\.\w{3} )?\*-[\d*,.-]+ [\d,]+:00:00 America/New_York", text)
    if shutil.which("systemd-analyze"):
        subprocess.run(["systemd-analyze", "calendar", text], check=True, capture_output=True)


# ---- quoting

HARD = ["50% off", "it's", 'say "hi"', "$HOME `id` \\", "a;b|c&d>e", "#1", "über", "-x", "%%", "\\%", ""]


@given(st.lists(st.sampled_from(HARD) | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")))))
def test_cron_and_the_shell_leave_each_word_as_it_is(words: list[str]) -> None:
    words = [word for word in words if word.isprintable()][:9]
    line = cron_command(ShellCommand(("prog", *words)))
    assert not re.search(r"(?<!\\)%", line)
    assert shlex.split(line.replace("\\%", "%")) == ["prog", *words]


def test_a_shell_gets_the_words_and_the_environment() -> None:
    printing = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['NAME']]))"
    line = cron_command(ShellCommand(("/usr/bin/env", "python3", "-c", printing, *HARD), {"NAME": "it's 5% $x"}))
    done = subprocess.check_output(["/bin/sh", "-c", line.replace("\\%", "%")], env={"PATH": "/usr/bin:/bin"})
    assert json.loads(done) == [HARD, "it's 5% $x"]


@pytest.mark.parametrize("word", ["two\nlines", "a\x00b", "\x1b[31m"])
def test_what_would_break_a_line_is_refused(word: str) -> None:
    with pytest.raises(Unwritable):
        ShellCommand(("ccops", word))


def test_a_line_that_cron_would_not_take_is_refused() -> None:
    with pytest.raises(LineTooLong):
        cron_command(ShellCommand(("ccops", *["ann@example.org"] * 80)))


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    command = ShellCommand(("/bin/echo", *HARD), {"PATH": "/usr/bin:/bin", "CCOPS_ACTOR": 'Ann "50%" $x'})
    units = [*timed("ccops-a", "run 50% off", "root", command, "*:0/5"), staying("ccops-b", "serve", "root", command)]
    for unit in units:
        (tmp_path / unit.name).write_text(unit.text)
    if shutil.which("systemd-analyze") is None:
        return
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in units)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_unit_has_the_words_as_systemd_unquotes_them() -> None:
    service, timer = timed(
        "ccops-a", "a", "maria", ShellCommand(("/x/ccops", "run", "50% $5", 'q"\\'), {"A": "b c"}), "*:0/5"
    )
    assert 'ExecStart=/x/ccops run "50%% $$5" "q\\"\\\\"\n' in service.text
    assert 'Environment="A=b c"\n' in service.text
    assert "OnCalendar=*:0/5\nPersistent=true\n" in timer.text


def test_a_unit_is_named_after_what_it_does() -> None:
    assert unit_name(("ccops", "monthly-grant", "Member: Göld/50%")) == "ccops-monthly-grant-member-gold-50"
