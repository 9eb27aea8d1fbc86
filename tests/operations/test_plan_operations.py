"""An operation changes all of its fields or none, each as it was read."""

from datetime import UTC, datetime

import pytest

from ccops.operations.model import Change
from ccops.operations.plan import FieldChange, Plan, fields_read, plan
from ccops.operations.refusal import Refusal
from tests.operations.builders import NOW, after, dec, operation, planned, refused

SPEND = Change("credits", "decrease", amount=dec("3"), minimum=dec("0"))
STAMP = Change("replay_opened_on", "stamp")


def test_all_fields_are_changed_together() -> None:
    found = plan(operation(SPEND, STAMP), {"credits": "5", "replay_opened_on": None}, NOW)
    assert found == Plan((FieldChange("credits", "5", "2"), FieldChange("replay_opened_on", None, "2026-11-22")))


def test_one_refusal_refuses_all() -> None:
    found = plan(operation(STAMP, SPEND), {"credits": "2", "replay_opened_on": None}, NOW)
    assert found == Refusal("limit", "credits would be -1, below the minimum of 0")


def test_every_change_sees_the_values_as_read() -> None:
    swap = operation(
        Change("a", "copy", source="b"), Change("b", "copy", source="a"), Change("c", "formula", formula="a+1")
    )
    found = plan(swap, {"a": "1", "b": "2", "c": None}, NOW)
    assert found == Plan((FieldChange("a", "1", "2"), FieldChange("b", "2", "1"), FieldChange("c", None, "2")))


def test_notes_of_several_changes_name_their_fields() -> None:
    both = [Change(name, "increase", amount=dec("10"), maximum=dec("12"), beyond="clamp") for name in ("a", "b", "c")]
    found = plan(operation(*both), {"a": "5", "b": "1", "c": "20"}, NOW)
    assert isinstance(found, Plan)
    assert found.note == "a stopped at the maximum of 12; c already above the maximum of 12"


def test_a_field_that_was_not_read_is_a_bug_and_never_empty() -> None:
    with pytest.raises(KeyError):
        plan(operation(SPEND), {}, NOW)


@pytest.mark.parametrize(
    ("change", "before", "result"),
    [
        (Change("level", "set", value="gold"), "silver", "gold"),
        (Change("level", "set", value=""), "silver", ""),
        (Change("level", "append", value=", gold"), "silver", "silver, gold"),
        (Change("level", "append", value="gold"), None, "gold"),
        (Change("level", "copy", source="other"), "silver", "from other"),
        (Change("level", "copy", source="unset"), "silver", ""),
        (Change("level", "restore", value="gold"), "silver", "gold"),
        (Change("level", "restore", value=None), "silver", ""),
        (Change("level", "restore", value="gold", expected="silver", guarded=True), "silver", "gold"),
        (Change("level", "restore", value="gold", expected=None, guarded=True), "", "gold"),
        (Change("level", "restore", value="gold", expected="", guarded=True), None, "gold"),
    ],
)
def test_texts_are_set_appended_copied_and_put_back(change: Change, before: str | None, result: str) -> None:
    assert after(change, level=before, other="from other", unset=None) == result


@pytest.mark.parametrize(
    ("before", "expected", "reason"),
    [
        ("7", "15", 'credits is now "7", no longer "15"'),
        (None, "15", 'credits is now empty, no longer "15"'),
        ("7", None, 'credits is now "7", no longer empty'),
        ("\x1b[1m", "15", 'credits is now "\\x1b[1m", no longer "15"'),
    ],
)
def test_a_guarded_restore_refuses_what_someone_else_wrote(
    before: str | None, expected: str | None, reason: str
) -> None:
    change = Change("credits", "restore", value="5", expected=expected, guarded=True)
    assert refused(change, credits=before) == Refusal("drift", reason)


@pytest.mark.parametrize(
    ("days", "before", "result"),
    [
        ("30", "2026-11-22", "2026-12-22"),
        ("-22", "2026-11-22", "2026-10-31"),
        ("1", "2028-02-28", "2028-02-29"),
        ("1.00", " 2026-12-31 ", "2027-01-01"),
        ("30", "", "2026-12-22"),
        ("0", None, "2026-11-22"),
    ],
)
def test_days_are_added_to_the_date_or_to_today(days: str, before: str | None, result: str) -> None:
    assert after(Change("expires_on", "add-days", amount=dec(days)), expires_on=before) == result


