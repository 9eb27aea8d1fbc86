"""How fast a run goes, by a clock that is handed in."""

from datetime import UTC, datetime, timedelta

import pytest

from ccops.cli.output import RunSpeed, span

BEGIN = datetime(2026, 11, 22, 10, tzinfo=UTC)


def paced(total: int | None, *steps: tuple[int, float]) -> tuple[RunSpeed, datetime]:
    """Do `count` contacts, one after every so many seconds, for each step."""
    pace, now = RunSpeed(total, BEGIN), BEGIN
    for count, seconds in steps:
        for _ in range(count):
            now += timedelta(seconds=seconds)
            pace.add(now)
    return pace, now


def test_pace_and_time_left() -> None:
    pace, now = paced(412, (352, 0.5))
    assert pace.text(now) == "352/412   2.0 a second   30 s left"


def test_before_the_first_contact_nothing_is_promised() -> None:
    assert RunSpeed(412, BEGIN).text(BEGIN) == "0/412"


def test_where_nobody_knows_how_many_there_are_no_end_is_foretold() -> None:
    pace, now = paced(None, (1500, 0.1))
    assert pace.text(now) == "1,500   10.0 a second"


def test_contacts_that_were_done_before_say_nothing_of_the_present_pace() -> None:
    pace, now = paced(30_000, (20_000, 0.0001), (240, 0.5))
    assert pace.a_second(now) == pytest.approx(2.0, rel=0.1)


def test_at_the_end_no_time_is_left() -> None:
    pace, now = paced(4, (4, 1))
    assert pace.text(now) == "4/4   1.0 a second"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (42, "42 s"), (60, "1 min"), (147, "2 min 27 s"), (3600, "1 h"), (3900, "1 h 5 min")],
)
def test_spans(seconds: int, text: str) -> None:
    assert span(seconds) == text
