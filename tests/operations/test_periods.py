"""Periods follow the calendar of the registry's zone, whatever its clocks do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.operations.model import PERIODS, Period
from ccops.operations.periods import PeriodFault, describe_period, parse_period, period_bounds, period_key

NEW_YORK = "America/New_York"

# Zones far out, with half-hours, with midnights that don't exist, and one that skips a whole day.
ZONES = [
    "UTC",
    NEW_YORK,
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Africa/Cairo",
]

moments = st.datetimes(datetime(1995, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - `timezones`
periods: st.SearchStrategy[Period] = st.sampled_from(PERIODS)
zones = st.sampled_from(ZONES)


@pytest.mark.parametrize(
    ("period", "key"),
    [
        ("day", "day:2026-11-22"),
        ("week", "week:2026-W47"),
        ("month", "month:2026-11"),
        ("quarter", "quarter:2026-Q4"),
        ("year", "year:2026"),
        ("ever", "ever"),
    ],
)
def test_a_moment_falls_in_one_period_of_each_kind(period: Period, key: str) -> None:
    assert period_key(period, datetime(2026, 11, 22, 10, tzinfo=UTC), NEW_YORK) == key


@pytest.mark.parametrize(
    ("timezone", "keys"),
    [
        (NEW_YORK, ["day:2026-12-31", "week:2026-W53", "month:2026-12", "quarter:2026-Q4", "year:2026"]),
        ("Europe/Berlin", ["day:2027-01-01", "week:2026-W53", "month:2027-01", "quarter:2027-Q1", "year:2027"]),
    ],
)
def test_the_zone_decides_which_day_it_is(timezone: str, keys: list[str]) -> None:
    moment = datetime(2027, 1, 1, 1, 30, tzinfo=UTC)
    assert [period_key(period, moment, timezone) for period in PERIODS if period != "ever"] == keys


def test_any_zone_of_the_moment_itself_will_do_but_none_is_a_bug() -> None:
    assert period_key("day", datetime(2026, 11, 22, 23, tzinfo=ZoneInfo(NEW_YORK)), "UTC") == "day:2026-11-23"
    with pytest.raises(ValueError, match="needs a zone"):
        period_key("day", datetime(2026, 11, 22), NEW_YORK)  # noqa: DTZ001 - the point


@pytest.mark.parametrize(
    ("period", "text", "key"),
    [
        ("day", "2028-02-29", "day:2028-02-29"),
        ("week", "2026-W53", "week:2026-W53"),
        ("week", "2026-w07", "week:2026-W07"),
        ("month", " 2026-10 ", "month:2026-10"),
        ("quarter", "2026-q4", "quarter:2026-Q4"),
        ("year", "2026", "year:2026"),
        ("ever", "Ever", "ever"),
    ],
)
def test_a_period_is_read_as_people_write_it(period: Period, text: str, key: str) -> None:
    assert parse_period(period, text) == key


@pytest.mark.parametrize(
    ("period", "text", "example"),
    [
        ("day", "2026-02-29", "2026-11-22"),
        ("day", "20261122", "2026-11-22"),
        ("week", "2027-W53", "2026-W47"),
        ("week", "2026-W00", "2026-W47"),
        ("month", "2026-13", "2026-11"),
        ("month", "2026-00", "2026-11"),
        ("month", "2026-1", "2026-11"),
        ("month", "October", "2026-11"),
        ("month", "month:2026-10", "2026-11"),
        ("month", "２０２６-10", "2026-11"),  # noqa: RUF001 - full-width digits are the point
        ("quarter", "2026-Q5", "2026-Q4"),
        ("year", "0000", "2026"),
        ("year", "9999", "2026"),
        ("year", "", "2026"),
        ("ever", "2026", "ever"),
    ],
)
def test_what_is_no_such_period_is_said_with_an_example(period: Period, text: str, example: str) -> None:
    with pytest.raises(PeriodFault) as caught:
        parse_period(period, text)
    assert (str(caught.value), caught.value.mend) == (f'"{text}" names no {period}.', f"write it like {example}")


@given(periods, moments, zones)
def test_every_key_is_read_back_from_what_stands_behind_its_colon(
    period: Period, moment: datetime, timezone: str
) -> None:
    key = period_key(period, moment, timezone)
    assert parse_period(period, key.rpartition(":")[2]) == key


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("day:2026-11-02", "2 Nov 2026"),
        ("week:2026-W07", "week 7 of 2026"),
        ("month:2026-11", "November 2026"),
        ("quarter:2026-Q4", "October to December 2026"),
        ("year:2026", "2026"),
        ("ever", "ever"),
    ],
)
def test_a_period_is_named_for_people(key: str, words: str) -> None:
    assert describe_period(key) == words


@pytest.mark.parametrize("key", ["", "month:", "month:2026-11-22", "run:31", "ever:2026"])
def test_a_key_that_names_no_period_is_a_bug(key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}$"):
        describe_period(key)


@given(periods, moments, zones)
def test_a_period_has_the_moment_that_named_it_and_touches_the_next(
    period: Period, moment: datetime, timezone: str
) -> None:
    key = period_key(period, moment, timezone)
    begin, end = period_bounds(key, timezone)
    assert begin <= moment < end
    if period != "ever":
        following = period_key(period, end, timezone)
        assert (following != key, period_bounds(following, timezone)[0]) == (True, end)
        assert period_key(period, begin, timezone) == key == period_key(period, end - timedelta(seconds=1), timezone)


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        (NEW_YORK, "2026-11-01", 25),
        (NEW_YORK, "2026-03-08", 23),
        ("America/Sao_Paulo", "2018-11-04", 23),  # its midnight does not exist
        ("America/Havana", "2026-11-01", 25),  # its midnight comes twice
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Pacific/Apia", "2011-12-30", 0),  # left out, when Samoa crossed the date line
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(timezone: str, day: str, hours: float) -> None:
    begin, end = period_bounds(f"day:{day}", timezone)
    assert end - begin == timedelta(hours=hours)


def test_a_month_begins_at_midnight_of_the_zone() -> None:
    assert period_bounds("month:2026-11", NEW_YORK) == (
        datetime(2026, 11, 1, 4, tzinfo=UTC),
        datetime(2026, 12, 1, 5, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("timezone", "key", "begin", "end"),
    [
        (NEW_YORK, "week:2026-W44", "2026-10-26T04:00", "2026-11-02T05:00"),  # its clocks go back on the Sunday
        (NEW_YORK, "quarter:2026-Q4", "2026-10-01T04:00", "2027-01-01T05:00"),
        (NEW_YORK, "year:2026", "2026-01-01T05:00", "2027-01-01T05:00"),
        (NEW_YORK, "month:2028-02", "2028-02-01T05:00", "2028-03-01T05:00"),  # of 29 days
        ("Pacific/Kiritimati", "month:2026-11", "2026-10-31T10:00", "2026-11-30T10:00"),
        ("Pacific/Kiritimati", "week:2026-W53", "2026-12-27T10:00", "2027-01-03T10:00"),  # begins in the one year
        ("Asia/Kathmandu", "month:2026-12", "2026-11-30T18:15", "2026-12-31T18:15"),
        ("Asia/Kathmandu", "year:2027", "2026-12-31T18:15", "2027-12-31T18:15"),
    ],
)
def test_bounds_are_midnights_of_the_zone(timezone: str, key: str, begin: str, end: str) -> None:
    found = period_bounds(key, timezone)
    assert [f"{moment:%Y-%m-%dT%H:%M}" for moment in found] == [begin, end]
    period = PERIODS[[key.startswith(each) for each in PERIODS].index(True)]
    instant = timedelta(microseconds=1)
    keys = [period_key(period, moment, timezone) for moment in (found[0] - instant, *found, found[1] - instant)]
    assert [each == key for each in keys] == [False, True, False, True]


@given(periods, moments, moments, zones)
def test_a_later_moment_is_never_of_an_earlier_period(
    period: Period, one: datetime, other: datetime, timezone: str
) -> None:
    earlier, later = sorted((one, other))
    before, after = period_key(period, earlier, timezone), period_key(period, later, timezone)
    assert period_bounds(before, timezone)[0] <= period_bounds(after, timezone)[0]
    assert (before == after) == (later < period_bounds(before, timezone)[1])


months = st.integers(1996 * 12, 2090 * 12).map(lambda month: f"{month // 12:04}-{month % 12 + 1:02}")


@given(months, zones)
def test_a_month_to_catch_up_on_is_the_one_that_it_says(text: str, timezone: str) -> None:
    """`--period 2026-10` has to be what a run in October would have counted for."""
    key = parse_period("month", text)
    begin, end = period_bounds(key, timezone)
    first, last = begin.astimezone(ZoneInfo(timezone)), (end - timedelta(seconds=1)).astimezone(ZoneInfo(timezone))
    assert {f"{first:%Y-%m}", f"{last:%Y-%m}"} == {text}
    assert first.day == 1
    assert {period_key("month", moment, timezone) for moment in (begin, begin + (end - begin) / 2)} == {key}