@pytest.mark.parametrize(
    ("days", "before", "refusal"),
    [
        ("30", "soon", Refusal("date", 'expires_on is "soon", not a date like 2026-11-22')),
        ("30", "2026-02-30", Refusal("date", 'expires_on is "2026-02-30", not a date like 2026-11-22')),
        ("30", "20261122", Refusal("date", 'expires_on is "20261122", not a date like 2026-11-22')),
        ("30", "22/11/2026", Refusal("date", 'expires_on is "22/11/2026", not a date like 2026-11-22')),
        ("1", "9999-12-31", Refusal("date", "9999-12-31 + 1 days is outside the years 1 to 9999")),
        ("-9999999", "2026-11-22", Refusal("date", "2026-11-22 - 9999999 days is outside the years 1 to 9999")),
        ("9" * 30, "2026-11-22", Refusal("date", f"2026-11-22 + {'9' * 30} days is outside the years 1 to 9999")),
        ("1.5", "2026-11-22", Refusal("amount", "1.5 is not a whole number of days")),
    ],
)
def test_what_is_no_date_or_no_whole_days_is_refused(days: str, before: str, refusal: Refusal) -> None:
    assert refused(Change("expires_on", "add-days", amount=dec(days)), expires_on=before) == refusal


@pytest.mark.parametrize(
    ("timezone", "today"), [("America/New_York", "2026-11-21"), ("Europe/Berlin", "2026-11-22"), ("UTC", "2026-11-22")]
)
def test_today_is_the_day_in_the_zone_of_the_registry(timezone: str, today: str) -> None:
    late = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    found = plan(operation(STAMP, timezone=timezone), {"replay_opened_on": ""}, late)
    assert found == Plan((FieldChange("replay_opened_on", "", today),))


def test_a_moment_without_a_zone_is_a_bug() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        plan(operation(STAMP), {"replay_opened_on": ""}, datetime(2026, 11, 22, 3, 0))  # noqa: DTZ001 - the point


@pytest.mark.parametrize(
    ("change", "before", "result", "note"),
    [
        (Change("credits", "formula", formula="credits * 2 + bonus"), "5", "13", None),
        (Change("credits", "formula", formula="credits + 1", blank=dec("50")), None, "51", None),
        (Change("credits", "formula", formula="credits / 3", decimals=2), "10", "3.33", None),
        (Change("credits", "formula", formula="today + bonus"), "abc", "2026-11-25", None),
        (
            Change("credits", "formula", formula="credits + 10", maximum=dec("12"), beyond="clamp"),
            "5",
            "12",
            "stopped at the maximum of 12",
        ),
        (Change("credits", "formula", formula="credits - 1", maximum=dec("12")), "20", "19", None),
        (
            Change("credits", "formula", formula="bonus * 10", maximum=dec("12"), beyond="clamp"),
            "abc",
            "12",
            "stopped at the maximum of 12",
        ),
    ],
)
def test_a_formula_is_worked_out_within_the_limits(
    change: Change, before: str | None, result: str, note: str | None
) -> None:
    assert planned(change, credits=before, bonus="3") == Plan((FieldChange("credits", before, result),), note)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (
            Change("credits", "formula", formula="bonus * 5", maximum=dec("12")),
            Refusal("limit", "credits would be 15, above the maximum of 12"),
        ),
        (
            Change("credits", "formula", formula="today", maximum=dec("12")),
            Refusal("formula", "credits would be the date 2026-11-22, but has limits for a number"),
        ),
        (
            Change("credits", "formula", formula="1 / (bonus - 3)"),
            Refusal("formula", 'the formula "1 / (bonus - 3)" comes to 1 / 0, which has no result'),
        ),
        (
            Change("credits", "formula", formula="credits +"),
            Refusal("formula", "the formula can't be read from here on"),
        ),
        (
            Change("credits", "formula", formula="word + 1"),
            Refusal("number", 'word is "abc", not a number and not a date'),
        ),
        (
            Change("credits", "formula", formula="bonus", decimals=10**9),
            Refusal("formula", 'the formula "bonus" comes to a number of more than 40 digits'),
        ),
        (
            Change("credits", "formula", formula="long * 100000000000"),
            Refusal("number", "credits would be a number of more than 40 digits"),
        ),
    ],
)
def test_a_formula_without_a_fitting_result_is_refused(change: Change, refusal: Refusal) -> None:
    found = refused(change, credits="20", bonus="3", word="abc", long="9" * 30)
    assert (found.cause, found.reason.partition(" (character")[0]) == (refusal.cause, refusal.reason)


def test_every_field_that_is_needed_is_named() -> None:
    whole = operation(
        SPEND, Change("old", "copy", source="level"), Change("score", "formula", formula="a + max(b, 2) - today")
    )
    assert fields_read(whole) == {"credits", "old", "level", "score", "a", "b"}
