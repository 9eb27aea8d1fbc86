"""Numbers move as their change says, within its limits, and never the other way."""

from decimal import Decimal
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ccops.operations.model import Action, Beyond, Change
from ccops.operations.numbers import plain
from ccops.operations.plan import FieldChange, Plan, plan
from ccops.operations.refusal import Refusal
from tests.operations.builders import NOW, after, any_text, dec, numbers, operation, planned, refused


def credit(
    action: Action,
    amount: str,
    *,
    minimum: str | None = None,
    maximum: str | None = None,
    blank: str = "0",
    beyond: Beyond = "refuse",
) -> Change:
    """Make a change of credits."""
    return Change(
        "credits",
        action,
        amount=dec(amount),
        minimum=None if minimum is None else dec(minimum),
        maximum=None if maximum is None else dec(maximum),
        beyond=beyond,
        blank=dec(blank),
    )


clamped = partial(credit, beyond="clamp")


@pytest.mark.parametrize(
    ("action", "amount", "before", "result"),
    [
        ("increase", "10", "5", "15"),
        ("increase", "10", None, "10"),
        ("increase", "10", " 5 ", "15"),
        ("increase", "0.1", "0.2", "0.3"),
        ("increase", "-10", "5", "-5"),
        ("decrease", "3", "5", "2"),
        ("decrease", "3", "3", "0"),
        ("decrease", "0.25", "1", "0.75"),
        ("multiply", "1.5", "5", "7.5"),
        ("multiply", "1.25", "0.5", "0.63"),
        ("multiply", "-1", "0", "0"),
        ("multiply", "2", None, "0"),
        ("top-up", "10", "3", "10"),
        ("top-up", "10", "3.50", "10.00"),
        ("set", "40", "5", "40"),
        ("set", "40", "abc", "40"),
        ("set", "3.50", "5", "3.50"),
        ("set", "1E+3", "5", "1000"),
    ],
)
def test_each_action_counts_in_plain_decimals(action: Action, amount: str, before: str | None, result: str) -> None:
    assert after(credit(action, amount), credits=before) == result


@pytest.mark.parametrize(
    ("action", "amount", "before"),
    [
        ("increase", "0", " 5 "),
        ("decrease", "0", None),
        ("top-up", "10", "12.0"),
        ("top-up", "10", "10"),
        ("top-up", "0", ""),
    ],
)
def test_a_number_that_is_not_moved_keeps_its_text(action: Action, amount: str, before: str | None) -> None:
    assert after(credit(action, amount), credits=before) == (before or "")


def test_an_empty_field_counts_as_blank() -> None:
    assert after(credit("increase", "10", blank="50"), credits="") == "60"
    assert after(credit("multiply", "2", blank="1.5"), credits=None) == "3.0"


@pytest.mark.parametrize(("decimals", "result"), [(None, "0.67"), (0, "1"), (1, "0.7"), (4, "0.6650")])
def test_decimals_say_the_places_of_the_result(decimals: int | None, result: str) -> None:
    assert after(Change("credits", "multiply", amount=dec("1.33"), decimals=decimals), credits="0.5") == result


