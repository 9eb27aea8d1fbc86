"""From when on: so long ago, or a day of the registry's zone."""

from datetime import UTC, datetime, timedelta

import pytest

from ccops.app.history import NoSuchDay, SinceFault, since

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ZONE = "America/New_York"


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        (" 3W ", timedelta(weeks=3)),
        ("0m", timedelta(0)),
    ],
)
def test_so_long_ago(text: str, ago: timedelta) -> None:
    assert since(text, NOW, ZONE) == NOW - ago


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    assert since("2026-11-01", NOW, ZONE) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert since("2026-11-02", NOW, ZONE) == datetime(2026, 11, 2, 5, tzinfo=UTC)


def test_a_moment_is_one_of_the_zone() -> None:
    assert (
        since("2026-11-22T04:30", NOW, ZONE) == since("2026-11-22 04:30:00", NOW, ZONE) == NOW - timedelta(minutes=30)
    )


@pytest.mark.parametrize("text", ["", "yesterday", "7", "7y", "-7d", "2026-1-1", "20261101"])
def test_anything_else_is_said_to_be_no_moment(text: str) -> None:
    with pytest.raises(SinceFault, match="neither a day nor a time ago"):
        since(text, NOW, ZONE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-02-30", "--since 2026-02-30: there is no day 2026-02-30."),
        ("2026-13-01T10:00", "--since 2026-13-01T10:00: there is no day 2026-13-01."),
        (" 0000-01-01 ", "--since 0000-01-01: there is no day 0000-01-01."),
        ("2026-11-22 25:00", "--since 2026-11-22 25:00: there is no time 25:00."),
    ],
)
def test_a_day_that_the_calendar_lacks_is_named(text: str, said: str) -> None:
    with pytest.raises(NoSuchDay) as refused:
        since(text, NOW, ZONE)
    assert str(refused.value) == said
    assert "such as 2026-11-01" in refused.value.mend
