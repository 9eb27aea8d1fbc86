"""Several outcomes in a few lines: how many of each kind, by how much, and why not."""

from datetime import UTC, datetime

from ccops.cli.outcome_view import Tally
from ccops.cli.output import text_of
from ccops.engine.outcomes import Outcome, OutcomeStatus

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def outcome(number: int, status: OutcomeStatus, **more: object) -> Outcome:
    return Outcome(status, "grant", "run:1", f"c{number}@example.org", **more)  # type: ignore[arg-type]


def moved(number: int, before: str | None, after: str, **more: object) -> Outcome:
    return outcome(number, "applied", before={"credits": before}, after={"credits": after}, **more)


def lines(*outcomes: Outcome) -> list[str]:
    tally = Tally()
    for each in outcomes:
        tally.add(each)
    said = ["".join(map(text_of, line)) for line in tally.summary("grant, run r1", "UTC", NOW)]
    assert said[0] == "grant, run r1"
    return said[1:]


def test_what_was_applied_is_added_up_exactly() -> None:
    assert lines(moved(1, None, "0.1"), moved(2, "0.1", "0.3"), moved(3, "5", "4.9")) == [
        "    3 applied   credits +0.2",
    ]
    assert lines(moved(1, "1000", "5000.50"), moved(2, "x", "y")) == ["    2 applied   credits +4,000.50"]
    assert lines(moved(1, "5", "2"), moved(2, "5", "5")) == ["    2 applied   credits −3"]  # noqa: RUF001 - a minus
    assert lines(moved(1, "gold", "silver"), moved(2, "5", "5")) == ["    2 applied"]


def test_fields_are_added_up_apart_and_limits_are_counted() -> None:
    one = outcome(1, "applied", before={"a": "1", "b": "1"}, after={"a": "2", "b": "0"})
    limit = "stopped at the maximum of 120"
    assert lines(one, one) == ["    2 applied   a +2, b −2"]  # noqa: RUF001 - a minus
    assert lines(moved(1, "115", "120", reason=limit), moved(2, "119", "120", reason=limit), moved(3, "1", "11")) == [
        f"    3 applied   credits +16 (2 {limit})"
    ]


def test_a_reason_that_several_share_is_told_once_with_the_first_names() -> None:
    gone = [outcome(number, "failed", reason="no longer in Kit") for number in range(5)]
    wrong = [outcome(7, "refused", reason='credits is "[/b]", not a number')]
    assert lines(*gone, *wrong) == [
        '    1 refused   c7@example.org: credits is "[/b]", not a number',
        "    5 failed    no longer in Kit: c0@example.org, c1@example.org, c2@example.org and 2 more",
    ]


def test_without_a_reason_only_the_names_are_told() -> None:
    assert lines(outcome(1, "open"), outcome(2, "open")) == ["    2 open   c1@example.org, c2@example.org"]


def test_many_reasons_are_counted_not_listed() -> None:
    said = lines(*(outcome(number, "refused", reason=f"reason {number}") for number in range(8)))
    assert said[0] == "    8 refused   c0@example.org: reason 0"
    assert said[1:] == [f"{' ' * 16}c{n}@example.org: reason {n}" for n in range(1, 5)] + [
        f"{' ' * 16}and 3 other reasons"
    ]


def test_kinds_come_in_a_fixed_order_and_counts_line_up() -> None:
    many = [moved(number, "0", "1") for number in range(1200)]
    open_ones = [outcome(1, "open"), outcome(2, "previewed"), outcome(3, "parked", reason="odd")]
    assert [line[:24] for line in lines(*open_ones, *many)] == [
        "  1,200 applied         ",
        "      1 would be applied",
        "      1 needs you       ",
        "      1 open            ",
    ]