@pytest.mark.parametrize(
    ("change", "before", "result", "note"),
    [
        (clamped("increase", "10", maximum="120"), "115", "120", "stopped at the maximum of 120"),
        (clamped("increase", "10", maximum="120"), "120", "120", "stopped at the maximum of 120"),
        (clamped("increase", "10", maximum="120"), "130", "130", "already above the maximum of 120"),
        (clamped("increase", "10", maximum="120"), "110", "120", None),
        (clamped("decrease", "5", maximum="120"), "130", "125", None),
        (clamped("decrease", "5", minimum="0"), "3", "0", "stopped at the minimum of 0"),
        (clamped("decrease", "5", minimum="0"), "-3", "-3", "already below the minimum of 0"),
        (clamped("increase", "10", minimum="0"), "-20", "-10", None),
        (clamped("increase", "-10", minimum="0"), "3", "0", "stopped at the minimum of 0"),
        (clamped("multiply", "2", maximum="120"), "100", "120", "stopped at the maximum of 120"),
        (clamped("multiply", "2", minimum="-5"), "-4", "-5", "stopped at the minimum of -5"),
        (clamped("top-up", "150", maximum="120"), "3", "120", "stopped at the maximum of 120"),
        (clamped("top-up", "150", maximum="120"), "130", "130", "already above the maximum of 120"),
        (clamped("set", "150", maximum="120"), "3", "120", "stopped at the maximum of 120"),
        (clamped("set", "150", maximum="120"), "abc", "120", "stopped at the maximum of 120"),
        (clamped("set", "150", maximum="120"), "130", "130", "already above the maximum of 120"),
        (clamped("set", "125", maximum="120"), "130", "120", "stopped at the maximum of 120"),
        (clamped("set", "-2", minimum="0"), "5", "0", "stopped at the minimum of 0"),
        (clamped("increase", "10", maximum="120", minimum="100"), None, "10", None),
        (clamped("increase", "10", maximum="120"), " 130 ", " 130 ", "already above the maximum of 120"),
        (clamped("increase", "10", maximum="99.5"), "95", "99", "stopped at the maximum of 99.5"),
        (clamped("increase", "10", maximum="99.5"), "99.3", "99.5", "stopped at the maximum of 99.5"),
    ],
)
def test_clamp_stops_at_the_limit_ahead(change: Change, before: str | None, result: str, note: str | None) -> None:
    found = planned(change, credits=before)
    assert found == Plan((FieldChange("credits", before, result),), note)


@pytest.mark.parametrize(
    ("change", "before", "reason"),
    [
        (credit("increase", "10", maximum="120"), "115", "credits would be 125, above the maximum of 120"),
        (credit("increase", "10", maximum="120"), "130", "credits would be 140, above the maximum of 120"),
        (credit("decrease", "3", minimum="0"), "1", "credits would be -2, below the minimum of 0"),
        (credit("decrease", "3", minimum="0"), None, "credits would be -3, below the minimum of 0"),
        (credit("multiply", "1.5", maximum="10"), "7", "credits would be 10.5, above the maximum of 10"),
        (credit("top-up", "150", maximum="120"), "3", "credits would be 150, above the maximum of 120"),
        (credit("set", "150", maximum="120"), "3", "credits would be 150, above the maximum of 120"),
        (credit("set", "125", maximum="120"), "130", "credits would be 125, above the maximum of 120"),
        (credit("set", "-1", minimum="0"), "abc", "credits would be -1, below the minimum of 0"),
    ],
)
def test_refuse_says_what_would_pass_which_limit(change: Change, before: str | None, reason: str) -> None:
    assert refused(change, credits=before) == Refusal("limit", reason)


@pytest.mark.parametrize(
    ("change", "before", "result"),
    [
        (credit("decrease", "5", maximum="120"), "130", "125"),
        (credit("increase", "10", minimum="0"), "-20", "-10"),
        (credit("multiply", "1", maximum="120"), "130", "130"),
        (credit("top-up", "10", maximum="120"), "130", "130"),
    ],
)
def test_a_value_outside_may_come_nearer_or_stay(change: Change, before: str, result: str) -> None:
    assert after(change, credits=before) == result


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("abc", 'credits is "abc", not a number'),
        ("1,000", 'credits is "1,000", not a number'),
        ("NaN", 'credits is "NaN", not a number'),
        ("１２", 'credits is "１２", not a number'),  # noqa: RUF001 - full-width digits are the point
        ("1" * 400, f'credits is "{"1" * 40}…" (400 characters), a number of more than 40 digits'),
        ("\x1b[2J", 'credits is "\\x1b[2J", not a number'),
    ],
)
@pytest.mark.parametrize("action", ["increase", "decrease", "multiply", "top-up"])
def test_a_value_that_is_no_number_is_refused_and_quoted(action: Action, value: str, reason: str) -> None:
    assert refused(credit(action, "10"), credits=value) == Refusal("number", reason)


def test_a_refusal_says_what_to_do_about_a_bad_number() -> None:
    assert refused(credit("increase", "10"), credits="abc").mend == (
        "correct the field in the CRM, or empty it; "
        "write it in plain digits, without commas or currency: 12, -3 or 3.50"
    )


@pytest.mark.parametrize(
    ("change", "before", "refusal"),
    [
        (
            credit("multiply", "9" * 30),
            "9" * 30,
            Refusal("number", "credits would be a number of more than 40 digits"),
        ),
        (
            Change("credits", "increase", amount=dec("1"), decimals=40),
            "1",
            Refusal("number", "credits would be a number of more than 40 digits"),
        ),
        (
            Change("credits", "set", amount=dec("1"), decimals=10**9),
            "1",
            Refusal("number", "credits would be a number of more than 40 digits"),
        ),
        (
            credit("increase", "10", blank="1E+999999999"),
            "",
            Refusal("number", "credits would be a number of more than 40 digits"),
        ),
        (
            credit("increase", "1E+999999999"),
            "1",
            Refusal("amount", "the amount has to be a number of at most 40 digits"),
        ),
        (credit("set", "NaN"), "1", Refusal("amount", "the amount has to be a number of at most 40 digits")),
        (credit("set", "Infinity"), "1", Refusal("amount", "the amount has to be a number of at most 40 digits")),
        (Change("credits", "increase"), "1", Refusal("amount", "an amount is needed for credits")),
    ],
)
def test_absurd_numbers_are_refused_without_being_written(change: Change, before: str, refusal: Refusal) -> None:
    assert refused(change, credits=before) == refusal


_relative: st.SearchStrategy[Action] = st.sampled_from(["increase", "decrease", "multiply", "top-up"])
_limit = st.none() | numbers(1000)


@st.composite
def limited(draw: st.DrawFn, actions: st.SearchStrategy[Action], beyond: Beyond) -> Change:
    """Draw a change with an amount and limits that don't contradict each other."""
    minimum, maximum = draw(_limit), draw(_limit)
    assume(minimum is None or maximum is None or minimum <= maximum)
    return Change(
        "credits",
        draw(actions),
        amount=draw(numbers(1000)),
        minimum=minimum,
        maximum=maximum,
        beyond=beyond,
        decimals=draw(st.none() | st.integers(0, 4)),
    )


def goal(change: Change, before: Decimal) -> Fraction:
    """Say what a change comes to without limits and rounding, by other arithmetic than the one under test."""
    amount, present = Fraction(change.amount or 0), Fraction(before)
    return {
        "increase": present + amount,
        "decrease": present - amount,
        "multiply": present * amount,
        "top-up": max(present, amount),
        "set": amount,
    }[change.action]


@given(limited(_relative | st.just("set"), "clamp"), numbers(1000))
def test_clamp_never_moves_a_value_against_the_direction_of_its_change(change: Change, before: Decimal) -> None:
    aim = dec(
        after(Change("credits", change.action, amount=change.amount, decimals=change.decimals), credits=plain(before))
    )
    result = dec(after(change, credits=plain(before)))
    assert (result - before) * (aim - before) >= 0


@given(limited(_relative, "clamp"), numbers(1000))
def test_clamp_never_takes_a_value_further_past_a_limit(change: Change, before: Decimal) -> None:
    result = dec(after(change, credits=plain(before)))
    assert change.maximum is None or result <= max(change.maximum, before)
    assert change.minimum is None or result >= min(change.minimum, before)


@given(limited(_relative | st.just("set"), "refuse"), numbers(1000))
def test_refuse_either_refuses_or_comes_to_what_no_limits_would(change: Change, before: Decimal) -> None:
    found = plan(operation(change), {"credits": plain(before)}, NOW)
    free = Change("credits", change.action, amount=change.amount, decimals=change.decimals)
    if isinstance(found, Refusal):
        assert found.cause == "limit"
    else:
        assert found.changes[0].after == after(free, credits=plain(before))


@given(_relative | st.just("set"), numbers(), numbers())
def test_results_are_exact_up_to_half_of_the_last_place(action: Action, before: Decimal, amount: Decimal) -> None:
    change = Change("credits", action, amount=amount, decimals=6)
    assert Fraction(after(change, credits=plain(before))) == goal(change, before)


@given(_relative, any_text | st.none(), numbers())
def test_whatever_stands_in_the_field_there_is_a_plain_result_or_a_refusal(
    action: Action, before: str | None, amount: Decimal
) -> None:
    found = plan(operation(Change("credits", action, amount=amount)), {"credits": before}, NOW)
    if isinstance(found, Refusal):
        assert found.cause == "number"
    elif found.changes[0].after != (before or ""):
        assert plain(dec(found.changes[0].after)) == found.changes[0].after
